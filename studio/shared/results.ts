// Results: what the worker reports of a trained network's answers, row by row and column by column.
import type { InputGroup, Prediction } from "./protocol.ts";

/** A row that the network gets most wrong. */
export interface WorstRow {
  /** Its line in the table, from 1 without the header; of other data its place among these rows. */
  readonly row: number;
  /** What the table has for it, or its inputs. */
  readonly cells: readonly string[];
  readonly truth: string;
  readonly said: string;
  /** Of a class: the chance that the true one was given. Of a number: said − true. */
  readonly off: number;
  /** The loss of this row alone. */
  readonly loss: number;
  /** Of a picture, its pixels [channels, height, width]. */
  readonly picture: Float32Array | undefined;
}

export interface Results {
  readonly step: number;
  /** Whether these are test rows. */
  readonly onTest: boolean;
  readonly rows: number;
  /** [rows, outputs]: the chance of the second class, of each class, or the number in the target's own units. */
  readonly outputs: Float32Array;
  /** The class, counted from 0, or the number in the target's own units. */
  readonly truth: Float32Array;
  /** What the cells of the worst rows are. */
  readonly columns: readonly string[];
  readonly worst: readonly WorstRow[];
}

/** An Importance of the library, whose file leads to all of the runtime. */
export interface ColumnImportance extends InputGroup {
  /** The mean over the repeats, and their standard deviation. */
  readonly mean: number;
  readonly deviation: number;
  readonly drops: readonly number[];
}

export interface ImportanceAsk {
  readonly repeats: number;
}

/** What accuracy, or R², falls by when a column is shuffled. */
export interface Importances {
  readonly step: number;
  readonly onTest: boolean;
  /** Rows that it was measured on: the first so many. */
  readonly rows: number;
  readonly metric: number;
  readonly columns: readonly ColumnImportance[];
}

export interface DependenceAsk {
  /** Which column, by its place. */
  readonly column: number;
}

/** How the mean answer goes with one column. */
export interface DependenceCurve {
  readonly step: number;
  readonly column: string;
  readonly rows: number;
  /** The values that it was set to: numbers, or names of categories. */
  readonly at: readonly number[];
  readonly names: readonly string[];
  /** [values][outputs], in the target's own units. */
  readonly mean: readonly (readonly number[])[];
  readonly low: readonly (readonly number[])[];
  readonly high: readonly (readonly number[])[];
}

/** A picture to look at: a training row, or pixels from 0 to 1. */
export type PictureAsk = { readonly row: number } | { readonly inputs: readonly number[] };

/** What the network makes of one picture. */
export interface PictureLook {
  /** As it was before its channels were scaled, [channels, height, width]. */
  readonly picture: Float32Array;
  /** The values of each stage after the inputs; of a convolution [maps, height, width]. */
  readonly stages: readonly Float32Array[];
  /** [height, width]: how much the answer changes with each pixel. */
  readonly saliency: Float32Array;
  readonly reading: Prediction;
}
