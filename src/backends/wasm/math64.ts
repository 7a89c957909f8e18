// float64 functions within 1 to 2 ulp. Coefficients are least-squares fits over the reduced range, made in 40-digit
// arithmetic; arguments are reduced in two or three parts so that cancellation costs nothing.

import { at } from "../../graph/at.ts";
import { erfLarge, erfSmall, halfPiLow, ln2High, ln2Low } from "../analysis/float64Coefficients.ts";
import type { MathFn } from "../analysis/mathFn.ts";
import type { EmitContext } from "./emitter.ts";
import { exactProduct, exactSum } from "./exactDouble.ts";
import { constant as c, FloatCode, type Operand } from "./float-code.ts";
import type { FunctionBuilder } from "./module.ts";
import { piOverTwoReduction } from "./piOverTwo.ts";

/** Emits a function of one or two f64 parameters. */
export function emitDouble(f: FunctionBuilder, context: EmitContext, fn: MathFn): void {
  const m = new FloatCode(f, "f64");
  const called = (name: MathFn, x: Operand): number => {
    m.push(x);
    f.call(doubleHelper(context, name));
    return m.take();
  };
  switch (fn) {
    case "exp":
      m.push(exponential(m, clamp(m, 0, -746, 710), c(0)));
      return;
    case "expm1":
      expm1(m);
      return;
    case "log":
      log(m);
      return;
    case "log1p":
      log1p(m);
      return;
    case "sin":
    case "cos":
    case "tan":
      circular(m, context, fn);
      return;
    case "atan":
      atan(m);
      return;
    case "atan2":
      atan2(m, (x) => called("atan", x));
      return;
    case "tanh": {
      const size = clamp(m, m.abs(0), 0, 22);
      const t = called("expm1", m.add(size, size));
      f.get(m.div(t, m.add(t, c(2))))
        .get(0)
        .op("f64.copysign");
      return;
    }
    case "sigmoid": {
      const e = called("exp", m.apply("f64.neg", [m.abs(0)]));
      const top = select(m, c(1), e, () => f.get(0).f64(0).op("f64.ge"));
      m.push(m.div(top, m.add(e, c(1))));
      return;
    }
    case "erf":
      erf(m, (x) => called("exp", x));
      return;
    case "pow":
      power(m);
      return;
  }
}

function doubleHelper(context: EmitContext, fn: MathFn): FunctionBuilder {
  return context.helper(`${fn}_f64`, () => {
    const f = context.module.function(`${fn}_f64`, ["f64"], ["f64"]);
    emitDouble(f, context, fn);
    return f;
  });
}

function select(m: FloatCode, a: Operand, b: Operand, condition: () => void): number {
  m.push(a);
  m.push(b);
  condition();
  m.f.op("select");
  return m.take();
}

/** Returns `value` from the function if the condition on the stack holds. */
function returnIf(m: FloatCode, value: () => void): void {
  m.f.if(() => {
    value();
    m.f.op("return");
  });
}

const clamp = (m: FloatCode, x: Operand, low: number, high: number): number =>
  m.apply("f64.max", [m.apply("f64.min", [x, c(high)]), c(low)]);

// ---- exponentials

/** (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2. */
const expTail = [
  0.5, 0.16666666666666666, 0.04166666666666671, 0.008333333333333338, 0.0013888888888863664, 0.00019841269841247157,
  2.4801587363804043e-5, 2.755731927434543e-6, 2.7557241540153237e-7, 2.5052050342535036e-8, 2.092450042420037e-9,
  1.609253718996656e-10,
];
/** x + extra = n ln 2 + r; gives e^r - 1 and n as an i32 local. */
function expm1Reduced(m: FloatCode, x: Operand, extra: Operand): { value: number; n: number } {
  const rounded = m.nearest(m.mul(x, c(Math.LOG2E)));
  const high = m.lessProduct(x, rounded, c(ln2High));
  const low = m.sub(m.mul(rounded, c(ln2Low)), extra);
  const r = m.sub(high, low);
  const lost = m.sub(m.sub(high, r), low);
  const value = m.add(r, m.add(m.mul(m.mul(r, r), m.polynomial(r, expTail)), lost));
  m.f.get(rounded).op("i32.trunc_sat_f64_s");
  return { value, n: m.take("i32") };
}

