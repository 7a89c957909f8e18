// Counter-based random values: Threefry-2x32 (Salmon et al. 2011) of (key, draw, position), so that any element can be computed alone, on any device.

import { apply } from "../apply.ts";
import { type FloatDType, isHalf } from "../dtype.ts";
import { HebbError, ShapeError } from "../errors.ts";
import { type Node, notDifferentiable, type Op, type TensorType } from "../node.ts";
import type { Scalar } from "../scalar.ts";
import * as scalar from "../scalar.ts";
import { formatShape, mostElements, type Shape, sizeOf, stridesOf } from "../shape.ts";
import { expand } from "./broadcast.ts";
import { full } from "./creation.ts";
import { add, cast, div, gt, lt, remainder, shiftRight, where } from "./elementwise.ts";
import { reshape, slice } from "./movement.ts";
import { argmin } from "./reduce.ts";
import { argsort } from "./sort.ts";

const { int } = scalar;
const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const parity = 0x1bd11bda;
const rounds = 20;

const rotate = (x: Scalar, by: number): Scalar =>
  scalar.binary("or", scalar.binary("shl", x, int(by)), scalar.binary("shr", x, int(32 - by)));

/** Maps two key words and two counter words to two random words. */
export function threefry(key: readonly [Scalar, Scalar], counter: readonly [Scalar, Scalar]): [Scalar, Scalar] {
  const xor = (a: Scalar, b: Scalar): Scalar => scalar.binary("xor", a, b);
  const schedule = [key[0], key[1], xor(xor(key[0], key[1]), int(parity))] as const;
  let x = scalar.add(counter[0], schedule[0]);
  let y = scalar.add(counter[1], schedule[1]);
  for (let round = 0; round < rounds; round++) {
    x = scalar.add(x, y);
    y = xor(rotate(y, rotations[round % 8] as number), x);
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    x = scalar.add(x, schedule[injection % 3] as Scalar);
    y = scalar.add(scalar.add(y, schedule[(injection + 1) % 3] as Scalar), int(injection));
  }
  return [x, y];
}

type BitsAttributes = { readonly shape: Shape; readonly word: 0 | 1 };
const reason = "a random draw does not depend on any value";

/** Inputs: the key, int32[2], and the draw number, int32[]. The counter is (index of the element, draw). */
export const randomBitsOp: Op<BitsAttributes> = {
  name: "randomBits",
  traits: { random: true, costly: true },
  infer: ([key, draw], { shape }) => {
    const [k, d] = [key as TensorType, draw as TensorType];
    if (k.dtype !== "int32" || sizeOf(k.shape) !== 2 || d.dtype !== "int32" || sizeOf(d.shape) !== 1)
      throw new ShapeError("randomBits: takes an int32[2] key and an int32[] draw");
    // The element's index is its counter.
    if (sizeOf(shape) > mostElements)
      throw new ShapeError(
        `random numbers: ${formatShape(shape)} has ${sizeOf(shape)} elements, and one draw gives ${mostElements} at most; draw them in parts`,
      );
    return { shape, dtype: "int32" };
  },
  gradient: notDifferentiable(reason),
  rule: {
    kind: "element",
    element: ({ input, index, attributes, type }) => {
      const strides = stridesOf(type.shape);
      const place = index.reduce<Scalar>(
        (flat, part, axis) => scalar.add(flat, scalar.mul(part, int(strides[axis] as number))),
        int(0),
      );
      return threefry([input(0, [int(0)]), input(0, [int(1)])], [place, input(1, [])])[attributes.word];
    },
  },
};

export const randomBits = (key: Node, draw: Node, shape: Shape, word: 0 | 1 = 0): Node =>
  apply(randomBitsOp, [key, reshape(draw, [])], { shape, word });

