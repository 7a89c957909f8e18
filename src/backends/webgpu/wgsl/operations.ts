// One operation of the scalar language as a WGSL expression. int32 and narrower integers are i32; float64 is two words.
import { byteSize, type ElementType, rangeOf, wrapped } from "../../../graph/dtype.ts";
import { HebbError, InternalError, unreachable } from "../../../graph/errors.ts";
import type { Combine } from "../../../graph/node.ts";
import { type BinaryFn, isComparison, type UnaryFn } from "../../../graph/scalar.ts";
import { combineFn, identityOf } from "../../analysis/combine.ts";
import { doubleLiteral, floatLiteral, intLiteral } from "./literals.ts";

export function wgslType(dtype: ElementType): string {
  switch (dtype) {
    case "float32":
      return "f32";
    case "float64":
      return "vec2<u32>";
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return "i32";
    case "bool":
      return "bool";
  }
}

export function literal(value: number, dtype: ElementType): string {
  switch (dtype) {
    case "float32":
      return floatLiteral(value);
    case "float64":
      return doubleLiteral(value);
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return intLiteral(wrapped(value, dtype));
    case "bool":
      return value !== 0 ? "true" : "false";
  }
}

/** The initial value of a combination. */
export const identity = (combine: Combine, dtype: ElementType): string => literal(identityOf(combine, dtype), dtype);

export const combination = (combine: Combine, dtype: ElementType, a: string, b: string): string =>
  binaryText(combineFn[combine], dtype, a, b);

/** An integer wrapped to the range of its dtype. */
export function narrowed(text: string, dtype: ElementType): string {
  if (dtype === "int8" || dtype === "int16") return `extractBits(${text}, 0u, ${8 * byteSize(dtype)}u)`;
  return dtype === "uint8" || dtype === "uint16" ? `(${text} & ${rangeOf(dtype)[1]}i)` : text;
}

const truth = (bool: string): string => `select(0i, 1i, ${bool})`;

/** A function of one value of this dtype. */
export function unaryText(fn: UnaryFn, dtype: ElementType, x: string): string {
  switch (dtype) {
    case "float32":
      return floatUnary(fn, x);
    case "float64":
      throw new InternalError(`${fn} of float64 is an operation of doubles.ts`);
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return fn === "neg" || fn === "abs" ? narrowed(intUnary(fn, x), dtype) : intUnary(fn, x);
    case "bool":
      // -1 and 1 are both true.
      return fn === "not" ? `!(${x})` : fn === "isNaN" ? "false" : x;
  }
}

const capital = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

function floatUnary(fn: UnaryFn, x: string): string {
  switch (fn) {
    case "not":
      return `(${x} == 0.0f)`;
    case "isNaN":
      return `isNaN(${x})`;
    case "sqrt":
      return `floatSqrt(${x})`;
    default:
      return `float${capital(fn)}(${x})`;
  }
}

function intUnary(fn: UnaryFn, x: string): string {
  switch (fn) {
    case "neg":
      return `(-${x})`;
    case "abs":
      return `abs(${x})`;
    case "sign":
      return `intSign(${x})`;
    case "not":
      return `(${x} == 0i)`;
    case "isNaN":
      return "false";
    case "floor":
    case "ceil":
    case "round":
    case "trunc":
      return x;
    default:
      throw new HebbError(`${fn} takes floats only; convert with .to("float32")`);
  }
}

/** A function of two values of this dtype. */
export function binaryText(fn: BinaryFn, dtype: ElementType, a: string, b: string): string {
  switch (dtype) {
    case "float32":
      return floatBinary(fn, a, b);
    case "float64":
      return doubleBinary(fn, a, b);
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return isComparison(fn) ? intBinary(fn, a, b) : narrowed(intBinary(fn, a, b), dtype);
    case "bool":
      return boolBinary(fn, a, b);
  }
}

function boolBinary(fn: BinaryFn, a: string, b: string): string {
  switch (fn) {
    case "and":
    case "mul":
    case "min":
      return `(${a} && ${b})`;
    case "or":
    case "add":
    case "max":
      return `(${a} || ${b})`;
    case "xor":
    case "sub":
    case "ne":
      return `(${a} != ${b})`;
    case "eq":
      return `(${a} == ${b})`;
    default: {
      const text = intBinary(fn, truth(a), truth(b));
      return isComparison(fn) ? text : `(${text} != 0i)`;
    }
  }
}

function floatBinary(fn: BinaryFn, a: string, b: string): string {
  switch (fn) {
    case "add":
      return `(${a} + ${b})`;
    case "sub":
      return `(${a} - ${b})`;
    case "mul":
      return `(${a} * ${b})`;
    case "div":
      return `floatDiv(${a}, ${b})`;
    case "mod":
    case "pow":
    case "atan2":
    case "min":
    case "max":
      return `float${capital(fn)}(${a}, ${b})`;
    case "eq":
      return `floatEqual(${a}, ${b})`;
    case "ne":
      return `!floatEqual(${a}, ${b})`;
    case "lt":
      return `floatLess(${a}, ${b})`;
    case "gt":
      return `floatLess(${b}, ${a})`;
    case "le":
      return `floatLessEqual(${a}, ${b})`;
    case "ge":
      return `floatLessEqual(${b}, ${a})`;
    case "and":
    case "or":
    case "xor":
    case "shl":
    case "shr":
      throw new HebbError(`${fn} takes int32 only; convert with .to("int32")`);
    default:
      return unreachable(fn);
  }
}

/** One step of a combination; the other float64 operations are in doubles.ts. */
function doubleBinary(fn: BinaryFn, a: string, b: string): string {
  switch (fn) {
    case "add":
    case "mul":
    case "min":
    case "max":
      return `double${capital(fn)}(${a}, ${b})`;
    default:
      throw new InternalError(`${fn} of float64 is an operation of doubles.ts`);
  }
}

const operators = {
  add: "+",
  sub: "-",
  mul: "*",
  and: "&",
  or: "|",
  xor: "^",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
} as const;

function intBinary(fn: BinaryFn, a: string, b: string): string {
  switch (fn) {
    case "div":
    case "mod":
    case "pow":
      return `int${capital(fn)}(${a}, ${b})`;
    case "min":
    case "max":
      return `${fn}(${a}, ${b})`;
    case "shl":
      return `(${a} << (u32(${b}) & 31u))`;
    case "shr":
      return `i32(u32(${a}) >> (u32(${b}) & 31u))`;
    case "atan2":
      throw new HebbError('atan2 takes floats only; convert with .to("float32")');
    default:
      return `(${a} ${operators[fn]} ${b})`;
  }
}

/** The same value in another dtype. */
export function castText(from: ElementType, to: ElementType, x: string): string {
  if (from === to) return x;
  switch (to) {
    case "bool":
      return from === "float32"
        ? `!floatEqual(${x}, 0.0f)`
        : from === "float64"
          ? `!doubleEqual(${x}, ${doubleLiteral(0)})`
          : `(${x} != 0i)`;
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return from === "bool" ? truth(x) : narrowed(castText(from, "int32", x), to);
    case "int32":
      return from === "float32"
        ? `i32FromFloat(${x})`
        : from === "float64"
          ? `i32FromDouble(${x})`
          : from === "bool"
            ? truth(x)
            : x;
    case "float32":
      return from === "float64" ? `f32FromDouble(${x})` : from === "bool" ? `select(0.0f, 1.0f, ${x})` : `f32(${x})`;
    case "float64":
      return from === "float32" ? `doubleFromF32(${x})` : `doubleFromI32(${castText(from, "int32", x)})`;
  }
}
