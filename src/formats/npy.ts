// NumPy's .npy format: one array, its header parsed as text and never evaluated.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { allocate, byteSize, type DType, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { type HostArray, onHost, type Writable } from "./host.ts";
import { type StoredType, storedTypes } from "./stored.ts";

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
const maxHeaderBytes = 1_000_000;

/** By NumPy's letter and size, without the byte order. */
const kinds: ReadonlyMap<string, StoredType> = new Map<string, StoredType>([
  ["f2", storedTypes.F16],
  ["f4", storedTypes.F32],
  ["f8", storedTypes.F64],
  ["i1", storedTypes.I8],
  ["i2", storedTypes.I16],
  ["i4", storedTypes.I32],
  ["i8", storedTypes.I64],
  ["u1", storedTypes.U8],
  ["u2", storedTypes.U16],
  ["u4", storedTypes.U32],
  ["u8", storedTypes.U64],
  ["b1", storedTypes.BOOL],
]);

/** What a header says of the bytes that follow it. */
interface Header {
  readonly stored: StoredType;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly descr: string;
  /** Where the data begin. */
  readonly start: number;
  /** Bytes of the data. */
  readonly length: number;
}

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

/** Where the text of the header lies; undefined where there are too few bytes to tell. Throws HebbError for another format. */
function headerPlace(bytes: Uint8Array, name: string): { readonly at: number; readonly end: number } | undefined {
  if (!magic.every((byte, i) => i >= bytes.byteLength || bytes[i] === byte) || bytes.byteLength === 0)
    throw new HebbError(
      `${name} is not an .npy file: it does not start with \\x93NUMPY; check that it is the right file`,
    );
  if (bytes.byteLength < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3)
    throw new HebbError(`${name} is of .npy version ${version}; versions 1 to 3 can be read`);
  const at = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes)
    throw new HebbError(`${name} declares a header of ${length} bytes, more than ${maxHeaderBytes}; it is damaged`);
  return { at, end: at + length };
}

/** The header at the beginning of a file, checked; undefined while there are too few bytes to read it. */
export function npyHeader(bytes: Uint8Array, name: string): Header | undefined {
  const place = headerPlace(bytes, name);
  if (place === undefined || place.end > bytes.byteLength) return undefined;
  const { descr, fortran, shape } = parseHeader(new TextDecoder().decode(bytes.subarray(place.at, place.end)), name);
  const stored = /^[<>|=]/.test(descr) ? kinds.get(descr.slice(1)) : undefined;
  if (!stored)
    throw new HebbError(
      `${name} has values of type ${JSON.stringify(descr)}; convert it to float32, float64, int32, uint8 or bool`,
    );
  return {
    stored,
    little: descr[0] !== ">",
    fortran,
    shape,
    descr,
    start: place.end,
    length: sizeOf(shape) * stored.bytes,
  };
}

/**
 * Reads a .npy file (versions 1 to 3, either byte order, either memory order). float16 becomes float32, integers int32 (an error if
 * one does not fit); float32, float64, uint8 and bool stay. Throws HebbError for other types, damaged headers, and data that are too
 * short or too long for the shape.
 */
export function readNpy(source: FileBytes, options: { readonly name?: string } = {}): HostArray {
  const bytes = asBytes(source, "readNpy");
  const { name = "the file" } = checkOptions("readNpy", options, { name: kind.string });
  const header = npyHeader(bytes, name);
  if (header === undefined) {
    const end = headerPlace(bytes, name)?.end ?? 12;
    throw new HebbError(
      `${name} has a header that ends at byte ${end}, but only ${bytes.byteLength} bytes; it is truncated or damaged`,
    );
  }
  const { stored, little, fortran, shape, descr, start, length } = header;
  if (length !== bytes.byteLength - start)
    throw new HebbError(
      `${name}: shape ${formatShape(shape)} of ${descr} needs ${length} bytes, there are ${bytes.byteLength - start}; the file is truncated or damaged`,
    );
  const { dtype } = stored;
  let data: TypedArray;
  try {
    data = stored.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), start, sizeOf(shape), little);
  } catch (error) {
    if (error instanceof HebbError) throw new HebbError(`${name}: ${error.message}`);
    throw error;
  }
  if (!fortran || shape.length < 2) return { dtype, shape, data };
  const rowMajor = allocate(dtype, data.length);
  toRowMajor(data, shape, rowMajor);
  return { dtype, shape, data: rowMajor };
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
