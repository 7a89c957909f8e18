// Branch-free float32 functions in four lanes.
import {
  bitsOfRootHalf,
  erfLarge,
  erfSmall,
  expTail,
  ln2High,
  ln2Low,
  logTail,
} from "../analysis/float32Coefficients.ts";
import type { PolynomialFn } from "../analysis/mathFn.ts";
import { constant, FloatCode, type Operand } from "./float-code.ts";
import type { FunctionBuilder } from "./module.ts";

/** Operand and result are on the stack. */
export function emitLanes(f: FunctionBuilder, fn: PolynomialFn): void {
  const m = new FloatCode(f, "f32x4");
  const x = m.take();
  switch (fn) {
    case "exp":
      m.finish(exp(m, x));
      return;
    case "expm1":
      m.finish(expm1(m, x));
      return;
    case "tanh":
      m.finish(tanh(m, x));
      return;
    case "sigmoid":
      m.finish(sigmoid(m, x));
      return;
    case "log":
      m.finish(log(m, x));
      return;
    case "log1p":
      m.finish(log1p(m, x));
      return;
    case "erf":
      m.finish(erf(m, x));
      return;
  }
}

/** Adding and subtracting 1.5 · 2²³ rounds to an integer, which is then in the low bits. */
const magic = 12582912;

const all = (lanes: number): Operand => constant(lanes);

// pmin(x, c) and pmax(x, c) are one machine instruction and keep a NaN in x.
const atMost = (m: FloatCode, x: Operand, bound: number): number => m.apply("f32x4.pmin", [x, all(bound)]);
const atLeast = (m: FloatCode, x: Operand, bound: number): number => m.apply("f32x4.pmax", [x, all(bound)]);

/** x = n ln 2 + r: r, and the float whose low bits are n. */
function reduce(m: FloatCode, x: number): { r: number; bits: number; n: number } {
  const bits = m.add(m.mul(x, all(Math.LOG2E)), all(magic));
  const n = m.sub(bits, all(magic));
  return { r: m.lessProduct(m.lessProduct(x, n, all(ln2High)), n, all(ln2Low)), bits, n };
}

/** e^r - 1 for the reduced r. */
function expm1Reduced(m: FloatCode, r: number): number {
  return m.add(r, m.mul(m.mul(r, r), m.polynomial(r, expTail)));
}

/** 2ⁿ as a float, for a normal result: n is in the low bits of `bits`. */
function powerOfTwo(m: FloatCode, bits: number, bias: number): number {
  m.f
    .get(bits)
    .i32(23)
    .op("i32x4.shl")
    .i32x4(bias << 23)
    .op("i32x4.add");
  return m.take();
}

/** y · 2ⁿ in two steps, so that the result may be subnormal or overflow. */
function scale(m: FloatCode, y: Operand, bits: number): number {
  const { f } = m;
  f.get(bits).i32x4(0x4b400000).op("i32x4.sub");
  const n = m.take();
  f.get(n).i32(1).op("i32x4.shr_s");
  const half = m.take();
  f.get(half).i32x4(127).op("i32x4.add").i32(23).op("i32x4.shl");
  const first = m.take();
  f.get(n).get(half).op("i32x4.sub").i32x4(127).op("i32x4.add").i32(23).op("i32x4.shl");
  const second = m.take();
  return m.mul(m.mul(y, first), second);
}

function exp(m: FloatCode, x: number): number {
  const { r, bits } = reduce(m, atLeast(m, atMost(m, x, 89), -104.5));
  return scale(m, m.add(expm1Reduced(m, r), all(1)), bits);
}

/** e^x for x ≤ 0: 2ⁿ⁺⁶⁴ is normal for every relevant n; the product with 2⁻⁶⁴ rounds once, also into subnormals. */
function expOfNegative(m: FloatCode, x: number): number {
  const { r, bits } = reduce(m, atLeast(m, x, -104.5));
  const power = powerOfTwo(m, bits, 127 + 64);
  return m.mul(m.mul(m.add(expm1Reduced(m, r), all(1)), power), all(2 ** -64));
}

/** 2ⁿ(e^r - 1) + (2ⁿ - 1), computed at half its size so that it overflows only when the result does. */
function expm1(m: FloatCode, x: number): number {
  const { r, bits } = reduce(m, atLeast(m, atMost(m, x, 89), -20));
  const half = powerOfTwo(m, bits, 126);
  const result = m.add(m.mul(half, expm1Reduced(m, r)), m.sub(half, all(0.5)));
  return signed(m, m.add(result, result), x);
}

/** Copies the sign of x; only a zero result lacks it. */
function signed(m: FloatCode, result: number, x: number): number {
  m.f.get(result).get(x).f32x4(-0).op("v128.and").op("v128.or");
  return m.take();
}

