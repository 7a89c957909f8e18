// Generates text with a next-token model: token by token, drawn by seed.
import { Random } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import { compile, noGrad, type Tensor, tensor } from "../tensor/index.ts";

export interface GenerateOptions {
  /** The tokens to start with; at least one. */
  readonly prompt: ArrayLike<number>;
  /** The number of tokens to generate. */
  readonly count: number;
  /** The maximum number of tokens that the model sees at once. */
  readonly context: number;
  /** Divides the logits: below 1 more predictable, above 1 more varied; 0 always takes the likeliest. Default 1. */
  readonly temperature?: number;
  /** Draw only from the k likeliest tokens. Default: all. */
  readonly topK?: number | undefined;
  /** Default 0. */
  readonly seed?: number;
}

const kinds: OptionKinds<GenerateOptions> = {
  prompt: kind.anything,
  count: kind.number,
  context: kind.number,
  temperature: kind.number,
  topK: kind.number,
  seed: kind.number,
};

/** A separate stream, independent of those of shuffles and splits. */
const generateStream = 0x47454e;

/** Draws a token from softmax(logits / temperature) over the `topK` largest. */
export function drawToken(
  logits: ArrayLike<number>,
  random: Random,
  { temperature, topK }: { readonly temperature: number; readonly topK: number | undefined },
): number {
  const order = Array.from({ length: logits.length }, (_, token) => token).sort(
    (a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b,
  );
  const kept = order.slice(0, topK ?? order.length);
  const [best = 0] = kept;
  if (temperature === 0) return best;
  const top = logits[best] ?? 0;
  const weights = kept.map((token) => Math.exp(((logits[token] ?? 0) - top) / temperature));
  let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [place, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return kept[place] ?? best;
  }
  return best;
}

/**
 * Generates `count` tokens after the prompt, one by one; the same seed gives the same text. `for await (const token of generate(…))` works on every
 * device; if values can be read synchronously, `for (… of …)` and `[...generate(…)]` work too.
 */
export function generate(model: Module, options: GenerateOptions): Iterable<number> & AsyncIterable<number> {
  const checked = checkedOptions(options);
  return {
    *[Symbol.iterator]() {
      const text = new Writing(model, checked);
      try {
        while (text.left > 0) yield text.write(text.logits().dataSync());
      } finally {
        text.close();
      }
    },
    async *[Symbol.asyncIterator]() {
      const text = new Writing(model, checked);
      try {
        while (text.left > 0) yield text.write(await text.logits().data());
      } finally {
        text.close();
      }
    },
  };
}

/** The options, each with a value. */
type Settings = Required<Omit<GenerateOptions, "topK">> & { readonly topK: number | undefined };

function checkedOptions(options: GenerateOptions): Settings {
  const { prompt, count, context, temperature = 1, topK, seed = 0 } = checkOptions("generate", options, kinds);
  if (typeof prompt !== "object" || typeof prompt.length !== "number")
    throw new HebbError(`generate: the prompt must be a list of tokens, got ${kind.describe(prompt)}`);
  checkKind("generate", "count", count, kind.number);
  checkKind("generate", "context", context, kind.number);
  if (prompt.length < 1) throw new HebbError("generate: the prompt needs at least one token");
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw new HebbError(`generate: the temperature must be a number of 0 or more, got ${temperature}`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1))
    throw new HebbError(`generate: topK must be a whole number of at least 1, got ${topK}`);
  return { prompt, count, context, temperature, topK, seed };
}

/** A text in progress. Until it is closed, the model is in eval mode. */
class Writing {
  /** The number of tokens still to generate. */
  left: number;
  readonly #settings: Settings;
  readonly #model: Module;
  readonly #training: boolean;
  readonly #random: Random;
  readonly #seen: number[];
  readonly #next: (tokens: Tensor, place: Tensor) => Tensor;

  constructor(model: Module, settings: Settings) {
    const { prompt, count, context, seed } = settings;
    this.left = count;
    this.#settings = settings;
    this.#model = model;
    this.#training = model.training;
    model.eval();
    this.#random = new Random(seed, generateStream);
    this.#seen = Array.from(prompt).slice(-context);
    // The model is causal, so tokens after the position that is read have no effect.
    this.#next = compile((tokens: Tensor, place: Tensor) =>
      noGrad(() => model.forward(tokens).select(0, 0).indexSelect(0, place).flatten()),
    );
  }

  /** The logits of the next token. */
  logits(): Tensor {
    const { context } = this.#settings;
    const tokens = Int32Array.from({ length: context }, (_, place) => this.#seen[place] ?? 0);
    return this.#next(tensor(tokens).reshape([1, context]), tensor(Int32Array.of(this.#seen.length - 1)));
  }

  /** Draws the next token from its logits. */
  write(logits: ArrayLike<number>): number {
    const { context, temperature, topK } = this.#settings;
    const token = drawToken(logits, this.#random, { temperature, topK });
    this.#seen.push(token);
    if (this.#seen.length > context) this.#seen.shift();
    this.left--;
    return token;
  }

  close(): void {
    this.#model.train(this.#training);
  }
}
