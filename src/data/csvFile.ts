// A CSV file on disk (Node only), read in blocks of whole records: first from start to end, then in any order.
import { type FileHandle, open, stat } from "node:fs/promises";
import { HebbError } from "../graph/errors.ts";
import {
  beginRecords,
  type CsvOptions,
  emptyTable,
  encodingRemarks,
  nameColumns,
  noRows,
  refuseZeros,
  withoutHeader,
} from "./csv.ts";
import type { RecordReader } from "./csvRecords.ts";
import { bytesOf, type EncodingName, encodingOf, readerOfText, TextReader, wholeCharacters } from "./encoding.ts";
import { fileError } from "./fileErrors.ts";
import { filePieces } from "./filePieces.ts";
import { InputFile, type Packing } from "./inputFile.ts";
import type { Random } from "./random.ts";
import type { RecordFile, Records } from "./recordFile.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** A section of the file between two record boundaries. */
interface Block {
  readonly start: number;
  readonly end: number;
  /** The line of its first record, and the number of its first row. */
  readonly line: number;
  readonly row: number;
}

/** Bytes per read; a block holds the records that end within them. */
const blockBytes = 1 << 18;

const maxColumns = 10_000;

/** A CSV file read in blocks: first from start to end, then in any order. */
export class CsvFile implements RecordFile {
  readonly name: string;
  /** Empty: all cells of a CSV file are text. */
  readonly typed: readonly boolean[] = [];
  readonly #path: string;
  readonly #options: CsvOptions;
  readonly #size: number;
  readonly #changed: number;
  readonly #packing: Packing | undefined;
  #columns: readonly string[] = [];
  #remarks: readonly TableRemark[] = [];
  #blocks: Block[] = [];
  #encoding: EncodingName = "utf-8";
  #reader: RecordReader | undefined;

  private constructor(
    path: string,
    options: CsvOptions,
    known: { size: number; changed: number; packing: Packing | undefined },
  ) {
    this.name = path;
    this.#path = path;
    this.#options = options;
    this.#size = known.size;
    this.#changed = known.changed;
    this.#packing = known.packing;
  }

  static open(path: string, options: CsvOptions): Promise<CsvFile> {
    return InputFile.use(path, (file) => CsvFile.of(file, options));
  }

  /** The table of an open file, which is opened again for every reading. */
  static async of(file: InputFile, options: CsvOptions): Promise<CsvFile> {
    const { path, size, changed } = file;
    return new CsvFile(path, options, { size, changed, packing: await file.packing() });
  }

  /** The delimiter; known once reading has begun. */
  get delimiter(): string | undefined {
    return this.#reader?.delimiter;
  }

  get columns(): readonly string[] {
    return this.#columns;
  }

  /** Remarks about the reading; known once it is complete. */
  get remarks(): readonly TableRemark[] {
    return [...this.#remarks, ...(this.#options.encoding === undefined ? encodingRemarks(this.#encoding) : [])];
  }

  /** The estimated number of rows, from the first of them. */
  estimatedRows(first: { readonly rows: number; readonly bytes: number }): number {
    // Compressed tables shrink to about a fifth.
    return Math.max(
      first.rows,
      (first.rows * this.#size * (this.#packing === undefined ? 1 : 5)) / Math.max(1, first.bytes),
    );
  }

  /** All records from the start; records where blocks begin. */
  async *scan(): AsyncGenerator<Records & { readonly bytes: number }, void, void> {
    const { name } = this;
    let reader: RecordReader | undefined;
    let text: TextReader | undefined;
    let carried = new Uint8Array(0);
    // Bytes and characters read so far, and where the next block begins.
    let [read, characters, start, line, row] = [0, 0, 0, 1, 0];
    this.#blocks = [];
    const header = this.#options.header ?? true;
    let leadIn: readonly TableRemark[] = [];
    const take = (found: string[][], end: number): string[][] => {
      if (found.length === 0) return [];
      const first = found[0];
      if (this.#columns.length === 0 && first !== undefined) {
        const named = header ? nameColumns(first) : withoutHeader(first);
        this.#columns = named.names;
        this.#remarks = [...leadIn, ...named.remarks];
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
    for await (const piece of filePieces(this.#path, this.#packing, blockBytes)) {
      read += piece.byteLength;
      let bytes = piece;
      if (carried.byteLength > 0) {
        bytes = new Uint8Array(carried.byteLength + piece.byteLength);
        bytes.set(carried);
        bytes.set(piece, carried.byteLength);
      }
      if (text === undefined) {
        const { mark } = encodingOf(bytes);
        text = readerOfText(bytes, name, this.#options.encoding);
        this.#encoding = text.encoding;
        start = mark;
        bytes = bytes.subarray(mark);
      }
      const whole = wholeCharacters(bytes, this.#encoding);
      carried = bytes.slice(whole);
      let chunk = text.read(bytes.subarray(0, whole));
      this.#encoding = text.encoding;
      refuseZeros(chunk, characters, name);
      characters += chunk.length;
      if (reader === undefined) {
        const begun = beginRecords(chunk, name, this.#options);
        reader = begun.reader;
        leadIn = begun.remarks;
        chunk = begun.text;
        start += bytesOf(begun.before, this.#encoding);
        line = reader.line;
      }
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
      this.#encoding = text.encoding;
      const before = this.#columns.length === 0 && header ? 1 : 0;
      const found = [...reader.push(chunk), ...reader.finish()];
      const records = take(found, read);
      if (records.length > 0) yield { records, row, bytes: read };
      row += found.length - (found.length > 0 ? before : 0);
    }
    if (this.#columns.length === 0) throw emptyTable(name);
    if (row === 0) throw noRows(name, this.#columns);
  }

  /** All records again, in blocks shuffled by `order` unless the file is compressed. */
  async *blocks(order: Random | undefined): AsyncGenerator<Records, void, void> {
    const { size, mtimeMs } = await stat(this.#path).catch((error: unknown) => {
      throw fileError(this.#path, error);
    });
    if (size !== this.#size || mtimeMs !== this.#changed)
      throw new HebbError(`${this.#path} changed while it was being read; leave it unchanged and retrain`);
    if (this.#packing !== undefined) {
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
