// Random tensors. One seed governs them all; the same bits on every backend, because draws are counter-based.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { full as fullNode } from "../graph/ops/creation.ts";
import { add } from "../graph/ops/elementwise.ts";
import * as draw from "../graph/ops/random.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Shape } from "../graph/shape.ts";
import { Cell, engine } from "../runtime/index.ts";
import { given } from "./arguments.ts";
import { checkShape, type ShapeAndOptions, shapeAndOptions } from "./creation.ts";
import { assignCell, cellNode } from "./lazy.ts";
import { Tensor } from "./tensor.ts";
import { currentTrace } from "./trace.ts";

export interface RandomState {
  readonly key: readonly [low: number, high: number];
  /** How many draws have been made since the seed. */
  readonly calls: number;
}

/** Two key words and the number of draws so far: draw number n uses the counter n, whatever was drawn before. */
const key = new Cell("int32", [2], new Int32Array([0, 0]), "random.key");
const calls = new Cell("int32", [], new Int32Array([0]), "random.calls");
let keyWords: readonly [number, number] = [0, 0];
let callCount = 0;

/** Restarts every random draw from a number. The same seed gives the same bits on every backend and thread count. */
export function seed(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new HebbError(`seed: takes a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${kind.describe(value)}`);
  setRandomState({ key: [(value % 2 ** 32) | 0, Math.floor(value / 2 ** 32) | 0], calls: 0 });
}

/** Where the generator stands, for checkpoints. */
export const randomState = (): RandomState => ({ key: [keyWords[0], keyWords[1]], calls: callCount });

export function setRandomState(state: RandomState): void {
  if (!(kind.numbers.accepts(state?.key) && state.key.length === 2 && Number.isInteger(state.calls)))
    throw new HebbError(
      `setRandomState: takes what randomState() gave, { key: [low, high], calls }, got ${kind.describe(state)}`,
    );
  keyWords = [state.key[0] | 0, state.key[1] | 0];
  callCount = state.calls;
  engine().memory.writeCell(key, Int32Array.from(keyWords));
  engine().memory.writeCell(calls, Int32Array.of(callCount));
}

/** A program made `count` draws: the host's count follows the cell's. */
export function advanceRandom(count: number): void {
  callCount = (callCount + count) | 0;
}

/** A program failed on its way: the cell, which it may have moved on, follows the host's count. */
export function takeBackDraws(): void {
  engine().memory.writeCell(calls, Int32Array.of(callCount));
}

/** The key and counter of the next draw. */
function nextDraw(): { key: Node; call: Node } {
  const trace = currentTrace();
  if (trace === undefined) {
    const call = new Tensor(undefined, { shape: [], dtype: "int32", data: Int32Array.of(callCount) });
    callCount = (callCount + 1) | 0;
    engine().memory.writeCell(calls, Int32Array.of(callCount));
    return {
      key: new Tensor(undefined, { shape: [2], dtype: "int32", data: Int32Array.from(keyWords) }).node,
      call: call.node,
    };
  }
  trace.randomCalls++;
  const call = cellNode(calls);
  assignCell(calls, add(call, fullNode([], 1, "int32")));
  return { key: cellNode(key), call };
}

interface RandomOptions {
  readonly dtype?: "float32" | "float64";
  readonly requiresGrad?: boolean;
}

const randomKinds: OptionKinds<RandomOptions> = { dtype: kind.floatDType, requiresGrad: kind.boolean };

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
    const { key: keyNode, call } = nextDraw();
    return made(node(keyNode, call, shape, options.dtype ?? "float32"), options);
  };

/** Uniform on [0, 1): rand([2, 3]) or rand(2, 3). */
export const rand = /* @__PURE__ */ drawn("rand", draw.uniform);

/** Normal with mean 0 and variance 1: randn([2, 3]) or randn(2, 3). */
export const randn = /* @__PURE__ */ drawn("randn", draw.normal);

/** Whole numbers from `low` up to, not including, `high`. */
export function randint(low: number, high: number, shape: Shape): Tensor {
  if (!(Number.isInteger(low) && Number.isInteger(high) && low < high))
    throw new HebbError(
      `randint: takes whole numbers low < high, got ${kind.describe(low)} and ${kind.describe(high)}`,
    );
  checkShape("randint", shape);
  const { key: keyNode, call } = nextDraw();
  return Tensor.of(draw.randint(keyNode, call, low, high, shape));
}

/** The numbers 0 … n−1 in random order. */
export function randperm(n: number): Tensor {
  if (!(Number.isInteger(n) && n >= 0))
    throw new HebbError(`randperm: takes a whole number from 0, got ${kind.describe(n)}`);
  const { key: keyNode, call } = nextDraw();
  return Tensor.of(draw.permutation(keyNode, call, n));
}

/** 1 with the given probability for each element, else 0; in the dtype of the probabilities (torch.bernoulli). */
export function bernoulli(probability: Tensor): Tensor {
  const weights = given("bernoulli", probability, "the probabilities").node;
  const { key: keyNode, call } = nextDraw();
  return Tensor.of(draw.bernoulli(keyNode, call, weights));
}

/** `count` indices drawn for each row of unnormalised weights; with replacement by default false (torch.multinomial). */
export function multinomial(weights: Tensor, count: number, options: { readonly replacement?: boolean } = {}): Tensor {
  const { replacement = false } = checkOptions("multinomial", options, { replacement: kind.boolean });
  const { node } = given("multinomial", weights, "the weights");
  const { key: keyNode, call } = nextDraw();
  return Tensor.of(draw.multinomial(keyNode, call, node, count, replacement));
}
