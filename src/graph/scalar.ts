// The scalar language: the value of one element as a pure expression. Ops compose it, kernels contain it, backends emit it.
import { computedIn, type DType, type ElementType } from "./dtype.ts";
import { unreachable } from "./errors.ts";

/** A loop counter from 0 to `extent` - 1. Its identity is `id`. */
export interface Axis {
  readonly id: number;
  readonly extent: number;
}

/**
 * Functions of one value. `floor ceil round trunc sign` keep the dtype; round is half to even (torch.round).
 * sigmoid(x) = 1 / (1 + e^-x). `not` is logical on bool. Transcendental functions take floats only.
 */
export type UnaryFn =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round"
  | "trunc"
  | "not"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sqrt"
  | "sin"
  | "cos"
  | "tan"
  | "atan"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "isNaN";

/**
 * Functions of two values of one dtype. Comparisons give bool. `min`/`max` propagate NaN (torch.minimum).
 * Integer `div` truncates toward zero and gives 0 for a divisor of 0; `mod` has the sign of the divisor
 * (torch.remainder), 0 for a divisor of 0. Integer arithmetic wraps. `and or xor shl shr` take int32 (shr is logical:
 * it fills with zeros) and, the first three, bool.
 */
export type BinaryFn =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "pow"
  | "min"
  | "max"
  | "atan2"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr";

/** A value bound once in a kernel, by `let`, `reduce` or a contraction. */
export interface Local {
  readonly id: number;
  readonly dtype: ElementType;
}

export type Scalar =
  | { readonly kind: "const"; readonly dtype: ElementType; readonly value: number }
  /** The current value of a loop counter, int32. */
  | { readonly kind: "axis"; readonly dtype: "int32"; readonly axis: Axis }
  /** Element `index` (flat, in elements, int32) of a buffer of the program. */
  | { readonly kind: "load"; readonly dtype: ElementType; readonly buffer: number; readonly index: Scalar }
  | { readonly kind: "unary"; readonly dtype: ElementType; readonly fn: UnaryFn; readonly x: Scalar }
  | {
      readonly kind: "binary";
      readonly dtype: ElementType;
      readonly fn: BinaryFn;
      readonly a: Scalar;
      readonly b: Scalar;
    }
  /** `a` if the bool condition holds, otherwise `b`. Loads in the branch not taken must not fault or be observable. */
  | {
      readonly kind: "select";
      readonly dtype: ElementType;
      readonly condition: Scalar;
      readonly a: Scalar;
      readonly b: Scalar;
    }
  /** Converts by value: float → int truncates and saturates (NaN → 0), narrower integers keep the low bits, bool is `!= 0`. */
  | { readonly kind: "cast"; readonly dtype: ElementType; readonly x: Scalar }
  /** Reinterprets the 32 bits as the other type: float32 ⇄ int32. */
  | { readonly kind: "bitcast"; readonly dtype: ElementType; readonly x: Scalar }
  | { readonly kind: "local"; readonly dtype: ElementType; readonly local: Local }
  /** An int32 index if it is in [0, extent), otherwise 0, so that it is always in bounds. */
  | { readonly kind: "guard"; readonly dtype: "int32"; readonly index: Scalar; readonly extent: number };

const none: readonly Scalar[] = [];

/** The operands of an expression, in order. */
export function operandsOf(x: Scalar): readonly Scalar[] {
  switch (x.kind) {
    case "const":
    case "axis":
    case "local":
      return none;
    case "load":
    case "guard":
      return [x.index];
    case "unary":
    case "cast":
    case "bitcast":
      return [x.x];
    case "binary":
      return [x.a, x.b];
    case "select":
      return [x.condition, x.a, x.b];
    default:
      return unreachable(x);
  }
}

type Comparison = Extract<BinaryFn, "eq" | "ne" | "lt" | "le" | "gt" | "ge">;
const comparisons: ReadonlySet<BinaryFn> = new Set<Comparison>(["eq", "ne", "lt", "le", "gt", "ge"]);

export function isComparison(fn: BinaryFn): fn is Comparison {
  return comparisons.has(fn);
}

let nextId = 0;

export const newAxis = (extent: number): Axis => ({ id: nextId++, extent });
export const newLocal = (dtype: DType | ElementType): Local => ({ id: nextId++, dtype: computedIn(dtype) });

