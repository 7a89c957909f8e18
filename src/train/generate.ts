// Writing text with a model of the next token: one token after the other, drawn by seed.
import { Random } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import { compile, noGrad, type Tensor, tensor } from "../tensor/index.ts";

export interface GenerateOptions {
  /** Tokens to begin with; at least one. */
  readonly prompt: ArrayLike<number>;
  /** How many to write. */
  readonly count: number;
  /** The most tokens that the model sees at once. */
  readonly context: number;
  /** Divides the logits: below 1 bolder, above 1 more varied; 0 always takes the likeliest. Default 1. */
  readonly temperature?: number;
  /** Only the k likeliest tokens are drawn from. Default: all. */
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

/** A stream of its own, apart from those of shuffles and splits. */
const generateStream = 0x47454e;

/** A token drawn from softmax(logits / temperature) over the `topK` largest. */
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

/** Writes `count` tokens after the prompt, yielding each. The same seed gives the same text. */
export function* generate(model: Module, options: GenerateOptions): Generator<number, void, void> {
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
  const training = model.training;
  model.eval();
  try {
    // A causal model: what stands after the place that is read does not matter.
    const next = compile((tokens: Tensor, place: Tensor) =>
      noGrad(() => model.forward(tokens).select(0, 0).indexSelect(0, place).flatten()),
    );
    const random = new Random(seed, generateStream);
    const seen = Array.from(prompt).slice(-context);
    for (let written = 0; written < count; written++) {
      const tokens = Int32Array.from({ length: context }, (_, place) => seen[place] ?? 0);
      const logits = next(tensor(tokens).reshape([1, context]), tensor(Int32Array.of(seen.length - 1))).dataSync();
      const token = drawToken(logits, random, { temperature, topK });
      yield token;
      seen.push(token);
      if (seen.length > context) seen.shift();
    }
  } finally {
    model.train(training);
  }
}
