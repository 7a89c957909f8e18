// The element types of a tensor, how they promote, and the typed arrays that hold them.

import { HebbError } from "./errors.ts";

export type DType = "float32" | "float64" | "int32" | "uint8" | "bool";

/** Bool is stored as one byte, 0 or 1. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** From the narrowest to the widest: the wider of two operands wins (torch.result_type). */
const promotionOrder: readonly DType[] = ["bool", "uint8", "int32", "float32", "float64"];

export const dtypes: readonly DType[] = promotionOrder;

export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

export function byteSize(dtype: DType): number {
  switch (dtype) {
    case "float64":
      return 8;
    case "float32":
    case "int32":
      return 4;
    case "uint8":
    case "bool":
      return 1;
  }
}

/** The dtype that holds the values of both. */
export function promote(a: DType, b: DType): DType {
  return promotionOrder.indexOf(a) >= promotionOrder.indexOf(b) ? a : b;
}

/** `convert the input with .to("float32")`: what is given takes the dtype of a float weight; of others the narrower takes the wider. */
export function conversionToWeight(input: DType, weight: DType): string {
  const wanted = isFloat(weight) ? weight : promote(input, weight);
  return `convert the ${input === wanted ? "weight" : "input"} with .to("${wanted}")`;
}

/** A zero-filled typed array for `length` elements. Throws HebbError when there is not enough memory. */
export function allocate(dtype: DType, length: number): TypedArray {
  try {
    return newArray(dtype, length);
  } catch (cause) {
    throw new HebbError(
      `out of memory for ${length} ${dtype} elements (${length * byteSize(dtype)} bytes); compute in parts`,
      { cause },
    );
  }
}

function newArray(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "uint8":
    case "bool":
      return new Uint8Array(length);
  }
}

/** A typed array over existing memory. */
export function viewOf(dtype: DType, memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(memory, byteOffset, length);
    case "float64":
      return new Float64Array(memory, byteOffset, length);
    case "int32":
      return new Int32Array(memory, byteOffset, length);
    case "uint8":
    case "bool":
      return new Uint8Array(memory, byteOffset, length);
  }
}

/** The short names used in printed programs. */
export function shortName(dtype: DType): string {
  switch (dtype) {
    case "float32":
      return "f32";
    case "float64":
      return "f64";
    case "int32":
      return "i32";
    case "uint8":
      return "u8";
    case "bool":
      return "bool";
  }
}
