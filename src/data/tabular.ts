// From a table straight to data sets: split, fit the preprocessing on the training rows, apply it to both parts.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { OptionKinds } from "../graph/options.ts";
import { quoted } from "../graph/visible.ts";
import { Dataset } from "./dataset.ts";
import { type ColumnExplanation, explainColumns } from "./explain.ts";
import { targetType, taskFor } from "./fitTarget.ts";
import {
  checkTarget,
  type FitPreprocessingOptions,
  fitPreprocessing,
  fittingKinds,
  resolveOptions,
  usableRows,
} from "./fitting.ts";
import { type AppliedTable, applyPreprocessing } from "./preprocess.ts";
import type { TablePreprocessing } from "./preprocessing.ts";
import { readerOf } from "./reading.ts";
import { acrossSplit, drifts } from "./rowFindings.ts";
import { type HeldOut, splitRows } from "./rowSplit.ts";
import { checkTable, type JudgedColumn, type Table } from "./table.ts";

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
  /** The decisions about each column. */
  readonly columns: readonly ColumnExplanation[];
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

/** The class of each of these rows, for stratified splits; undefined for a numeric target. */
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

/** The group of each of these rows; a row without one is a group of its own. */
const groupsOf = ({ cells, type, typed }: JudgedColumn, rows: ArrayLike<number>): string[] => {
  const reader = readerOf(type.reading, typed);
  return Array.from(rows, (row) => {
    const cell = cells[row];
    return cell !== undefined && reader.reads(cell) ? `=${reader.key(cell)}` : `row ${row}`;
  });
};

/** The time of each of these rows. Throws HebbError unless the column holds dates or numbers. */
function timesOf(table: Table, name: string, rows: ArrayLike<number>): Float64Array {
  const { cells, type, typed } = table.judged(name);
  if (type.reading.kind !== "date" && type.reading.kind !== "number")
    throw new HebbError(
      `${table.name}: the time ${quoted(name)} holds ${type.kind === "text" ? "text" : `values of the kind ${type.kind}`}; it must hold dates such as 2024-05-01, or numbers`,
    );
  const { number } = readerOf(type.reading, typed);
  return Float64Array.from(rows, (row) => number(cells[row]));
}

/** Notes about a split: the method, rows on both sides, and how the held-out rows differ. */
function splitNotes(
  table: Table,
  { group, time }: Pick<FitPreprocessingOptions, "group" | "time">,
  train: Int32Array,
  held: Int32Array,
): string[] {
  if (held.length === 0) return [];
  const across = acrossSplit(table, train, held);
  const notes = across === undefined ? [] : [across];
  if (group !== undefined) {
    const count = (rows: Int32Array): number => new Set(groupsOf(table.judged(group), rows)).size;
    notes.push(`split by ${quoted(group)}: ${count(train)} groups to learn from, ${count(held)} held out`);
  }
  if (time === undefined) return notes;
  notes.push(`split in time: ${train.length} rows to learn from, then ${held.length} held out, by ${quoted(time)}`);
  const found = drifts(
    table.judgedColumns.filter(({ name }) => name !== time),
    train,
    held,
  );
  if (found.length > 0) {
    const told = found.slice(0, 3).map(({ text }) => text);
    notes.push(
      `the rows held out are not like those before: ${told.join(", ")}${found.length > 3 ? ` and ${found.length - 3} more` : ""}`,
    );
  }
  return notes;
}

/** Fits the preprocessing on the training rows of a split, and returns both parts as data sets. */
export function prepareSplit(
  given: Table,
  options: Omit<FitPreprocessingOptions, "rows">,
  held: HeldOut,
): PreparedTable {
  const fitting = resolveOptions(given.name, given.columnNames, options);
  const table = given.as(fitting);
  const usable = usableRows(table, fitting);
  const { train, validation } = splitRows(
    {
      count: usable.length,
      labels: classLabels(table, usable, fitting),
      groups: fitting.group === undefined ? undefined : groupsOf(table.judged(fitting.group), usable),
      times: fitting.time === undefined ? undefined : timesOf(table, fitting.time, usable),
    },
    held,
  );
  const rowsOf = (places: Int32Array): Int32Array => Int32Array.from(places, (place) => usable[place] ?? 0);
  const trainRows = rowsOf(train);
  const validationRows = rowsOf(validation);
  const fitted = fitPreprocessing(table, { ...fitting, rows: trainRows });
  const preprocessing = {
    ...fitted,
    notes: [...fitted.notes, ...splitNotes(table, fitting, trainRows, validationRows)],
  };
  const part = (rows: Int32Array): Dataset =>
    tableDataset(applyPreprocessing(preprocessing, table.select(rows), { targets: "required", unreadable: "missing" }));
  const columns = explainColumns(table.judgedColumns, preprocessing, fitting);
  const result = { preprocessing, columns, train: part(trainRows), trainRows, validationRows };
  return validationRows.length > 0 ? { ...result, validation: part(validationRows) } : result;
}

/** Splits a table by seed, fits the preprocessing on the training rows only, and returns both parts as data sets. */
export function prepareTable(table: Table, options: PrepareTableOptions): PreparedTable {
  checkTable("prepareTable", table);
  const { validation = 0.2, seed = 0, ...fitting } = checkTarget("prepareTable", options, tableKinds);
  return prepareSplit(table, fitting, { kind: "share", share: validation, seed });
}
