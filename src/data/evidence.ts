// Collects the evidence for a column's type from its cells, one at a time, so that columns larger than memory can be judged too.
import type { Cell } from "./cells.ts";
import { compactDays, type DateOrder, dateOrders, hasOrder, parseDate, parseTime } from "./dates.ts";
import { parseDuration } from "./durations.ts";
import { markOf } from "./marks.ts";
import {
  fits,
  isInfinite,
  maybeGrouped,
  type NumberFormat,
  type NumberShape,
  numberShape,
  numberShapes,
  plainDigits,
  plainNumber,
  type WrittenNumber,
} from "./numbers.ts";
import { thresholds } from "./thresholds.ts";
import { byCount, type Counted, copyOf, type ValueCount, ValueCounts } from "./valueCounts.ts";

/** A cell and its row from 0. */
export interface Sighted {
  readonly row: number;
  readonly cell: string;
}

const longestSighted = 256;

/** The number of cells of a kind, and the first of them. */
export class Sightings implements Counted {
  count = 0;
  first: Sighted | undefined;

  add(cell: string, row: number): void {
    if (this.count++ === 0) this.first = { row, cell: copyOf(cell.slice(0, longestSighted)) };
  }
}

/** Numbers written the same way. */
class ShapeSightings extends Sightings {
  /** Whether any of them has a fraction, unless its separator separates thousands. */
  fraction = false;
}

/** Limit of distinct non-numeric cells to count; more than the number that can mean "missing". */
const mostSpellings = thresholds.ownMarks + 5;
/** Larger whole numbers are rounded in float64. */
const mostExact = Number.MAX_SAFE_INTEGER;
/** The first number that may be a date. */
const firstCompact = 19000101;

const unsignedDigits = /^\d+$/;

const perKey = <K extends string, V>(keys: readonly K[], make: () => V): Readonly<Record<K, V>> =>
  Object.fromEntries(keys.map((key) => [key, make()])) as Record<K, V>;

/** Adds a cell to the count of its spelling. */
function addSpelling(all: Map<string, Sightings>, cell: string, row: number): Sightings {
  let seen = all.get(cell);
  if (seen === undefined) {
    seen = new Sightings();
    all.set(copyOf(cell), seen);
  }
  seen.add(cell, row);
  return seen;
}

type Shapes = Readonly<Record<NumberShape, ShapeSightings>>;
const noShapes = (): Shapes => perKey(numberShapes, () => new ShapeSightings());
const countOf = (shapes: Shapes): number => numberShapes.reduce((sum, shape) => sum + shapes[shape].count, 0);

/** Limit of distinct units: a column of amounts has one. */
const mostUnits = 8;
/** Two words of letters. */
const severalWords = /\p{L}{2}.*\s.*\p{L}/su;
/** One-digit hours followed by minutes and seconds, as stopwatches write them and clocks do not. */
const stopwatch = /^\d:\d\d:\d\d/;

/** Gathers the evidence from a column's cells. */
export class ColumnEvidence {
  /** All cells with content, except markers of missing values. */
  readonly values: ValueCounts;
  /** Markers of missing values, of both kinds. */
  readonly marks = new Map<string, Sightings>();
  readonly infinite = new Sightings();
  /** Cells that are not a number in any notation. */
  readonly words = new Sightings();
  /** The distinct ones among them, as long as they are few. */
  readonly spellings = new Map<string, Sightings>();
  /** Words that are not a date, for each order of day and month. */
  readonly noDate = perKey(dateOrders, () => new Sightings());
  /** Words that are not a time of day, and words that are not a duration. */
  readonly noTime = new Sightings();
  readonly noDuration = new Sightings();
  /** Numbers followed by a unit of time. */
  readonly durations = new Sightings();
  /** Times with one-digit hours, and seconds. */
  readonly stopwatches = new Sightings();
  /** Numbers that are dates, such as 20240501. */
  readonly compactDates = new Sightings();
  /** Dates with an ambiguous order of day and month. */
  readonly openDates = new Sightings();
  /** Digits with a leading zero. */
  readonly leadingZeros = new Sightings();
  readonly #shapes = noShapes();
  /** Numbers followed by a unit. */
  readonly #measured = new Map<string, Shapes>();
  #rows = 0;
  #empty = 0;
  #marked = 0;
  #digitsOnly = true;
  #fewestDigits = Number.POSITIVE_INFINITY;
  #mostDigits = 0;
  #exact = true;
  #binary = true;
  #increasing = true;
  #largest = Number.NEGATIVE_INFINITY;
  #smallest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;
  #words = false;

