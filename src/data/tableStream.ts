// Tables larger than memory (Node only): one pass learns the preprocessing, every epoch reads the file again in blocks, mixed by seed.
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { type Cell, normalizeCell } from "./cells.ts";
import { ColumnScan } from "./columnScan.ts";
import { type CsvOptions, emptyTable, nameColumns, noRows, recordReader, refuseZeros } from "./csv.ts";
import type { RecordReader } from "./csvRecords.ts";
import { Dataset } from "./dataset.ts";
import { bytesOf, type EncodingName, encodingOf, TextReader, wholeCharacters } from "./encoding.ts";
import { fileError, fileSize } from "./files.ts";
import { droppingColumns, type FitPreprocessingOptions, fitFacts } from "./fitting.ts";
import { prefetch } from "./prefetch.ts";
import { RowEncoder, type TablePreprocessing } from "./preprocess.ts";
import { Random, threefry2x32 } from "./random.ts";
import { BatchSampler } from "./sampler.ts";

export interface StreamTableOptions extends Omit<FitPreprocessingOptions, "rows">, Omit<CsvOptions, "name"> {
  /** Share of rows held out, drawn row by row from the seed (default 0.01); they are held in memory, so at most `maxValidation`. */
  readonly validation?: number;
  /** Most rows held out (default 50,000): of longer tables a smaller share is. */
  readonly maxValidation?: number;
  readonly seed?: number;
  /** Rows of a part (default 65,536): so many are in memory at once, and mixed. */
  readonly bufferRows?: number;
  /** Whether the blocks of the file come in another order in every epoch (default true; never for gzip, which is read from its start). */
  readonly shuffle?: boolean;
}

/** A stretch of the file that begins and ends between two records. */
interface Block {
  readonly start: number;
  readonly end: number;
  /** The line of its first record, and the number of its first row. */
  readonly line: number;
  readonly row: number;
}

/** Bytes read at once; a block holds the records that end in so many bytes. */
const blockBytes = 1 << 18;

/** Streams of the order of blocks start here, one for each epoch; whether a row is held out is drawn from the other. */
const blockStream = 0x62000000;
const heldStream = 0x63000000;

const maxColumns = 10_000;

/** A table in a file, ready to be read again and again. */
export class TableStream {
  readonly preprocessing: TablePreprocessing;
  /** Rows to learn from. */
  readonly length: number;
  /** Some of them, for what needs to see a few: shapes, the doctor. At most 2,000, spread over the file. */
  readonly sample: Dataset;
  /** The rows that are held out. */
  readonly validation: Dataset | undefined;
  readonly bufferRows: number;
  readonly #file: CsvFile;
  readonly #held: (row: number) => boolean;
  readonly #seed: number;
  readonly #shuffle: boolean;

  /** Made by {@link streamTable}. */
  constructor(parts: {
    readonly file: CsvFile;
    readonly preprocessing: TablePreprocessing;
    readonly length: number;
    readonly sample: Dataset;
    readonly validation: Dataset | undefined;
    readonly held: (row: number) => boolean;
    readonly seed: number;
    readonly bufferRows: number;
    readonly shuffle: boolean;
  }) {
    this.preprocessing = parts.preprocessing;
    this.length = parts.length;
    this.sample = parts.sample;
    this.validation = parts.validation;
    this.bufferRows = parts.bufferRows;
    this.#file = parts.file;
    this.#held = parts.held;
    this.#seed = parts.seed;
    this.#shuffle = parts.shuffle;
  }

