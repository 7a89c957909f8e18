// A file opened once (Node only): its first bytes determine the format, then the rest is read.
import { type FileHandle, open, stat } from "node:fs/promises";
import { constants, createGunzip } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { type CsvOptions, looksLikeTable, parseCsv } from "./csv.ts";
import { decoded, decodeText, type EncodingName } from "./encoding.ts";
import { codeOf, fileError } from "./fileErrors.ts";
import { gunzip, type IdxArray, isGzip, readIdx } from "./idx.ts";
import type { Table } from "./table.ts";
import { isZstd, unpackZstd, zstdHead } from "./zstd.ts";

/** The file, folder or other entry at a path. */
export type Entry =
  | { readonly kind: "nothing" | "folder" | "other" }
  | {
      readonly kind: "file";
      readonly size: number;
      /** Last modification, in milliseconds. */
      readonly changed: number;
    };

/** System error codes for paths without a file, or that cannot have one. */
const noSuchFile: readonly string[] = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"];

/** Looks up a path. Throws HebbError if the system does not allow it. */
export async function entryAt(path: string): Promise<Entry> {
  try {
    const info = await stat(path);
    if (info.isFile()) return { kind: "file", size: info.size, changed: info.mtimeMs };
    return { kind: info.isDirectory() ? "folder" : "other" };
  } catch (error) {
    if (noSuchFile.includes(codeOf(error))) return { kind: "nothing" };
    throw fileError(path, error);
  }
}

/** The content of a file. */
export type FileKind = "idx" | "png" | "jpeg" | "text" | TableKind;

/** Kinds of files that hold tables; "table" is CSV and its variants. */
export type TableKind = "table" | "parquet" | "arrow" | "excel" | "json" | "jsonl" | "sqlite" | "duckdb";

/** The compression of a whole file. */
export type Packing = "gzip" | "zstd";

const packingOf = (bytes: Uint8Array): Packing | undefined =>
  isGzip(bytes) ? "gzip" : isZstd(bytes) ? "zstd" : undefined;

const maxFileBytes = 2 ** 31 - 1;
const headBytes = 65536;

/** An open file. Its opener must close it; {@link InputFile.use} does both. */
export class InputFile {
  readonly path: string;
  readonly size: number;
  /** Last modification, in milliseconds. */
  readonly changed: number;
  readonly #handle: FileHandle;
  #head: Uint8Array | undefined;

  private constructor(path: string, handle: FileHandle, { size, changed }: Extract<Entry, { kind: "file" }>) {
    this.path = path;
    this.#handle = handle;
    this.size = size;
    this.changed = changed;
  }

  /**
   * Opens a file. `entry` is the result of an earlier look-up of its path. Throws HebbError if it does not exist, cannot be read, or is a
   * folder or a device.
   */
  static async open(path: string, entry?: Entry): Promise<InputFile> {
    const found = entry ?? (await entryAt(path));
    switch (found.kind) {
      case "nothing":
        throw fileError(path, Object.assign(new Error(path), { code: "ENOENT" }));
      case "folder":
        throw new HebbError(`${path} is a folder; name a file in it`);
      case "other":
        throw new HebbError(`${path} is not a regular file; copy the data into one`);
      case "file":
        try {
          return new InputFile(path, await open(path, "r"), found);
        } catch (error) {
          throw fileError(path, error);
        }
    }
  }

