// The safetensors format: named arrays in one file, every offset checked before anything is allocated.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { byteSize, type DType } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { checkNamed, type HostArray, type NamedArrays, type NamedWritables, onHost } from "./host.ts";
import { refuseRepeatedKeys } from "./json.ts";
import { type StoredType, storedTypes } from "./stored.ts";

export interface SafetensorsFile {
  readonly tensors: NamedArrays;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SafetensorsOptions {
  /** The name used in messages; normally the file's. */
  readonly name?: string;
}

const kinds: OptionKinds<SafetensorsOptions> = { name: kind.string };

/** The limit of the reference implementation. */
const maxHeaderBytes = 100_000_000;
const metadataKey = "__metadata__";

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const readable: ReadonlyMap<string, StoredType> = new Map(Object.entries(storedTypes));

const writtenNames: Readonly<Record<DType, string>> = {
  float64: "F64",
  float32: "F32",
  int32: "I32",
  uint8: "U8",
  bool: "BOOL",
};

interface Entry {
  readonly name: string;
  readonly stored: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && typeof value === "number" && value >= 0;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readEntry(name: string, value: unknown, dataBytes: number, where: string): Entry {
  const place = `${where}: tensor ${JSON.stringify(name.slice(0, 200))}`;
  if (!isRecord(value))
    throw new HebbError(`${place} is not described by an object; the file is damaged or not safetensors`);
  const { dtype, shape, data_offsets: offsets } = value;
  const stored = typeof dtype === "string" ? readable.get(dtype) : undefined;
  if (!stored) {
    throw new HebbError(
      `${place} has dtype ${JSON.stringify(dtype)}, which cannot be read; convert it to one of ${[...readable.keys()].join(", ")}`,
    );
  }
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isWhole)) {
    throw new HebbError(
      `${place} has the shape ${JSON.stringify(shape)?.slice(0, 200)}, not a list of up to 32 sizes; the file is damaged`,
    );
  }
  const [begin, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [];
  if (!isWhole(begin) || !isWhole(end) || begin > end || end > dataBytes) {
    throw new HebbError(
      `${place} has the offsets ${JSON.stringify(offsets)?.slice(0, 200)}, outside the ${dataBytes} bytes of data; the file is truncated or damaged`,
    );
  }
  const needed = sizeOf(shape) * stored.bytes;
  if (needed !== end - begin) {
    throw new HebbError(
      `${place} of shape ${formatShape(shape)} and dtype ${String(dtype)} needs ${needed} bytes, its offsets hold ${end - begin}; the file is damaged`,
    );
  }
  return { name, stored, shape, begin, end };
}

function readHeader(
  bytes: Uint8Array,
  name: string,
): { readonly header: Readonly<Record<string, unknown>>; readonly dataStart: number } {
  if (bytes.byteLength < 8)
    throw new HebbError(
      `${name} has ${bytes.byteLength} bytes, too few for a safetensors file; it is truncated or another kind of file`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes)
    throw new HebbError(
      `${name} declares a header of ${headerBytes} bytes, more than ${maxHeaderBytes}; it is not a safetensors file, or damaged`,
    );
  if (headerBytes > bytes.byteLength - 8) {
    throw new HebbError(
      `${name} declares a header of ${headerBytes} bytes but has ${bytes.byteLength - 8} after the length; it is truncated or not a safetensors file`,
    );
  }
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + headerBytes));
    header = JSON.parse(text);
  } catch (error) {
    throw new HebbError(
      `${name} has a header that is not JSON (${error instanceof Error ? error.message.slice(0, 120) : "unreadable"}); it is damaged or not a safetensors file`,
    );
  }
  if (!isRecord(header))
    throw new HebbError(`${name} has a header that is not a JSON object; it is damaged or not a safetensors file`);
  refuseRepeatedKeys(text, `${name} has a header that`);
  return { header, dataStart: 8 + headerBytes };
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (value === undefined) return metadata;
  if (!isRecord(value)) throw new HebbError(`${name}: ${metadataKey} is not an object of strings; the file is damaged`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string")
      throw new HebbError(`${name}: ${metadataKey}.${key.slice(0, 100)} is not a string; the file is damaged`);
    metadata[key] = text;
  }
  return metadata;
}

