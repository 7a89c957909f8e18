// Learns the preprocessing of a table: what every column is, what stands in for gaps, which scale, which categories.
import { HebbError } from "../graph/errors.ts";
import { type Cell, parseDate, parseNumber } from "./cells.ts";
import { type ColumnEvidence, type ColumnType, evidenceOf } from "./evidence.ts";
import {
  type CategoryInput,
  type CycleName,
  className,
  featureNamesOf,
  type InputEncoding,
  logTransform,
  type NumberInput,
  show,
  type TablePreprocessing,
  type TargetEncoding,
  type Task,
} from "./preprocess.ts";
import {
  type Column,
  type ColumnSummary,
  countValues,
  numberSummary,
  numericCells,
  suggestColumn,
  type Table,
} from "./table.ts";

/**
 * What stands in for a missing value. "drop": the row is left out of training and evaluation (predictions take the median, or no
 * category). For categories, "mode" and a constant are values of the column; anything else makes missing a category of its own.
 */
export type MissingPolicy = "median" | "mean" | "mode" | "drop" | { readonly constant: number | string };

export interface FitPreprocessingOptions {
  readonly target: string;
  /** Inferred from the target column when not given. */
  readonly task?: Task;
  /** The rows that means, medians and categories are taken from (default all): pass the training rows, so that nothing leaks. */
  readonly rows?: ArrayLike<number>;
  /** Columns not to use. */
  readonly ignore?: readonly string[];
  /** A column of numbers ≥ 0: what each row counts for. It is no input. */
  readonly weights?: string;
  /** What stands in for missing values; default "median". */
  readonly missing?: MissingPolicy;
  /** The same for single columns. */
  readonly missingOf?: Readonly<Record<string, MissingPolicy>>;
  /** A further feature that says where a value was missing; default "auto": where at least 1 % of the rows, up to five, lack it. */
  readonly missingIndicator?: "auto" | "always" | "never";
  /** Most features for the values of one column; rarer ones share one called "other". Default 100. */
  readonly maxCategories?: number;
  /** Values in fewer rows than this are "other". Default: 1 % of the rows, at least 1 and at most 5. */
  readonly minCategoryRows?: number;
  /** Logarithm of long-tailed inputs: "auto" (default) where the skewness of non-negative values is above 2, or "never". */
  readonly inputTransform?: "auto" | "never";
  /** "log": the network learns sign(y) · log(1 + |y|); for prices and other long tails. Default "none". */
  readonly targetTransform?: "none" | "log";
  /** Whether a numeric target is shifted and scaled to mean 0 and deviation 1. Default true. */
  readonly standardizeTarget?: boolean;
  /** Sine and cosine of the year, the week and the day of a date: "auto" (default) for those that its values span, or "never". */
  readonly dateCycles?: "auto" | "never";
  /** Whether a table of the target alone will do: where its own past is the input, as in series. Default false. */
  readonly allowNoInputs?: boolean;
}

const defaultMaxCategories = 100;

/** A feature that is set in fewer rows than this would teach the network those rows, nothing general. */
const fewestRows = (rows: number): number => Math.max(1, Math.min(5, Math.ceil(rows / 100)));

/** Figures of the numbers of a column, in the rows that are fitted. */
export interface NumberFacts {
  readonly rows: number;
  readonly missing: number;
  readonly raw: NonNullable<ColumnSummary["range"]> | undefined;
  /** After the logarithm. */
  readonly log: NonNullable<ColumnSummary["range"]> | undefined;
  /** Different values; exact up to 11 at least. */
  readonly distinct: number;
  /** The standard third moment: 0 when symmetric, above 2 when a long tail hides the bulk of the values. */
  readonly skewness: number;
  readonly mode: number;
  /** Whether any value is no whole number. */
  readonly fractional: boolean;
}

/** What is known of a column: of its type from all rows, of its values from the fitted ones. */
export interface ColumnFacts {
  readonly name: string;
  readonly evidence: ColumnEvidence;
  numbers(type: Extract<ColumnType, { kind: "number" | "date" }>): NumberFacts;
  categories(): {
    readonly rows: number;
    readonly missing: number;
    readonly counts: readonly { readonly value: string; readonly count: number }[];
    /** Whether there are more values than are counted. */
    readonly more: boolean;
  };
}

