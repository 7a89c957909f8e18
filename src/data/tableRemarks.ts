// Remarks about decisions while reading a file: generated column names, the detected encoding.

export interface TableRemark {
  readonly code: "header" | "encoding";
  /** A sentence without its full stop. */
  readonly text: string;
  readonly columns: readonly string[];
}
