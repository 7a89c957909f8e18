// The safetensors format (github.com/huggingface/safetensors): named arrays in one file, read from memory and written.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkNamed, type HostArray, type NamedArrays, type NamedWritables, storedOf } from "./host.ts";
import { headerLength, maxHeaderBytes, metadataKey, parseHeader } from "./safetensorsHeader.ts";
import { type NamedStored, type StoredArray, widenNamed } from "./stored/array.ts";
import { storedTypes } from "./stored/types.ts";

export interface SafetensorsFile<Arrays = NamedArrays> {
  readonly tensors: Arrays;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SafetensorsOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** Keep the dtypes of the file (default false: widen to tensor dtypes). */
  readonly keep?: boolean;
}

const kinds: OptionKinds<SafetensorsOptions> = { name: kind.string, keep: kind.boolean };

/**
 * Reads a safetensors file. F16, BF16 and smaller floats widen to float32; integers without a tensor dtype become int32 (an error if a
 * value does not fit). With `keep: true` every array keeps its stored dtype and is a view of its bytes.
 * Throws HebbError for oversized headers, duplicate names, offsets that overlap, leave gaps or lie outside, and sizes that do not match.
 */
export function readSafetensors(
  source: FileBytes,
  options: SafetensorsOptions & { readonly keep: true },
): SafetensorsFile<NamedStored>;
export function readSafetensors(
  source: FileBytes,
  options?: SafetensorsOptions & { readonly keep?: false },
): SafetensorsFile;
export function readSafetensors(
  source: FileBytes,
  options: SafetensorsOptions = {},
): SafetensorsFile<NamedArrays | NamedStored> {
  const bytes = asBytes(source, "readSafetensors");
  const { name = "the file", keep = false } = checkOptions("readSafetensors", options, kinds);
  const start = 8 + headerLength(bytes.subarray(0, 8), bytes.byteLength, name);
  const { entries, metadata } = parseHeader(bytes.subarray(8, start), bytes.byteLength - start, name);
  const tensors: Record<string, HostArray> = Object.create(null);
  const stored: Record<string, StoredArray> = Object.create(null);
  for (const { name: key, dtype, shape, begin, end } of entries) {
    const array: StoredArray = { dtype, shape, bytes: bytes.subarray(start + begin, start + end) };
    if (keep) stored[key] = array;
    else tensors[key] = widenNamed(array, `${name}: tensor ${JSON.stringify(key)}`);
  }
  return { tensors: keep ? stored : tensors, metadata };
}

/**
 * Bytes of a safetensors file from a state dict, arrays, or stored arrays, sorted by falling element size, then by name, like the reference
 * implementation.
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
    return { name, array: storedOf(given, `tensor ${JSON.stringify(name)}`) };
  });
  entries.sort(
    (a, b) => storedTypes[b.array.dtype].bits - storedTypes[a.array.dtype].bits || (a.name < b.name ? -1 : 1),
  );
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header[metadataKey] = metadata;
  let offset = 0;
  for (const { name, array } of entries) {
    const end = offset + array.bytes.byteLength;
    header[name] = { dtype: array.dtype, shape: array.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Blanks align the data to 8 bytes.
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
    out.set(array.bytes, at);
    at += array.bytes.byteLength;
  }
  return out;
}
