// From a table to numbers a network can take: fitted once on the training rows, kept as plain JSON, applied to any rows later.
import { HebbError } from "../graph/errors.ts";
import {
  type Cell,
  type Column,
  type ColumnType,
  countValues,
  inferColumnType,
  type NumberFormat,
  numberSummary,
  numericCells,
  parseDate,
  parseNumber,
  type Table,
} from "./table.ts";

export type Task = "classification" | "regression";

/** How one column of the table becomes features. */
export type InputEncoding =
  | {
      readonly kind: "number" | "date";
      readonly column: string;
      readonly format: NumberFormat;
      /** "log": sign(x) · log(1 + |x|) is taken first; for long-tailed amounts. */
      readonly transform: "none" | "log";
      /** Stands in for a missing value (after the transform). */
      readonly median: number;
      readonly mean: number;
      readonly scale: number;
      /** Whether a further feature says 1 where the value was missing. */
      readonly missingIndicator: boolean;
    }
  | {
      readonly kind: "category";
      readonly column: string;
      /** One feature for each; a value not listed sets none of them, or "other" when there is such a feature. */
      readonly categories: readonly string[];
      readonly other: boolean;
      readonly missing: boolean;
    };

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
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  /** What was decided, in sentences for the user. */
  readonly notes: readonly string[];
}

export interface FitPreprocessingOptions {
  readonly target: string;
  /** Inferred from the target column when not given. */
  readonly task?: Task;
  /** The rows that means, medians and categories are taken from (default all): pass the training rows, so that nothing leaks. */
  readonly rows?: ArrayLike<number>;
  /** Columns not to use. */
  readonly ignore?: readonly string[];
}

export interface AppliedTable {
  /** Row-major [rows, featureCount]. */
  readonly features: Float32Array;
  readonly featureCount: number;
  /** Class numbers [rows], or scaled values [rows]; absent when the table has no target column or it was not asked for. */
  readonly targets?: Int32Array | Float32Array;
  /** The table row (from 0) of each row of features: rows without a target are left out when targets are asked for. */
  readonly rows: Int32Array;
}

const maxCategories = 100;

const logTransform = (x: number): number => Math.sign(x) * Math.log1p(Math.abs(x));

/** "1", "1.0" and "01" name one class when all class names are numbers. */
function className(cell: string, numeric: boolean): string {
  if (!numeric) return cell;
  const value = parseNumber(cell, "thousands");
  return Number.isFinite(value) ? String(value) : cell;
}

/**
 * Whether a column asks for classes or for a number. Text and booleans are classes; numbers are classes when they are few
 * whole numbers (two, or up to ten close together with at least ten rows each on average).
 */
export function inferTask(column: Column, type: ColumnType = inferColumnType(column)): Task {
  if (type.kind === "date") return "regression";
  if (type.kind !== "number") return "classification";
  if (!type.wholeNumbers) return "regression";
  const distinct = new Set<number>();
  let count = 0;
  for (const cell of column.cells) {
    if (cell === undefined) continue;
    distinct.add(parseNumber(cell, type.format));
    count++;
    if (distinct.size > 10) return "regression";
  }
  if (distinct.size <= 2) return "classification";
  const span = Math.max(...distinct) - Math.min(...distinct);
  return span < 2 * distinct.size && count >= 10 * distinct.size ? "classification" : "regression";
}

