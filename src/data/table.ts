// A table of text cells in named columns, with column types and summary statistics.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { quoted } from "../graph/visible.ts";
import { type Cell, cellOf, isCellValue } from "./cells.ts";
import { type ChosenTypes, chosenTypes, type TypeChoices } from "./chosenTypes.ts";
import { findColumn, matchColumn } from "./columnNames.ts";
import { type ColumnType, type ColumnTypeName, typeName } from "./columnType.ts";
import { decideTypes } from "./columnTypes.ts";
import { type ColumnEvidence, evidenceOf } from "./evidence.ts";
import { flatRow, NestedColumns } from "./nestedRows.ts";
import { asText, type Reading, readerOf, spellings } from "./reading.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** Throws unless the first argument of a function is a table. */
export function checkTable(where: string, table: unknown): asserts table is Table {
  if (!(table instanceof Table))
    throw new HebbError(
      `${where}: takes a Table first, got ${describe(table)}; make one with parseCsv(text) or Table.fromRows(rows)`,
    );
}

export interface Column {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** Whether the cells were numbers before conversion to text, so that a point in them is a decimal point. */
  readonly typed?: boolean;
}

/** A column with its evidence, and the type decided from all columns together. */
export interface JudgedColumn extends Column {
  readonly evidence: ColumnEvidence;
  readonly type: ColumnType;
}

/** The cells of a column as text. Throws HebbError that names the row of an unsupported value. */
function textCells(values: readonly unknown[], column: string, table: string): Cell[] {
  return values.map((value, row) => {
    if (isCellValue(value)) return cellOf(value);
    throw new HebbError(
      `${table}: column ${quoted(column)} has ${describe(value)} in row ${row + 1}; a cell is a string, a number, a boolean or a date`,
    );
  });
}

const areNumbers = (values: readonly unknown[]): boolean =>
  values.some((value) => typeof value === "number") &&
  values.every((value) => value === null || ["number", "bigint", "boolean", "undefined"].includes(typeof value));

/** Throws, by name, unless the columns are named lists of cells. */
function checkColumns(columns: unknown, table: unknown): void {
  const takes = 'new Table: takes a list of columns such as [{ name: "age", cells: [41] }]';
  if (!Array.isArray(columns))
    throw new HebbError(
      `${takes}, got ${describe(columns)}; parseCsv(text) reads the text of a CSV file, Table.fromRows(rows) takes objects`,
    );
  if (typeof table !== "string")
    throw new HebbError(`new Table: the name of the table is a string, got ${describe(table)}`);
  columns.forEach((column: unknown, i) => {
    if (typeof column !== "object" || column === null)
      throw new HebbError(`${takes}, but column ${i + 1} is ${describe(column)}`);
    const { name, cells }: { readonly name?: unknown; readonly cells?: unknown } = column;
    if (typeof name !== "string")
      throw new HebbError(`${takes}, but the name of column ${i + 1} is ${describe(name)}; give it a string`);
    if (!Array.isArray(cells))
      throw new HebbError(`${takes}, but the cells of column ${quoted(name)} are ${describe(cells)}; give it a list`);
  });
}

