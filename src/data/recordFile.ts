// A table file that is read in runs of rows, repeatedly: the interface that streaming needs from every format.
import type { Random } from "./random.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** Records of a stretch, and the number of the first. */
export interface Records {
  /** Fields as they were written; empty ones are missing. */
  readonly records: string[][];
  readonly row: number;
}

export interface RecordFile {
  /** Of the file, in messages. */
  readonly name: string;
  /** Of a CSV file; known when the file is being read. */
  readonly delimiter: string | undefined;
  readonly columns: readonly string[];
  /** For each column, whether its cells were numbers before they were text; known when all was read once. */
  readonly typed: readonly boolean[];
  /** What there is to say of how it was read; known when it was. */
  readonly remarks: readonly TableRemark[];
  /** About how many rows there are, by the first of them. */
  estimatedRows(first: { readonly rows: number; readonly bytes: number }): number;
  /** All records from the start. */
  scan(): AsyncGenerator<Records & { readonly bytes: number }, void, void>;
  /** All records again; in an order of stretches that `order` mixes, where the format can be read from any place. */
  blocks(order: Random | undefined): AsyncGenerator<Records, void, void>;
}