/** What is known of all rows. */
export interface RowFacts {
  readonly name: string;
  readonly rows: number;
  readonly withoutTarget: number;
  /** Rows that are left out for a gap in another column. */
  readonly withGaps: number;
}

function taskOf(evidence: ColumnEvidence, type: ColumnType): Task {
  if (type.kind === "date") return "regression";
  if (type.kind !== "number") return "classification";
  if (!type.wholeNumbers || evidence.values.overflowed) return "regression";
  const distinct = new Set<number>();
  for (const cell of evidence.values.keys()) {
    distinct.add(parseNumber(cell, type.format));
    if (distinct.size > 10) return "regression";
  }
  if (distinct.size <= 2) return "classification";
  const span = Math.max(...distinct) - Math.min(...distinct);
  return span < 2 * distinct.size && evidence.present >= 10 * distinct.size ? "classification" : "regression";
}

/**
 * Whether a column asks for classes or for a number. Text and booleans are classes; numbers are classes when they are few
 * whole numbers (two, or up to ten close together with at least ten rows each on average).
 */
export function inferTask(column: Column): Task {
  const evidence = evidenceOf(column.cells);
  return taskOf(evidence, evidence.type(column.name));
}

function unreadable(
  { name }: RowFacts,
  column: ColumnFacts,
  format: Parameters<ColumnEvidence["misfit"]>[0],
): HebbError {
  const misfit = column.evidence.misfit(format);
  return new HebbError(
    `${name}: the target "${column.name}" holds numbers, but ${show(misfit?.cell)} in row ${(misfit?.row ?? -1) + 1}; mend that cell or leave it empty`,
  );
}

function fitTarget(table: RowFacts, column: ColumnFacts, options: FitPreprocessingOptions): TargetEncoding {
  const { evidence } = column;
  const type = evidence.type(column.name);
  const the = `${table.name}: the target "${column.name}"`;
  if (type.kind === "empty") throw new HebbError(`${the} has no values; choose another column`);
  const decided = options.task ?? taskOf(evidence, type);
  if (decided === "regression") {
    if (type.kind !== "number") {
      const misfit = evidence.misfit("plain");
      throw new HebbError(
        `${the} is not a number in row ${(misfit?.row ?? -1) + 1} (${show(misfit?.cell)}); regression needs numbers, so mend it or use task classification`,
      );
    }
    if (type.unreadable > 0) throw unreadable(table, column, type.format);
    const facts = column.numbers(type);
    const transform = options.targetTransform ?? "none";
    const range = transform === "log" ? facts.log : facts.raw;
    if (!range || range.min === range.max || !(range.std > 0) || !Number.isFinite(range.std)) {
      throw new HebbError(
        `${the} is ${range ? (range.min === range.max ? `${facts.raw?.min} in every row` : "too large to scale") : "missing in every training row"}, so there is nothing to learn; choose another target`,
      );
    }
    const [mean, scale] = (options.standardizeTarget ?? true) ? [range.mean, range.std] : [0, 1];
    return { kind: "number", column: column.name, format: type.format, transform, mean, scale };
  }
  if (options.targetTransform === "log")
    throw new HebbError(
      `${the} is classes, which have no logarithm; leave targetTransform out, or use task regression`,
    );
  const numeric = type.kind === "number";
  if (type.kind === "number" && type.unreadable > 0) throw unreadable(table, column, type.format);
  // Names come from every row, counts from the fitted ones: a rare class may stand in the validation rows only.
  const names = new Set<string>();
  for (const value of evidence.values.keys()) names.add(className(value, numeric));
  const classes = [...names].sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
  if (classes.length < 2) {
    throw new HebbError(`${the} is "${classes[0]}" in every row, so there is nothing to learn; choose another target`);
  }
  const many = evidence.values.overflowed;
  if (many || classes.length > 1000 || (classes.length > 20 && classes.length > table.rows / 2)) {
    throw new HebbError(
      `${the} has ${many ? "more than " : ""}${classes.length} different values in ${table.rows} rows, too many for classes; choose another target${numeric ? " or task regression" : ""}`,
    );
  }
  const places = new Map(classes.map((name, i) => [name, i]));
  const counts = new Array<number>(classes.length).fill(0);
  for (const { value, count } of column.categories().counts) {
    const place = places.get(className(value, numeric));
    if (place !== undefined) counts[place] = (counts[place] ?? 0) + count;
  }
  return { kind: "classes", column: column.name, classes, counts, numeric };
}

