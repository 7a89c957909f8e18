// Methods of Tensor that compute one element at a time: arithmetic, comparisons, functions, bits.
import type { DType } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import * as el from "../../graph/ops/elementwise.ts";
import * as pw from "../../graph/ops/pointwise.ts";
import { all } from "../../graph/ops/reduce.ts";
import * as sp from "../../graph/ops/special.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { type Shape, sameShape } from "../../graph/shape.ts";
import { numberOf } from "../operands.ts";
import type { Operand, Tensor } from "../tensor.ts";
import { alike, besideOf, binary, changed, compared, joined, made, nodeOf, Operable, withTensors } from "./operable.ts";

export interface DivOptions {
  /** "floor" rounds down, "trunc" toward 0. Default: no rounding. */
  readonly roundingMode?: pw.Rounding;
}
const divKinds: OptionKinds<DivOptions> = { roundingMode: kind.oneOf("trunc", "floor") };

export interface ScaleOptions {
  /** The factor of the product or quotient. Default 1. */
  readonly value?: number;
}
const scaleKinds: OptionKinds<ScaleOptions> = { value: kind.number };

export interface NanToNumOptions {
  /** Default 0. */
  readonly nan?: number;
  /** Default: the largest number of the dtype. */
  readonly posinf?: number;
  /** Default: the smallest one. */
  readonly neginf?: number;
}
const nanToNumKinds: OptionKinds<NanToNumOptions> = { nan: kind.number, posinf: kind.number, neginf: kind.number };

export interface CloseOptions {
  /** Default 1e-5. */
  readonly rtol?: number;
  /** Default 1e-8. */
  readonly atol?: number;
  /** Whether NaN is close to NaN. Default false. */
  readonly equalNan?: boolean;
}
const closeKinds: OptionKinds<CloseOptions> = { rtol: kind.number, atol: kind.number, equalNan: kind.boolean };

export abstract class PointwiseMethods<S extends Shape = Shape> extends Operable<S> {
  // ── arithmetic (broadcasts; the wider dtype wins) ──────────────────────────────────────────────────────────────────

  add(other: Operand): Tensor {
    return binary(this, "add", el.add, other);
  }
  sub(other: Operand): Tensor {
    return binary(this, "sub", el.sub, other);
  }
  mul(other: Operand): Tensor {
    return binary(this, "mul", el.mul, other);
  }
  /** True division: whole numbers become float32. Rounded as `roundingMode` says. */
  div(other: Operand, options: DivOptions = {}): Tensor {
    const { roundingMode } = checkOptions("div", options, divKinds);
    return binary(this, "div", (x, y) => pw.divide(x, y, roundingMode), other);
  }
  pow(exponent: Operand): Tensor {
    return binary(this, "pow", el.pow, exponent);
  }
  /** The power in float64, whatever the dtypes. */
  floatPower(exponent: Operand): Tensor {
    return binary(this, "floatPower", pw.floatPower, exponent);
  }
  /** The remainder with the sign of the divisor (torch.remainder). */
  remainder(divisor: Operand): Tensor {
    return binary(this, "remainder", el.remainder, divisor);
  }
  /** The remainder with the sign of the dividend (torch.fmod). */
  fmod(divisor: Operand): Tensor {
    return binary(this, "fmod", pw.fmod, divisor);
  }
  /** The quotient rounded down. For whole numbers, division by 0 gives 0. */
  floorDivide(divisor: Operand): Tensor {
    return binary(this, "floorDivide", pw.floorDivide, divisor);
  }
  gcd(other: Operand): Tensor {
    return binary(this, "gcd", pw.gcd, other);
  }
  lcm(other: Operand): Tensor {
    return binary(this, "lcm", pw.lcm, other);
  }
  /** √(x² + y²), without intermediate overflow. */
  hypot(other: Operand): Tensor {
    return binary(this, "hypot", pw.hypot, other);
  }
  atan2(other: Operand): Tensor {
    return binary(this, "atan2", el.atan2, other);
  }
  /** x · log y; 0 where x is 0. */
  xlogy(other: Operand): Tensor {
    return binary(this, "xlogy", pw.xlogy, other);
  }
  /** log(eˣ + eʸ). */
  logaddexp(other: Operand): Tensor {
    return binary(this, "logaddexp", pw.logaddexp, other);
  }
  /** log₂(2ˣ + 2ʸ). */
  logaddexp2(other: Operand): Tensor {
    return binary(this, "logaddexp2", pw.logaddexp2, other);
  }
  /** x · 2ʸ. */
  ldexp(other: Operand): Tensor {
    return binary(this, "ldexp", pw.ldexp, other);
  }
  /** x = mantissa · 2^exponent, with |mantissa| in [½, 1). */
  frexp(): { readonly mantissa: Tensor; readonly exponent: Tensor } {
    const { mantissa, exponent } = pw.frexp(this.node);
    return { mantissa: this[made](mantissa, [this]), exponent: this[made](exponent, []) };
  }
  /** |x| with the sign of `other`. */
  copysign(other: Operand): Tensor {
    return binary(this, "copysign", pw.copysign, other);
  }
  /** The next number of the dtype toward `other`. */
  nextafter(other: Operand): Tensor {
    return binary(this, "nextafter", sp.nextafter, other);
  }
  /** 0 for negative elements, 1 for positive ones, `values` at 0. */
  heaviside(values: Operand): Tensor {
    return binary(this, "heaviside", pw.heaviside, values);
  }
  /** this + weight · (end − this). */
  lerp(end: Tensor, weight: Operand): Tensor {
    nodeOf("lerp", end, "the end");
    return joined(this, "lerp", [end, weight], (x, y, w) => pw.lerp(x, y, w));
  }
  /** this + value · a · b. */
  addcmul(a: Tensor, b: Tensor, options: ScaleOptions = {}): Tensor {
    const { value = 1 } = checkOptions("addcmul", options, scaleKinds);
    return withTensors(this, "addcmul", { "the first factor": a, "the second factor": b }, (x, y, z) =>
      pw.addcmul(x, y, z, value),
    );
  }
  /** this + value · a / b. */
  addcdiv(a: Tensor, b: Tensor, options: ScaleOptions = {}): Tensor {
    const { value = 1 } = checkOptions("addcdiv", options, scaleKinds);
    return withTensors(this, "addcdiv", { "the dividend": a, "the divisor": b }, (x, y, z) =>
      pw.addcdiv(x, y, z, value),
    );
  }

