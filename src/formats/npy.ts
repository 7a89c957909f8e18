// NumPy's .npy format: one array, its header parsed as text and never evaluated.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { storedOf, type Writable } from "./host.ts";
import { type HostArray, type StoredArray, swapBytes, widenNamed } from "./stored/array.ts";
import { type StoredDType, storedBytes, storedTypes } from "./stored/types.ts";

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
const maxHeaderBytes = 1_000_000;

/** Types by NumPy's letter and size, without the byte order. */
const kinds: ReadonlyMap<string, StoredDType> = new Map<string, StoredDType>([
  ["f2", "F16"],
  ["f4", "F32"],
  ["f8", "F64"],
  ["i1", "I8"],
  ["i2", "I16"],
  ["i4", "I32"],
  ["i8", "I64"],
  ["u1", "U8"],
  ["u2", "U16"],
  ["u4", "U32"],
  ["u8", "U64"],
  ["b1", "BOOL"],
  ["c8", "C64"],
]);

const descriptions: ReadonlyMap<StoredDType, string> = new Map(
  [...kinds].map(([letter, dtype]) => [dtype, `${letter.endsWith("1") ? "|" : "<"}${letter}`]),
);

/** Types that NumPy has and tensors lack, by letter. */
const refused: ReadonlyMap<string, string> = new Map([
  ["S", "texts (bytes)"],
  ["a", "texts (bytes)"],
  ["U", "texts"],
  ["O", "Python objects, which are never read"],
  ["V", "raw bytes"],
  ["M", "dates"],
  ["m", "durations"],
  ["c", "complex numbers of this size"],
  ["f", "floats of this size"],
]);

/** The header's description of the data. */
interface Header {
  readonly dtype: StoredDType;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly descr: string;
  /** The offset of the data. */
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

/** Copies the elements of a column-major array into row-major order. One element is `units` array entries. */
function reorder(
  from: Uint8Array | Uint16Array | Uint32Array,
  to: Uint8Array | Uint16Array | Uint32Array,
  shape: readonly number[],
  units: number,
): void {
  const place = new Array<number>(shape.length).fill(0);
  const strides: number[] = [];
  let stride = units;
  for (const extent of shape) {
    strides.push(stride);
    stride *= extent;
  }
  let source = 0;
  for (let i = 0; i < to.length; i += units) {
    for (let unit = 0; unit < units; unit++) to[i + unit] = from[source + unit] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = at(place, axis) + 1;
      const step = at(strides, axis);
      source += step;
      place[axis] = next;
      if (next !== shape[axis]) break;
      source -= next * step;
      place[axis] = 0;
    }
  }
}

/** The bytes of a column-major array in row-major order, from the start of their buffer. */
function toRowMajor(bytes: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  if (width === 1) reorder(bytes, out, shape, 1);
  else if (width === 2) reorder(new Uint16Array(bytes.buffer), new Uint16Array(out.buffer), shape, 1);
  else reorder(new Uint32Array(bytes.buffer), new Uint32Array(out.buffer), shape, width / 4);
  return out;
}

/** The position of the header's text; undefined if there are too few bytes. Throws HebbError for another format. */
function headerPlace(bytes: Uint8Array, name: string): { readonly at: number; readonly end: number } | undefined {
  if (!magic.every((byte, i) => i >= bytes.byteLength || bytes[i] === byte) || bytes.byteLength === 0)
    throw new HebbError(
      `${name} is not an .npy file: it does not start with \\x93NUMPY; check that it is the right file`,
    );
  if (bytes.byteLength < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3)
    throw new HebbError(`${name} is .npy version ${version}; versions 1 to 3 can be read`);
  const at = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes)
    throw new HebbError(`${name} declares a header of ${length} bytes, more than ${maxHeaderBytes}; it is damaged`);
  return { at, end: at + length };
}