function policyFor(column: string, options: FitPreprocessingOptions): MissingPolicy {
  const own = options.missingOf;
  return (own !== undefined && Object.hasOwn(own, column) ? own[column] : undefined) ?? options.missing ?? "median";
}

const indicated = (missing: number, rows: number, options: FitPreprocessingOptions): boolean => {
  const wanted = options.missingIndicator ?? "auto";
  return wanted === "always" || (wanted === "auto" && missing >= fewestRows(rows));
};

function standIn(
  policy: MissingPolicy,
  column: string,
  facts: NumberFacts,
  kind: "number" | "date",
  log: boolean,
): number {
  const level = (value: number): number => (log ? logTransform(value) : value);
  const range = log ? facts.log : facts.raw;
  if (typeof policy === "object") {
    const { constant } = policy;
    const value =
      typeof constant === "number" ? constant : kind === "date" ? parseDate(constant) : parseNumber(constant);
    if (!Number.isFinite(value))
      throw new HebbError(
        `"${column}": ${JSON.stringify(constant)} cannot stand in for a missing ${kind}; give a ${kind === "date" ? "date such as 2024-05-01" : "number"}`,
      );
    return level(value);
  }
  if (policy === "mean") return range?.mean ?? 0;
  return policy === "mode" ? level(facts.mode) : (range?.median ?? 0);
}

function cyclesOf(facts: NumberFacts, options: FitPreprocessingOptions): CycleName[] {
  const { raw } = facts;
  if (raw === undefined || options.dateCycles === "never") return [];
  const span = raw.max - raw.min;
  const cycles: CycleName[] = [];
  if (span >= 366) cycles.push("year");
  if (span >= 14) cycles.push("week");
  if (facts.fractional) cycles.push("day");
  return cycles;
}

function fitNumber(
  column: ColumnFacts,
  type: Extract<ColumnType, { kind: "number" | "date" }>,
  options: FitPreprocessingOptions,
): NumberInput | string {
  const facts = column.numbers(type);
  const { raw, missing, rows } = facts;
  if (!raw) return "it has no values in the training rows";
  if (raw.min === raw.max)
    return missing > 0 ? "it has one value only, besides missing ones" : "it is the same in every row";
  // Counts and codes with a handful of values keep their spacing; only long-tailed, non-negative amounts are drawn together.
  const log =
    type.kind === "number" &&
    options.inputTransform !== "never" &&
    raw.min >= 0 &&
    facts.distinct > 10 &&
    facts.skewness > 2;
  const range = log ? facts.log : raw;
  if (!range || !(range.std > 0) || !Number.isFinite(range.std))
    return "its values are too close together or too large to tell apart";
  const policy = policyFor(column.name, options);
  return {
    kind: type.kind,
    column: column.name,
    format: type.kind === "number" ? type.format : "plain",
    transform: log ? "log" : "none",
    median: standIn(policy, column.name, facts, type.kind, log),
    mean: range.mean,
    scale: range.std,
    missingIndicator: policy !== "drop" && indicated(missing, rows, options),
    cycles: type.kind === "date" ? cyclesOf(facts, options) : [],
    dropMissing: policy === "drop",
  };
}

function fitCategory(column: ColumnFacts, options: FitPreprocessingOptions): CategoryInput | string {
  const { rows, missing, counts, more } = column.categories();
  if (counts.length === 0) return "it has no values in the training rows";
  if (counts.length === 1 && missing === 0) return "it is the same in every row";
  const { maxCategories = defaultMaxCategories, minCategoryRows = fewestRows(rows) } = options;
  const frequent = counts.filter(({ count }) => count >= minCategoryRows).slice(0, maxCategories);
  const kept = frequent.length === 0 ? counts.slice(0, maxCategories) : frequent;
  const policy = policyFor(column.name, options);
  const fill =
    policy === "mode" ? (counts[0]?.value ?? null) : typeof policy === "object" ? String(policy.constant) : null;
  const categories = new Set(kept.map(({ value }) => value));
  if (fill !== null) categories.add(fill);
  const own = policy !== "drop" && fill === null && missing > 0 && options.missingIndicator !== "never";
  return {
    kind: "category",
    column: column.name,
    categories: [...categories].sort((a, b) => (a < b ? -1 : 1)),
    other: more || kept.length < counts.length,
    missing: own || (fill !== null && options.missingIndicator === "always"),
    fill,
    dropMissing: policy === "drop",
  };
}