  // ── comparisons, truth ─────────────────────────────────────────────────────────────────────────────────────────────

  maximum(other: Operand): Tensor {
    return compared(this, "maximum", el.maximum, other);
  }
  minimum(other: Operand): Tensor {
    return compared(this, "minimum", el.minimum, other);
  }
  /** The larger; if one is NaN, the other. */
  fmax(other: Operand): Tensor {
    return compared(this, "fmax", pw.fmax, other);
  }
  /** The smaller; if one is NaN, the other. */
  fmin(other: Operand): Tensor {
    return compared(this, "fmin", pw.fmin, other);
  }
  eq(other: Operand): Tensor {
    return compared(this, "eq", el.eq, other);
  }
  ne(other: Operand): Tensor {
    return compared(this, "ne", el.ne, other);
  }
  lt(other: Operand): Tensor {
    return compared(this, "lt", el.lt, other);
  }
  le(other: Operand): Tensor {
    return compared(this, "le", el.le, other);
  }
  gt(other: Operand): Tensor {
    return compared(this, "gt", el.gt, other);
  }
  ge(other: Operand): Tensor {
    return compared(this, "ge", el.ge, other);
  }
  /** Whether |x − y| ≤ atol + rtol · |y|, for each element. */
  isclose(other: Tensor, options: CloseOptions = {}): Tensor {
    const { rtol = 1e-5, atol = 1e-8, equalNan = false } = checkOptions("isclose", options, closeKinds);
    return withTensors(this, "isclose", { "the other": other }, (x, y) => pw.isclose(x, y, { rtol, atol, equalNan }));
  }
  /** Whether all elements are close: a scalar bool tensor, so that it works in a compiled function. */
  allclose(other: Tensor, options: CloseOptions = {}): Tensor {
    const { rtol = 1e-5, atol = 1e-8, equalNan = false } = checkOptions("allclose", options, closeKinds);
    return withTensors(this, "allclose", { "the other": other }, (x, y) =>
      all(pw.isclose(x, y, { rtol, atol, equalNan })),
    );
  }
  /** Whether shape and all elements are equal: a scalar bool tensor. */
  equal(other: Tensor): Tensor {
    nodeOf("equal", other, "the other");
    const same = sameShape(this.shape, other.shape);
    return this[made](same ? all(el.eq(this.node, other.node)) : el.cast(el.scalarLike(0, this.node), "bool"), []);
  }
  logicalAnd(other: Operand): Tensor {
    return binary(this, "logicalAnd", el.logicalAnd, other);
  }
  logicalOr(other: Operand): Tensor {
    return binary(this, "logicalOr", el.logicalOr, other);
  }
  logicalXor(other: Operand): Tensor {
    return binary(this, "logicalXor", pw.logicalXor, other);
  }
  logicalNot(): Tensor<S> {
    return alike(this, el.logicalNot);
  }
  bitwiseAnd(other: Operand): Tensor {
    return binary(this, "bitwiseAnd", pw.bitwiseAnd, other);
  }
  bitwiseOr(other: Operand): Tensor {
    return binary(this, "bitwiseOr", pw.bitwiseOr, other);
  }
  bitwiseXor(other: Operand): Tensor {
    return binary(this, "bitwiseXor", pw.bitwiseXor, other);
  }
  bitwiseNot(): Tensor<S> {
    return alike(this, pw.bitwiseNot);
  }
  bitwiseLeftShift(count: Operand): Tensor {
    return binary(this, "bitwiseLeftShift", pw.bitwiseLeftShift, count);
  }
  /** Arithmetic shift: fills with the sign bit from the left. */
  bitwiseRightShift(count: Operand): Tensor {
    return binary(this, "bitwiseRightShift", pw.bitwiseRightShift, count);
  }
  /** This tensor where the condition holds, else `other`. */
  where(condition: Tensor, other: Operand): Tensor {
    const test = nodeOf("where", condition, "the condition");
    return binary(this, "where", (x, y) => el.where(test, x, y), other);
  }

