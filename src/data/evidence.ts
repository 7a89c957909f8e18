// What the cells of a column say about its type, gathered one by one, so that columns longer than memory can be judged too.
import {
  type Cell,
  fits,
  isInfinite,
  markOf,
  maybeGrouped,
  type NumberFormat,
  type NumberShape,
  numberShape,
  numberShapes,
  plainDigits,
  plainNumber,
} from "./cells.ts";
import { type DateOrder, dateOrders, hasOrder, parseDate } from "./dates.ts";
import { thresholds } from "./thresholds.ts";
import { byCount, type Counted, copyOf, type ValueCount, ValueCounts } from "./valueCounts.ts";

/** A cell and its row from 0. */
export interface Sighted {
  readonly row: number;
  readonly cell: string;
}

const longestSighted = 256;

/** How many cells of a kind there are, and the first of them. */
export class Sightings implements Counted {
  count = 0;
  first: Sighted | undefined;

  add(cell: string, row: number): void {
    if (this.count++ === 0) this.first = { row, cell: copyOf(cell.slice(0, longestSighted)) };
  }
}

/** Numbers that are written the same way. */
class ShapeSightings extends Sightings {
  /** Whether any of them has a fraction, unless its separator separates thousands. */
  fraction = false;
}

/** Distinct cells counted among those that are not numbers: more than mean "missing". */
const mostSpellings = thresholds.ownMarks + 5;
/** Whole numbers beyond are rounded in float64. */
const mostExact = Number.MAX_SAFE_INTEGER;

const unsignedDigits = /^\d+$/;

const perKey = <K extends string, V>(keys: readonly K[], make: () => V): Readonly<Record<K, V>> =>
  Object.fromEntries(keys.map((key) => [key, make()])) as Record<K, V>;

/** Counts a cell among those of its spelling. */
function addSpelling(all: Map<string, Sightings>, cell: string, row: number): Sightings {
  let seen = all.get(cell);
  if (seen === undefined) {
    seen = new Sightings();
    all.set(copyOf(cell), seen);
  }
  seen.add(cell, row);
  return seen;
}

/** Gathers what the cells of a column say. */
export class ColumnEvidence {
  /** Everything that is written, but for marks of missing values. */
  readonly values: ValueCounts;
  /** Marks of missing values, of both kinds. */
  readonly marks = new Map<string, Sightings>();
  readonly infinite = new Sightings();
  /** Cells that are not a number in any notation. */
  readonly words = new Sightings();
  /** The different ones among them, as long as they are few. */
  readonly spellings = new Map<string, Sightings>();
  /** Words that are not a date in an order of day and month. */
  readonly noDate = perKey(dateOrders, () => new Sightings());
  /** Dates whose order of day and month is open. */
  readonly openDates = new Sightings();
  /** Digits with a zero in front of them. */
  readonly leadingZeros = new Sightings();
  readonly #shapes = perKey(numberShapes, () => new ShapeSightings());
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
  #blanks = false;