/** A constant in the type in which kernels compute the dtype. */
export const constant = (value: number, dtype: DType | ElementType): Scalar => ({
  kind: "const",
  dtype: computedIn(dtype),
  value,
});
export const int = (value: number): Scalar => ({ kind: "const", dtype: "int32", value });
export const axisValue = (axis: Axis): Scalar => (axis.extent === 1 ? int(0) : { kind: "axis", dtype: "int32", axis });
export const load = (buffer: number, index: Scalar, dtype: ElementType): Scalar => ({
  kind: "load",
  dtype,
  buffer,
  index,
});
export const localValue = (local: Local): Scalar => ({ kind: "local", dtype: local.dtype, local });
export const bitcast = (x: Scalar, dtype: "float32" | "int32"): Scalar => ({ kind: "bitcast", dtype, x });

export const unary = (fn: UnaryFn, x: Scalar): Scalar => ({
  kind: "unary",
  dtype: fn === "isNaN" || fn === "not" ? "bool" : x.dtype,
  fn,
  x,
});

export const cast = (x: Scalar, dtype: ElementType): Scalar => (x.dtype === dtype ? x : { kind: "cast", dtype, x });

export const guard = (index: Scalar, extent: number): Scalar =>
  index.kind === "const" && index.value >= 0 && index.value < extent
    ? index
    : { kind: "guard", dtype: "int32", index, extent };

export function select(condition: Scalar, a: Scalar, b: Scalar): Scalar {
  if (condition.kind === "const") return condition.value !== 0 ? a : b;
  return { kind: "select", dtype: a.dtype, condition, a, b };
}

/** Integer index arithmetic is folded during construction, so that composed views stay simple. */
export function binary(fn: BinaryFn, a: Scalar, b: Scalar): Scalar {
  if (a.dtype === "int32" && b.dtype === "int32") {
    const folded = foldInt(fn, a, b);
    if (folded) return folded;
  }
  return { kind: "binary", dtype: isComparison(fn) ? "bool" : a.dtype, fn, a, b };
}

export const add = (a: Scalar, b: Scalar): Scalar => binary("add", a, b);
export const sub = (a: Scalar, b: Scalar): Scalar => binary("sub", a, b);
export const mul = (a: Scalar, b: Scalar): Scalar => binary("mul", a, b);
export const and = (a: Scalar, b: Scalar): Scalar => {
  if (a.kind === "const") return a.value !== 0 ? b : a;
  if (b.kind === "const") return b.value !== 0 ? a : b;
  return binary("and", a, b);
};

function foldInt(fn: BinaryFn, a: Scalar, b: Scalar): Scalar | undefined {
  if (a.kind === "const" && b.kind === "const") return foldConstants(fn, a.value, b.value);
  if (b.kind === "const") {
    if (b.value === 0 && (fn === "add" || fn === "sub")) return a;
    if (b.value === 0 && fn === "mul") return b;
    if (b.value === 1 && (fn === "mul" || fn === "div")) return a;
    if (b.value === 1 && fn === "mod") return int(0);
  }
  if (a.kind === "const") {
    if (a.value === 0 && fn === "add") return b;
    if (a.value === 0 && fn === "mul") return a;
    if (a.value === 1 && fn === "mul") return b;
  }
  return undefined;
}

function foldConstants(fn: BinaryFn, a: number, b: number): Scalar | undefined {
  switch (fn) {
    case "add":
      return int((a + b) | 0);
    case "sub":
      return int((a - b) | 0);
    case "mul":
      return int(Math.imul(a, b));
    case "div":
      return int(b === 0 ? 0 : Math.trunc(a / b));
    case "mod":
      return int(b === 0 ? 0 : a - Math.floor(a / b) * b);
    case "lt":
      return constant(a < b ? 1 : 0, "bool");
    case "le":
      return constant(a <= b ? 1 : 0, "bool");
    case "gt":
      return constant(a > b ? 1 : 0, "bool");
    case "ge":
      return constant(a >= b ? 1 : 0, "bool");
    case "eq":
      return constant(a === b ? 1 : 0, "bool");
    case "ne":
      return constant(a !== b ? 1 : 0, "bool");
    default:
      return undefined;
  }
}
