// CSV in all its forms; every malformed table is refused with a sentence that names the place and the fix.
import { describe, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { formatCsv, parseCsv, sniffDelimiter } from "./csv.ts";
import { Table } from "./table.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const cells = (table: Table): (readonly (string | undefined)[])[] => table.columns.map((column) => column.cells);

describe("well-formed tables", () => {
  test.each([
    ["plain", "a,b\n1,2\n3,4\n"],
    ["no line break at the end", "a,b\n1,2\n3,4"],
    ["Windows line breaks", "a,b\r\n1,2\r\n3,4\r\n"],
    ["old Mac line breaks", "a,b\r1,2\r3,4"],
    ["a byte order mark", "\uFEFFa,b\n1,2\n3,4"],
    ["semicolons", "a;b\n1;2\n3;4"],
    ["tabs", "a\tb\n1\t2\n3\t4"],
    ["bars", "a|b\n1|2\n3|4"],
    ["quotes", '"a","b"\n"1","2"\n3,"4"'],
    ["blanks around", " a , b \n 1 , 2\n3, 4 "],
    ["empty lines", "\n\na,b\n\n1,2\n\n3,4\n\n"],
  ])("%s", (_, text) => {
    const table = parseCsv(text);
    expect(table.columnNames).toEqual(["a", "b"]);
    expect(cells(table)).toEqual([
      ["1", "3"],
      ["2", "4"],
    ]);
  });

  test("UTF-8 and UTF-16 bytes", () => {
    const text = "größe,b\n1,ß\n";
    const utf16 = new Uint8Array(2 + text.length * 2);
    utf16.set([0xff, 0xfe]);
    for (let i = 0; i < text.length; i++) utf16.set([text.charCodeAt(i) & 255, text.charCodeAt(i) >> 8], 2 + 2 * i);
    for (const source of [new TextEncoder().encode(text), utf16]) {
      expect(cells(parseCsv(source))).toEqual([["1"], ["ß"]]);
      expect(parseCsv(source).columnNames).toEqual(["größe", "b"]);
    }
  });

  test("delimiters, quotes and line breaks inside quoted fields", () => {
    expect(cells(parseCsv('a,b\n"x, ""y""","1\n2"\n'))).toEqual([['x, "y"'], ["1\n2"]]);
  });

  test("the delimiter is the one that splits the lines evenly, not the most frequent", () => {
    expect(sniffDelimiter("a;b\n1,5;2,5\n3,5;4,5\n")).toBe(";");
    expect(sniffDelimiter('name,text\n1,"a;b;c;d"\n2,"e;f"\n')).toBe(",");
    expect(sniffDelimiter("single\n1\n2\n")).toBe(",");
    expect(sniffDelimiter("")).toBe(",");
  });

  test("markers of missing values stay as written: only the whole column tells their meaning", () => {
    const table = parseCsv("a,b\nNA,?\nn/a,null\nNaN,\n none ,0\n");
    expect(cells(table)).toEqual([
      ["NA", "n/a", "NaN", "none"],
      ["?", "null", undefined, "0"],
    ]);
    expect(table.describe().map(({ kind, missing }) => [kind, missing])).toEqual([
      ["category", 3],
      ["number", 3],
    ]);
  });

  test("without a header, and with an unnamed first column of row numbers", () => {
    expect(parseCsv("1,2\n3,4", { header: false }).columnNames).toEqual(["column1", "column2"]);
    expect(parseCsv(",b\n1,2\n").columnNames).toEqual(["index", "b"]);
  });

  test("names from Object.prototype are ordinary columns", () => {
    const table = parseCsv("__proto__,constructor,toString\n1,2,3\n");
    expect(table.column("__proto__").cells).toEqual(["1"]);
    expect(table.column("constructor").cells).toEqual(["2"]);
    expect(() => table.column("hasOwnProperty")).toThrow(HebbError);
    expect(({} as Record<string, unknown>)["cells"]).toBeUndefined();
    const rows = Table.fromRows([JSON.parse('{"__proto__": 1, "a": 2}')]);
    expect(rows.column("__proto__").cells).toEqual(["1"]);
  });

  test("formatCsv output reads back", () => {
    const text = formatCsv(
      ["a,b", "c"],
      [
        ['x "y"', 1.5],
        [" blank ", undefined],
        ["two\nlines", -0],
      ],
    );
    const table = parseCsv(text);
    expect(table.columnNames).toEqual(["a,b", "c"]);
    expect(cells(table)).toEqual([
      ['x "y"', "blank", "two\nlines"],
      ["1.5", undefined, "0"],
    ]);
  });
});

describe("malformed tables", () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ["nothing", "", /t\.csv is empty; it needs a line of column names/],
    ["blanks only", " \n\n \n", /t\.csv is empty/],
    ["a byte order mark only", "\uFEFF", /t\.csv is empty/],
    ["a header only", "a,b\n", /t\.csv has column names \(a, b\) but no rows; add at least one row/],
    ["a short record", "a,b\n1,2\n3\n", /t\.csv, line 3: this record has 1 field, the first has 2; add the missing/],
    ["a long record", "a,b\n1,2\n\n3,4,5\n", /t\.csv, line 4: this record has 3 fields, the first has 2/],
    ["a quote that never closes", 'a,b\n1,"2\n3,4\n', /a quote opens here and never closes; close it/],
    ["a quote inside a field", 'a,b\n1,6" pipe\n', /line 2: a quote stands in the middle of a field/],
    ["text after a closing quote", 'a,b\n"1"x,2\n', /line 2: a quote stands in the middle of a field/],
    ["zero bytes", "a,b\n1,\0\n", /zero byte at character 6, so it is not a text table/],
    ["a PNG image", bytes(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /t\.csv is not UTF-8 text/],
    ["bytes of no text", bytes(0x61, 0x0a, 0xe4, 0x02), /t\.csv is not UTF-8 text.*save it as UTF-8/],
    ["an enormous field", `a,b\n1,${"x".repeat(1_100_000)}\n`, /longer than 1000000 characters/],
    [
      "an unclosed quote in a large file",
      `a,b\n1,"${"2,3\n".repeat(400_000)}`,
      /longer than 1000000 characters.*unclosed quote/,
    ],
    ["far too many columns", `${"a,".repeat(100_001)}a\n`, /100002 columns are more than 100000; check the delimiter/],
  ])("%s", (_, source, message) => {
    let thrown: unknown;
    try {
      parseCsv(source, { name: "t.csv" });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HebbError);
    expect(String(thrown)).toMatch(message);
  });

  test("a bad delimiter, a column that does not exist", () => {
    expect(() => parseCsv("a,b\n1,2", { delimiter: "::" })).toThrow(/must be one character/);
    expect(() => parseCsv("a,b\n1,2", { delimiter: '"' })).toThrow(/other than a quote/);
    expect(() => parseCsv("Age,b\n1,2", { name: "t.csv" }).column("agee")).toThrow(
      /t\.csv has no column "agee"; did you mean "Age"\? The columns are Age, b/,
    );
  });
});

