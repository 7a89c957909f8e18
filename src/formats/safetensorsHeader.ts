// The header of a safetensors file: the type and offset of each tensor, fully checked before use.
import { HebbError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { refuseBomb, refuseRepeatedKeys } from "./json.ts";
import { isStoredDType, type StoredDType, storedBytes, storedDTypes } from "./stored/types.ts";

/** The reference implementation's limit. */
export const maxHeaderBytes = 100_000_000;
export const metadataKey = "__metadata__";

/** A tensor of a file; offsets are relative to the start of the data. */
export interface Entry {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
}

const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && typeof value === "number" && value >= 0;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readEntry(name: string, value: unknown, dataBytes: number, where: string): Entry {
  // Created only on failure: there may be many tensors, nearly always without one.
  const wrong = (what: string): HebbError =>
    new HebbError(`${where}: tensor ${JSON.stringify(name.slice(0, 200))} ${what}`);
  if (!isRecord(value)) throw wrong(`is not described by an object; the file is damaged or not safetensors`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isStoredDType(dtype)) {
    throw wrong(
      `has dtype ${JSON.stringify(dtype)?.slice(0, 100)}, which cannot be read; convert it to one of ${storedDTypes.join(", ")}`,
    );
  }
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isWhole)) {
    throw wrong(
      `has the shape ${JSON.stringify(shape)?.slice(0, 200)}, not a list of up to 32 sizes; the file is damaged`,
    );
  }
  const [begin, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [];
  if (!isWhole(begin) || !isWhole(end) || begin > end || end > dataBytes) {
    throw wrong(
      `has the offsets ${JSON.stringify(offsets)?.slice(0, 200)}, outside the ${dataBytes} bytes of data; the file is truncated or damaged`,
    );
  }
  const needed = storedBytes(dtype, shape);
  if (needed !== end - begin) {
    throw wrong(
      `of shape ${formatShape(shape)} and dtype ${dtype} needs ${needed} bytes, its offsets hold ${end - begin}; the file is damaged`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The length of the header, from the first 8 bytes of a file of `size` bytes. */
export function headerLength(start: Uint8Array, size: number, name: string): number {
  if (start.byteLength < 8)
    throw new HebbError(
      `${name} has ${size} bytes, too few for a safetensors file; it is truncated or another kind of file`,
    );
  const length = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (length > maxHeaderBytes)
    throw new HebbError(
      `${name} declares a header of ${length} bytes, more than ${maxHeaderBytes}; it is not a safetensors file, or damaged`,
    );
  if (length > size - 8) {
    throw new HebbError(
      `${name} declares a header of ${length} bytes but has ${size - 8} after the length; it is truncated or not a safetensors file`,
    );
  }
  return length;
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

/** Checks that the tensors cover the data, without overlaps and gaps. */
function checkCovered(entries: readonly Entry[], dataBytes: number, name: string): void {
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
}

/** Parses the bytes of a header that is followed by `dataBytes` bytes. Throws HebbError for anything that does not fit. */
export function parseHeader(bytes: Uint8Array, dataBytes: number, name: string): SafetensorsHeader {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    refuseBomb(text, `the header of ${name}`);
    header = JSON.parse(text);
  } catch (error) {
    if (error instanceof HebbError) throw error;
    throw new HebbError(
      `${name} has a header that is not JSON (${error instanceof Error ? error.message.slice(0, 120) : "unreadable"}); it is damaged or not a safetensors file`,
    );
  }
  if (!isRecord(header))
    throw new HebbError(`${name} has a header that is not a JSON object; it is damaged or not a safetensors file`);
  refuseRepeatedKeys(text, `${name} has a header that`);
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key !== metadataKey) entries.push(readEntry(key, value, dataBytes, name));
  }
  checkCovered(entries, dataBytes, name);
  return { entries, metadata: readMetadata(header[metadataKey], name) };
}
