// A file that is opened once (Node only): its first bytes say what it holds, and the rest is read when that is known.
import { type FileHandle, open, stat } from "node:fs/promises";
import { constants, createGunzip } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { type CsvOptions, looksLikeTable, parseCsv } from "./csv.ts";
import { decodeText, type EncodingName } from "./encoding.ts";
import { codeOf, fileError } from "./fileErrors.ts";
import { gunzip, type IdxArray, isGzip, readIdx } from "./idx.ts";
import type { Table } from "./table.ts";

/** What lies at a path. */
export type Entry =
  | { readonly kind: "nothing" | "folder" | "other" }
  | {
      readonly kind: "file";
      readonly size: number;
      /** When it was changed last, in milliseconds. */
      readonly changed: number;
    };

/** What the system says of a path at which nothing lies, or can. */
const noSuchFile: readonly string[] = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"];

/** Looks what lies at a path. Throws HebbError where that cannot be seen. */
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

/** What a file holds. */
export type FileKind = "idx" | "parquet" | "png" | "jpeg" | "table" | "text";

const maxFileBytes = 2 ** 31 - 1;
const headBytes = 65536;

/** A file that is open. Whoever opens it closes it; {@link InputFile.use} does both. */
export class InputFile {
  readonly path: string;
  readonly size: number;
  /** When it was changed last, in milliseconds. */
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
   * Opens a file; `entry` is what lies at its path, where that was looked at already. Throws HebbError for one that does not exist, cannot
   * be read, is a folder or a device.
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

  /** What other threads of the process read it by, while it is open. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /** Bytes from a place in the file; fewer where it ends. */
  async read(start: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    try {
      const { bytesRead } = await this.#handle.read(bytes, 0, length, start);
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      throw fileError(this.path, error);
    }
  }

  /** All bytes, as they are stored. Throws HebbError for more than 2 GiB. */
  async bytes(): Promise<Uint8Array> {
    const { path, size } = this;
    if (size > maxFileBytes) throw new HebbError(`${path} has ${size} bytes, more than ${maxFileBytes}; split it`);
    try {
      return await this.#handle.readFile();
    } catch (error) {
      throw fileError(path, error);
    }
  }

  /** Whether it is packed with gzip. */
  async packed(): Promise<boolean> {
    return isGzip(await this.#beginning());
  }

  async #unpacked(): Promise<Uint8Array> {
    const bytes = await this.bytes();
    return isGzip(bytes) ? gunzip(bytes, { name: this.path }) : bytes;
  }

  /** Its table, where it is a CSV file (gzip too). */
  async table(options: Omit<CsvOptions, "name"> = {}): Promise<Table> {
    return parseCsv(await this.#unpacked(), { ...options, name: this.path });
  }

  /** Its array, where it is an IDX file (gzip too). */
  async idx(): Promise<IdxArray> {
    return readIdx(await this.bytes(), { name: this.path });
  }

  /** Its text: UTF-8, UTF-16 with a byte order mark, or the encoding that is named; gzip too. */
  async text(encoding?: EncodingName): Promise<string> {
    return decodeText(await this.#unpacked(), this.path, encoding);
  }

  async #beginning(): Promise<Uint8Array> {
    this.#head ??= await this.read(0, headBytes);
    return this.#head;
  }

  /**
   * What it holds, by its first bytes and, between a table and a text, by its name and the form of its first lines. Throws HebbError
   * for kinds that are known and not taken, such as ZIP archives.
   */
  async kind(): Promise<FileKind> {
    const stored = await this.#beginning();
    const head = isGzip(stored) ? await unpackedHead(stored, this.path) : stored;
    return kindOf(head, this.path);
  }
}

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

function kindOf(head: Uint8Array, path: string): FileKind {
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
