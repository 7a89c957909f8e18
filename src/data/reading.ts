// How the cells of a column are read: decided once from all of them, stored with the model, and the same for every later row.
import { unreachable } from "../graph/errors.ts";
import { booleanOf, type Cell, isInfinite, markOf, type NumberFormat, parseNumber } from "./cells.ts";
import { type DateOrder, parseDate } from "./dates.ts";
import { decimalKey } from "./labels.ts";
import { byCount, type ValueCount } from "./valueCounts.ts";

export interface NumberReading {
  readonly kind: "number";
  readonly format: NumberFormat;
  /** Whether the column holds 1 and 0 alone, so that true and false are numbers there too. */
  readonly booleans: boolean;
  /** What means a missing value in this column, beside the usual marks. */
  readonly missing: readonly string[];
}

export interface DateReading {
  readonly kind: "date";
  readonly order: DateOrder;
}

/** Words for true and false, in any spelling. */
export interface BooleanReading {
  readonly kind: "boolean";
}

export interface TextReading {
  readonly kind: "text";
  /** Usual marks of missing values that are values of this column, such as NA among EU and AS. */
  readonly values: readonly string[];
}

/** How a cell becomes a value. Plain JSON. */
export type Reading = NumberReading | DateReading | BooleanReading | TextReading;

export const asText: TextReading = { kind: "text", values: [] };
export const asNumber: NumberReading = { kind: "number", format: "plain", booleans: false, missing: [] };

/** A reading at work. */
export interface CellReader {
  /** Whether the cell says nothing: empty, a mark of missing values, an infinite number. */
  missing(cell: Cell): boolean;
  /** Whether it has a value that can be read. */
  reads(cell: Cell): boolean;
  /** The number, the days of a date, 1 and 0 of true and false; NaN where there is none. */
  number(cell: Cell): number;
  /** What tells values apart: 1 and 1.0 are one number, True and yes one answer, a text is what is written. */
  key(cell: string): string;
}

const isEmpty = (cell: Cell): cell is undefined | "" => cell === undefined || cell === "";
const isMark = (cell: Cell): boolean => isEmpty(cell) || markOf(cell) !== undefined;

function numberReader({ format, booleans, missing }: NumberReading): CellReader {
  const own: ReadonlySet<string> = new Set(missing);
  const number = (cell: Cell): number => {
    if (isEmpty(cell)) return Number.NaN;
    const value = parseNumber(cell, format);
    if (Number.isFinite(value)) return value;
    const word = booleans ? booleanOf(cell) : undefined;
    return word === undefined ? Number.NaN : Number(word);
  };
  return {
    missing: (cell) => isMark(cell) || own.has(cell ?? "") || isInfinite(cell ?? ""),
    reads: (cell) => !Number.isNaN(number(cell)),
    number,
    key(cell) {
      const word = booleans ? booleanOf(cell) : undefined;
      return word === undefined ? (decimalKey(cell, format) ?? cell) : String(Number(word));
    },
  };
}

function textReader({ values }: TextReading): CellReader {
  const kept: ReadonlySet<string> = new Set(values);
  const missing = (cell: Cell): boolean => isEmpty(cell) || (markOf(cell) === "usual" && !kept.has(cell));
  return { missing, reads: (cell) => !missing(cell), number: () => Number.NaN, key: (cell) => cell };
}

const booleanReader: CellReader = {
  missing: isMark,
  reads: (cell) => !isMark(cell),
  number: (cell) => Number(booleanOf(cell ?? "") ?? Number.NaN),
  key: (cell) => String(booleanOf(cell) ?? cell),
};

function dateReader({ order }: DateReading): CellReader {
  const number = (cell: Cell): number => (isEmpty(cell) ? Number.NaN : parseDate(cell, order));
  return { missing: isMark, reads: (cell) => !Number.isNaN(number(cell)), number, key: (cell) => cell };
}

/**
 * The reader of a column. `typed`: the values were numbers before they were text (of a program, of a Parquet file), so that a point is a
 * decimal point whatever the notation of the table that was learned from.
 */
export function readerOf(reading: Reading, typed = false): CellReader {
  switch (reading.kind) {
    case "number":
      return numberReader(typed ? { ...reading, format: "plain" } : reading);
    case "date":
      return dateReader(reading);
    case "boolean":
      return booleanReader;
    case "text":
      return textReader(reading);
    default:
      return unreachable(reading);
  }
}

/** A value with its most frequent spelling. */
export interface Spelling extends ValueCount {
  readonly key: string;
}

/** The values among these texts, those of one key together, the most frequent first. What cannot be read is left out. */
export function spellings(counts: readonly ValueCount[], reader: CellReader): Spelling[] {
  const found = new Map<string, { key: string; value: string; count: number; most: number }>();
  for (const { value, count } of counts) {
    if (!reader.reads(value)) continue;
    const key = reader.key(value);
    const seen = found.get(key);
    if (seen === undefined) {
      found.set(key, { key, value, count, most: count });
      continue;
    }
    seen.count += count;
    if (count > seen.most || (count === seen.most && value < seen.value)) [seen.value, seen.most] = [value, count];
  }
  return [...found.values()].map(({ key, value, count }) => ({ key, value, count })).sort(byCount);
}
