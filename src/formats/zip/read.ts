// Reads zip archives: stored or deflated, from any byte source, with the whole directory checked before anything is unpacked.
import { HebbError } from "../../graph/errors.ts";
import type { ByteSource } from "../source.ts";
import { crc32 } from "./crc32.ts";

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
/** Stands for a size or an offset that is in a 64-bit extra field. */
const in64 = 0xffffffff;

/** One file of an archive, as the directory describes it. */
export interface Member {
  readonly label: string;
  /** Its name in messages. */
  readonly place: string;
  readonly source: ByteSource;
  /** The offset of its bytes in the archive, and their number there. */
  readonly start: number;
  readonly packed: number;
  readonly deflated: boolean;
  /** Declared bytes after unpacking. */
  readonly size: number;
  readonly checksum: number;
}

/** The expected kind of archive, for messages. */
export interface ArchiveKind {
  /** `an .npz file` */
  readonly archive: string;
  /** `array` */
  readonly member: string;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface End {
  readonly count: number;
  readonly directory: number;
  /** The end of the directory. */
  readonly end: number;
  /** The comment at the end of the archive. */
  readonly comment: Uint8Array;
}

const whole = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** Finds the end record, which gives the position of the directory. */
async function findEnd(source: ByteSource, { archive }: ArchiveKind): Promise<End> {
  const { name, size } = source;
  const tail = Math.min(size, 65535 + 22 + 20);
  const bytes = await source.read(size - tail, tail);
  const view = viewOf(bytes);
  for (let at = tail - 22; at >= Math.max(0, tail - 22 - 65535); at--) {
    if (view.getUint32(at, true) !== endSignature || at + 22 + view.getUint16(at + 20, true) !== tail) continue;
    const end = size - tail + at;
    const comment = bytes.subarray(at + 22);
    if (at >= 20 && view.getUint32(at - 20, true) === locator64Signature)
      return { ...(await findEnd64(source, whole(view, at - 20 + 8), end - 20)), comment };
    return { count: view.getUint16(at + 10, true), directory: view.getUint32(at + 16, true), end, comment };
  }
  throw new HebbError(
    `${name} is not ${archive}, or it is truncated: the end of the zip archive is missing; copy it again`,
  );
}

async function findEnd64(source: ByteSource, at: number, before: number): Promise<Omit<End, "comment">> {
  const damaged = new HebbError(
    `${source.name}: the end of the zip archive lies outside it; it is truncated or damaged`,
  );
  if (at + 56 > before) throw damaged;
  const view = viewOf(await source.read(at, 56));
  if (view.getUint32(0, true) !== end64Signature) throw damaged;
  return { count: whole(view, 32), directory: whole(view, 48), end: at };
}

/** The comment of an archive; empty if there is none. */
export const readComment = async (source: ByteSource, kind: ArchiveKind): Promise<string> =>
  new TextDecoder().decode((await findEnd(source, kind)).comment);

/** The largest output of deflate data: it compresses by no more than this. */
const mostDeflated = (packed: number): number => packed * 1032 + 64;
/** The directory is read whole. */
const maxDirectoryBytes = 2 ** 24;

interface Entry {
  readonly label: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly checksum: number;
  readonly packed: number;
  readonly size: number;
  readonly local: number;
  /** The offset of the next entry. */
  readonly next: number;
}

/** One entry of the directory; undefined if the bytes are not one. */
function readEntry(bytes: Uint8Array, at: number): Entry | undefined {
  const view = viewOf(bytes);
  if (at + 46 > bytes.length || view.getUint32(at, true) !== centralSignature) return undefined;
  const nameEnd = at + 46 + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > bytes.length) return undefined;
  const narrow = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const [size = 0, packed = 0, local = 0] = widened(view, nameEnd, extraEnd, narrow);
  return {
    label: new TextDecoder().decode(bytes.subarray(at + 46, nameEnd)),
    method: view.getUint16(at + 10, true),
    encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
    checksum: view.getUint32(at + 16, true),
    packed,
    size,
    local,
    next,
  };
}

/** Values too wide for 32 bits are in an extra field, in order. */
function widened(view: DataView, from: number, to: number, narrow: readonly number[]): number[] {
  let field = from;
  while (field + 4 <= to && view.getUint16(field, true) !== 1) field += 4 + view.getUint16(field + 2, true);
  if (field + 4 > to) return [...narrow];
  const end = Math.min(to, field + 4 + view.getUint16(field + 2, true));
  let at = field + 4;
  return narrow.map((value) => {
    if (value !== in64 || at + 8 > end) return value;
    at += 8;
    return whole(view, at - 8);
  });
}

/**
 * The directory of an archive. Unpacks nothing, but limits the total unpacked size. Members must not overlap, so that no byte of the file
 * counts twice. They may declare neither more than deflate can produce nor more than `maxBytes` in total.
 */
