// The values of a TensorProto: from raw bytes, typed fields or another file; sizes are checked before anything is allocated.
import { at } from "../../graph/at.ts";
import { allocate, type DType, type TypedArray } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import { storedNumbers } from "../../graph/halves.ts";
import { formatShape } from "../../graph/shape.ts";
import type { HostArray } from "../host.ts";
import { bitsOf, dtypeOf, type ElementType, elementTypeFor, elementTypeOf, elementTypes } from "./elementTypes.ts";
import type { Draft, Packed, TensorProto } from "./proto/messages.ts";
import { isSmallFloat, numbersOf } from "./smallFloats.ts";
import { varints } from "./varints.ts";

/** Another file of the model, read in parts. */
export interface ExternalFile {
  readonly byteLength: number;
  read(offset: number, length: number): Uint8Array;
}

/** Returns the bytes of another file, or the file itself, by its location beside the model. */
export type ExternalData = (location: string) => Uint8Array | ExternalFile;

/** An array of a file with its type there. `array` is absent for strings and complex numbers. */
export interface OnnxArray {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly array?: HostArray;
  /** The values of a string tensor. */
  readonly strings?: readonly string[];
  /** The values of an int64 or uint64 tensor, which may exceed int32. */
  readonly exact?: BigInt64Array | BigUint64Array;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** The largest tensor: the limit of a typed array's index. */
const maxElements = 2 ** 32;

/** The number of elements of a shape from a file. */
export function checkedSize(dims: readonly number[], where: string): number {
  if (dims.length > 64) throw new HebbError(`${where} has ${dims.length} dims; at most 64 are read`);
  let size = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0)
      throw new HebbError(`${where} has the size ${dim} in its shape ${formatShape(dims)}; sizes are 0 or more`);
    size *= dim;
  }
  if (!(size < maxElements))
    throw new HebbError(
      `${where} of shape ${formatShape(dims)} has ${size} elements; at most ${maxElements - 1} are read`,
    );
  return size;
}

function bytesOf({ chunks }: Packed): Uint8Array {
  const [first, ...more] = chunks;
  if (first === undefined) return new Uint8Array(0);
  if (more.length === 0) return first;
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.byteLength;
  }
  return out;
}

const entryOf = (tensor: TensorProto, key: string): string | undefined =>
  tensor.externalData.find((entry) => entry.key === key)?.value;

function wholeEntry(tensor: TensorProto, key: string, where: string): number | undefined {
  const text = entryOf(tensor, key);
  if (text === undefined || text === "") return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new HebbError(
      `${where}: the ${key} of its external data is ${JSON.stringify(text.slice(0, 60))}, not a number`,
    );
  return value;
}

/** The file with the values, beside the model. */
export function externalLocation(tensor: TensorProto, where: string): string {
  const location = entryOf(tensor, "location");
  if (location === undefined || location === "")
    throw new HebbError(`${where}: its values are in another file, which the model does not name`);
  return location;
}

/** The range of the values in a file of this many bytes. */
export function externalRange(
  tensor: TensorProto,
  needed: number,
  where: string,
  byteLength: number,
): { readonly offset: number; readonly length: number } {
  const offset = wholeEntry(tensor, "offset", where) ?? 0;
  const length = wholeEntry(tensor, "length", where) ?? needed;
  if (offset > byteLength || length > byteLength - offset)
    throw new HebbError(
      `${where}: its values are the bytes ${offset} to ${offset + length} of ${JSON.stringify(externalLocation(tensor, where).slice(0, 200))}, which has ${byteLength}; the file is truncated or another one`,
    );
  if (length !== needed)
    throw new HebbError(
      `${where}: its shape needs ${needed} bytes, its external data has ${length}; the file is damaged`,
    );
  return { offset, length };
}

