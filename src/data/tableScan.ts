// The first pass over a table file: column types, the held-out rows, a sample of rows. In constant memory.
import { HebbError } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import type { Cell } from "./cells.ts";
import { chosenTypes } from "./chosenTypes.ts";
import { ColumnScan } from "./columnScan.ts";
import type { ColumnType } from "./columnType.ts";
import { decideTypes, type NamedEvidence } from "./columnTypes.ts";
import { emptyTable } from "./csv.ts";
import { ColumnEvidence } from "./evidence.ts";
import type { ColumnFacts, RowFacts } from "./facts.ts";
import { targetType } from "./fitTarget.ts";
import { droppingColumns, type FitPreprocessingOptions, resolveOptions } from "./fitting.ts";
import { threefry2x32 } from "./random.ts";
import type { CellReader, Reading } from "./reading.ts";
import type { RecordFile, Records } from "./recordFile.ts";

export interface ScanTableOptions extends FitPreprocessingOptions {
  readonly seed: number;
  /** Share of held-out rows, and their maximum number. */
  readonly validation: number;
  readonly maxValidation: number;
}

/** A row to keep, copied: its cells are substrings of the file's text and would keep all of it in memory. */
export interface KeptRow {
  readonly text: string;
  readonly row: number;
}

const packed = (record: readonly string[], row: number): KeptRow => ({ text: JSON.stringify(record), row });
export const unpacked = (text: string): Cell[] => JSON.parse(text) as Cell[];

/** The random stream that decides on held-out rows. */
const heldStream = 0x63000000;

/** Holds a row out if its own seeded draw is below the share, so every pass finds the same rows. */
const heldOut = (seed: number, share: number): ((row: number) => boolean) => {
  const limit = share * 4294967296;
  const high = Math.floor(seed / 4294967296);
  return share <= 0 ? () => false : (row) => threefry2x32(seed | 0, high | 0, row | 0, heldStream)[0] < limit;
};

const sampleRows = 2000;

/** Rows spread evenly over a stream: when there are too many, every second one is dropped. */
class SpreadRows {
  #rows: KeptRow[] = [];
  #stride = 1;
  #seen = 0;

