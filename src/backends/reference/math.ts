// The meaning of every scalar function, in double precision, and how a value is rounded to a dtype.
import { type ElementType, rangeOf, wrapped } from "../../graph/dtype.ts";
import { unreachable } from "../../graph/errors.ts";
import type { Combine } from "../../graph/node.ts";
import type { BinaryFn, UnaryFn } from "../../graph/scalar.ts";

/** Rounds the exact (double) result of an operation to what the dtype can hold. Integers wrap, bool is `!= 0`. */
export function rounding(dtype: ElementType): (value: number) => number {
  switch (dtype) {
    case "float64":
      return (value) => value;
    case "float32":
      return Math.fround;
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return (value) => wrapped(value, dtype);
    case "bool":
      return (value) => (value !== 0 ? 1 : 0);
  }
}

/** Conversion by value: float → int truncates and saturates, NaN gives 0; narrower integers keep the low bits of that. */
export function conversion(dtype: ElementType): (value: number) => number {
  switch (dtype) {
    case "float32":
    case "float64":
    case "bool":
      return rounding(dtype);
    case "int32":
      return saturate;
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return (value) => wrapped(saturate(value), dtype);
  }
}

function saturate(value: number): number {
  if (value >= 2147483647) return 2147483647;
  if (value <= -2147483648) return -2147483648;
  return Math.trunc(value) | 0;
}

/** What a combination starts from, and gives for an empty extent. */
export function identity(combine: Combine, dtype: ElementType): number {
  switch (combine) {
    case "sum":
      return 0;
    case "prod":
      return 1;
    case "max":
      return rangeOf(dtype)[0];
    case "min":
      return rangeOf(dtype)[1];
  }
}

/** One step of a combination. Floats stay in double: they are rounded once, at the end. Integers wrap at each step. */
export function combination(combine: Combine, dtype: ElementType): (running: number, value: number) => number {
  const wide = dtype === "float32" ? "float64" : dtype;
  switch (combine) {
    case "sum":
      return binaryFunction("add", wide);
    case "prod":
      return binaryFunction("mul", wide);
    case "max":
      return Math.max;
    case "min":
      return Math.min;
  }
}

export function unaryFunction(fn: UnaryFn, dtype: ElementType): (x: number) => number {
  const exact = exactUnary(fn);
  const round = rounding(dtype);
  return dtype === "float64" ? exact : (x) => round(exact(x));
}

function exactUnary(fn: UnaryFn): (x: number) => number {
  switch (fn) {
    case "neg":
      return (x) => -x;
    case "abs":
      return Math.abs;
    case "sign":
      return sign;
    case "floor":
      return Math.floor;
    case "ceil":
      return Math.ceil;
    case "round":
      return roundHalfEven;
    case "trunc":
      return Math.trunc;
    case "not":
      return (x) => (x === 0 ? 1 : 0);
    case "exp":
      return Math.exp;
    case "expm1":
      return Math.expm1;
    case "log":
      return Math.log;
    case "log1p":
      return Math.log1p;
    case "sqrt":
      return Math.sqrt;
    case "sin":
      return Math.sin;
    case "cos":
      return Math.cos;
    case "tan":
      return Math.tan;
    case "atan":
      return Math.atan;
    case "tanh":
      return Math.tanh;
    case "sigmoid":
      return sigmoid;
    case "erf":
      return erf;
    case "isNaN":
      return (x) => (Number.isNaN(x) ? 1 : 0);
    default:
      return unreachable(fn);
  }
}

/** -1, 0 or 1; 0 for NaN, as torch.sign. */
function sign(x: number): number {
  if (x > 0) return 1;
  return x < 0 ? -1 : 0;
}

function roundHalfEven(x: number): number {
  // Adding and taking away 2^52 makes the hardware round to an integer, half to even; larger values are integers already.
  const big = 4503599627370496;
  if (!(Math.abs(x) < big)) return x;
  if (Object.is(x, -0)) return x;
  return x < 0 ? -(-x + big - big) : x + big - big;
}

