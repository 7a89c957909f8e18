// Fits the preprocessing of a table: the type of every column, the fill for missing values, scales and categories.
import { HebbError } from "../graph/errors.ts";
import type { Kind } from "../graph/kinds.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { quoted } from "../graph/visible.ts";
import { type TypeChoices, type TypeList, typeLists } from "./chosenTypes.ts";
import { findColumn, listColumns } from "./columnNames.ts";
import type { ColumnType } from "./columnType.ts";
import { type ColumnFacts, factsOf, type NumberFacts, type RowFacts } from "./facts.ts";
import { fitTarget, type TargetOptions, targetType } from "./fitTarget.ts";
import { misreadNumbers, readingNotes, variedReason, withGapsNote, withoutTargetNote } from "./fittingNotes.ts";
import {
  type CategoryInput,
  type CycleName,
  featureNamesOf,
  type InputEncoding,
  logTransform,
  type NumberInput,
  type TablePreprocessing,
  type TextInput,
} from "./preprocessing.ts";
import { asNumber, type CellReader, readerOf, spellings } from "./reading.ts";
import { badWeight } from "./rowEncoder.ts";
import { checkTable, type Table } from "./table.ts";
import { weighTerms } from "./terms.ts";
import { thresholds } from "./thresholds.ts";

/**
 * The replacement for a missing value. "drop" leaves the row out of training and evaluation; predictions use the median, or no category.
 * For categories, "mode" and a constant are values of the column; anything else makes missing a category of its own.
 */
export type MissingPolicy = "median" | "mean" | "mode" | "drop" | { readonly constant: number | string };

export interface FitPreprocessingOptions extends TargetOptions, TypeChoices {
  readonly target: string;
  /** The rows to fit means, medians and categories on (default all). Pass the training rows, so that nothing leaks. */
  readonly rows?: ArrayLike<number>;
  /** Columns to leave out. */
  readonly ignore?: readonly string[];
  /** A column that identifies rows which belong together: prepareTable holds out whole groups. It is not an input. */
  readonly group?: string;
  /** A column of dates or numbers: prepareTable holds out the last rows. */
  readonly time?: string;
  /** A column of numbers ≥ 0: the weight of each row. It is not an input. */
  readonly weights?: string;
  /** The replacement for missing values; default "median". */
  readonly missing?: MissingPolicy;
  /** The replacement for individual columns. */
  readonly missingOf?: Readonly<Record<string, MissingPolicy>>;
  /** An extra feature that marks missing values. Default "auto": added if at least 1 % of the rows (five are always enough) lack the value. */
  readonly missingIndicator?: "auto" | "always" | "never";
  /** Maximum features for the values of one column; rarer values share one called "other". Default 100. */
  readonly maxCategories?: number;
  /** Values in fewer rows than this are "other". Default: 1 % of the rows, at least 1 and at most 5. */
  readonly minCategoryRows?: number;
  /** Logarithm of long-tailed inputs: "auto" (default) if the values are non-negative and their skewness is above 2, or "never". */
  readonly inputTransform?: "auto" | "never";
  /** Sine and cosine of the year, week and day of a date: "auto" (default) for the cycles that its values span, or "never". */
  readonly dateCycles?: "auto" | "never";
  /** Whether the target alone suffices, with its own past as input, as in series. Default false. */
  readonly allowNoInputs?: boolean;
}

const policy: Kind<MissingPolicy> = kind.either(
  kind.oneOf("median", "mean", "mode", "drop"),
  kind.of<{ readonly constant: number | string }>(
    "{ constant: … }",
    (value) => typeof value === "object" && value !== null && "constant" in value,
  ),
);
const choiceOf = { indicator: kind.oneOf("auto", "always", "never"), auto: kind.oneOf("auto", "never") };