/** Uniform on [0, 1): 24 bits as float32, 53 as float64, 11 as float16, 8 as bfloat16; every value is exact. */
export function uniform(key: Node, draw: Node, shape: Shape, dtype: FloatDType = "float32"): Node {
  if (isHalf(dtype)) {
    // As many bits as its significand.
    const digits = dtype === "float16" ? 11 : 8;
    const whole = shiftRight(randomBits(key, draw, shape), full([], 32 - digits, "int32"));
    return cast(div(cast(whole, "float32"), full([], 2 ** digits, "float32")), dtype);
  }
  const high = cast(shiftRight(randomBits(key, draw, shape), full([], 8, "int32")), dtype);
  const scaled = div(high, full([], 2 ** 24, dtype));
  if (dtype === "float32") return scaled;
  const low = cast(shiftRight(randomBits(key, draw, shape, 1), full([], 3, "int32")), dtype);
  return add(scaled, div(low, full([], 2 ** 53, dtype)));
}

type None = Record<string, never>;

/**
 * The Box–Muller formula √(−2 ln (1 − u₀)) · cos 2πu₁ of two uniforms, using only additions, products, quotients and square
 * roots: those round the same way everywhere, so the bits are the same on every backend.
 */
export const normalOp: Op<None> = {
  name: "randomNormal",
  traits: { random: true },
  infer: ([u]) => u as TensorType,
  gradient: notDifferentiable(reason),
  rule: {
    kind: "element",
    element: ({ input, index }) => {
      const [u, angle] = [input(0, index), input(1, index)];
      const radius = scalar.unary("sqrt", scalar.mul(scalar.constant(-2, u.dtype), logOfRest(u)));
      return scalar.mul(radius, portableCosine(angle));
    },
  },
};

/** −ln(1 − u): waiting times of mean 1 from a uniform, with the same bits everywhere. */
export const exponentialOp: Op<None> = {
  name: "randomExponential",
  traits: { random: true },
  infer: ([u]) => u as TensorType,
  gradient: notDifferentiable(reason),
  rule: { kind: "element", element: ({ input, index }) => scalar.unary("neg", logOfRest(input(0, index))) },
};

/** ln(1 − u). 1 − u lies in (0, 1], where the logarithm is finite. */
const logOfRest = (u: Scalar): Scalar => portableLog(scalar.sub(scalar.constant(1, u.dtype), u));

/** Σ cₖ xᵏ by Horner's rule, lowest coefficient first. */
function polynomial(x: Scalar, coefficients: readonly number[]): Scalar {
  return coefficients
    .map((coefficient) => scalar.constant(coefficient, x.dtype))
    .reduceRight((sum, coefficient) => scalar.add(scalar.mul(sum, x), coefficient));
}

/** ln x for x in [2⁻⁵³, 1]: x is scaled into [√½, √2) by powers of two, then ln m = 2 artanh((m − 1)/(m + 1)). */
function portableLog(x: Scalar): Scalar {
  const number = (value: number): Scalar => scalar.constant(value, x.dtype);
  let mantissa = x;
  let exponent = number(0);
  for (const step of [32, 16, 8, 4, 2, 1]) {
    const small = scalar.binary("lt", mantissa, number(2 ** -step * Math.SQRT2));
    mantissa = scalar.select(small, scalar.mul(mantissa, number(2 ** step)), mantissa);
    exponent = scalar.select(small, scalar.sub(exponent, number(step)), exponent);
  }
  const s = scalar.binary("div", scalar.sub(mantissa, number(1)), scalar.add(mantissa, number(1)));
  const series = polynomial(
    scalar.mul(s, s),
    Array.from({ length: 10 }, (_, k) => 2 / (2 * k + 1)),
  );
  return scalar.add(scalar.mul(exponent, number(Math.LN2)), scalar.mul(s, series));
}

/** cos 2πt for t in [0, 1): reduced to a quarter turn, then sin by its series. */
function portableCosine(t: Scalar): Scalar {
  const number = (value: number): Scalar => scalar.constant(value, t.dtype);
  // cos 2πt = sin 2π(¼ − |t − ½| … ): with d = |t − ½| in [0, ½], cos 2πt = −cos 2πd = sin 2π(d − ¼).
  const d = scalar.unary("abs", scalar.sub(t, number(0.5)));
  const angle = scalar.mul(scalar.sub(d, number(0.25)), number(2 * Math.PI));
  let factorial = 1;
  const coefficients = Array.from({ length: 11 }, (_, k) => {
    if (k > 0) factorial *= 2 * k * (2 * k + 1);
    return (k % 2 === 0 ? 1 : -1) / factorial;
  });
  return scalar.mul(angle, polynomial(scalar.mul(angle, angle), coefficients));
}

