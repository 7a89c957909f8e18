// The element types of a tensor, how they promote, and the typed arrays that hold them.

import { HebbError } from "./errors.ts";

/** Floats of 16 bits: float16 has 5 bits of exponent and 10 of fraction (IEEE 754), bfloat16 has 8 and 7. Kernels compute them in float32. */
export type HalfDType = "float16" | "bfloat16";
export type FloatDType = HalfDType | "float32" | "float64";
export type IntDType = "int32" | "int16" | "int8" | "uint8";
export type DType = FloatDType | IntDType | "bool";

/** What memory holds and kernels compute with: a float of 16 bits is its bits, a uint16. */
export type ElementType = Exclude<DType, HalfDType> | "uint16";

/** Bool is stored as one byte, 0 or 1; floats of 16 bits as their bits. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint16Array | Uint8Array;

/** From the narrowest to the widest: the wider of two operands wins (torch.result_type). */
const promotionOrder: readonly DType[] = [
  "bool",
  "uint8",
  "int8",
  "int16",
  "int32",
  "float16",
  "bfloat16",
  "float32",
  "float64",
];

export const dtypes: readonly DType[] = promotionOrder;

export const isHalf = (dtype: DType): dtype is HalfDType => dtype === "float16" || dtype === "bfloat16";

export const isFloat = (dtype: DType): dtype is FloatDType =>
  dtype === "float32" || dtype === "float64" || isHalf(dtype);

/** Whole numbers; truth values are none. */
export const isInteger = (dtype: DType): dtype is IntDType => /^u?int/.test(dtype);

/** Truth values and whole numbers of fewer than 32 bits. */
export const isNarrow = (dtype: DType): boolean => !isFloat(dtype) && dtype !== "int32";

/** How memory holds the dtype. */
export const storedAs = (dtype: DType): ElementType => (isHalf(dtype) ? "uint16" : dtype);

/** What kernels compute the dtype in. */
export const computedIn = (dtype: DType | ElementType): ElementType =>
  dtype === "float16" || dtype === "bfloat16" ? "float32" : dtype;

interface ArrayOf {
  new (length: number): TypedArray;
  new (memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
}

/** The array that memory of each dtype is read by, and its short name in printed programs. */
const forms: Readonly<Record<ElementType, readonly [array: ArrayOf, short: string]>> = {
  float64: [Float64Array, "f64"],
  float32: [Float32Array, "f32"],
  int32: [Int32Array, "i32"],
  int16: [Int16Array, "i16"],
  int8: [Int8Array, "i8"],
  uint16: [Uint16Array, "u16"],
  uint8: [Uint8Array, "u8"],
  bool: [Uint8Array, "bool"],
};

const arrayOf = (dtype: ElementType): ArrayOf => forms[dtype][0];

const byteSizes: Readonly<Record<DType | ElementType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  int16: 2,
  int8: 1,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

export const byteSize = (dtype: DType | ElementType): number => byteSizes[dtype];

/** The least and the greatest number that memory of the dtype holds. */
export function rangeOf(dtype: ElementType): readonly [least: number, greatest: number] {
  if (dtype === "float32" || dtype === "float64") return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (dtype === "bool") return [0, 1];
  const count = 2 ** (8 * byteSize(dtype));
  return dtype === "uint8" || dtype === "uint16" ? [0, count - 1] : [-count / 2, count / 2 - 1];
}

/** The type of the elements of an array; undefined where it is none of those that hold tensors. */
export function elementTypeOf(data: TypedArray): ElementType;
export function elementTypeOf(data: ArrayBufferView): ElementType | undefined;
export function elementTypeOf(data: ArrayBufferView): ElementType | undefined {
  return (Object.keys(forms) as ElementType[]).find((dtype) => data instanceof arrayOf(dtype));
}

/** The dtype of a tensor that is made of an array: its own, or the one that holds it. */
export function dtypeOf(data: ArrayBufferView): DType {
  const type = data instanceof Uint8ClampedArray ? "uint8" : elementTypeOf(data);
  return type === "uint16" ? "int32" : (type ?? "float32");
}

/** A whole number as memory of a dtype of whole numbers keeps it: its low bits. */
export function wrapped(value: number, dtype: ElementType): number {
  const unused = 32 - 8 * byteSize(dtype);
  return dtype === "uint8" || dtype === "uint16" ? (value << unused) >>> unused : (value << unused) >> unused;
}

/** The dtype that holds the values of both: of the two floats of 16 bits neither does, nor of the two whole numbers of 8. */
export function promote(a: DType, b: DType): DType {
  const wider = promotionOrder.indexOf(a) >= promotionOrder.indexOf(b) ? a : b;
  if (a === b) return a;
  if (isHalf(a) && isHalf(b)) return "float32";
  return wider === "int8" && (a === "uint8" || b === "uint8") ? "int16" : wider;
}

/** `convert the input with .to("float32")`: what is given takes the dtype of a float weight; of others the narrower takes the wider. */
export function conversionToWeight(input: DType, weight: DType): string {
  const wanted = isFloat(weight) ? weight : promote(input, weight);
  return `convert the ${input === wanted ? "weight" : "input"} with .to("${wanted}")`;
}

/** A zero-filled typed array for `length` numbers of the dtype, of floats of 16 bits a Float32Array. Throws HebbError when there is not enough memory. */
export function allocate(dtype: DType | ElementType, length: number): TypedArray {
  try {
    return newArray(dtype, length);
  } catch (cause) {
    throw new HebbError(
      `out of memory for ${length} ${dtype} elements (${length * byteSize(dtype)} bytes); compute in parts`,
      { cause },
    );
  }
}

function newArray(dtype: DType | ElementType, length: number): TypedArray {
  return new (arrayOf(computedIn(dtype)))(length);
}

/** A typed array over existing memory. */
export function viewOf(dtype: ElementType, memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  return new (arrayOf(dtype))(memory, byteOffset, length);
}

/** The short names used in printed programs. */
export function shortName(dtype: DType | ElementType): string {
  return dtype === "float16" ? "f16" : dtype === "bfloat16" ? "bf16" : forms[dtype][1];
}