/** Pushes 2ⁿ, for an i32 n on the stack. */
function pushPowerOfTwo(f: FunctionBuilder): void {
  f.op("i64.extend_i32_s").i64(1023n).op("i64.add").i64(52n).op("i64.shl").op("f64.reinterpret_i64");
}

/** y · 2ⁿ in two steps, so that the result may be subnormal or overflow. */
function scale(m: FloatCode, y: Operand, n: number): number {
  const { f } = m;
  f.get(n).i32(1).op("i32.shr_s");
  const half = m.take("i32");
  m.push(y);
  f.get(half);
  pushPowerOfTwo(f);
  f.op("f64.mul").get(n).get(half).op("i32.sub");
  pushPowerOfTwo(f);
  f.op("f64.mul");
  return m.take();
}

function exponential(m: FloatCode, x: Operand, extra: Operand): number {
  const { value, n } = expm1Reduced(m, x, extra);
  return scale(m, m.add(value, c(1)), n);
}

function expm1(m: FloatCode): void {
  const { f } = m;
  f.get(0).op("f64.abs").f64(1e-17).op("f64.lt");
  returnIf(m, () => f.get(0));
  const { value, n } = expm1Reduced(m, clamp(m, 0, -60, 710), c(0));
  f.get(n).i32(1).op("i32.sub");
  pushPowerOfTwo(f);
  const half = m.take();
  const result = m.add(m.mul(half, value), m.sub(half, c(0.5)));
  m.push(m.add(result, result));
}

// ---- logarithms

/** ln(1 + f) = 2 atanh(s) with s = f / (2 + f): (2 atanh(s) - 2s) / s³ in s². */
const logTail = [
  0.6666666666666666, 0.4000000000000635, 0.2857142856905997, 0.22222222649884754, 0.1818177546237842,
  0.15387098263564036, 0.13249972076357933, 0.13252494196763107,
];
const bitsOfRootHalf = 0x3fe6a09e667f3bcdn;

/** x = 2ᵏ m with m in [√½, √2), for a positive x. */
function splitExponent(m: FloatCode, x: Operand): { k: number; mantissa: number } {
  const { f } = m;
  m.push(x);
  f.f64(2.2250738585072014e-308).op("f64.lt");
  const tiny = m.take("i32");
  const scaled = select(m, m.mul(x, c(18014398509481984)), x, () => f.get(tiny));
  f.get(scaled).op("i64.reinterpret_f64").i64(bitsOfRootHalf).op("i64.sub").i64(52n).op("i64.shr_s");
  const exponent = m.take("i64");
  f.get(scaled).op("i64.reinterpret_f64").get(exponent).i64(52n).op("i64.shl").op("i64.sub").op("f64.reinterpret_i64");
  const mantissa = m.take();
  f.get(exponent).op("i32.wrap_i64").get(tiny).i32(54).op("i32.mul").op("i32.sub").op("f64.convert_i32_s");
  return { k: m.take(), mantissa };
}

/** ln(2ᵏ(1 + f)) + correction. */
function logReduced(m: FloatCode, k: Operand, small: Operand, correction: Operand): number {
  const s = m.div(small, m.add(small, c(2)));
  const z = m.mul(s, s);
  const tail = m.mul(z, m.polynomial(z, logTail));
  const halfSquare = m.mul(m.mul(small, small), c(0.5));
  const low = m.add(m.mul(s, m.add(halfSquare, tail)), m.add(m.mul(k, c(ln2Low)), correction));
  return m.sub(m.mul(k, c(ln2High)), m.sub(m.sub(halfSquare, low), small));
}

/** Returns early for 0, ∞, NaN and negative arguments of a logarithm. */
function returnLogEdges(m: FloatCode, argument: number): void {
  const { f } = m;
  f.get(argument).f64(0).op("f64.eq");
  returnIf(m, () => f.f64(Number.NEGATIVE_INFINITY));
  f.get(argument).f64(0).op("f64.lt");
  returnIf(m, () => f.f64(Number.NaN));
  f.get(argument).f64(Number.POSITIVE_INFINITY).op("f64.lt").op("i32.eqz");
  returnIf(m, () => f.get(argument));
}

