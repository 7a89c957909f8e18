// The element types that array files hold, and how each becomes one that tensors have.
import type { DType, TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";

/** How an element lies in a file. */
export interface StoredType {
  readonly bytes: number;
  /** The type of the array that it becomes. */
  readonly dtype: DType;
  /** Reads `length` values at a byte offset. Throws HebbError for a whole number that int32 does not hold. */
  read(view: DataView, offset: number, length: number, little: boolean): TypedArray;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Element = (view: DataView, at: number, little: boolean) => number;

/** A type that keeps its bits: copied as memory where the byte order is this machine's. */
function plain(bytes: number, dtype: DType, make: (length: number) => TypedArray, element: Element): StoredType {
  return {
    bytes,
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

/** A type that is read value by value. */
function converted(bytes: number, dtype: DType, make: (length: number) => TypedArray, element: Element): StoredType {
  return {
    bytes,
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

/** The number of the bits of a half-precision float (IEEE 754 binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A bfloat16 is the upper half of a float32. */
const brain: StoredType = {
  bytes: 2,
  dtype: "float32",
  read(view, offset, length, little) {
    const out = new Float32Array(length);
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < length; i++) bits[i] = view.getUint16(offset + 2 * i, little) << 16;
    return out;
  },
};

function fitting(value: number | bigint): number {
  if (value < -2147483648 || value > 2147483647)
    throw new HebbError(`value ${value} does not fit int32; store it as int32 or float64`);
  return Number(value);
}

/** Every type by the name that safetensors gives it. */
export const storedTypes = {
  F64: plain(
    8,
    "float64",
    (n) => new Float64Array(n),
    (view, at, little) => view.getFloat64(at, little),
  ),
  F32: plain(4, "float32", floats, (view, at, little) => view.getFloat32(at, little)),
  F16: converted(2, "float32", floats, (view, at, little) => half(view.getUint16(at, little))),
  BF16: brain,
  I64: converted(8, "int32", integers, (view, at, little) => fitting(view.getBigInt64(at, little))),
  I32: plain(4, "int32", integers, (view, at, little) => view.getInt32(at, little)),
  I16: converted(2, "int32", integers, (view, at, little) => view.getInt16(at, little)),
  I8: converted(1, "int32", integers, (view, at) => view.getInt8(at)),
  U64: converted(8, "int32", integers, (view, at, little) => fitting(view.getBigUint64(at, little))),
  U32: converted(4, "int32", integers, (view, at, little) => fitting(view.getUint32(at, little))),
  U16: converted(2, "int32", integers, (view, at, little) => view.getUint16(at, little)),
  U8: plain(1, "uint8", octets, (view, at) => view.getUint8(at)),
  BOOL: converted(1, "bool", octets, (view, at) => (view.getUint8(at) === 0 ? 0 : 1)),
} as const satisfies Readonly<Record<string, StoredType>>;
