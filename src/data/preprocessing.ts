// The fitted preprocessing of a table as plain JSON: the encoding of each column and of the target.
import { HebbError, unreachable } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import type { BooleanReading, DateReading, DurationReading, NumberReading, Reading, TextReading } from "./reading.ts";

export type Task = "classification" | "regression";

/** The cycles of a date: each becomes two features, sine and cosine. */
export const cycleNames = ["year", "week", "day"] as const;
export type CycleName = (typeof cycleNames)[number];

/** How one column of the table becomes features. */
export type InputEncoding =
  | {
      readonly kind: "number" | "date" | "duration";
      readonly column: string;
      /** The reading of a cell: a number in its notation, the days of a date, or the seconds of a duration. */
      readonly reading: NumberReading | DateReading | DurationReading;
      /** "log" applies sign(x) · log(1 + |x|) first, for long-tailed amounts. */
      readonly transform: "none" | "log";
      /** Replaces a missing value (after the transform): the median, unless another policy was chosen. */
      readonly median: number;
      readonly mean: number;
      readonly scale: number;
      /** Whether an extra feature is 1 if the value was missing. */
      readonly missingIndicator: boolean;
      /** For dates, whose numbers are days since 1970. */
      readonly cycles: readonly CycleName[];
      /** Whether rows without a value are left out of training and evaluation. */
      readonly dropMissing: boolean;
    }
  | {
      readonly kind: "category";
      readonly column: string;
      /** As text, as a boolean, or by value if numbers are names: 7 and 7.0 are one store. */
      readonly reading: TextReading | BooleanReading | NumberReading;
      /** One feature each. A value not in the list sets none of them, or "other" if there is such a feature. */
      readonly categories: readonly string[];
      /** Values that occurred but have no feature of their own; null if there were too many to list. */
      readonly rare: readonly string[] | null;
      readonly other: boolean;
      readonly missing: boolean;
      /** Replaces a missing value. */
      readonly fill: string | null;
      readonly dropMissing: boolean;
    }
  | {
      readonly kind: "text";
      readonly column: string;
      readonly reading: TextReading;
      /** Lowercase words, and pairs of them: one feature each. */
      readonly terms: readonly string[];
      /** The weight of each term: log((1 + texts) / (1 + texts with it)) + 1. */
      readonly weights: readonly number[];
      /** Feature = norm · v / |v|, where v = weight · (1 + log(count of the term)), or 0 (Salton and Buckley 1988). */
      readonly norm: number;
      /** The last feature is the length of the text: (log(1 + words) − mean) / scale. */
      readonly mean: number;
      readonly scale: number;
      /** Replaces a missing text, which otherwise has no words. */
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
      /** The rule for equal classes: 1 and 1.0 as numbers, True and TRUE as booleans. */
      readonly reading: Reading;
      /** Class names in their most frequent spelling; the target of a row is its index in this list. */
      readonly classes: readonly string[];
      /** Rows per class among the fitted rows. */
      readonly counts: readonly number[];
    }
  | {
      readonly kind: "number";
      readonly column: string;
      readonly reading: NumberReading | DurationReading;
      /** "log" applies sign(y) · log(1 + |y|) first. */
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
  /** The column with the row weights. */
  readonly weights: { readonly column: string; readonly reading: NumberReading } | null;
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  /** Notes for the user about the decisions. */
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

/** Converts a scaled target back to the units of the table: value · scale + mean, then the inverse of the logarithm. Only for a numeric target. */
export function inverseTarget(target: TargetEncoding, value: number): number {
  if (target.kind !== "number")
    throw new HebbError(
      `the target ${quoted(target.column)} is a class, not a number; take its name from target.classes`,
    );
  const level = value * target.scale + target.mean;
  return target.transform === "log" ? logInverse(level) : level;
}

/** Weights that give every class the same total: rows / (classes · count), 0 for a class without rows. */
export function classWeights(counts: readonly number[]): Float32Array {
  const present = counts.filter((count) => count > 0).length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => (count > 0 ? total / (present * count) : 0));
}
