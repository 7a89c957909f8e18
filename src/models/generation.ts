// Writing with a causal language model: the prompt in pieces, then token by token, over a cache of keys and values.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { generatorKind } from "../tensor/generator.ts";
import { type Compiled, compile, Generator, noGrad, rand, type Tensor, tensor } from "../tensor/index.ts";
import { CausalLanguageModel } from "./decoder.ts";
import type { KeyValueCache } from "./parts/cache.ts";
import { chooseToken, type Sampling } from "./sampling.ts";

export interface GenerationOptions {
  /** The most tokens to write. Default: until the cache is full. */
  readonly maxNewTokens?: number;
  /** Divides the logits; 0 always takes the likeliest. Default 0. */
  readonly temperature?: number;
  /** Draw from the k likeliest only. */
  readonly topK?: number | undefined;
  /** Draw from the likeliest only whose shares add up to p. */
  readonly topP?: number | undefined;
  /** Above 1, tokens that are there already become less likely. Default 1. */
  readonly repetitionPenalty?: number;
  /** Writing ends behind one of these tokens. */
  readonly stop?: readonly number[];
  /** What is drawn from. Default: a new one of seed 0. */
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

/** Tokens of the prompt that are read at once. */
const chunk = 32;

/** Where text is written with one model: a cache for `length` tokens, and two programs that serve every position. */
export class TextGenerator {
  readonly model: CausalLanguageModel;
  readonly cache: KeyValueCache;
  readonly #step: Compiled<[ids: Tensor, start: Tensor, last: Tensor], Tensor>;

  constructor(model: CausalLanguageModel, length: number) {
    if (!(model instanceof CausalLanguageModel))
      throw new HebbError(
        `TextGenerator: takes a causal language model, got ${kind.describe(model)}; load one with { head: "causal" }`,
      );
    this.model = model;
    const cache = model.body.makeCache(length);
    this.cache = cache;
    this.#step = compile((ids: Tensor, start: Tensor, last: Tensor) =>
      noGrad(() => model.logits(model.body.step(ids, start, cache).indexSelect(1, last)).flatten()),
    );
  }

  /** The memory of the cache. */
  get cacheBytes(): number {
    return this.cache.bytes;
  }

  /** How many programs have been traced. */
  get signatures(): number {
    return this.#step.signatures();
  }

  /** Writes behind the prompt, token by token; with the same options the same tokens. */
  tokens(prompt: ArrayLike<number>, options: GenerationOptions = {}): AsyncIterable<number> {
    const settings = settingsOf(options);
    const given = this.#checkedPrompt(prompt);
    return { [Symbol.asyncIterator]: () => this.#write(given, settings) };
  }

  #checkedPrompt(prompt: ArrayLike<number>): readonly number[] {
    const given = Array.from(prompt);
    const { length } = this.cache.shape;
    const { vocabulary } = this.model.body.spec.embeddings;
    if (given.length < 1 || given.length >= length)
      throw new HebbError(
        `TextGenerator: the prompt has ${given.length} tokens and must have 1 to ${length - 1}, as the cache holds ${length}`,
      );
    const wrong = given.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabulary));
    if (wrong !== undefined)
      throw new HebbError(
        `TextGenerator: the prompt has the token ${wrong}, which is outside the vocabulary of ${vocabulary}`,
      );
    return given;
  }

  async *#write(prompt: readonly number[], settings: Settings): AsyncGenerator<number> {
    const { stop, sampling } = settings;
    const { length } = this.cache.shape;
    const count = Math.min(settings.maxNewTokens, length - prompt.length);
    if (count <= 0) return;
    const seen = [...prompt];
    const draws =
      sampling.temperature === 0 ? undefined : await rand([count], { generator: settings.generator }).data();
    const training = this.model.training;
    this.model.eval();
    try {
      let logits = await this.#read(prompt);
      for (let place = 0; place < count; place++) {
        const token = chooseToken(logits, seen, draws === undefined ? 0 : (draws[place] as number), sampling);
        yield token;
        if (stop.includes(token) || place + 1 === count) return;
        logits = await this.#run([token], seen.length, 0);
        seen.push(token);
      }
    } finally {
      this.model.train(training);
    }
  }

  /** Reads the prompt in pieces of one length, the last filled up: what is behind it is overwritten before it is seen. */
  async #read(prompt: readonly number[]): Promise<ArrayLike<number>> {
    if (prompt.length === 1) return this.#run(prompt, 0, 0);
    let logits: ArrayLike<number> = [];
    for (let start = 0; start < prompt.length; start += chunk) {
      const piece = prompt.slice(start, start + chunk);
      const last = piece.length - 1;
      const filled = [...piece, ...Array.from({ length: chunk - piece.length }, () => 0)];
      logits = await this.#run(filled, start, last);
    }
    return logits;
  }

  #run(ids: readonly number[], start: number, last: number): Promise<ArrayLike<number>> {
    return this.#step(
      tensor(Int32Array.from(ids)).reshape([1, ids.length]),
      tensor(Int32Array.of(start)),
      tensor(Int32Array.of(last)),
    ).data();
  }
}

interface Settings {
  readonly maxNewTokens: number;
  readonly stop: readonly number[];
  readonly generator: Generator;
  readonly sampling: Sampling;
}

function settingsOf(options: GenerationOptions): Settings {
  const { maxNewTokens = Number.POSITIVE_INFINITY, stop = [], ...rest } = checkOptions("TextGenerator", options, kinds);
  const { temperature = 0, topK, topP, repetitionPenalty = 1, generator } = rest;
  checkKind(
    "TextGenerator",
    "maxNewTokens",
    maxNewTokens,
    kind.of("a number of 0 or more", (value) => Number(value) >= 0),
  );
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
