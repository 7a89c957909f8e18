// Composed elementwise functions: quotients and remainders, logarithms of sums, signs, bits, interpolation, closeness.
import { type DType, isFloat, promote } from "../dtype.ts";
import { HebbError, ShapeError } from "../errors.ts";
import type { Node, TensorType } from "../node.ts";
import { broadcastShapes } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand } from "./broadcast.ts";
import { full } from "./creation.ts";
import * as el from "./elementwise.ts";
import { erfc, exp2, floating, lgamma, log2, signbit } from "./special.ts";

const number = (value: number, like: TensorType): Node => full([], value, like.dtype);
const infinity = Number.POSITIVE_INFINITY;

/** Both in their common shape, as numbers: bool becomes an integer. */
function numeric(where: string, x: Node, y: Node): [Node, Node] {
  const dtype = promote(x.dtype, y.dtype);
  return el.align(where, x, y, dtype === "bool" ? "int32" : dtype);
}
/** Both in their common shape, as floats. */
function floats(where: string, x: Node, y: Node): [Node, Node] {
  const dtype = promote(x.dtype, y.dtype);
  return el.align(where, x, y, isFloat(dtype) ? dtype : "float32");
}

// ── quotients and remainders ──

/** The remainder with the sign of the dividend. */
export function fmod(x: Node, y: Node): Node {
  const [a, b] = numeric("fmod", x, y);
  if (!isFloat(a.dtype)) {
    // The smallest integer has no absolute value.
    const other = el.remainder(a, b);
    const turned = el.logicalAnd(el.ne(other, number(0, a)), el.ne(el.lt(a, number(0, a)), el.lt(b, number(0, b))));
    return el.where(turned, el.sub(other, b), other);
  }
  const size = el.remainder(el.abs(a), el.abs(b));
  const rest = el.where(el.lt(a, number(0, a)), el.neg(size), size);
  return withGradient(rest, [a, b], (grad) => [grad, el.neg(el.mul(grad, el.trunc(el.div(a, b))))]);
}

/** The quotient rounded down; exact for integers, with 0 for a divisor of 0. */
export function floorDivide(x: Node, y: Node): Node {
  const [a, b] = numeric("floorDivide", x, y);
  if (isFloat(a.dtype)) {
    const rest = el.remainder(a, b);
    const quotient = el.round(el.div(el.sub(a, rest), b));
    const plain = el.logicalOr(el.eq(b, number(0, b)), el.isinf(b));
    return el.stopGradient(el.where(plain, el.floor(el.div(a, b)), quotient));
  }
  const quotient = el.floor(el.div(el.cast(a, "float64"), el.cast(b, "float64")));
  return el.where(el.eq(b, number(0, b)), number(0, a), el.cast(quotient, a.dtype));
}

export type Rounding = "trunc" | "floor";
/** The quotient, rounded as requested. */
export function divide(x: Node, y: Node, rounding: Rounding | undefined): Node {
  if (rounding === "floor") return floorDivide(x, y);
  if (rounding === undefined) return el.div(x, y);
  const [a, b] = numeric("div", x, y);
  if (isFloat(a.dtype)) return el.trunc(el.div(a, b));
  const quotient = el.trunc(el.div(el.cast(a, "float64"), el.cast(b, "float64")));
  return el.where(el.eq(b, number(0, b)), number(0, a), el.cast(quotient, a.dtype));
}

export const frac = (x: Node): Node => el.sub(x, el.trunc(x));

/** The greatest common divisor of integers, by Euclid's algorithm: two steps at least halve a number. */
export function gcd(x: Node, y: Node): Node {
  const [first, second] = numeric("gcd", x, y);
  if (isFloat(first.dtype)) throw new HebbError(`gcd: takes whole numbers, got ${x.dtype} and ${y.dtype}`);
  let [a, b] = [el.abs(first), el.abs(second)];
  for (let step = 0; step < (first.dtype === "uint8" ? 14 : 46); step++) {
    const done = el.eq(b, number(0, b));
    [a, b] = [el.where(done, a, b), el.where(done, b, el.remainder(a, b))];
  }
  return a;
}

