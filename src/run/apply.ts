// Applies the preprocessing of a run to other data, with or without targets to compare with.
import {
  applyPreprocessing,
  Dataset,
  type ImagePreprocessing,
  type TablePreprocessing,
  tableDataset,
  type Unread,
} from "../data/index.ts";
import type { Preprocessing } from "../formats/index.ts";
import { HebbError, unreachable } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import type { InMemory } from "../train/index.ts";
import { imageDataset } from "./prepare.ts";
import { formFor, read, withoutLabels } from "./read.ts";
import type { ReadOptions } from "./readOptions.ts";
import { type ImageSource, kindNames, type Source, type TableSource } from "./source.ts";
import { tokensOf } from "./text.ts";
import { textDataset } from "./texts.ts";

/** Data in the form that a model takes, with everything that could not be read. */
export interface Applied<T extends InMemory = InMemory> {
  readonly dataset: T;
  /** Sentences for the user. */
  readonly notes: readonly string[];
  /** Cell by cell. */
  readonly unread: readonly Unread[];
  /** The file of each row, if each has one. */
  readonly files?: readonly string[] | undefined;
}

const otherKind = ({ kind }: Preprocessing, source: Source): HebbError =>
  new HebbError(
    `this run was trained on ${kindNames[kind]}, not on ${kindNames[source.kind]}; give data of the same kind`,
  );

/** The amount of data, in words. */
export const amountOf = (data: InMemory): string =>
  data instanceof Dataset ? `${data.length} ${data.length === 1 ? "row" : "rows"}` : `${data.size} tokens`;

/** Applies the preprocessing, with targets. */
export function applyTo(preprocessing: Preprocessing, source: Source): Applied {
  switch (preprocessing.kind) {
    case "table":
      if (source.kind !== "table") throw otherKind(preprocessing, source);
      return rowsToCompare(preprocessing, source);
    case "images":
      if (source.kind !== "images") throw otherKind(preprocessing, source);
      if (source.labels === undefined) throw withoutLabels(source.names.images);
      return imagesOf(preprocessing, source);
    case "text":
      if (source.kind !== "text") throw otherKind(preprocessing, source);
      return { dataset: tokensOf(preprocessing, source), notes: [], unread: [] };
    case "texts":
      if (source.kind !== "table") throw otherKind(preprocessing, source);
      return { dataset: textDataset(preprocessing, source.table, "required"), notes: [], unread: [] };
    default:
      return unreachable(preprocessing);
  }
}

/** Applies the preprocessing without targets, for prediction. Rows keep their order, from 0. */
export function featuresOf(preprocessing: Preprocessing, source: Source): Applied<Dataset> {
  switch (preprocessing.kind) {
    case "table":
      if (source.kind !== "table") throw otherKind(preprocessing, source);
      return rowsToPredict(preprocessing, source);
    case "images":
      if (source.kind !== "images") throw otherKind(preprocessing, source);
      return imagesOf(preprocessing, { ...source, labels: undefined });
    case "texts":
      if (source.kind !== "table") throw otherKind(preprocessing, source);
      return { dataset: textDataset(preprocessing, source.table, "none"), notes: [], unread: [] };
    case "text":
      throw otherKind(preprocessing, source);
    default:
      return unreachable(preprocessing);
  }
}

function rowsToCompare(preprocessing: TablePreprocessing, { table, name }: TableSource): Applied<Dataset> {
  const { column } = preprocessing.target;
  if (!table.has(column))
    throw new HebbError(
      `${name} has no column ${quoted(column)} to compare with; add it, or use hebb predict, which does not need it`,
    );
  const rows = applyPreprocessing(preprocessing, table, { targets: "required" });
  if (rows.rows.length === 0)
    throw new HebbError(`${name} has no row with a ${quoted(column)} to compare with; fill that column in`);
  const left = table.rowCount - rows.rows.length;
  const leftOut =
    left === 0
      ? []
      : [
          `${left} of ${table.rowCount} rows ${left === 1 ? "is" : "are"} left out: without a ${quoted(column)}, or with missing values that were not to be filled`,
        ];
  return { dataset: tableDataset(rows), notes: [...rows.notes, ...leftOut], unread: rows.unread };
}

function rowsToPredict(preprocessing: TablePreprocessing, { table }: TableSource): Applied<Dataset> {
  const { features, featureCount, rows, notes, unread } = applyPreprocessing(preprocessing, table, { targets: "none" });
  const dataset = new Dataset({ features, featureShape: [featureCount], targets: new Int32Array(rows.length) });
  return { dataset, notes, unread };
}

const imagesOf = (
  preprocessing: ImagePreprocessing,
  { images, labels, names, files }: ImageSource,
): Applied<Dataset> => ({ dataset: imageDataset(preprocessing, images, labels, names), notes: [], unread: [], files });

/** Which data to test a run on. */
export interface TestChoices {
  readonly testData: string | null;
  readonly testLabels: string | null;
  readonly target: string | null;
  readonly sql: string | null;
  readonly sheet: string | null;
  readonly seed: number;
}

/** The test data of a run, if any were given. `asNeeded`: read on demand, if possible. */
export async function testSet(
  preprocessing: Preprocessing,
  { testData, testLabels, target, sql, sheet, seed }: TestChoices,
  { notices, asNeeded }: Pick<ReadOptions, "notices" | "asNeeded">,
): Promise<InMemory | undefined> {
  if (testData === null) return undefined;
  const source = await read(testData, {
    target: target ?? undefined,
    labels: testLabels ?? undefined,
    sql: sql ?? undefined,
    sheet: sheet ?? undefined,
    seed,
    needLabels: true,
    form: formFor(preprocessing),
    like: preprocessing,
    asNeeded,
    notices,
  });
  const { dataset, notes } = applyTo(preprocessing, source);
  notices?.warn(notes);
  return dataset;
}
