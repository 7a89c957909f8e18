// How often each value of a column occurs, in memory that does not grow with the rows.

/** Limits: distinct values counted in a column, and their characters together. */
const mostValues = 20_000;
const mostCharacters = 2 ** 23;

export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

/** What is counted. */
export interface Counted {
  count: number;
}

interface Entry extends Counted {
  /** Further counts that grow whenever the value comes, once somebody has found out which. */
  others?: readonly Counted[];
}

/**
 * Occurrences of values. When there are too many, rare values are forgotten and what is frequent stays. The same cells in the same order
 * give the same counts, whether the table is in memory or read in parts.
 */
export class ValueCounts {
  readonly #counts = new Map<string, Entry>();
  readonly #copies: boolean;
  readonly #most: number;
  #characters = 0;
  #forgotten = 0;
  #repeated = false;

  /** `copies`: the values are parts of a longer text, which they would keep in memory. `most`: different values that are kept at most. */
  constructor(copies = false, most = mostValues) {
    this.#copies = copies;
    this.#most = most;
  }

  add(value: string): Entry {
    const seen = this.#counts.get(value);
    if (seen !== undefined) {
      seen.count++;
      this.#repeated = true;
      return seen;
    }
    const entry: Entry = { count: this.#forgotten + 1 };
    this.#counts.set(this.#copies ? copyOf(value) : value, entry);
    this.#characters += value.length;
    if (this.#counts.size > this.#most || this.#characters > mostCharacters) this.#forget();
    return entry;
  }

  /** Lossy counting (Manku and Motwani 2002): whatever is left out occurred at most `forgotten` times. */
  #forget(): void {
    const sorted = Float64Array.from(this.#counts.values(), ({ count }) => count).sort();
    this.#forgotten = sorted[sorted.length >> 1] ?? this.#forgotten + 1;
    for (const [value, { count }] of this.#counts) {
      if (count > this.#forgotten) continue;
      this.#counts.delete(value);
      this.#characters -= value.length;
    }
  }

  /** Different values that are kept. */
  get size(): number {
    return this.#counts.size;
  }

  /** A value that is kept may have come less often than is counted, by this at most. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Whether there were more values than are kept. */
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
  sorted(): ValueCount[] {
    return [...this.#counts].map(([value, { count }]) => ({ value, count })).sort(byCount);
  }
}

/** The most frequent first; ties in code-unit order. */
export const byCount = (a: ValueCount, b: ValueCount): number => b.count - a.count || (a.value < b.value ? -1 : 1);

/** A copy: a substring keeps the whole string in memory. Engines copy short ones themselves. */
export const copyOf = (text: string): string => (text.length > 12 ? text.split("").join("") : text);