function fitTarget(table: Table, column: Column, task: Task | undefined, fitted: Column): TargetEncoding {
  const type = inferColumnType(column);
  if (type.kind === "empty")
    throw new HebbError(`${table.name}: the target "${column.name}" has no values; choose another column`);
  const decided = task ?? inferTask(column, type);
  if (decided === "regression") {
    if (type.kind !== "number") {
      const at = column.cells.findIndex((cell) => cell !== undefined && Number.isNaN(parseNumber(cell)));
      throw new HebbError(
        `${table.name}: the target "${column.name}" is not a number in row ${at + 1} (${show(column.cells[at])}); regression needs numbers, so mend it or use task classification`,
      );
    }
    if (type.unreadable > 0) rejectUnreadable(table, column, type.format);
    const range = numberSummary(numericCells(fitted, type));
    if (!range || range.std === 0 || !Number.isFinite(range.std)) {
      throw new HebbError(
        `${table.name}: the target "${column.name}" is ${range ? (range.std === 0 ? `${range.min} in every row` : "too large to scale") : "missing in every training row"}, so there is nothing to learn; choose another target`,
      );
    }
    return { kind: "number", column: column.name, format: type.format, mean: range.mean, scale: range.std };
  }
  const numeric = type.kind === "number";
  if (type.kind === "number" && type.unreadable > 0) rejectUnreadable(table, column, type.format);
  // Names come from every row, counts from the fitted ones: a rare class may stand in the validation rows only.
  const found = countValues(column.cells.map((cell) => (cell === undefined ? undefined : className(cell, numeric))));
  const classes = found.map(({ value }) => value).sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
  if (classes.length < 2) {
    throw new HebbError(
      `${table.name}: the target "${column.name}" is "${classes[0]}" in every row, so there is nothing to learn; choose another target`,
    );
  }
  if (classes.length > 1000 || (classes.length > 20 && classes.length > column.cells.length / 2)) {
    throw new HebbError(
      `${table.name}: the target "${column.name}" has ${classes.length} different values in ${column.cells.length} rows, too many for classes; choose another target${numeric ? " or task regression" : ""}`,
    );
  }
  const places = new Map(classes.map((name, i) => [name, i]));
  const counts = new Array<number>(classes.length).fill(0);
  for (const cell of fitted.cells) {
    const place = cell === undefined ? undefined : places.get(className(cell, numeric));
    if (place !== undefined) counts[place] = (counts[place] ?? 0) + 1;
  }
  return { kind: "classes", column: column.name, classes, counts, numeric };
}

function rejectUnreadable(table: Table, column: Column, format: NumberFormat): never {
  const at = column.cells.findIndex((cell) => cell !== undefined && !Number.isFinite(parseNumber(cell, format)));
  throw new HebbError(
    `${table.name}: the target "${column.name}" holds numbers, but ${show(column.cells[at])} in row ${at + 1}; mend that cell or leave it empty`,
  );
}

const show = (cell: Cell): string =>
  cell === undefined ? "nothing" : `"${cell.length > 40 ? `${cell.slice(0, 40)}…` : cell}"`;

type NumberInput = Extract<InputEncoding, { kind: "number" | "date" }>;
type CategoryInput = Extract<InputEncoding, { kind: "category" }>;

/** The standard third moment: 0 when symmetric, above 2 when a long tail hides the bulk of the values. */
function skewness(values: Float64Array, mean: number, std: number): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += ((value - mean) / std) ** 3;
    count++;
  }
  return sum / count;
}

/** A feature that is set in fewer rows than this would teach the network those rows, nothing general. */
const fewestRows = (rows: number): number => Math.max(1, Math.min(5, Math.ceil(rows / 100)));

function fitNumber(column: Column, type: Extract<ColumnType, { kind: "number" | "date" }>): NumberInput | string {
  let values = numericCells(column, type);
  const raw = numberSummary(values);
  if (!raw) return "it has no values in the training rows";
  const missing = values.filter((value) => Number.isNaN(value)).length;
  if (raw.min === raw.max)
    return missing > 0 ? "it has one value only, besides missing ones" : "it is the same in every row";
  const distinct = new Set(values).size;
  // Counts and codes with a handful of values keep their spacing; only long-tailed, non-negative amounts are drawn together.
  const transform =
    type.kind === "number" && raw.min >= 0 && distinct > 10 && skewness(values, raw.mean, raw.std) > 2 ? "log" : "none";
  if (transform === "log") values = values.map(logTransform);
  const range = transform === "log" ? numberSummary(values) : raw;
  if (!range || !(range.std > 0) || !Number.isFinite(range.std))
    return "its values are too close together or too large to tell apart";
  return {
    kind: type.kind,
    column: column.name,
    format: type.kind === "number" ? type.format : "plain",
    transform,
    median: range.median,
    mean: range.mean,
    scale: range.std,
    missingIndicator: missing >= fewestRows(values.length),
  };
}

function fitCategory(column: Column): CategoryInput | string {
  const counts = countValues(column.cells);
  const missing = column.cells.some((cell) => cell === undefined);
  if (counts.length === 0) return "it has no values in the training rows";
  if (counts.length === 1 && !missing) return "it is the same in every row";
  const frequent = counts.filter(({ count }) => count >= fewestRows(column.cells.length)).slice(0, maxCategories);
  const kept = frequent.length === 0 ? counts.slice(0, maxCategories) : frequent;
  return {
    kind: "category",
    column: column.name,
    categories: kept.map(({ value }) => value).sort((a, b) => (a < b ? -1 : 1)),
    other: kept.length < counts.length,
    missing,
  };
}

