// Tables in databases (Node only): DuckDB files, SQL over any file that DuckDB reads, and SQLite, through Node if it has it.
import { HebbError } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import { type CellValue, isCellValue } from "./cells.ts";
import { packageAddress } from "./optionalPackage.ts";
import type { RowGroup, RowGroups } from "./rowGroups.ts";

type DuckDb = typeof import("@duckdb/node-api");

/** Loads the package by its path: it holds native code, which no bundler may include. */
async function loadDuckDb(purpose: string): Promise<DuckDb> {
  const address = packageAddress("@duckdb/node-api", purpose);
  const duckDb: DuckDb = await import(address);
  return duckDb;
}

/** A quoted SQL name. */
const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const failed = (path: string, error: unknown): HebbError =>
  error instanceof HebbError
    ? error
    : new HebbError(`${path}: ${(error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ")}`);

/** The only table, if there is no statement. */
function onlyTable(path: string, tables: readonly string[]): string {
  const [first, second] = tables;
  if (first === undefined) throw new HebbError(`${path} has no table; write one into it`);
  if (second !== undefined)
    throw new HebbError(
      `${path} has the tables ${tables.map((name) => quoted(name)).join(", ")}; say which rows with --sql, such as --sql 'select * from ${sqlName(first)}'`,
    );
  return `select * from ${sqlName(first)}`;
}

/** DuckDB values other than numbers and strings become DuckDB's text. */
const cellValue = (value: unknown): CellValue => (isCellValue(value) ? value : String(value));

/** A database opened for reading, and how to close it. */
interface Opened {
  readonly path: string;
  readonly statement: string | undefined;
  /** The path of the database; in memory for views over other files. */
  readonly database: string;
  /** Statements to run first. */
  readonly before: readonly string[];
  readonly purpose: string;
}

async function* duckDbRows({
  path,
  statement,
  database,
  before,
  purpose,
}: Opened): AsyncGenerator<RowGroup, void, void> {
  const { DuckDBInstance, DuckDBTypeId } = await loadDuckDb(purpose);
  try {
    const instance = await DuckDBInstance.create(database, database === ":memory:" ? {} : { access_mode: "READ_ONLY" });
    const connection = await instance.connect();
    try {
      for (const each of before) await connection.run(each);
      const tables = async (): Promise<string[]> => {
        const found = await connection.runAndReadAll(
          "select table_name from duckdb_tables() union all select view_name from duckdb_views() where not internal order by 1",
        );
        return found.getColumns()[0]?.map(String) ?? [];
      };
      const result = await connection.stream(statement ?? onlyTable(path, await tables()));
      const names = result.columnNames();
      const numberTypes = [DuckDBTypeId.DECIMAL, DuckDBTypeId.DOUBLE, DuckDBTypeId.FLOAT];
      const numbers = names.map((_, place) => numberTypes.includes(result.columnTypeId(place)));
      let rows = 0;
      for (
        let chunk = await result.fetchChunk();
        chunk !== null && chunk.rowCount > 0;
        chunk = await result.fetchChunk()
      ) {
        rows += chunk.rowCount;
        yield { names, numbers, values: chunk.getColumns().map((column) => column.map(cellValue)) };
      }
      if (rows === 0) yield { names, values: names.map(() => []) };
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } catch (error) {
    throw failed(path, error);
  }
}

/** The rows of a statement, or of the only table. */
export const duckDbGroups = (path: string, statement: string | undefined): RowGroups => ({
  name: path,
  read: () => duckDbRows({ path, statement, database: path, before: [], purpose: "reading DuckDB databases" }),
});

/** A statement over a CSV, JSON or Parquet file, under the name `data`. */
export const sqlOverFile = (path: string, statement: string): RowGroups => ({
  name: path,
  read: () =>
    duckDbRows({
      path,
      statement,
      database: ":memory:",
      before: [`create view data as select * from ${sqlText(path)}`],
      purpose: "SQL over a file",
    }),
});

const rowsOfGroup = 2048;

/** The part of Node's SQLite in use; Node has it from 22.13 on. */
interface Sqlite {
  readonly DatabaseSync: new (
    path: string,
    options: { readonly readOnly: boolean },
  ) => { prepare(statement: string): Statement; close(): void };
}
interface Statement {
  setReadBigInts(enabled: boolean): void;
  columns?(): readonly { readonly name: string }[];
  iterate(): Iterable<Readonly<Record<string, unknown>>>;
}

const isSqlite = (module: object | undefined): module is Sqlite => module !== undefined && "DatabaseSync" in module;

function nodeSqlite(): Sqlite | undefined {
  const module = process.getBuiltinModule("node:sqlite");
  return isSqlite(module) ? module : undefined;
}

function* sqliteRows({ DatabaseSync }: Sqlite, path: string, statement: string | undefined): Generator<RowGroup> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = (): string[] =>
      [
        ...database
          .prepare("select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'")
          .iterate(),
      ].map(({ name }) => String(name));
    const prepared = database.prepare(statement ?? onlyTable(path, tables()));
    // Whole numbers may exceed float64.
    prepared.setReadBigInts(true);
    let names = prepared.columns?.().map(({ name }) => name);
    let rows: Readonly<Record<string, unknown>>[] = [];
    const group = (): RowGroup => {
      const own = names ?? [];
      return { names: own, values: own.map((name) => rows.map((row) => cellValue(row[name]))) };
    };
    for (const row of prepared.iterate()) {
      names ??= Object.keys(row);
      rows.push(row);
      if (rows.length < rowsOfGroup) continue;
      yield group();
      rows = [];
    }
    yield group();
  } finally {
    database.close();
  }
}

/** The rows of a statement, or of the only table, from a SQLite file. */
export const sqliteGroups = (path: string, statement: string | undefined): RowGroups => ({
  name: path,
  async *read() {
    const sqlite = nodeSqlite();
    if (sqlite === undefined) {
      // Older versions of Node have no SQLite; DuckDB reads it with an extension that it downloads once.
      yield* duckDbRows({
        path,
        statement,
        database: ":memory:",
        before: ["install sqlite", "load sqlite", `attach ${sqlText(path)} as db (type sqlite, read_only)`, "use db"],
        purpose: `reading SQLite databases in Node ${process.versions.node} (Node from 22.13 on reads them itself)`,
      });
      return;
    }
    try {
      yield* sqliteRows(sqlite, path, statement);
    } catch (error) {
      throw failed(path, error);
    }
  },
});