function log(m: FloatCode): void {
  returnLogEdges(m, 0);
  const { k, mantissa } = splitExponent(m, 0);
  m.push(logReduced(m, k, m.sub(mantissa, c(1)), c(0)));
}

function log1p(m: FloatCode): void {
  const { f } = m;
  f.get(0).op("f64.abs").f64(1e-17).op("f64.lt");
  returnIf(m, () => f.get(0));
  const u = m.add(0, c(1));
  returnLogEdges(m, u);
  const { k, mantissa } = splitExponent(m, u);
  const lost = select(m, m.sub(c(1), m.sub(u, 0)), m.sub(0, m.sub(u, c(1))), () => f.get(k).f64(0).op("f64.gt"));
  const near = (): void => {
    f.get(k).f64(0).op("f64.eq");
  };
  const small = select(m, 0, m.sub(mantissa, c(1)), near);
  m.push(logReduced(m, k, small, select(m, c(0), m.div(lost, u), near)));
}

// ---- trigonometric functions

const sinTail = [
  -0.16666666666666666, 0.008333333333333323, -0.00019841269841254942, 2.7557319214142285e-6, -2.5052104902234635e-8,
  1.6058365740787662e-10, -7.578665769348329e-13,
];
const cosTail = [
  0.041666666666666664, -0.0013888888888888874, 2.4801587301571106e-5, -2.755731921523266e-7, 2.0876754337930355e-9,
  -1.1470290420944252e-11, 4.7379937225964626e-14,
];

/** x = n π/2 + high + low; then sine and cosine of the remainder, by quadrant. */
function circular(m: FloatCode, context: EmitContext, fn: "sin" | "cos" | "tan"): void {
  const { f } = m;
  if (fn !== "cos") {
    f.get(0).op("f64.abs").f64(1e-17).op("f64.lt");
    returnIf(m, () => f.get(0));
  }
  f.get(0).call(piOverTwoReduction(context));
  const low = m.take();
  const high = m.take();
  const n = m.take("i32");
  const z = m.mul(high, high);
  const cube = m.mul(z, high);
  const tail = m.polynomial(z, sinTail.slice(1));
  const sin = m.sub(
    high,
    m.sub(m.sub(m.mul(z, m.sub(m.mul(low, c(0.5)), m.mul(cube, tail))), low), m.mul(cube, c(at(sinTail, 0)))),
  );
  const half = m.mul(z, c(0.5));
  const near = m.sub(c(1), half);
  const rest = m.sub(m.mul(m.mul(z, z), m.polynomial(z, cosTail)), m.mul(high, low));
  const cos = m.add(near, m.add(m.sub(m.sub(c(1), near), half), rest));
  const odd = (): void => {
    f.get(n).i32(1).op("i32.and");
  };
  const minus = (x: Operand): number => m.apply("f64.neg", [x]);
  if (fn === "tan") {
    m.push(m.div(select(m, minus(cos), sin, odd), select(m, sin, cos, odd)));
    return;
  }
  const value = fn === "sin" ? select(m, cos, sin, odd) : select(m, sin, cos, odd);
  // sin: 0 1 2 3 → sin cos -sin -cos; cos: cos -sin -cos sin.
  m.push(
    select(m, minus(value), value, () => {
      f.get(n);
      if (fn === "cos") f.i32(1).op("i32.add");
      f.i32(2).op("i32.and");
    }),
  );
}

/** (atan(t) - t) / t³ in t², for |t| ≤ 7/16. */
const atanTail = [
  -0.333333333333329, 0.19999999999869145, -0.14285714271903546, 0.11111110380529092, -0.09090886528920884,
  0.07691867053552708, -0.06660984017859899, 0.05833011821723549, -0.049747035448403414, 0.03648366779187338,
  -0.01624020952476754,
];
/** atan(x) = atan(p) + atan((x - p) / (1 + p x)): the largest |x|, p, and atan(p) in two parts. */
const atanPoints: readonly (readonly [number, number, number, number])[] = [
  [0.6875, 0.5, 0.4636476090008061, 2.2698777452961687e-17],
  [1.1875, 1, Math.PI / 4, halfPiLow / 2],
  [2.4375, 1.5, 0.982793723247329, 1.3903311031230998e-17],
];

