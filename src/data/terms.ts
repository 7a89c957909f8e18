// Texts as counts of terms: single words, and pairs of neighbours. What is frequent enough becomes features, weighted by how rare it is.
import { at } from "../graph/at.ts";
import { thresholds } from "./thresholds.ts";
import { type ValueCount, ValueCounts } from "./valueCounts.ts";

/** A run of letters and digits; where a script has no spaces between words, one sign. */
export const wordPattern =
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u30FC\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]\\p{M}*|[\\p{L}\\p{M}\\p{N}]+";
const word = new RegExp(wordPattern, "gu");

/** The words of a text, in small letters. */
export const wordsOf = (text: string): readonly string[] => text.normalize("NFKC").toLowerCase().match(word) ?? [];

/** How often each term comes: words, and pairs of them. */
export function termsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (term: string): unknown => counts.set(term, (counts.get(term) ?? 0) + 1);
  words.forEach((one, place) => {
    add(one);
    if (place > 0) add(`${at(words, place - 1)} ${one}`);
  });
  return counts;
}

/** What the fitted texts of a column say. */
export interface TextFacts {
  readonly rows: number;
  /** How many texts have each term, the most frequent first. */
  readonly terms: readonly ValueCount[];
  /** Mean and standard deviation of log(1 + words). */
  readonly mean: number;
  readonly deviation: number;
}

/** Texts of a column, one after the other, in memory that does not grow with them. */
export class TextScan {
  readonly #counts = new ValueCounts(true, thresholds.mostCountedTerms);
  #rows = 0;
  #sum = 0;
  #squares = 0;

  /** undefined is a gap: a text of no words. */
  add(text: string | undefined): void {
    const words = text === undefined ? [] : wordsOf(text);
    const length = Math.log1p(words.length);
    this.#rows++;
    this.#sum += length;
    this.#squares += length ** 2;
    for (const term of termsOf(words).keys()) this.#counts.add(term);
  }

  facts(): TextFacts {
    const rows = Math.max(1, this.#rows);
    const mean = this.#sum / rows;
    const deviation = Math.sqrt(Math.max(0, this.#squares / rows - mean ** 2));
    return { rows: this.#rows, terms: this.#counts.sorted(), mean, deviation };
  }
}

/** The terms that become features, at most so many, and the weight of each: log((1 + texts) / (1 + texts with it)) + 1. */
export function weighTerms(
  { rows, terms }: TextFacts,
  fewest: number,
  most: number,
): { term: string; weight: number }[] {
  return terms
    .filter(({ count }) => count >= fewest && count < rows)
    .slice(0, most)
    .map(({ value, count }) => ({ term: value, weight: Math.log((1 + rows) / (1 + count)) + 1 }));
}
