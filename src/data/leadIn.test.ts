// Text above a table is skipped and reported; lookalikes stay an error or a column.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseCsv } from "./csv.ts";
import { CsvFile } from "./csvFile.ts";
import { recordsBefore } from "./leadIn.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-lead-in-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const body = "day;place;sold\n1;Bern;4,5\n2;Ulm;7,5\n3;Köln;1,5\n";

describe("left out", () => {
  test.each<[string, string, string]>([
    ["comments", `# export of 2024\n# by, all; of us\n${body}`, '2 lines, from "# export of 2024" on, stand'],
    ["a title", `Sales, by day\n\n${body}`, 'the first line, "Sales, by day", stands'],
    ["a title as a spreadsheet writes it", `Sales;;\n;;\n${body}`, '2 lines, from "Sales" on, stand'],
    ["a title in quotes", `"Sales of ""our"" shops\nand others"\n\n${body}`, "the first line"],
    ["a head in pairs", `Firm;A\nYear;2024\n\nday;place;sold;kept\n1;Bern;4;y\n2;Ulm;7;n\n`, "2 lines"],
    ["line ends of Windows", `Report\r\n\r\n${body.replaceAll("\n", "\r\n")}`, 'the first line, "Report", stands'],
  ])("%s", async (_, text, says) => {
    const whole = parseCsv(text);
    expect(whole.columnNames.slice(0, 3)).toEqual(["day", "place", "sold"]);
    expect(whole.column("place").cells.slice(0, 2)).toEqual(["Bern", "Ulm"]);
    expect(whole.remarks.map((remark) => remark.text).join()).toContain(says);
    const path = join(folder, "table.csv");
    writeFileSync(path, text);
    const file = await CsvFile.open(path, {});
    const read = async (parts: AsyncIterable<{ readonly records: readonly string[][] }>): Promise<string[][]> => {
      const found: string[][] = [];
      for await (const { records } of parts) found.push(...records);
      return found;
    };
    const rows = Array.from({ length: whole.rowCount }, (_, row) => whole.columns.map(({ cells }) => cells[row]));
    expect(await read(file.scan())).toEqual(rows);
    expect(await read(file.blocks(undefined))).toEqual(rows);
    expect(file.remarks).toEqual(whole.remarks);
  });
});

test("an error further down names its line in the file", () => {
  expect(() => parseCsv(`Report\n\n${body}${"4;Rom;2\n".repeat(60)}5;Rom\n`)).toThrow(
    "line 67: this record has 2 fields",
  );
});

describe("not left out", () => {
  test.each<[string, string, readonly string[] | RegExp]>([
    ["a column called #", "#;name;sold\n1;a;2\n2;b;3\n", ["#", "name", "sold"]],
    ["lists in the cells of one column", "name,tags\nAnn,red|blue|green\nBea,red|blue|white\n", ["name", "tags"]],
    ["row names of pandas, without a name of their own", ",kind\nAnn,x\nBea,y\nCid,z\n", ["index", "kind"]],
    ["one column of sentences", "review\ngood\nbad\n", ["review"]],
    [
      "names of R, which leaves out that of its row names",
      "x,y\nAnn,a,b\nBea,c,d\nCid,e,f\n",
      /line 2: this record has 3/,
    ],
    ["a header of fewer names than numbers", "x\n1,2,3\n4,5,6\n7,8,9\n", /line 2: this record has 3/],
  ])("%s", (_, text, expected) => {
    if (expected instanceof RegExp) expect(() => parseCsv(text)).toThrow(expected);
    else expect(parseCsv(text).columnNames).toEqual(expected);
    expect(parseCsv("a;b\n1;2\n").remarks).toEqual([]);
  });
});

test("rows of a sheet are as wide as its widest", () => {
  const sheet = [
    ["Sales of 2024", "", ""],
    ["Date", "Region", "Units"],
    ["2024-01-01", "N", "3"],
    ["2024-01-02", "", ""],
  ];
  expect(recordsBefore(sheet.map((fields, place) => ({ fields, apart: place === 1 })))).toBe(1);
  expect(recordsBefore(sheet.slice(1).map((fields) => ({ fields, apart: false })))).toBe(0);
});
