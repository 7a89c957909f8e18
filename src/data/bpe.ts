// Byte pair encoding and its training: frequent pairs of neighbours become one token. The alphabet is bytes, so every text can be encoded.
import { HebbError } from "../graph/errors.ts";

/** Two tokens that merge into one, in the order of learning: the first merge makes token 256. */
export type Merge = readonly [left: number, right: number];

const alphabet = 256;
/** Pieces that no token crosses: a word with the space before it, a number, a run of punctuation, white space. */
const pieces = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
/** Packs left and right into one number, as a map key. */
const radix = 2 ** 26;
const keyOf = (left: number, right: number): number => left * radix + right;

const encoder = new TextEncoder();

/** Pairs by frequency. At a tie the pair of lower tokens comes first, so that training is deterministic. */
class PairQueue {
  readonly #heap: { readonly key: number; readonly count: number }[] = [];

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return false;
    return x.count > y.count || (x.count === y.count && x.key < y.key);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return;
    this.#heap[a] = y;
    this.#heap[b] = x;
  }

  push(key: number, count: number): void {
    let at = this.#heap.push({ key, count }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): { readonly key: number; readonly count: number } | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (top === undefined || last === undefined || this.#heap.length === 0) return top;
    this.#heap[0] = last;
    let at = 0;
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (this.#before(left, first)) first = left;
      if (this.#before(right, first)) first = right;
      if (first === at) return top;
      this.#swap(at, first);
      at = first;
    }
  }
}

/** A distinct piece of the text during training. */
interface Word {
  tokens: number[];
  readonly count: number;
}

