// NumPy's .npy format: one array, its header parsed as text and never evaluated.
import { allocate, byteSize, type DType, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { type HostArray, onHost, type Writable } from "./host.ts";

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
const maxHeaderBytes = 1_000_000;

type Reader = (view: DataView, at: number, little: boolean) => number;

const integer64 =
  (signed: boolean): Reader =>
  (view, at, little) => {
    const value = signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little);
    if (value < -2147483648n || value > 2147483647n) {
      throw new HebbError(`value ${value} does not fit int32; store the array as int32 or float64`);
    }
    return Number(value);
  };

const kinds: ReadonlyMap<string, { readonly bytes: number; readonly dtype: DType; readonly read: Reader }> = new Map<
  string,
  { bytes: number; dtype: DType; read: Reader }
>([
  ["f4", { bytes: 4, dtype: "float32", read: (view, at, little) => view.getFloat32(at, little) }],
  ["f8", { bytes: 8, dtype: "float64", read: (view, at, little) => view.getFloat64(at, little) }],
  ["i4", { bytes: 4, dtype: "int32", read: (view, at, little) => view.getInt32(at, little) }],
  ["i2", { bytes: 2, dtype: "int32", read: (view, at, little) => view.getInt16(at, little) }],
  ["u2", { bytes: 2, dtype: "int32", read: (view, at, little) => view.getUint16(at, little) }],
  ["i1", { bytes: 1, dtype: "int32", read: (view, at) => view.getInt8(at) }],
  ["u1", { bytes: 1, dtype: "uint8", read: (view, at) => view.getUint8(at) }],
  ["b1", { bytes: 1, dtype: "bool", read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) }],
  ["i8", { bytes: 8, dtype: "int32", read: integer64(true) }],
  ["u8", { bytes: 8, dtype: "int32", read: integer64(false) }],
]);

function parseHeader(
  text: string,
  name: string,
): { readonly descr: string; readonly fortran: boolean; readonly shape: number[] } {
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]{1,16})['"]/.exec(text)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /['"]shape['"]\s*:\s*\(([\d,\sL]{0,600})\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || sizes === undefined) {
    throw new HebbError(
      `${name} has a header without a plain descr, fortran_order and shape: ${text.trim().slice(0, 120)}; arrays of numbers can be read, records and objects cannot`,
    );
  }
  const shape = sizes.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part.replace("L", ""))]));
  if (shape.length > 32 || !shape.every((extent) => Number.isSafeInteger(extent))) {
    throw new HebbError(
      `${name} has the shape (${sizes.slice(0, 100)}), which is not a list of up to 32 sizes; the file is damaged`,
    );
  }
  return { descr, fortran: order === "True", shape };
}

/** Copies a column-major array into row-major order. */
function toRowMajor(data: TypedArray, shape: readonly number[], out: TypedArray): void {
  const place = new Array<number>(shape.length).fill(0);
  const strides: number[] = [];
  let stride = 1;
  for (const extent of shape) {
    strides.push(stride);
    stride *= extent;
  }
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let axis = 0; axis < shape.length; axis++) from += (place[axis] ?? 0) * (strides[axis] ?? 0);
    out[i] = data[from] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (place[axis] ?? 0) + 1;
      place[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
}

/**
 * Reads a .npy file (versions 1 to 3, either byte order, either memory order). Integers become int32 (an error if one does not fit),
 * uint8 and bool stay. Throws HebbError for other types, damaged headers, and data that is too short or too long for the shape.
 */
export function readNpy(bytes: Uint8Array, options: { readonly name?: string } = {}): HostArray {
  const name = options.name ?? "the file";
  if (bytes.byteLength < 10 || !magic.every((byte, i) => bytes[i] === byte)) {
    throw new HebbError(
      `${name} is not an .npy file: it does not begin with \\x93NUMPY; check that it is the right file`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3 || (version > 1 && bytes.byteLength < 12)) {
    throw new HebbError(`${name} is of .npy version ${version}; versions 1 to 3 can be read`);
  }
  const headerStart = version === 1 ? 10 : 12;
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = headerStart + headerBytes;
  if (headerBytes > maxHeaderBytes || start > bytes.byteLength) {
    throw new HebbError(
      `${name} announces a header of ${headerBytes} bytes but has ${bytes.byteLength} in all; it is truncated or damaged`,
    );
  }
  const { descr, fortran, shape } = parseHeader(new TextDecoder().decode(bytes.subarray(headerStart, start)), name);
  const kind = /^[<>|=]/.test(descr) ? kinds.get(descr.slice(1)) : undefined;
  if (!kind) {
    throw new HebbError(
      `${name} has values of type ${JSON.stringify(descr)}; convert it to float32, float64, int32, uint8 or bool`,
    );
  }
  const length = sizeOf(shape);
  if (length * kind.bytes !== bytes.byteLength - start) {
    throw new HebbError(
      `${name}: shape ${formatShape(shape)} of ${descr} needs ${length * kind.bytes} bytes, there are ${bytes.byteLength - start}; the file is truncated or damaged`,
    );
  }
  const data = allocate(kind.dtype, length);
  const little = descr[0] !== ">";
  try {
    for (let i = 0; i < length; i++) data[i] = kind.read(view, start + i * kind.bytes, little);
  } catch (error) {
    if (error instanceof HebbError) throw new HebbError(`${name}: ${error.message}`);
    throw error;
  }
  if (!fortran || shape.length < 2) return { dtype: kind.dtype, shape, data };
  const rowMajor = allocate(kind.dtype, length);
  toRowMajor(data, shape, rowMajor);
  return { dtype: kind.dtype, shape, data: rowMajor };
}

const descriptions: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  uint8: "|u1",
  bool: "|b1",
};

/** Bytes of a .npy file, of a tensor or an array: version 1, row-major, little-endian; np.load reads it. */
export function writeNpy(array: Writable): Uint8Array {
  const { dtype, shape, data } = onHost(array, "the array");
  if (data.length !== sizeOf(shape)) {
    throw new HebbError(`the array has ${data.length} values, its shape ${formatShape(shape)} needs ${sizeOf(shape)}`);
  }
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // Blanks and a line break bring the data to a multiple of 64 bytes.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11, " ")}\n`;
  const width = byteSize(dtype);
  const out = new Uint8Array(10 + header.length + data.length * width);
  out.set(magic);
  out.set([1, 0], 6);
  const view = new DataView(out.buffer);
  view.setUint16(8, header.length, true);
  out.set(new TextEncoder().encode(header), 10);
  const start = 10 + header.length;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (dtype === "float32") view.setFloat32(start + i * width, value, true);
    else if (dtype === "float64") view.setFloat64(start + i * width, value, true);
    else if (dtype === "int32") view.setInt32(start + i * width, value, true);
    else view.setUint8(start + i, value);
  }
  return out;
}