  /** `copies`: cells are substrings of a longer text, which must not stay in memory. */
  constructor(copies = false) {
    this.values = new ValueCounts(copies);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Cells that are neither empty nor markers of missing values. */
  get present(): number {
    return this.#rows - this.#empty - this.#marked;
  }

  /** Whether any cell has several words. */
  get severalWords(): boolean {
    return this.#words;
  }

  /** Whether float64 distinguishes all whole numbers. */
  get exact(): boolean {
    return this.#exact;
  }

  /** Whether all numbers are plain digits, too many for an amount. */
  get longDigits(): boolean {
    return this.#digitsOnly && !this.#exact;
  }

  /** Whether all numbers are 1 or 0. */
  get binary(): boolean {
    return this.#binary;
  }

  /**
   * Whether the digits are names rather than amounts: all cells have the same number of digits, or many have a leading zero. Amounts are
   * not written as 05123.
   */
  get codes(): boolean {
    const { count } = this.leadingZeros;
    return (
      count > 0 &&
      this.#digitsOnly &&
      (this.#fewestDigits === this.#mostDigits || thresholds.wholePerCode * count >= this.#shapes.whole.count)
    );
  }

  /** How often each value occurs, including markers of missing values, as far as values are kept. */
  counts(): ValueCount[] {
    const marks = [...this.marks].map(([value, { count }]) => ({ value, count }));
    return [...this.values.sorted(), ...marks].sort(byCount);
  }

  /** The unit that most numbers have, if any has one. */
  get unit(): string | null {
    const [most] = [...this.#measured].sort(([, a], [, b]) => countOf(b) - countOf(a));
    if (most === undefined) return null;
    const all = [this.#shapes, ...this.#measured.values()].reduce((sum, shapes) => sum + countOf(shapes), 0);
    return 2 * countOf(most[1]) >= all ? most[0] : null;
  }

  /** The extremes of the numbers written as 1234.5. */
  get range(): { readonly min: number; readonly max: number } {
    return { min: this.#smallest, max: this.#highest };
  }

  /** Whether every number is larger than the previous one. */
  get increasing(): boolean {
    return this.#increasing;
  }

  /** Numbers without a unit, and those with the column's unit. */
  #own(): Shapes[] {
    const measured = this.#measured.get(this.unit ?? "");
    return measured === undefined ? [this.#shapes] : [this.#shapes, measured];
  }

  /** The count of numbers of a shape. */
  shape(shape: NumberShape): number {
    return this.#own().reduce((sum, shapes) => sum + shapes[shape].count, 0);
  }

  /** The count of numbers in any notation. */
  get numbers(): number {
    return this.#own().reduce((sum, shapes) => sum + countOf(shapes), 0);
  }

  /** The count of cells that are not numbers in a notation, infinite ones excluded. */
  unreadable(format: NumberFormat): number {
    return this.#misfits(format).reduce((sum, { count }) => sum + count, 0);
  }

  /** The first cell that is not a number in a notation. */
  misfit(format: NumberFormat): Sighted | undefined {
    return firstOf(this.#misfits(format));
  }

  #misfits(format: NumberFormat): Sightings[] {
    const unit = this.unit;
    const others = [...this.#measured].flatMap(([other, shapes]) => (other === unit ? [] : Object.values(shapes)));
    const own = this.#own().flatMap((shapes) =>
      numberShapes.filter((shape) => !fits(shape, format)).map((shape) => shapes[shape]),
    );
    return [this.words, ...others, ...own];
  }

  #numberSightings(): Sightings[] {
    return [this.#shapes, ...this.#measured.values()].flatMap((shapes) => Object.values(shapes));
  }

  /** Cells that are not a date, with this order of day and month where it is ambiguous. */
  noDates(order: DateOrder): Seen {
    return together([this.noDate[order], this.infinite, ...this.#numberSightings()]);
  }

  noTimes(): Seen {
    return together([this.noTime, this.infinite, ...this.#numberSightings()]);
  }

  noDurations(): Seen {
    const { count, first } = together([this.noDuration, this.infinite, ...this.#numberSightings()]);
    const none = count - this.durations.count;
    return { count: none, first: none > 0 ? first : undefined };
  }

  wholeNumbers(format: NumberFormat): boolean {
    const groups: NumberShape = format === "groupedComma" ? "pointGroup" : "commaGroup";
    const grouped = format === "groupedComma" || format === "thousands";
    return this.#own().every((shapes) =>
      numberShapes.every((shape) => !fits(shape, format) || (grouped && shape === groups) || !shapes[shape].fraction),
    );
  }

  /** Adds a cell, and returns its number if written as 1234.5, else NaN. */
  add(cell: Cell, row: number): number {
    this.#rows++;
    if (cell === undefined || cell === "") {
      this.#empty++;
      return Number.NaN;
    }
    const plain = plainNumber(cell);
    if (Number.isFinite(plain)) {
      this.#addPlain(cell, row, plain);
      return plain;
    }
    if (markOf(cell) !== undefined) {
      this.#marked++;
      addSpelling(this.marks, cell, row);
      return Number.NaN;
    }
    const entry = this.values.add(cell);
    if (entry.others === undefined) entry.others = this.#addWord(cell, row);
    else for (const each of entry.others) each.count++;
    return Number.NaN;
  }

  #addPlain(cell: string, row: number, value: number): void {
    if (value > this.#largest) this.#largest = value;
    else this.#increasing = false;
    if (value < this.#smallest) this.#smallest = value;
    if (value > this.#highest) this.#highest = value;
    // Numbers that repeat, or only grow, and are many need not be distinguished by value.
    const { overflowed, repeated } = this.values;
    if (!(overflowed && (repeated || this.#increasing)) || this.words.count > 0) this.values.add(cell);
    if (value !== 0 && value !== 1) this.#binary = false;
    const whole = Number.isInteger(value);
    if (cell.includes(".")) {
      const seen = this.#shapes[maybeGrouped(cell) ? "pointGroup" : "point"];
      seen.add(cell, row);
      if (!whole) seen.fraction = true;
      this.#digitsOnly = false;
      return;
    }
    const seen = this.#shapes.whole;
    seen.add(cell, row);
    if (value >= firstCompact && !Number.isNaN(compactDays(value))) this.compactDates.add(cell, row);
    if (!whole) seen.fraction = true;
    else if (value > mostExact || value < -mostExact) this.#exact = false;
    if (!this.#digitsOnly) return;
    const { length } = cell;
    if (!unsignedDigits.test(cell)) this.#digitsOnly = false;
    else if (length > 1 && cell.charCodeAt(0) === 48) this.leadingZeros.add(cell, row);
    if (length < this.#fewestDigits) this.#fewestDigits = length;
    if (length > this.#mostDigits) this.#mostDigits = length;
  }

  /** Counts a cell that is not a plain number; returns the counters to increment when it repeats. */
  #addWord(cell: string, row: number): Counted[] {
    const counted: Counted[] = [];
    const add = (seen: Sightings): void => {
      seen.add(cell, row);
      counted.push(seen);
    };
    this.#increasing = false;
    if (isInfinite(cell)) {
      add(this.infinite);
      return counted;
    }
    const number = numberShape(cell);
    const shapes = number === undefined ? undefined : this.#shapesOf(number);
    if (number !== undefined && shapes !== undefined) {
      const { shape, bare } = number;
      const seen = shapes[shape];
      add(seen);
      const format =
        shape === "comma" || shape === "commaGroup" || shape === "pointGroups" ? "groupedComma" : "thousands";
      if (!Number.isInteger(plainNumber(plainDigits(bare, format)))) seen.fraction = true;
      this.#digitsOnly = false;
      this.#binary = false;
      // 45 min is both an amount of minutes and a duration.
      if (number.unit === undefined || Number.isNaN(parseDuration(cell))) return counted;
      this.durations.add(cell, row);
      counted.push(this.durations);
      return counted;
    }
    add(this.words);
    if (this.spellings.has(cell) || this.spellings.size < mostSpellings)
      counted.push(addSpelling(this.spellings, cell, row));
    if (!this.#words && severalWords.test(cell)) this.#words = true;
    const open = hasOrder(cell);
    if (open) add(this.openDates);
    const [dayFirst, monthFirst] = dateOrders.map((order) => Number.isNaN(parseDate(cell, order)));
    if (dayFirst) add(this.noDate.dayFirst);
    if (monthFirst) add(this.noDate.monthFirst);
    if (Number.isNaN(parseTime(cell))) add(this.noTime);
    else if (stopwatch.test(cell)) add(this.stopwatches);
    if (Number.isNaN(parseDuration(cell))) add(this.noDuration);
    return counted;
  }

  /** The counts of numbers with this unit; undefined if there are too many units for amounts. */
  #shapesOf({ unit }: WrittenNumber): Shapes | undefined {
    if (unit === undefined) return this.#shapes;
    const known = this.#measured.get(unit);
    if (known !== undefined || this.#measured.size >= mostUnits) return known;
    const shapes = noShapes();
    this.#measured.set(unit, shapes);
    return shapes;
  }
}

/** The number of cells of a kind, and the first of them. */
export type Seen = Pick<Sightings, "count" | "first">;

const together = (all: readonly Sightings[]): Seen => ({
  count: all.reduce((sum, { count }) => sum + count, 0),
  first: firstOf(all),
});

/** The one that comes first in the table. */
export const firstOf = (all: readonly Sightings[]): Sighted | undefined =>
  all
    .flatMap(({ first }) => (first === undefined ? [] : [first]))
    .sort((a, b) => a.row - b.row)
    .at(0);

/** The evidence of all cells. */
export function evidenceOf(cells: readonly Cell[]): ColumnEvidence {
  const evidence = new ColumnEvidence();
  for (let row = 0; row < cells.length; row++) evidence.add(cells[row], row);
  return evidence;
}