/** tanh = t / (t + 2) with t = e^2|x| - 1. */
function tanh(m: FloatCode, x: number): number {
  const { r, bits } = reduce(m, atMost(m, m.add(m.abs(x), m.abs(x)), 40));
  const power = powerOfTwo(m, bits, 127);
  const t = m.add(m.mul(power, expm1Reduced(m, r)), m.sub(power, all(1)));
  return signed(m, m.div(t, m.add(t, all(2))), x);
}

/** e / (1 + e) on the left and 1 / (1 + e) on the right, with e = e^-|x|. */
function sigmoid(m: FloatCode, x: number): number {
  const e = expOfNegative(m, m.apply("f32x4.neg", [m.abs(x)]));
  m.f.f32x4(1).get(e).get(x).f32x4(0).op("f32x4.ge").op("v128.bitselect");
  return m.div(m.take(), m.add(e, all(1)));
}

/** ln(2ᵏ(1 + f)) + correction. */
function logReduced(m: FloatCode, k: Operand, f: number, correction?: Operand): number {
  const square = m.mul(f, f);
  let tail = m.mul(m.mul(square, f), m.polynomial(f, logTail));
  tail = m.add(tail, m.mul(k, all(ln2Low)));
  if (correction !== undefined) tail = m.add(tail, correction);
  return m.add(m.mul(k, all(ln2High)), m.add(f, m.sub(tail, m.mul(square, all(0.5)))));
}

/** x = 2ᵏ m with m in [√½, √2), for a normal x. */
function splitExponent(m: FloatCode, x: number): { k: number; mantissa: number } {
  const { f } = m;
  f.get(x).i32x4(bitsOfRootHalf).op("i32x4.sub").i32(23).op("i32x4.shr_s");
  const exponent = m.take();
  f.get(x).get(exponent).i32(23).op("i32x4.shl").op("i32x4.sub");
  const mantissa = m.take();
  f.get(exponent).op("f32x4.convert_i32x4_s");
  return { k: m.take(), mantissa };
}

function log(m: FloatCode, x: number): number {
  const { f } = m;
  f.get(x).f32x4(1.1754943508222875e-38).op("f32x4.lt");
  const tiny = m.take();
  f.get(x).f32x4(8388608).op("f32x4.mul").get(x).get(tiny).op("v128.bitselect");
  const { k, mantissa } = splitExponent(m, m.take());
  f.get(k).get(tiny).f32x4(23).op("v128.and").op("f32x4.sub");
  const result = logReduced(m, m.take(), m.sub(mantissa, all(1)));
  return logEdges(m, result, x, x);
}

/** 0 → -∞, ∞ → ∞, negative or NaN → NaN, by the argument of the logarithm; `same` is the result for ∞ and NaN. */
function logEdges(m: FloatCode, result: number, argument: number, same: number): number {
  const { f } = m;
  f.get(result).get(same).get(argument).f32x4(Number.POSITIVE_INFINITY).op("f32x4.lt").op("v128.bitselect");
  const finite = m.take();
  f.f32x4(Number.NEGATIVE_INFINITY).get(finite).get(argument).f32x4(0).op("f32x4.eq").op("v128.bitselect");
  const zero = m.take();
  f.get(zero).get(argument).f32x4(0).op("f32x4.lt").op("v128.or");
  return m.take();
}

/** ln u with u = 1 + x, plus the rounding error of u. */
function log1p(m: FloatCode, x: number): number {
  const { f } = m;
  const u = m.add(x, all(1));
  const { k, mantissa } = splitExponent(m, u);
  f.get(m.sub(all(1), m.sub(u, x)))
    .get(m.sub(x, m.sub(u, all(1))))
    .get(k)
    .f32x4(0)
    .op("f32x4.gt")
    .op("v128.bitselect");
  const lost = m.div(m.take(), u);
  f.get(k).f32x4(0).op("f32x4.eq");
  const near = m.take();
  // Near 1 the mantissa minus 1 is x itself.
  f.get(x)
    .get(m.sub(mantissa, all(1)))
    .get(near)
    .op("v128.bitselect");
  const small = m.take();
  f.get(lost).get(near).op("v128.andnot");
  const result = logEdges(m, logReduced(m, k, small, m.take()), u, u);
  f.get(x).get(result).get(x).op("f32x4.abs").f32x4(1e-9).op("f32x4.lt").op("v128.bitselect");
  return m.take();
}

function erf(m: FloatCode, x: number): number {
  const { f } = m;
  const size = m.abs(x);
  const small = m.add(x, m.mul(x, m.polynomial(m.mul(x, x), erfSmall)));
  const bounded = atMost(m, size, 4);
  const exponent = m.apply("f32x4.neg", [m.polynomial(bounded, erfLarge)]);
  const { r, bits } = reduce(m, exponent);
  const e = m.mul(m.add(expm1Reduced(m, r), all(1)), powerOfTwo(m, bits, 127));
  const large = signed(m, m.sub(all(1), e), x);
  f.get(large).get(small).get(size).f32x4(1).op("f32x4.gt").op("v128.bitselect");
  return m.take();
}
