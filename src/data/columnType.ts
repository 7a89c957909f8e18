// The types of table columns.
import type { BooleanReading, DateReading, DurationReading, NumberReading, TextReading } from "./reading.ts";

/** The content of a column. "identifier" and "text" differ in nearly every row, so their raw values do not generalise. */
export type ColumnType =
  | {
      readonly kind: "number";
      readonly reading: NumberReading;
      readonly wholeNumbers: boolean;
      /** Cells that are neither numbers nor markers of missing values; they count as missing. */
      readonly unreadable: number;
    }
  | { readonly kind: "date"; readonly reading: DateReading; readonly unreadable: number }
  | { readonly kind: "duration"; readonly reading: DurationReading; readonly unreadable: number }
  | { readonly kind: "boolean"; readonly reading: BooleanReading }
  /** If the numbers are names, 05123 among them, the cells stay as written. */
  | { readonly kind: "category"; readonly reading: TextReading | NumberReading }
  | { readonly kind: "text"; readonly reading: TextReading }
  | { readonly kind: "empty"; readonly reading: TextReading }
  | { readonly kind: "identifier"; readonly reading: NumberReading | TextReading };

export const columnTypeNames = [
  "number",
  "date",
  "time",
  "duration",
  "boolean",
  "category",
  "text",
  "empty",
  "identifier",
] as const satisfies readonly (ColumnType["kind"] | "time")[];
export type ColumnTypeName = (typeof columnTypeNames)[number];

/** The name of a type. A time of the day is a date without a day. */
export const typeName = ({ kind, reading }: ColumnType): ColumnTypeName =>
  reading.kind === "date" && reading.form === "time" ? "time" : kind;
