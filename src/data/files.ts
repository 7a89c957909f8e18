// Data from files (Node only): reads tables, IDX files and texts, detects what a file is, and turns file errors into clear messages.
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { constants, createGunzip } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { checkOptions } from "../graph/options.ts";
import { visible } from "../graph/visible.ts";
import { type CsvOptions, looksLikeTable, parseCsv, readingKinds } from "./csv.ts";
import { decodeText, type EncodingName } from "./encoding.ts";
import { gunzip, type IdxArray, isGzip, readIdx } from "./idx.ts";
import type { Table } from "./table.ts";

const maxFileBytes = 2 ** 31 - 1;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** The sentence for an address that is given where a file is read; undefined for other paths. */
export const addressError = (path: string): HebbError | undefined =>
  /^[a-z][a-z0-9+.-]+:\/\//i.test(path)
    ? new HebbError(
        `${visible(path)} is a URL, and only files are read; download it first, for example with curl -O, and pass the file`,
      )
    : undefined;

/** The sentence for a file that the system does not give. */
export function fileError(path: string, error: unknown): HebbError {
  if (error instanceof HebbError) return error;
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return addressError(path) ?? new HebbError(`there is no file ${path}; check the name and the folder`);
    case "EACCES":
    case "EPERM":
      return new HebbError(`${path} cannot be read: permission denied; check its permissions`);
    case "ELOOP":
      return new HebbError(`${path} is a circular symbolic link; name the file itself`);
    default:
      return new HebbError(`${path} cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** The size of a regular file. Throws HebbError for one that does not exist, cannot be read, is a folder or a device. */
export async function fileSize(path: string): Promise<number> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw new HebbError(`${path} is a folder; name a file in it`);
    if (!info.isFile()) throw new HebbError(`${path} is not a regular file; copy the data into one`);
    return info.size;
  } catch (error) {
    throw fileError(path, error);
  }
}

/** The bytes of a file. Throws HebbError for one that does not exist, cannot be read, is a folder, or is larger than 2 GiB. */
export async function readBytes(path: string): Promise<Uint8Array> {
  const size = await fileSize(path);
  if (size > maxFileBytes) throw new HebbError(`${path} has ${size} bytes, more than ${maxFileBytes}; split it`);
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(path, error);
  }
}

async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  return isGzip(bytes) ? gunzip(bytes, { name: path }) : bytes;
}

/** A table from a CSV file (gzip too). */
export async function readCsvFile(path: string, options: Omit<CsvOptions, "name"> = {}): Promise<Table> {
  checkOptions("readCsvFile", options, readingKinds);
  return parseCsv(await readUnpacked(path), { ...options, name: path });
}

/** One array from an IDX file (gzip too). */
export async function readIdxFile(path: string): Promise<IdxArray> {
  return readIdx(await readBytes(path), { name: path });
}

/** The text of a file: UTF-8, UTF-16 with a byte order mark, or the encoding that is named; gzip too. */
export async function readTextFile(path: string, encoding?: EncodingName): Promise<string> {
  return decodeText(await readUnpacked(path), path, encoding);
}

const headBytes = 65536;

/** The beginning of what the beginning of a gzip file holds. */
async function unpackedHead(head: Uint8Array, path: string): Promise<Uint8Array> {
  const unpack = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: headBytes });
  unpack.end(head);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of unpack as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      length += piece.byteLength;
      if (length >= headBytes) break;
    }
  } catch (error) {
    throw new HebbError(
      `${path} is damaged: its gzip data cannot be decompressed (${error instanceof Error ? error.message : String(error)}); download or copy it again`,
    );
  }
  return Buffer.concat(pieces);
}

/** The first bytes of a file, unpacked if they are gzip: at most 64 KiB are read, and little more is kept of what comes out. */
async function readHead(path: string): Promise<Uint8Array> {
  await fileSize(path);
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const buffer = new Uint8Array(headBytes);
    const { bytesRead } = await file.read(buffer, 0, headBytes, 0);
    const head = buffer.subarray(0, bytesRead);
    if (!isGzip(head)) return head;
    return await unpackedHead(head, path);
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await file?.close();
  }
}

/** What a file holds. */
export type FileKind = "idx" | "parquet" | "png" | "jpeg" | "table" | "text";

const startsWith = (bytes: Uint8Array, ...wanted: readonly number[]): boolean =>
  bytes.byteLength >= wanted.length && wanted.every((byte, i) => bytes[i] === byte);

/** Files that people take for tables, and what to do with them. */
const others: readonly { readonly magic: readonly number[]; readonly what: string }[] = [
  { magic: [0x50, 0x4b, 3, 4], what: "a ZIP archive (Excel files are ones); unpack it, or save the sheet as CSV" },
  { magic: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], what: "a NumPy array; write a CSV, Parquet or IDX file from it" },
  { magic: [0x25, 0x50, 0x44, 0x46], what: "a PDF document; save its table as CSV" },
  { magic: [0xd0, 0xcf, 0x11, 0xe0], what: "an old Office document; save the sheet as CSV" },
  { magic: [0x47, 0x49, 0x46, 0x38], what: "a GIF image; save it as PNG or JPEG" },
  { magic: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], what: "a SQLite database; export the table as CSV" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: "packed with Zstandard; unpack it, or pack it with gzip" },
  { magic: [0x42, 0x5a, 0x68], what: "packed with bzip2; unpack it, or pack it with gzip" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "packed with xz; unpack it, or pack it with gzip" },
];

/**
 * What a file is, by its first bytes and, between a table and a text, by its name and the form of its first lines. Only its head
 * is read. Throws HebbError for kinds that are known and not taken, such as ZIP archives.
 */
export async function sniffFile(path: string): Promise<FileKind> {
  const head = await readHead(path);
  if (startsWith(head, 0x89, 0x50, 0x4e, 0x47)) return "png";
  if (startsWith(head, 0xff, 0xd8, 0xff)) return "jpeg";
  if (startsWith(head, 0x50, 0x41, 0x52, 0x31)) return "parquet";
  // Two zero bytes begin an IDX file, and no text.
  if (head.byteLength >= 4 && startsWith(head, 0, 0)) return "idx";
  for (const { magic, what } of others) if (startsWith(head, ...magic)) throw new HebbError(`${path} is ${what}`);
  if (/\.(csv|tsv|tab|psv|data|dat)(\.gz)?$/i.test(path)) return "table";
  if (/\.(txt|text|md)(\.gz)?$/i.test(path)) return "text";
  return looksLikeTable(head) ? "table" : "text";
}
