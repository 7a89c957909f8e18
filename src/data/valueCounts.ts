// Counts the values of a column, in constant memory.

/** Limits: distinct values counted in a column, and their characters together. */
const mostValues = 20_000;
const mostCharacters = 2 ** 23;

export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

/** An object that counts occurrences. */
export interface Counted {
  count: number;
}

interface Entry extends Counted {
  /** Further counters to increment with this value, once its kinds are known. */
  others?: readonly Counted[];
}

/**
 * Counts of values. When there are too many, rare values are forgotten and frequent ones stay. The same cells in the same order give the
 * same counts, in memory or in parts.
 */
export class ValueCounts {
  readonly #counts = new Map<string, Entry>();
  readonly #copies: boolean;
  readonly #most: number;
  #characters = 0;
  #forgotten = 0;
  #repeated = false;

  /** `copies`: the values are substrings of a longer text, which they would keep in memory. `most`: maximum distinct values to keep. */
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

  /** Lossy counting (Manku and Motwani 2002): a dropped value occurred at most `forgotten` times. */
  #forget(): void {
    const sorted = Float64Array.from(this.#counts.values(), ({ count }) => count).sort();
    this.#forgotten = sorted[sorted.length >> 1] ?? this.#forgotten + 1;
    for (const [value, { count }] of this.#counts) {
      if (count > this.#forgotten) continue;
      this.#counts.delete(value);
      this.#characters -= value.length;
    }
  }

  /** The number of distinct values kept. */
  get size(): number {
    return this.#counts.size;
  }

  /** The count of a kept value may be too high by at most this. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Whether there were more values than kept. */
  get overflowed(): boolean {
    return this.#forgotten > 0;
  }

  /** Whether any kept value occurred twice. */
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
