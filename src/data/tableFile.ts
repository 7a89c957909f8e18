// A table in a file of any format (Node only): at once, or in parts.

import * as kind from "../graph/kinds.ts";
import type { OptionKinds } from "../graph/options.ts";
import { arrowGroups } from "./arrow.ts";
import type { CsvOptions } from "./csv.ts";
import { CsvFile } from "./csvFile.ts";
import { excelGroups } from "./excel.ts";
import type { FileKind, InputFile, TableKind } from "./inputFile.ts";
import { jsonGroups, jsonlGroups } from "./jsonRows.ts";
import { parquetGroups, parquetTable } from "./parquet.ts";
import type { RecordFile } from "./recordFile.ts";
import { GroupedFile, type RowGroups, tableOf } from "./rowGroups.ts";
import { duckDbGroups, sqliteGroups, sqlOverFile } from "./sql.ts";
import type { Table } from "./table.ts";

/** Selects the table in a file that may hold several. */
export interface TablePart {
  /** A statement that yields the table: over the tables of a database, or over `data` for any other file. */
  readonly sql?: string | undefined;
  /** The sheet of an Excel file, by name or by number from 1. */
  readonly sheet?: string | undefined;
}

export const tablePartKinds: OptionKinds<TablePart> = { sql: kind.string, sheet: kind.string };

/** Whether a file of this kind is always a table. */
export const isTableKind = (found: FileKind): found is TableKind =>
  found !== "text" && found !== "idx" && found !== "png" && found !== "jpeg";

/** Formats that can be read in parts. */
export const readInParts: readonly TableKind[] = ["table", "parquet", "arrow", "jsonl", "sqlite", "duckdb"];

function groupsOf(format: Exclude<TableKind, "table">, path: string, { sql, sheet }: TablePart): RowGroups {
  switch (format) {
    case "parquet":
      return parquetGroups(path);
    case "arrow":
      return arrowGroups(path);
    case "excel":
      return excelGroups(path, sheet);
    case "json":
      return jsonGroups(path);
    case "jsonl":
      return jsonlGroups(path);
    case "sqlite":
      return sqliteGroups(path, sql);
    case "duckdb":
      return duckDbGroups(path, sql);
  }
}

const isDatabase = (format: TableKind): boolean => format === "sqlite" || format === "duckdb";

/** The whole table. Throws HebbError for a file that is damaged, or needs a package that is not installed. */
export async function wholeTable(file: InputFile, format: TableKind, part: TablePart): Promise<Table> {
  if (part.sql !== undefined && !isDatabase(format)) return tableOf(sqlOverFile(file.path, part.sql));
  if (format === "table") return file.table();
  return format === "parquet" ? parquetTable(file) : tableOf(groupsOf(format, file.path, part));
}

/** The table in parts, reread for every pass over it. */
export async function tableInParts(
  file: InputFile,
  format: TableKind,
  part: TablePart,
  csv: CsvOptions = {},
): Promise<RecordFile> {
  if (part.sql !== undefined && !isDatabase(format)) return new GroupedFile(sqlOverFile(file.path, part.sql));
  return format === "table" ? CsvFile.of(file, csv) : new GroupedFile(groupsOf(format, file.path, part));
}
