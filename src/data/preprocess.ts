// From a table to numbers a network can take: the fitted preprocessing as plain JSON, and what it makes of any rows.
import { HebbError } from "../graph/errors.ts";
import { type Cell, type NumberFormat, parseDate, parseNumber } from "./cells.ts";
import type { Table } from "./table.ts";

export type Task = "classification" | "regression";

/** What a date repeats with: each cycle becomes two features, sine and cosine. */
export const cycleNames = ["year", "week", "day"] as const;
export type CycleName = (typeof cycleNames)[number];

/** How one column of the table becomes features. */
export type InputEncoding =
  | {
      readonly kind: "number" | "date";
      readonly column: string;
      readonly format: NumberFormat;
      /** "log": sign(x) · log(1 + |x|) is taken first; for long-tailed amounts. */
      readonly transform: "none" | "log";
      /** Stands in for a missing value (after the transform): the median, unless another policy was chosen. */
      readonly median: number;
      readonly mean: number;
      readonly scale: number;
      /** Whether a further feature says 1 where the value was missing. */
      readonly missingIndicator: boolean;
      /** Of dates, which are days since 1970 to begin with. */
      readonly cycles: readonly CycleName[];
      /** Whether rows without a value are left out of training and evaluation. */
      readonly dropMissing: boolean;
    }
  | {
      readonly kind: "category";
      readonly column: string;
      /** One feature for each; a value not listed sets none of them, or "other" when there is such a feature. */
      readonly categories: readonly string[];
      readonly other: boolean;
      readonly missing: boolean;
      /** Stands in for a missing value. */
      readonly fill: string | null;
      readonly dropMissing: boolean;
    };

export type NumberInput = Extract<InputEncoding, { kind: "number" | "date" }>;
export type CategoryInput = Extract<InputEncoding, { kind: "category" }>;

export type TargetEncoding =
  | {
      readonly kind: "classes";
      readonly column: string;
      /** Class names as text; the target of a row is its place in this list. */
      readonly classes: readonly string[];
      /** Rows of each class among those fitted. */
      readonly counts: readonly number[];
      /** Whether the names are numbers, so that "1" and "1.0" are one class. */
      readonly numeric: boolean;
    }
  | {
      readonly kind: "number";
      readonly column: string;
      readonly format: NumberFormat;
      /** "log": sign(y) · log(1 + |y|) is taken first. */
      readonly transform: "none" | "log";
      /** target = (value − mean) / scale. */
      readonly mean: number;
      readonly scale: number;
    };

/** The fitted preprocessing of a table. Plain JSON. */
export interface TablePreprocessing {
  readonly kind: "table";
  readonly version: 1;
  readonly inputs: readonly InputEncoding[];
  /** One name for each feature, such as "age", "age (missing)", "sex = female". */
  readonly featureNames: readonly string[];
  readonly target: TargetEncoding;
  /** The column that says what each row counts for. */
  readonly weights: string | null;
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  /** What was decided, in sentences for the user. */
  readonly notes: readonly string[];
}

export interface AppliedTable {
  /** Row-major [rows, featureCount]. */
  readonly features: Float32Array;
  readonly featureCount: number;
  /** Class numbers [rows], or scaled values [rows]; absent when the table has no target column or it was not asked for. */
  readonly targets?: Int32Array | Float32Array;
  /** What each row counts for [rows]; where the preprocessing names a column for it and targets are asked for. */
  readonly weights?: Float32Array;
  /** The table row (from 0) of each row of features: rows without a target are left out when targets are asked for. */
  readonly rows: Int32Array;
}

/** sign(x) · log(1 + |x|). */
export const logTransform = (x: number): number => Math.sign(x) * Math.log1p(Math.abs(x));
const logInverse = (x: number): number => Math.sign(x) * Math.expm1(Math.abs(x));

/** "1", "1.0" and "01" name one class when all class names are numbers. */
export function className(cell: string, numeric: boolean): string {
  if (!numeric) return cell;
  const value = parseNumber(cell, "thousands");
  return Number.isFinite(value) ? String(value) : cell;
}

export const show = (cell: Cell): string =>
  cell === undefined ? "nothing" : `"${cell.length > 40 ? `${cell.slice(0, 40)}…` : cell}"`;

/** The names of the features of a column. */
export function featureNamesOf(input: InputEncoding): string[] {
  if (input.kind !== "category") {
    const cycles = input.cycles.flatMap((cycle) => [
      `${input.column} (${cycle}, sine)`,
      `${input.column} (${cycle}, cosine)`,
    ]);
    return [input.column, ...cycles, ...(input.missingIndicator ? [`${input.column} (missing)`] : [])];
  }
  const names = input.categories.map((category) => `${input.column} = ${category}`);
  if (input.other) names.push(`${input.column} (other)`);
  if (input.missing) names.push(`${input.column} (missing)`);
  return names;
}

const daysOf: Readonly<Record<CycleName, number>> = { year: 365.2425, week: 7, day: 1 };

