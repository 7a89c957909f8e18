// IDX files, the format of MNIST: read from bytes (gzip too), with every length checked first.
import { type DType, isInteger, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { asBytes, type FileBytes } from "./bytes.ts";

export interface IdxArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export interface IdxOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** Most bytes accepted after unpacking (default 64 MiB and a hundred times the packed size, below 2 GiB). */
  readonly maxBytes?: number;
}

const optionKinds: OptionKinds<IdxOptions> = { name: kind.string, maxBytes: kind.number };

const defaultMaxBytes = 2 ** 31 - 1;

const kinds: ReadonlyMap<number, { readonly bytes: number; readonly dtype: DType }> = new Map([
  [0x08, { bytes: 1, dtype: "uint8" }],
  [0x09, { bytes: 1, dtype: "int8" }],
  [0x0b, { bytes: 2, dtype: "int16" }],
  [0x0c, { bytes: 4, dtype: "int32" }],
  [0x0d, { bytes: 4, dtype: "float32" }],
  [0x0e, { bytes: 8, dtype: "float64" }],
]);

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Data compress to a fifth or a tenth; anything that compresses far better is built to fill memory. */
export const usualLimit = (packed: number): number => Math.min(defaultMaxBytes, 2 ** 26 + 100 * packed);

/** The smallest gzip file: 10 bytes of header and 8 of trailer. */
const leastGzip = 18;

/** An IDX header has at most 255 sizes. */
const mostHeader = 2048;

/** The largest output of deflate data: it compresses by no more than this. */
const mostDeflated = (packed: number): number => packed * 1032 + 64;

/**
 * Unpacks gzip, in Node and browsers. Throws HebbError for damaged data, and for more than `maxBytes` (a zip bomb). Default: 64 MiB and a
 * hundred times the packed size.
 */
export async function gunzip(bytes: FileBytes, options: IdxOptions = {}): Promise<Uint8Array> {
  return unpackGzip(asBytes(bytes, "gunzip"), checkOptions("gunzip", options, optionKinds));
}

/** Unpacks one or several concatenated members, as `cat a.gz b.gz` leaves them. */
async function unpackGzip(
  bytes: Uint8Array,
  options: IdxOptions,
  expected?: (head: Uint8Array) => number | undefined,
): Promise<Uint8Array> {
  const name = options.name ?? "the file";
  const maxBytes = options.maxBytes ?? usualLimit(bytes.byteLength);
  const whole = await unpackMember(bytes, { name, maxBytes }, expected);
  if (typeof whole !== "string") return whole;
  const members = await unpackMembers(bytes, { name, maxBytes });
  if (members === undefined) throw new HebbError(`${name} is damaged: ${whole}; download or copy it again`);
  return members;
}

interface Limits {
  readonly name: string;
  readonly maxBytes: number;
}

/** Possible starts of further members. */
function* memberStarts(bytes: Uint8Array): Generator<number> {
  for (let at = bytes.indexOf(0x1f, 1); at >= 0; at = bytes.indexOf(0x1f, at + 1)) {
    const [, magic, method, flags] = bytes.subarray(at, at + 4);
    // Deflate, and no flag outside the format.
    if (magic === 0x8b && method === 8 && flags !== undefined && (flags & 0xe0) === 0) yield at;
  }
}

/** The limit of false member starts; in data, one occurs every 100 MB. */
const mostMistaken = 32;

/** The content of several members; undefined if the bytes do not split into members. */
async function unpackMembers(bytes: Uint8Array, { name, maxBytes }: Limits): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let [start, length, mistaken] = [0, 0, 0];
  const starts = [...memberStarts(bytes)];
  if (starts.length === 0) return undefined;
  for (const end of [...starts, bytes.byteLength]) {
    const part = await unpackMember(bytes.subarray(start, end), { name, maxBytes: maxBytes - length });
    if (typeof part === "string") {
      if (++mistaken > mostMistaken || end === bytes.byteLength) return undefined;
      continue;
    }
    parts.push(part);
    length += part.byteLength;
    start = end;
  }
  return joined(parts, length);
}

/**
 * The content of one member, or a sentence about its fault. `expected` returns the total size from the first bytes, or undefined if it
 * needs more of them (2 KiB at most); unpacking stops there. Throws HebbError if the output exceeds the limit.
 */