function featureNamesOf(input: InputEncoding): string[] {
  if (input.kind !== "category")
    return input.missingIndicator ? [input.column, `${input.column} (missing)`] : [input.column];
  const names = input.categories.map((category) => `${input.column} = ${category}`);
  if (input.other) names.push(`${input.column} (other)`);
  if (input.missing) names.push(`${input.column} (missing)`);
  return names;
}

function fitInput(column: Column, fitted: Column, notes: string[]): InputEncoding | string {
  const type = inferColumnType(column);
  switch (type.kind) {
    case "empty":
      return "it has no values";
    case "identifier":
      return "it is different in most rows, so it names rows rather than describing them";
    case "text":
      return "it is free text, different in most rows";
    case "category":
    case "boolean":
      return fitCategory(fitted);
    case "number":
    case "date": {
      if (type.kind === "number" && type.unreadable > 0) {
        const at = column.cells.findIndex((cell) => cell !== undefined && Number.isNaN(parseNumber(cell, type.format)));
        notes.push(
          `"${column.name}" is read as a number; ${type.unreadable} cells are not (the first is ${show(column.cells[at])} in row ${at + 1}) and count as missing`,
        );
      }
      return fitNumber(fitted, type);
    }
  }
}

/**
 * Learns how to turn rows of this table into features and targets.
 *
 * Numbers: median for missing values (with a missing indicator), logarithm for long tails, then (x − mean) / std.
 * Categories and booleans: one feature for each value, rare ones merged, missing as its own. Dates: days. Free text,
 * constant and identifier columns are left out (first words as a category made the validation error on car names worse). Target: classes or a scaled number.
 * Throws HebbError when the target is missing, constant, or nothing usable remains.
 */
export function fitPreprocessing(table: Table, options: FitPreprocessingOptions): TablePreprocessing {
  const targetColumn = table.column(options.target);
  const all = Array.from({ length: table.rowCount }, (_, row) => row);
  const rows = Array.from(options.rows ?? all).filter((row) => targetColumn.cells[row] !== undefined);
  const notes: string[] = [];
  const without = all.length - targetColumn.cells.filter((cell) => cell !== undefined).length;
  if (without > 0) notes.push(`${without} rows have no "${options.target}" and are left out`);
  const pick = (column: Column): Column => ({ name: column.name, cells: rows.map((row) => column.cells[row]) });
  const target = fitTarget(table, targetColumn, options.task, pick(targetColumn));

  const inputs: InputEncoding[] = [];
  const dropped: { column: string; reason: string }[] = [];
  for (const column of table.columns) {
    if (column.name === options.target) continue;
    const input = options.ignore?.includes(column.name)
      ? "it was to be ignored"
      : fitInput(column, pick(column), notes);
    if (typeof input === "string") dropped.push({ column: column.name, reason: input });
    else inputs.push(input);
  }
  if (inputs.length === 0) {
    const why = dropped.map(({ column, reason }) => `"${column}": ${reason}`).join("; ");
    throw new HebbError(
      `${table.name} has no column to learn "${options.target}" from${why ? ` (${why})` : ""}; add one that varies`,
    );
  }
  for (const { column, reason } of dropped) notes.push(`"${column}" is not used: ${reason}`);
  return { kind: "table", version: 1, inputs, featureNames: inputs.flatMap(featureNamesOf), target, dropped, notes };
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
  const absent = pre.inputs.filter((input) => !table.has(input.column)).map((input) => `"${input.column}"`);
  if (absent.length > 0) {
    throw new HebbError(
      `${table.name} lacks ${absent.length === 1 ? "column" : "columns"} ${absent.join(", ")} that the model was trained on; add ${absent.length === 1 ? "it" : "them"} (empty cells are fine). The columns are ${table.columnNames.join(", ")}`,
    );
  }
  const wanted = options.targets ?? (table.has(pre.target.column) ? "required" : "none");
  const targetCells = wanted === "required" ? table.column(pre.target.column).cells : undefined;
  const rows = Int32Array.from(
    Array.from({ length: table.rowCount }, (_, row) => row).filter(
      (row) => !targetCells || targetCells[row] !== undefined,
    ),
  );
  const width = pre.featureNames.length;
  if (rows.length * width > 2 ** 29) {
    throw new HebbError(
      `${table.name} becomes ${rows.length} × ${width} features, more than 2^29; use fewer rows or columns`,
    );
  }
  const features = new Float32Array(rows.length * width);
  let place = 0;
  for (const input of pre.inputs) {
    const { cells } = table.column(input.column);
    if (input.kind === "category") place = writeCategory(input, cells, rows, features, width, place);
    else place = writeNumber(input, cells, rows, features, width, place, table.name);
  }
  const base = { features, featureCount: width, rows };
  return targetCells ? { ...base, targets: encodeTargets(pre.target, targetCells, rows, table.name) } : base;
}

