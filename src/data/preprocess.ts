// Applies a fitted preprocessing to a table: all rows at once become network inputs.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Cell } from "./cells.ts";
import type { TablePreprocessing } from "./preprocessing.ts";
import { RowEncoder, type Unread } from "./rowEncoder.ts";
import { checkTable, type Table } from "./table.ts";

export interface AppliedTable {
  /** Row-major [rows, featureCount]. */
  readonly features: Float32Array;
  readonly featureCount: number;
  /** Class numbers [rows], or scaled values [rows]; absent without a target column or if not requested. */
  readonly targets?: Int32Array | Float32Array;
  /** The weight of each row [rows], if the preprocessing names a weight column and targets are requested. */
  readonly weights?: Float32Array;
  /** The table row (from 0) of each row of features. If targets are requested, rows without one are left out. */
  readonly rows: Int32Array;
  /** Notes for the user about unreadable cells, which count as missing. */
  readonly notes: readonly string[];
  /** The same cells individually, at most a thousand. */
  readonly unread: readonly Unread[];
}

export interface ApplyPreprocessingOptions {
  /** "required" (default when the table has the target column): rows without it are left out. "none": features only. */
  readonly targets?: "required" | "none";
  /**
   * What to do if more cells are unreadable than slips allow, a fifth of a column. "refuse" (default): an error names the first. "missing":
   * they count as missing; for fitted rows, whose columns were judged as a whole.
   */
  readonly unreadable?: "refuse" | "missing";
}

const applyKinds: OptionKinds<ApplyPreprocessingOptions> = {
  targets: kind.oneOf("required", "none"),
  unreadable: kind.oneOf("refuse", "missing"),
};

/**
 * Features [rows, d] and targets of any table with the same columns; their order and extra columns do not matter. Cells are read as decided
 * during fitting.
 * Throws HebbError that names a missing column, a cell that is not a number, or a class that fitting did not see.
 */
export function applyPreprocessing(
  pre: TablePreprocessing,
  table: Table,
  options: ApplyPreprocessingOptions = {},
): AppliedTable {
  checkTable("applyPreprocessing", table);
  checkOptions("applyPreprocessing", options, applyKinds);
  const wanted = (options.targets ?? (table.has(pre.target.column) ? "required" : "none")) === "required";
  if (wanted) table.column(pre.target.column);
  const encoder = new RowEncoder(pre, table.columns, { name: table.name, targets: wanted });
  const columns = table.columns.map(({ cells }) => cells);
  const record: Cell[] = columns.map(() => undefined);
  const load = (row: number): void => {
    for (let i = 0; i < columns.length; i++) record[i] = columns[i]?.[row];
  };
  const taken = new Int32Array(table.rowCount);
  let count = 0;
  for (let row = 0; row < table.rowCount; row++) {
    load(row);
    if (encoder.takes(record)) taken[count++] = row;
  }
  const rows = taken.slice(0, count);
  const { width } = encoder;
  if (count * width > 2 ** 29) {
    throw new HebbError(
      `${table.name} becomes ${count} × ${width} features, more than 2^29; use fewer rows or columns`,
    );
  }
  const features = new Float32Array(count * width);
  const targets = pre.target.kind === "classes" ? new Int32Array(count) : new Float32Array(count);
  const weights = new Float32Array(encoder.weighted ? count : 0);
  for (let i = 0; i < count; i++) {
    const row = rows[i] ?? 0;
    load(row);
    encoder.features(record, row, features, i * width);
    if (wanted) targets[i] = encoder.target(record, row);
    if (encoder.weighted) weights[i] = encoder.weight(record, row);
  }
  if (options.unreadable !== "missing") encoder.check(count);
  const base = { features, featureCount: width, rows, notes: encoder.notes(), unread: encoder.unread };
  if (!wanted) return base;
  return encoder.weighted ? { ...base, targets, weights } : { ...base, targets };
}
