// What the cells of a column say about its type, gathered one by one, so that columns longer than memory can be judged too.
import { type Cell, type NumberFormat, parseDate, parseNumber } from "./cells.ts";

/** What a column holds. "identifier" and "text" differ in nearly every row and say nothing that generalises as they are. */
export type ColumnType =
  | {
      readonly kind: "number";
      readonly format: NumberFormat;
      readonly wholeNumbers: boolean;
      readonly unreadable: number;
    }
  | { readonly kind: "category" }
  | { readonly kind: "boolean" }
  | { readonly kind: "date" }
  | { readonly kind: "text" }
  | { readonly kind: "identifier" }
  | { readonly kind: "empty" };

const booleanPairs: readonly (readonly [string, string])[] = [
  ["false", "true"],
  ["no", "yes"],
  ["n", "y"],
  ["f", "t"],
];
const identifierName = /^(?:id|idx|index|row|row[ _-]?(?:id|number|names?)|rownames|uuid|guid|unnamed.*|.*[ _-]id)$/i;
const camelCaseIdentifier = /[a-z]I[dD]$/;

const formats: readonly NumberFormat[] = ["plain", "thousands", "decimalComma"];

/** A cell that is no number in a format, and where it stands. */
export interface Misfit {
  readonly row: number;
  readonly cell: string;
}

interface FormatEvidence {
  unreadable: number;
  wholeNumbers: boolean;
  first: Misfit | undefined;
}

/** With a limit, longer values are told apart by their beginning. */
const longestValue = 256;