function writeNumber(
  input: NumberInput,
  cells: readonly Cell[],
  rows: Int32Array,
  features: Float32Array,
  width: number,
  place: number,
  name: string,
): number {
  let unreadable = 0;
  let firstBad = -1;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const cell = cells[row];
    let value =
      cell === undefined ? Number.NaN : input.kind === "date" ? parseDate(cell) : parseNumber(cell, input.format);
    if (cell !== undefined && !Number.isFinite(value)) {
      if (unreadable++ === 0) firstBad = row;
      value = Number.NaN;
    }
    const missing = Number.isNaN(value);
    const level = missing ? input.median : input.transform === "log" ? logTransform(value) : value;
    features[i * width + place] = clampToFloat((level - input.mean) / input.scale);
    if (input.missingIndicator) features[i * width + place + 1] = missing ? 1 : 0;
  }
  // The same tolerance as when the type was inferred: single slips are missing values, a column of text is a mistake.
  if (unreadable > Math.max(0, rows.length * 0.03)) {
    throw new HebbError(
      `${name}: column "${input.column}" must hold ${input.kind === "date" ? "dates such as 2024-05-01" : "numbers"}, but row ${firstBad + 1} has ${show(cells[firstBad])}; mend it or leave the cell empty`,
    );
  }
  return place + (input.missingIndicator ? 2 : 1);
}

/** Values far outside what was fitted stay finite. */
const clampToFloat = (value: number): number => Math.max(-1e6, Math.min(1e6, value));

function writeCategory(
  input: CategoryInput,
  cells: readonly Cell[],
  rows: Int32Array,
  features: Float32Array,
  width: number,
  place: number,
): number {
  const places = new Map(input.categories.map((category, i) => [category, i]));
  const otherPlace = input.other ? input.categories.length : undefined;
  const missingPlace = input.missing ? input.categories.length + (input.other ? 1 : 0) : undefined;
  for (let i = 0; i < rows.length; i++) {
    const cell = cells[rows[i] ?? 0];
    const which = cell === undefined ? missingPlace : (places.get(cell) ?? otherPlace);
    if (which !== undefined) features[i * width + place + which] = 1;
  }
  return place + input.categories.length + (input.other ? 1 : 0) + (input.missing ? 1 : 0);
}

function encodeTargets(
  target: TargetEncoding,
  cells: readonly Cell[],
  rows: Int32Array,
  name: string,
): Int32Array | Float32Array {
  if (target.kind === "number") {
    return Float32Array.from(rows, (row) => {
      const value = parseNumber(cells[row] ?? "", target.format);
      if (!Number.isFinite(value)) {
        throw new HebbError(
          `${name}: the target "${target.column}" must hold numbers, but row ${row + 1} has ${show(cells[row])}; mend that cell or leave it empty`,
        );
      }
      return (value - target.mean) / target.scale;
    });
  }
  const places = new Map(target.classes.map((label, i) => [label, i]));
  return Int32Array.from(rows, (row) => {
    const place = places.get(className(cells[row] ?? "", target.numeric));
    if (place === undefined) {
      const known =
        target.classes.length > 12 ? `${target.classes.slice(0, 12).join(", ")}, …` : target.classes.join(", ");
      throw new HebbError(
        `${name}: the target "${target.column}" is ${show(cells[row])} in row ${row + 1}, a class the model does not know; the classes are ${known}`,
      );
    }
    return place;
  });
}

/** A scaled target back in the units of the table: value · scale + mean. Only for a numeric target. */
export function inverseTarget(target: TargetEncoding, value: number): number {
  if (target.kind !== "number")
    throw new HebbError(`the target "${target.column}" is a class, not a number; take its name from target.classes`);
  return value * target.scale + target.mean;
}

/** Weights that give every class the same say: rows / (classes · count), 0 for a class without rows. */
export function classWeights(counts: readonly number[]): Float32Array {
  const present = counts.filter((count) => count > 0).length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => (count > 0 ? total / (present * count) : 0));
}
