// Texts as term counts: single words and pairs of neighbours. Frequent terms become features, weighted by rarity.
import { at } from "../graph/at.ts";
import { thresholds } from "./thresholds.ts";
import { type ValueCount, ValueCounts } from "./valueCounts.ts";

/** Scripts without spaces between words. */
const unspaced =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u30FC\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";
/** A run of letters and digits; in scripts without spaces between words, one character. */
export const wordPattern = `[${unspaced}]\\p{M}*|(?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}])+`;
const word = new RegExp(wordPattern, "gu");

/** Too many marks above a letter: normalising takes time quadratic in their number (Unicode's UAX #15 allows 30). */
export const marksPattern = "(\\p{M}{30})\\p{M}+";
const marks = new RegExp(marksPattern, "gu");

/** The words of a text, lowercased. */
export const wordsOf = (text: string): readonly string[] =>
  text.replace(marks, "$1").normalize("NFKC").toLowerCase().match(word) ?? [];

/** The count of each term: words, and pairs of them. */
export function termsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (term: string): unknown => counts.set(term, (counts.get(term) ?? 0) + 1);
  words.forEach((one, place) => {
    add(one);
    if (place > 0) add(`${at(words, place - 1)} ${one}`);
  });
  return counts;
}

/** Statistics of a column's fitted texts. */
export interface TextFacts {
  readonly rows: number;
  /** The number of texts with each term, the most frequent first; too high by at most `uncertain`. */
  readonly uncertain: number;
  readonly terms: readonly ValueCount[];
  /** Mean and standard deviation of log(1 + words). */
  readonly mean: number;
  readonly deviation: number;
}

/** Scans the texts of a column one after another, in constant memory. */
export class TextScan {
  readonly #counts = new ValueCounts(true, thresholds.mostCountedTerms);
  #rows = 0;
  #mean = 0;
  #squares = 0;

  /** undefined is a gap: a text without words. */
  add(text: string | undefined): void {
    const words = text === undefined ? [] : wordsOf(text);
    const length = Math.log1p(words.length);
    this.#rows++;
    // Sums of squares would leave a rounding error if all texts have one length (Welford 1962).
    const delta = length - this.#mean;
    this.#mean += delta / this.#rows;
    this.#squares += delta * (length - this.#mean);
    for (const term of termsOf(words).keys()) this.#counts.add(term);
  }

  facts(): TextFacts {
    const deviation = Math.sqrt(this.#squares / Math.max(1, this.#rows));
    return {
      rows: this.#rows,
      uncertain: this.#counts.forgotten,
      terms: this.#counts.sorted(),
      mean: this.#mean,
      deviation: deviation < 1e-6 ? 0 : deviation,
    };
  }
}

/** The terms that become features, up to a limit, and the weight of each: log((1 + texts) / (1 + texts with it)) + 1. */
export function weighTerms(
  { rows, uncertain, terms }: TextFacts,
  fewest: number,
  most: number,
): { term: string; weight: number }[] {
  return terms
    .filter(({ count }) => count - uncertain >= fewest && count < rows)
    .slice(0, most)
    .map(({ value, count }) => ({ term: value, weight: Math.log((1 + rows) / (1 + count)) + 1 }));
}