/** Values far outside what was fitted stay finite. */
const clampToFloat = (value: number): number => Math.max(-1e6, Math.min(1e6, value));

/** The features of one column, written cell by cell. */
interface ColumnWriter {
  readonly input: InputEncoding;
  /** Where the column stands in a record. */
  readonly place: number;
  /** Its first feature. */
  readonly at: number;
  write(cell: Cell, row: number, out: Float32Array, from: number): void;
  /** Cells that could not be read, and the first of them. */
  unreadable: number;
  first: { readonly row: number; readonly cell: Cell };
}

function numberWriter(input: NumberInput, place: number, at: number): ColumnWriter {
  const writer: ColumnWriter = {
    input,
    place,
    at,
    unreadable: 0,
    first: { row: -1, cell: undefined },
    write(cell, row, out, from) {
      let value =
        cell === undefined ? Number.NaN : input.kind === "date" ? parseDate(cell) : parseNumber(cell, input.format);
      if (cell !== undefined && !Number.isFinite(value)) {
        if (writer.unreadable++ === 0) writer.first = { row, cell };
        value = Number.NaN;
      }
      const missing = Number.isNaN(value);
      const level = missing ? input.median : input.transform === "log" ? logTransform(value) : value;
      out[from++] = clampToFloat((level - input.mean) / input.scale);
      for (const cycle of input.cycles) {
        const turn = (2 * Math.PI * value) / daysOf[cycle];
        out[from++] = missing ? 0 : Math.sin(turn);
        out[from++] = missing ? 0 : Math.cos(turn);
      }
      if (input.missingIndicator) out[from] = missing ? 1 : 0;
    },
  };
  return writer;
}

function categoryWriter(input: CategoryInput, place: number, at: number): ColumnWriter {
  const places = new Map(input.categories.map((category, i) => [category, i]));
  const otherPlace = input.other ? input.categories.length : undefined;
  const missingPlace = input.missing ? input.categories.length + (input.other ? 1 : 0) : undefined;
  return {
    input,
    place,
    at,
    unreadable: 0,
    first: { row: -1, cell: undefined },
    write(cell, _, out, from) {
      const value = cell ?? input.fill ?? undefined;
      const which = value === undefined ? missingPlace : (places.get(value) ?? otherPlace);
      if (which !== undefined) out[from + which] = 1;
    },
  };
}

/**
 * Turns records (the cells of a row, in the order of `columns`) into features, one after the other. Throws HebbError naming the
 * columns that are missing.
 */
export class RowEncoder {
  readonly width: number;
  readonly #name: string;
  readonly #pre: TablePreprocessing;
  readonly #writers: readonly ColumnWriter[];
  readonly #dropping: readonly number[];
  readonly #target: number | undefined;
  readonly #weight: number | undefined;
  readonly #classes: ReadonlyMap<string, number>;

