// A table of text cells in named columns, and what each column means: number, category, boolean, date, text or identifier.
import { HebbError } from "../graph/errors.ts";

/** A cell as it was written; undefined when the value is missing. */
export type Cell = string | undefined;

export interface Column {
  readonly name: string;
  readonly cells: readonly Cell[];
}

const missingMarks: ReadonlySet<string> = new Set([
  "",
  "NA",
  "N/A",
  "n/a",
  "na",
  "#N/A",
  "<NA>",
  "NaN",
  "nan",
  "NAN",
  "null",
  "NULL",
  "Null",
  "?",
]);

/** The cell without surrounding blanks, undefined when it marks a missing value ("" NA N/A NaN null ? …). */
function normalizeCell(value: unknown): Cell {
  if (value === undefined || value === null) return undefined;
  const text = String(value).trim();
  return missingMarks.has(text) ? undefined : text;
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
    throw new HebbError(`${this.name} has no column "${name}"${suggest(name, this.columnNames)}`);
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
function suggest(name: string, names: readonly string[]): string {
  const close = names.find((other) => other.trim().toLowerCase() === name.trim().toLowerCase());
  const near = close ?? names.find((other) => other.toLowerCase().includes(name.toLowerCase()) && name.length > 2);
  const list = names.length > 30 ? `${names.slice(0, 30).join(", ")}, … (${names.length} in all)` : names.join(", ");
  return `${near === undefined ? "" : `; did you mean "${near}"?`} The columns are ${list}`;
}

/** How a number is written: 1234.5, or 1,234.5, or 1234,5. */
export type NumberFormat = "plain" | "thousands" | "decimalComma";

/** What a column holds. "identifier" and "text" differ in nearly every row and say nothing that generalises as they are. */
export type ColumnType =
  | {
      readonly kind: "number";
      readonly format: NumberFormat;
      readonly wholeNumbers: boolean;
      readonly unreadable: number;
    }
  | { readonly kind: "category" }
  | { readonly kind: "boolean" }
  | { readonly kind: "date" }
  | { readonly kind: "text" }
  | { readonly kind: "identifier" }
  | { readonly kind: "empty" };

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

const plainNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const thousandsNumber = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;
const decimalCommaNumber = /^[+-]?\d*,\d+$/;

/** The number a cell holds, NaN when it holds none. A leading currency sign and a trailing % are taken off. */
export function parseNumber(cell: string, format: NumberFormat = "plain"): number {
  if (cell.length > 64) return Number.NaN;
  const bare = cell.replace(/^([+-]?)[$€£¥]\s?/, "$1").replace(/\s?%$/, "");
  if (plainNumber.test(bare)) return Number(bare);
  if (format === "thousands" && thousandsNumber.test(bare)) return Number(bare.replaceAll(",", ""));
  if (format === "decimalComma" && decimalCommaNumber.test(bare)) return Number(bare.replace(",", "."));
  return Number.NaN;
}

const datePattern =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** Days since 1970-01-01 of a date such as 2024-05-01, 2024/5/1 or 2024-05-01T12:30:00; NaN for anything else. */
export function parseDate(cell: string): number {
  const match = cell.length > 40 ? null : datePattern.exec(cell);
  if (!match) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  if (year === undefined || month === undefined || day === undefined) return Number.NaN;
  const time = Date.UTC(year, month - 1, day);
  const back = new Date(time);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return Number.NaN;
  return time / 86400000 + ((hour ?? 0) * 3600 + (minute ?? 0) * 60 + (second ?? 0)) / 86400;
}

const booleanPairs: readonly (readonly [string, string])[] = [
  ["false", "true"],
  ["no", "yes"],
  ["n", "y"],
  ["f", "t"],
];
const identifierName = /^(?:id|idx|index|row|row[ _-]?(?:id|number|names?)|rownames|uuid|guid|unnamed.*|.*[ _-]id)$/i;
const camelCaseIdentifier = /[a-z]I[dD]$/;

/** Decides what a column holds from all its cells. Nothing is thrown: what fits no narrower kind is a category or text. */
export function inferColumnType(column: Column): ColumnType {
  const present = column.cells.filter((cell): cell is string => cell !== undefined);
  const count = present.length;
  if (count === 0) return { kind: "empty" };
  const distinct = new Set(present);
  const number = inferNumber(present);
  if (number) {
    const unique = distinct.size === count && count > 10 && number.wholeNumbers && number.unreadable === 0;
    const named = identifierName.test(column.name) || camelCaseIdentifier.test(column.name);
    return unique && named ? { kind: "identifier" } : number;
  }
  const lower = new Set([...distinct].map((value) => value.toLowerCase()));
  if (lower.size <= 2 && booleanPairs.some((pair) => [...lower].every((value) => pair.includes(value))))
    return { kind: "boolean" };
  if (present.every((cell) => !Number.isNaN(parseDate(cell)))) return { kind: "date" };
  // A category is worth learning only if its values come back: here, most rows must share theirs with another row.
  if (count > 20 && distinct.size > count / 2) {
    return present.some((cell) => /\s/.test(cell)) ? { kind: "text" } : { kind: "identifier" };
  }
  return { kind: "category" };
}

function inferNumber(present: readonly string[]): Extract<ColumnType, { kind: "number" }> | undefined {
  for (const format of ["plain", "thousands", "decimalComma"] as const) {
    let unreadable = 0;
    let wholeNumbers = true;
    for (const cell of present) {
      const value = parseNumber(cell, format);
      if (!Number.isFinite(value)) unreadable++;
      else if (!Number.isInteger(value)) wholeNumbers = false;
    }
    // A few slips ("12o", "-") in a long column of numbers are missing values, not a reason to make categories of it.
    if (unreadable === 0 || (present.length >= 40 && unreadable <= present.length * 0.03)) {
      if (unreadable > 0 && format !== "decimalComma") {
        const other = format === "plain" ? "thousands" : "decimalComma";
        if (present.every((cell) => Number.isFinite(parseNumber(cell, other)))) {
          return inferNumberAs(present, other);
        }
      }
      return { kind: "number", format, wholeNumbers, unreadable };
    }
  }
  return undefined;
}

function inferNumberAs(present: readonly string[], format: NumberFormat): Extract<ColumnType, { kind: "number" }> {
  return {
    kind: "number",
    format,
    wholeNumbers: present.every((cell) => Number.isInteger(parseNumber(cell, format))),
    unreadable: 0,
  };
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
  const counts = new Map<string, number>();
  for (const cell of cells) if (cell !== undefined) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

function summarize(column: Column): ColumnSummary {
  const type = inferColumnType(column);
  const counts = countValues(column.cells);
  const base = {
    name: column.name,
    kind: type.kind,
    rows: column.cells.length,
    missing: column.cells.filter((cell) => cell === undefined).length,
    distinct: counts.length,
  };
  if (type.kind === "number" || type.kind === "date") {
    const range = numberSummary(numericCells(column, type));
    return range ? { ...base, range } : base;
  }
  return type.kind === "empty" ? base : { ...base, top: counts.slice(0, 10) };
}