export const fittingKinds: OptionKinds<FitPreprocessingOptions> = {
  target: kind.string,
  task: kind.oneOf("classification", "regression"),
  targetTransform: kind.oneOf("none", "log"),
  standardizeTarget: kind.boolean,
  rows: kind.anything,
  ignore: kind.listOf(kind.string),
  categorical: kind.listOf(kind.string),
  numeric: kind.listOf(kind.string),
  date: kind.listOf(kind.string),
  text: kind.listOf(kind.string),
  weights: kind.string,
  group: kind.string,
  time: kind.string,
  missing: policy,
  missingOf: kind.of<Readonly<Record<string, MissingPolicy>>>(
    "an object with a policy for each column",
    (value) => typeof value === "object" && value !== null && Object.values(value).every((one) => policy.accepts(one)),
  ),
  missingIndicator: choiceOf.indicator,
  maxCategories: kind.number,
  minCategoryRows: kind.number,
  inputTransform: choiceOf.auto,
  dateCycles: choiceOf.auto,
  allowNoInputs: kind.boolean,
};

/** A feature set in fewer rows than this would only memorise those rows. */
const fewestRows = (rows: number): number =>
  Math.max(1, Math.min(thresholds.fewestRows, Math.ceil(rows / thresholds.rowsPerRare)));

