// The result of the second stage: training data and held-out data, with the preprocessing fitted on the former.
import type {
  ColumnExplanation,
  Dataset,
  ImagePreprocessing,
  Table,
  TablePreprocessing,
  TokenSequence,
} from "../data/index.ts";
import type { TextCuts } from "../data/textParts.ts";
import type { TextPreprocessing, TextsPreprocessing } from "../formats/index.ts";
import type { InMemory, RowStream } from "../train/index.ts";

/** Which fold is held out, of how many. */
export interface Fold {
  readonly number: number;
  readonly of: number;
}

interface Split<P, T, V> {
  readonly preprocessing: P;
  readonly train: T;
  readonly validation: V | undefined;
  /** The share held out. */
  readonly share: number;
  /** The decisions about each column of a table. */
  readonly columns?: readonly ColumnExplanation[];
}

export interface PreparedRows
  extends Split<TablePreprocessing | ImagePreprocessing | TextsPreprocessing, Dataset, Dataset> {
  readonly kind: "rows";
  /** Problems of the table, as sentences; computed on request. */
  readonly findings: () => readonly string[];
  /** The table, and the indices of its held-out rows, in the order of `validation`. */
  readonly held?: { readonly table: Table; readonly rows: ArrayLike<number> };
}

export interface PreparedParts extends Split<TablePreprocessing, RowStream, Dataset> {
  readonly kind: "parts";
}

export interface PreparedText extends Split<TextPreprocessing, TokenSequence, TokenSequence> {
  readonly kind: "text";
  /** The number of different tokens. */
  readonly vocabulary: number;
  /** The cuts of both parts of the text, if tokens are read on demand. */
  readonly cuts?: readonly TextCuts[];
}

export type Prepared = PreparedRows | PreparedParts | PreparedText;

/** All the data of a run. */
export type JobData = Prepared & { readonly test: InMemory | undefined };

/** Rows to inspect, in memory: all training rows, or some of them. */
export const sampleOf = (data: Prepared): InMemory => (data.kind === "parts" ? data.train.sample : data.train);
