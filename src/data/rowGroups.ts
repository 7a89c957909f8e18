// Tables with typed cells, in groups of rows: together they form a table in memory, one by one a stream.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { type Cell, type CellValue, cellOf } from "./cells.ts";
import { listColumns } from "./columnNames.ts";
import { nameColumns } from "./csv.ts";
import type { RecordFile, Records } from "./recordFile.ts";
import { Table } from "./table.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** Some rows of a table, column by column. */
export interface RowGroup {
  /** Names as in the file. */
  readonly names: readonly string[];
  readonly values: readonly (readonly CellValue[])[];
  /** Columns of numbers stored as text, such as decimals; a column that holds a number is numeric anyway. */
  readonly numbers?: readonly boolean[];
  /** Remarks about the reading. */
  readonly remarks?: readonly TableRemark[];
}

/** A table that can be reread from its start. */
export interface RowGroups {
  readonly name: string;
  /** The number of rows, if the format declares it. */
  readonly rows?: number | undefined;
  read(): AsyncGenerator<RowGroup, void, void>;
}

const withoutRows = (name: string, columns: readonly string[]): HebbError =>
  columns.length === 0
    ? new HebbError(`${name} has no columns; write the table again`)
    : new HebbError(`${name} has columns (${listColumns(columns)}) but no rows`);

const holdsNumber = (values: readonly CellValue[]): boolean => values.some((value) => typeof value === "number");

/** All groups at once. Throws HebbError for a table without columns or rows. */
export async function tableOf({ name, read }: Pick<RowGroups, "name" | "read">): Promise<Table> {
  let columns: { readonly name: string; readonly cells: Cell[]; typed: boolean }[] | undefined;
  let remarks: readonly TableRemark[] = [];
  for await (const { names, values, numbers, remarks: said = [] } of read()) {
    if (columns === undefined) {
      const named = nameColumns(names);
      remarks = [...said, ...named.remarks];
      columns = named.names.map((column) => ({ name: column, cells: [], typed: false }));
    }
    for (const [place, column] of columns.entries()) {
      const own = at(values, place);
      if (numbers?.[place] === true || holdsNumber(own)) column.typed = true;
      for (const value of own) column.cells.push(cellOf(value));
    }
  }
  if (columns === undefined || columns.length === 0) throw withoutRows(name, []);
  if (columns[0]?.cells.length === 0)
    throw withoutRows(
      name,
      columns.map((column) => column.name),
    );
  return new Table(columns, name, undefined, remarks);
}

/** Groups as records, always from the start: most of these formats have no random access. */
export class GroupedFile implements RecordFile {
  readonly name: string;
  readonly delimiter = undefined;
  readonly #groups: RowGroups;
  #columns: readonly string[] = [];
  #remarks: readonly TableRemark[] = [];
  #typed: boolean[] = [];
  #rows: number | undefined;

  constructor(groups: RowGroups) {
    this.name = groups.name;
    this.#groups = groups;
  }

  get columns(): readonly string[] {
    return this.#columns;
  }
  get typed(): readonly boolean[] {
    return this.#typed;
  }
  get remarks(): readonly TableRemark[] {
    return this.#remarks;
  }

  estimatedRows({ rows }: { readonly rows: number }): number {
    return this.#rows ?? this.#groups.rows ?? 100 * rows;
  }

  async *scan(): AsyncGenerator<Records & { readonly bytes: number }, void, void> {
    let row = 0;
    for await (const { names, values, numbers, remarks = [] } of this.#groups.read()) {
      if (row === 0) {
        const named = nameColumns(names);
        this.#columns = named.names;
        this.#remarks = [...remarks, ...named.remarks];
        if (this.#typed.length === 0) this.#typed = named.names.map(() => false);
      }
      const count = values[0]?.length ?? 0;
      for (const [place, column] of values.entries())
        if (numbers?.[place] === true || holdsNumber(column)) this.#typed[place] = true;
      if (count === 0) continue;
      const records = Array.from({ length: count }, (_, i) => values.map((column) => cellOf(column[i]) ?? ""));
      yield { records, row, bytes: 0 };
      row += count;
    }
    if (row === 0) throw withoutRows(this.name, this.#columns);
    if (this.#rows !== undefined && this.#rows !== row)
      throw new HebbError(
        `${this.name} gave ${this.#rows} rows, and now gives ${row}; leave it unchanged while it is read, and retrain`,
      );
    this.#rows = row;
  }

  blocks(): AsyncGenerator<Records, void, void> {
    return this.scan();
  }
}