function fitInput(column: ColumnFacts, options: FitPreprocessingOptions, notes: string[]): InputEncoding | string {
  const { evidence, name } = column;
  const type = evidence.type(name);
  switch (type.kind) {
    case "empty":
      return "it has no values";
    case "identifier":
      return "it is different in most rows, so it names rows rather than describing them";
    case "text":
      return "it is free text, different in most rows";
    case "category":
    case "boolean": {
      const input = fitCategory(column, options);
      if (
        typeof input !== "string" &&
        input.other &&
        input.categories.length >= (options.maxCategories ?? defaultMaxCategories)
      )
        notes.push(
          `"${name}" has many different values: the ${input.categories.length} most frequent are features, the rest is "other"`,
        );
      return input;
    }
    case "number":
    case "date": {
      if (type.kind === "number" && type.unreadable > 0) {
        const misfit = evidence.misfit(type.format);
        notes.push(
          `"${name}" is read as a number; ${type.unreadable} cells are not (the first is ${show(misfit?.cell)} in row ${(misfit?.row ?? -1) + 1}) and count as missing`,
        );
      }
      return fitNumber(column, type, options);
    }
  }
}

/** Names that are a row of numbers were data, unless they count the columns. */
const areNumbers = (names: readonly string[]): boolean =>
  names.every((name) => name.trim() !== "" && Number.isFinite(Number(name))) &&
  !names.every((name, place) => Number(name) === place || Number(name) === place + 1);

