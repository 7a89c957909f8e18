// The reading of a column's cells: decided once from all of them, stored with the model, and the same for every later row.
import { unreachable } from "../graph/errors.ts";
import { booleanOf, type Cell } from "./cells.ts";
import { compactDays, type DateForm, type DateOrder, parseDate, parseTime, perDay } from "./dates.ts";
import { parseDuration } from "./durations.ts";
import { decimalKey } from "./labels.ts";
import { markOf } from "./marks.ts";
import { isInfinite, type NumberFormat, parseNumber, plainNumber } from "./numbers.ts";
import { byCount, type ValueCount } from "./valueCounts.ts";

export interface NumberReading {
  readonly kind: "number";
  readonly format: NumberFormat;
  /** Whether the column holds only 1 and 0, so that true and false count as numbers too. */
  readonly booleans: boolean;
  /** Words that mean a missing value in this column, besides the usual markers. */
  readonly missing: readonly string[];
  /** The unit behind the numbers, if any: kg in 12 kg. */
  readonly unit: string | null;
}

export interface DateReading {
  readonly kind: "date";
  readonly order: DateOrder;
  /** A calendar date, a time of the day, or a date as a plain number. */
  readonly form: DateForm;
}

/** A duration, in seconds. */
export interface DurationReading {
  readonly kind: "duration";
}

/** Words for true and false, in any spelling. */
export interface BooleanReading {
  readonly kind: "boolean";
}

export interface TextReading {
  readonly kind: "text";
  /** The usual markers of missing values that are values of this column, such as NA among EU and AS. */
  readonly values: readonly string[];
}

/** The rule that turns a cell into a value. Plain JSON. */
export type Reading = NumberReading | DateReading | DurationReading | BooleanReading | TextReading;

export const asText: TextReading = { kind: "text", values: [] };
export const asNumber: NumberReading = { kind: "number", format: "plain", booleans: false, missing: [], unit: null };
export const asDate: DateReading = { kind: "date", order: "monthFirst", form: "calendar" };

/** Reads cells by a rule. */
export interface CellReader {
  /** Whether the cell has no value: empty, a marker of missing values, an infinite number. */
  missing(cell: Cell): boolean;
  /** Whether the cell has a readable value. */
  reads(cell: Cell): boolean;
  /** The number, the days of a date, the seconds of a duration, or 1 and 0 for true and false; NaN if there is none. */
  number(cell: Cell): number;
  /** The identity of a value: 1 and 1.0 are one number, True and yes one boolean, a text is as written. */
  key(cell: string): string;
}

const isEmpty = (cell: Cell): cell is undefined | "" => cell === undefined || cell === "";
const isMark = (cell: Cell): boolean => isEmpty(cell) || markOf(cell) !== undefined;

function numberReader({ format, booleans, missing, unit }: NumberReading): CellReader {
  const own: ReadonlySet<string> = new Set(missing);
  const number = (cell: Cell): number => {
    if (isEmpty(cell)) return Number.NaN;
    const value = parseNumber(cell, format, unit);
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

/** The days since 1970, or the fraction of a day, of a cell in this form. */
function daysIn(cell: string, { order, form }: DateReading): number {
  switch (form) {
    case "calendar":
      return parseDate(cell, order);
    case "time":
      return fallback(parseTime(cell), cell, order) % 1;
    case "compact":
      return fallback(compactDays(plainNumber(cell)), cell, order);
    case "seconds":
    case "milliseconds":
    case "microseconds":
    case "nanoseconds":
      return fallback(plainNumber(cell) / perDay[form], cell, order);
    default:
      return unreachable(form);
  }
}

/** Programs may pass dates where the file has plain numbers. */
const fallback = (days: number, cell: string, order: DateOrder): number =>
  Number.isNaN(days) ? parseDate(cell, order) : days;

function dateReader(reading: DateReading): CellReader {
  const number = (cell: Cell): number => (isEmpty(cell) ? Number.NaN : daysIn(cell, reading));
  return { missing: isMark, reads: (cell) => !Number.isNaN(number(cell)), number, key: (cell) => cell };
}

/** Programs pass durations as seconds. */
const secondsOf = (cell: Cell): number => {
  if (isEmpty(cell)) return Number.NaN;
  const seconds = parseDuration(cell);
  return Number.isNaN(seconds) ? plainNumber(cell) : seconds;
};
const durationReader: CellReader = {
  missing: isMark,
  reads: (cell) => !Number.isNaN(secondsOf(cell)),
  number: secondsOf,
  key: (cell) => String(secondsOf(cell)),
};

/**
 * The reader of a column. `typed`: the values were numbers before conversion to text (from a program or a Parquet file), so that a point is
 * a decimal point regardless of the training table's notation.
 */
export function readerOf(reading: Reading, typed = false): CellReader {
  switch (reading.kind) {
    case "number":
      return numberReader(typed ? { ...reading, format: "plain" } : reading);
    case "date":
      return dateReader(reading);
    case "duration":
      return durationReader;
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

/** The values among these texts, merged by key, the most frequent first. Unreadable texts are left out. */
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