  // ── functions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  neg(): Tensor<S> {
    return alike(this, el.neg);
  }
  abs(): Tensor<S> {
    return alike(this, el.abs);
  }
  sign(): Tensor<S> {
    return alike(this, el.sign);
  }
  floor(): Tensor<S> {
    return alike(this, el.floor);
  }
  ceil(): Tensor<S> {
    return alike(this, el.ceil);
  }
  /** Rounds half to even, to `decimals` decimals. */
  round(decimals = 0): Tensor<S> {
    checkKind("round", "decimals", decimals, kind.number);
    if (decimals === 0) return alike(this, el.round);
    if (!Number.isInteger(decimals)) throw new HebbError(`round: decimals must be a whole number, got ${decimals}`);
    const scale = 10 ** Math.abs(decimals);
    const [up, down] = decimals > 0 ? [el.mul, el.div] : [el.div, el.mul];
    return alike(this, (x) => down(el.round(up(x, el.scalarLike(scale, x))), el.scalarLike(scale, x)));
  }
  trunc(): Tensor<S> {
    return alike(this, el.trunc);
  }
  /** The fractional part, with the sign of x. */
  frac(): Tensor<S> {
    return alike(this, pw.frac);
  }
  exp(): Tensor<S> {
    return alike(this, el.exp);
  }
  exp2(): Tensor<S> {
    return alike(this, sp.exp2);
  }
  expm1(): Tensor<S> {
    return alike(this, el.expm1);
  }
  log(): Tensor<S> {
    return alike(this, el.log);
  }
  log2(): Tensor<S> {
    return alike(this, sp.log2);
  }
  log10(): Tensor<S> {
    return alike(this, sp.log10);
  }
  log1p(): Tensor<S> {
    return alike(this, el.log1p);
  }
  sqrt(): Tensor<S> {
    return alike(this, el.sqrt);
  }
  rsqrt(): Tensor<S> {
    return alike(this, el.rsqrt);
  }
  reciprocal(): Tensor<S> {
    return alike(this, el.reciprocal);
  }
  square(): Tensor<S> {
    return alike(this, el.square);
  }
  sin(): Tensor<S> {
    return alike(this, el.sin);
  }
  cos(): Tensor<S> {
    return alike(this, el.cos);
  }
  tan(): Tensor<S> {
    return alike(this, el.tan);
  }
  asin(): Tensor<S> {
    return alike(this, sp.asin);
  }
  acos(): Tensor<S> {
    return alike(this, sp.acos);
  }
  atan(): Tensor<S> {
    return alike(this, el.atan);
  }
  sinh(): Tensor<S> {
    return alike(this, sp.sinh);
  }
  cosh(): Tensor<S> {
    return alike(this, sp.cosh);
  }
  tanh(): Tensor<S> {
    return alike(this, el.tanh);
  }
  asinh(): Tensor<S> {
    return alike(this, sp.asinh);
  }
  acosh(): Tensor<S> {
    return alike(this, sp.acosh);
  }
  atanh(): Tensor<S> {
    return alike(this, sp.atanh);
  }
  sinc(): Tensor<S> {
    return alike(this, pw.sinc);
  }
  deg2rad(): Tensor<S> {
    return alike(this, pw.deg2rad);
  }
  rad2deg(): Tensor<S> {
    return alike(this, pw.rad2deg);
  }
  sigmoid(): Tensor<S> {
    return alike(this, el.sigmoid);
  }
  /** log(x / (1 − x)), with x clamped to [eps, 1 − eps]. */
  logit(eps?: number): Tensor<S> {
    if (eps !== undefined) checkKind("logit", "eps", eps, kind.number);
    return alike(this, (x) => pw.logit(x, eps));
  }
  erf(): Tensor<S> {
    return alike(this, el.erf);
  }
  erfc(): Tensor<S> {
    return alike(this, sp.erfc);
  }
  erfinv(): Tensor<S> {
    return alike(this, sp.erfinv);
  }
  /** log |Γ(x)|. */
  lgamma(): Tensor<S> {
    return alike(this, sp.lgamma);
  }
  digamma(): Tensor<S> {
    return alike(this, sp.digamma);
  }
  /** The nth derivative of digamma. */
  polygamma(n: number): Tensor<S> {
    checkKind("polygamma", "n", n, kind.number);
    return alike(this, (x) => sp.polygamma(n, x));
  }
  mvlgamma(p: number): Tensor<S> {
    return alike(this, (x) => pw.mvlgamma(x, p));
  }
  /** The modified Bessel function of order 0. */
  i0(): Tensor<S> {
    return alike(this, sp.i0);
  }
  relu(): Tensor<S> {
    return alike(this, el.relu);
  }
  isnan(): Tensor<S> {
    return alike(this, el.isnan);
  }
  isinf(): Tensor<S> {
    return alike(this, el.isinf);
  }
  isposinf(): Tensor<S> {
    return alike(this, pw.isposinf);
  }
  isneginf(): Tensor<S> {
    return alike(this, pw.isneginf);
  }
  isfinite(): Tensor<S> {
    return alike(this, el.isfinite);
  }
  /** Whether the sign bit is set, as in −0. */
  signbit(): Tensor<S> {
    return alike(this, sp.signbit);
  }
  /** Replaces NaN and the infinities by numbers. */
  nanToNum(options: NanToNumOptions = {}): Tensor<S> {
    const most = pw.largest(this.dtype);
    const { nan = 0, posinf = most, neginf = -most } = checkOptions("nanToNum", options, nanToNumKinds);
    return alike(this, (x) => pw.nanToNum(x, { nan, posinf, neginf }));
  }
  /** Limits values to [min, max], numbers or tensors; either may be left out. */
  clamp(min?: number, max?: number): Tensor<S>;
  clamp(min?: Operand, max?: Operand): Tensor;
  clamp(min?: Operand, max?: Operand): Tensor {
    const isNumber = (bound: Operand | undefined): bound is number | undefined =>
      bound === undefined || typeof bound === "number";
    if (isNumber(min) && isNumber(max)) {
      if (min !== undefined) checkKind("clamp", "min", min, kind.number);
      if (max !== undefined) checkKind("clamp", "max", max, kind.number);
      return changed(this, (x) => el.clamp(x, min, max));
    }
    const [low, high] = [min, max].map((bound) => (bound === undefined ? undefined : besideOf("clamp", this, bound)));
    const tensors = [min, max].filter((bound): bound is Tensor => bound instanceof Operable);
    return this[made](pw.clampBetween(this.node, low, high), [this, ...tensors]);
  }
  to(dtype: DType): Tensor<S> {
    checkKind("to", "dtype", dtype, kind.dtype);
    return alike(this, (x) => el.cast(x, dtype));
  }
  /** Converts to float16: the nearest number, ties to even; infinity above 65,504. */
  half(): Tensor<S> {
    return this.to("float16");
  }
  /** Converts to bfloat16: the nearest number, ties to even. */
  bfloat16(): Tensor<S> {
    return this.to("bfloat16");
  }
  float(): Tensor<S> {
    return this.to("float32");
  }
  double(): Tensor<S> {
    return this.to("float64");
  }
  /** Converts to the dtype of another tensor. */
  typeAs(other: Tensor): Tensor<S> {
    const { dtype } = nodeOf("typeAs", other, "the other");
    return alike(this, (x) => el.cast(x, dtype));
  }
  /** `value` where the mask holds. */
  maskedFill(mask: Tensor, value: Operand): Tensor {
    const chosen = nodeOf("maskedFill", mask, "the mask");
    const filled = value instanceof Operable ? value.node : el.scalarLike(numberOf("maskedFill", value), this.node);
    return this[made](el.where(chosen, filled, this.node), value instanceof Operable ? [this, value] : [this]);
  }
}
