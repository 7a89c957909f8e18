// One operation of the scalar language as a C expression: on one element, and on a vector of lanes.
import { byteSize, type ElementType, rangeOf } from "../../graph/dtype.ts";
import { unreachable } from "../../graph/errors.ts";
import { type BinaryFn, isComparison, type UnaryFn } from "../../graph/scalar.ts";
import { misplaced } from "../analysis/values.ts";
import type { EmitContext } from "./emitter.ts";
import { laneLetter, literal, mask, scalarType, vectorType } from "./lanes.ts";
import { scalarMath, vectorMath } from "./math.ts";

const comparison = { eq: "==", ne: "!=", lt: "<", le: "<=", gt: ">", ge: ">=" } as const;
const arithmetic = { add: "+", sub: "-", mul: "*", div: "/" } as const;
const bitwise = { and: "&", or: "|", xor: "^" } as const;
const roundings = { floor: "floor", ceil: "ceil", trunc: "trunc", round: "rint" } as const;

const isFloat = (dtype: ElementType): dtype is "float32" | "float64" => dtype === "float32" || dtype === "float64";

/** Sign-extends a narrow integer with `unused` bits above it. */
const signed = (expression: string, unused: number): string => `((${expression} << ${unused}) >> ${unused})`;

/** Wraps an integer expression to the range of its dtype. */
function narrowed(expression: string, dtype: ElementType): string {
  if (dtype === "uint8") return `((${expression}) & 255)`;
  if (dtype === "uint16") return `((${expression}) & 65535)`;
  if (dtype === "int8" || dtype === "int16") return signed(`(${expression})`, 32 - 8 * byteSize(dtype));
  if (dtype === "bool") return `((${expression}) != 0)`;
  return `(${expression})`;
}

// ---- one element

export function scalarUnary(context: EmitContext, fn: UnaryFn, dtype: ElementType, x: string): string {
  if (isFloat(dtype)) {
    const suffix = dtype === "float32" ? "f" : "";
    switch (fn) {
      case "neg":
        return `(-${x})`;
      case "abs":
      case "sqrt":
        return `__builtin_${fn === "abs" ? "fabs" : "sqrt"}${suffix}(${x})`;
      case "floor":
      case "ceil":
      case "trunc":
      case "round":
        return `__builtin_${roundings[fn]}${suffix}(${x})`;
      case "isNaN":
        return `(${x} != ${x})`;
      case "sign":
        return `(${scalarType(dtype)})((${x} > 0) - (${x} < 0))`;
      case "not":
        throw misplaced(`${fn} of ${dtype}`);
      default:
        return scalarMath(context, fn, dtype, [x]);
    }
  }
  switch (fn) {
    case "not":
      return `(!${x})`;
    case "neg":
      return dtype === "bool" ? x : narrowed(`-${x}`, dtype);
    case "abs":
      return rangeOf(dtype)[0] < 0 ? narrowed(`${x} < 0 ? -${x} : ${x}`, dtype) : x;
    case "sign":
      return `((${x} > 0) - (${x} < 0))`;
    case "floor":
    case "ceil":
    case "trunc":
    case "round":
      return x;
    case "isNaN":
      return "0";
    default:
      throw misplaced(`${fn} of ${dtype}`);
  }
}

export function scalarBinary(context: EmitContext, fn: BinaryFn, dtype: ElementType, a: string, b: string): string {
  if (isComparison(fn)) return `(${a} ${comparison[fn]} ${b})`;
  if (isFloat(dtype)) {
    const type = scalarType(dtype);
    switch (fn) {
      case "add":
      case "sub":
      case "mul":
      case "div":
        return `(${a} ${arithmetic[fn]} ${b})`;
      case "min":
      case "max":
      case "mod":
        return `${fn}_${type}(${a}, ${b})`;
      case "pow":
      case "atan2":
        return scalarMath(context, fn, dtype, [a, b]);
      default:
        throw misplaced(`${fn} of ${dtype}`);
    }
  }
  switch (fn) {
    case "add":
      return dtype === "bool" ? `(${a} | ${b})` : narrowed(`${a} + ${b}`, dtype);
    case "sub":
      return dtype === "bool" ? `(${a} ^ ${b})` : narrowed(`${a} - ${b}`, dtype);
    case "mul":
      return narrowed(`${a} * ${b}`, dtype);
    case "and":
    case "or":
    case "xor":
      return `(${a} ${bitwise[fn]} ${b})`;
    case "shl":
      return narrowed(`(int)((unsigned)${a} << (${b} & 31))`, dtype);
    case "shr":
      return `(int)((unsigned)${a} >> (${b} & 31))`;
    case "min":
    case "max":
      return `${fn}_int(${a}, ${b})`;
    case "div":
    case "mod":
    case "pow":
      return narrowed(`int_${fn}(${a}, ${b})`, dtype);
    default:
      throw misplaced(`${fn} of ${dtype}`);
  }
}

export function scalarCast(from: ElementType, to: ElementType, x: string): string {
  if (from === to) return x;
  switch (to) {
    case "float32":
    case "float64":
      return `(${scalarType(to)})${x}`;
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8": {
      const whole = isFloat(from) ? `int_of(${x})` : x;
      return to === "int32" || from === "bool" ? whole : narrowed(whole, to);
    }
    case "bool":
      return `(${x} != 0)`;
    default:
      return unreachable(to);
  }
}

