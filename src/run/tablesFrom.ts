// Tables from one or several files of the same format: loaded, or streamed if they are large.
import { InputFile, type TableKind } from "../data/inputFile.ts";
import { JoinedFile, joinTables } from "../data/joined.ts";
import { readInParts, type TablePart, tableInParts, wholeTable } from "../data/tableFile.ts";
import { HebbError } from "../graph/errors.ts";
import type { ReadOptions } from "./readOptions.ts";
import type { Origin, PartsSource, TableSource } from "./source.ts";

/** The default file size from which tables are read in parts. */
const largeFile = 300 * 2 ** 20;

/** Refuses options that select a part of a table, if there is no table. */
export function refuseTablePart({ path }: Origin, { sql, sheet }: TablePart): void {
  if (sql !== undefined) throw new HebbError(`--sql is for tables, and ${path} is not one; leave it out`);
  if (sheet !== undefined) throw new HebbError(`--sheet is for Excel files, and ${path} is not one; leave it out`);
}

/** Refuses such options for kinds of tables that lack them. */
function checkPart(kind: TableKind, { path }: Origin, { sql, sheet }: TablePart): void {
  if (sheet !== undefined && kind !== "excel")
    throw new HebbError(`--sheet is for Excel files, and ${path} is not one; leave it out`);
  if (sql !== undefined && (kind === "excel" || kind === "arrow"))
    throw new HebbError(
      `--sql reads databases, CSV, JSON and Parquet, and ${path} is an ${kind === "excel" ? "Excel" : "Arrow"} file; leave it out`,
    );
}

/** Whether to read in parts. Compressed files are read at once, because only large files gain and these allow no random access. */
async function inParts(file: InputFile, kind: TableKind, size: number, { form }: ReadOptions): Promise<boolean> {
  if (form === "parts") return true;
  return form === "auto" && size >= largeFile && readInParts.includes(kind) && (await file.packing()) === undefined;
}

export async function tableFrom(
  file: InputFile,
  kind: TableKind,
  origin: Origin,
  options: ReadOptions,
): Promise<TableSource | PartsSource> {
  const { target } = options;
  checkPart(kind, origin, options);
  return (await inParts(file, kind, file.size, options))
    ? { kind: "parts", ...origin, file: await tableInParts(file, kind, options), target }
    : { kind: "table", ...origin, table: await wholeTable(file, kind, options), target, whole: false };
}

/** The files of a pattern as one table. */
export async function joinedTables(
  paths: readonly string[],
  origin: Origin,
  options: ReadOptions,
): Promise<TableSource | PartsSource> {
  const { target } = options;
  const { path: pattern } = origin;
  if (paths.length === 0) throw new HebbError(`no file matches ${pattern}; check the pattern and the folder`);
  if (options.form === "text")
    throw new HebbError(`${pattern} matches ${paths.length} files, but a text must be one; join them into one file`);
  if (options.labels !== undefined)
    throw new HebbError(`${pattern} names tables, which hold their own target; leave out the label file`);
  const files: InputFile[] = [];
  try {
    for (const path of paths) files.push(await InputFile.open(path));
    const found = await Promise.all(
      files.map(async (file) => ({ file, kind: tableKind(file.path, await file.kind()) })),
    );
    for (const { file, kind } of found) checkPart(kind, { ...origin, path: file.path }, options);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const [first] = found;
    if (first !== undefined && (await inParts(first.file, first.kind, size, options))) {
      const parts = await Promise.all(found.map(({ file, kind }) => tableInParts(file, kind, options)));
      return { kind: "parts", ...origin, file: new JoinedFile(parts, pattern), target };
    }
    const tables = [];
    for (const { file, kind } of found) tables.push(await wholeTable(file, kind, options));
    return { kind: "table", ...origin, table: joinTables(tables, pattern), target, whole: false };
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

function tableKind(path: string, kind: Awaited<ReturnType<InputFile["kind"]>>): TableKind {
  if (kind === "idx" || kind === "png" || kind === "jpeg")
    throw new HebbError(`${path} is not a table, and a pattern must match files of one table; narrow it`);
  return kind === "text" ? "table" : kind;
}
