// One table in every format: written by other programs, at once and in parts, compressed, in several files, at a URL, and damaged.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CsvFile } from "./csvFile.ts";
import { readTableFile } from "./files.ts";
import { fitPreprocessing } from "./fitting.ts";
import { filesOf } from "./globs.ts";
import { JoinedFile, joinTables } from "./joined.ts";
import { fetchFile } from "./remoteFile.ts";
import { Table } from "./table.ts";
import { streamFile, streamTable } from "./tableStream.ts";

const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hebb-formats-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const csv = readFileSync(golden("people.csv"), "utf8");

beforeAll(async () => {
  const instance = await DuckDBInstance.create(join(folder, "people.duckdb"));
  const connection = await instance.connect();
  await connection.run(
    `create table people as select * replace (price::decimal(9, 2) as price) from '${golden("people.csv")}'`,
  );
  await connection.run("create table other as select 1 as x");
  connection.closeSync();
  instance.closeSync();
});

const cellsOf = (table: Table): unknown =>
  Object.fromEntries(table.columns.map(({ name, cells }) => [name, cells.map((cell) => cell ?? "")]));
/** Formats differ in writing the same value: 0 or False for no, 10.0 or 10.00 for ten. */
const plain = (cell: string): string =>
  /^\d+\.\d+$/.test(cell)
    ? String(Number(cell))
    : cell.replace(/^(?:False|false|0)$/, "no").replace(/^(?:True|true|1)$/, "yes");
const plainCells = (table: Table): unknown =>
  Object.fromEntries(table.columns.map(({ name, cells }) => [name, cells.map((cell) => plain(cell ?? ""))]));

const noSqlite = process.getBuiltinModule("node:sqlite") === undefined;
const formats: [name: string, path: () => string, part?: { sql?: string }][] = [
  ["Zstandard", () => golden("people.csv.zst")],
  ["gzip", () => write("people.csv.gz", gzipSync(csv))],
  ["Feather, LZ4", () => golden("people.lz4.feather")],
  ["Feather, Zstandard", () => golden("people.zstd.feather")],
  ["Excel", () => golden("people.xlsx")],
  ["JSON lines", () => golden("people.jsonl")],
  [
    "JSON",
    () => write("people.json", `[${readFileSync(golden("people.jsonl"), "utf8").trim().replaceAll("\n", ",")}]`),
  ],
  ["DuckDB", () => join(folder, "people.duckdb"), { sql: "select * from people" }],
  ["SQL over a file", () => golden("people.csv"), { sql: "select * from data" }],
];
if (!noSqlite) formats.push(["SQLite", () => golden("people.sqlite")]);

test("a sheet with a title above the names of the columns", async () => {
  const table = await readTableFile(golden("titled.xlsx"));
  expect(table.columnNames).toEqual(["region", "units", "revenue"]);
  expect([table.rowCount, ...table.columns.map(({ cells }) => cells[1])]).toEqual([6, "S", "1", "9.5"]);
  expect(table.remarks.map(({ text }) => text)).toEqual([
    'the first line, "Sales report 2024", stands before the names of the columns and was left out',
  ]);
});

test.each(["lines", "list"])(
  "JSON in %s: objects in cells become columns, and long ids keep their digits",
  async (form) => {
    const lines = [
      '{"id": 9007199254740993, "user": {"age": 41, "geo": {"land": "DE"}}, "tags": ["a", "b"], "x": 0.12345678901234567}',
      '{"id": 9007199254740992, "user": null, "tags": [], "x": 2, "note": "1234567890123456789 \\" 1"}',
    ];
    const path = form === "lines" ? write("deep.jsonl", lines.join("\n")) : write("deep.json", `[${lines.join()}]`);
    const table = await readTableFile(path);
    expect(Object.fromEntries(table.columns.map(({ name, cells }) => [name, cells]))).toEqual({
      id: ["9007199254740993", "9007199254740992"],
      "user.age": ["41", undefined],
      "user.geo.land": ["DE", undefined],
      tags: ['["a","b"]', "[]"],
      x: ["0.12345678901234566", "2"],
      note: [undefined, '1234567890123456789 " 1'],
    });
    const rows = Table.fromRows([{ user: { age: 41 }, kept: null }, { user: null }]);
    expect(rows.columnNames).toEqual(["user.age", "kept"]);
  },
);

describe("the same table", () => {
  test.each(formats)(
    "%s",
    async (_name, path, part = {}) => {
      const expected = await readTableFile(golden("people.csv"));
      const found = await readTableFile(path(), part);
      expect(found.columnNames).toEqual(expected.columnNames);
      expect(plainCells(found)).toEqual(plainCells(expected));
      // In parts, the preprocessing equals that of the table in memory, and every row occurs once.
      const whole = fitPreprocessing(found, { target: "y" });
      const stream = await streamTable(path(), { target: "y", validation: 0, ...part });
      expect(stream.preprocessing.featureNames).toEqual(whole.featureNames);
      expect(stream.preprocessing.target).toEqual(whole.target);
      for (const epoch of [0, 1]) {
        let rows = 0;
        for await (const rowsOfPart of stream.parts(epoch)) rows += rowsOfPart.length;
        expect(rows).toBe(40);
      }
    },
    60_000,
  );

  test("Parquet gives the same decimals and floats in parts as at once", async () => {
    const { parquetWriteBuffer } = await import("hyparquet-writer");
    const path = write(
      "rows.parquet",
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: "a", data: Array.from({ length: 90 }, (_, i) => (i < 40 ? null : i / 8)), type: "DOUBLE" },
            { name: "y", data: Array.from({ length: 90 }, (_, i) => (i % 2 ? "p" : "q")), type: "STRING" },
          ],
          rowGroupSize: 30,
        }),
      ),
    );
    const whole = fitPreprocessing(await readTableFile(path), { target: "y" });
    const { preprocessing } = await streamTable(path, { target: "y", validation: 0 });
    const [mine, theirs] = [preprocessing.inputs[0], whole.inputs[0]];
    expect(mine?.reading).toEqual(theirs?.reading);
  });
});

