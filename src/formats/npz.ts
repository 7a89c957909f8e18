// NumPy's .npz format: a zip archive of .npy files. Written without compression, read stored or deflated, every size checked first.
import { HebbError } from "../graph/errors.ts";
import { type HostArray, type NamedArrays, type NamedWritables, onHost } from "./host.ts";
import { readNpy, writeNpy } from "./npy.ts";

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** The checksum of zip: CRC-32 (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (crcTable[(c ^ byte) & 255] ?? 0) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** Bytes of an .npz file, of a state dict or of arrays; np.load reads it. Names must be usable as file names inside the archive. */
export function writeNpz(arrays: NamedWritables): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  const names = Object.keys(arrays);
  if (names.length > 65535)
    throw new HebbError(`${names.length} arrays are more than a zip archive holds (65535); use safetensors`);
  for (const name of names) {
    const array = arrays[name];
    if (!array || name === "" || name.includes("\0")) {
      throw new HebbError(`an array cannot be called ${JSON.stringify(name)}; choose another name`);
    }
    const content = writeNpy(onHost(array, `array ${JSON.stringify(name)}`));
    const label = new TextEncoder().encode(`${name}.npy`);
    if (offset + content.length > 0xfffffff0 || label.length > 65535) {
      throw new HebbError(`the archive would be larger than 4 GiB at "${name.slice(0, 80)}"; use safetensors`);
    }
    // Version, flags (bit 11: UTF-8 names), method 0 (stored), time, date (1980-01-01), checksum, sizes, lengths.
    const common = new DataView(new ArrayBuffer(26));
    common.setUint16(0, 20, true);
    common.setUint16(2, 0x0800, true);
    common.setUint16(8, 0x21, true);
    common.setUint32(10, crc32(content), true);
    common.setUint32(14, content.length, true);
    common.setUint32(18, content.length, true);
    common.setUint16(22, label.length, true);
    const local = new Uint8Array(30 + label.length);
    new DataView(local.buffer).setUint32(0, localSignature, true);
    local.set(new Uint8Array(common.buffer), 4);
    local.set(label, 30);
    const central = new Uint8Array(46 + label.length);
    const centralView = new DataView(central.buffer);
    centralView.setUint32(0, centralSignature, true);
    centralView.setUint16(4, 20, true);
    central.set(new Uint8Array(common.buffer), 6);
    centralView.setUint32(42, offset, true);
    central.set(label, 46);
    parts.push(local, content);
    directory.push(central);
    offset += local.length + content.length;
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new Uint8Array(22);
  const endView = new DataView(end.buffer);
  endView.setUint32(0, endSignature, true);
  endView.setUint16(8, names.length, true);
  endView.setUint16(10, names.length, true);
  endView.setUint32(12, directoryBytes, true);
  endView.setUint32(16, offset, true);
  const out = new Uint8Array(offset + directoryBytes + 22);
  let at = 0;
  for (const part of [...parts, ...directory, end]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

async function inflate(bytes: Uint8Array, size: number, place: string): Promise<Uint8Array> {
  // Deflate cannot shrink anything by more than this, so a larger size is a lie, told before memory is taken.
  if (size > bytes.length * 1032 + 64) {
    throw new HebbError(`${place} announces ${size} bytes from ${bytes.length}, which cannot be; the file is damaged`);
  }
  const out = new Uint8Array(size);
  let length = 0;
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (length + value.byteLength > size) {
        await reader.cancel();
        throw new HebbError(`${place} unpacks to more than the ${size} bytes it announces; the file is damaged`);
      }
      out.set(value, length);
      length += value.byteLength;
    }
  } catch (error) {
    if (error instanceof HebbError) throw error;
    throw new HebbError(
      `${place} does not unpack (${error instanceof Error ? error.message : String(error)}); the file is damaged`,
    );
  }
  if (length !== size)
    throw new HebbError(`${place} unpacks to ${length} bytes, ${size} were announced; the file is damaged`);
  return out;
}

export interface NpzOptions {
  readonly name?: string;
  /** Most bytes accepted after unpacking, all arrays together (default 2 GiB − 1). */
  readonly maxBytes?: number;
}

function findEnd(view: DataView, name: string): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 65535); at--) {
    if (view.getUint32(at, true) === endSignature && at + 22 + view.getUint16(at + 20, true) === view.byteLength)
      return at;
  }
  throw new HebbError(`${name} is not an .npz file, or truncated: the end of a zip archive is missing; copy it again`);
}

/** Reads an .npz file, stored or deflated, checking the CRC of each array. Throws HebbError for anything damaged, encrypted or too large. */
export async function readNpz(bytes: Uint8Array, options: NpzOptions = {}): Promise<NamedArrays> {
  const name = options.name ?? "the file";
  let budget = options.maxBytes ?? 2 ** 31 - 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view, name);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const arrays: Record<string, HostArray> = Object.create(null);
  for (let i = 0; i < count; i++) {
    const damaged = new HebbError(
      `${name}: entry ${i + 1} of ${count} lies outside the file; it is truncated or damaged`,
    );
    if (at + 46 > end || view.getUint32(at, true) !== centralSignature) throw damaged;
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    const local = view.getUint32(at + 42, true);
    if (next > end || local + 30 > end || view.getUint32(local, true) !== localSignature) throw damaged;
    const label = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const place = `${name}: array ${JSON.stringify(label.slice(0, 100))}`;
    const method = view.getUint16(at + 10, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + packed > end) throw damaged;
    if (view.getUint16(at + 8, true) & 1) throw new HebbError(`${place} is encrypted; save it without a password`);
    if (method !== 0 && method !== 8)
      throw new HebbError(`${place} uses zip method ${method}; stored and deflated entries can be read`);
    if (method === 0 && packed !== size)
      throw new HebbError(`${place} announces ${size} bytes but stores ${packed}; the file is damaged`);
    budget -= size;
    if (budget < 0)
      throw new HebbError(
        `${name} unpacks to more than ${options.maxBytes ?? 2 ** 31 - 1} bytes; raise maxBytes if that is meant`,
      );
    const raw = bytes.subarray(start, start + packed);
    const content = method === 0 ? raw : await inflate(raw, size, place);
    if (crc32(content) !== view.getUint32(at + 16, true))
      throw new HebbError(`${place} is damaged: its checksum does not match`);
    const key = label.endsWith(".npy") ? label.slice(0, -4) : label;
    if (Object.hasOwn(arrays, key)) throw new HebbError(`${place} occurs twice; the file is damaged`);
    arrays[key] = readNpy(content, { name: place });
    at = next;
  }
  return arrays;
}
