// A table of text cells in named columns, and the figures that describe its columns.
import { HebbError } from "../graph/errors.ts";
import { type Cell, type NumberFormat, normalizeCell, parseDate, parseNumber } from "./cells.ts";
import { type ColumnType, evidenceOf, ValueCounts } from "./evidence.ts";

export interface Column {
  readonly name: string;
  readonly cells: readonly Cell[];
}

/** Columns of equal length with distinct names. Rows are counted from 1 in messages. */
export class Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rowCount: number;
  private readonly places: ReadonlyMap<string, number>;

  constructor(columns: readonly { readonly name: string; readonly cells: readonly unknown[] }[], name = "the table") {
    const rowCount = columns[0]?.cells.length ?? 0;
    const places = new Map<string, number>();
    columns.forEach((column, i) => {
      if (column.cells.length !== rowCount) {
        throw new HebbError(
          `${name}: column "${column.name}" has ${column.cells.length} rows, "${columns[0]?.name}" has ${rowCount}; every column needs the same number`,
        );
      }
      if (places.has(column.name)) throw new HebbError(`${name}: two columns are called "${column.name}"; rename one`);
      places.set(column.name, i);
    });
    this.name = name;
    this.columns = columns.map((column) => ({ name: column.name, cells: column.cells.map(normalizeCell) }));
    this.rowCount = rowCount;
    this.places = places;
  }

  /** A table from objects such as parsed JSON; the columns are the keys of all of them, in order of appearance. */
  static fromRows(rows: readonly Readonly<Record<string, unknown>>[], name = "the table"): Table {
    const names = new Set<string>();
    for (const row of rows) for (const key of Object.keys(row)) names.add(key);
    return new Table(
      [...names].map((key) => ({
        name: key,
        cells: rows.map((row) => (Object.hasOwn(row, key) ? row[key] : undefined)),
      })),
      name,
    );
  }

  get columnNames(): readonly string[] {
    return this.columns.map((column) => column.name);
  }

  has(column: string): boolean {
    return this.places.has(column);
  }

  /** The column of that name; the error names the ones there are, the nearest spelling first. */
  column(name: string): Column {
    const place = this.places.get(name);
    const found = place === undefined ? undefined : this.columns[place];
    if (found) return found;
    throw new HebbError(`${this.name} has no column "${name}"${suggestColumn(name, this.columnNames)}`);
  }

  /** The table of these rows (counted from 0), in this order. */
  select(rows: ArrayLike<number>): Table {
    const order = Array.from(rows);
    for (const row of order) {
      if (!Number.isInteger(row) || row < 0 || row >= this.rowCount) {
        throw new HebbError(`${this.name} has ${this.rowCount} rows, there is no row ${row} (counted from 0)`);
      }
    }
    return new Table(
      this.columns.map((column) => ({ name: column.name, cells: order.map((row) => column.cells[row]) })),
      this.name,
    );
  }

  /** The table without these columns; names that do not occur are ignored. */
  drop(...names: string[]): Table {
    return new Table(
      this.columns.filter((column) => !names.includes(column.name)),
      this.name,
    );
  }

  /** What each column holds, in order. */
  describe(): ColumnSummary[] {
    return this.columns.map(summarize);
  }
}

/** `; the columns are a, b, c`, the most similar name in front when one is close. */
export function suggestColumn(name: string, names: readonly string[]): string {
  const close = names.find((other) => other.trim().toLowerCase() === name.trim().toLowerCase());
  const near = close ?? names.find((other) => other.toLowerCase().includes(name.toLowerCase()) && name.length > 2);
  const list = names.length > 30 ? `${names.slice(0, 30).join(", ")}, … (${names.length} in all)` : names.join(", ");
  return near === undefined ? `; the columns are ${list}` : `; did you mean "${near}"? The columns are ${list}`;
}

export interface ColumnSummary {
  readonly name: string;
  readonly kind: ColumnType["kind"];
  readonly rows: number;
  readonly missing: number;
  readonly distinct: number;
  /** For numbers (dates: days since 1970). */
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

/** The numbers of a column (days for dates), NaN where missing or unreadable. */
export function numericCells(
  column: Column,
  type: { readonly kind: "number"; readonly format: NumberFormat } | { readonly kind: "date" },
): Float64Array {
  const out = new Float64Array(column.cells.length);
  column.cells.forEach((cell, row) => {
    const value =
      cell === undefined ? Number.NaN : type.kind === "date" ? parseDate(cell) : parseNumber(cell, type.format);
    out[row] = Number.isFinite(value) ? value : Number.NaN;
  });
  return out;
}

/** Mean, standard deviation (of the population), extremes and median of the values that are not NaN; undefined when there are none. */
export function numberSummary(values: Float64Array): NonNullable<ColumnSummary["range"]> | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const count = sorted.length;
  const min = sorted[0];
  const max = sorted[count - 1];
  if (min === undefined || max === undefined) return undefined;
  // Rounding would make a tiny spread of equal values, and a target of one value would look as if it varied.
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

/** How often each value occurs, the most frequent first; ties in code-unit order. */
export function countValues(cells: Iterable<Cell>): { value: string; count: number }[] {
  const counts = new ValueCounts();
  for (const cell of cells) if (cell !== undefined) counts.add(cell);
  return counts.sorted();
}

function summarize(column: Column): ColumnSummary {
  const evidence = evidenceOf(column.cells);
  const type = evidence.type(column.name);
  const base = {
    name: column.name,
    kind: type.kind,
    rows: column.cells.length,
    missing: evidence.missing,
    distinct: evidence.values.size,
  };
  if (type.kind === "number" || type.kind === "date") {
    const range = numberSummary(numericCells(column, type));
    return range ? { ...base, range } : base;
  }
  return type.kind === "empty" ? base : { ...base, top: evidence.values.sorted().slice(0, 10) };
}