/** A column that is misspelt here would be used, or filled, as if nothing had been said. */
function checkOptions(table: string, columns: readonly string[], options: FitPreprocessingOptions): void {
  const named = { "to ignore": options.ignore ?? [], "to fill gaps of": Object.keys(options.missingOf ?? {}) };
  for (const [purpose, names] of Object.entries(named))
    for (const name of names)
      if (!columns.includes(name))
        throw new HebbError(`${table} has no column "${name}" ${purpose}${suggestColumn(name, columns)}`);
  for (const name of ["maxCategories", "minCategoryRows"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new HebbError(`${name} must be a whole number of at least 1, got ${value}`);
  }
}

/** Columns whose gaps cost the row. */
export const droppingColumns = (columns: readonly string[], options: FitPreprocessingOptions): string[] =>
  columns.filter(
    (column) =>
      column !== options.target &&
      column !== options.weights &&
      !options.ignore?.includes(column) &&
      policyFor(column, options) === "drop",
  );

/** Decides the preprocessing from what is known of the columns; the target is one of them. */
export function fitFacts(
  table: RowFacts,
  columns: readonly ColumnFacts[],
  options: FitPreprocessingOptions,
): TablePreprocessing {
  const names = columns.map(({ name }) => name);
  checkOptions(table.name, names, options);
  const notes: string[] = [];
  if (areNumbers(names))
    notes.push(
      `the columns are called ${names.slice(0, 5).join(", ")}; if that is a row, put a line of names before it`,
    );
  if (table.withoutTarget > 0) notes.push(`${table.withoutTarget} rows have no "${options.target}" and are left out`);
  if (table.withGaps > 0) notes.push(`${table.withGaps} rows have gaps that are not to be filled, and are left out`);
  const targetColumn = columns.find(({ name }) => name === options.target);
  if (targetColumn === undefined)
    throw new HebbError(`${table.name} has no column "${options.target}"${suggestColumn(options.target, names)}`);
  const target = fitTarget(table, targetColumn, options);
  const inputs: InputEncoding[] = [];
  const dropped: { column: string; reason: string }[] = [];
  for (const column of columns) {
    if (column.name === options.target || column.name === options.weights) continue;
    const input = options.ignore?.includes(column.name) ? "it was to be ignored" : fitInput(column, options, notes);
    if (typeof input === "string") dropped.push({ column: column.name, reason: input });
    else inputs.push(input);
  }
  if (inputs.length === 0 && options.allowNoInputs !== true) {
    const why = dropped.map(({ column, reason }) => `"${column}": ${reason}`).join("; ");
    throw new HebbError(
      `${table.name} has no column to learn "${options.target}" from${why ? ` (${why})` : ""}; add one that varies`,
    );
  }
  for (const { column, reason } of dropped) notes.push(`"${column}" is not used: ${reason}`);
  return {
    kind: "table",
    version: 1,
    inputs,
    featureNames: inputs.flatMap(featureNamesOf),
    target,
    weights: options.weights ?? null,
    dropped,
    notes,
  };
}

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

/** The most frequent value; the smallest of several. */
export function modeOf(values: Float64Array): number {
  let [mode, most, run, last] = [Number.NaN, 0, 0, Number.NaN];
  for (const value of values.filter((each) => !Number.isNaN(each)).sort()) {
    run = value === last ? run + 1 : 1;
    last = value;
    if (run > most) [mode, most] = [value, run];
  }
  return mode;
}

/** What a column in memory says. */
function factsOf(column: Column, rows: readonly number[]): ColumnFacts {
  const fitted: Column = { name: column.name, cells: rows.map((row) => column.cells[row]) };
  return {
    name: column.name,
    evidence: evidenceOf(column.cells),
    numbers: (type) => {
      const values = numericCells(fitted, type);
      const raw = numberSummary(values);
      const logs = values.map(logTransform);
      return {
        rows: values.length,
        missing: values.filter((value) => Number.isNaN(value)).length,
        raw,
        log: numberSummary(logs),
        distinct: new Set(values).size,
        skewness: raw ? skewness(values, raw.mean, raw.std) : 0,
        mode: modeOf(values),
        fractional: values.some((value) => !Number.isNaN(value) && !Number.isInteger(value)),
      };
    },
    categories: () => ({
      rows: fitted.cells.length,
      missing: fitted.cells.filter((cell) => cell === undefined).length,
      counts: countValues(fitted.cells),
      more: false,
    }),
  };
}

/** The rows that can be learned from: those with a target, and without gaps where gaps cost the row. */
export function usableRows(table: Table, options: FitPreprocessingOptions): Int32Array {
  const needed = [options.target, ...droppingColumns(table.columnNames, options)].map(
    (name) => table.column(name).cells,
  );
  const all = Int32Array.from({ length: table.rowCount }, (_, row) => row);
  return all.filter((row) => needed.every((cells: readonly Cell[]) => cells[row] !== undefined));
}

/**
 * Learns how to turn rows of this table into features and targets.
 *
 * Numbers: median for missing values (with a missing indicator), logarithm for long tails, then (x − mean) / std.
 * Categories and booleans: one feature for each value, rare ones merged, missing as its own. Dates: days, and sine and cosine of the
 * year, week and day that they span. Free text, constant and identifier columns are left out (first words as a category made the
 * validation error on car names worse). Target: classes or a scaled number.
 * Throws HebbError when the target is missing, constant, or nothing usable remains.
 */
export function fitPreprocessing(table: Table, options: FitPreprocessingOptions): TablePreprocessing {
  const target = table.column(options.target);
  const usable = usableRows(table, options);
  if (options.weights !== undefined) checkWeights(table, options.weights, options.target, usable);
  const present = new Set(usable);
  const rows =
    options.rows === undefined ? Array.from(usable) : Array.from(options.rows).filter((row) => present.has(row));
  const withoutTarget = table.rowCount - target.cells.filter((cell) => cell !== undefined).length;
  const facts = { name: table.name, rows: table.rowCount, withoutTarget };
  return fitFacts(
    { ...facts, withGaps: table.rowCount - withoutTarget - usable.length },
    table.columns.map((column) => factsOf(column, rows)),
    options,
  );
}

/** Rows that are left out need no weight. */
function checkWeights(table: Table, name: string, target: string, usable: Int32Array): void {
  if (name === target) throw new HebbError(`"${name}" cannot be both the target and the weight of the rows`);
  const { cells } = table.column(name);
  for (const row of usable) {
    const cell = cells[row];
    const value = parseNumber(cell ?? "");
    if (!(value >= 0 && Number.isFinite(value)))
      throw new HebbError(
        `${table.name}: the weight "${name}" must be a number of at least 0, but row ${row + 1} has ${show(cell)}; mend that cell`,
      );
  }
}
