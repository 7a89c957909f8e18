// Random tensors, drawn from the current or a given generator; the same bits on every backend.
import type { FloatDType } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import * as draw from "../graph/ops/random.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Shape } from "../graph/shape.ts";
import { given } from "./arguments.ts";
import { requireThat } from "./checks.ts";
import { checkShape, type ShapeAndOptions, shapeAndOptions } from "./creation.ts";
import { type Generator, generatorKind, nextDraw } from "./generator.ts";
import { drawRows } from "./rowDraws.ts";
import { Tensor } from "./tensor.ts";

interface DrawOptions {
  /** Default: the current generator. */
  readonly generator?: Generator;
}
const drawKinds: OptionKinds<DrawOptions> = { generator: generatorKind };

interface RandomOptions extends DrawOptions {
  readonly dtype?: FloatDType;
  readonly requiresGrad?: boolean;
}
const randomKinds: OptionKinds<RandomOptions> = {
  ...drawKinds,
  dtype: kind.floatDType,
  requiresGrad: kind.boolean,
};

function made(node: Node, options: RandomOptions): Tensor {
  const tensor = Tensor.of(node);
  if (options.requiresGrad === true) tensor.requiresGrad = true;
  return tensor;
}

type Drawn = {
  (shape: Shape, options?: RandomOptions): Tensor;
  (...shape: number[]): Tensor;
};

const drawn =
  (where: string, node: typeof draw.uniform): Drawn =>
  (...args: ShapeAndOptions<RandomOptions>): Tensor => {
    const { shape, options } = shapeAndOptions(where, args, randomKinds);
    const { key, call } = nextDraw(options.generator);
    return made(
      drawRows(shape, (all) => node(key, call, all, options.dtype ?? "float32")),
      options,
    );
  };

/** The uniform values of the next draw. */
function uniformOf(generator: Generator | undefined): draw.Uniform {
  const { key, call } = nextDraw(generator);
  return (shape, dtype) => drawRows(shape, (all) => draw.uniform(key, call, all, dtype));
}

/** Uniform on [0, 1): rand([2, 3]) or rand(2, 3). */
export const rand = /* @__PURE__ */ drawn("rand", draw.uniform);

/** Standard normal: randn([2, 3]) or randn(2, 3). */
export const randn = /* @__PURE__ */ drawn("randn", draw.normal);

/** Whole numbers from `low` (included) to `high` (excluded). */
export function randint(low: number, high: number, shape: Shape, options: DrawOptions = {}): Tensor {
  if (!(Number.isInteger(low) && Number.isInteger(high) && low < high))
    throw new HebbError(
      `randint: takes whole numbers low < high, got ${kind.describe(low)} and ${kind.describe(high)}`,
    );
  checkShape("randint", shape);
  const { key, call } = nextDraw(checkOptions("randint", options, drawKinds).generator);
  return Tensor.of(drawRows(shape, (all) => draw.randint(key, call, low, high, all)));
}

/** The numbers 0 … n−1 in random order. */
export function randperm(n: number, options: DrawOptions = {}): Tensor {
  if (!(Number.isInteger(n) && n >= 0))
    throw new HebbError(`randperm: takes a whole number of 0 or more, got ${kind.describe(n)}`);
  const { key, call } = nextDraw(checkOptions("randperm", options, drawKinds).generator);
  return Tensor.of(draw.permutation(key, call, n));
}

/** 1 with the given probability for each element, else 0, in the dtype of the probabilities (torch.bernoulli). */
export function bernoulli(probability: Tensor, options: DrawOptions = {}): Tensor {
  const weights = given("bernoulli", probability, "the probabilities").node;
  const { generator } = checkOptions("bernoulli", options, drawKinds);
  requireThat(probability.detach().ge(0).logicalAnd(probability.detach().le(1)), {
    by: "bernoulli",
    fault: "the probability is not between 0 and 1",
  });
  return Tensor.of(draw.bernoulli(uniformOf(generator), weights));
}

/** Weights must be finite and not negative, with enough positive ones in each row. */
function checkWeights(weights: Tensor, count: number, replacement: boolean): void {
  // Tensors without rows and impossible counts are refused by the draw itself.
  if (weights.rank < 1 || weights.size === 0 || !Number.isInteger(count)) return;
  requireThat(weights.ge(0).logicalAnd(weights.isfinite()), {
    by: "multinomial",
    fault: "the weight is not a finite number of at least 0",
  });
  const least = replacement ? 1 : count;
  requireThat(weights.gt(0).to("int32").sum(-1).ge(least), {
    by: "multinomial",
    fault:
      least === 1
        ? "no weight is above 0, so nothing can be drawn"
        : `fewer than ${least} weights are above 0, and that many are drawn without replacement; draw fewer, or pass { replacement: true }`,
    ...(weights.rank > 1 ? { unit: "row" as const } : {}),
  });
}

/** Draws `count` indices for each row of unnormalised weights. Default: without replacement (torch.multinomial). */
export function multinomial(
  weights: Tensor,
  count: number,
  options: DrawOptions & { readonly replacement?: boolean } = {},
): Tensor {
  const { replacement = false, generator } = checkOptions("multinomial", options, {
    ...drawKinds,
    replacement: kind.boolean,
  });
  const { node } = given("multinomial", weights, "the weights");
  checkWeights(weights.detach(), count, replacement);
  return Tensor.of(draw.multinomial(uniformOf(generator), node, count, replacement));
}
