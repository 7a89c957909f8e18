// Every table of cases.ts: the same decisions in memory, in parts and from a stored run, and their effect on later rows.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  applyPreprocessing,
  fitPreprocessing,
  parseCsv,
  Table,
  type TablePreprocessing,
} from "../../src/data/index.ts";
import { isNumber } from "../../src/data/preprocessing.ts";
import { streamTable } from "../../src/data/tableStream.ts";
import { parseJson } from "../../src/formats/json.ts";
import { checkPreprocessing } from "../../src/formats/preprocessingJson.ts";
import { type TableCase, tableCases } from "./cases.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-tables-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const optionsOf = ({ target = "y", task, choices = {} }: TableCase) => ({
  target,
  ...(task === undefined ? {} : { task }),
  ...choices,
});

const streamed = (each: TableCase, place: number) => {
  const path = join(folder, `${place}.csv`);
  writeFileSync(path, each.csv);
  return streamTable(path, { ...optionsOf(each), validation: 0 });
};

/** As read back from a run folder. */
function stored(pre: TablePreprocessing): TablePreprocessing {
  const read = checkPreprocessing(parseJson(JSON.stringify(pre), "preprocessing.json"), "preprocessing.json:");
  if (read.kind !== "table") throw new Error("a table was stored");
  return read;
}

/** Features of rows that differ in one column; all other cells are missing. */
function featuresOf(pre: TablePreprocessing, column: string, cells: readonly unknown[]): string[] {
  const columns = pre.inputs.map((input) => input.column);
  return cells.map((cell) => {
    const rows = new Table(columns.map((name) => ({ name, cells: [name === column ? cell : null] })));
    const { features } = applyPreprocessing(pre, rows, { targets: "none" });
    return [...features].map((value) => value.toPrecision(6)).join(" ");
  });
}

/** The class of a row with inputs from the table. */
function targetsOf(pre: TablePreprocessing, label: string): number[] {
  const inputs = pre.inputs.map((input) => ({ name: input.column, cells: [null] }));
  const weights = pre.weights === null ? [] : [{ name: pre.weights.column, cells: [1] }];
  const table = new Table([...inputs, ...weights, { name: pre.target.column, cells: [label] }]);
  const filled = { ...pre, inputs: pre.inputs.map((input) => ({ ...input, dropMissing: false })) };
  return [...(applyPreprocessing(filled, table).targets ?? [])];
}

/** The numbers of a column in its original units. */
function valuesOf(pre: TablePreprocessing, table: Table, column: string, count: number): number[] {
  const { features, featureCount } = applyPreprocessing(pre, table, { targets: "none", unreadable: "missing" });
  const input = pre.inputs.find((each) => each.column === column);
  if (input === undefined || input.kind === "category" || input.kind === "text")
    throw new Error(`${column} is not a number`);
  const at = pre.featureNames.indexOf(column);
  return Array.from({ length: count }, (_, row) => {
    const level = (features[row * featureCount + at] ?? 0) * input.scale + input.mean;
    return input.transform === "log" ? Math.expm1(level) : level;
  });
}

const rowTexts = (features: ArrayLike<number>, targets: ArrayLike<number>, width: number): string[] =>
  Array.from(targets, (target, i) => `${Array.from({ length: width }, (_, k) => features[i * width + k])} → ${target}`);

const typeText = (table: Table, column: string): string => {
  const { kind, reading } = table.judged(column).type;
  const more = reading.kind === "number" && reading.format !== "plain" ? reading.format : "";
  const order = reading.kind === "date" ? reading.order : "";
  return [kind, more, order].filter((part) => part !== "").join(" ");
};

test("there are at least fifty, with unique names", () => {
  expect(tableCases.length).toBeGreaterThanOrEqual(50);
  expect(new Set(tableCases.map(({ what }) => what)).size).toBe(tableCases.length);
});