/** Normal with mean 0 and variance 1, within ±5.8, because each uniform has 24 bits. */
export function normal(key: Node, draw: Node, shape: Shape, dtype: FloatDType = "float32"): Node {
  if (isHalf(dtype)) return cast(normal(key, draw, shape), dtype);
  const unit = (word: 0 | 1): Node =>
    div(cast(shiftRight(randomBits(key, draw, shape, word), full([], 8, "int32")), dtype), full([], 2 ** 24, dtype));
  return apply(normalOp, [unit(0), unit(1)], {});
}

/** Uniform values on [0, 1) from one draw. */
export type Uniform = (shape: Shape, dtype: FloatDType) => Node;

/** 1 with the given probability, else 0, in the dtype of the probabilities. */
export function bernoulli(draw: Uniform, probability: Node): Node {
  const u = draw(probability.shape, probability.dtype === "float64" ? "float64" : "float32");
  return cast(lt(u, probability), probability.dtype);
}

/** Integers in [low, high): the remainder of 31 random bits. */
export function randint(key: Node, draw: Node, low: number, high: number, shape: Shape): Node {
  if (
    !(
      Number.isInteger(low) &&
      Number.isInteger(high) &&
      low < high &&
      high - low < 2 ** 31 &&
      low >= -(2 ** 31) &&
      high <= 2 ** 31
    )
  ) {
    throw new HebbError(
      `randint: takes whole numbers low < high that int32 holds, less than 2³¹ apart, got ${low} and ${high}`,
    );
  }
  const bits = shiftRight(randomBits(key, draw, shape), full([], 1, "int32"));
  return add(remainder(bits, full([], high - low, "int32")), full([], low, "int32"));
}

/** The numbers 0 … n − 1 in random order: the order that sorts n random words. */
export const permutation = (key: Node, draw: Node, n: number): Node =>
  n <= 1 ? full([n], 0, "int32") : argsort(randomBits(key, draw, [n]), 0);

/**
 * `count` positions per row, drawn in proportion to its weights: each position waits for −ln(1 − u) / w, and the first
 * to arrive are drawn (Efraimidis and Spirakis 2006); with replacement, one position from each of `count` races. Weights of 0
 * never come before others.
 */
export function multinomial(draw: Uniform, weights: Node, count: number, replacement: boolean): Node {
  const rank = weights.shape.length;
  if (rank !== 1 && rank !== 2)
    throw new ShapeError(`multinomial: weights must be a row or a matrix of rows, got ${formatShape(weights.shape)}`);
  const extent = weights.shape[rank - 1] as number;
  if (!Number.isInteger(count) || count < 1)
    throw new HebbError(`multinomial: the number of draws must be a whole number of at least 1, got ${count}`);
  if (extent === 0) throw new HebbError(`multinomial: there is nothing to draw from in ${formatShape(weights.shape)}`);
  if (!replacement && count > extent)
    throw new HebbError(
      `multinomial: cannot draw ${count} of ${extent} without replacement; pass { replacement: true } or draw fewer`,
    );
  const rows = weights.shape.slice(0, -1);
  const shape = replacement ? [...rows, count, extent] : weights.shape;
  const rates = cast(replacement ? expand(reshape(weights, [...rows, 1, extent]), shape) : weights, "float64");
  const waits = div(apply(exponentialOp, [draw(shape, "float64")], {}), rates);
  const times = where(gt(rates, full([], 0, "float64")), waits, full([], Number.POSITIVE_INFINITY, "float64"));
  return replacement ? argmin(times, -1) : slice(argsort(times, -1), rank - 1, 0, count);
}