/** The least common multiple of integers; wraps on overflow. */
export function lcm(x: Node, y: Node): Node {
  const [a, b] = numeric("lcm", x, y);
  return el.abs(el.mul(floorDivide(a, gcd(a, b)), b));
}

// ── powers, logarithms ──

export function hypot(x: Node, y: Node): Node {
  const [a, b] = floats("hypot", x, y);
  const [large, small] = [el.maximum(el.abs(a), el.abs(b)), el.minimum(el.abs(a), el.abs(b))];
  const flat = el.logicalOr(el.eq(large, number(0, large)), el.isinf(large));
  const ratio = el.div(small, el.where(flat, number(1, large), large));
  const length = el.mul(large, el.sqrt(el.add(el.square(ratio), number(1, ratio))));
  const infinite = el.logicalOr(el.isinf(a), el.isinf(b));
  const result: Node = withGradient(
    el.where(infinite, number(infinity, length), el.where(flat, large, length)),
    [a, b],
    (grad) => [el.mul(grad, el.div(a, result)), el.mul(grad, el.div(b, result))],
  );
  return result;
}

/** x · log y; 0 where x is 0, for every y except NaN. */
function timesLog(where: string, x: Node, y: Node, log: (y: Node) => Node, slope: (x: Node, y: Node) => Node): Node {
  const [a, b] = floats(where, x, y);
  const none = el.eq(a, number(0, a));
  const value = el.where(el.isnan(b), b, el.where(none, number(0, a), el.mul(a, log(b))));
  return withGradient(value, [a, b], (grad) => {
    const logarithm = log(b);
    const flat = el.logicalAnd(none, el.logicalNot(el.isfinite(logarithm)));
    return [
      el.mul(grad, el.where(el.logicalAnd(flat, el.logicalNot(el.isnan(b))), number(0, a), logarithm)),
      el.mul(grad, slope(a, b)),
    ];
  });
}
export const xlogy = (x: Node, y: Node): Node => timesLog("xlogy", x, y, el.log, el.div);
export const xlog1py = (x: Node, y: Node): Node =>
  timesLog("xlog1py", x, y, el.log1p, (a, b) => el.div(a, el.add(b, number(1, b))));

/** log(eˣ + eʸ), shifted by the larger so that nothing overflows. */
export function logaddexp(x: Node, y: Node): Node {
  const [a, b] = floats("logaddexp", x, y);
  const large = el.maximum(a, b);
  const apart = el.abs(el.sub(a, b));
  const sum = el.add(large, el.log1p(el.exp(el.neg(apart))));
  const same = el.logicalAnd(el.eq(a, b), el.isinf(a));
  return withGradient(el.where(same, a, sum), [a, b], (grad) => [
    el.mul(grad, el.where(same, number(0.5, a), el.sigmoid(el.sub(a, b)))),
    el.mul(grad, el.where(same, number(0.5, a), el.sigmoid(el.sub(b, a)))),
  ]);
}

/** log₂(2ˣ + 2ʸ). */
export function logaddexp2(x: Node, y: Node): Node {
  const [a, b] = floats("logaddexp2", x, y);
  const large = el.maximum(a, b);
  const small = exp2(el.neg(el.abs(el.sub(a, b))));
  const sum = el.add(large, el.mul(el.log1p(small), number(Math.LOG2E, small)));
  const same = el.logicalAnd(el.eq(a, b), el.isinf(a));
  const share = (one: Node, other: Node): Node => el.sigmoid(el.mul(el.sub(one, other), number(Math.LN2, one)));
  return withGradient(el.where(same, a, sum), [a, b], (grad) => [
    el.mul(grad, el.where(same, number(0.5, a), share(a, b))),
    el.mul(grad, el.where(same, number(0.5, a), share(b, a))),
  ]);
}

