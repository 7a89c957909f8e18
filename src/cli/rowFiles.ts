// Rows of a result as text or as a file: CSV, JSON lines, Parquet.
import { extname } from "node:path";
import { formatCsv } from "../data/index.ts";
import { missingPackage } from "../data/missingPackage.ts";
import { HebbError } from "../graph/errors.ts";
import { visibleJson } from "./output.ts";

export type Row = Readonly<Record<string, string | number>>;

export const rowFormats = ["csv", "jsonl"] as const;
export type RowFormat = (typeof rowFormats)[number];

/** The format of a file by its name. Throws HebbError for other names. */
export function formatOf(path: string): RowFormat | "parquet" {
  const extension = extname(path).toLowerCase();
  switch (extension) {
    case ".jsonl":
    case ".ndjson":
      return "jsonl";
    case ".parquet":
      return "parquet";
    case ".csv":
    case ".txt":
    case "":
      return "csv";
    default:
      throw new HebbError(`--out ${path}: rows are written as .csv, .jsonl or .parquet, not as ${extension}`);
  }
}

export function rowsText(rows: readonly Row[], columns: readonly string[], format: RowFormat): string {
  if (format === "jsonl") return rows.map((row) => `${visibleJson(row)}\n`).join("");
  return formatCsv(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
}

async function loadWriter(): Promise<typeof import("hyparquet-writer")> {
  try {
    return await import("hyparquet-writer");
  } catch (cause) {
    throw missingPackage("hyparquet-writer", "writing Parquet files", cause);
  }
}

/** Numeric columns are float64, all others text. */
export async function rowsParquet(rows: readonly Row[], columns: readonly string[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await loadWriter();
  const columnData = columns.map((name) => {
    const values = rows.map((row) => row[name]);
    return values.every((value) => typeof value === "number")
      ? { name, data: values, type: "DOUBLE" as const }
      : { name, data: values.map((value) => (value === undefined ? "" : String(value))), type: "STRING" as const };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