  /** Opens a file, works with it, and closes it. */
  static async use<T>(path: string, work: (file: InputFile) => T | Promise<T>, entry?: Entry): Promise<T> {
    const file = await InputFile.open(path, entry);
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** The descriptor by which other threads of the process read it, while it is open. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /** Bytes from an offset; fewer at the end of the file. */
  async read(start: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    try {
      const { bytesRead } = await this.#handle.read(bytes, 0, length, start);
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      throw fileError(this.path, error);
    }
  }

  /** All bytes, as stored. Throws HebbError for more than 2 GiB. */
  async bytes(): Promise<Uint8Array> {
    const { path, size } = this;
    if (size > maxFileBytes) throw new HebbError(`${path} has ${size} bytes, more than ${maxFileBytes}; split it`);
    try {
      return await this.#handle.readFile();
    } catch (error) {
      throw fileError(path, error);
    }
  }

  /** Its compression, if any. */
  async packing(): Promise<Packing | undefined> {
    return packingOf(await this.#beginning());
  }

  /** All bytes; those of a compressed file are unpacked. */
  async unpacked(): Promise<Uint8Array> {
    const bytes = await this.bytes();
    switch (packingOf(bytes)) {
      case "gzip":
        return gunzip(bytes, { name: this.path });
      case "zstd":
        return unpackZstd(bytes, this.path);
      case undefined:
        return bytes;
    }
  }

  /** Its table, if it is a CSV file (gzip and Zstandard too). */
  async table(options: Omit<CsvOptions, "name"> = {}): Promise<Table> {
    return parseCsv(await this.unpacked(), { ...options, name: this.path });
  }

  /** Its array, if it is an IDX file (gzip too). */
  async idx(): Promise<IdxArray> {
    return readIdx(await this.bytes(), { name: this.path });
  }

  /** Its text: UTF-8, UTF-16 with a byte order mark, or the given encoding; gzip too. */
  async text(encoding?: EncodingName): Promise<string> {
    return decodeText(await this.unpacked(), this.path, encoding);
  }

  /** Its text, and the detected encoding. */
  async decoded(): Promise<ReturnType<typeof decoded>> {
    return decoded(await this.unpacked(), this.path);
  }

  async #beginning(): Promise<Uint8Array> {
    this.#head ??= await this.read(0, headBytes);
    return this.#head;
  }

  /**
   * Its kind, from its first bytes. To tell a table from a text, also from its name and the form of its first lines. Throws HebbError for
   * known but unsupported kinds, such as ZIP archives.
   */
  async kind(): Promise<FileKind> {
    const stored = await this.#beginning();
    switch (packingOf(stored)) {
      case "gzip":
        return kindOf(await unpackedHead(stored, this.path), this.path);
      case "zstd":
        // A block has up to 128 KiB and only unpacks once complete.
        return kindOf(await zstdHead(await this.read(0, 4 * headBytes), this.path), this.path);
      case undefined:
        return kindOf(stored, this.path);
    }
  }
}

/** Unpacks the first bytes of a gzip file. */
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

const startsWith = (bytes: Uint8Array, ...wanted: readonly number[]): boolean =>
  bytes.byteLength >= wanted.length && wanted.every((byte, i) => bytes[i] === byte);

/** Files often mistaken for tables, and the advice for each. */
const others: readonly { readonly magic: readonly number[]; readonly what: string }[] = [
  { magic: [0x50, 0x4b, 3, 4], what: "a ZIP archive; unpack it" },
  { magic: [0x46, 0x45, 0x41, 0x31], what: "a Feather file of the first version; write it again as version 2" },
  { magic: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], what: "a NumPy array; write a CSV, Parquet or IDX file from it" },
  { magic: [0x25, 0x50, 0x44, 0x46], what: "a PDF document; save its table as CSV" },
  { magic: [0xd0, 0xcf, 0x11, 0xe0], what: "an old Office document; save the sheet as .xlsx or CSV" },
  { magic: [0x47, 0x49, 0x46, 0x38], what: "a GIF image; save it as PNG or JPEG" },
  { magic: [0x42, 0x5a, 0x68], what: "packed with bzip2; unpack it, or pack it with gzip or Zstandard" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "packed with xz; unpack it, or pack it with gzip or Zstandard" },
];

const says = (head: Uint8Array, start: number, text: string): boolean =>
  Buffer.from(head.subarray(start, start + text.length)).toString("latin1") === text;

/** Whether the first line is an object, or the text begins a list of objects. */
function jsonKind(head: Uint8Array): "json" | "jsonl" | undefined {
  const text = new TextDecoder().decode(head).replace(/^\uFEFF/, "");
  if (/^\s*\[\s*(?:\{\s*"|\])/.test(text)) return "json";
  if (!/^\s*\{\s*"/.test(text)) return undefined;
  const [line = ""] = text.trimStart().split("\n", 1);
  try {
    JSON.parse(line);
    return "jsonl";
  } catch {
    return undefined;
  }
}

function kindOf(head: Uint8Array, path: string): FileKind {
  if (startsWith(head, 0x89, 0x50, 0x4e, 0x47)) return "png";
  if (startsWith(head, 0xff, 0xd8, 0xff)) return "jpeg";
  if (startsWith(head, 0x50, 0x41, 0x52, 0x31)) return "parquet";
  if (says(head, 0, "ARROW1") || startsWith(head, 0xff, 0xff, 0xff, 0xff)) return "arrow";
  if (says(head, 0, "SQLite format 3")) return "sqlite";
  if (says(head, 8, "DUCK")) return "duckdb";
  // Two zero bytes begin an IDX file, but never a text.
  if (head.byteLength >= 4 && startsWith(head, 0, 0)) return "idx";
  // Excel files are ZIP archives: they list the types of their documents first, or have a telling extension.
  if (startsWith(head, 0x50, 0x4b, 3, 4) && (/\.xls[xm]$/i.test(path) || says(head, 30, "[Content_Types].xml")))
    return "excel";
  for (const { magic, what } of others) if (startsWith(head, ...magic)) throw new HebbError(`${path} is ${what}`);
  const name = path.replace(/\.(?:gz|zst|zstd)$/i, "");
  if (/\.(csv|tsv|tab|psv|data|dat)$/i.test(name)) return "table";
  if (/\.(jsonl|ndjson)$/i.test(name)) return "jsonl";
  if (/\.json$/i.test(name)) return "json";
  if (/\.(txt|text|md)$/i.test(name)) return "text";
  return jsonKind(head) ?? (looksLikeTable(head) ? "table" : "text");
}
