// A CSV file on disk (Node only), read in blocks of whole records: from start to end the first time, then in any order.
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { type CsvOptions, emptyTable, nameColumns, noRows, recordReader, refuseZeros } from "./csv.ts";
import type { RecordReader } from "./csvRecords.ts";
import { bytesOf, type EncodingName, encodingOf, TextReader, wholeCharacters } from "./encoding.ts";
import { fileError } from "./fileErrors.ts";
import { InputFile } from "./inputFile.ts";
import type { Random } from "./random.ts";

/** A stretch of the file that begins and ends between two records. */
interface Block {
  readonly start: number;
  readonly end: number;
  /** The line of its first record, and the number of its first row. */
  readonly line: number;
  readonly row: number;
}

/** Bytes read at once; a block holds the records that end within them. */
const blockBytes = 1 << 18;

const maxColumns = 10_000;

/** Records of a stretch, and the number of the first. */
export interface Records {
  /** Fields as they were written; empty ones are missing. */
  readonly records: string[][];
  readonly row: number;
}

/** A CSV file that is read in blocks: from start to end the first time, then in any order. */
export class CsvFile {
  readonly name: string;
  readonly #path: string;
  readonly #options: CsvOptions;
  readonly #size: number;
  readonly #changed: number;
  readonly #packed: boolean;
  #columns: readonly string[] = [];
  #blocks: Block[] = [];
  #encoding: EncodingName = "utf-8";
  #reader: RecordReader | undefined;

  private constructor(path: string, options: CsvOptions, known: { size: number; changed: number; packed: boolean }) {
    this.name = path;
    this.#path = path;
    this.#options = options;
    this.#size = known.size;
    this.#changed = known.changed;
    this.#packed = known.packed;
  }

  static open(path: string, options: CsvOptions): Promise<CsvFile> {
    return InputFile.use(path, (file) => CsvFile.of(file, options));
  }

  /** The table of a file that is open now, and is opened again for every reading. */
  static async of(file: InputFile, options: CsvOptions): Promise<CsvFile> {
    const { path, size, changed } = file;
    return new CsvFile(path, options, { size, changed, packed: await file.packed() });
  }

  /** The delimiter; known when the file is being read. */
  get delimiter(): string | undefined {
    return this.#reader?.delimiter;
  }

  get columns(): readonly string[] {
    return this.#columns;
  }