function atan(m: FloatCode): void {
  const { f } = m;
  const size = m.abs(0);
  const [t, high, low] = [f.local("f64"), f.local("f64"), f.local("f64")];
  f.get(size).set(t).f64(0).set(high).f64(0).set(low);
  const choose = (place: number): void => {
    const point = atanPoints[place];
    if (point === undefined) {
      f.f64(-1)
        .get(size)
        .op("f64.div")
        .set(t)
        .f64(Math.PI / 2)
        .set(high)
        .f64(halfPiLow)
        .set(low);
      return;
    }
    const [limit, p, atanHigh, atanLow] = point;
    f.get(size)
      .f64(limit)
      .op("f64.lt")
      .if(
        () => {
          f.get(size).f64(p).op("f64.sub").get(size).f64(p).op("f64.mul").f64(1).op("f64.add").op("f64.div").set(t);
          f.f64(atanHigh).set(high).f64(atanLow).set(low);
        },
        () => choose(place + 1),
      );
  };
  f.get(size)
    .f64(0.4375)
    .op("f64.ge")
    .if(() => choose(0));
  const z = m.mul(t, t);
  const bend = m.mul(m.mul(t, z), m.polynomial(z, atanTail));
  f.get(m.add(high, m.add(t, m.add(bend, low))))
    .get(0)
    .op("f64.copysign");
}

/** Parameters y and x. */
function atan2(m: FloatCode, atanOf: (x: number) => number): void {
  const { f } = m;
  f.get(0).get(0).op("f64.ne").get(1).get(1).op("f64.ne").op("i32.or");
  returnIf(m, () => f.f64(Number.NaN));
  const [y, x] = [m.abs(0), m.abs(1)];
  // Here 0/0 counts as 0, and ∞/∞ as 1.
  const quotient = m.div(y, x);
  const known = select(m, c(0), c(1), () => f.get(y).f64(0).op("f64.eq"));
  const ratio = select(m, quotient, known, () => f.get(quotient).get(quotient).op("f64.eq"));
  const angle = atanOf(ratio);
  const left = m.sub(c(Math.PI), m.sub(angle, c(2 * halfPiLow)));
  const turned = select(m, left, angle, () => f.f64(1).get(1).op("f64.copysign").f64(0).op("f64.lt"));
  f.get(turned).get(0).op("f64.copysign");
}

// ---- erf

function erf(m: FloatCode, expOf: (x: number) => number): void {
  const { f } = m;
  const size = m.abs(0);
  f.get(size).f64(1).op("f64.ge").op("i32.eqz");
  returnIf(m, () => m.push(m.mul(0, m.polynomial(m.mul(0, 0), erfSmall))));
  f.get(size).f64(6).op("f64.ge");
  returnIf(m, () => f.f64(1).get(0).op("f64.copysign"));
  const s = m.div(m.sub(size, c(2.5)), m.add(size, c(2.5)));
  const e = expOf(m.apply("f64.neg", [m.mul(size, size)]));
  const rest = m.div(m.mul(e, m.polynomial(s, erfLarge)), m.add(c(1), m.add(size, size)));
  f.get(m.sub(c(1), rest))
    .get(0)
    .op("f64.copysign");
}

// ---- pow

/** (2 atanh(s) - 2s - 2s³/3) / s⁵ in s². */
const powTail = [
  0.39999999999999997, 0.28571428571434326, 0.22222222220076826, 0.1818181856916861, 0.15384576693598312,
  0.13335581936710272, 0.11689218189282147, 0.11873297707257333,
];