export async function readDirectory(source: ByteSource, maxBytes: number, kind: ArchiveKind): Promise<Member[]> {
  const { name } = source;
  const { count, directory, end } = await findEnd(source, kind);
  const outside = (i: number): HebbError =>
    new HebbError(`${name}: entry ${i + 1} of ${count} lies outside the file; it is truncated or damaged`);
  if (directory > end) throw outside(0);
  if (end - directory > maxDirectoryBytes)
    throw new HebbError(
      `${name} has a directory of ${end - directory} bytes, more than ${maxDirectoryBytes}; it is damaged or malicious`,
    );
  const bytes = await source.read(directory, end - directory);
  const headerAt = headerReader(source);
  const members: Member[] = [];
  const ranges: Range[] = [];
  let total = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const entry = readEntry(bytes, at);
    if (entry === undefined || entry.local + 30 > directory) throw outside(i);
    const { label, method, packed, size, local } = entry;
    const header = viewOf(await headerAt(local));
    const start = local + 30 + header.getUint16(26, true) + header.getUint16(28, true);
    if (header.getUint32(0, true) !== localSignature || start + packed > directory) throw outside(i);
    const place = `${name}: ${kind.member} ${JSON.stringify(label.slice(0, 100))}`;
    checkEntry(entry, place);
    total += size;
    if (total > maxBytes)
      throw new HebbError(`${name} unpacks to more than ${maxBytes} bytes; raise maxBytes if that is intended`);
    members.push({ label, place, source, start, packed, deflated: method === 8, size, checksum: entry.checksum });
    ranges.push({ start: local, end: start + packed, place });
    at = entry.next;
  }
  refuseOverlaps(ranges);
  return members;
}

/** Reads the headers of entries page by page, since one page holds many small entries. */
function headerReader(source: ByteSource): (local: number) => Promise<Uint8Array> {
  let from = 0;
  let page: Uint8Array = new Uint8Array(0);
  return async (local) => {
    if (local < from || local + 30 > from + page.byteLength) {
      from = local;
      page = await source.read(local, Math.min(4096, source.size - local));
    }
    return page.subarray(local - from, local - from + 30);
  };
}

function checkEntry({ encrypted, method, packed, size }: Entry, place: string): void {
  if (encrypted) throw new HebbError(`${place} is encrypted; save it without a password`);
  if (method !== 0 && method !== 8)
    throw new HebbError(`${place} uses zip method ${method}; stored and deflated entries can be read`);
  if (method === 0 && packed !== size)
    throw new HebbError(`${place} declares ${size} bytes but stores ${packed}; the file is damaged`);
  if (size > mostDeflated(packed))
    throw new HebbError(
      `${place} declares ${size} bytes from ${packed} compressed ones, more than deflate can produce; the file is damaged`,
    );
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly place: string;
}

function refuseOverlaps(ranges: Range[]): void {
  ranges.sort((a, b) => a.start - b.start);
  let before = 0;
  for (const { start, end, place } of ranges) {
    if (start < before)
      throw new HebbError(`${place} overlaps another entry of the archive; it is damaged or malicious`);
    before = end;
  }
}

/** The content of a member without a check of its checksum, which some writers omit. */
export async function unpackUnchecked(member: Member): Promise<Uint8Array> {
  const packed = await member.source.read(member.start, member.packed);
  return member.deflated ? inflate(packed, member, () => true) : packed;
}

/**
 * The content of a member, with its checksum compared. `check` sees the first unpacked bytes before memory for the rest is allocated: it
 * throws, or returns false if it needs more bytes.
 */
export async function unpack(member: Member, check: (head: Uint8Array) => boolean): Promise<Uint8Array> {
  const packed = await member.source.read(member.start, member.packed);
  const content = member.deflated ? await inflate(packed, member, check) : packed;
  if (crc32(content) !== member.checksum)
    throw new HebbError(`${member.place} is damaged: its checksum does not match`);
  return content;
}

/** The first bytes of a member's content, up to `most`; the checksum is not compared. */
export async function memberHead(member: Member, most: number): Promise<Uint8Array> {
  const { source, start, packed, deflated, size } = member;
  const wanted = Math.min(most, size);
  if (!deflated) return source.read(start, wanted);
  // As many packed bytes as unpacked ones suffice, plus a margin for incompressible data.
  const head = await source.read(start, Math.min(packed, wanted + 1024));
  const reader = inflated(head).getReader();
  const out = new Uint8Array(wanted);
  let length = 0;
  try {
    while (length < wanted) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, wanted - length);
      out.set(part, length);
      length += part.byteLength;
    }
  } catch {
    // The end is missing on purpose. Content that does not unpack at all is too short for its header.
  }
  await reader.cancel().catch(() => {});
  return out.subarray(0, length);
}

const inflated = (packed: Uint8Array): ReadableStream<Uint8Array> =>
  new Blob([new Uint8Array(packed)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));

async function inflate(
  packed: Uint8Array,
  { size, place }: Member,
  check: (head: Uint8Array) => boolean,
): Promise<Uint8Array> {
  const reader = inflated(packed).getReader();
  // Small until the beginning is checked, then of the declared size.
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
