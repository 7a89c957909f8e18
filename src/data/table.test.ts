// Column types and summary statistics.
import { describe, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import type { ColumnType } from "./columnType.ts";
import { inferColumnType } from "./columnTypes.ts";
import { parseDate } from "./dates.ts";
import { parseNumber } from "./numbers.ts";
import { type Column, Table } from "./table.ts";

const column = (cells: readonly unknown[], name = "x"): Column => new Table([{ name, cells }]).column(name);
const repeat = (values: readonly string[], count: number): string[] =>
  Array.from({ length: count }, (_, i) => values[i % values.length] ?? "");

test.each<[string, readonly unknown[], ColumnType["kind"]]>([
  ["whole numbers", [1, 2, 3], "number"],
  ["numbers in every notation", ["1", "-2.5", "+3", "1e-3", ".5", "7."], "number"],
  ["numbers with gaps", ["1", "NA", "3"], "number"],
  ["thousands", ["1,200", "15", "2,000,000.5"], "number"],
  ["decimal commas", ["1,5", "2,25", "3"], "number"],
  ["currency and percent", ["$12.50", "$3", "15%"], "number"],
  ["booleans", ["true", "False", "TRUE"], "boolean"],
  ["yes and no", ["yes", "no", "yes"], "boolean"],
  ["words", ["red", "green", "red"], "category"],
  ["grades with none", ["none", "some", "none"], "category"],
  ["dates", ["2024-01-31", "2024/2/1", "2024-02-01T12:00:00Z"], "date"],
  ["dates, one impossible", ["2024-02-31", "2024-02-01"], "category"],
  ["missing only", ["", "NA", null], "empty"],
  ["hexadecimal and words that Number would take", ["0x10", "Infinity"], "category"],
  ["names", Array.from({ length: 40 }, (_, i) => `person number ${i}`).map((s, i) => `${i}${s}`), "text"],
  ["codes", Array.from({ length: 40 }, (_, i) => `k${i * 7919}`), "identifier"],
])("%s → %s", (_, cells, kind) => {
  expect(inferColumnType(column(cells)).kind).toBe(kind);
});

test("row numbers are identifiers by name, not by value: an evenly spaced x is a number", () => {
  const counting = Array.from({ length: 50 }, (_, i) => i);
  for (const name of ["id", "Index", "customer_id", "Unnamed: 0", "userID"])
    expect(inferColumnType(column(counting, name)).kind).toBe("identifier");
  for (const name of ["x", "paid", "humid", "day"]) expect(inferColumnType(column(counting, name)).kind).toBe("number");
});

test("a few unreadable cells among many numbers count as missing; many make a category", () => {
  const numbers = Array.from({ length: 100 }, (_, i) => String(i % 7));
  expect(inferColumnType(column([...numbers, "12o"]))).toEqual({
    kind: "number",
    reading: { kind: "number", format: "plain", booleans: false, missing: [], unit: null },
    wholeNumbers: true,
    unreadable: 1,
  });
  expect(inferColumnType(column([...numbers, ...repeat(["low", "high"], 10)])).kind).toBe("category");
});

test.each([
  ["x", /takes a list of columns such as .*, got "x"; parseCsv\(text\)/],
  [undefined, /takes a list of columns .*, got undefined/],
  [{ age: [41] }, /takes a list of columns .*, got an object/],
  [[null], /column 1 is null/],
  [[{ cells: [1] }], /the name of column 1 is undefined; give it a string/],
  [[{ name: "age" }], /the cells of column "age" are undefined; give it a list/],
  [[{ name: "age", cells: "41" }], /the cells of column "age" are "41"; give it a list/],
])("a table of %j is refused with what it takes", (columns, says) => {
  expect(() => Reflect.construct(Table, [columns])).toThrow(says);
  expect(() => Reflect.construct(Table, [columns])).toThrow(HebbError);
});

test("a row that is not an object is named by its number", () => {
  expect(() => Reflect.apply(Table.fromRows, Table, [[{ age: 41 }, null]])).toThrow(/row 2 is null/);
});

test("parseNumber and parseDate", () => {
  expect(parseNumber("1,234.5", "thousands")).toBe(1234.5);
  expect(parseNumber("1,5", "decimalComma")).toBe(1.5);
  expect(parseNumber("-$3")).toBe(-3);
  for (const bad of ["", "abc", "1 2", "0x1f", "Infinity", "1e", "--1", "9".repeat(1000), "1,23,4"])
    expect(parseNumber(bad)).toBeNaN();
  expect(parseDate("1970-01-02")).toBe(1);
  expect(parseDate("1970-01-01 12:00")).toBe(0.5);
  expect(parseDate("2023-02-29")).toBeNaN();
});

describe("describe", () => {
  test("numbers, categories and missing values", () => {
    const table = new Table([
      { name: "n", cells: [1, 2, 3, 4, null] },
      { name: "c", cells: ["b", "a", "b", "b", "a"] },
    ]);
    expect(table.describe()).toEqual([
      {
        name: "n",
        kind: "number",
        rows: 5,
        missing: 1,
        distinct: 4,
        range: { min: 1, max: 4, mean: 2.5, std: Math.sqrt(1.25), median: 2.5 },
      },
      {
        name: "c",
        kind: "category",
        rows: 5,
        missing: 0,
        distinct: 2,
        top: [
          { value: "b", count: 3 },
          { value: "a", count: 2 },
        ],
      },
    ]);
  });

  test("values near the limit of float64 do not overflow", () => {
    const [summary] = new Table([{ name: "n", cells: ["1e308", "1.5e308", "-1e308"] }]).describe();
    expect(summary?.range?.mean).toBeCloseTo(5e307, -300);
    expect(Number.isFinite(summary?.range?.std)).toBe(true);
  });
});

test("refuses values that are not cells, and a column without a name", () => {
  for (const [value, what] of [
    [[1], "\\[1\\]"],
    [new Map([["a", 1]]), "a Map"],
    [() => 1, "a function"],
    [Symbol("s"), "Symbol"],
  ] as const)
    expect(() => Table.fromRows([{ x: 1 }, { x: value }], "rows")).toThrow(
      new RegExp(`rows: column "x" has ${what}.* in row 2; a cell is a string`),
    );
  expect(() => new Table([{ name: "", cells: [] }])).toThrow(/column 1 has no name/);
  expect(Table.fromRows([JSON.parse('{"__proto__": 5}')]).column("__proto__").cells).toEqual(["5"]);
});

test("refuses columns of unequal length, duplicate names and missing rows", () => {
  expect(
    () =>
      new Table([
        { name: "a", cells: [1] },
        { name: "b", cells: [1, 2] },
      ]),
  ).toThrow(/column "b" has 2 rows, "a" has 1/);
  expect(
    () =>
      new Table([
        { name: "a", cells: [1] },
        { name: "a", cells: [1] },
      ]),
  ).toThrow(/two columns are called "a"/);
  expect(() => new Table([{ name: "a", cells: [1] }]).select([1])).toThrow(/there is no row 1/);
});