async function unpackMember(
  bytes: Uint8Array,
  { name, maxBytes }: Limits,
  expected?: (head: Uint8Array) => number | undefined,
): Promise<Uint8Array | string> {
  if (bytes.byteLength < leastGzip) return `it has ${bytes.byteLength} bytes, too few for gzip data`;
  const promised = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.byteLength - 4, true);
  const stream = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const chunks: Uint8Array[] = [];
  let length = 0;
  let told: number | undefined;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.byteLength;
      chunks.push(value);
      // Only the beginning is searched for a header: joining at every chunk would take quadratic time.
      if (told === undefined && length - value.byteLength < mostHeader) told = expected?.(joined(chunks, length));
      if (told !== undefined && told > mostDeflated(bytes.byteLength))
        throw new HebbError(
          `${name} is truncated: its header declares ${told} bytes, more than ${bytes.byteLength} compressed ones can hold; download or copy it again`,
        );
      if (told !== undefined && length > told)
        throw new HebbError(
          `${name} unpacks to more than the ${told} bytes that its header declares; check that it is the right file`,
        );
      if (length > maxBytes)
        throw new HebbError(
          `${name} unpacks to more than ${maxBytes} bytes, from ${bytes.byteLength}; unpack it yourself if that is intended`,
        );
      // The trailer counts modulo 2^32, which is above every limit.
      if (length > promised) break;
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof HebbError) throw error;
    return `its gzip data cannot be decompressed (${error instanceof Error ? error.message : String(error)})`;
  }
  if (length > promised) await reader.cancel();
  if (length !== promised)
    return `its gzip trailer promises ${promised} bytes, ${length > promised ? "more" : length} came out`;
  return joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    out.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return out;
}

/** The header of an IDX file. */
export interface IdxHeader {
  readonly code: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The offset of the values. */
  readonly start: number;
  /** The number of values, the bytes that all of them take, and the bytes of one. */
  readonly length: number;
  readonly needed: number;
  readonly bytesEach: number;
}

