// The element types of a tensor, how they promote, and the typed arrays that hold them.

import { HebbError } from "./errors.ts";

/** Floats of 16 bits: float16 has 5 bits of exponent and 10 of fraction (IEEE 754), bfloat16 has 8 and 7. Kernels compute them in float32. */
export type HalfDType = "float16" | "bfloat16";
export type FloatDType = HalfDType | "float32" | "float64";
export type DType = FloatDType | "int32" | "uint8" | "bool";

/** What memory holds and kernels compute with: a float of 16 bits is its bits, a uint16. */
export type ElementType = Exclude<DType, HalfDType> | "uint16";

/** Bool is stored as one byte, 0 or 1; floats of 16 bits as their bits. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint16Array | Uint8Array;

/** From the narrowest to the widest: the wider of two operands wins (torch.result_type). */
const promotionOrder: readonly DType[] = ["bool", "uint8", "int32", "float16", "bfloat16", "float32", "float64"];

export const dtypes: readonly DType[] = promotionOrder;

export const isHalf = (dtype: DType): dtype is HalfDType => dtype === "float16" || dtype === "bfloat16";

export const isFloat = (dtype: DType): dtype is FloatDType =>
  dtype === "float32" || dtype === "float64" || isHalf(dtype);

/** How memory holds the dtype. */
export const storedAs = (dtype: DType): ElementType => (isHalf(dtype) ? "uint16" : dtype);

/** What kernels compute the dtype in. */
export const computedIn = (dtype: DType | ElementType): ElementType =>
  dtype === "float16" || dtype === "bfloat16" ? "float32" : dtype;

export function byteSize(dtype: DType | ElementType): number {
  switch (dtype) {
    case "float64":
      return 8;
    case "float32":
    case "int32":
      return 4;
    case "float16":
    case "bfloat16":
    case "uint16":
      return 2;
    case "uint8":
    case "bool":
      return 1;
  }
}

/** The dtype that holds the values of both: of the two floats of 16 bits neither does. */
export function promote(a: DType, b: DType): DType {
  if (a !== b && isHalf(a) && isHalf(b)) return "float32";
  return promotionOrder.indexOf(a) >= promotionOrder.indexOf(b) ? a : b;
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
  switch (dtype) {
    case "float32":
    case "float16":
    case "bfloat16":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "uint16":
      return new Uint16Array(length);
    case "uint8":
    case "bool":
      return new Uint8Array(length);
  }
}

/** A typed array over existing memory. */
export function viewOf(dtype: ElementType, memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(memory, byteOffset, length);
    case "float64":
      return new Float64Array(memory, byteOffset, length);
    case "int32":
      return new Int32Array(memory, byteOffset, length);
    case "uint16":
      return new Uint16Array(memory, byteOffset, length);
    case "uint8":
    case "bool":
      return new Uint8Array(memory, byteOffset, length);
  }
}

/** The short names used in printed programs. */
export function shortName(dtype: DType | ElementType): string {
  switch (dtype) {
    case "float32":
      return "f32";
    case "float64":
      return "f64";
    case "int32":
      return "i32";
    case "float16":
      return "f16";
    case "bfloat16":
      return "bf16";
    case "uint16":
      return "u16";
    case "uint8":
      return "u8";
    case "bool":
      return "bool";
  }
}