/** e^(y ln x), with the logarithm in twice the precision. */
function power(m: FloatCode): void {
  const { f } = m;
  const infinite = (x: number): void => {
    f.get(x).op("f64.abs").f64(Number.POSITIVE_INFINITY).op("f64.eq");
  };
  f.get(1).f64(0).op("f64.eq").get(0).f64(1).op("f64.eq").op("i32.or");
  returnIf(m, () => f.f64(1));
  f.get(0).get(0).op("f64.ne").get(1).get(1).op("f64.ne").op("i32.or");
  returnIf(m, () => f.f64(Number.NaN));
  const size = m.abs(0);
  infinite(1);
  returnIf(m, () => {
    // |x| = 1 gives 1; otherwise 0 or ∞ as |x| grows or shrinks with the sign of y.
    f.f64(1);
    f.f64(Number.POSITIVE_INFINITY)
      .f64(0)
      .get(size)
      .f64(1)
      .op("f64.gt")
      .get(1)
      .f64(0)
      .op("f64.gt")
      .op("i32.eq")
      .op("select");
    f.get(size).f64(1).op("f64.eq").op("select");
  });
  f.get(1).op("f64.nearest").get(1).op("f64.eq");
  const whole = m.take("i32");
  // Doubles of 2^53 and more are even.
  const half = m.mul(1, c(0.5));
  f.get(half).op("f64.nearest").get(half).op("f64.ne").get(whole).op("i32.and");
  const odd = m.take("i32");
  const sign = select(m, c(-1), c(1), () =>
    f.get(odd).f64(1).get(0).op("f64.copysign").f64(0).op("f64.lt").op("i32.and"),
  );
  f.get(size).f64(0).op("f64.eq");
  infinite(0);
  f.op("i32.or");
  returnIf(m, () => {
    f.f64(Number.POSITIVE_INFINITY)
      .f64(0)
      .get(size)
      .f64(0)
      .op("f64.gt")
      .get(1)
      .f64(0)
      .op("f64.gt")
      .op("i32.eq")
      .op("select");
    f.get(sign).op("f64.copysign");
  });
  f.get(0).f64(0).op("f64.lt").get(whole).op("i32.eqz").op("i32.and");
  returnIf(m, () => f.f64(Number.NaN));

  const { k, mantissa } = splitExponent(m, size);
  const small = m.sub(mantissa, c(1));
  // s = f / (2 + f) and its error.
  const bottom = m.add(mantissa, c(1));
  const bottomLow = m.sub(mantissa, m.sub(bottom, c(1)));
  const s = m.div(small, bottom);
  const back = exactProduct(m, s, bottom);
  const sLow = m.div(m.sub(m.sub(m.sub(small, back.high), back.low), m.mul(s, bottomLow)), bottom);
  // 2s³/3 in twice the precision, the rest of the series in single.
  const z = exactProduct(m, s, s);
  const zLow = m.add(z.low, m.mul(m.mul(s, c(2)), sLow));
  const cube = exactProduct(m, s, z.high);
  const cubeLow = m.add(cube.low, m.add(m.mul(s, zLow), m.mul(sLow, z.high)));
  const third = exactProduct(m, cube.high, c(0.6666666666666666));
  const thirdLow = m.add(
    third.low,
    m.add(m.mul(cubeLow, c(0.6666666666666666)), m.mul(cube.high, c(3.700743415417188e-17))),
  );
  const tail = m.mul(m.mul(cube.high, z.high), m.polynomial(z.high, powTail));
  const first = exactSum(m, m.mul(k, c(ln2High)), m.add(s, s));
  const second = exactSum(m, first.high, third.high);
  const lows = m.add(
    m.add(m.add(first.low, second.low), m.mul(k, c(ln2Low))),
    m.add(m.add(m.add(sLow, sLow), thirdLow), tail),
  );
  const logHigh = m.add(second.high, lows);
  const logLow = m.add(m.sub(second.high, logHigh), lows);

  const rough = m.mul(logHigh, 1);
  f.get(rough).op("f64.abs").f64(800).op("f64.gt");
  returnIf(m, () => {
    f.f64(Number.POSITIVE_INFINITY).f64(0).get(rough).f64(0).op("f64.gt").op("select").get(sign).op("f64.copysign");
  });
  // A huge exponent would overflow inside the exact product; the logarithm is then so small that it need not be exact.
  const product = exactProduct(m, 1, logHigh);
  const exactLow = select(m, product.low, c(0), () => f.get(1).op("f64.abs").f64(1e290).op("f64.lt"));
  const extra = m.add(exactLow, m.mul(1, logLow));
  f.get(exponential(m, product.high, extra))
    .get(sign)
    .op("f64.copysign");
}
