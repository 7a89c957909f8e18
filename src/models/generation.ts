// Generation with a causal language model: the prompt in pieces, then token by token, with a key–value cache.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { generatorKind } from "../tensor/generator.ts";
import { Generator, rand } from "../tensor/index.ts";
import { CachedModel } from "./cachedModel.ts";
import type { CausalLanguageModel } from "./decoder.ts";
import type { KeyValueCache } from "./parts/cache.ts";
import { chooseToken, type Sampling } from "./sampling.ts";

export interface GenerationOptions {
  /** Maximum number of new tokens. Default: until the cache is full. */
  readonly maxNewTokens?: number;
  /** Divides the logits; 0 always takes the most likely token. Default 0. */
  readonly temperature?: number;
  /** Samples only from the k most likely tokens. */
  readonly topK?: number | undefined;
  /** Samples only from the most likely tokens whose probabilities add up to p. */
  readonly topP?: number | undefined;
  /** Above 1, repeated tokens become less likely. Default 1. */
  readonly repetitionPenalty?: number;
  /** Generation ends after one of these tokens. */
  readonly stop?: readonly number[];
  /** The source of random draws. Default: a new one of seed 0. */
  readonly generator?: Generator;
}

const kinds: OptionKinds<GenerationOptions> = {
  maxNewTokens: kind.number,
  temperature: kind.number,
  topK: kind.number,
  topP: kind.number,
  repetitionPenalty: kind.number,
  stop: kind.numbers,
  generator: generatorKind,
};

/** Generates text with one model: a cache for `length` tokens, and two programs that serve every position. */
export class TextGenerator {
  readonly #cached: CachedModel;
  /** The number of texts started: the cache belongs to the last. */
  #begun = 0;

  constructor(model: CausalLanguageModel, length: number) {
    this.#cached = new CachedModel("TextGenerator", model, { length, rows: 1 });
  }

  get model(): CausalLanguageModel {
    return this.#cached.model;
  }

  get cache(): KeyValueCache {
    return this.#cached.cache;
  }

  /** The memory of the cache, in bytes. */
  get cacheBytes(): number {
    return this.cache.bytes;
  }

  /** The number of traced programs. */
  get signatures(): number {
    return this.#cached.signatures;
  }

  /** Generates tokens after the prompt; the same options give the same tokens. */
  tokens(prompt: ArrayLike<number>, options: GenerationOptions = {}): AsyncIterable<number> {
    const settings = settingsOf(options);
    const given = this.#cached.checkedPrompt(prompt);
    return { [Symbol.asyncIterator]: () => this.#write(given, settings) };
  }

  #checkLast(begun: number): void {
    if (begun !== this.#begun)
      throw new HebbError(
        "TextGenerator: another text was begun with the same generator, whose cache is for one at a time; end one before the next, or make a generator for each",
      );
  }

  async *#write(prompt: readonly number[], settings: Settings): AsyncGenerator<number> {
    const { stop, sampling } = settings;
    const { length } = this.cache.shape;
    const count = Math.min(settings.maxNewTokens, length - prompt.length);
    if (count <= 0) return;
    const seen = [...prompt];
    const own = ++this.#begun;
    const draws =
      sampling.temperature === 0 ? undefined : await rand([count], { generator: settings.generator }).data();
    const training = this.model.training;
    this.model.eval();
    try {
      let logits = await this.#cached.read(prompt);
      for (let place = 0; place < count; place++) {
        const token = chooseToken(logits, seen, draws === undefined ? 0 : (draws[place] as number), sampling);
        yield token;
        this.#checkLast(own);
        if (stop.includes(token) || place + 1 === count) return;
        logits = await this.#cached.next([token], seen.length, [0]);
        this.#checkLast(own);
        seen.push(token);
      }
    } finally {
      this.model.train(training);
    }
  }
}

/** The number of tokens to generate. */
export const tokenCount = kind.of<number>(
  "a whole number of 0 or more, or Infinity",
  (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && Number(value) >= 0),
);

interface Settings {
  readonly maxNewTokens: number;
  readonly stop: readonly number[];
  readonly generator: Generator;
  readonly sampling: Sampling;
}

function settingsOf(options: GenerationOptions): Settings {
  const { maxNewTokens = Number.POSITIVE_INFINITY, stop = [], ...rest } = checkOptions("TextGenerator", options, kinds);
  const { temperature = 0, topK, topP, repetitionPenalty = 1, generator } = rest;
  checkKind("TextGenerator", "maxNewTokens", maxNewTokens, tokenCount);
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw new HebbError(`TextGenerator: the temperature must be a number of 0 or more, got ${temperature}`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1))
    throw new HebbError(`TextGenerator: topK must be a whole number of at least 1, got ${topK}`);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw new HebbError(`TextGenerator: topP must be above 0 and at most 1, got ${topP}`);
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)))
    throw new HebbError(`TextGenerator: repetitionPenalty must be above 0, got ${repetitionPenalty}`);
  return {
    maxNewTokens,
    stop,
    generator: generator ?? new Generator(0),
    sampling: { temperature, topK, topP, repetitionPenalty },
  };
}