/**
 * Reads a safetensors file. F16 and BF16 widen to float32; smaller and larger integers become int32 (an error if a value does not fit).
 * Throws HebbError for headers too long or with a name twice, offsets that overlap, leave gaps or lie outside, and sizes that do not match.
 */
export function readSafetensors(source: FileBytes, options: SafetensorsOptions = {}): SafetensorsFile {
  const bytes = asBytes(source, "readSafetensors");
  const { name = "the file" } = checkOptions("readSafetensors", options, kinds);
  const { header, dataStart } = readHeader(bytes, name);
  const dataBytes = bytes.byteLength - dataStart;
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key !== metadataKey) entries.push(readEntry(key, value, dataBytes, name));
  }
  let covered = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== covered) {
      throw new HebbError(
        `${name}: tensor ${JSON.stringify(entry.name)} begins at byte ${entry.begin} of the data, expected ${covered}: tensors ${entry.begin < covered ? "overlap" : "leave a gap"}; the file is damaged`,
      );
    }
    covered = entry.end;
  }
  if (covered !== dataBytes) {
    throw new HebbError(
      `${name} has ${dataBytes} bytes of data, its tensors cover ${covered}; the file has bytes added or is damaged`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart, dataBytes);
  const tensors: Record<string, HostArray> = Object.create(null);
  for (const { name: key, stored, shape, begin } of entries) {
    try {
      tensors[key] = { dtype: stored.dtype, shape, data: stored.read(view, begin, sizeOf(shape), true) };
    } catch (error) {
      if (error instanceof HebbError) throw new HebbError(`${name}: tensor ${JSON.stringify(key)}: ${error.message}`);
      throw error;
    }
  }
  return { tensors, metadata: readMetadata(header[metadataKey], name) };
}

function littleEndianBytes(array: HostArray): Uint8Array {
  const { data } = array;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const width = byteSize(array.dtype);
  if (littleEndian || width === 1) return bytes;
  const swapped = bytes.slice();
  for (let at = 0; at < swapped.length; at += width) swapped.subarray(at, at + width).reverse();
  return swapped;
}

/**
 * Bytes of a safetensors file, of a state dict or of arrays: by falling element size, then by name, as the reference implementation
 * orders them.
 */
export function writeSafetensors(tensors: NamedWritables, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  checkNamed("writeSafetensors", tensors);
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== "string")
      throw new HebbError(
        `writeSafetensors: metadata values are strings, but ${JSON.stringify(key)} is ${kind.describe(value)}; use JSON.stringify`,
      );
  const entries = Object.keys(tensors).map((name) => {
    const given = tensors[name];
    if (name === metadataKey || !given)
      throw new HebbError(`a tensor cannot be named ${JSON.stringify(name)}; choose another name`);
    const array = onHost(given, `tensor ${JSON.stringify(name)}`);
    if (array.data.length !== sizeOf(array.shape)) {
      throw new HebbError(
        `tensor ${JSON.stringify(name)} has ${array.data.length} values, its shape ${formatShape(array.shape)} needs ${sizeOf(array.shape)}`,
      );
    }
    return { name, array };
  });
  entries.sort((a, b) => byteSize(b.array.dtype) - byteSize(a.array.dtype) || (a.name < b.name ? -1 : 1));
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header[metadataKey] = metadata;
  let offset = 0;
  for (const { name, array } of entries) {
    const end = offset + array.data.length * byteSize(array.dtype);
    header[name] = { dtype: writtenNames[array.dtype], shape: array.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Blanks bring the data to a multiple of 8 bytes.
  const headerBytes = Math.ceil(text.length / 8) * 8;
  if (headerBytes > maxHeaderBytes)
    throw new HebbError(
      `the header would have ${headerBytes} bytes, more than ${maxHeaderBytes}; save fewer tensors in one file`,
    );
  const out = new Uint8Array(8 + headerBytes + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, 8, 8 + headerBytes);
  out.set(text, 8);
  let at = 8 + headerBytes;
  for (const { array } of entries) {
    const data = littleEndianBytes(array);
    out.set(data, at);
    at += data.length;
  }
  return out;
}
