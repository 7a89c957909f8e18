// The input of fitting a preprocessing: the type of each column, from all rows, and statistics of the training rows.
import type { ColumnType } from "./columnType.ts";
import type { ColumnEvidence } from "./evidence.ts";
import { logTransform } from "./preprocessing.ts";
import { readerOf } from "./reading.ts";
import { type ColumnSummary, type JudgedColumn, numberSummary, numericCells } from "./table.ts";
import type { TableRemark } from "./tableRemarks.ts";
import { type TextFacts, TextScan } from "./terms.ts";
import { type ValueCount, ValueCounts } from "./valueCounts.ts";

/** Statistics of a column's numbers (days for dates) in the fitted rows. */
export interface NumberFacts {
  readonly rows: number;
  readonly missing: number;
  readonly raw: NonNullable<ColumnSummary["range"]> | undefined;
  /** After the logarithm. */
  readonly log: NonNullable<ColumnSummary["range"]> | undefined;
  /** Number of distinct values; exact up to 11 at least. */
  readonly distinct: number;
  /** The standardised third moment: 0 when symmetric, above 2 when a long tail hides the bulk of the values. */
  readonly skewness: number;
  readonly mode: number;
  /** Whether any value is not a whole number. */
  readonly fractional: boolean;
}

export interface ColumnFacts {
  readonly name: string;
  readonly evidence: ColumnEvidence;
  readonly type: ColumnType;
  /** For numbers and dates. */
  numbers(): NumberFacts;
  /** How often each text occurs in the fitted rows, including markers of missing values. */
  counts(): {
    readonly rows: number;
    readonly values: readonly ValueCount[];
    /** Whether there are more values than counted. */
    readonly more: boolean;
  };
  /** For texts: how many of the fitted rows have each term. */
  texts(): TextFacts;
}

/** Statistics of all rows. */
export interface RowFacts {
  readonly name: string;
  readonly rows: number;
  /** Rows to train on. */
  readonly usable: number;
  readonly withoutTarget: number;
  /** Remarks about reading the file. */
  readonly remarks: readonly TableRemark[];
  /** Rows left out for a gap in another column. */
  readonly withGaps: number;
}

function skewness(values: Float64Array, mean: number, std: number): number {
  let sum = 0;
  for (const value of values) sum += ((value - mean) / std) ** 3;
  return sum / values.length;
}

/** The most frequent value; the smallest at a tie. */
export function modeOf(values: Float64Array): number {
  let [mode, most, run, last] = [Number.NaN, 0, 0, Number.NaN];
  for (const value of values.slice().sort()) {
    run = value === last ? run + 1 : 1;
    last = value;
    if (run > most) [mode, most] = [value, run];
  }
  return mode;
}

/** The statistics of a column in memory. */
export function factsOf(column: JudgedColumn, rows: readonly number[]): ColumnFacts {
  const { name, evidence, type } = column;
  const cells = rows.map((row) => column.cells[row]);
  return {
    name,
    evidence,
    type,
    numbers() {
      const values = numericCells({ ...column, cells }, type.reading).filter((value) => !Number.isNaN(value));
      const raw = numberSummary(values);
      return {
        rows: cells.length,
        missing: cells.length - values.length,
        raw,
        log: numberSummary(values.map(logTransform)),
        distinct: new Set(values).size,
        skewness: raw ? skewness(values, raw.mean, raw.std) : 0,
        mode: modeOf(values),
        fractional: values.some((value) => !Number.isInteger(value)),
      };
    },
    counts() {
      const values = new ValueCounts();
      for (const cell of cells) if (cell !== undefined) values.add(cell);
      return { rows: cells.length, values: values.sorted(), more: values.overflowed };
    },
    texts() {
      const scan = new TextScan();
      const { missing } = readerOf(type.reading, column.typed);
      for (const cell of cells) scan.add(missing(cell) ? undefined : cell);
      return scan.facts();
    },
  };
}
