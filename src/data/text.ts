// Text as numbers: a vocabulary of characters, and windows for next-token prediction.
import { HebbError } from "../graph/errors.ts";
import { Dataset } from "./dataset.ts";
import { Random } from "./random.ts";

/** Converts text to tokens and back. */
export interface Vocabulary {
  readonly size: number;
  encode(text: string): Int32Array;
  decode(tokens: ArrayLike<number>): string;
}

/** The characters (code points) of a text in code order, numbered from 0. Plain JSON through `characters`. */
export class CharacterVocabulary implements Vocabulary {
  readonly characters: readonly string[];
  private readonly places: ReadonlyMap<string, number>;

  constructor(characters: readonly string[]) {
    this.characters = [...characters];
    this.places = new Map(characters.map((character, i) => [character, i]));
    if (characters.length === 0) throw new HebbError("a vocabulary needs at least one character; the text is empty");
    if (this.places.size !== characters.length) throw new HebbError("a vocabulary must list each character once");
  }

  static of(text: string): CharacterVocabulary {
    return new CharacterVocabulary(
      [...new Set(text)].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0)),
    );
  }

  get size(): number {
    return this.characters.length;
  }

  /** The number of each character. Throws HebbError for a character that is not in the vocabulary. */
  encode(text: string): Int32Array {
    const out: number[] = [];
    for (const character of text) {
      const place = this.places.get(character);
      if (place === undefined) {
        throw new HebbError(
          `the character ${JSON.stringify(character)} (position ${out.length + 1}) is not in the vocabulary of ${this.size}; build the vocabulary from all texts`,
        );
      }
      out.push(place);
    }
    return Int32Array.from(out);
  }

  decode(tokens: ArrayLike<number>): string {
    return Array.from(tokens, (token) => {
      const character = this.characters[token];
      if (character === undefined) throw new HebbError(`token ${token} is not in the vocabulary of ${this.size}`);
      return character;
    }).join("");
  }
}

/**
 * Windows for next-token training: features [n, context] int32 and, shifted by one, targets [n, context] int32. A window starts every
 * `stride` tokens (default context, so none overlap).
 */
export function nextTokenWindows(tokens: Int32Array, context: number, stride = context): Dataset {
  if (!Number.isInteger(context) || context < 1 || !Number.isInteger(stride) || stride < 1) {
    throw new HebbError(`context ${context} and stride ${stride} must be whole numbers ≥ 1`);
  }
  const count = Math.floor((tokens.length - 1 - context) / stride) + 1;
  if (tokens.length < context + 1) {
    throw new HebbError(
      `${tokens.length} tokens are too few for a context of ${context}; at least ${context + 1} are needed`,
    );
  }
  if (count * context > 2 ** 29)
    throw new HebbError(`${count} windows of ${context} tokens are more than 2^29 values; use a larger stride`);
  const features = new Int32Array(count * context);
  const targets = new Int32Array(count * context);
  for (let i = 0; i < count; i++) {
    features.set(tokens.subarray(i * stride, i * stride + context), i * context);
    targets.set(tokens.subarray(i * stride + 1, i * stride + context + 1), i * context);
  }
  return new Dataset({ features, featureShape: [context], targets, targetShape: [context] });
}

/** Tokens of a text in a file, read on demand. */
export interface TokenReader {
  /** The number of tokens. */
  readonly length: number;
  /** `count` tokens from each start on, one run after another. */
  read(starts: ArrayLike<number>, count: number): Int32Array;
}

/** The first offset stream, separate from that of the shuffle. */
const offsetStream = 0x20000000;

/**
 * A long text for next-token training without copies: `length` windows of `context` tokens that cover it once. From the second epoch on,
 * they start at an offset drawn from seed and epoch, so that no token is always the first of its window.
 */
export class TokenSequence {
  /** Reads the tokens of a few windows; undefined if all tokens are in memory. */
  readonly reader: TokenReader | undefined;
  /** The number of tokens. */
  readonly size: number;
  readonly #tokens: Int32Array | undefined;
  readonly context: number;
  /** The number of distinct tokens. */
  readonly vocabulary: number;
  readonly length: number;

  /** Tokens in memory, or a reader for those in a file. */
  constructor(tokens: Int32Array | TokenReader, context: number, vocabulary: number) {
    if (!Number.isInteger(context) || context < 1)
      throw new HebbError(`context ${context} must be a whole number of at least 1`);
    this.length = Math.floor((tokens.length - 1) / context);
    if (this.length < 1)
      throw new HebbError(
        `${tokens.length} tokens are too few for a context of ${context}; at least ${context + 1} are needed`,
      );
    this.context = context;
    this.vocabulary = vocabulary;
    this.size = tokens.length;
    if ("read" in tokens) this.reader = tokens;
    else this.#tokens = this.#checked(tokens);
  }

  #checked(tokens: Int32Array): Int32Array {
    for (const token of tokens)
      if (token < 0 || token >= this.vocabulary)
        throw new HebbError(
          `token ${token} is not in the vocabulary of ${this.vocabulary}; encode the text with its own vocabulary`,
        );
    return tokens;
  }

  /** All tokens. If a file holds them, each access reads all of them. */
  get tokens(): Int32Array {
    return this.#tokens ?? this.#read([0], this.size);
  }

  #read(starts: ArrayLike<number>, count: number): Int32Array {
    return this.#checked(this.reader?.read(starts, count) ?? new Int32Array());
  }

  /** The tokens of the windows at these starts, each with the token after it: [windows, context + 1]. */
  windows(starts: Int32Array): Int32Array {
    const width = this.context + 1;
    if (this.#tokens === undefined) return this.#read(starts, width);
    const out = new Int32Array(starts.length * width);
    for (const [place, start] of starts.entries()) out.set(this.#tokens.subarray(start, start + width), place * width);
    return out;
  }

  /** The offset of an epoch: window w starts at this offset + w × context. */
  offset(seed: number, epoch: number): number {
    return epoch === 0 ? 0 : new Random(seed, offsetStream + epoch).integer(this.context);
  }

  /** The first token of each of these windows. A window that would cross the end of the text is moved back to end there. */
  starts(windows: ArrayLike<number>, offset = 0): Int32Array {
    const last = this.size - 1 - this.context;
    return Int32Array.from(windows, (window) => Math.min(last, offset + window * this.context));
  }
}
