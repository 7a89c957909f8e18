// The options of `train` for table columns: as flags, in config.json, and for src/data.
import type { FitPreprocessingOptions, MissingPolicy } from "../data/index.ts";
import { aCount, anObject, aString, type Check, listOf, objectOf, oneOf } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";

export const taskNames = ["classification", "regression"] as const;
export const indicatorNames = ["auto", "always", "never"] as const;
export const transformNames = ["none", "log"] as const;
export const autoNames = ["auto", "never"] as const;
const policyNames = ["median", "mean", "mode", "drop"] as const;

/** Choices by the names of their flags; absent ones follow from the data. */
export interface TableArguments {
  readonly task?: (typeof taskNames)[number] | undefined;
  readonly ignore?: readonly string[] | undefined;
  /** Columns by type, which overrides the type inferred from their cells. */
  readonly categorical?: readonly string[] | undefined;
  readonly numeric?: readonly string[] | undefined;
  readonly date?: readonly string[] | undefined;
  readonly text?: readonly string[] | undefined;
  /** The column whose groups are held out as a whole. */
  readonly group?: string | undefined;
  /** The column whose last rows, in its order, are held out. */
  readonly timeColumn?: string | undefined;
  readonly rowWeights?: string | undefined;
  /** `mean`, or for one column `age=drop`. */
  readonly missing?: readonly string[] | undefined;
  readonly missingIndicator?: (typeof indicatorNames)[number] | undefined;
  readonly maxCategories?: number | undefined;
  readonly minCategoryRows?: number | undefined;
  readonly inputTransform?: (typeof autoNames)[number] | undefined;
  readonly targetTransform?: (typeof transformNames)[number] | undefined;
  readonly dateCycles?: (typeof autoNames)[number] | undefined;
}

/** Their names, to refuse them without a table. */
export const tableArguments = [
  "task",
  "ignore",
  "categorical",
  "numeric",
  "date",
  "text",
  "group",
  "timeColumn",
  "rowWeights",
  "missing",
  "missingIndicator",
  "maxCategories",
  "minCategoryRows",
  "inputTransform",
  "targetTransform",
  "dateCycles",
] as const satisfies readonly (keyof TableArguments)[];

/** The same as stored in config.json: null for no choice. */
export type TableChoices = { readonly [K in keyof TableArguments]-?: NonNullable<TableArguments[K]> | null };

const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);

const fields: Check<TableChoices> = objectOf<TableChoices>({
  task: orNull(oneOf(...taskNames)),
  ignore: orNull(listOf(aString)),
  categorical: orNull(listOf(aString)),
  numeric: orNull(listOf(aString)),
  date: orNull(listOf(aString)),
  text: orNull(listOf(aString)),
  group: orNull(aString),
  timeColumn: orNull(aString),
  rowWeights: orNull(aString),
  missing: orNull(listOf(aString)),
  missingIndicator: orNull(oneOf(...indicatorNames)),
  maxCategories: orNull(aCount),
  minCategoryRows: orNull(aCount),
  inputTransform: orNull(oneOf(...autoNames)),
  targetTransform: orNull(oneOf(...transformNames)),
  dateCycles: orNull(oneOf(...autoNames)),
});

/** Fields that runs of earlier versions lack. */
const plain = {
  categorical: null,
  numeric: null,
  date: null,
  text: null,
  group: null,
  timeColumn: null,
} as const satisfies Partial<TableChoices>;

export const checkTableChoices: Check<TableChoices> = (value, place) =>
  fields({ ...plain, ...anObject(value, place) }, place);

/** The choices, or null if there are none. */
export function tableChoices(args: TableArguments): TableChoices | null {
  if (tableArguments.every((name) => args[name] === undefined)) return null;
  return {
    task: args.task ?? null,
    ignore: args.ignore ?? null,
    categorical: args.categorical ?? null,
    numeric: args.numeric ?? null,
    date: args.date ?? null,
    text: args.text ?? null,
    group: args.group ?? null,
    timeColumn: args.timeColumn ?? null,
    rowWeights: args.rowWeights ?? null,
    missing: args.missing ?? null,
    missingIndicator: args.missingIndicator ?? null,
    maxCategories: args.maxCategories ?? null,
    minCategoryRows: args.minCategoryRows ?? null,
    inputTransform: args.inputTransform ?? null,
    targetTransform: args.targetTransform ?? null,
    dateCycles: args.dateCycles ?? null,
  };
}

/** `mean` for all columns, `age=drop` for one; `constant:0` is a fixed value. Throws HebbError for anything else. */
export function parseMissing(text: string): { readonly column: string | undefined; readonly policy: MissingPolicy } {
  const [, column, word = ""] = /^(?:(.+?)=)?((?:median|mean|mode|drop|constant:.*))$/s.exec(text) ?? [];
  const named = policyNames.find((name) => name === word);
  if (named !== undefined) return { column, policy: named };
  const constant = word.slice("constant:".length);
  if (constant === "")
    throw new HebbError(
      `--missing ${text} is not understood; write median, mean, mode, drop or constant:VALUE, with COLUMN= in front for one column`,
    );
  return { column, policy: { constant } };
}

/** The treatment of columns by src/data. */
export type ColumnFitting = Omit<FitPreprocessingOptions, "target" | "rows" | "allowNoInputs">;

export function fittingOf(choices: TableChoices | null): ColumnFitting {
  if (choices === null) return {};
  const { task, rowWeights, maxCategories, minCategoryRows, group, timeColumn } = choices;
  const missing = (choices.missing ?? []).map(parseMissing);
  const all = missing.findLast(({ column }) => column === undefined);
  const single = missing.flatMap(({ column, policy }) => (column === undefined ? [] : [[column, policy] as const]));
  return {
    ...(task === null ? {} : { task }),
    ...(rowWeights === null ? {} : { weights: rowWeights }),
    ...(maxCategories === null ? {} : { maxCategories }),
    ...(minCategoryRows === null ? {} : { minCategoryRows }),
    ...(group === null ? {} : { group }),
    ...(timeColumn === null ? {} : { time: timeColumn }),
    ignore: choices.ignore ?? [],
    categorical: choices.categorical ?? [],
    numeric: choices.numeric ?? [],
    date: choices.date ?? [],
    text: choices.text ?? [],
    missing: all?.policy ?? "median",
    missingOf: Object.fromEntries(single),
    missingIndicator: choices.missingIndicator ?? "auto",
    inputTransform: choices.inputTransform ?? "auto",
    targetTransform: choices.targetTransform ?? "none",
    dateCycles: choices.dateCycles ?? "auto",
  };
}