export const floatPower = (x: Node, y: Node): Node => el.pow(el.cast(x, "float64"), el.cast(y, "float64"));
/** x · 2ʸ. */
export const ldexp = (x: Node, y: Node): Node => el.mul(floating(x), exp2(y));

/** x = mantissa · 2^exponent with a mantissa from ½ to 1. */
export function frexp(x: Node): { mantissa: Node; exponent: Node } {
  const values = floating(x);
  const size = el.abs(values);
  const plain = el.logicalAnd(el.isfinite(values), el.gt(size, number(0, size)));
  const known = el.where(plain, size, number(1, size));
  // Subnormal numbers are scaled up, so that their power of 2 is representable.
  const [least, lift] = values.dtype === "float64" ? [2 ** -1000, 200] : [2 ** -100, 60];
  const low = el.lt(known, number(least, known));
  const lifted = el.where(low, el.mul(known, number(2 ** lift, known)), known);
  const rough = el.floor(log2(lifted));
  const half = el.mul(lifted, exp2(el.sub(number(-1, rough), rough)));
  const up = el.ge(half, number(1, half));
  const down = el.lt(half, number(0.5, half));
  const mantissa = el.where(up, el.mul(half, number(0.5, half)), el.where(down, el.add(half, half), half));
  const count = el.add(rough, el.where(up, number(2, rough), el.where(down, number(0, rough), number(1, rough))));
  const exponent = el.sub(count, el.where(low, number(lift, count), number(0, count)));
  const signed = el.where(el.lt(values, number(0, values)), el.neg(mantissa), mantissa);
  const power = el.cast(el.where(plain, exponent, number(0, exponent)), "int32");
  const whole: Node = withGradient(el.where(plain, signed, values), [values], (grad) => [
    el.mul(grad, exp2(el.neg(el.cast(power, grad.dtype)))),
  ]);
  return { mantissa: whole, exponent: el.stopGradient(power) };
}

/** log of the multivariate gamma function. */
export function mvlgamma(x: Node, p: number): Node {
  if (!Number.isInteger(p) || p < 1)
    throw new ShapeError(`mvlgamma: p must be a whole number of at least 1, got ${String(p)}`);
  const values = floating(x);
  const parts = Array.from({ length: p }, (_, k) => lgamma(el.sub(values, number(k / 2, values))));
  return parts.reduce((sum, part) => el.add(sum, part), number((p * (p - 1) * Math.log(Math.PI)) / 4, values));
}

// ── signs and limits ──

export function copysign(x: Node, y: Node): Node {
  const [a, b] = floats("copysign", x, y);
  return el.where(signbit(b), el.neg(el.abs(a)), el.abs(a));
}
export const isneginf = (x: Node): Node =>
  isFloat(x.dtype) ? el.eq(x, number(Number.NEGATIVE_INFINITY, x)) : full(x.shape, 0, "bool");
export const isposinf = (x: Node): Node =>
  isFloat(x.dtype) ? el.eq(x, number(infinity, x)) : full(x.shape, 0, "bool");

/** 0 below 0, 1 above, `values` at 0. */
export function heaviside(x: Node, values: Node): Node {
  const [a, b] = numeric("heaviside", x, values);
  const step = el.where(el.eq(a, number(0, a)), b, el.cast(el.gt(a, number(0, a)), a.dtype));
  return el.stopGradient(step);
}

/** The larger one; if one is NaN, the other. */
export function fmax(x: Node, y: Node): Node {
  const [a, b] = numeric("fmax", x, y);
  return el.where(el.logicalOr(el.isnan(b), el.ge(a, b)), a, b);
}
export function fmin(x: Node, y: Node): Node {
  const [a, b] = numeric("fmin", x, y);
  return el.where(el.logicalOr(el.isnan(b), el.le(a, b)), a, b);
}

