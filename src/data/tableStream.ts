// Tables larger than memory (Node only): one pass fits the preprocessing, and every epoch reads the file again in blocks, shuffled by seed.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { OptionKinds } from "../graph/options.ts";
import type { Cell } from "./cells.ts";
import { type CsvOptions, readingKinds } from "./csv.ts";
import { Dataset } from "./dataset.ts";
import { type ColumnExplanation, explainColumns } from "./explain.ts";
import { checkTarget, type FitPreprocessingOptions, fitFacts, fittingKinds } from "./fitting.ts";
import { InputFile } from "./inputFile.ts";
import { type PartRows, RecordRows, type UnreadRow } from "./partRows.ts";
import { prefetch } from "./prefetch.ts";
import type { TablePreprocessing } from "./preprocessing.ts";
import { Random } from "./random.ts";
import type { RecordFile } from "./recordFile.ts";
import { RowEncoder } from "./rowEncoder.ts";
import { BatchSampler } from "./sampler.ts";
import { isTableKind, type TablePart, tableInParts, tablePartKinds } from "./tableFile.ts";
import { type KeptRow, scanTable, unpacked } from "./tableScan.ts";

export interface StreamTableOptions extends Omit<FitPreprocessingOptions, "rows">, Omit<CsvOptions, "name">, TablePart {
  /** Share of rows held out, drawn row by row from the seed (default 0.01); they are held in memory, so at most `maxValidation`. */
  readonly validation?: number;
  /** Most rows held out (default 50,000): of longer tables a smaller share is. */
  readonly maxValidation?: number;
  readonly seed?: number;
  /** Rows per part (default 65,536): the number held in memory and shuffled at once. */
  readonly bufferRows?: number;
  /** Whether the blocks of the file come in another order in every epoch (default true; never for packed files and formats other than CSV, which are read from their start). */
  readonly shuffle?: boolean;
}

const { rows: _rows, ...usedKinds } = fittingKinds;
const kinds: OptionKinds<StreamTableOptions> = {
  ...usedKinds,
  ...readingKinds,
  ...tablePartKinds,
  validation: kind.number,
  maxValidation: kind.number,
  seed: kind.number,
  bufferRows: kind.number,
  shuffle: kind.boolean,
};

/** Streams of the order of blocks start here, one for each epoch. */
const blockStream = 0x62000000;

/** A table in a file, ready to be read again and again. */
export class TableStream {
  readonly preprocessing: TablePreprocessing;
  /** What was decided about each column. */
  readonly columns: readonly ColumnExplanation[];
  /** Rows to learn from. */
  readonly length: number;
  /** Some of them, for what needs to see a few: shapes, the doctor. At most 2,000, spread over the file. */
  readonly sample: Dataset;
  /** The rows that are held out. */
  readonly validation: Dataset | undefined;
  readonly bufferRows: number;
  readonly #file: RecordFile;
  readonly #held: (row: number) => boolean;
  readonly #seed: number;
  readonly #shuffle: boolean;