/** Occurrences of values. With a limit, rare values are forgotten when there are more: what is frequent stays. */
export class ValueCounts {
  readonly #counts = new Map<string, { count: number }>();
  readonly #limit: number;
  readonly #bounded: boolean;
  #forgotten = 0;
  #repeated = false;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#bounded = limit !== Number.POSITIVE_INFINITY;
  }

  add(given: string): void {
    const value = this.#bounded && given.length > longestValue ? `${given.slice(0, longestValue)}…` : given;
    const seen = this.#counts.get(value);
    if (seen !== undefined) {
      seen.count++;
      this.#repeated = true;
      return;
    }
    // A part of a text keeps all of that text in memory, so a stream keeps copies.
    const own = this.#bounded && value.length > 12 ? value.split("").join("") : value;
    this.#counts.set(own, { count: this.#forgotten + 1 });
    if (this.#counts.size <= this.#limit) return;
    // Lossy counting (Manku and Motwani 2002): whatever is left out occurred at most this often.
    const sorted = Float64Array.from(this.#counts.values(), ({ count }) => count).sort();
    this.#forgotten = sorted[sorted.length >> 1] ?? this.#forgotten + 1;
    for (const [each, { count }] of this.#counts) if (count <= this.#forgotten) this.#counts.delete(each);
  }

  /** Different values that are kept. */
  get size(): number {
    return this.#counts.size;
  }

  /** Whether there were more values than the limit. */
  get overflowed(): boolean {
    return this.#forgotten > 0;
  }

  /** Whether any value came twice, as far as it was kept. */
  get repeated(): boolean {
    return this.#repeated;
  }

  keys(): IterableIterator<string> {
    return this.#counts.keys();
  }

  /** The most frequent first; ties in code-unit order. */
  sorted(): { value: string; count: number }[] {
    return [...this.#counts]
      .map(([value, { count }]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  }
}

/** Gathers what the cells of a column say. With a limit on different values, memory is bounded and rare values may be forgotten. */
export class ColumnEvidence {
  readonly values: ValueCounts;
  readonly #formats: readonly FormatEvidence[] = formats.map(() => ({
    unreadable: 0,
    wholeNumbers: true,
    first: undefined,
  }));
  #present = 0;
  #missing = 0;
  #dates = true;
  #blanks = false;

  constructor(limit?: number) {
    this.values = new ValueCounts(limit);
  }

  get present(): number {
    return this.#present;
  }

  get missing(): number {
    return this.#missing;
  }

  /** Takes a cell, and gives the plain number that it holds, or NaN. */
  add(cell: Cell, row: number): number {
    if (cell === undefined) {
      this.#missing++;
      return Number.NaN;
    }
    this.#present++;
    // Numbers that come back and are many will not be told apart by value.
    const settled = this.values.overflowed && this.values.repeated && this.#formats[0]?.unreadable === 0;
    if (!settled) this.values.add(cell);
    const plain = parseNumber(cell);
    if (Number.isFinite(plain)) {
      // A plain number is one in every notation, and no date.
      this.#dates = false;
      if (!Number.isInteger(plain)) for (const each of this.#formats) each.wholeNumbers = false;
      return plain;
    }
    for (let i = 0; i < formats.length; i++) {
      const each = this.#formats[i];
      if (each === undefined) continue;
      const value = i > 0 && cell.includes(",") ? parseNumber(cell, formats[i]) : Number.NaN;
      if (!Number.isFinite(value)) {
        each.unreadable++;
        each.first ??= { row, cell: cell.slice(0, longestValue).split("").join("") };
      } else if (!Number.isInteger(value)) each.wholeNumbers = false;
    }
    if (this.#dates && Number.isNaN(parseDate(cell))) this.#dates = false;
    if (!this.#blanks && /\s/.test(cell)) this.#blanks = true;
    return Number.NaN;
  }

  /** Whether all cells so far are dates. */
  get dates(): boolean {
    return this.#dates;
  }

  /** The first cell that is no number in this notation. */
  misfit(format: NumberFormat): Misfit | undefined {
    return this.#formats[formats.indexOf(format)]?.first;
  }

  #number(): Extract<ColumnType, { kind: "number" }> | undefined {
    const as = (which: number): Extract<ColumnType, { kind: "number" }> => ({
      kind: "number",
      format: formats[which] ?? "plain",
      wholeNumbers: this.#formats[which]?.wholeNumbers ?? false,
      unreadable: this.#formats[which]?.unreadable ?? 0,
    });
    const unreadable = this.#formats.map((each) => each.unreadable);
    const whole = unreadable.indexOf(0);
    if (whole >= 0) return as(whole);
    // A few slips ("12o", "-") in a long column of numbers are missing values, not a reason to make categories of it.
    const tolerable = this.#present >= 40 ? this.#present * 0.03 : -1;
    const found = unreadable.findIndex((count) => count <= tolerable);
    return found >= 0 ? as(found) : undefined;
  }

  /** What the column of that name holds. What fits no narrower kind is a category or text. */
  type(name: string): ColumnType {
    if (this.#present === 0) return { kind: "empty" };
    const { values } = this;
    const number = this.#number();
    if (number) {
      const unique = !values.repeated && this.#present > 10 && number.wholeNumbers && number.unreadable === 0;
      return unique && (identifierName.test(name) || camelCaseIdentifier.test(name)) ? { kind: "identifier" } : number;
    }
    if (values.size <= 8 && !values.overflowed) {
      const lower = new Set([...values.keys()].map((value) => value.toLowerCase()));
      if (lower.size <= 2 && booleanPairs.some((pair) => [...lower].every((value) => pair.includes(value))))
        return { kind: "boolean" };
    }
    if (this.#dates) return { kind: "date" };
    // A category is worth learning only if its values come back: here, most rows must share theirs with another row.
    const varied = values.overflowed
      ? values
          .sorted()
          .slice(0, 100)
          .reduce((sum, { count }) => sum + count, 0) <
        this.#present / 2
      : this.#present > 20 && values.size > this.#present / 2;
    if (varied) return this.#blanks ? { kind: "text" } : { kind: "identifier" };
    return { kind: "category" };
  }
}

/** All that the cells say. */
export function evidenceOf(cells: readonly Cell[]): ColumnEvidence {
  const evidence = new ColumnEvidence();
  for (let row = 0; row < cells.length; row++) evidence.add(cells[row], row);
  return evidence;
}

/** Decides what a column holds from all its cells. Nothing is thrown: what fits no narrower kind is a category or text. */
export const inferColumnType = (column: { readonly name: string; readonly cells: readonly Cell[] }): ColumnType =>
  evidenceOf(column.cells).type(column.name);
