// Results: the worker's reports on a trained network's answers, row by row and column by column.
import type { InputGroup, Prediction } from "./protocol.ts";

/** A row with one of the worst answers. */
export interface WorstRow {
  /** Its line in the table, from 1 without the header; for other data its index among these rows. */
  readonly row: number;
  /** Its cells in the table, or its inputs. */
  readonly cells: readonly string[];
  readonly truth: string;
  readonly said: string;
  /** For a class: the probability of the true one. For a number: prediction − truth. */
  readonly off: number;
  /** The loss of this row alone. */
  readonly loss: number;
  /** For a picture, its pixels [channels, height, width]. */
  readonly picture: Float32Array | undefined;
}

export interface Results {
  readonly step: number;
  /** Whether these are test rows. */
  readonly onTest: boolean;
  readonly rows: number;
  /** [rows, outputs]: the probability of the second class, of each class, or the number in the target's own units. */
  readonly outputs: Float32Array;
  /** The class, counted from 0, or the number in the target's own units. */
  readonly truth: Float32Array;
  /** The columns of the worst rows' cells. */
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

/** The decrease of accuracy, or R², when a column is shuffled. */
export interface Importances {
  readonly step: number;
  readonly onTest: boolean;
  /** The number of rows measured: the first ones. */
  readonly rows: number;
  readonly metric: number;
  readonly columns: readonly ColumnImportance[];
}

export interface DependenceAsk {
  /** The column, by its index. */
  readonly column: number;
}

/** The dependence of the mean answer on one column. */
export interface DependenceCurve {
  readonly step: number;
  readonly column: string;
  readonly rows: number;
  /** The values of the column: numbers, or names of categories. */
  readonly at: readonly number[];
  readonly names: readonly string[];
  /** [values][outputs], in the target's own units. */
  readonly mean: readonly (readonly number[])[];
  readonly low: readonly (readonly number[])[];
  readonly high: readonly (readonly number[])[];
}

/** A picture to examine: a training row, or pixels from 0 to 1. */
export type PictureAsk = { readonly row: number } | { readonly inputs: readonly number[] };

/** The network's view of one picture. */
export interface PictureLook {
  /** The picture before its channels were scaled, [channels, height, width]. */
  readonly picture: Float32Array;
  /** The values of each stage after the inputs; for a convolution [maps, height, width]. */
  readonly stages: readonly Float32Array[];
  /** [height, width]: the sensitivity of the answer to each pixel. */
  readonly saliency: Float32Array;
  readonly reading: Prediction;
}
