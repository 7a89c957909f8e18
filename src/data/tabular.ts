// From a table straight to data sets: split, fit the preprocessing on the training rows, apply it to both parts.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { OptionKinds } from "../graph/options.ts";
import { Dataset } from "./dataset.ts";
import { targetType, taskFor } from "./fitTarget.ts";
import { checkTarget, type FitPreprocessingOptions, fitPreprocessing, fittingKinds, usableRows } from "./fitting.ts";
import { type AppliedTable, applyPreprocessing } from "./preprocess.ts";
import type { TablePreprocessing } from "./preprocessing.ts";
import { readerOf } from "./reading.ts";
import { type Split, trainValidationSplit } from "./split.ts";
import { checkTable, type Table } from "./table.ts";

export interface PrepareTableOptions extends Omit<FitPreprocessingOptions, "rows"> {
  /** Share of rows for validation (default 0.2), stratified for classes. */
  readonly validation?: number;
  readonly seed?: number;
}

const { rows: _, ...withoutRows } = fittingKinds;
const tableKinds: OptionKinds<PrepareTableOptions> = {
  ...withoutRows,
  validation: kind.number,
  seed: kind.number,
};

export interface PreparedTable {
  readonly preprocessing: TablePreprocessing;
  readonly train: Dataset;
  /** Absent when the share is 0. */
  readonly validation?: Dataset;
  /** Table rows (from 0) of each sample. */
  readonly trainRows: Int32Array;
  readonly validationRows: Int32Array;
}

/** Features [n, d] float32; targets [n] int32 for classes, [n, 1] float32 for numbers. Throws HebbError when `applied` has no targets. */
export function tableDataset(applied: AppliedTable): Dataset {
  const { features, featureCount, targets, weights } = applied;
  if (!targets)
    throw new HebbError("these rows have no targets; apply the preprocessing to a table that has the target column");
  return new Dataset({
    features,
    featureShape: [featureCount],
    targets,
    targetShape: targets instanceof Int32Array ? [] : [1],
    ...(weights ? { weights } : {}),
  });
}

/** The class of each of these rows, for splits that keep the mix of classes; undefined where a number is to be predicted. */
function classLabels(
  table: Table,
  rows: ArrayLike<number>,
  { target, task }: Pick<FitPreprocessingOptions, "target" | "task">,
): string[] | undefined {
  const column = table.judged(target);
  if (taskFor(column, task) === "regression") return undefined;
  const reader = readerOf(targetType(column, task).reading, column.typed);
  return Array.from(rows, (row) => reader.key(column.cells[row] ?? ""));
}

/** Fits the preprocessing on the training rows of a split, and gives both parts as data sets. `split` is given how many rows can be used. */
export function prepareSplit(
  table: Table,
  fitting: Omit<FitPreprocessingOptions, "rows">,
  split: (count: number, labels: readonly string[] | undefined) => Split,
): PreparedTable {
  const usable = usableRows(table, fitting);
  const { train, validation } = split(usable.length, classLabels(table, usable, fitting));
  const rowsOf = (places: Int32Array): Int32Array => Int32Array.from(places, (place) => usable[place] ?? 0);
  const trainRows = rowsOf(train);
  const validationRows = rowsOf(validation);
  const preprocessing = fitPreprocessing(table, { ...fitting, rows: trainRows });
  const part = (rows: Int32Array): Dataset =>
    tableDataset(applyPreprocessing(preprocessing, table.select(rows), { targets: "required", unreadable: "missing" }));
  const result = { preprocessing, train: part(trainRows), trainRows, validationRows };
  return validationRows.length > 0 ? { ...result, validation: part(validationRows) } : result;
}

/** Splits a table by seed, fits the preprocessing on the training rows only, and gives both parts as data sets. */
export function prepareTable(table: Table, options: PrepareTableOptions): PreparedTable {
  checkTable("prepareTable", table);
  const { validation = 0.2, seed = 0, ...fitting } = checkTarget("prepareTable", options, tableKinds);
  return prepareSplit(table, fitting, (count, labels) =>
    trainValidationSplit(count, { validation, seed, ...(labels === undefined ? {} : { labels }) }),
  );
}