/** The part of another file with the values. */
function externalBytes(tensor: TensorProto, needed: number, where: string, external?: ExternalData): Uint8Array {
  const location = externalLocation(tensor, where);
  if (external === undefined)
    throw new HebbError(
      `${where}: its values are in the file ${JSON.stringify(location.slice(0, 200))}; give its bytes with the option externalData`,
    );
  const file = external(location);
  const { offset, length } = externalRange(tensor, needed, where, file.byteLength);
  return file instanceof Uint8Array ? file.subarray(offset, offset + length) : file.read(offset, length);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The bits of one element, for types of up to 16 bits. */
function bitsAt(bytes: Uint8Array, bits: number, index: number): number {
  if (bits === 8) return at(bytes, index);
  if (bits === 16) return at(bytes, 2 * index) | (at(bytes, 2 * index + 1) << 8);
  const start = index * bits;
  const pair = at(bytes, start >> 3) | ((bytes[(start >> 3) + 1] ?? Number.NaN) << 8);
  return (pair >> (start & 7)) & (2 ** bits - 1);
}

const signed = (value: number, bits: number): number => (value >= 2 ** (bits - 1) ? value - 2 ** bits : value);

/** A whole number as int32; refuses one that does not fit. */
function fitting(value: bigint | number, where: string): number {
  if (value >= -2147483648 && value <= 2147483647) return Number(value);
  throw new HebbError(`${where}: the value ${value} does not fit int32, in which whole numbers are kept`);
}

/** Copies numbers that keep their form, in this machine's byte order. */
function plain(bytes: Uint8Array, out: TypedArray | BigInt64Array | BigUint64Array): void {
  const target = new Uint8Array(out.buffer);
  target.set(bytes);
  const width = out.BYTES_PER_ELEMENT;
  if (!littleEndian) for (let at = 0; at < target.length; at += width) target.subarray(at, at + width).reverse();
}

function rawArray(
  type: ElementType,
  dtype: DType,
  shape: readonly number[],
  bytes: Uint8Array,
  where: string,
): OnnxArray {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const view = viewOf(bytes);
  if (type === "int64" || type === "uint64") {
    const exact = type === "int64" ? new BigInt64Array(size) : new BigUint64Array(size);
    plain(bytes, exact);
    return exactArray(type, shape, exact, where);
  }
  const data = allocate(dtype, size);
  const from = (read: (index: number) => number): void => {
    for (let i = 0; i < size; i++) data[i] = read(i);
  };
  if (isSmallFloat(type)) {
    const bits = bitsOf[type];
    const numbers = numbersOf(type);
    from((i) => at(numbers, bitsAt(bytes, bits, i)));
  } else if (type === "int8" || type === "int4" || type === "int2") {
    from((i) => signed(bitsAt(bytes, bitsOf[type], i), bitsOf[type]));
  } else if (type === "uint4" || type === "uint2" || type === "uint16") from((i) => bitsAt(bytes, bitsOf[type], i));
  else if (type === "int16") from((i) => view.getInt16(2 * i, true));
  else if (type === "uint32") from((i) => fitting(view.getUint32(4 * i, true), where));
  else if (type === "bool") from((i) => (bytes[i] === 0 ? 0 : 1));
  else plain(bytes, data);
  return { type, shape, array: { dtype, shape, data } };
}

function exactArray(
  type: ElementType,
  shape: readonly number[],
  exact: BigInt64Array | BigUint64Array,
  where: string,
): OnnxArray {
  if (exact.some((value) => value < -2147483648n || value > 2147483647n)) return { type, shape, exact };
  const data = Int32Array.from({ length: exact.length }, (_, i) => fitting(at(exact, i), where));
  return { type, shape, exact, array: { dtype: "int32", shape, data } };
}

/** The typed field for a type's values if there are no raw bytes. */
function typedField(tensor: TensorProto, type: ElementType): { readonly name: string; readonly packed?: Packed } {
  const packed = (name: string, field: Packed | undefined) => ({
    name,
    ...(field === undefined ? {} : { packed: field }),
  });
  switch (type) {
    case "float":
      return packed("float_data", tensor.floatData);
    case "double":
      return packed("double_data", tensor.doubleData);
    case "int64":
      return packed("int64_data", tensor.int64Data);
    case "uint64":
    case "uint32":
      return packed("uint64_data", tensor.uint64Data);
    default:
      return packed("int32_data", tensor.int32Data);
  }
}

/** Converts typed fields to raw bytes, so that both are read in the same way. */
function typedBytes(
  tensor: TensorProto,
  type: Exclude<ElementType, "string">,
  size: number,
  where: string,
): Uint8Array {
  const { name, packed } = typedField(tensor, type);
  const needed = Math.ceil((size * bitsOf[type]) / 8);
  if (packed === undefined) {
    if (size === 0) return new Uint8Array(0);
    throw new HebbError(`${where}: it has no values; the file is damaged`);
  }
  const bytes = bytesOf(packed);
  if (type === "float" || type === "double") return bytes;
  // Types of fewer than 8 bits are packed into bytes, each one value of the list.
  const perValue = Math.max(1, bitsOf[type] / 8);
  const count = Math.ceil(needed / perValue);
  if (bytes.byteLength > count * 10 || bytes.byteLength < count)
    throw new HebbError(`${where}: ${name} does not hold ${count} values; the file is damaged`);
  const out = new Uint8Array(count * perValue);
  const view = viewOf(out);
  let at = 0;
  for (const value of varints(bytes, where)) {
    if (at >= count) throw new HebbError(`${where}: ${name} has more than the ${count} values of its shape`);
    if (perValue === 8) view.setBigInt64(8 * at, value, true);
    else if (perValue === 4) view.setInt32(4 * at, Number(BigInt.asIntN(32, value)), true);
    else if (perValue === 2) view.setUint16(2 * at, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(at, Number(BigInt.asUintN(8, value)));
    at++;
  }
  if (at !== count) throw new HebbError(`${where}: ${name} has ${at} values, its shape needs ${count}`);
  return out;
}

const text = new TextDecoder();

/** The values of a tensor as raw bytes, checked against its shape. */
export function tensorBytes(
  tensor: TensorProto,
  type: Exclude<ElementType, "string">,
  where: string,
  external?: ExternalData,
): Uint8Array {
  const size = checkedSize(tensor.dims, where);
  const needed = Math.ceil((size * bitsOf[type]) / 8);
  const bytes =
    tensor.dataLocation === 1
      ? externalBytes(tensor, needed, where, external)
      : (tensor.rawData ?? typedBytes(tensor, type, size, where));
  if (bytes.byteLength !== needed)
    throw new HebbError(
      `${where} of shape ${formatShape(tensor.dims)} and type ${type} needs ${needed} bytes, the file has ${bytes.byteLength}; it is truncated or damaged`,
    );
  return bytes;
}

/** Reads a tensor. `where` begins error messages. */
export function readTensor(tensor: TensorProto, where: string, external?: ExternalData): OnnxArray {
  const type = elementTypeOf(tensor.dataType, where);
  const shape = tensor.dims;
  const size = checkedSize(shape, where);
  if (tensor.segment !== undefined)
    throw new HebbError(`${where} is in segments, which are not read; save it in one part`);
  if (type === "string") {
    if (tensor.stringData.length !== size)
      throw new HebbError(
        `${where} has ${tensor.stringData.length} strings, its shape ${formatShape(shape)} needs ${size}`,
      );
    return { type, shape, strings: tensor.stringData.map((bytes) => text.decode(bytes)) };
  }
  const dtype = dtypeOf(type);
  if (dtype === undefined) return { type, shape };
  const bytes = tensorBytes(tensor, type, where, external);
  return rawArray(type, dtype, shape, bytes, where);
}

/** A tensor to write, from an array; its bytes are the array's own. `type` stores integers as int64. */
export function tensorProto(name: string, array: HostArray, type?: "int64"): Draft<TensorProto> {
  const { data, shape, dtype } = array;
  if (type === "int64") {
    const wide = BigInt64Array.from({ length: data.length }, (_, i) => BigInt(at(data, i)));
    return { name, dims: [...shape], dataType: elementTypes.int64, rawData: littleEndianBytes(wide) };
  }
  const rawData = littleEndianBytes(storedNumbers(dtype, data));
  return { name, dims: [...shape], dataType: elementTypes[elementTypeFor(dtype)], rawData };
}

function littleEndianBytes(data: TypedArray | BigInt64Array): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const width = data.BYTES_PER_ELEMENT;
  if (littleEndian || width === 1) return bytes;
  const swapped = bytes.slice();
  for (let at = 0; at < swapped.length; at += width) swapped.subarray(at, at + width).reverse();
  return swapped;
}
