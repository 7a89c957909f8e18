// What reading a file had to decide about it: columns that were given a name, the encoding that was found.

export interface TableRemark {
  readonly code: "header" | "encoding";
  /** A sentence without its full stop. */
  readonly text: string;
  readonly columns: readonly string[];
}