/** The checked header at the beginning of a file; undefined if there are too few bytes to read it. */
export function npyHeader(bytes: Uint8Array, name: string): Header | undefined {
  const place = headerPlace(bytes, name);
  if (place === undefined || place.end > bytes.byteLength) return undefined;
  const { descr, fortran, shape } = parseHeader(new TextDecoder().decode(bytes.subarray(place.at, place.end)), name);
  const dtype = /^[<>|=]/.test(descr) ? kinds.get(descr.slice(1)) : undefined;
  if (dtype === undefined) {
    const holds = refused.get(descr.replace(/^[<>|=]/, "").slice(0, 1));
    throw new HebbError(
      `${name} has values of type ${JSON.stringify(descr)}${holds === undefined ? "" : `: ${holds}`}; convert it to float32, float64, int32, int16, int8, uint8 or bool`,
    );
  }
  return {
    dtype,
    little: descr[0] !== ">",
    fortran,
    shape,
    descr,
    start: place.end,
    length: storedBytes(dtype, shape),
  };
}

export interface NpyOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** Keep the dtype of the file (default false: widen to a tensor dtype). */
  readonly keep?: boolean;
}

/**
 * Reads a .npy file (versions 1 to 3, either byte order, either memory order; numpy.org, NEP 1). float16 becomes float32; integers without
 * a tensor dtype become int32 (an error if one does not fit); others keep their dtype. With `keep: true` the array has the dtype of the
 * file. Throws HebbError for other types, damaged headers, and data that are too short or too long for the shape.
 */
export function readNpy(source: FileBytes, options: NpyOptions & { readonly keep: true }): StoredArray;
export function readNpy(source: FileBytes, options?: NpyOptions & { readonly keep?: false }): HostArray;
export function readNpy(source: FileBytes, options: NpyOptions = {}): HostArray | StoredArray {
  const bytes = asBytes(source, "readNpy");
  const { name = "the file", keep = false } = checkOptions("readNpy", options, npyKinds);
  const header = npyHeader(bytes, name);
  if (header === undefined) {
    const end = headerPlace(bytes, name)?.end ?? 12;
    throw new HebbError(
      `${name} has a header that ends at byte ${end}, but only ${bytes.byteLength} bytes; it is truncated or damaged`,
    );
  }
  const { shape, descr, start, length } = header;
  if (length !== bytes.byteLength - start)
    throw new HebbError(
      `${name}: shape ${formatShape(shape)} of ${descr} needs ${length} bytes, there are ${bytes.byteLength - start}; the file is truncated or damaged`,
    );
  const stored = arrayOf(header, bytes.subarray(start));
  return keep ? stored : widenNamed(stored, name);
}

const npyKinds: OptionKinds<NpyOptions> = { name: kind.string, keep: kind.boolean };

/** The array of the data after a header: row-major and little-endian. */
export function arrayOf({ dtype, shape, little, fortran }: Header, data: Uint8Array): StoredArray {
  const width = storedTypes[dtype].bits / 8;
  const turned = fortran && shape.length > 1 && data.length > 0;
  if ((little || width === 1) && !turned) return { dtype, shape, bytes: data };
  const copy = new Uint8Array(data);
  // Both parts of a complex number are swapped separately.
  if (!little && width > 1) swapBytes(copy, dtype === "C64" ? 4 : width);
  return { dtype, shape, bytes: turned ? toRowMajor(copy, shape, width) : copy };
}

/**
 * Bytes of a .npy file from a tensor or an array: version 1, row-major, little-endian; np.load reads it. Throws HebbError for a dtype that
 * NumPy lacks.
 */
export function writeNpy(array: Writable): Uint8Array {
  const { dtype, shape, bytes } = storedOf(array, "the array");
  const descr = descriptions.get(dtype);
  if (descr === undefined)
    throw new HebbError(`NumPy has no dtype ${dtype}; widen the array to float32, or write safetensors`);
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // Blanks and a line break align the data to 64 bytes.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11, " ")}\n`;
  const start = 10 + header.length;
  const out = new Uint8Array(start + bytes.byteLength);
  out.set(magic);
  out.set([1, 0], 6);
  new DataView(out.buffer).setUint16(8, header.length, true);
  out.set(new TextEncoder().encode(header), 10);
  out.set(bytes, start);
  return out;
}
