// The meaning of every scalar function in double precision, and the rounding of a value to a dtype.
import { type ElementType, rangeOf, wrapped } from "../../graph/dtype.ts";
import type { Combine } from "../../graph/node.ts";
import type { BinaryFn, UnaryFn } from "../../graph/scalar.ts";

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

/** Rounds the exact (double) result of an operation to the dtype. Integers wrap; bool is `!= 0`. */
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

const combineFn: Readonly<Record<Combine, BinaryFn>> = { sum: "add", prod: "mul", max: "max", min: "min" };

/** The initial value of a combination, and its result for an empty extent. */
export function identity(combine: Combine, dtype: ElementType): number {
  if (combine === "sum") return 0;
  if (combine === "prod") return 1;
  return rangeOf(dtype)[combine === "max" ? 0 : 1];
}

/** One step of a combination. Floats stay in double and are rounded once, at the end. Integers wrap at each step. */
export const combination = (combine: Combine, dtype: ElementType): Binary =>
  binaryFunction(combineFn[combine], dtype === "float32" ? "float64" : dtype);

export function unaryFunction(fn: UnaryFn, dtype: ElementType): Unary {
  const exact = exactUnary[fn];
  const round = rounding(dtype);
  return dtype === "float64" ? exact : (x) => round(exact(x));
}

const exactUnary: Readonly<Record<UnaryFn, Unary>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  trunc: Math.trunc,
  not: (x) => (x === 0 ? 1 : 0),
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  atan: Math.atan,
  tanh: Math.tanh,
  sigmoid,
  erf,
  isNaN: (x) => (Number.isNaN(x) ? 1 : 0),
};

/** -1, 0 or 1; 0 for NaN, like torch.sign. */
function sign(x: number): number {
  if (x > 0) return 1;
  return x < 0 ? -1 : 0;
}

function roundHalfEven(x: number): number {
  // Adding and subtracting 2^52 makes the hardware round to an integer, half to even; larger values are already integers.
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
 * erf(x) = 2/√π ∫₀ˣ e^-t² dt. Below 2, the series 2/√π e^-x² Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!, whose terms all have the same sign;
 * above, the continued fraction of 1 - erf (Abramowitz and Stegun 7.1.6 and 7.1.14). Within 4 ulp of a double.
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

export function binaryFunction(fn: BinaryFn, dtype: ElementType): Binary {
  const exact = (dtype === "float32" || dtype === "float64" ? exactFloat : exactInteger)[fn];
  const round = rounding(dtype);
  return dtype === "float64" ? exact : (a, b) => round(exact(a, b));
}

const exactFloat: Readonly<Record<BinaryFn, Binary>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: floatMod,
  pow: floatPow,
  atan2: Math.atan2,
  min: Math.min,
  max: Math.max,
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >>> b,
};

const exactInteger: Readonly<Record<BinaryFn, Binary>> = {
  ...exactFloat,
  mul: Math.imul,
  div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  mod: (a, b) => (b === 0 ? 0 : a - Math.floor(a / b) * b),
  pow: integerPow,
};

/** The remainder with the sign of the divisor (torch.remainder). */
function floatMod(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

/** IEEE pow: 1 to any power is 1, and so is -1 to ±∞, where JavaScript returns NaN. */
function floatPow(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

/** Wraps like repeated multiplication. A negative exponent truncates the fraction to 0, except for ±1. */
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
