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

/** Which of how many folds is held out. */
export interface Fold {
  readonly number: number;
  readonly of: number;
}

interface Split<P, T, V> {
  readonly preprocessing: P;
  readonly train: T;
  readonly validation: V | undefined;
  /** The share that is held out. */
  readonly share: number;
  /** What was decided about each column of a table. */
  readonly columns?: readonly ColumnExplanation[];
}

export interface PreparedRows
  extends Split<TablePreprocessing | ImagePreprocessing | TextsPreprocessing, Dataset, Dataset> {
  readonly kind: "rows";
  /** What is wrong with the table as it is, in sentences; looked for when it is asked for. */
  readonly findings: () => readonly string[];
  /** The table, and which of its rows are held out, in the order of `validation`. */
  readonly held?: { readonly table: Table; readonly rows: ArrayLike<number> };
}

export interface PreparedParts extends Split<TablePreprocessing, RowStream, Dataset> {
  readonly kind: "parts";
}

export interface PreparedText extends Split<TextPreprocessing, TokenSequence, TokenSequence> {
  readonly kind: "text";
  /** How many tokens there are to choose from. */
  readonly vocabulary: number;
  /** Where both parts of the text are cut, if their tokens are read when they are needed. */
  readonly cuts?: readonly TextCuts[];
}

export type Prepared = PreparedRows | PreparedParts | PreparedText;

/** All the data of a run. */
export type JobData = Prepared & { readonly test: InMemory | undefined };

/** Rows to look at, in memory: all that are learned from, or some of them. */
export const sampleOf = (data: Prepared): InMemory => (data.kind === "parts" ? data.train.sample : data.train);
