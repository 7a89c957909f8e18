// Reads zip archives: stored or deflated, from any byte source, with the whole directory checked before anything is unpacked.
import { HebbError } from "../../graph/errors.ts";
import type { ByteSource } from "../source.ts";
import { crc32 } from "./crc32.ts";

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
/** In the place of a size or an offset that an extra field of 64 bits holds. */
const in64 = 0xffffffff;

/** One file of an archive, as the directory describes it. */
export interface Member {
  readonly label: string;
  /** How messages name it. */
  readonly place: string;
  readonly source: ByteSource;
  /** Where its bytes lie in the archive, and how many they are there. */
  readonly start: number;
  readonly packed: number;
  readonly deflated: boolean;
  /** Bytes after unpacking, as announced. */
  readonly size: number;
  readonly checksum: number;
}

/** What kind of archive it should be, for messages. */
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
  /** Where the directory ends. */
  readonly end: number;
  /** What is written at the end of the archive for people. */
  readonly comment: Uint8Array;
}

const whole = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** The end of an archive says where its directory lies. */
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

/** The comment of an archive; empty where it has none. */
export const readComment = async (source: ByteSource, kind: ArchiveKind): Promise<string> =>
  new TextDecoder().decode((await findEnd(source, kind)).comment);

/** Deflate shrinks nothing by more than this. */
const mostDeflated = (packed: number): number => packed * 1032 + 64;
/** A directory is read as a whole. */
const maxDirectoryBytes = 2 ** 24;

interface Entry {
  readonly label: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly checksum: number;
  readonly packed: number;
  readonly size: number;
  readonly local: number;
  /** Where the next one begins. */
  readonly next: number;
}

/** One entry of the directory; undefined where it is none. */
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

/** The values that are too wide for 32 bits stand in an extra field, in order. */
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
 * The directory of an archive. Nothing is unpacked, and what the members would take together is known before: they may not overlap,
 * so that no byte of the file is counted twice, and may announce neither more than deflate can give nor more than `maxBytes`.
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

/** Reads the headers of entries a page at a time: many small entries lie on one. */
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

/** The content of a member whose checksum may be missing: some writers leave it out. */
export async function unpackUnchecked(member: Member): Promise<Uint8Array> {
  const packed = await member.source.read(member.start, member.packed);
  return member.deflated ? inflate(packed, member, () => true) : packed;
}

/**
 * The content of a member, its checksum compared. `check` sees the beginning of what is unpacked, before memory is taken for the
 * rest: it throws, or returns false where it needs to see more.
 */
export async function unpack(member: Member, check: (head: Uint8Array) => boolean): Promise<Uint8Array> {
  const packed = await member.source.read(member.start, member.packed);
  const content = member.deflated ? await inflate(packed, member, check) : packed;
  if (crc32(content) !== member.checksum)
    throw new HebbError(`${member.place} is damaged: its checksum does not match`);
  return content;
}

/** The first bytes of what a member holds, up to `most`; the checksum is not compared. */
export async function memberHead(member: Member, most: number): Promise<Uint8Array> {
  const { source, start, packed, deflated, size } = member;
  const wanted = Math.min(most, size);
  if (!deflated) return source.read(start, wanted);
  // As many packed bytes as unpacked ones are enough, but for what cannot be compressed.
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
    // The end is missing on purpose. What cannot be unpacked at all is too short for its header.
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