  /** Made by {@link streamTable}. */
  constructor(parts: {
    readonly file: RecordFile;
    readonly preprocessing: TablePreprocessing;
    readonly columns: readonly ColumnExplanation[];
    readonly length: number;
    readonly sample: Dataset;
    readonly validation: Dataset | undefined;
    readonly held: (row: number) => boolean;
    readonly seed: number;
    readonly bufferRows: number;
    readonly shuffle: boolean;
  }) {
    this.preprocessing = parts.preprocessing;
    this.columns = parts.columns;
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
    const encoder = encoderOf(this.preprocessing, this.#file);
    let part = new RowBuffer(encoder, this.preprocessing, Math.min(this.bufferRows, this.length));
    for await (const { records, row } of this.#file.blocks(this.#orderOf(epoch))) {
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

  /** How the blocks of the file come in an epoch. */
  #orderOf(epoch: number): Random | undefined {
    return this.#shuffle ? new Random(this.#seed, blockStream + epoch) : undefined;
  }

  /**
   * The same rows in the same parts, before their cells are turned into numbers: what trains on some of them makes only those. The next part
   * is read while one is used.
   */
  records(epoch: number): AsyncGenerator<PartRows, void, void> {
    return prefetch(this.#records(epoch));
  }

  async *#records(epoch: number): AsyncGenerator<PartRows, void, void> {
    const encoder = encoderOf(this.preprocessing, this.#file);
    const encode = (rows: readonly UnreadRow[]): Dataset => {
      const buffer = new RowBuffer(encoder, this.preprocessing, rows.length);
      for (const { record, row } of rows) buffer.add(record, row);
      return buffer.dataset();
    };
    let part: UnreadRow[] = [];
    for await (const { records, row } of this.#file.blocks(this.#orderOf(epoch))) {
      for (let i = 0; i < records.length; i++) {
        const record = records[i];
        if (record === undefined || this.#held(row + i) || !encoder.takes(record)) continue;
        part.push({ record, row: row + i });
        if (part.length < this.bufferRows) continue;
        yield new RecordRows(part, encode);
        part = [];
      }
    }
    if (part.length > 0) yield new RecordRows(part, encode);
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

const encoderOf = (preprocessing: TablePreprocessing, { name, columns, typed }: RecordFile): RowEncoder =>
  new RowEncoder(
    preprocessing,
    columns.map((column, place) => ({ name: column, typed: typed[place] === true })),
    { name, targets: true },
  );

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

/**
 * Opens a table that need not fit into memory: CSV (gzip and Zstandard too), Parquet, Arrow, JSON lines, or what `sql` gives. The first pass, here, infers the types of the columns from every row and
 * takes means, deviations, categories and classes from every training row (medians from up to 16,384 of each column; of more than
 * 20,000 different values the rare ones are forgotten). What it gives has the form that `fit` trains on: `new RowStream(stream)` takes
 * its `length`, `sample`, `parts` and `records`.
 *
 * Memory: one part of `bufferRows` rows and the one after it, the rows held out, and figures that do not grow with the table.
 * Throws HebbError for files that cannot be read, for malformed records (with their line), and for targets that cannot be learned.
 */
export async function streamTable(path: string, options: StreamTableOptions): Promise<TableStream> {
  checkTarget("streamTable", options, kinds);
  const file = await InputFile.use(path, async (open) => {
    const found = await open.kind();
    return tableInParts(open, isTableKind(found) ? found : "table", options, options);
  });
  return streamFile(file, options);
}

/** The same of a file that was looked at already; how its text is read was said then. */
export async function streamFile(
  file: RecordFile,
  options: Omit<StreamTableOptions, keyof CsvOptions | keyof TablePart>,
): Promise<TableStream> {
  const { validation = 0.01, maxValidation = 50_000, seed = 0, bufferRows = 65_536, shuffle = true } = options;
  if (options.group !== undefined || options.time !== undefined)
    throw new HebbError(
      `${file.name}: rows are split by ${options.group === undefined ? "time" : "group"} in memory only, and this table is read in parts; read it at once`,
    );
  if (!(validation >= 0 && validation < 1))
    throw new HebbError(`validation ${validation} is not a valid share of the rows; use a number from 0 to below 1`);
  if (!Number.isInteger(bufferRows) || bufferRows < 1)
    throw new HebbError(`bufferRows must be a whole number of at least 1, got ${bufferRows}`);
  const { facts, table, fitting, count, held, heldRows, sample } = await scanTable(file, {
    ...options,
    seed,
    validation,
    maxValidation,
  });
  const fitted = fitFacts(table, facts, fitting);
  const preprocessing = {
    ...fitted,
    notes: [
      `read in parts of ${bufferRows} rows: ${count} to learn from, ${heldRows.length} held out${shuffle ? "; blocks of the file are reordered in every epoch" : ""}`,
      ...fitted.notes,
    ],
  };
  const encoder = encoderOf(preprocessing, file);
  const dataset = (rows: readonly KeptRow[]): Dataset => {
    const buffer = new RowBuffer(encoder, preprocessing, rows.length);
    for (const { text, row } of rows) buffer.add(unpacked(text), row);
    return buffer.dataset();
  };
  return new TableStream({
    file,
    preprocessing,
    columns: explainColumns(facts, preprocessing, fitting),
    length: count,
    sample: dataset(sample),
    validation: heldRows.length === 0 ? undefined : dataset(heldRows),
    held,
    seed,
    bufferRows,
    shuffle,
  });
}