/** Learns merges until the vocabulary has `size` tokens or no pair occurs twice. */
function learnMerges(text: string, size: number): Merge[] {
  const counts = new Map<string, number>();
  for (const [piece] of text.matchAll(pieces)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const words = [...counts].map(([piece, count]): Word => ({ tokens: [...encoder.encode(piece)], count }));
  const pairCounts = new Map<number, number>();
  const places = new Map<number, Set<number>>();
  const add = (left: number, right: number, word: number, count: number): void => {
    const key = keyOf(left, right);
    pairCounts.set(key, (pairCounts.get(key) ?? 0) + count);
    const known = places.get(key);
    if (known === undefined) places.set(key, new Set([word]));
    else known.add(word);
  };
  words.forEach(({ tokens, count }, word) => {
    for (let k = 0; k + 1 < tokens.length; k++) add(tokens[k] ?? 0, tokens[k + 1] ?? 0, word, count);
  });
  const queue = new PairQueue();
  for (const [key, count] of pairCounts) queue.push(key, count);
  const merges: Merge[] = [];
  while (alphabet + merges.length < size) {
    const top = queue.pop();
    if (top === undefined || top.count < 2) break;
    // An entry whose count has changed since is stale: the queue also holds the current one.
    if (pairCounts.get(top.key) !== top.count) continue;
    const [left, right] = [Math.floor(top.key / radix), top.key % radix];
    const made = alphabet + merges.length;
    merges.push([left, right]);
    const changed = new Set<number>();
    for (const place of places.get(top.key) ?? []) {
      const word = words[place];
      if (word === undefined) continue;
      for (let k = 0; k + 1 < word.tokens.length; k++) {
        const key = keyOf(word.tokens[k] ?? 0, word.tokens[k + 1] ?? 0);
        pairCounts.set(key, (pairCounts.get(key) ?? 0) - word.count);
        changed.add(key);
      }
      word.tokens = joined(word.tokens, left, right, made);
      for (let k = 0; k + 1 < word.tokens.length; k++) {
        add(word.tokens[k] ?? 0, word.tokens[k + 1] ?? 0, place, word.count);
        changed.add(keyOf(word.tokens[k] ?? 0, word.tokens[k + 1] ?? 0));
      }
    }
    pairCounts.delete(top.key);
    places.delete(top.key);
    for (const key of changed) {
      const count = pairCounts.get(key);
      if (count !== undefined && count > 1) queue.push(key, count);
    }
  }
  return merges;
}

/** The tokens, with every adjacent pair of left and right merged. */
function joined(tokens: readonly number[], left: number, right: number, made: number): number[] {
  const out: number[] = [];
  for (let k = 0; k < tokens.length; k++) {
    const token = tokens[k] ?? 0;
    if (token === left && k + 1 < tokens.length && tokens[k + 1] === right) {
      out.push(made);
      k++;
    } else out.push(token);
  }
  return out;
}

/**
 * A byte-pair vocabulary: tokens 0 … 255 are bytes, and each later token joins two earlier ones. Plain JSON through `merges`.
 * Source: Sennrich et al. 2016, over bytes as in GPT-2.
 */
export class BytePairVocabulary {
  readonly merges: readonly Merge[];
  readonly #ranks = new Map<number, number>();
  readonly #bytes: Uint8Array[];
  readonly #known = new Map<string, readonly number[]>();

  constructor(merges: readonly Merge[]) {
    this.merges = merges.map(([left, right]) => [left, right]);
    this.#bytes = Array.from({ length: alphabet }, (_, byte) => Uint8Array.of(byte));
    for (const [place, [left, right]] of merges.entries()) {
      const [head, tail] = [this.#bytes[left], this.#bytes[right]];
      if (head === undefined || tail === undefined)
        throw new HebbError(
          `merge ${place} joins the tokens ${left} and ${right}, but only ${alphabet + place} tokens exist at that point; restore the vocabulary from a copy`,
        );
      if (head.length + tail.length > 2 ** 16)
        throw new HebbError(`merge ${place} makes a token longer than 65536 bytes; the vocabulary is damaged`);
      this.#bytes.push(Uint8Array.of(...head, ...tail));
      const key = keyOf(left, right);
      if (!this.#ranks.has(key)) this.#ranks.set(key, place);
    }
  }

  /** Learns a vocabulary of at most `size` tokens, at least 256, from a text. The same text gives the same vocabulary. */
  static train(text: string, size: number): BytePairVocabulary {
    if (!Number.isInteger(size) || size < alphabet || size > 2 ** 20)
      throw new HebbError(
        `a byte-pair vocabulary has 256 to 1048576 tokens, of which the first 256 are bytes; got ${size}`,
      );
    if (text === "") throw new HebbError("cannot learn a vocabulary from an empty text");
    return new BytePairVocabulary(learnMerges(text, size));
  }

  get size(): number {
    return alphabet + this.merges.length;
  }

  /** The tokens of a text. Every text can be encoded: unknown parts become bytes. */
  encode(text: string): Int32Array {
    const out: number[] = [];
    for (const [piece] of text.matchAll(pieces)) for (const token of this.#piece(piece)) out.push(token);
    return Int32Array.from(out);
  }

  #piece(piece: string): readonly number[] {
    const known = this.#known.get(piece);
    if (known !== undefined) return known;
    let tokens: number[] = [...encoder.encode(piece)];
    for (;;) {
      let first = Number.POSITIVE_INFINITY;
      for (let k = 0; k + 1 < tokens.length; k++)
        first = Math.min(first, this.#ranks.get(keyOf(tokens[k] ?? 0, tokens[k + 1] ?? 0)) ?? Number.POSITIVE_INFINITY);
      const merge = this.merges[first];
      if (merge === undefined) break;
      tokens = joined(tokens, merge[0], merge[1], alphabet + first);
    }
    // Pieces repeat. The cache is bounded, so that a hostile text cannot fill memory.
    if (this.#known.size < 2 ** 16) this.#known.set(piece, tokens);
    return tokens;
  }

  /** The text of tokens; bytes that form no character appear as �. */
  decode(tokens: ArrayLike<number>): string {
    const parts = Array.from(tokens, (token) => {
      const bytes = this.#bytes[token];
      if (bytes === undefined) throw new HebbError(`token ${token} is not in the vocabulary of ${this.size}`);
      return bytes;
    });
    const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return new TextDecoder().decode(all);
  }
}