/** Checks the options of a function that learns a target; they must name it. */
export function checkTarget<O extends { readonly target: string }>(
  where: string,
  options: O,
  kinds: OptionKinds<O>,
): O {
  checkOptions(where, options, kinds);
  checkKind(where, "target", options.target, kind.string);
  return options;
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
  input: Pick<NumberInput, "kind" | "column">,
  facts: NumberFacts,
  reader: CellReader,
  log: boolean,
): number {
  const level = (value: number): number => (log ? logTransform(value) : value);
  const range = log ? facts.log : facts.raw;
  if (typeof policy === "object") {
    const { constant } = policy;
    const value = typeof constant === "number" ? constant : reader.number(constant);
    if (!Number.isFinite(value))
      throw new HebbError(
        `${quoted(input.column)}: ${JSON.stringify(constant)} cannot replace a missing ${input.kind}; give a ${input.kind === "date" ? "date such as 2024-05-01" : "number"}`,
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
  if (span >= thresholds.spanOfYears) cycles.push("year");
  if (span >= thresholds.spanOfWeeks) cycles.push("week");
  if (facts.fractional) cycles.push("day");
  return cycles;
}

function fitNumber(
  column: ColumnFacts,
  type: Extract<ColumnType, { kind: "number" | "date" | "duration" }>,
  options: FitPreprocessingOptions,
): NumberInput | string {
  const facts = column.numbers();
  const { raw, missing, rows } = facts;
  if (!raw) return "it has no values in the training rows";
  if (raw.min === raw.max)
    return missing > 0 ? "it has only one value besides missing ones" : "it is the same in every row";
  if (Math.max(-raw.min, raw.max) > thresholds.largestValue)
    return `its values are too large to tell apart (up to ${raw.max})`;
  // Counts and codes with few distinct values keep their spacing; only long-tailed, non-negative amounts are compressed.
  const log =
    (type.kind === "number" || type.kind === "duration") &&
    options.inputTransform !== "never" &&
    raw.min >= 0 &&
    facts.distinct > thresholds.fewDistinct &&
    facts.skewness > thresholds.longTail;
  const range = log ? facts.log : raw;
  if (!range || !(range.std > 0) || !Number.isFinite(range.std))
    return "its values are too close together to tell apart";
  const policy = policyFor(column.name, options);
  return {
    kind: type.kind,
    column: column.name,
    reading: type.reading,
    transform: log ? "log" : "none",
    median: standIn(policy, { kind: type.kind, column: column.name }, facts, readerOf(type.reading), log),
    mean: range.mean,
    scale: range.std,
    missingIndicator: policy !== "drop" && indicated(missing, rows, options),
    cycles: type.kind === "date" ? cyclesOf(facts, options) : [],
    dropMissing: policy === "drop",
  };
}

function fitCategory(
  column: ColumnFacts,
  { reading }: Extract<ColumnType, { kind: "category" | "boolean" }>,
  options: FitPreprocessingOptions,
): CategoryInput | string {
  const { rows, values, more } = column.counts();
  const reader = readerOf(reading);
  const counts = spellings(values, reader);
  const missing = rows - counts.reduce((sum, { count }) => sum + count, 0);
  if (counts.length === 0) return "it has no values in the training rows";
  if (counts.length === 1 && missing === 0) return "it is the same in every row";
  const { maxCategories = thresholds.mostCategories, minCategoryRows = fewestRows(rows) } = options;
  const frequent = counts.filter(({ count }) => count >= minCategoryRows).slice(0, maxCategories);
  const kept = frequent.length === 0 ? counts.slice(0, maxCategories) : frequent;
  const policy = policyFor(column.name, options);
  const constant = typeof policy === "object" ? String(policy.constant) : null;
  const same = constant === null ? undefined : counts.find(({ key }) => key === reader.key(constant));
  const fill = policy === "mode" ? (counts[0]?.value ?? null) : (same?.value ?? constant);
  const categories = new Set(kept.map(({ value }) => value));
  if (fill !== null) categories.add(fill);
  const rare = counts.flatMap(({ value }) => (categories.has(value) ? [] : [value]));
  const own = policy !== "drop" && fill === null && missing > 0 && options.missingIndicator !== "never";
  return {
    kind: "category",
    column: column.name,
    reading,
    categories: [...categories].sort((a, b) => (a < b ? -1 : 1)),
    rare: more || rare.length > thresholds.mostRare ? null : rare.sort((a, b) => (a < b ? -1 : 1)),
    other: more || kept.length < counts.length,
    missing: own || (fill !== null && options.missingIndicator === "always"),
    fill,
    dropMissing: policy === "drop",
  };
}

/** `most`: the maximum number of term features for this column. */
function fitText(
  column: ColumnFacts,
  { reading }: Extract<ColumnType, { kind: "text" }>,
  options: FitPreprocessingOptions,
  most: number,
): TextInput | string {
  const facts = column.texts();
  const fewest = Math.max(thresholds.fewestTexts, fewestRows(facts.rows));
  const terms = weighTerms(facts, fewest, most);
  if (terms.length === 0)
    return `it is free text, and no word occurs in at least ${fewest} rows without occurring in all`;
  const policy = policyFor(column.name, options);
  return {
    kind: "text",
    column: column.name,
    reading,
    terms: terms.map(({ term }) => term),
    weights: terms.map(({ weight }) => weight),
    norm: thresholds.textNorm,
    mean: facts.mean,
    scale: facts.deviation || 1,
    fill: typeof policy === "object" ? String(policy.constant) : null,
    dropMissing: policy === "drop",
  };
}

function fitInput(
  column: ColumnFacts,
  options: FitPreprocessingOptions,
  notes: string[],
  mostTerms: number,
): InputEncoding | string {
  const { name, type } = column;
  switch (type.kind) {
    case "empty":
      return "it has no values";
    case "identifier":
      return variedReason(column);
    case "text":
      // Columns chosen as text are text, whatever their cells look like.
      return options.text?.includes(name) === true
        ? fitText(column, type, options, mostTerms)
        : (misreadNumbers(column) ?? fitText(column, type, options, mostTerms));
    case "category":
    case "boolean": {
      const input = fitCategory(column, type, options);
      if (typeof input === "string") return input;
      notes.push(...readingNotes(column));
      if (input.other && input.categories.length >= (options.maxCategories ?? thresholds.mostCategories))
        notes.push(
          `${quoted(name)} has many different values: the ${input.categories.length} most frequent are features, the rest is "other"`,
        );
      return input;
    }
    case "number":
    case "date":
    case "duration":
      notes.push(...readingNotes(column));
      return fitNumber(column, type, options);
  }
}

/** Names that form a row of numbers were data, unless they number the columns. */
const areNumbers = (names: readonly string[]): boolean =>
  names.every((name) => name.trim() !== "" && Number.isFinite(Number(name))) &&
  !names.every((name, place) => Number(name) === place || Number(name) === place + 1);

/** The lists of columns by content, with the table's spelling of the names. */
const foundTypes = (choices: TypeChoices, found: (name: string, list: TypeList) => string): TypeChoices =>
  Object.fromEntries(
    typeLists.flatMap((list) => {
      const names = choices[list];
      return names === undefined ? [] : [[list, names.map((name) => found(name, list))]];
    }),
  );

/** The options with the table's spelling of column names. Throws HebbError for missing columns and invalid numbers. */
export function resolveOptions<T extends FitPreprocessingOptions>(
  table: string,
  columns: readonly string[],
  options: T,
): T {
  for (const name of ["maxCategories", "minCategoryRows"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new HebbError(`${name} must be a whole number of at least 1, got ${value}`);
  }
  const { target, weights, ignore, missingOf } = options;
  const found = (name: string, purpose?: string): string => findColumn(table, columns, name, purpose);
  const resolved = {
    ...options,
    target: found(target),
    // A misspelt name here would otherwise be ignored silently, and its column used or filled.
    ...(ignore === undefined ? {} : { ignore: ignore.map((name) => found(name, " to ignore")) }),
    ...foundTypes(options, (name, list) => found(name, ` to take as ${list}`)),
    ...(weights === undefined ? {} : { weights: found(weights) }),
    ...(options.group === undefined ? {} : { group: found(options.group, " to group rows by") }),
    ...(options.time === undefined ? {} : { time: found(options.time, " to order rows by") }),
    ...(missingOf === undefined
      ? {}
      : {
          missingOf: Object.fromEntries(
            Object.entries(missingOf).map(([name, policy]) => [found(name, " to fill gaps of"), policy]),
          ),
        }),
  };
  if (resolved.group !== undefined && resolved.time !== undefined)
    throw new HebbError("rows are split by a group or by a time, not by both; leave one out");
  for (const [what, name] of [
    ["group", resolved.group],
    ["time", resolved.time],
  ] as const)
    if (name === resolved.target) throw new HebbError(`${quoted(name)} cannot be both the target and the ${what}`);
  if (resolved.weights === resolved.target)
    throw new HebbError(`${quoted(resolved.target)} cannot be both the target and the row weight`);
  return resolved;
}

/** Columns whose gaps drop the row. */
export const droppingColumns = (columns: readonly string[], options: FitPreprocessingOptions): string[] =>
  columns.filter(
    (column) =>
      column !== options.target &&
      column !== options.weights &&
      !options.ignore?.includes(column) &&
      policyFor(column, options) === "drop",
  );

function weightsOf(table: RowFacts, columns: readonly ColumnFacts[], name: string): TablePreprocessing["weights"] {
  const column = columns.find((each) => each.name === name);
  const reading = column?.type.reading;
  if (column === undefined || reading?.kind !== "number") {
    const misfit = column?.evidence.misfit("plain");
    throw badWeight(table.name, name, misfit?.cell, misfit?.row ?? 0);
  }
  return { column: name, reading };
}

/** Decides the preprocessing from column statistics; the target is one of the columns. Names are in the table's spelling. */
export function fitFacts(
  table: RowFacts,
  columns: readonly ColumnFacts[],
  options: FitPreprocessingOptions,
): TablePreprocessing {
  const names = columns.map(({ name }) => name);
  const notes: string[] = table.remarks.map(({ text }) => text);
  if (areNumbers(names))
    notes.push(
      `the columns are called ${listColumns(names.slice(0, 5))}; if this is a data row, add a line of column names before it`,
    );
  const targetColumn = columns.find(({ name }) => name === options.target);
  if (targetColumn === undefined) throw new HebbError(`${table.name} has no column ${quoted(options.target)}`);
  if (table.usable === 0 && targetColumn.type.kind !== "empty")
    throw new HebbError(
      `${table.name} has no row with a ${quoted(options.target)}${table.withGaps > 0 ? " and without gaps" : ""} to learn from; fill it in, or choose another target`,
    );
  const target = fitTarget(table, targetColumn, options);
  if (table.withoutTarget > 0) notes.push(withoutTargetNote(targetColumn, table.withoutTarget, target.reading));
  notes.push(...readingNotes(targetColumn));
  if (table.withGaps > 0) notes.push(withGapsNote(table.withGaps));
  const unused = [options.target, options.weights, options.group, ...(options.ignore ?? [])];
  const texts = columns.filter(({ name, type }) => type.kind === "text" && !unused.includes(name)).length;
  const numbersOfTerms = Math.floor(thresholds.mostTermNumbers / Math.max(1, table.usable * texts));
  const mostTerms = Math.min(thresholds.mostTerms, Math.max(thresholds.mostCategories, numbersOfTerms));
  const inputs: InputEncoding[] = [];
  const dropped: { column: string; reason: string }[] = [];
  for (const column of columns) {
    if (column.name === options.target || column.name === options.weights) continue;
    const input = options.ignore?.includes(column.name)
      ? "it is one of the columns left out"
      : column.name === options.group
        ? "it says which rows belong together"
        : fitInput(column, options, notes, mostTerms);
    if (typeof input === "string") dropped.push({ column: column.name, reason: input });
    else inputs.push(input);
  }
  if (inputs.length === 0 && options.allowNoInputs !== true) {
    const why = dropped.map(({ column, reason }) => `${quoted(column)}: ${reason}`).join("; ");
    throw new HebbError(
      `${table.name} has no column to learn ${quoted(options.target)} from${why ? ` (${why})` : ""}; ${texts > 0 ? "texts are learned by a pretrained model (hebb train … --base MODEL), or add a column that varies" : "add one that varies"}`,
    );
  }
  for (const { column, reason } of dropped) notes.push(`${quoted(column)} is not used: ${reason}`);
  return {
    kind: "table",
    version: 2,
    inputs,
    featureNames: inputs.flatMap(featureNamesOf),
    target,
    weights: options.weights === undefined ? null : weightsOf(table, columns, options.weights),
    dropped,
    notes,
  };
}

/** The rows to train on: those with a target, and without gaps in columns that drop the row. */
export function usableRows(table: Table, options: FitPreprocessingOptions): Int32Array {
  checkTable("usableRows", table);
  checkTarget("usableRows", options, fittingKinds);
  const resolved = resolveOptions(table.name, table.columnNames, options);
  return usableOf(table.as(resolved), resolved);
}

function usableOf(table: Table, resolved: FitPreprocessingOptions): Int32Array {
  const target = table.judged(resolved.target);
  const { missing } = readerOf(targetType(target, resolved.task).reading, target.typed);
  const dropping = droppingColumns(table.columnNames, resolved).map((name) => {
    const { cells, type, typed } = table.judged(name);
    return { cells, reader: readerOf(type.reading, typed) };
  });
  const all = Int32Array.from({ length: table.rowCount }, (_, row) => row);
  return all.filter(
    (row) => !missing(target.cells[row]) && dropping.every(({ cells, reader }) => reader.reads(cells[row])),
  );
}

/**
 * Learns how to turn rows of this table into features and targets.
 *
 * Numbers: median for missing values (with a missing indicator), logarithm for long tails, then (x − mean) / std.
 * Categories and booleans: one feature per value, with rare values merged and missing as its own.
 * Dates: days, and sine and cosine of the year, week and day that they span.
 * Texts: the most frequent words and pairs of words, weighted by rarity (tf-idf), and the length.
 * Constant and identifier columns are left out. Target: classes or a scaled number.
 * Throws HebbError when the target is missing or constant, or nothing usable remains.
 */
export function fitPreprocessing(given: Table, options: FitPreprocessingOptions): TablePreprocessing {
  checkTable("fitPreprocessing", given);
  checkTarget("fitPreprocessing", options, fittingKinds);
  const resolved = resolveOptions(given.name, given.columnNames, options);
  const table = given.as(resolved);
  const target = table.judged(resolved.target);
  const usable = usableOf(table, resolved);
  if (resolved.weights !== undefined) checkWeights(table, resolved.weights, usable);
  const present = new Set(usable);
  const rows =
    options.rows === undefined ? Array.from(usable) : Array.from(options.rows).filter((row) => present.has(row));
  const type = targetType(target, options.task);
  const { missing } = readerOf(type.reading, target.typed);
  const withoutTarget = target.cells.filter((cell) => missing(cell)).length;
  const withGaps = table.rowCount - withoutTarget - usable.length;
  return fitFacts(
    { name: table.name, rows: table.rowCount, usable: rows.length, withoutTarget, withGaps, remarks: table.remarks },
    table.judgedColumns.map((column) => factsOf(column.name === target.name ? { ...column, type } : column, rows)),
    resolved,
  );
}

/** Rows that are left out need no weight. */
function checkWeights(table: Table, name: string, usable: Int32Array): void {
  const { cells, type, typed } = table.judged(name);
  const reader = readerOf(type.reading.kind === "number" ? type.reading : asNumber, typed);
  for (const row of usable) {
    const value = reader.number(cells[row]);
    if (!(value >= 0)) throw badWeight(table.name, name, cells[row], row);
  }
}
