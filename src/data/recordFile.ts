// A table file that is read repeatedly in runs of rows: the interface that streaming needs from every format.
import type { Random } from "./random.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** Consecutive records, and the number of the first. */
export interface Records {
  /** Fields as written; empty ones are missing. */
  readonly records: string[][];
  readonly row: number;
}

export interface RecordFile {
  /** The file's name in messages. */
  readonly name: string;
  /** For a CSV file; known once reading has begun. */
  readonly delimiter: string | undefined;
  readonly columns: readonly string[];
  /** For each column, whether its cells were numbers before conversion to text; known after one complete pass. */
  readonly typed: readonly boolean[];
  /** Remarks about the reading; known once it is complete. */
  readonly remarks: readonly TableRemark[];
  /** The estimated number of rows, from the first of them. */
  estimatedRows(first: { readonly rows: number; readonly bytes: number }): number;
  /** All records from the start. */
  scan(): AsyncGenerator<Records & { readonly bytes: number }, void, void>;
  /** All records again, in blocks shuffled by `order` if the format has random access. */
  blocks(order: Random | undefined): AsyncGenerator<Records, void, void>;
}
