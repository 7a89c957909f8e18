// Zip archives: written without compression; read stored or deflated, the whole directory checked before anything is unpacked.
import { HebbError } from "../graph/errors.ts";

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

/** Bytes of an archive of these files, stored. */
export function writeZip(files: Iterable<readonly [label: string, content: Uint8Array]>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [text, content] of files) {
    const label = new TextEncoder().encode(text);
    if (offset + content.length > 0xfffffff0 || label.length > 65535)
      throw new HebbError(`the archive would be larger than 4 GiB at "${text.slice(0, 80)}"; use safetensors`);
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
  if (directory.length > 65535)
    throw new HebbError(`${directory.length} arrays are more than a zip archive can hold (65535); use safetensors`);
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new Uint8Array(22);
  const endView = new DataView(end.buffer);
  endView.setUint32(0, endSignature, true);
  endView.setUint16(8, directory.length, true);
  endView.setUint16(10, directory.length, true);
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

/** One file of an archive, as the directory describes it. */
export interface Member {
  readonly label: string;
  /** How messages name it. */
  readonly place: string;
  /** Its bytes as they lie in the archive. */
  readonly packed: Uint8Array;
  readonly deflated: boolean;
  /** Bytes after unpacking, as announced. */
  readonly size: number;
  readonly checksum: number;
}

function findEnd(view: DataView, name: string): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 65535); at--) {
    if (view.getUint32(at, true) === endSignature && at + 22 + view.getUint16(at + 20, true) === view.byteLength)
      return at;
  }
  throw new HebbError(
    `${name} is not an .npz file, or it is truncated: the end of the zip archive is missing; copy it again`,
  );
}

/** Deflate shrinks nothing by more than this. */
const mostDeflated = (packed: number): number => packed * 1032 + 64;

/**
 * The directory of an archive. Nothing is unpacked, and what the members would take together is known before: they may not overlap,
 * so that no byte of the file is counted twice, and may announce neither more than deflate can give nor more than `maxBytes`.
 */
export function readDirectory(bytes: Uint8Array, name: string, maxBytes: number): Member[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view, name);
  const count = view.getUint16(end + 10, true);
  const directory = view.getUint32(end + 16, true);
  const members: Member[] = [];
  const ranges: { readonly start: number; readonly end: number; readonly place: string }[] = [];
  let total = 0;
  let at = directory;
  for (let i = 0; i < count; i++) {
    const damaged = new HebbError(
      `${name}: entry ${i + 1} of ${count} lies outside the file; it is truncated or damaged`,
    );
    if (at + 46 > end || view.getUint32(at, true) !== centralSignature) throw damaged;
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    const local = view.getUint32(at + 42, true);
    if (next > end || local + 30 > directory || view.getUint32(local, true) !== localSignature) throw damaged;
    const label = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const place = `${name}: array ${JSON.stringify(label.slice(0, 100))}`;
    const method = view.getUint16(at + 10, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + packed > directory) throw damaged;
    if (view.getUint16(at + 8, true) & 1) throw new HebbError(`${place} is encrypted; save it without a password`);
    if (method !== 0 && method !== 8)
      throw new HebbError(`${place} uses zip method ${method}; stored and deflated entries can be read`);
    if (method === 0 && packed !== size)
      throw new HebbError(`${place} declares ${size} bytes but stores ${packed}; the file is damaged`);
    if (size > mostDeflated(packed))
      throw new HebbError(
        `${place} declares ${size} bytes from ${packed} compressed ones, more than deflate can produce; the file is damaged`,
      );
    total += size;
    if (total > maxBytes)
      throw new HebbError(`${name} unpacks to more than ${maxBytes} bytes; raise maxBytes if that is intended`);
    members.push({
      label,
      place,
      packed: bytes.subarray(start, start + packed),
      deflated: method === 8,
      size,
      checksum: view.getUint32(at + 16, true),
    });
    ranges.push({ start: local, end: start + packed, place });
    at = next;
  }
  refuseOverlaps(ranges);
  return members;
}

function refuseOverlaps(ranges: { readonly start: number; readonly end: number; readonly place: string }[]): void {
  ranges.sort((a, b) => a.start - b.start);
  let before = 0;
  for (const { start, end, place } of ranges) {
    if (start < before)
      throw new HebbError(`${place} overlaps another entry of the archive; it is damaged or malicious`);
    before = end;
  }
}

/**
 * The content of a member, its checksum compared. `check` sees the beginning of what is unpacked, before memory is taken for the
 * rest: it throws, or returns false where it needs to see more.
 */
export async function unpack(member: Member, check: (head: Uint8Array) => boolean): Promise<Uint8Array> {
  const content = member.deflated ? await inflate(member, check) : member.packed;
  if (crc32(content) !== member.checksum)
    throw new HebbError(`${member.place} is damaged: its checksum does not match`);
  return content;
}

async function inflate({ packed, size, place }: Member, check: (head: Uint8Array) => boolean): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(packed)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  // Small until the beginning has been checked, then of the announced size.
  let out = new Uint8Array(Math.min(size, 4096));
  let checked = false;
  let length = 0;
  const make = (bytes: number): void => {
    const larger = new Uint8Array(bytes);
    larger.set(out.subarray(0, length));
    out = larger;
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (length + value.byteLength > size)
        throw new HebbError(`${place} unpacks to more than the ${size} bytes it declares; the file is damaged`);
      if (length + value.byteLength > out.byteLength)
        make(checked ? size : Math.min(size, 2 * (length + value.byteLength)));
      out.set(value, length);
      length += value.byteLength;
      checked ||= check(out.subarray(0, length));
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof HebbError) throw error;
    throw new HebbError(
      `${place} does not unpack (${error instanceof Error ? error.message : String(error)}); the file is damaged`,
    );
  }
  if (length !== size)
    throw new HebbError(`${place} unpacks to ${length} bytes and declares ${size}; the file is damaged`);
  return out;
}