  offer(record: readonly string[], row: number): void {
    if (this.#seen++ % this.#stride !== 0) return;
    this.#rows.push(packed(record, row));
    if (this.#rows.length < 2 * sampleRows) return;
    this.#rows = this.#rows.filter((_, place) => place % 2 === 0);
    this.#stride *= 2;
  }

  get rows(): readonly KeptRow[] {
    return this.#rows.slice(0, sampleRows);
  }
}

/** The result of the first pass. */
export interface TableScan {
  readonly table: RowFacts;
  readonly facts: readonly ColumnFacts[];
  /** The options, with the table's spelling of column names. */
  readonly fitting: FitPreprocessingOptions;
  /** Number of training rows. */
  readonly count: number;
  readonly held: (row: number) => boolean;
  readonly heldRows: readonly KeptRow[];
  readonly sample: readonly KeptRow[];
}

/** The evidence of the first records of a file. */
function guess({ records }: Records, { columns, typed }: RecordFile): NamedEvidence[] {
  const seen = columns.map((name, place) => ({
    name,
    evidence: new ColumnEvidence(true),
    typed: typed[place] === true,
  }));
  for (const [row, record] of records.entries())
    for (let place = 0; place < seen.length; place++) seen[place]?.evidence.add(record[place], row);
  return seen;
}

/** One pass over the whole file, with one reading per column. */
class Pass {
  readonly scans: readonly ColumnScan[];
  readonly fitting: ScanTableOptions;
  readonly held: (row: number) => boolean;
  readonly heldRows: KeptRow[] = [];
  readonly spread = new SpreadRows();
  readonly #target: { readonly place: number; readonly reader: CellReader };
  readonly #dropping: readonly { readonly place: number; readonly reader: CellReader }[];
  rows = 0;
  count = 0;
  withoutTarget = 0;
  withGaps = 0;

  constructor(
    fitting: ScanTableOptions,
    { columns, typed }: RecordFile,
    types: readonly ColumnType[],
    held: (row: number) => boolean,
  ) {
    this.fitting = fitting;
    this.held = held;
    this.scans = types.map(({ kind, reading }, place) => {
      const name = columns[place] ?? "";
      const counted = name === fitting.target || kind === "category";
      const texts = kind === "text" && name !== fitting.target && !fitting.ignore?.includes(name);
      return new ColumnScan({ name, place, seed: fitting.seed, reading, typed: typed[place] === true, counted, texts });
    });
    const found = this.scans.map(({ name, reader }, place) => ({ name, reader, place }));
    const [target] = found.filter(({ name }) => name === fitting.target);
    if (target === undefined) throw new HebbError(`the table has no column ${quoted(fitting.target)}`);
    this.#target = target;
    const dropping = droppingColumns(columns, fitting);
    this.#dropping = found.filter(({ name }) => dropping.includes(name));
  }

  take({ records, row: first }: Records): void {
    const { scans } = this;
    this.rows += records.length;
    for (let i = 0; i < records.length; i++) {
      const record = records[i];
      if (record === undefined) continue;
      const row = first + i;
      const lacks = this.#target.reader.missing(record[this.#target.place]);
      const gap = !lacks && this.#dropping.some(({ place, reader }) => !reader.reads(record[place]));
      if (lacks) this.withoutTarget++;
      else if (gap) this.withGaps++;
      const usable = !lacks && !gap;
      const out = usable && this.held(row);
      for (let place = 0; place < scans.length; place++) scans[place]?.add(record[place], row, usable && !out);
      if (out) this.heldRows.push(packed(record, row));
      else if (usable) {
        this.count++;
        this.spread.offer(record, row);
      }
    }
  }
}

/** The types of all columns; that of the target depends on the requested task. */
function judge(
  columns: readonly NamedEvidence[],
  delimiter: string | undefined,
  options: FitPreprocessingOptions,
): ColumnType[] {
  const { target, task } = options;
  const types = decideTypes(columns, delimiter, chosenTypes(options));
  return columns.flatMap(({ name, evidence }, place) => {
    const type = types[place];
    if (type === undefined) return [];
    return name === target ? targetType({ evidence, type }, task) : type;
  });
}

/** Whether statistics gathered with one reading hold for another: the `booleans` flag does not change the numbers. */
const alike = (a: Reading, b: Reading): boolean =>
  JSON.stringify({ ...a, booleans: undefined }) === JSON.stringify({ ...b, booleans: undefined });

/**
 * Reads the file once, with the readings that its beginning suggests. If the whole file leads to others, reads it once more. The decisions
 * are the same as for a table in memory.
 */
export async function scanTable(file: RecordFile, options: ScanTableOptions): Promise<TableScan> {
  const { validation, maxValidation, seed } = options;
  const read = async (known?: readonly ColumnType[]): Promise<Pass> => {
    let pass: Pass | undefined;
    for await (const piece of file.scan()) {
      if (pass === undefined) {
        const { columns } = file;
        const fitting = resolveOptions(file.name, columns, options);
        const expected = file.estimatedRows({ rows: piece.records.length, bytes: piece.bytes });
        const held = heldOut(seed, Math.min(validation, maxValidation / expected));
        const types = known ?? judge(guess(piece, file), file.delimiter, fitting);
        pass = new Pass(fitting, file, types, held);
      }
      pass.take(piece);
    }
    if (pass === undefined) throw emptyTable(file.name);
    return pass;
  };
  let pass = await read();
  const seen = pass.scans.map(
    ({ name, evidence }, place): NamedEvidence => ({ name, evidence, typed: file.typed[place] === true }),
  );
  const types = judge(seen, file.delimiter, pass.fitting);
  const unused = [pass.fitting.target, ...(pass.fitting.ignore ?? [])];
  const same = pass.scans.every((scan, place) => {
    const type = types[place];
    if (type === undefined) return true;
    if (scan.typed !== seen[place]?.typed) return false;
    return alike(scan.reading, type.reading) && (unused.includes(scan.name) || scan.covers(type));
  });
  if (!same) pass = await read(types);
  const { fitting, count, held, heldRows, spread, scans, rows, withoutTarget, withGaps } = pass;
  return {
    table: { name: file.name, rows, usable: count, withoutTarget, withGaps, remarks: file.remarks },
    facts: scans.flatMap((scan, place) => {
      const type = types[place];
      return type === undefined ? [] : [scan.facts(type)];
    }),
    fitting,
    count,
    held,
    heldRows,
    sample: spread.rows,
  };
}