test("several files form one table, with columns in any order; differing columns are named", async () => {
  const lines = csv.trim().split("\n");
  mkdirSync(join(folder, "months", "deep"), { recursive: true });
  const turned = lines.map((line) => line.split(",").reverse().join(","));
  write("months/m-2.csv", `${lines[0]}\n${lines.slice(1, 16).join("\n")}\n`);
  write("months/m-10.csv", `${turned[0]}\n${turned.slice(16, 41).join("\n")}\n`);
  write("months/deep/other.csv", "age,extra\n1,2\n");
  const found = filesOf(join(folder, "months", "m-*.csv"));
  expect(found.map((path) => path.slice(-8))).toEqual(["/m-2.csv", "m-10.csv"]);
  expect(filesOf(join(folder, "**", "{other,m-2}.csv")).length).toBe(2);
  expect(filesOf(join(folder, "months", "m-[!2]*.csv")).length).toBe(1);
  expect(filesOf(join(folder, "months", "m-?.csv")).length).toBe(1);
  const joined = joinTables(await Promise.all(found.map((path) => readTableFile(path))), "months");
  expect(cellsOf(joined)).toEqual(cellsOf(await readTableFile(golden("people.csv"))));
  const parts = new JoinedFile(await Promise.all(found.map((path) => CsvFile.open(path, {}))), "months");
  const stream = await streamFile(parts, { target: "y", validation: 0, seed: 3 });
  expect(stream.preprocessing.featureNames).toEqual(fitPreprocessing(joined, { target: "y" }).featureNames);
  let rows = 0;
  for await (const part of stream.parts(1)) rows += part.length;
  expect(rows).toBe(40);
  const other = await readTableFile(join(folder, "months", "deep", "other.csv"));
  expect(() => joinTables([joined, other], "months")).toThrow(/lacks income, city.*it has extra besides/);
});

describe("refused in one sentence", () => {
  const cut = (name: string): Uint8Array => readFileSync(golden(name)).subarray(0, 900);
  test.each<[string, () => string, RegExp, object?]>([
    ["a cut Feather file", () => write("cut.feather", cut("people.lz4.feather")), /cut\.feather is damaged/],
    ["a cut Excel file", () => write("cut.xlsx", cut("people.xlsx")), /cut\.xlsx is damaged/],
    [
      "a cut Zstandard file",
      () => write("cut.csv.zst", cut("people.csv.zst").subarray(0, 300)),
      /Zstandard data cannot/,
    ],
    ["a line that is not JSON", () => write("bad.jsonl", '{"a": 1}\n{"a": \n'), /bad\.jsonl, line 2: this is not JSON/],
    ["JSON that is not a list", () => write("one.json", '{"a": 1}'), /does not hold a list of objects/],
    ["several tables", () => join(folder, "people.duckdb"), /tables "other", "people"; say which rows with --sql/],
    ["a sheet that is not there", () => golden("people.xlsx"), /no sheet "x"; the sheets are "Sheet1"/, { sheet: "x" }],
    ["a statement that is none", () => golden("people.csv"), /Parser Error/, { sql: "selec 1" }],
  ])("%s", async (_name, path, says, part = {}) => {
    await expect(readTableFile(path(), part)).rejects.toThrow(says);
  });
});

test("a URL is downloaded once, revalidated, checked, and used without its server", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const etag = '"one"';
    asked.push(String(request.headers["if-none-match"] ?? "new"));
    if (request.url?.startsWith("/none.csv")) response.writeHead(404).end();
    else if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag }).end(csv);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const address = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}/people.csv?of=all`;
  const options = { folder: join(folder, "cache") };
  const path = await fetchFile(address, options);
  expect(readFileSync(path, "utf8")).toBe(csv);
  expect(await fetchFile(address, options)).toBe(path);
  expect(asked).toEqual(["new", '"one"']);
  const sum = createHash("sha256").update(csv).digest("hex");
  expect(await fetchFile(`${address}#sha256=${sum}`, options)).toBe(path);
  expect(asked.length).toBe(2);
  await expect(fetchFile(`${address}#sha256=${"0".repeat(64)}`, options)).rejects.toThrow(/its sha256 is/);
  await expect(fetchFile(`${address}#top`, options)).rejects.toThrow(/what is understood there is a checksum/);
  await expect(fetchFile(address.replace("people", "none"), options)).rejects.toThrow(/answers 404/);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const stale: string[] = [];
  expect(await fetchFile(address, { ...options, onStale: (why) => stale.push(why) })).toBe(path);
  expect(stale[0]).toMatch(/could not be reached/);
  await expect(fetchFile(address.replace("people", "else"), options)).rejects.toThrow(/could not be fetched/);
}, 30_000);