/** Bounds given as tensors; if they cross, the upper one wins. NaN stays NaN. */
export function clampBetween(x: Node, low: Node | undefined, high: Node | undefined): Node {
  const raised = low === undefined ? x : limit(x, low, el.lt);
  return high === undefined ? raised : limit(raised, high, el.gt);
}
/** The gradient goes to the value that is selected; next to a NaN, to neither. */
function limit(x: Node, bound: Node, beyond: (x: Node, bound: Node) => Node): Node {
  const [a, b] = el.align("clamp", x, bound);
  const out = beyond(a, b);
  const value = el.where(el.logicalOr(out, el.isnan(b)), b, a);
  if (!isFloat(value.dtype)) return value;
  return withGradient(value, [a, b], (grad) => {
    const inside = el.logicalNot(el.logicalOr(out, el.logicalOr(el.isnan(a), el.isnan(b))));
    return [el.where(inside, grad, number(0, grad)), el.where(out, grad, number(0, grad))];
  });
}

export interface NanToNum {
  readonly nan: number;
  readonly posinf: number;
  readonly neginf: number;
}
export function nanToNum(x: Node, { nan, posinf, neginf }: NanToNum): Node {
  if (!isFloat(x.dtype)) return x;
  const low = el.where(isneginf(x), number(neginf, x), x);
  const high = el.where(isposinf(x), number(posinf, x), low);
  return el.where(el.isnan(x), number(nan, x), high);
}
export const largest = (dtype: DType): number => (dtype === "float64" ? Number.MAX_VALUE : 3.4028234663852886e38);

// ── blends ──

/** x + weight · (end − x), computed from the nearer end so that both ends are exact. */
export function lerp(x: Node, end: Node, weight: Node): Node {
  const [first, second] = floats("lerp", x, end);
  const [w, a] = el.align("lerp", weight, first, first.dtype);
  const b = expand(second, a.shape);
  const apart = el.sub(b, a);
  const nearer = el.lt(el.abs(w), number(0.5, w));
  const rest = el.sub(number(1, w), w);
  const value = el.where(nearer, el.add(a, el.mul(w, apart)), el.sub(b, el.mul(apart, rest)));
  return withGradient(value, [a, b, w], (grad) => [el.mul(grad, rest), el.mul(grad, w), el.mul(grad, el.sub(b, a))]);
}
export const addcmul = (x: Node, a: Node, b: Node, value: number): Node => {
  const product = el.mul(a, b);
  return el.add(x, value === 1 ? product : el.mul(product, el.scalarLike(value, product)));
};
export const addcdiv = (x: Node, a: Node, b: Node, value: number): Node => {
  const quotient = el.div(a, b);
  return el.add(x, value === 1 ? quotient : el.mul(quotient, el.scalarLike(value, quotient)));
};

export const deg2rad = (x: Node): Node => el.mul(floating(x), number(Math.PI / 180, floating(x)));
export const rad2deg = (x: Node): Node => el.mul(floating(x), number(180 / Math.PI, floating(x)));

/** sin πx / πx; 1 at 0, with slope 0. */
export function sinc(x: Node): Node {
  const values = floating(x);
  const none = el.eq(values, number(0, values));
  const angle = el.mul(el.where(none, number(1, values), values), number(Math.PI, values));
  const value: Node = withGradient(
    el.where(none, number(1, values), el.div(el.sin(angle), angle)),
    [values],
    (grad) => [el.mul(grad, el.where(none, number(0, values), el.div(el.sub(el.cos(angle), value), values)))],
  );
  return value;
}

/** log(x / (1 − x)), with x kept away from 0 and 1 by eps. */
export function logit(x: Node, eps: number | undefined): Node {
  const values = floating(x);
  const kept = eps === undefined ? values : el.clamp(values, eps, 1 - eps);
  const rest = el.sub(number(1, kept), kept);
  return withGradient(el.log(el.div(kept, rest)), [values], (grad) => {
    const slope = el.div(grad, el.mul(values, el.sub(number(1, values), values)));
    const [low, high] = eps === undefined ? [0, 1] : [eps, 1 - eps];
    const outside = el.logicalOr(el.lt(values, number(low, values)), el.gt(values, number(high, values)));
    return [el.where(outside, number(eps === undefined ? Number.NaN : 0, slope), slope)];
  });
}