/** Columns of equal length with distinct names. Rows are counted from 1 in messages. */
export class Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rowCount: number;
  /** The delimiter of the file. */
  readonly delimiter: string | undefined;
  /** Remarks about reading the file. */
  readonly remarks: readonly TableRemark[];
  readonly #places: ReadonlyMap<string, number>;
  #judged: readonly JudgedColumn[] | undefined;
  #chosen: ChosenTypes = new Map();

  constructor(
    columns: readonly { readonly name: string; readonly cells: readonly unknown[]; readonly typed?: boolean }[],
    name = "the table",
    delimiter?: string,
    remarks: readonly TableRemark[] = [],
  ) {
    checkColumns(columns, name);
    const rowCount = columns[0]?.cells.length ?? 0;
    const places = new Map<string, number>();
    columns.forEach((column, i) => {
      if (column.name === "") throw new HebbError(`${name}: column ${i + 1} has no name; give it one`);
      if (column.cells.length !== rowCount) {
        throw new HebbError(
          `${name}: column ${quoted(column.name)} has ${column.cells.length} rows, ${quoted(columns[0]?.name ?? "")} has ${rowCount}; every column needs the same number`,
        );
      }
      if (places.has(column.name))
        throw new HebbError(`${name}: two columns are called ${quoted(column.name)}; rename one`);
      places.set(column.name, i);
    });
    this.name = name;
    this.columns = columns.map(({ name: column, cells, typed = areNumbers(cells) }) => ({
      name: column,
      cells: textCells(cells, column, name),
      ...(typed ? { typed } : {}),
    }));
    this.rowCount = rowCount;
    this.delimiter = delimiter;
    this.remarks = remarks;
    this.#places = places;
  }

  /**
   * A table from objects such as parsed JSON; the columns are all keys, in order of appearance. Objects in cells become columns too: {
   * user: { age: 41 } } has the column user.age.
   */
  static fromRows(rows: readonly Readonly<Record<string, unknown>>[], name = "the table"): Table {
    const takes = "Table.fromRows: takes a list of objects such as [{ age: 41 }]";
    if (!Array.isArray(rows)) throw new HebbError(`${takes}, got ${describe(rows)}; put one row into a list`);
    const odd = rows.findIndex((row) => typeof row !== "object" || row === null);
    if (odd >= 0) throw new HebbError(`${takes}, but row ${odd + 1} is ${describe(rows[odd])}`);
    const flat = rows.map(flatRow);
    const columns = new NestedColumns();
    for (const row of flat) columns.add(row);
    const { names } = columns;
    if (rows.length > 0 && names.length === 0)
      throw new HebbError(
        `${name} holds ${rows.length === 1 ? "an empty object" : `${rows.length} empty objects`}; give each row its cells by column name`,
      );
    return new Table(
      names.map((column) => ({ name: column, cells: flat.map((row) => row.get(column)) })),
      name,
    );
  }

  get columnNames(): readonly string[] {
    return this.columns.map((column) => column.name);
  }

  /** Whether there is a column of that name, or a close match. */
  has(column: string): boolean {
    return matchColumn(column, this.columnNames) !== undefined;
  }

  /**
   * The column of that name. A name that differs in capitals, blanks or invisible characters also matches, if it is the only one. Throws
   * HebbError that lists the existing columns.
   */
  column(name: string): Column {
    return this.#at(name, this.columns);
  }

  /** A column with its type. The first call judges all columns. */
  judged(name: string): JudgedColumn {
    return this.#at(name, this.judgedColumns);
  }

  #at<T>(name: string, columns: readonly T[]): T {
    const exact = this.#places.has(name) ? name : findColumn(this.name, this.columnNames, name);
    const found = columns[this.#places.get(exact) ?? -1];
    if (found === undefined) throw new HebbError(`${this.name} has no column ${quoted(name)}`);
    return found;
  }

  /** The same table with chosen column types in place of the inferred ones, under the table's spelling of the names. */
  as(choices: TypeChoices): Table {
    const chosen = chosenTypes(choices);
    const own = this.#chosen;
    if (chosen.size === own.size && [...chosen].every(([name, list]) => own.get(name) === list)) return this;
    const table = new Table(this.columns, this.name, this.delimiter, this.remarks);
    table.#chosen = chosen;
    return table;
  }

  /** All columns with their types, decided from all of them together. */
  get judgedColumns(): readonly JudgedColumn[] {
    if (this.#judged === undefined) {
      const seen = this.columns.map((column) => ({ ...column, evidence: evidenceOf(column.cells) }));
      const types = decideTypes(seen, this.delimiter, this.#chosen);
      this.#judged = seen.map((column, place) => ({
        ...column,
        type: types[place] ?? { kind: "empty", reading: asText },
      }));
    }
    return this.#judged;
  }

  /** A table of these rows (counted from 0), in this order. */
  select(rows: ArrayLike<number>): Table {
    const order = Array.from(rows);
    for (const row of order) {
      if (!Number.isInteger(row) || row < 0 || row >= this.rowCount) {
        throw new HebbError(`${this.name} has ${this.rowCount} rows, so there is no row ${row} (counted from 0)`);
      }
    }
    return new Table(
      this.columns.map((column) => ({ ...column, cells: order.map((row) => column.cells[row]) })),
      this.name,
      this.delimiter,
      this.remarks,
    );
  }

  /** The table without these columns; unknown names are ignored. */
  drop(...names: string[]): Table {
    return new Table(
      this.columns.filter((column) => !names.includes(column.name)),
      this.name,
      this.delimiter,
      this.remarks,
    );
  }

  /** A summary of each column, in order. */
  describe(): ColumnSummary[] {
    return this.judgedColumns.map(summarize);
  }
}

export interface ColumnSummary {
  readonly name: string;
  readonly kind: ColumnTypeName;
  readonly rows: number;
  readonly missing: number;
  readonly distinct: number;
  /** For numbers, dates (days since 1970) and durations (seconds). */
  readonly range?: {
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly std: number;
    readonly median: number;
  };
  /** The most frequent values, up to ten. */
  readonly top?: readonly { readonly value: string; readonly count: number }[];
}

/** The numbers of a column (days for dates, seconds for durations); NaN if missing or unreadable. */
export function numericCells(column: Column, reading: Reading): Float64Array {
  const reader = readerOf(reading, column.typed);
  return Float64Array.from(column.cells, (cell) => reader.number(cell));
}

/** Mean, population standard deviation, extremes and median of the values that are not NaN; undefined if there are none. */
export function numberSummary(values: Float64Array): NonNullable<ColumnSummary["range"]> | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const count = sorted.length;
  const min = sorted[0];
  const max = sorted[count - 1];
  if (min === undefined || max === undefined) return undefined;
  // Rounding would give equal values a tiny spread, and a constant target would seem to vary.
  if (min === max) return { min, max, mean: min, std: 0, median: min };
  // Scaled by the largest magnitude, so that sums of huge values do not overflow.
  const scale = Math.max(Math.abs(min), Math.abs(max)) || 1;
  let mean = 0;
  for (const value of sorted) mean += value / scale / count;
  let variance = 0;
  for (const value of sorted) variance += (value / scale - mean) ** 2 / count;
  const middle = count >> 1;
  const upper = sorted[middle] ?? 0;
  const median = count % 2 === 1 ? upper : (sorted[middle - 1] ?? 0) / 2 + upper / 2;
  return { min, max, mean: mean * scale, std: Math.sqrt(variance) * scale, median };
}

function summarize({ name, cells, typed = false, evidence, type }: JudgedColumn): ColumnSummary {
  const reader = readerOf(type.reading, typed);
  const missing = cells.filter((cell) => !reader.reads(cell)).length;
  const values = spellings(evidence.counts(), reader);
  const distinct = evidence.values.overflowed
    ? new Set(cells.flatMap((cell) => (cell !== undefined && reader.reads(cell) ? [reader.key(cell)] : []))).size
    : values.length;
  const base = { name, kind: typeName(type), rows: cells.length, missing, distinct };
  if (type.kind === "number" || type.kind === "date" || type.kind === "duration") {
    const range = numberSummary(numericCells({ name, cells, typed }, type.reading));
    return range ? { ...base, range } : base;
  }
  const top = values.slice(0, 10).map(({ value, count }) => ({ value, count }));
  return type.kind === "empty" ? base : { ...base, top };
}
