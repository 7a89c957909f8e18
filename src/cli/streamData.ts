// Tables larger than memory: read in parts, once to learn the preprocessing and once in every epoch.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { sniffDelimiter } from "../data/csv.ts";
import { defaultMaxColumns, defaultMaxRecord, RecordReader } from "../data/csvRecords.ts";
import { encodingOf, TextReader } from "../data/encoding.ts";
import * as data from "../data/index.ts";
import type { Preprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { RowStream } from "../train/index.ts";

/** Files from this size on are read in parts, where nothing else is asked for. */
const largeFile = 300 * 2 ** 20;
/** Rows held and shuffled at a time. */
const rowsOfPart = 2 ** 16;
/** Rows that the preprocessing is learned from, spread over the file, and rows held out, at most. */
const [rowsToLearnFrom, rowsHeldOut] = [50_000, 50_000];

export const isLargeTable = (path: string): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size >= largeFile && !/\.(parquet|gz|npz?)$/i.test(path);
};

/** The records of a CSV file, some at a time; the first holds the names of the columns. */
async function* recordsOf(path: string): AsyncGenerator<string[][]> {
  const file = createReadStream(path, { highWaterMark: 2 ** 20 });
  const name = basename(path);
  let text: TextReader | undefined;
  let reader: RecordReader | undefined;
  for await (const chunk of file) {
    let bytes: Uint8Array = chunk;
    if (text === undefined) {
      const { encoding, mark } = encodingOf(bytes);
      text = new TextReader(encoding, name);
      bytes = bytes.subarray(mark);
    }
    const piece = text.read(bytes);
    reader ??= new RecordReader({
      name,
      delimiter: sniffDelimiter(piece),
      maxRecordLength: defaultMaxRecord,
      maxColumns: defaultMaxColumns,
    });
    const records = reader.push(piece);
    if (records.length > 0) yield records;
  }
  if (text !== undefined && reader !== undefined) {
    const records = [...reader.push(text.read(new Uint8Array(), true)), ...reader.finish()];
    if (records.length > 0) yield records;
  }
}

/** Rows of cells as a table. */
function tableOf(columns: readonly string[], rows: readonly (readonly string[])[], name: string): data.Table {
  return new data.Table(
    columns.map((column, place) => ({ name: column, cells: rows.map((row) => row[place]) })),
    name,
  );
}

/** The file as tables of about 65,536 rows, in order. */
async function* partsOf(path: string): AsyncGenerator<data.Table> {
  let columns: string[] | undefined;
  let rows: string[][] = [];
  for await (const records of recordsOf(path)) {
    let from = 0;
    if (columns === undefined) {
      columns = records[0] ?? [];
      from = 1;
    }
    for (let at = from; at < records.length; at++) {
      rows.push(records[at] ?? []);
      if (rows.length < rowsOfPart) continue;
      yield tableOf(columns, rows, basename(path));
      rows = [];
    }
  }
  if (columns !== undefined && rows.length > 0) yield tableOf(columns, rows, basename(path));
}

/** Which rows are held out: by their number and the seed, so that every reading finds the same. */
class HeldOut {
  readonly #seed: number;
  readonly #share: number;
  #row = 0;
  #count = 0;

  constructor(seed: number, share: number) {
    this.#seed = seed;
    this.#share = share;
  }

  /** Whether the next row is one of them. */
  next(): boolean {
    const draw = Math.imul((this.#row++ ^ Math.imul(this.#seed + 1, 0x9e3779b1)) >>> 0, 0x85ebca6b);
    const mixed = Math.imul(draw ^ (draw >>> 15), 0xc2b2ae35) >>> 0;
    if (mixed / 2 ** 32 >= this.#share || this.#count >= rowsHeldOut) return false;
    this.#count++;
    return true;
  }
}

/** Rows spread evenly over a stream of unknown length: when there are too many, every second one goes. */
class Spread {
  rows: (readonly (string | undefined)[])[] = [];
  #stride = 1;
  #seen = 0;

  offer(row: () => readonly (string | undefined)[]): void {
    if (this.#seen++ % this.#stride !== 0) return;
    this.rows.push(row());
    if (this.rows.length < 2 * rowsToLearnFrom) return;
    this.rows = this.rows.filter((_, place) => place % 2 === 0);
    this.#stride *= 2;
  }
}

/** A cell on its own: engines keep a long piece of a text alive through any long part of it. */
const alone = (cell: string | undefined): string | undefined =>
  cell === undefined || cell.length < 13 ? cell : Buffer.from(cell, "utf16le").toString("utf16le");

export interface StreamOptions {
  readonly target: string | undefined;
  readonly validation: number;
  readonly seed: number;
}

export interface StreamedData {
  readonly preprocessing: Preprocessing;
  readonly train: RowStream;
  readonly validation: data.Dataset | undefined;
}

/** Reads the file once: how many rows there are, what they mean, and which are held out. */
export async function prepareStream(path: string, { target, validation, seed }: StreamOptions): Promise<StreamedData> {
  const held = new HeldOut(seed, validation);
  const spread = new Spread();
  const heldRows: (readonly (string | undefined)[])[] = [];
  let columns: readonly string[] = [];
  let count = 0;
  let without = 0;
  const name = basename(path);
  if (target === undefined)
    throw new HebbError(`${name}: which column is to be predicted? Name it with --target COLUMN`);
  for await (const part of partsOf(path)) {
    columns = part.columnNames;
    const wanted = part.column(target).cells;
    for (let row = 0; row < part.rowCount; row++) {
      if (wanted[row] === undefined) {
        without++;
        continue;
      }
      const cells = (): readonly (string | undefined)[] => part.columns.map((column) => alone(column.cells[row]));
      if (held.next()) heldRows.push(cells());
      else {
        count++;
        spread.offer(cells);
      }
    }
  }
  if (count === 0) throw new HebbError(`${name} has no row with a "${target}" to learn from`);
  const table = (rows: readonly (readonly (string | undefined)[])[]): data.Table =>
    new data.Table(
      columns.map((column, place) => ({ name: column, cells: rows.map((row) => row[place]) })),
      name,
    );
  const sample = table(spread.rows);
  const fitted = data.fitPreprocessing(sample, { target });
  const preprocessing = {
    ...fitted,
    notes: [
      `read in parts of ${rowsOfPart} rows: ${count} to learn from, ${heldRows.length} held out; scales and categories are those of ${sample.rowCount} rows spread over the file`,
      ...(without === 0 ? [] : [`${without} rows have no "${target}" and are left out`]),
      ...fitted.notes,
    ],
  };
  const datasetOf = (rows: data.Table): data.Dataset =>
    data.tableDataset(data.applyPreprocessing(fitted, rows, { targets: "required" }));
  const some = Int32Array.from({ length: Math.min(2000, sample.rowCount) }, (_, row) => row);
  return {
    preprocessing,
    train: new RowStream({
      length: count,
      sample: datasetOf(sample.select(some)),
      parts: async function* () {
        const again = new HeldOut(seed, validation);
        for await (const part of partsOf(path)) {
          const wanted = part.column(target).cells;
          const rows: number[] = [];
          for (let row = 0; row < part.rowCount; row++) if (wanted[row] !== undefined && !again.next()) rows.push(row);
          if (rows.length > 0) yield datasetOf(part.select(rows));
        }
      },
    }),
    validation: heldRows.length === 0 ? undefined : datasetOf(table(heldRows)),
  };
}
