// Tables larger than memory (Node only): one pass fits the preprocessing, and every epoch rereads the file in shuffled blocks.
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
  /** Share of held-out rows, drawn row by row from the seed (default 0.01). They are held in memory, so there are at most `maxValidation`. */
  readonly validation?: number;
  /** Maximum held-out rows (default 50,000); longer tables hold out a smaller share. */
  readonly maxValidation?: number;
  readonly seed?: number;
  /** Rows per part (default 65,536): the number held in memory and shuffled at once. */
  readonly bufferRows?: number;
  /**
   * Whether every epoch shuffles the blocks of the file (default true). Compressed files and formats other than CSV are always read from
   * their start.
   */
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

/** The first block-order stream, one per epoch. */
const blockStream = 0x62000000;

/** A table in a file that can be read repeatedly. */
export class TableStream {
  readonly preprocessing: TablePreprocessing;
  /** The decisions about each column. */
  readonly columns: readonly ColumnExplanation[];
  /** Number of training rows. */
  readonly length: number;
  /** A sample for shapes and the doctor: at most 2,000 rows, spread over the file. */
  readonly sample: Dataset;
  /** The held-out rows. */
  readonly validation: Dataset | undefined;
  readonly bufferRows: number;
  readonly #file: RecordFile;
  readonly #held: (row: number) => boolean;
  readonly #seed: number;
  readonly #shuffle: boolean;

  /** Use {@link streamTable} instead. */
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
   * The rows of an epoch as data sets of `bufferRows` rows, the last one smaller. Seed and epoch shuffle blocks of 256 KiB, so a part mixes
   * rows from all over the file; within a part they keep their order. The next part is prepared while one is in use. Throws HebbError if
   * the file has changed since the first pass.
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

  /** The block order of an epoch. */
  #orderOf(epoch: number): Random | undefined {
    return this.#shuffle ? new Random(this.#seed, blockStream + epoch) : undefined;
  }

  /**
   * The same rows in the same parts, before encoding, so that a trainer of some of them encodes only those. The next part is read while one
   * is in use.
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

  /** The rows of an epoch in batches, shuffled within each part by seed and epoch; the last batch of a part may be smaller. */
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

/** Encodes rows as they arrive. */
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
 * Opens a table that need not fit into memory: CSV (gzip and Zstandard too), Parquet, Arrow, JSON lines, or the result of `sql`. This call
 * makes the first pass. It infers the column types from every row, and means, deviations, categories and classes from every training row.
 * Medians come from up to 16,384 values of each column; beyond 20,000 distinct values, rare ones are forgotten. `fit` trains on the result
 * through `new RowStream(stream)`, which takes its `length`, `sample`, `parts` and `records`.
 *
 * Memory: one part of `bufferRows` rows and the next one, the held-out rows, and statistics that do not grow with the table.
 * Throws HebbError for unreadable files, for malformed records (with their line), and for targets that cannot be learned.
 */
export async function streamTable(path: string, options: StreamTableOptions): Promise<TableStream> {
  checkTarget("streamTable", options, kinds);
  const file = await InputFile.use(path, async (open) => {
    const found = await open.kind();
    return tableInParts(open, isTableKind(found) ? found : "table", options, options);
  });
  return streamFile(file, options);
}

/** As above, for a file already looked at, whose encoding was reported then. */
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
