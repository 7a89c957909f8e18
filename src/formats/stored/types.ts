// The element types of array files, and their conversion to tensor dtypes.
import type { DType, TypedArray } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import { sizeOf } from "../../graph/shape.ts";
import {
  float4e2m1,
  float6e2m3,
  float6e3m2,
  float8e4m3,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float16,
  powersOfTwo,
  type SmallFloat,
  tableOf,
} from "./smallFloats.ts";

/** The storage of an element in a file. */
export interface StoredType {
  /** Bits of an element. Elements of fewer than 8 bits are packed from the lowest bits up. */
  readonly bits: number;
  /** The dtype of the resulting array. */
  readonly dtype: DType;
  /** Reads `length` values at a byte offset. Throws HebbError for a whole number beyond int32. */
  read(view: DataView, offset: number, length: number, little: boolean): TypedArray;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Element = (view: DataView, at: number, little: boolean) => number;

/** A type that keeps its bits: a memory copy if the byte order is the machine's. */
function plain(bytes: number, dtype: DType, make: (length: number) => TypedArray, element: Element): StoredType {
  return {
    bits: 8 * bytes,
    dtype,
    read(view, offset, length, little) {
      const out = make(length);
      if (bytes === 1 || little === littleEndian)
        new Uint8Array(out.buffer).set(new Uint8Array(view.buffer, view.byteOffset + offset, length * bytes));
      else for (let i = 0; i < length; i++) out[i] = element(view, offset + i * bytes, little);
      return out;
    },
  };
}

/** A type read value by value. */
function converted(bytes: number, dtype: DType, make: (length: number) => TypedArray, element: Element): StoredType {
  return {
    bits: 8 * bytes,
    dtype,
    read(view, offset, length, little) {
      const out = make(length);
      for (let i = 0; i < length; i++) out[i] = element(view, offset + i * bytes, little);
      return out;
    },
  };
}

const floats = (length: number): Float32Array => new Float32Array(length);
const integers = (length: number): Int32Array => new Int32Array(length);
const octets = (length: number): Uint8Array => new Uint8Array(length);

/** A bfloat16 is the upper half of a float32. */
const brain: StoredType = {
  bits: 16,
  dtype: "float32",
  read(view, offset, length, little) {
    const out = new Float32Array(length);
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < length; i++) bits[i] = view.getUint16(offset + 2 * i, little) << 16;
    return out;
  },
};

/** Floats of 16 or 8 bits, by a table of all their numbers. */
function tabled(format: SmallFloat): StoredType {
  return {
    bits: format.bits,
    dtype: "float32",
    read(view, offset, length, little) {
      const table = tableOf(format);
      const out = new Float32Array(length);
      for (let i = 0; i < length; i++)
        out[i] = table[
          format.bits === 16 ? view.getUint16(offset + 2 * i, little) : view.getUint8(offset + i)
        ] as number;
      return out;
    },
  };
}

/** Floats of fewer than 8 bits: a bit stream, the lowest bits of a byte first. */
function packed(format: SmallFloat): StoredType {
  const { bits } = format;
  return {
    bits,
    dtype: "float32",
    read(view, offset, length) {
      const table = tableOf(format);
      const out = new Float32Array(length);
      for (let i = 0; i < length; i++) {
        const at = i * bits;
        const byte = offset + (at >> 3);
        const low = view.getUint8(byte);
        const pair = (at & 7) + bits > 8 ? low | (view.getUint8(byte + 1) << 8) : low;
        out[i] = table[(pair >> (at & 7)) & ((1 << bits) - 1)] as number;
      }
      return out;
    },
  };
}

const scale: StoredType = converted(1, "float32", floats, (view, at) => powersOfTwo[view.getUint8(at)] ?? Number.NaN);

/** Pairs of a real and an imaginary part, which tensors do not support. */
const complex: StoredType = {
  bits: 64,
  dtype: "float32",
  read() {
    throw new HebbError(
      "complex values have no tensor dtype; read them as they are stored (keep: true), or save the real and the imaginary part apart",
    );
  },
};

function fitting(value: number | bigint): number {
  if (value < -2147483648 || value > 2147483647)
    throw new HebbError(
      `value ${value} does not fit int32; read it as it is stored (keep: true), or store it as float64`,
    );
  return Number(value);
}

/** Every type under its safetensors name (github.com/huggingface/safetensors). */
export const storedTypes = {
  F64: plain(
    8,
    "float64",
    (n) => new Float64Array(n),
    (view, at, little) => view.getFloat64(at, little),
  ),
  F32: plain(4, "float32", floats, (view, at, little) => view.getFloat32(at, little)),
  F16: tabled(float16),
  BF16: brain,
  F8_E4M3: tabled(float8e4m3),
  F8_E5M2: tabled(float8e5m2),
  F8_E4M3FNUZ: tabled(float8e4m3fnuz),
  F8_E5M2FNUZ: tabled(float8e5m2fnuz),
  F8_E8M0: scale,
  F6_E2M3: packed(float6e2m3),
  F6_E3M2: packed(float6e3m2),
  F4: packed(float4e2m1),
  I64: converted(8, "int32", integers, (view, at, little) => fitting(view.getBigInt64(at, little))),
  I32: plain(4, "int32", integers, (view, at, little) => view.getInt32(at, little)),
  I16: plain(
    2,
    "int16",
    (n) => new Int16Array(n),
    (view, at, little) => view.getInt16(at, little),
  ),
  I8: plain(
    1,
    "int8",
    (n) => new Int8Array(n),
    (view, at) => view.getInt8(at),
  ),
  U64: converted(8, "int32", integers, (view, at, little) => fitting(view.getBigUint64(at, little))),
  U32: converted(4, "int32", integers, (view, at, little) => fitting(view.getUint32(at, little))),
  U16: converted(2, "int32", integers, (view, at, little) => view.getUint16(at, little)),
  U8: plain(1, "uint8", octets, (view, at) => view.getUint8(at)),
  BOOL: converted(1, "bool", octets, (view, at) => (view.getUint8(at) === 0 ? 0 : 1)),
  C64: complex,
} as const satisfies Readonly<Record<string, StoredType>>;

/** An element type of a file, by its safetensors name. */
export type StoredDType = keyof typeof storedTypes;

export const storedDTypes = Object.keys(storedTypes) as readonly StoredDType[];

const byName: ReadonlyMap<string, StoredType> = new Map(Object.entries(storedTypes));

export const isStoredDType = (name: unknown): name is StoredDType => typeof name === "string" && byName.has(name);

/** Bytes of an array; a fraction if elements of fewer than 8 bits do not fill the last byte. */
export const storedBytes = (dtype: StoredDType, shape: readonly number[]): number =>
  (sizeOf(shape) * storedTypes[dtype].bits) / 8;

/** The element type that stores a tensor's values in a file. */
export const storedAs: Readonly<Record<DType, StoredDType>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};