  /**
   * The rows of an epoch as data sets of `bufferRows` rows, the last one smaller. Blocks of 256 KiB come in an order that seed and
   * epoch decide, so a part mixes rows from all over the file; within a part they stand as they were read. The next part is prepared
   * while one is used. Throws HebbError when the file has changed since it was first read.
   */
  parts(epoch: number): AsyncGenerator<Dataset, void, void> {
    return prefetch(this.#parts(epoch));
  }

  async *#parts(epoch: number): AsyncGenerator<Dataset, void, void> {
    const encoder = new RowEncoder(this.preprocessing, this.#file.columns, { name: this.#file.name, targets: true });
    let part = new RowBuffer(encoder, this.preprocessing, Math.min(this.bufferRows, this.length));
    const order = this.#shuffle ? new Random(this.#seed, blockStream + epoch) : undefined;
    for await (const { records, row } of this.#file.blocks(order)) {
      for (let i = 0; i < records.length; i++) {
        const record = records[i];
        if (record === undefined || this.#held(row + i) || !encoder.takes(record)) continue;
        part.add(record, row + i);
        if (!part.full) continue;
        yield part.dataset();
        part = new RowBuffer(encoder, this.preprocessing, Math.min(this.bufferRows, this.length));
      }
    }
    if (part.count > 0) yield part.dataset();
  }

  /** The rows of an epoch in batches, mixed within each part by seed and epoch; a last batch of a part may be smaller. */
  async *batches(options: {
    readonly batchSize: number;
    readonly epoch?: number;
  }): AsyncGenerator<Dataset, void, void> {
    const { batchSize, epoch = 0 } = options;
    let number = 0;
    for await (const part of this.parts(epoch)) {
      const sampler = new BatchSampler(part.length, { batchSize, shuffle: true, seed: this.#seed + number++ });
      sampler.startEpoch(epoch);
      for (const indices of sampler.batches()) yield part.subset(indices);
    }
  }
}

/** Rows that are turned into numbers as they come. */
class RowBuffer {
  count = 0;
  readonly #encoder: RowEncoder;
  readonly #capacity: number;
  readonly #features: Float32Array;
  readonly #targets: Int32Array | Float32Array;
  readonly #weights: Float32Array | undefined;

  constructor(encoder: RowEncoder, { target }: TablePreprocessing, capacity: number) {
    this.#encoder = encoder;
    this.#capacity = capacity;
    if (capacity * encoder.width > 2 ** 28)
      throw new HebbError(
        `${capacity} rows of ${encoder.width} features are more than 2^28 values at once; use a smaller bufferRows, or fewer categories`,
      );
    this.#features = new Float32Array(capacity * encoder.width);
    this.#targets = target.kind === "classes" ? new Int32Array(capacity) : new Float32Array(capacity);
    this.#weights = encoder.weighted ? new Float32Array(capacity) : undefined;
  }

  get full(): boolean {
    return this.count === this.#capacity;
  }

  add(record: readonly Cell[], row: number): void {
    this.#encoder.features(record, row, this.#features, this.count * this.#encoder.width);
    this.#targets[this.count] = this.#encoder.target(record, row);
    if (this.#weights) this.#weights[this.count] = this.#encoder.weight(record, row);
    this.count++;
  }

  dataset(): Dataset {
    const { width } = this.#encoder;
    const targets = this.#targets.subarray(0, this.count);
    return new Dataset({
      features: this.#features.subarray(0, this.count * width),
      featureShape: [width],
      targets,
      targetShape: targets instanceof Int32Array ? [] : [1],
      ...(this.#weights ? { weights: this.#weights.subarray(0, this.count) } : {}),
    });
  }
}

/** Records of a stretch, and the number of the first. */
interface Records {
  readonly records: Cell[][];
  readonly row: number;
}

const cellsOf = (records: readonly (readonly string[])[]): Cell[][] =>
  records.map((record) => record.map(normalizeCell));

/** A CSV file that is read in blocks: from start to end the first time, then in any order. */
class CsvFile {
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

  static async open(path: string, options: CsvOptions): Promise<CsvFile> {
    await fileSize(path);
    const { size, mtimeMs } = await stat(path);
    const file = await opened(path);
    try {
      const head = new Uint8Array(2);
      await file.read(head, 0, 2, 0);
      return new CsvFile(path, options, { size, changed: mtimeMs, packed: head[0] === 0x1f && head[1] === 0x8b });
    } finally {
      await file.close();
    }
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
          `${this.#path} is damaged: its gzip data does not unpack (${error.message}); download or copy it again`,
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
    const take = (found: string[][], end: number): Cell[][] => {
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
      const records = cellsOf(found);
      this.#blocks.push({ start, end, line, row });
      return records;
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
    this.#reader = reader;
  }

  /** All records again; in blocks that `order` mixes, where the file is not packed. */
  async *blocks(order: Random | undefined): AsyncGenerator<Records, void, void> {
    const { size, mtimeMs } = await stat(this.#path).catch((error: unknown) => {
      throw fileError(this.#path, error);
    });
    if (size !== this.#size || mtimeMs !== this.#changed)
      throw new HebbError(`${this.#path} was changed while it was used; leave it as it is, and train anew`);
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
          throw new HebbError(`${this.#path} became shorter while it was used; leave it as it is, and train anew`);
        const text = new TextReader(this.#encoding, this.name).read(bytes, true);
        const stretch = reader.from(block.line);
        const records = [...stretch.push(text), ...stretch.finish()];
        const header = place === 0 && (this.#options.header ?? true);
        yield { records: cellsOf(header ? records.slice(1) : records), row: block.row };
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

/** A row is held out when its own draw from the seed is below the share: every reading finds the same rows. */
const heldOut = (seed: number, share: number): ((row: number) => boolean) => {
  const limit = share * 4294967296;
  const high = Math.floor(seed / 4294967296);
  return share <= 0 ? () => false : (row) => threefry2x32(seed | 0, high | 0, row | 0, heldStream)[0] < limit;
};

const sampleRows = 2000;

/** Rows spread evenly over a stream: when there are too many, every second one goes. Kept as texts of their own. */
class SpreadRows {
  #rows: string[] = [];
  #stride = 1;
  #seen = 0;

  offer(record: readonly Cell[]): void {
    if (this.#seen++ % this.#stride !== 0) return;
    this.#rows.push(packed(record));
    if (this.#rows.length < 2 * sampleRows) return;
    this.#rows = this.#rows.filter((_, place) => place % 2 === 0);
    this.#stride *= 2;
  }

  get rows(): readonly string[] {
    return this.#rows.slice(0, sampleRows);
  }
}

// Cells are parts of the text that was read, and would keep all of it in memory; a text of their own does not.
const packed = (record: readonly Cell[]): string => JSON.stringify(record.map((cell) => cell ?? null));
const unpacked = (text: string): Cell[] => (JSON.parse(text) as (string | null)[]).map((cell) => cell ?? undefined);

/**
 * Opens a CSV table (gzip too) that need not fit into memory. The first pass, here, infers the types of the columns from every row and
 * takes means, deviations, categories and classes from every training row (medians from up to 16,384 of each column; of more than
 * 20,000 different values the rare ones are forgotten). What it gives has the form that `fit` trains on: `new RowStream(stream)` takes
 * its `length`, `sample` and `parts`.
 *
 * Memory: one part of `bufferRows` rows and the one after it, the rows held out, and figures that do not grow with the table.
 * Throws HebbError for files that cannot be read, for malformed records (with their line), and for targets that cannot be learned.
 */
export async function streamTable(path: string, options: StreamTableOptions): Promise<TableStream> {
  const { validation = 0.01, maxValidation = 50_000, seed = 0, bufferRows = 65_536, shuffle = true } = options;
  if (!(validation >= 0 && validation < 1))
    throw new HebbError(`validation ${validation} is not a share of the rows; use a number from 0 to below 1`);
  if (!Number.isInteger(bufferRows) || bufferRows < 1)
    throw new HebbError(`bufferRows must be a whole number of at least 1, got ${bufferRows}`);
  const file = await CsvFile.open(path, options);
  const spread = new SpreadRows();
  const heldRows: { readonly text: string; readonly row: number }[] = [];
  let scans: ColumnScan[] | undefined;
  let held = heldOut(seed, 0);
  let [target, weight, count, withoutTarget, withGaps, rows] = [-1, -1, 0, 0, 0, 0];
  let dropping: number[] = [];
  for await (const { records, row: first, bytes } of file.scan()) {
    if (scans === undefined) {
      const { columns } = file;
      const placeOf = (column: string): number => {
        const place = columns.indexOf(column);
        if (place < 0) throw new HebbError(`${path} has no column "${column}"; the columns are ${columns.join(", ")}`);
        return place;
      };
      scans = columns.map((column, place) => new ColumnScan(column, place, seed));
      target = placeOf(options.target);
      weight = options.weights === undefined ? -1 : placeOf(options.weights);
      dropping = droppingColumns(columns, options).map(placeOf);
      const expected = file.estimatedRows({ rows: records.length, bytes });
      held = heldOut(seed, Math.min(validation, maxValidation / expected));
    }
    rows += records.length;
    for (let i = 0; i < records.length; i++) {
      const record = records[i];
      if (record === undefined) continue;
      const row = first + i;
      const lacks = record[target] === undefined;
      const gap = !lacks && dropping.some((place) => record[place] === undefined);
      if (lacks) withoutTarget++;
      else if (gap) withGaps++;
      const usable = !lacks && !gap;
      const out = usable && held(row);
      for (let place = 0; place < scans.length; place++) scans[place]?.add(record[place], row, usable && !out);
      if (out) heldRows.push({ text: packed(record), row });
      else if (usable) {
        count++;
        spread.offer(record);
      }
    }
  }
  if (scans === undefined) throw emptyTable(path);
  if (count === 0) throw new HebbError(`${path} has no row with a "${options.target}" to learn from`);
  if (weight >= 0 && scans[weight]?.evidence.type(options.weights ?? "").kind !== "number")
    throw new HebbError(
      `${path}: the weight "${options.weights}" must hold numbers of at least 0; choose another column`,
    );
  const fitted = fitFacts({ name: path, rows, withoutTarget, withGaps }, scans, options);
  const preprocessing = {
    ...fitted,
    notes: [
      `read in parts of ${bufferRows} rows: ${count} to learn from, ${heldRows.length} held out${shuffle ? "; blocks of the file come in another order in every epoch" : ""}`,
      ...fitted.notes,
    ],
  };
  const encoder = new RowEncoder(preprocessing, file.columns, { name: path, targets: true });
  const dataset = (texts: readonly { readonly text: string; readonly row: number }[]): Dataset => {
    const buffer = new RowBuffer(encoder, preprocessing, texts.length);
    for (const { text, row } of texts) buffer.add(unpacked(text), row);
    return buffer.dataset();
  };
  return new TableStream({
    file,
    preprocessing,
    length: count,
    sample: dataset(spread.rows.map((text, row) => ({ text, row }))),
    validation: heldRows.length === 0 ? undefined : dataset(heldRows),
    held,
    seed,
    bufferRows,
    shuffle,
  });
}
