// Problems in a table before training: columns that leak the target, rare classes, damaged text, a missing header.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { quoted, visible } from "../graph/visible.ts";
import { show } from "./cells.ts";
import { taskFor } from "./fitTarget.ts";
import {
  checkTarget,
  type FitPreprocessingOptions,
  fitPreprocessing,
  fittingKinds,
  resolveOptions,
} from "./fitting.ts";
import { misreadNumbers, readingNotes, variedReason } from "./fittingNotes.ts";
import {
  classLeak,
  classPairLeaks,
  copies,
  type Labelled,
  labelsOf,
  numberLeak,
  numberPairLeaks,
  share,
} from "./leaks.ts";
import { driftInTime, duplicates } from "./rowFindings.ts";
import { checkTable, type JudgedColumn, type Table } from "./table.ts";

/**
 * leak: columns give the target away. imbalance: rare classes. encoding: damaged letters. header: the first line is data, or columns have
 * no name. target: it cannot be learned. cells: some are not values of their column. constant: one value, or none. identifier: it names
 * rows. text: words where most cells are numbers. copy: two columns hold the same. duplicates: repeated rows. drift: the last rows differ
 * from the first.
 */
export const findingCodes = [
  "leak",
  "imbalance",
  "encoding",
  "header",
  "target",
  "cells",
  "constant",
  "identifier",
  "text",
  "copy",
  "duplicates",
  "drift",
] as const;

export interface TableFinding {
  readonly code: (typeof findingCodes)[number];
  /** One or two sentences: the finding with its figures, and the advice. */
  readonly text: string;
  readonly columns: readonly string[];
}

/** A class is rare below one row in this many, and hardly learnable below this many rows. */
const [imbalance, fewestOfClass] = [10, 5] as const;

function imbalances(target: string, { labels, names }: Labelled): TableFinding[] {
  const counts = new Uint32Array(names.length);
  for (const label of labels) counts[label] = at(counts, label) + 1;
  const order = names.map((name, place) => ({ name, count: at(counts, place) })).sort((a, b) => b.count - a.count);
  const [most, least] = [order[0], order.at(-1)];
  if (most === undefined || least === undefined || order.length < 2) return [];
  const told = { code: "imbalance", columns: [target] } as const;
  if (most.count >= imbalance * Math.max(1, labels.length - most.count))
    return [
      {
        ...told,
        text: `${share(most.count, labels.length)} of the rows have the ${quoted(target)} ${visible(most.name)}: always answering that is right as often. Judge by the confusion matrix, not by the accuracy.`,
      },
    ];
  const rare = order.filter(({ count }) => count < fewestOfClass);
  if (rare.length > 0)
    return [
      {
        ...told,
        text: `${rare.length === 1 ? `The class ${visible(least.name)} has ${least.count} of ${labels.length} rows` : `${rare.length} classes have fewer than ${fewestOfClass} of ${labels.length} rows each (${visible(least.name)} has ${least.count})`}, too few to learn from and to test; add rows, or merge rare classes.`,
      },
    ];
  if (most.count < imbalance * least.count) return [];
  return [
    {
      ...told,
      text: `The class ${visible(least.name)} has ${least.count} of ${labels.length} rows, ${visible(most.name)} has ${most.count}: the accuracy says little about the rare one. Look at the confusion matrix.`,
    },
  ];
}

/** Typical letters of UTF-8 misread as Windows-1252, or of lost bytes. */
const damaged = /\uFFFD|[ÂÃ][\u0080-\u00BF€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00BFœ™˜¦“”]|ï»¿/;