/** −x log x. */
export function entr(x: Node): Node {
  const values = floating(x);
  const positive = el.gt(values, number(0, values));
  const part = el.where(positive, values, number(1, values));
  const below = el.where(
    el.eq(values, number(0, values)),
    number(0, values),
    el.where(el.isnan(values), values, number(Number.NEGATIVE_INFINITY, values)),
  );
  return el.where(positive, el.neg(el.mul(part, el.log(part))), below);
}
/** The standard normal cumulative distribution function. */
export const ndtr = (x: Node): Node => {
  const half = erfc(el.mul(floating(x), number(-Math.SQRT1_2, floating(x))));
  return el.mul(half, number(0.5, half));
};

// ── closeness ──

export interface Closeness {
  readonly rtol: number;
  readonly atol: number;
  readonly equalNan: boolean;
}
/** Whether |x − y| ≤ atol + rtol · |y|. */
export function isclose(x: Node, y: Node, { rtol, atol, equalNan }: Closeness): Node {
  const [a, b] = numeric("isclose", x, y);
  const same = el.eq(a, b);
  const [wideA, wideB] = isFloat(a.dtype) ? [a, b] : [el.cast(a, "float64"), el.cast(b, "float64")];
  const allowed = el.add(el.mul(el.abs(wideB), number(rtol, wideB)), number(atol, wideB));
  const near = el.logicalAnd(
    el.le(el.abs(el.sub(wideA, wideB)), allowed),
    el.logicalAnd(el.isfinite(wideA), el.isfinite(wideB)),
  );
  const close = el.logicalOr(same, near);
  return equalNan ? el.logicalOr(close, el.logicalAnd(el.isnan(a), el.isnan(b))) : close;
}

// ── bits ──

/** A bitwise function of integers: bytes are computed as int32, bool as bool. */
const bits =
  (name: string, fn: (x: Node, y: Node) => Node, ofTruths?: (x: Node, y: Node) => Node) =>
  (x: Node, y: Node): Node => {
    const dtype = promote(x.dtype, y.dtype);
    if (isFloat(dtype))
      throw new HebbError(`${name}: takes whole numbers, got ${x.dtype} and ${y.dtype}; convert with .to("int32")`);
    if (dtype === "bool" && ofTruths !== undefined) return ofTruths(x, y);
    const shape = broadcastShapes(x.shape, y.shape, name);
    const wide = (node: Node): Node => expand(el.cast(node, "int32"), shape);
    return el.cast(fn(wide(x), wide(y)), dtype === "bool" ? "int32" : dtype);
  };
export const logicalXor = (x: Node, y: Node): Node => el.ne(el.cast(x, "bool"), el.cast(y, "bool"));
export const bitwiseAnd = bits("bitwiseAnd", el.bitwiseAnd, el.logicalAnd);
export const bitwiseOr = bits("bitwiseOr", el.bitwiseOr, el.logicalOr);
export const bitwiseXor = bits("bitwiseXor", el.bitwiseXor, logicalXor);
export function bitwiseNot(x: Node): Node {
  if (x.dtype === "bool") return el.logicalNot(x);
  return bitwiseXor(x, number(x.dtype === "uint8" ? 255 : -1, x));
}
const within = (count: Node): Node => el.logicalAnd(el.ge(count, number(0, count)), el.lt(count, number(32, count)));
export const bitwiseLeftShift = bits("bitwiseLeftShift", (x, y) =>
  el.where(within(y), el.shiftLeft(x, el.where(within(y), y, number(0, y))), number(0, x)),
);
/** Arithmetic shift: fills with the sign bit. */
export const bitwiseRightShift = bits("bitwiseRightShift", (x, y) => {
  const negative = el.lt(x, number(0, x));
  const mask = el.where(negative, number(-1, x), number(0, x));
  const moved = el.shiftRight(el.bitwiseXor(x, mask), el.where(within(y), y, number(31, y)));
  return el.bitwiseXor(el.where(within(y), moved, number(0, x)), mask);
});
