// Data from files by path (Node only): bytes, tables, IDX arrays, texts, and detection of the format.
import { HebbError } from "../graph/errors.ts";
import { checkOptions } from "../graph/options.ts";
import { type CsvOptions, readingKinds } from "./csv.ts";
import type { EncodingName } from "./encoding.ts";
import type { IdxArray } from "./idx.ts";
import { type FileKind, InputFile } from "./inputFile.ts";
import type { Table } from "./table.ts";
import { isTableKind, type TablePart, tablePartKinds, wholeTable } from "./tableFile.ts";

export type { FileKind };

/** The bytes of a file. Throws HebbError for one that does not exist, cannot be read, is a folder, or is larger than 2 GiB. */
export const readBytes = (path: string): Promise<Uint8Array> => InputFile.use(path, (file) => file.bytes());

/** A table from a CSV file (gzip too). */
export async function readCsvFile(path: string, options: Omit<CsvOptions, "name"> = {}): Promise<Table> {
  checkOptions("readCsvFile", options, readingKinds);
  return InputFile.use(path, (file) => file.table(options));
}

/**
 * A table from a file of any format: CSV, Parquet, Arrow and Feather, Excel (`sheet`), JSON and JSON lines, SQLite and DuckDB (`sql`).
 * Throws HebbError for other files, and for a package that is not installed.
 */
export async function readTableFile(path: string, part: TablePart = {}): Promise<Table> {
  checkOptions("readTableFile", part, tablePartKinds);
  return InputFile.use(path, async (file) => {
    const found = await file.kind();
    if (!isTableKind(found) && found !== "text")
      throw new HebbError(`${path} holds pictures or arrays, not a table; readImageFile and readIdxFile read those`);
    return wholeTable(file, isTableKind(found) ? found : "table", part);
  });
}

/** One array from an IDX file (gzip too). */
export const readIdxFile = (path: string): Promise<IdxArray> => InputFile.use(path, (file) => file.idx());

/** The text of a file: UTF-8, UTF-16 with a byte order mark, or the given encoding; gzip too. */
export const readTextFile = (path: string, encoding?: EncodingName): Promise<string> =>
  InputFile.use(path, (file) => file.text(encoding));

/**
 * The kind of a file, from its first bytes. To tell a table from a text, also from its name and the form of its first lines. Reads only the
 * head of the file. Throws HebbError for known but unsupported kinds, such as ZIP archives.
 */
export const sniffFile = (path: string): Promise<FileKind> => InputFile.use(path, (file) => file.kind());
