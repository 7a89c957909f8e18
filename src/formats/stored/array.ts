// Stored arrays, with every element type a file can have, and arrays with tensor dtypes.
import type { DType, TypedArray } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import { describe } from "../../graph/kinds.ts";
import { formatShape, sizeOf } from "../../graph/shape.ts";
import {
  bfloat16,
  encodeFloat,
  float4e2m1,
  float6e2m3,
  float6e3m2,
  float8e4m3,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float16,
  type SmallFloat,
} from "./smallFloats.ts";
import { isStoredDType, type StoredDType, storedAs, storedBytes, storedDTypes, storedTypes } from "./types.ts";

/** An array on the host, row-major. */
export interface HostArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Arrays by name. Objects from a file have no prototype, so that any name is harmless. */
export type NamedArrays = Readonly<Record<string, HostArray>>;

/** An array as stored in a file: row-major, little-endian. */
export interface StoredArray {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Stored arrays by name. Objects from a file have no prototype, so that any name is harmless. */
export type NamedStored = Readonly<Record<string, StoredArray>>;

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reverses the bytes of each element, in place. */
export function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at + width <= bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/** Throws HebbError unless the number of bytes matches the shape. */
export function checkStored(array: StoredArray, what: string): void {
  if (
    typeof array !== "object" ||
    array === null ||
    !(array.bytes instanceof Uint8Array) ||
    !Array.isArray(array.shape)
  )
    throw new HebbError(
      `${what} is ${describe(array)}; give an array as files hold it: { dtype: "F16", shape: [2], bytes: … }`,
    );
  if (!isStoredDType(array.dtype))
    throw new HebbError(`${what} has the dtype ${describe(array.dtype)}; use one of ${storedDTypes.join(", ")}`);
  const needed = storedBytes(array.dtype, array.shape);
  if (array.bytes.byteLength !== needed)
    throw new HebbError(
      `${what} has ${array.bytes.byteLength} bytes, its shape ${formatShape(array.shape)} of ${array.dtype} needs ${needed}`,
    );
}

/**
 * The array with a tensor dtype. Floats of 16 bits or fewer become float32; integers wider than int32 and unsigned ones of 16 bits become
 * int32. Throws HebbError for an integer beyond int32, and for complex values.
 */
export function widen(array: StoredArray): HostArray {
  const { dtype, shape, bytes } = array;
  checkStored(array, "widen: the array");
  const stored = storedTypes[dtype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { dtype: stored.dtype, shape, data: stored.read(view, 0, sizeOf(shape), true) };
}

/** `widen`, with errors that begin with the place. */
export function widenNamed(array: StoredArray, place: string): HostArray {
  try {
    return widen(array);
  } catch (error) {
    if (error instanceof HebbError) throw new HebbError(`${place}: ${error.message}`);
    throw error;
  }
}

/** The bytes of values, little-endian; a view of them on a little-endian machine. */
export function bytesOf(data: TypedArray): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (littleEndian || data.BYTES_PER_ELEMENT === 1) return bytes;
  const swapped = bytes.slice();
  swapBytes(swapped, data.BYTES_PER_ELEMENT);
  return swapped;
}

const narrow: ReadonlyMap<StoredDType, SmallFloat> = new Map([
  ["F16", float16],
  ["BF16", bfloat16],
  ["F8_E4M3", float8e4m3],
  ["F8_E5M2", float8e5m2],
  ["F8_E4M3FNUZ", float8e4m3fnuz],
  ["F8_E5M2FNUZ", float8e5m2fnuz],
  ["F6_E2M3", float6e2m3],
  ["F6_E3M2", float6e3m2],
  ["F4", float4e2m1],
]);

/** Rounds to floats of 16 bits or fewer, packed from the lowest bits up. */
function narrowed(format: SmallFloat, data: TypedArray, bytes: Uint8Array): void {
  const { bits } = format;
  for (let i = 0; i < data.length; i++) {
    const at = i * bits;
    const code = encodeFloat(format, data[i] ?? Number.NaN) << (at & 7);
    for (let part = 0; part < (at & 7) + bits; part += 8)
      bytes[(at + part) >> 3] = (bytes[(at + part) >> 3] as number) | ((code >> part) & 255);
  }
}

type Writer = readonly [least: number, most: number, set: (view: DataView, at: number, value: number) => void];

const integers: ReadonlyMap<StoredDType, Writer> = new Map<StoredDType, Writer>([
  ["I64", [-(2 ** 53), 2 ** 53, (view, at, value) => view.setBigInt64(at, BigInt(value), true)]],
  ["U64", [0, 2 ** 53, (view, at, value) => view.setBigUint64(at, BigInt(value), true)]],
  ["I32", [-(2 ** 31), 2 ** 31 - 1, (view, at, value) => view.setInt32(at, value, true)]],
  ["U32", [0, 2 ** 32 - 1, (view, at, value) => view.setUint32(at, value, true)]],
  ["I16", [-(2 ** 15), 2 ** 15 - 1, (view, at, value) => view.setInt16(at, value, true)]],
  ["U16", [0, 2 ** 16 - 1, (view, at, value) => view.setUint16(at, value, true)]],
  ["I8", [-128, 127, (view, at, value) => view.setInt8(at, value)]],
  ["U8", [0, 255, (view, at, value) => view.setUint8(at, value)]],
  ["BOOL", [0, 1, (view, at, value) => view.setUint8(at, value)]],
]);

/** The array with an element type of files. Floats round to the nearest, ties to even. Throws HebbError for a value outside an integer type. */
export function store(array: HostArray, dtype: StoredDType = storedAs[array.dtype]): StoredArray {
  if (typeof array !== "object" || array === null || !ArrayBuffer.isView(array.data) || !Array.isArray(array.shape))
    throw new HebbError(
      `store: takes an array such as { dtype: "float32", shape: [2], data: … }, got ${describe(array)}`,
    );
  if (!isStoredDType(dtype))
    throw new HebbError(`store: the dtype ${describe(dtype)} does not exist; use one of ${storedDTypes.join(", ")}`);
  const { shape, data } = array;
  if (data.length !== sizeOf(shape))
    throw new HebbError(`the array has ${data.length} values, its shape ${formatShape(shape)} needs ${sizeOf(shape)}`);
  if (dtype === storedAs[array.dtype] && !narrow.has(dtype)) return { dtype, shape, bytes: bytesOf(data) };
  const length = storedBytes(dtype, shape);
  if (!Number.isInteger(length))
    throw new HebbError(`${data.length} values of ${dtype} do not fill their last byte; choose another dtype`);
  if (dtype === "F64") return { dtype, shape, bytes: bytesOf(Float64Array.from(data)) };
  if (dtype === "F32") return { dtype, shape, bytes: bytesOf(Float32Array.from(data)) };
  const bytes = new Uint8Array(length);
  const float = narrow.get(dtype);
  if (float !== undefined) {
    narrowed(float, data, bytes);
    return { dtype, shape, bytes };
  }
  const writer = integers.get(dtype);
  if (writer === undefined)
    throw new HebbError(`values of ${array.dtype} cannot be stored as ${dtype}; choose another dtype`);
  const [least, most, set] = writer;
  const view = new DataView(bytes.buffer);
  const width = storedTypes[dtype].bits / 8;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (!Number.isInteger(value) || value < least || value > most)
      throw new HebbError(`value ${value} does not fit ${dtype}; choose another dtype`);
    set(view, i * width, value);
  }
  return { dtype, shape, bytes };
}
