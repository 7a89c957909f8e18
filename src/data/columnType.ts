// The types of table columns.
import type { BooleanReading, DateReading, DurationReading, NumberReading, TextReading } from "./reading.ts";

/** What a column holds. "identifier" and "text" differ in nearly every row and say nothing that generalises as they are. */
export type ColumnType =
  | {
      readonly kind: "number";
      readonly reading: NumberReading;
      readonly wholeNumbers: boolean;
      /** Cells that are neither numbers nor marks of missing values, and count as missing. */
      readonly unreadable: number;
    }
  | { readonly kind: "date"; readonly reading: DateReading; readonly unreadable: number }
  | { readonly kind: "duration"; readonly reading: DurationReading; readonly unreadable: number }
  | { readonly kind: "boolean"; readonly reading: BooleanReading }
  /** Of numbers that are names, 05123 among them, the cells are taken as they are written. */
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

/** A type in a word: a time of the day is a date without a day. */
export const typeName = ({ kind, reading }: ColumnType): ColumnTypeName =>
  reading.kind === "date" && reading.form === "time" ? "time" : kind;
