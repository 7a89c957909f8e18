// Labelled texts in a table, for a pretrained model: from a column to rows of tokens, with the model's own tokenizer.
import { Dataset, type Table } from "../data/index.ts";
import type { TextsPreprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import { type Base, positionsOf, tokenizerIn, tokenizerOf } from "./base.ts";

/** The token for padding. */
export const paddingOf = (preprocessing: TextsPreprocessing): number => tokenizerOf(preprocessing).padding;

/** The default maximum number of tokens kept of a text, if the model takes more. */
const usualLength = 256;

/** The column with the longest cells, other than the target. */
function textColumn(table: Table, target: string): string {
  const lengths = table.columnNames
    .filter((name) => name !== target)
    .map((name) => ({
      name,
      length: table.column(name).cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0),
    }));
  const [longest] = lengths.sort((a, b) => b.length - a.length);
  if (longest === undefined || longest.length === 0)
    throw new HebbError(`${quoted(target)} is the only column with content; the table also needs a column of texts`);
  return longest.name;
}

/** Fits the classes, and the length of the longest text. */
export function fitTexts(table: Table, target: string, rows: ArrayLike<number>, base: Base): TextsPreprocessing {
  const { name: column } = table.column(textColumn(table, table.column(target).name));
  const labels = labelsOf(table, target);
  const counts = new Map<string, number>();
  for (const row of Array.from(rows)) {
    const label = labels[row];
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const classes = [...new Set(labels.filter((label) => label !== undefined))].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  if (classes.length < 2)
    throw new HebbError(
      `the column ${quoted(target)} has ${classes.length === 1 ? "one value" : "no value"}; classes need at least two`,
    );
  const files = tokenizerIn(base);
  const tokenizer = tokenizerOf(files);
  const most = Math.min(positionsOf(base.config) ?? usualLength, tokenizer.maxLength ?? usualLength, usualLength);
  const needed = textsIn(table, column).reduce(
    (length, text) => Math.max(length, tokenizer.encode(text, { maxLength: most }).ids.length),
    1,
  );
  const length = Math.min(most, Math.ceil(needed / 8) * 8);
  return {
    kind: "texts",
    version: 1,
    column,
    ...files,
    length,
    target: {
      kind: "classes",
      column: table.column(target).name,
      classes,
      counts: classes.map((one) => counts.get(one) ?? 0),
    },
    notes: [`texts of the column ${quoted(column)}, ${length} tokens of each, by the tokenizer of the base model`],
  };
}

const textsIn = (table: Table, column: string): string[] => table.column(column).cells.map((cell) => cell ?? "");

/** The class of each row as written; undefined if it is missing. */
export const labelsOf = (table: Table, target: string): (string | undefined)[] =>
  table.column(target).cells.map((cell) => {
    const text = cell?.trim();
    return text === "" ? undefined : text;
  });

/** Rows of padded tokens. Classes unseen in training are refused; without a target every class is 0. */
export function textDataset(preprocessing: TextsPreprocessing, table: Table, targets: "required" | "none"): Dataset {
  const { column, length, target } = preprocessing;
  if (!table.has(column))
    throw new HebbError(
      `the table has no column ${quoted(column)} with the texts; its columns are ${table.columnNames.map(quoted).join(", ")}`,
    );
  const tokenizer = tokenizerOf(preprocessing);
  const texts = textsIn(table, column);
  const features = new Int32Array(texts.length * length).fill(tokenizer.padding);
  for (const [row, text] of texts.entries())
    features.set(tokenizer.encode(text, { maxLength: length }).ids, row * length);
  const classes = targets === "none" ? new Int32Array(texts.length) : classesOf(table, target);
  return new Dataset({ features, featureShape: [length], targets: classes });
}

function classesOf(table: Table, { column, classes }: TextsPreprocessing["target"]): Int32Array {
  const places = new Map(classes.map((name, place) => [name, place]));
  return Int32Array.from(labelsOf(table, column), (label, row) => {
    const place = label === undefined ? undefined : places.get(label);
    if (place !== undefined) return place;
    throw new HebbError(
      `row ${row + 1} has the class ${label === undefined ? "nothing" : quoted(label)} in ${quoted(column)}, which is not among ${classes.map(quoted).join(", ")}`,
    );
  });
}