describe("files as programs write them", () => {
  test("unnamed columns and duplicates get a name, with a remark", () => {
    const table = parseCsv("a,,a,\u200b,a\n1,2,3,4,5\n");
    expect(table.columnNames).toEqual(["a", "column2", "a (2)", "column4", "a (3)"]);
    expect(table.remarks.map(({ text }) => text)).toEqual([
      'column 2 has no name and is called "column2" here',
      'columns 1 and 3 are both called "a"; the second is called "a (2)" here',
      'column 4 has no name and is called "column4" here',
      'columns 1 and 5 are both called "a"; the second is called "a (3)" here',
    ]);
    expect(parseCsv("a,a,a (2)\n1,2,3\n").columnNames).toEqual(["a", "a (3)", "a (2)"]);
  });

  test("the first line may name the delimiter; errors still name their line", () => {
    const table = parseCsv("sep=;\r\na;b\r\n1,5;2\r\n");
    expect([table.columnNames, table.delimiter, table.rowCount]).toEqual([["a", "b"], ";", 1]);
    expect(() => parseCsv("sep=;\na;b\n1;2\n3\n", { name: "t.csv" })).toThrow(
      /t\.csv, line 4: this record has 1 field/,
    );
  });

  test("Windows-1252 and UTF-16 are detected", () => {
    const text = "Straße;y\nKöln;1\nMünchen €;2\n";
    const windows = Uint8Array.from(text, (char) => (char === "€" ? 0x80 : char.charCodeAt(0)));
    const little = new Uint8Array(Uint16Array.from(text, (char) => char.charCodeAt(0)).buffer);
    const big = little.map((_, place) => little[place ^ 1] ?? 0);
    for (const file of [windows, little, big]) {
      const table = parseCsv(file);
      expect([table.columnNames, table.column("Straße").cells]).toEqual([
        ["Straße", "y"],
        ["Köln", "München €"],
      ]);
      expect(table.remarks.map(({ code }) => code)).toEqual(file === windows ? ["encoding"] : []);
    }
    // Far behind the first piece.
    const late = new Uint8Array(9_000_000).fill(0x31);
    for (let place = 9; place < late.length; place += 10) late[place] = 0x0a;
    late.set([0x61, 0x0a]);
    late[8_500_001] = 0xe4;
    expect(parseCsv(late).column("a").cells).toContain("1ä1111111");
  });
});

test("text written with another delimiter reads back", () => {
  const cells = [
    ["1,5", "a;b"],
    ['"', " c"],
  ];
  const text = formatCsv(["x", "y;z"], cells, ";");
  expect(text).toBe('x;"y;z"\n1,5;"a;b"\n"""";" c"\n');
  const table = parseCsv(text);
  expect([table.delimiter, table.columnNames]).toEqual([";", ["x", "y;z"]]);
});
