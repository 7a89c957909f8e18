// Several files of one table, one after another. The first file sets the columns; the others may order them differently.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { listColumns } from "./columnNames.ts";
import type { Random } from "./random.ts";
import type { RecordFile, Records } from "./recordFile.ts";
import { Table } from "./table.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** The positions of the first file's columns in another; undefined if they are the same. */
function placesIn(
  first: { readonly name: string; readonly columns: readonly string[] },
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
): readonly number[] | undefined {
  if (columns.length === first.columns.length && columns.every((column, i) => column === first.columns[i]))
    return undefined;
  const places = first.columns.map((column) => columns.indexOf(column));
  const missing = first.columns.filter((_, i) => places[i] === -1);
  const more = columns.filter((column) => !first.columns.includes(column));
  if (missing.length > 0 || more.length > 0)
    throw new HebbError(
      `${name} has not the columns of ${first.name}: ${[missing.length > 0 ? `it lacks ${listColumns(missing)}` : "", more.length > 0 ? `it has ${listColumns(more)} besides` : ""].filter((part) => part !== "").join(", and ")}; give files of one table`,
    );
  return places;
}

const distinct = (remarks: readonly TableRemark[]): TableRemark[] =>
  remarks.filter(({ text }, i) => remarks.findIndex((other) => other.text === text) === i);

/** The common delimiter; undefined if they differ. */
const common = (delimiters: readonly (string | undefined)[]): string | undefined =>
  delimiters.every((each) => each === delimiters[0]) ? delimiters[0] : undefined;

/** All rows of tables with the same columns. Throws HebbError that names the columns that differ. */
export function joinTables(tables: readonly Table[], name: string): Table {
  const [first] = tables;
  if (first === undefined) throw new HebbError(`${name}: there is no table to join`);
  if (tables.length === 1) return first;
  const named = ({ name: file, columnNames }: Table) => ({ name: file, columns: columnNames });
  const ordered = tables.map((table) => {
    const places = placesIn(named(first), named(table));
    return places === undefined ? table.columns : places.flatMap((place) => [at(table.columns, place)]);
  });
  return new Table(
    first.columnNames.map((column, i) => ({
      name: column,
      cells: ordered.flatMap((columns) => columns[i]?.cells ?? []),
      typed: ordered.some((columns) => columns[i]?.typed === true),
    })),
    name,
    common(tables.map(({ delimiter }) => delimiter)),
    distinct(tables.flatMap(({ remarks }) => remarks)),
  );
}

/** Several files read in parts, as one. */
export class JoinedFile implements RecordFile {
  readonly name: string;
  readonly #files: readonly RecordFile[];
  /** The number of the first row of each file. */
  #starts: number[] = [];

  constructor(files: readonly RecordFile[], name: string) {
    this.#files = files;
    this.name = name;
  }

  get #first(): RecordFile {
    const [first] = this.#files;
    if (first === undefined) throw new HebbError(`${this.name}: there is no file to read`);
    return first;
  }
  get delimiter(): string | undefined {
    return common(this.#files.map(({ delimiter }) => delimiter));
  }
  get columns(): readonly string[] {
    return this.#first.columns;
  }
  get typed(): readonly boolean[] {
    const places = this.#files.map((file) => (file.columns.length === 0 ? undefined : placesIn(this.#first, file)));
    return this.columns.map((_, i) => this.#files.some(({ typed }, k) => typed[places[k]?.[i] ?? i] === true));
  }
  get remarks(): readonly TableRemark[] {
    return distinct(this.#files.flatMap(({ remarks }) => remarks));
  }

  estimatedRows(first: { readonly rows: number; readonly bytes: number }): number {
    return this.#files.reduce((sum, file) => sum + file.estimatedRows(first), 0);
  }

  async *scan(): AsyncGenerator<Records & { readonly bytes: number }, void, void> {
    const starts: number[] = [];
    let start = 0;
    for (const file of this.#files) {
      starts.push(start);
      let [end, places]: [number, readonly number[] | undefined] = [0, undefined];
      let known = false;
      for await (const { records, row, bytes } of file.scan()) {
        if (!known) places = placesIn(this.#first, file);
        known = true;
        yield { records: inOrder(records, places), row: start + row, bytes };
        end = row + records.length;
      }
      start += end;
    }
    this.#starts = starts;
  }

  /** The files in an order shuffled by `order`, and their blocks shuffled within each. */
  async *blocks(order: Random | undefined): AsyncGenerator<Records, void, void> {
    for (const place of order?.permutation(this.#files.length) ?? this.#files.keys()) {
      const file = this.#files[place];
      if (file === undefined) continue;
      const places = placesIn(this.#first, file);
      for await (const { records, row } of file.blocks(order))
        yield { records: inOrder(records, places), row: at(this.#starts, place) + row };
    }
  }
}

const inOrder = (records: string[][], places: readonly number[] | undefined): string[][] =>
  places === undefined ? records : records.map((record) => places.map((place) => record[place] ?? ""));
