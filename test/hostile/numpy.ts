// Hostile .npy files and archives of them.
import { deflateRawSync } from "node:zlib";
import { writeNpy, writeNpz } from "../../src/formats/index.ts";
import { crc32 } from "../../src/formats/zip/crc32.ts";
import { writeZip } from "../../src/formats/zip/write.ts";
import { type Hostile, joined, one, patched, text, truncated, u16, u32, u64 } from "./file.ts";

const array = { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } as const;
const npy = writeNpy(array);
const npz = writeNpz({ a: array, b: array });

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
const withHeader = (header: string, data = 8, version = 1): Uint8Array =>
  joined(
    magic,
    Uint8Array.of(version, 0),
    version === 1 ? u16(header.length) : u32(header.length),
    text(header),
    new Uint8Array(data),
  );
const header = (descr: string, shape: string, order = "False"): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

const arrays: readonly Hostile[] = [
  ...truncated("npy", npy, 7, 11, 60, 128),
  one("npy of version 200", patched(npy, 6, Uint8Array.of(200)), /version 200/),
  one("npy with a header of 4 GiB", joined(magic, Uint8Array.of(2, 0), u32(0xffffffff)), /declares a header/),
  one("npy of Python objects", withHeader(header("'|O'", "(1,)")), /never read/),
  one("npy of records", withHeader(header("[('a', '<f4')]", "(1,)")), /records/),
  one(
    "npy with a call as its shape",
    withHeader(header("'<f4'", "(__import__('os').system('x'),)")),
    /without a plain/,
  ),
  one("npy with a negative shape", withHeader(header("'<f4'", "(-2,)")), /without a plain/),
  one("npy with a shape of 2^63", withHeader(header("'<f4'", `(${2n ** 63n},)`)), /not a list/),
  one("npy with a shape that overflows", withHeader(header("'<f4'", `(${2 ** 40}, ${2 ** 40})`)), /needs/),
  one("npy with 100 dims", withHeader(header("'<f4'", `(${"1, ".repeat(100)})`)), /up to 32/),
  one("npy, column-major and too short", withHeader(header("'<f4'", "(1000, 1000)", "True")), /needs/),
  one("npy of texts of 2^31 letters", withHeader(header("'<U2147483647'", "(1,)")), /texts/),
  one(
    "npy without a header",
    joined(magic, Uint8Array.of(1, 0), u16(0)),
    /ends within its header|without a plain|header/,
  ),
];

/** An archive whose entries are deflated, with the sizes claimed by its directory. */
function deflated(files: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const packed = files.map(([label, content]) => [label, content, deflateRawSync(content)] as const);
  const bytes = writeZip(packed.map(([label, , content]) => [label, content]));
  const view = new DataView(bytes.buffer);
  let at = view.getUint32(bytes.length - 6, true);
  for (const [label, content] of packed) {
    view.setUint16(at + 10, 8, true);
    view.setUint32(at + 16, crc32(content), true);
    view.setUint32(at + 24, content.length, true);
    at += 46 + label.length;
  }
  return bytes;
}

const zeros = (length: number): Uint8Array =>
  writeNpy({ dtype: "uint8", shape: [length], data: new Uint8Array(length) });
const directoryOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 6, true);
const central = directoryOf(npz);
const bomb = deflated([["a.npy", zeros(100_000_000)]]);

/** Many names for one member. */
function quoted(count: number): Uint8Array {
  const archive = deflated([["000.npy", zeros(1_000_000)]]);
  const start = directoryOf(archive);
  const entry = archive.subarray(start, archive.length - 22);
  const copies = Array.from({ length: count }, (_, k) => patched(entry, 46, text(String(k).padStart(3, "0"))));
  const end = patched(archive.subarray(archive.length - 22), 8, u16(count), u16(count), u32(count * entry.length));
  return joined(archive.subarray(0, start), ...copies, end);
}

/** The end of a ZIP64 archive. */
const wide = (count: bigint, size: bigint, offset: bigint): Uint8Array => {
  const body = npz.subarray(0, npz.length - 22);
  const end64 = joined(
    u32(0x06064b50),
    u64(44),
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    u64(count),
    u64(count),
    u64(size),
    u64(offset),
  );
  const locator = joined(u32(0x07064b50), u32(0), u64(body.length), u32(1));
  return joined(body, end64, locator, npz.subarray(npz.length - 22));
};

const archives: readonly Hostile[] = [
  ...truncated("npz", npz, 2, 30, 100, central, central + 20, npz.length - 22, npz.length - 10),
  one("npz whose entries unpack to a thousand times the file", bomb, /unpacks to more than/),
  one("npz with 999 names for one member", quoted(999), /overlaps|unpacks to more/),
  one("npz with 2 of 65535 entries", patched(npz, -12, u16(65535)), /lies outside/),
  one("npz with a directory at 4 GiB", patched(npz, -6, u32(0xfffffffe)), /lies outside/),
  one("npz with an entry at 4 GiB", patched(npz, central + 42, u32(0xfffffff0)), /lies outside/),
  one("npz with an entry of 4 GiB", patched(npz, central + 20, u32(0xfffffff0), u32(0xfffffff0)), /lies outside/),
  one(
    "npz that promises 4 GiB",
    patched(npz, central + 10, u16(8), u16(0), u16(0), u32(0), u32(100), u32(0xfffffff0)),
    /more than/,
  ),
  one("npz with an encrypted entry", patched(npz, central + 8, u16(1)), /encrypted/),
  one("npz of an unknown method", patched(npz, central + 10, u16(99)), /method 99/),
  one("npz with a wrong checksum", patched(npz, central + 16, u32(1)), /checksum/),
  one("npz with a flipped value", patched(npz, central - 1, Uint8Array.of(77)), /checksum/),
  one(
    "npz with an array twice",
    writeZip([
      ["a.npy", npy],
      ["a.npy", npy],
    ]),
    /twice/,
  ),
  one("npz whose array is not an array", writeZip([["a.npy", text("hello hello hello")]]), /not an \.npy/),
  one(
    "npz whose array declares more",
    writeZip([["a.npy", withHeader(header("'<f4'", "(1000000,)"))]]),
    /implies|needs/,
  ),
  one("npz whose array has a call", writeZip([["a.npy", withHeader(header("'|O'", "(1,)"))]]), /never read/),
  one("npz with an end of 2^63 entries", wide(2n ** 63n, 10n, BigInt(central)), /lies outside/),
  one("npz with a directory at 2^63", wide(2n, 10n, 2n ** 63n), /lies outside/),
  one("npz whose 64-bit end is elsewhere", patched(wide(2n, 10n, 0n), -34, u64(2n ** 62n)), /lies outside/),
  one("a zip archive of other things", writeZip([["readme.txt", text("hi")]]), /none of/),
  one("a zip archive of a path outside", writeZip([["../../etc/passwd", text("hi")]]), /none of/),
  one(
    "data that do not inflate",
    patched(deflated([["a.npy", npy]]), 40, text("garbage!")),
    /unpack|checksum|declares|header|not an/,
  ),
];

export const numpyFiles: readonly Hostile[] = [...arrays, ...archives];
