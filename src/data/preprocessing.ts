// The fitted preprocessing of a table as plain JSON: how each column becomes features, and the target a number or a class.
import { HebbError, unreachable } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import type { BooleanReading, DateReading, DurationReading, NumberReading, Reading, TextReading } from "./reading.ts";

export type Task = "classification" | "regression";

/** What a date repeats with: each cycle becomes two features, sine and cosine. */
export const cycleNames = ["year", "week", "day"] as const;
export type CycleName = (typeof cycleNames)[number];

/** How one column of the table becomes features. */
export type InputEncoding =
  | {
      readonly kind: "number" | "date" | "duration";
      readonly column: string;
      /** How a cell is read: a number in its notation, the days of a date, or the seconds of a duration. */
      readonly reading: NumberReading | DateReading | DurationReading;
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
      /** As text, as an answer, or by value where numbers are names: 7 and 7.0 are one store. */
      readonly reading: TextReading | BooleanReading | NumberReading;
      /** One feature for each; a value not listed sets none of them, or "other" when there is such a feature. */
      readonly categories: readonly string[];
      /** Values that were there and are not a feature of their own; null where there were too many to list. */
      readonly rare: readonly string[] | null;
      readonly other: boolean;
      readonly missing: boolean;
      /** Stands in for a missing value. */
      readonly fill: string | null;
      readonly dropMissing: boolean;
    }
  | {
      readonly kind: "text";
      readonly column: string;
      readonly reading: TextReading;
      /** Words in small letters, and pairs of them: one feature for each. */
      readonly terms: readonly string[];
      /** What each counts for: log((1 + texts) / (1 + texts with it)) + 1. */
      readonly weights: readonly number[];
      /** Feature = norm · v / |v|, where v = weight · (1 + log(times the term comes)), or 0 (Salton and Buckley 1988). */
      readonly norm: number;
      /** A last feature says how long the text is: (log(1 + words) − mean) / scale. */
      readonly mean: number;
      readonly scale: number;
      /** Stands in for a missing text, which has no words otherwise. */
      readonly fill: string | null;
      readonly dropMissing: boolean;
    };

export type NumberInput = Extract<InputEncoding, { kind: "number" | "date" | "duration" }>;
export type CategoryInput = Extract<InputEncoding, { kind: "category" }>;
export type TextInput = Extract<InputEncoding, { kind: "text" }>;

export type TargetEncoding =
  | {
      readonly kind: "classes";
      readonly column: string;
      /** What makes two cells one class: 1 and 1.0 of numbers, True and TRUE of booleans. */
      readonly reading: Reading;
      /** Class names as they are written most often; the target of a row is its place in this list. */
      readonly classes: readonly string[];
      /** Rows of each class among those fitted. */
      readonly counts: readonly number[];
    }
  | {
      readonly kind: "number";
      readonly column: string;
      readonly reading: NumberReading | DurationReading;
      /** "log": sign(y) · log(1 + |y|) is taken first. */
      readonly transform: "none" | "log";
      /** target = (value − mean) / scale. */
      readonly mean: number;
      readonly scale: number;
    };

/** The fitted preprocessing of a table. Plain JSON. */
export interface TablePreprocessing {
  readonly kind: "table";
  readonly version: 2;
  readonly inputs: readonly InputEncoding[];
  /** One name for each feature, such as "age", "age (missing)", "sex = female". */
  readonly featureNames: readonly string[];
  readonly target: TargetEncoding;
  /** The column with the weight of each row. */
  readonly weights: { readonly column: string; readonly reading: NumberReading } | null;
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  /** What was decided, in sentences for the user. */
  readonly notes: readonly string[];
}

/** Whether the first feature of a column is its scaled value. */
export const isNumber = (input: InputEncoding): input is NumberInput =>
  input.kind === "number" || input.kind === "date" || input.kind === "duration";

/** sign(x) · log(1 + |x|). */
export const logTransform = (x: number): number => Math.sign(x) * Math.log1p(Math.abs(x));
const logInverse = (x: number): number => Math.sign(x) * Math.expm1(Math.abs(x));

/** The names of the features of a column. */
export function featureNamesOf(input: InputEncoding): string[] {
  const { column } = input;
  switch (input.kind) {
    case "number":
    case "date":
    case "duration": {
      const cycles = input.cycles.flatMap((cycle) => [`${column} (${cycle}, sine)`, `${column} (${cycle}, cosine)`]);
      return [column, ...cycles, ...(input.missingIndicator ? [`${column} (missing)`] : [])];
    }
    case "category": {
      const names = input.categories.map((category) => `${column} = ${category}`);
      if (input.other) names.push(`${column} (other)`);
      if (input.missing) names.push(`${column} (missing)`);
      return names;
    }
    case "text":
      return [...input.terms.map((term) => `${column} has "${term}"`), `${column} (length)`];
    default:
      return unreachable(input);
  }
}

/** A scaled target back in the units of the table: value · scale + mean, and out of the logarithm. Only for a numeric target. */
export function inverseTarget(target: TargetEncoding, value: number): number {
  if (target.kind !== "number")
    throw new HebbError(
      `the target ${quoted(target.column)} is a class, not a number; take its name from target.classes`,
    );
  const level = value * target.scale + target.mean;
  return target.transform === "log" ? logInverse(level) : level;
}

/** Weights that give every class the same say: rows / (classes · count), 0 for a class without rows. */
export function classWeights(counts: readonly number[]): Float32Array {
  const present = counts.filter((count) => count > 0).length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => (count > 0 ? total / (present * count) : 0));
}