  constructor(
    pre: TablePreprocessing,
    columns: readonly string[],
    options: { readonly name: string; readonly targets: boolean },
  ) {
    const { name, targets } = options;
    const places = new Map(columns.map((column, place) => [column, place]));
    const absent = [
      ...pre.inputs.map((input) => input.column),
      ...(targets && pre.weights !== null ? [pre.weights] : []),
    ]
      .filter((column) => !places.has(column))
      .map((column) => `"${column}"`);
    if (absent.length > 0) {
      throw new HebbError(
        `${name} lacks ${absent.length === 1 ? "column" : "columns"} ${absent.join(", ")} that the model was trained on; add ${absent.length === 1 ? "it" : "them"} (empty cells are fine). The columns are ${columns.join(", ")}`,
      );
    }
    const placeOf = (column: string): number => places.get(column) ?? -1;
    let at = 0;
    this.#writers = pre.inputs.map((input) => {
      const from = at;
      at += featureNamesOf(input).length;
      return input.kind === "category"
        ? categoryWriter(input, placeOf(input.column), from)
        : numberWriter(input, placeOf(input.column), from);
    });
    this.width = at;
    this.#name = name;
    this.#pre = pre;
    this.#dropping = targets ? this.#writers.filter(({ input }) => input.dropMissing).map(({ place }) => place) : [];
    this.#target = targets ? placeOf(pre.target.column) : undefined;
    this.#weight = targets && pre.weights !== null ? placeOf(pre.weights) : undefined;
    this.#classes = new Map(pre.target.kind === "classes" ? pre.target.classes.map((label, i) => [label, i]) : []);
  }

  /** Whether a row is to be used: it has a target, if one is asked for, and no gap where gaps are not filled. */
  takes(record: readonly Cell[]): boolean {
    if (this.#target !== undefined && record[this.#target] === undefined) return false;
    for (const place of this.#dropping) if (record[place] === undefined) return false;
    return true;
  }

  /** Writes the features of a record; `out` holds zeros there. `row` (from 0) is for messages. */
  features(record: readonly Cell[], row: number, out: Float32Array, from: number): void {
    for (const writer of this.#writers) writer.write(record[writer.place], row, out, from + writer.at);
  }

  /** The class number or scaled value. Throws HebbError for a class that was not there when fitting, and for text as a number. */
  target(record: readonly Cell[], row: number): number {
    const { target } = this.#pre;
    const cell = this.#target === undefined ? undefined : record[this.#target];
    if (target.kind === "number") {
      const value = parseNumber(cell ?? "", target.format);
      if (!Number.isFinite(value)) {
        throw new HebbError(
          `${this.#name}: the target "${target.column}" must hold numbers, but row ${row + 1} has ${show(cell)}; mend that cell or leave it empty`,
        );
      }
      return ((target.transform === "log" ? logTransform(value) : value) - target.mean) / target.scale;
    }
    const place = this.#classes.get(className(cell ?? "", target.numeric));
    if (place === undefined) {
      const known =
        target.classes.length > 12 ? `${target.classes.slice(0, 12).join(", ")}, …` : target.classes.join(", ");
      throw new HebbError(
        `${this.#name}: the target "${target.column}" is ${show(cell)} in row ${row + 1}, a class the model does not know; the classes are ${known}`,
      );
    }
    return place;
  }

  /** Whether rows have weights of their own. */
  get weighted(): boolean {
    return this.#weight !== undefined;
  }

  /** What a row counts for. Throws HebbError for anything but a number of at least 0. */
  weight(record: readonly Cell[], row: number): number {
    const cell = this.#weight === undefined ? "1" : record[this.#weight];
    const value = parseNumber(cell ?? "");
    if (!(value >= 0 && Number.isFinite(value)))
      throw new HebbError(
        `${this.#name}: the weight "${this.#pre.weights}" must be a number of at least 0, but row ${row + 1} has ${show(cell)}; mend that cell`,
      );
    return value;
  }

  /** Single slips are missing values, a column of text is a mistake: the same tolerance as when types were inferred. */
  check(rows: number): void {
    for (const { input, unreadable, first } of this.#writers) {
      if (unreadable <= Math.max(0, rows * 0.03)) continue;
      throw new HebbError(
        `${this.#name}: column "${input.column}" must hold ${input.kind === "date" ? "dates such as 2024-05-01" : "numbers"}, but row ${first.row + 1} has ${show(first.cell)}; mend it or leave the cell empty`,
      );
    }
  }
}

export interface ApplyPreprocessingOptions {
  /** "required" (default when the table has the target column): rows without it are left out. "none": features only. */
  readonly targets?: "required" | "none";
}

/**
 * Features [rows, d] and targets of any table with the same columns; their order, and further columns, do not matter.
 * Throws HebbError naming a column that is missing, a cell that is no number, or a class that was not there when fitting.
 */
export function applyPreprocessing(
  pre: TablePreprocessing,
  table: Table,
  options: ApplyPreprocessingOptions = {},
): AppliedTable {
  const wanted = (options.targets ?? (table.has(pre.target.column) ? "required" : "none")) === "required";
  if (wanted) table.column(pre.target.column);
  const encoder = new RowEncoder(pre, table.columnNames, { name: table.name, targets: wanted });
  const columns = table.columns.map(({ cells }) => cells);
  const record: Cell[] = columns.map(() => undefined);
  const load = (row: number): void => {
    for (let i = 0; i < columns.length; i++) record[i] = columns[i]?.[row];
  };
  const taken = new Int32Array(table.rowCount);
  let count = 0;
  for (let row = 0; row < table.rowCount; row++) {
    load(row);
    if (encoder.takes(record)) taken[count++] = row;
  }
  const rows = taken.slice(0, count);
  const { width } = encoder;
  if (count * width > 2 ** 29) {
    throw new HebbError(
      `${table.name} becomes ${count} × ${width} features, more than 2^29; use fewer rows or columns`,
    );
  }
  const features = new Float32Array(count * width);
  const targets = pre.target.kind === "classes" ? new Int32Array(count) : new Float32Array(count);
  const weights = new Float32Array(encoder.weighted ? count : 0);
  for (let i = 0; i < count; i++) {
    const row = rows[i] ?? 0;
    load(row);
    encoder.features(record, row, features, i * width);
    if (wanted) targets[i] = encoder.target(record, row);
    if (encoder.weighted) weights[i] = encoder.weight(record, row);
  }
  encoder.check(count);
  const base = { features, featureCount: width, rows };
  if (!wanted) return base;
  return encoder.weighted ? { ...base, targets, weights } : { ...base, targets };
}

/** A scaled target back in the units of the table: value · scale + mean, and out of the logarithm. Only for a numeric target. */
export function inverseTarget(target: TargetEncoding, value: number): number {
  if (target.kind !== "number")
    throw new HebbError(`the target "${target.column}" is a class, not a number; take its name from target.classes`);
  const level = value * target.scale + target.mean;
  return target.transform === "log" ? logInverse(level) : level;
}

/** Weights that give every class the same say: rows / (classes · count), 0 for a class without rows. */
export function classWeights(counts: readonly number[]): Float32Array {
  const present = counts.filter((count) => count > 0).length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => (count > 0 ? total / (present * count) : 0));
}