function encodings(table: Table): TableFinding[] {
  let [count, first]: [number, string] = [0, ""];
  const columns = new Set<string>();
  const see = (text: string, column: string, where: string): void => {
    if (!damaged.test(text)) return;
    if (count++ === 0) first = `${quoted(text)} ${where}`;
    columns.add(column);
  };
  for (const { name } of table.columns) see(name, name, "is the name of a column");
  for (const { name, cells } of table.columns)
    for (const [row, cell] of cells.entries()) see(cell ?? "", name, `in row ${row + 1} of ${quoted(name)}`);
  if (count === 0) return [];
  const many = count === 1 ? "A text has" : `${count} texts have`;
  const text = `${many} damaged letters, such as ${first}: the file was written in one encoding and read in another. Save it again as UTF-8.`;
  return [{ code: "encoding", text, columns: [...columns] }];
}

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/** Finds a first line that resembles those below it: numbers above numbers, or a repeated value. */
function header(table: Table): TableFinding[] {
  const like = table.judgedColumns.filter(({ name, type, cells }) =>
    type.kind === "number" || type.kind === "identifier" ? isNumber(name) : cells.includes(name),
  );
  if (like.length === 0 || 2 * like.length < table.columns.length || !like.some(({ name }) => isNumber(name)))
    return [];
  const names = table.columnNames.slice(0, 4).map(visible).join(", ");
  return [
    {
      code: "header",
      text: `The first line (${names}${table.columns.length > 4 ? ", …" : ""}) looks like data, not like names of columns. Put a line of names before it.`,
      columns: like.map(({ name }) => name),
    },
  ];
}

/** Columns that are not used, with the reason. */
function unused(columns: readonly JudgedColumn[]): TableFinding[] {
  return columns.flatMap((column): TableFinding[] => {
    const { name, type, evidence } = column;
    const told = (code: TableFinding["code"], what: string): TableFinding[] => [
      { code, text: `${quoted(name)} is not used: ${what}.`, columns: [name] },
    ];
    if (type.kind === "empty") return told("constant", "it has no values");
    if (type.kind === "identifier") return told("identifier", variedReason(column));
    if (type.kind === "text") {
      const misread = misreadNumbers(column);
      return misread === undefined ? [] : told("text", misread);
    }
    const { values } = evidence;
    return values.size === 1 ? told("constant", `it is ${show([...values.keys()][0])} in every row`) : [];
  });
}

const remarksOf = (table: Table): TableFinding[] =>
  table.remarks.map(({ code, text, columns }) => ({
    code,
    text: `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`,
    columns,
  }));

/**
 * Problems of a table and its target, as sentences, before any training. A finding is not an error, except for the code "target", which
 * means that nothing can be learned.
 */
export function tableFindings(given: Table, options: FitPreprocessingOptions): TableFinding[] {
  checkTable("tableFindings", given);
  checkTarget("tableFindings", options, fittingKinds);
  const resolved = resolveOptions(given.name, given.columnNames, options);
  const table = given.as(resolved);
  const target = table.judged(resolved.target);
  const found = [...remarksOf(table), ...header(table), ...encodings(table)];
  let used: ReadonlySet<string>;
  try {
    used = new Set(fitPreprocessing(table, resolved).inputs.map(({ column }) => column));
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    return [...found, { code: "target", text: `${error.message}.`, columns: [target.name] }];
  }
  const inputs = table.judgedColumns.filter(({ name }) => used.has(name));
  const others = table.judgedColumns.filter(
    ({ name }) =>
      !used.has(name) && name !== target.name && name !== resolved.weights && !resolved.ignore?.includes(name),
  );
  const classes = taskFor(target, resolved.task) === "classification" ? labelsOf(target) : undefined;
  const leaking = new Set<string>();
  for (const column of inputs) {
    const text = classes === undefined ? numberLeak(column, target) : classLeak(column, target.name, classes);
    if (text === undefined) continue;
    leaking.add(column.name);
    found.push({ code: "leak", text, columns: [column.name, target.name] });
  }
  const innocent = inputs.filter(({ name }) => !leaking.has(name));
  const pairs =
    classes === undefined ? numberPairLeaks(innocent, target) : classPairLeaks(innocent, target.name, classes);
  for (const { text, columns } of pairs) found.push({ code: "leak", text, columns: [...columns, target.name] });
  if (classes !== undefined) found.push(...imbalances(target.name, classes));
  for (const { text, columns } of copies(innocent)) found.push({ code: "copy", text, columns });
  found.push(...unused(others));
  const repeated = duplicates(table);
  if (repeated !== undefined) found.push({ code: "duplicates", text: repeated, columns: [] });
  // A split by time has its own note about the held-out rows.
  const drift = resolved.time === undefined ? driftInTime([...inputs, target]) : undefined;
  if (drift !== undefined) found.push({ code: "drift", ...drift });
  for (const column of [target, ...inputs])
    for (const note of readingNotes(column)) found.push({ code: "cells", text: `${note}.`, columns: [column.name] });
  return found;
}