  /** About how many rows there are, by the first of them. */
  estimatedRows(first: { readonly rows: number; readonly bytes: number }): number {
    // Packed tables shrink to about a fifth.
    return Math.max(first.rows, (first.rows * this.#size * (this.#packed ? 5 : 1)) / Math.max(1, first.bytes));
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void, void> {
    const source = createReadStream(this.#path, { highWaterMark: blockBytes });
    try {
      if (!this.#packed) yield* source as AsyncIterable<Uint8Array>;
      else {
        const unpacked = createGunzip({ chunkSize: blockBytes });
        // Errors arrive where the pieces are awaited.
        pipeline(source, unpacked, () => {});
        yield* unpacked as AsyncIterable<Uint8Array>;
      }
    } catch (error) {
      if (this.#packed && error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))
        throw new HebbError(
          `${this.#path} is damaged: its gzip data cannot be decompressed (${error.message}); download or copy it again`,
        );
      throw fileError(this.#path, error);
    } finally {
      source.destroy();
    }
  }

  /** All records from the start; notes where blocks begin. */
  async *scan(): AsyncGenerator<Records & { readonly bytes: number }, void, void> {
    const { name } = this;
    let reader: RecordReader | undefined;
    let text: TextReader | undefined;
    let carried = new Uint8Array(0);
    // Bytes and characters that were read, and where the next block begins.
    let [read, characters, start, line, row] = [0, 0, 0, 1, 0];
    this.#blocks = [];
    const header = this.#options.header ?? true;
    const take = (found: string[][], end: number): string[][] => {
      if (found.length === 0) return [];
      const first = found[0];
      if (this.#columns.length === 0 && first !== undefined) {
        this.#columns = header ? nameColumns(first, name) : first.map((_, i) => `column${i + 1}`);
        if (first.length > maxColumns)
          throw new HebbError(
            `${name} has ${first.length} columns, more than ${maxColumns}, too many to be read in parts`,
          );
        if (header) found = found.slice(1);
      }
      this.#blocks.push({ start, end, line, row });
      return found;
    };
    this.#columns = [];
    for await (const piece of this.#pieces()) {
      read += piece.byteLength;
      let bytes = piece;
      if (carried.byteLength > 0) {
        bytes = new Uint8Array(carried.byteLength + piece.byteLength);
        bytes.set(carried);
        bytes.set(piece, carried.byteLength);
      }
      if (text === undefined) {
        const found = encodingOf(bytes);
        this.#encoding = this.#options.encoding ?? found.encoding;
        text = new TextReader(this.#encoding, name);
        start = found.mark;
        bytes = bytes.subarray(found.mark);
      }
      const whole = wholeCharacters(bytes, this.#encoding);
      carried = bytes.slice(whole);
      const chunk = text.read(bytes.subarray(0, whole));
      refuseZeros(chunk, characters, name);
      characters += chunk.length;
      reader ??= recordReader(chunk, name, this.#options);
      this.#reader = reader;
      const before = this.#columns.length === 0 && header ? 1 : 0;
      const found = reader.push(chunk);
      const end = read - carried.byteLength - bytesOf(reader.rest, this.#encoding);
      const records = take(found, end);
      if (found.length > 0) {
        if (records.length > 0) yield { records, row, bytes: read };
        row += found.length - before;
        start = end;
        line = reader.line;
      }
    }
    if (text !== undefined && reader !== undefined) {
      const chunk = text.read(carried, true);
      const before = this.#columns.length === 0 && header ? 1 : 0;
      const found = [...reader.push(chunk), ...reader.finish()];
      const records = take(found, read);
      if (records.length > 0) yield { records, row, bytes: read };
      row += found.length - (found.length > 0 ? before : 0);
    }
    if (this.#columns.length === 0) throw emptyTable(name);
    if (row === 0) throw noRows(name, this.#columns);
  }

  /** All records again; in blocks that `order` mixes, where the file is not packed. */
  async *blocks(order: Random | undefined): AsyncGenerator<Records, void, void> {
    const { size, mtimeMs } = await stat(this.#path).catch((error: unknown) => {
      throw fileError(this.#path, error);
    });
    if (size !== this.#size || mtimeMs !== this.#changed)
      throw new HebbError(`${this.#path} changed while it was being read; leave it unchanged and retrain`);
    if (this.#packed) {
      yield* this.scan();
      return;
    }
    const reader = this.#reader;
    if (reader === undefined) throw new HebbError(`${this.name} must be read from its start first`);
    const places = order?.permutation(this.#blocks.length) ?? this.#blocks.keys();
    const file = await opened(this.#path);
    try {
      for (const place of places) {
        const block = this.#blocks[place];
        if (block === undefined) continue;
        const bytes = new Uint8Array(block.end - block.start);
        const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, block.start);
        if (bytesRead !== bytes.byteLength)
          throw new HebbError(`${this.#path} became shorter while it was being read; leave it unchanged and retrain`);
        const text = new TextReader(this.#encoding, this.name).read(bytes, true);
        const stretch = reader.from(block.line);
        const records = [...stretch.push(text), ...stretch.finish()];
        const header = place === 0 && (this.#options.header ?? true);
        yield { records: header ? records.slice(1) : records, row: block.row };
      }
    } catch (error) {
      throw fileError(this.#path, error);
    } finally {
      await file.close();
    }
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw fileError(path, error);
  }
}