describe.each(tableCases.map((each, place) => [each.what, each, place] as const))("%s", (_, each, place) => {
  if (each.says !== undefined) {
    const { says } = each;
    test("is refused, in memory and in parts", async () => {
      expect(() => fitPreprocessing(parseCsv(each.csv, { name: "t.csv" }), optionsOf(each))).toThrow(says);
      await expect(streamed(each, place)).rejects.toThrow(says);
    });
    return;
  }

  test("types, classes and notes; the same in parts and from a run folder", async () => {
    const table = parseCsv(each.csv, { name: "t.csv" });
    const pre = fitPreprocessing(table, optionsOf(each));
    for (const [column, type] of Object.entries(each.types ?? {}))
      expect([column, typeText(table, column)]).toEqual([column, type]);
    if (each.predicts !== undefined)
      expect(pre.target.kind === "classes" ? pre.target.classes : "number").toEqual(each.predicts);
    for (const note of each.notes ?? []) expect(pre.notes.join("\n")).toMatch(note);
    for (const note of each.silent ?? []) expect(pre.notes.join("\n")).not.toMatch(note);
    if (each.dropped !== undefined) expect(pre.dropped.map(({ column }) => column)).toEqual(each.dropped);
    const applied = applyPreprocessing(pre, table, { unreadable: "missing" });
    if (each.leftOut !== undefined) expect(table.rowCount - applied.rows.length).toBe(each.leftOut);
    for (const [column, values] of Object.entries(each.values ?? {}))
      valuesOf(pre, table, column, values.length).forEach((value, row) => {
        expect(value).toBeCloseTo(values[row] ?? Number.NaN, 3);
      });

    expect(stored(pre)).toEqual(pre);

    const stream = await streamed(each, place);
    const found = stream.preprocessing;
    expect(found.notes.slice(1)).toEqual(pre.notes);
    expect(stream.length).toBe(applied.rows.length);
    const close = (value: number) => expect.closeTo(value, 6);
    const expected = pre.inputs.map((input) =>
      isNumber(input)
        ? { ...input, mean: close(input.mean), scale: close(input.scale), median: expect.any(Number) }
        : input,
    );
    expect(found).toEqual({
      ...pre,
      inputs: expected,
      notes: found.notes,
      target:
        pre.target.kind === "classes"
          ? pre.target
          : { ...pre.target, mean: close(pre.target.mean), scale: close(pre.target.scale) },
    });
    // Every row becomes the same numbers on either path.
    const mine = applyPreprocessing(found, table, { unreadable: "missing" });
    const read: string[] = [];
    for await (const part of stream.parts(0))
      read.push(...rowTexts(part.features.data, part.targets.data, mine.featureCount));
    const whole = rowTexts(mine.features, mine.targets ?? [], mine.featureCount);
    expect(read.sort().join("\n") === whole.sort().join("\n")).toBe(true);
  });

  test("later rows are read according to the decisions", () => {
    const pre = stored(fitPreprocessing(parseCsv(each.csv, { name: "t.csv" }), optionsOf(each)));
    for (const { column, cells } of each.same ?? []) {
      const found = featuresOf(pre, column, cells);
      expect(found).toEqual(cells.map(() => found[0]));
    }
    for (const { column, cells } of each.different ?? [])
      expect(new Set(featuresOf(pre, column, cells)).size).toBe(cells.length);
    for (const [column, cells] of Object.entries(each.missing ?? {})) {
      const [missing] = featuresOf(pre, column, [null]);
      expect(featuresOf(pre, column, cells)).toEqual(cells.map(() => missing));
    }
    for (const { column, cells, says } of each.refused ?? [])
      for (const cell of cells) expect(() => featuresOf(pre, column, [cell])).toThrow(says);
    // A class is recognised in its spelling in the file.
    if (pre.target.kind === "classes") {
      const places = Object.fromEntries(pre.target.classes.map((name, at) => [name, at]));
      for (const [label, at] of [...Object.entries(places), ...Object.entries(each.labels ?? {})])
        expect([label, targetsOf(pre, label)]).toEqual([label, [at]]);
      for (const label of each.unknown ?? [])
        expect(() => targetsOf(pre, label)).toThrow(/a class the model does not know/);
    }
  });
});
