// ONNX's element types: their codes, their sizes, and their conversion to tensor dtypes.
import type { DType } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";

/** The code of each type in the file. */
export const elementTypes = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
  float6e2m3: 27,
  float6e3m2: 28,
} as const;

export type ElementType = keyof typeof elementTypes;

const byCode: ReadonlyMap<number, ElementType> = new Map(
  (Object.keys(elementTypes) as ElementType[]).map((name) => [elementTypes[name], name]),
);

/** The type of a code. `where` begins the message for an unknown code. */
export function elementTypeOf(code: number | undefined, where: string): ElementType {
  const found = byCode.get(code ?? 0);
  if (found === undefined) throw new HebbError(`${where}: ${code ?? 0} is not an element type of ONNX`);
  return found;
}

/** Bits of one value in a file. Strings have no fixed size. */
export const bitsOf: Readonly<Record<Exclude<ElementType, "string">, number>> = {
  float: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  bool: 8,
  float16: 16,
  double: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
  float8e8m0: 8,
  uint2: 2,
  int2: 2,
  float6e2m3: 6,
  float6e3m2: 6,
};

/** The dtype for a tensor of this type; undefined for strings and complex numbers, which tensors do not support. */
export function dtypeOf(type: ElementType): DType | undefined {
  switch (type) {
    case "double":
      return "float64";
    case "float":
    case "float16":
    case "bfloat16":
    case "float8e4m3fn":
    case "float8e4m3fnuz":
    case "float8e5m2":
    case "float8e5m2fnuz":
    case "float8e8m0":
    case "float4e2m1":
    case "float6e2m3":
    case "float6e3m2":
      return "float32";
    case "bool":
      return "bool";
    case "uint8":
    case "int8":
    case "int16":
      return type;
    case "uint16":
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "uint4":
    case "int4":
    case "uint2":
    case "int2":
      return "int32";
    case "string":
    case "complex64":
    case "complex128":
      return undefined;
  }
}

/** The declared type for tensors of this dtype when writing. */
export function elementTypeFor(dtype: DType): ElementType {
  switch (dtype) {
    case "float64":
      return "double";
    case "float32":
      return "float";
    case "float16":
    case "bfloat16":
    case "int32":
    case "int16":
    case "int8":
    case "uint8":
    case "bool":
      return dtype;
  }
}