  /** `copies`: cells are parts of a longer text, which must not stay in memory. */
  constructor(copies = false) {
    this.values = new ValueCounts(copies);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Cells that are neither empty nor marks of missing values. */
  get present(): number {
    return this.#rows - this.#empty - this.#marked;
  }

  /** Whether any word has blanks. */
  get blanks(): boolean {
    return this.#blanks;
  }

  /** Whether all whole numbers are distinguished by float64. */
  get exact(): boolean {
    return this.#exact;
  }

  /** Whether all numbers are 1 or 0. */
  get binary(): boolean {
    return this.#binary;
  }

  /**
   * Whether the digits are names rather than amounts: all cells have as many, or many have a zero in front.
   * Nobody writes amounts as 05123.
   */
  get codes(): boolean {
    const { count } = this.leadingZeros;
    return (
      count > 0 &&
      this.#digitsOnly &&
      (this.#fewestDigits === this.#mostDigits || thresholds.wholePerCode * count >= this.#shapes.whole.count)
    );
  }

  /** How often everything was written, marks of missing values too, as far as values are kept. */
  counts(): ValueCount[] {
    const marks = [...this.marks].map(([value, { count }]) => ({ value, count }));
    return [...this.values.sorted(), ...marks].sort(byCount);
  }

  /** Numbers of a shape. */
  shape(shape: NumberShape): number {
    return this.#shapes[shape].count;
  }

  /** Numbers in any notation. */
  get numbers(): number {
    return numberShapes.reduce((sum, shape) => sum + this.#shapes[shape].count, 0);
  }

  /** Cells that are not a number in a notation, infinite ones apart. */
  unreadable(format: NumberFormat): number {
    return this.#misfits(format).reduce((sum, { count }) => sum + count, 0);
  }

  /** The first cell that is not a number in a notation. */
  misfit(format: NumberFormat): Sighted | undefined {
    return firstOf(this.#misfits(format));
  }

  #misfits(format: NumberFormat): Sightings[] {
    return [this.words, ...numberShapes.filter((shape) => !fits(shape, format)).map((shape) => this.#shapes[shape])];
  }

  /** Cells that are not a date, with the day or the month first where the order is open. */
  noDates(order: DateOrder): { readonly count: number; readonly first: Sighted | undefined } {
    const all = [this.noDate[order], this.infinite, ...numberShapes.map((shape) => this.#shapes[shape])];
    return { count: all.reduce((sum, { count }) => sum + count, 0), first: firstOf(all) };
  }

  wholeNumbers(format: NumberFormat): boolean {
    const groups: NumberShape = format === "groupedComma" ? "pointGroup" : "commaGroup";
    const grouped = format === "groupedComma" || format === "thousands";
    return numberShapes.every(
      (shape) => !fits(shape, format) || (grouped && shape === groups) || !this.#shapes[shape].fraction,
    );
  }

  /** Takes a cell, and gives the number that it holds as 1234.5, or NaN. */
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
    // Numbers that come back, or only grow, and are many will not be distinguished by value.
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
    if (!whole) seen.fraction = true;
    else if (value > mostExact || value < -mostExact) this.#exact = false;
    if (!this.#digitsOnly) return;
    const { length } = cell;
    if (!unsignedDigits.test(cell)) this.#digitsOnly = false;
    else if (length > 1 && cell.charCodeAt(0) === 48) this.leadingZeros.add(cell, row);
    if (length < this.#fewestDigits) this.#fewestDigits = length;
    if (length > this.#mostDigits) this.#mostDigits = length;
  }

  /** Counts a cell that is not a plain number; returns what it counts as when it occurs again. */
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
    if (number !== undefined) {
      const { shape, bare } = number;
      const seen = this.#shapes[shape];
      add(seen);
      const format =
        shape === "comma" || shape === "commaGroup" || shape === "pointGroups" ? "groupedComma" : "thousands";
      if (!Number.isInteger(plainNumber(plainDigits(bare, format)))) seen.fraction = true;
      this.#digitsOnly = false;
      this.#binary = false;
      return counted;
    }
    add(this.words);
    if (this.spellings.has(cell) || this.spellings.size < mostSpellings)
      counted.push(addSpelling(this.spellings, cell, row));
    if (!this.#blanks && /\s/.test(cell)) this.#blanks = true;
    const open = hasOrder(cell);
    if (open) add(this.openDates);
    for (const order of dateOrders) if (Number.isNaN(parseDate(cell, order))) add(this.noDate[order]);
    return counted;
  }
}

/** The one that comes first in the table. */
export const firstOf = (all: readonly Sightings[]): Sighted | undefined =>
  all
    .flatMap(({ first }) => (first === undefined ? [] : [first]))
    .sort((a, b) => a.row - b.row)
    .at(0);

/** All that the cells say. */
export function evidenceOf(cells: readonly Cell[]): ColumnEvidence {
  const evidence = new ColumnEvidence();
  for (let row = 0; row < cells.length; row++) evidence.add(cells[row], row);
  return evidence;
}