/** The header at the beginning of the bytes; undefined if there are too few of them. Throws HebbError for another format. */
function headerOf(bytes: Uint8Array, name: string): IdxHeader | undefined {
  if (bytes.byteLength < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = view.getUint8(2);
  const kind = kinds.get(code);
  const rank = view.getUint8(3);
  if (view.getUint16(0) !== 0 || !kind || rank === 0) {
    const magic = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new HebbError(
      `${name} is not an IDX file: it begins with ${magic}, not with 00 00, a type and a rank; check that it is the right file`,
    );
  }
  const start = 4 + 4 * rank;
  if (bytes.byteLength < start) return undefined;
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  let length = 1;
  for (const extent of shape) length *= extent;
  return { code, dtype: kind.dtype, shape, start, length, needed: length * kind.bytes, bytesEach: kind.bytes };
}

function tooShort(bytes: Uint8Array, name: string): HebbError {
  const rank = bytes[3];
  return new HebbError(
    rank === undefined
      ? `${name} has ${bytes.byteLength} bytes, too few for an IDX header; the file is truncated or not IDX`
      : `${name} is truncated: its header of ${rank} sizes needs ${4 + 4 * rank} bytes, the file has ${bytes.byteLength}; download or copy it again`,
  );
}

/**
 * Reads one IDX array. Throws HebbError for a wrong magic number, an unknown type, sizes whose product does not match the length of the
 * file (checked before any allocation), and data that is still gzip.
 */
export function parseIdx(source: FileBytes, options: IdxOptions = {}): IdxArray {
  checkOptions("parseIdx", options, optionKinds);
  const bytes = asBytes(source, "parseIdx");
  const name = options.name ?? "the file";
  if (isGzip(bytes)) throw new HebbError(`${name} is gzip data; unpack it first (readIdx does)`);
  const { code, dtype, shape, start, length } = idxHeader(bytes, bytes.byteLength, name);
  return { dtype, shape, data: idxValues(new DataView(bytes.buffer, bytes.byteOffset), start, length, code) };
}

/** The header of a file of `size` bytes, which must match the length that it implies. */
export function idxHeader(bytes: Uint8Array, size: number, name: string): IdxHeader {
  const header = headerOf(bytes, name);
  if (header === undefined) throw tooShort(bytes, name);
  const { shape, start, needed } = header;
  if (needed === size - start) return header;
  const [problem, fix] =
    needed > size - start
      ? ["is truncated", "download or copy it again"]
      : ["has bytes after its data", "check that it is the right file"];
  throw new HebbError(
    `${name} ${problem}: sizes ${formatShape(shape)} need ${needed} bytes, there are ${size - start}; ${fix}`,
  );
}

/** Values from an offset on. */
export function idxValues(view: DataView, start: number, length: number, code: number): TypedArray {
  switch (code) {
    case 0x09:
      return Int8Array.from({ length }, (_, i) => view.getInt8(start + i));
    case 0x0b:
      return Int16Array.from({ length }, (_, i) => view.getInt16(start + 2 * i));
    case 0x0c:
      return Int32Array.from({ length }, (_, i) => view.getInt32(start + 4 * i));
    case 0x0d:
      return Float32Array.from({ length }, (_, i) => view.getFloat32(start + 4 * i));
    case 0x0e:
      return Float64Array.from({ length }, (_, i) => view.getFloat64(start + 8 * i));
    default:
      return new Uint8Array(view.buffer, view.byteOffset + start, length).slice();
  }
}

/** Reads one IDX array, unpacking gzip when the bytes are gzip. */
export async function readIdx(source: FileBytes, options: IdxOptions = {}): Promise<IdxArray> {
  checkOptions("readIdx", options, optionKinds);
  const bytes = asBytes(source, "readIdx");
  if (!isGzip(bytes)) return parseIdx(bytes, options);
  const { name = "the file" } = options;
  const whole = (head: Uint8Array): number | undefined => {
    const header = headerOf(head, name);
    return header && header.start + header.needed;
  };
  return parseIdx(await unpackGzip(bytes, options, whole), options);
}

/** IDX bytes of an array (uint8, int8, int16, int32, float32 or float64; floats of 16 bits become float32), big-endian as the format demands. */
export function formatIdx(array: IdxArray): Uint8Array {
  const codes: Readonly<Record<DType, number>> = {
    uint8: 0x08,
    bool: 0x08,
    int8: 0x09,
    int16: 0x0b,
    int32: 0x0c,
    float16: 0x0d,
    bfloat16: 0x0d,
    float32: 0x0d,
    float64: 0x0e,
  };
  const start = 4 + 4 * array.shape.length;
  const width = array.data.BYTES_PER_ELEMENT;
  const out = new Uint8Array(start + array.data.length * width);
  const view = new DataView(out.buffer);
  view.setUint8(2, codes[array.dtype]);
  view.setUint8(3, array.shape.length);
  array.shape.forEach((extent, i) => {
    view.setUint32(4 + 4 * i, extent);
  });
  array.data.forEach((value, i) => {
    const at = start + i * width;
    if (width === 1) view.setUint8(at, value);
    else if (width === 2) view.setInt16(at, value);
    else if (array.dtype === "int32") view.setInt32(at, value);
    else if (array.dtype === "float64") view.setFloat64(at, value);
    else view.setFloat32(at, value);
  });
  return out;
}

/** Checks that images [n, …] and labels [n] belong together. */
export function checkImagesAndLabels(
  images: Pick<IdxArray, "shape">,
  labels: IdxArray,
  names: { readonly images: string; readonly labels: string },
): void {
  if (images.shape.length < 2) {
    throw new HebbError(
      `${names.images} has sizes ${formatShape(images.shape)}, not images [count, rows, columns]; did you swap images and labels?`,
    );
  }
  if (labels.shape.length !== 1) {
    throw new HebbError(
      `${names.labels} has sizes ${formatShape(labels.shape)}, not labels [count]; did you swap images and labels?`,
    );
  }
  if (!isInteger(labels.dtype)) {
    throw new HebbError(`${names.labels} holds ${labels.dtype} values; labels must be whole numbers`);
  }
  if (images.shape[0] !== labels.shape[0]) {
    throw new HebbError(
      `${names.images} has ${images.shape[0]} images but ${names.labels} has ${labels.shape[0]} labels; they must be the two files of one set`,
    );
  }
  if (images.shape[0] === 0) throw new HebbError(`${names.images} has no images; it needs at least one`);
}
