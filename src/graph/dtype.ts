// The element types of a tensor, how they promote, and the typed arrays that hold them.

import { HebbError } from "./errors.ts";

/** 16-bit floats: float16 has 5 bits of exponent and 10 of fraction (IEEE 754), bfloat16 has 8 and 7. Kernels compute them in float32. */
export type HalfDType = "float16" | "bfloat16";
export type FloatDType = HalfDType | "float32" | "float64";
export type IntDType = "int32" | "int16" | "int8" | "uint8";
export type DType = FloatDType | IntDType | "bool";

/** The types in memory and in kernels: a 16-bit float is stored as its bits, a uint16. */
export type ElementType = Exclude<DType, HalfDType> | "uint16";

/** Bool is stored as one byte, 0 or 1; 16-bit floats as their bits. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint16Array | Uint8Array;

/** From narrowest to widest: the wider of two operands wins (torch.result_type). */
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

/** Integers; bool is not one. */
export const isInteger = (dtype: DType): dtype is IntDType => /^u?int/.test(dtype);

/** Bool, and integers of fewer than 32 bits. */
export const isNarrow = (dtype: DType): boolean => !isFloat(dtype) && dtype !== "int32";

/** The type in memory of the dtype. */
export const storedAs = (dtype: DType): ElementType => (isHalf(dtype) ? "uint16" : dtype);

/** The type in which kernels compute the dtype. */
export const computedIn = (dtype: DType | ElementType): ElementType =>
  dtype === "float16" || dtype === "bfloat16" ? "float32" : dtype;

interface ArrayOf {
  new (length: number): TypedArray;
  new (memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
}

/** The typed array of each dtype, its short name in printed programs, and the bytes of an element. */
const forms: Readonly<Record<ElementType, readonly [array: ArrayOf, short: string, bytes: number]>> = {
  float64: [Float64Array, "f64", 8],
  float32: [Float32Array, "f32", 4],
  int32: [Int32Array, "i32", 4],
  int16: [Int16Array, "i16", 2],
  int8: [Int8Array, "i8", 1],
  uint16: [Uint16Array, "u16", 2],
  uint8: [Uint8Array, "u8", 1],
  bool: [Uint8Array, "bool", 1],
};

const arrayOf = (dtype: ElementType): ArrayOf => forms[dtype][0];

export function byteSize(dtype: DType | ElementType): number {
  return dtype === "float16" || dtype === "bfloat16" ? 2 : forms[dtype][2];
}

/** The smallest and largest number of the dtype. */
export function rangeOf(dtype: ElementType): readonly [least: number, greatest: number] {
  if (dtype === "float32" || dtype === "float64") return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (dtype === "bool") return [0, 1];
  const count = 2 ** (8 * byteSize(dtype));
  return dtype === "uint8" || dtype === "uint16" ? [0, count - 1] : [-count / 2, count / 2 - 1];
}

/** The type of an array's elements; undefined if tensors cannot hold it. */
export function elementTypeOf(data: TypedArray): ElementType;
export function elementTypeOf(data: ArrayBufferView): ElementType | undefined;
export function elementTypeOf(data: ArrayBufferView): ElementType | undefined {
  return (Object.keys(forms) as ElementType[]).find((dtype) => data instanceof arrayOf(dtype));
}

/** The dtype of a tensor made from an array: the array's own, or the one that can hold it. */
export function dtypeOf(data: ArrayBufferView): DType {
  const type = data instanceof Uint8ClampedArray ? "uint8" : elementTypeOf(data);
  return type === "uint16" ? "int32" : (type ?? "float32");
}

/** An integer wrapped to the low bits of an integer dtype. */
export function wrapped(value: number, dtype: ElementType): number {
  const unused = 32 - 8 * byteSize(dtype);
  return dtype === "uint8" || dtype === "uint16" ? (value << unused) >>> unused : (value << unused) >> unused;
}

/** The dtype that holds the values of both. Neither of the two 16-bit floats holds the other, nor does either of the two 8-bit integers. */
export function promote(a: DType, b: DType): DType {
  const wider = promotionOrder.indexOf(a) >= promotionOrder.indexOf(b) ? a : b;
  if (a === b) return a;
  if (isHalf(a) && isHalf(b)) return "float32";
  return wider === "int8" && (a === "uint8" || b === "uint8") ? "int16" : wider;
}

/** `convert the input with .to("float32")`: the input takes the dtype of a float weight; otherwise the narrower takes the wider. */
export function conversionToWeight(input: DType, weight: DType): string {
  const wanted = isFloat(weight) ? weight : promote(input, weight);
  return `convert the ${input === wanted ? "weight" : "input"} with .to("${wanted}")`;
}

/** A zero-filled typed array of `length` numbers; for 16-bit floats, a Float32Array. Throws HebbError if there is not enough memory. */
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
