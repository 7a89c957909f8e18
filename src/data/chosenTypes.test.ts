// Column types chosen by the user: they override the cells, which must fit. Also the table of decisions.
import { describe, expect, test } from "vitest";
import { applyPreprocessing, explainTable, fitPreprocessing, parseCsv, prepareTable, Table } from "./index.ts";

const rows = (count: number, line: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => line(row)).join("\n");
const table = parseCsv(
  `mode,zip,when,note,y\n${rows(80, (i) => `${[3, 7, 11, 19][i % 4]},${["02134", "10001"][i % 2]},${44197 + i},${["aa", "bb"][i % 2]},${i % 3 === 0 ? "yes" : "no"}`)}`,
);
const kinds = (options: object): Record<string, string> =>
  Object.fromEntries(explainTable(table, { target: "y", ...options }).map(({ column, type }) => [column, type]));

describe("chosen types", () => {
  test("override the cells, even if the column's name is only nearly right", () => {
    expect(kinds({})).toEqual({ mode: "category", zip: "category", when: "number", note: "category", y: "boolean" });
    expect(kinds({ numeric: ["mode", " ZIP"], categorical: ["WHEN"], text: ["note"] })).toEqual({
      ...{ mode: "number", zip: "number", when: "category", note: "text", y: "boolean" },
    });
    const { inputs } = fitPreprocessing(table, { target: "y", numeric: ["zip"], text: ["note"] });
    expect(inputs.find(({ column }) => column === "zip")?.kind).toBe("number");
    expect(inputs.find(({ column }) => column === "note")).toMatchObject({ kind: "text", terms: ["aa", "bb"] });
    const digits = fitPreprocessing(table, { target: "y", text: ["when", "mode"] }).inputs;
    expect(digits.find(({ column }) => column === "mode")).toMatchObject({
      kind: "text",
      terms: ["11", "19", "3", "7"],
    });
  });

  test("numbers used as names match in every spelling", () => {
    const pre = fitPreprocessing(table, { target: "y", categorical: ["mode"] });
    const of = (mode: unknown): string => {
      const { features } = applyPreprocessing(pre, Table.fromRows([{ mode, zip: null, when: null, note: null }]));
      return String(features);
    };
    expect([of("7.0"), of(7), of("7")]).toEqual([of("7"), of("7"), of("7")]);
    expect(of("11")).not.toBe(of("7"));
  });

  test("numbers are read as days if chosen as dates", () => {
    const days = parseCsv(`d,x,y\n${rows(40, (i) => `${1_600_000_000 + i * 86400},${i % 7},${i % 2}`)}`);
    const { inputs } = fitPreprocessing(days, { target: "y", date: ["d"] });
    expect(inputs[0]).toMatchObject({ kind: "date", reading: { form: "seconds" } });
  });

  test("refuses cells that do not fit, two choices for one column, and missing columns", () => {
    expect(() => prepareTable(table, { target: "y", numeric: ["note"] })).toThrow(
      /"note" is chosen as numbers, but 80 of its 80 cells are none, such as "aa"/,
    );
    expect(() => prepareTable(table, { target: "y", date: ["note"] })).toThrow(/"note" is chosen as dates, but 80 of/);
    expect(() => prepareTable(table, { target: "y", numeric: ["zip"], text: ["zip"] })).toThrow(
      /"zip" is chosen as numeric and as text; leave one out/,
    );
    expect(() => prepareTable(table, { target: "y", categorical: ["zop"] })).toThrow(
      /no column "zop" to take as categorical; did you mean "zip"\?/,
    );
  });
});

test("the table of columns lists types, reasons, gaps, encodings and features", () => {
  const file = parseCsv(
    `id,price,kind,seen,y\n${rows(60, (i) => `${i},${i % 9 === 0 ? "-" : `"${1 + (i % 7)},${100 + i}.5"`},${["a", "b"][i % 2]},2021-${String(1 + (i % 12)).padStart(2, "0")}-05,${i % 3}`)}`,
  );
  expect(explainTable(file, { target: "Y", categorical: ["kind"] })).toEqual([
    {
      ...{ column: "id", role: "not used", type: "identifier", features: 0, gaps: 0 },
      why: "60 different values in 60 rows: it names rows",
      encoding: "it is different in most rows, so it identifies rows rather than describing them",
    },
    {
      ...{ column: "price", role: "input", type: "number", features: 2, gaps: 7 },
      why: "numbers, with commas between thousands",
      encoding: "scaled, gaps marked",
    },
    {
      ...{ column: "kind", role: "input", type: "category", features: 2, gaps: 0 },
      why: "chosen as categorical",
      encoding: "one feature for each of 2 values",
    },
    {
      ...{ column: "seen", role: "input", type: "date", features: 3, gaps: 0 },
      why: "days of the calendar",
      encoding: "days, scaled, week as sine and cosine",
    },
    { ...{ column: "y", role: "target", type: "number", features: 0, gaps: 0 }, why: "numbers", encoding: "3 classes" },
  ]);
});