// ---- lanes. A bool is a mask: all ones or all zeros.

export function vectorUnary(context: EmitContext, fn: UnaryFn, dtype: ElementType, x: string, lanes: number): string {
  const type = vectorType(dtype, lanes);
  if (isFloat(dtype)) {
    const letter = laneLetter(dtype);
    const integer = `${letter === "D" ? "Q" : "I"}${lanes}`;
    switch (fn) {
      case "neg":
        return `(-${x})`;
      case "abs":
        return `((${type})((${integer})${x} & ${letter === "D" ? "0x7fffffffffffffffLL" : "0x7fffffff"}))`;
      case "sqrt":
        return `${type}_sqrt(${x})`;
      case "floor":
      case "ceil":
      case "trunc":
      case "round":
        return `${type}_${roundings[fn]}(${x})`;
      case "isNaN":
        return mask(letter, lanes, `${x} != ${x}`);
      case "sign": {
        const one = `${type}_splat(${literal(1, dtype)})`;
        const zero = `${type}_splat(${literal(0, dtype)})`;
        const below = `${type}_sel(${mask(letter, lanes, `${x} < 0`)}, -${one}, ${zero})`;
        return `${type}_sel(${mask(letter, lanes, `${x} > 0`)}, ${one}, ${below})`;
      }
      case "not":
        throw misplaced(`${fn} of ${dtype}`);
      default:
        return vectorMath(context, fn, dtype, [x], lanes);
    }
  }
  switch (fn) {
    case "not":
      return `(~${x})`;
    case "neg":
      return dtype === "bool" ? x : narrowed(`-${x}`, dtype);
    case "abs":
      return rangeOf(dtype)[0] < 0 ? narrowed(`${type}_sel(${x} < 0, -${x}, ${x})`, dtype) : x;
    case "sign":
      return `((${x} < 0) - (${x} > 0))`;
    case "floor":
    case "ceil":
    case "trunc":
    case "round":
      return x;
    case "isNaN":
      return `(${type}){0}`;
    default:
      throw misplaced(`${fn} of ${dtype}`);
  }
}

export function vectorBinary(
  context: EmitContext,
  fn: BinaryFn,
  dtype: ElementType,
  [a, b]: readonly [string, string],
  lanes: number,
): string {
  const type = vectorType(dtype, lanes);
  if (isFloat(dtype)) {
    switch (fn) {
      case "add":
      case "sub":
      case "mul":
      case "div":
        return `(${a} ${arithmetic[fn]} ${b})`;
      case "min":
      case "max":
        return `${type}_${fn}(${a}, ${b})`;
      case "mod":
      case "pow":
      case "atan2":
        return vectorMath(context, fn, dtype, [a, b], lanes);
      default:
        if (isComparison(fn)) return mask(laneLetter(dtype), lanes, `${a} ${comparison[fn]} ${b}`);
        throw misplaced(`${fn} of ${dtype}`);
    }
  }
  if (dtype === "bool") return maskBinary(fn, a, b);
  const whole = (expression: string): string => narrowed(expression, dtype);
  switch (fn) {
    case "add":
    case "sub":
    case "mul":
      return whole(`${a} ${arithmetic[fn]} ${b}`);
    case "and":
    case "or":
    case "xor":
      return `(${a} ${bitwise[fn]} ${b})`;
    case "shl":
      return whole(`${a} << (${b} & 31)`);
    case "min":
      return `${type}_sel(${a} < ${b}, ${a}, ${b})`;
    case "max":
      return `${type}_sel(${a} > ${b}, ${a}, ${b})`;
    case "div":
    case "mod":
    case "pow":
      return whole(`${type}_${fn}(${a}, ${b})`);
    case "shr":
      return `${type}_shr(${a}, ${b})`;
    default:
      if (isComparison(fn)) return `(${a} ${comparison[fn]} ${b})`;
      throw misplaced(`${fn} of ${dtype}`);
  }
}

/** True is -1, so the order of masks is reversed. */
function maskBinary(fn: BinaryFn, a: string, b: string): string {
  switch (fn) {
    case "and":
    case "mul":
    case "min":
    case "div":
      return `(${a} & ${b})`;
    case "or":
    case "add":
    case "max":
      return `(${a} | ${b})`;
    case "xor":
    case "sub":
    case "ne":
      return `(${a} ^ ${b})`;
    case "eq":
      return `(~(${a} ^ ${b}))`;
    case "lt":
      return `(${a} > ${b})`;
    case "le":
      return `(${a} >= ${b})`;
    case "gt":
      return `(${a} < ${b})`;
    case "ge":
      return `(${a} <= ${b})`;
    default:
      throw misplaced(`${fn} of bool lanes`);
  }
}

export function vectorCast(from: ElementType, to: ElementType, x: string, lanes: number): string {
  if (from === to) return x;
  const target = vectorType(to, lanes);
  const source = laneLetter(from);
  switch (to) {
    case "float32":
    case "float64":
      return `__builtin_convertvector(${from === "bool" ? `-${x}` : x}, ${target})`;
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8": {
      const whole = source === "I" ? (from === "bool" ? `(-${x})` : x) : `I${lanes}_of${source}(${x})`;
      return to === "int32" || from === "bool" ? whole : narrowed(whole, to);
    }
    case "bool":
      return mask(source, lanes, `${x} != 0`);
    default:
      return unreachable(to);
  }
}
