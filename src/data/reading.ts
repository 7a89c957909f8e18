// How the cells of a column are read: decided once from all of them, stored with the model, and the same for every later row.
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
  /** Whether the column holds 1 and 0 alone, so that true and false are numbers there too. */
  readonly booleans: boolean;
  /** What means a missing value in this column, beside the usual marks. */
  readonly missing: readonly string[];
  /** What is measured, where it stands behind the numbers: kg of 12 kg. */
  readonly unit: string | null;
}

export interface DateReading {
  readonly kind: "date";
  readonly order: DateOrder;
  /** A day of the calendar, a time of the day, or figures that say a day. */
  readonly form: DateForm;
}

/** How long something takes, in seconds. */
export interface DurationReading {
  readonly kind: "duration";
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
export type Reading = NumberReading | DateReading | DurationReading | BooleanReading | TextReading;

export const asText: TextReading = { kind: "text", values: [] };
export const asNumber: NumberReading = { kind: "number", format: "plain", booleans: false, missing: [], unit: null };
export const asDate: DateReading = { kind: "date", order: "monthFirst", form: "calendar" };

/** A reading at work. */
export interface CellReader {
  /** Whether the cell says nothing: empty, a mark of missing values, an infinite number. */
  missing(cell: Cell): boolean;
  /** Whether it has a value that can be read. */
  reads(cell: Cell): boolean;
  /** The number, the days of a date, the seconds of a duration, 1 and 0 of true and false; NaN where there is none. */
  number(cell: Cell): number;
  /** What tells values apart: 1 and 1.0 are one number, True and yes one answer, a text is what is written. */
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

/** Days since 1970, or the share of a day, that a cell says in a form. */
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

/** Programs give dates where the file has figures. */
const fallback = (days: number, cell: string, order: DateOrder): number =>
  Number.isNaN(days) ? parseDate(cell, order) : days;

function dateReader(reading: DateReading): CellReader {
  const number = (cell: Cell): number => (isEmpty(cell) ? Number.NaN : daysIn(cell, reading));
  return { missing: isMark, reads: (cell) => !Number.isNaN(number(cell)), number, key: (cell) => cell };
}

/** Programs give a duration as seconds. */
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
 * The reader of a column. `typed`: the values were numbers before they were text (of a program, of a Parquet file), so that a point is a
 * decimal point whatever the notation of the table that was learned from.
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