/** 1 / (1 + e^-x), without overflow on either side. */
function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/**
 * erf(x) = 2/√π ∫₀ˣ e^-t² dt. Below 2 by the series 2/√π e^-x² Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!, whose terms are all of one sign;
 * above, by the continued fraction of 1 - erf (Abramowitz and Stegun 7.1.6 and 7.1.14). Within 4 ulp of a double.
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size > 0)) return x;
  if (size > 6) return Math.sign(x);
  if (size >= 2) {
    let fraction = size;
    for (let n = 120; n >= 1; n--) fraction = size + n / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction));
  }
  let term = x;
  let total = x;
  for (let n = 1; n < 80; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

export function binaryFunction(fn: BinaryFn, dtype: ElementType): (a: number, b: number) => number {
  const exact = dtype === "float32" || dtype === "float64" ? exactFloat(fn) : exactInteger(fn);
  const round = rounding(dtype);
  return dtype === "float64" ? exact : (a, b) => round(exact(a, b));
}

function exactFloat(fn: BinaryFn): (a: number, b: number) => number {
  switch (fn) {
    case "add":
      return (a, b) => a + b;
    case "sub":
      return (a, b) => a - b;
    case "mul":
      return (a, b) => a * b;
    case "div":
      return (a, b) => a / b;
    case "mod":
      return floatMod;
    case "pow":
      return floatPow;
    case "atan2":
      return Math.atan2;
    default:
      return commonBinary(fn);
  }
}

function exactInteger(fn: BinaryFn): (a: number, b: number) => number {
  switch (fn) {
    case "add":
      return (a, b) => a + b;
    case "sub":
      return (a, b) => a - b;
    case "mul":
      return Math.imul;
    case "div":
      return (a, b) => (b === 0 ? 0 : Math.trunc(a / b));
    case "mod":
      return (a, b) => (b === 0 ? 0 : a - Math.floor(a / b) * b);
    case "pow":
      return integerPow;
    case "atan2":
      return Math.atan2;
    default:
      return commonBinary(fn);
  }
}

function commonBinary(
  fn: Exclude<BinaryFn, "add" | "sub" | "mul" | "div" | "mod" | "pow" | "atan2">,
): (a: number, b: number) => number {
  switch (fn) {
    case "min":
      return Math.min;
    case "max":
      return Math.max;
    case "eq":
      return (a, b) => (a === b ? 1 : 0);
    case "ne":
      return (a, b) => (a !== b ? 1 : 0);
    case "lt":
      return (a, b) => (a < b ? 1 : 0);
    case "le":
      return (a, b) => (a <= b ? 1 : 0);
    case "gt":
      return (a, b) => (a > b ? 1 : 0);
    case "ge":
      return (a, b) => (a >= b ? 1 : 0);
    case "and":
      return (a, b) => a & b;
    case "or":
      return (a, b) => a | b;
    case "xor":
      return (a, b) => a ^ b;
    case "shl":
      return (a, b) => a << b;
    case "shr":
      return (a, b) => a >>> b;
    default:
      return unreachable(fn);
  }
}

/** The remainder with the sign of the divisor (torch.remainder). */
function floatMod(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

/** IEEE pow: 1 to any power is 1, and so is -1 to ±∞, where JavaScript says NaN. */
function floatPow(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

/** Wraps like the multiplications it stands for; a negative exponent truncates the fraction to 0, but for ±1. */
function integerPow(base: number, exponent: number): number {
  if (exponent < 0) {
    if (base === 1) return 1;
    if (base === -1) return exponent % 2 === 0 ? 1 : -1;
    return 0;
  }
  let result = 1;
  let square = base;
  for (let bits = exponent; bits > 0; bits >>>= 1) {
    if (bits & 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}
