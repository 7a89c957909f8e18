// The choices of fitPreprocessing: gaps, categories, dates, weights, target transforms.
import { describe, expect, test } from "vitest";
import { type FitPreprocessingOptions, fitPreprocessing } from "./fitting.ts";
import { applyPreprocessing } from "./preprocess.ts";
import { inverseTarget } from "./preprocessing.ts";
import { Table } from "./table.ts";
import { prepareTable } from "./tabular.ts";

const labels = (count: number): string[] => Array.from({ length: count }, (_, i) => (i % 2 ? "a" : "b"));
const tableOf = (x: readonly unknown[], y: readonly unknown[] = labels(x.length)): Table =>
  new Table([
    { name: "x", cells: x },
    { name: "y", cells: y },
  ]);
const fitted = (x: readonly unknown[], options: Partial<FitPreprocessingOptions> = {}) =>
  fitPreprocessing(tableOf(x), { target: "y", ...options });
const features = (x: readonly unknown[], options: Partial<FitPreprocessingOptions> = {}): number[] => {
  const table = tableOf(x);
  return [...applyPreprocessing(fitPreprocessing(table, { target: "y", ...options }), table).features];
};

describe("missing numbers", () => {
  const x = [1, 1, 2, 4, 12, ""];
  // mean 4, deviation √(sum of squares / 5)
  const std = Math.sqrt((9 + 9 + 4 + 0 + 64) / 5);
  test.each<[string, Partial<FitPreprocessingOptions>, number]>([
    ["median", {}, 2],
    ["mean", { missing: "mean" }, 4],
    ["mode", { missing: "mode" }, 1],
    ["a constant", { missing: { constant: -7 } }, -7],
    ["a constant for one column", { missing: "mean", missingOf: { x: { constant: "3.5" } } }, 3.5],
  ])("%s", (_, options, value) => {
    const filled = features(x, { ...options, missingIndicator: "never" });
    expect(filled.length).toBe(6);
    expect(filled[5]).toBeCloseTo((value - 4) / std, 5);
  });

  test("the indicator: if gaps are frequent, always, never", () => {
    expect(fitted(x).featureNames).toEqual(["x", "x (missing)"]);
    expect(fitted(x, { missingIndicator: "never" }).featureNames).toEqual(["x"]);
    expect(fitted([1, 2, 3], { missingIndicator: "always" }).featureNames).toEqual(["x", "x (missing)"]);
  });

  test("drop: leaves rows out if targets are requested, and fills them for predictions", () => {
    const table = tableOf(x);
    const pre = fitPreprocessing(table, { target: "y", missing: "drop" });
    expect(pre.notes.join()).toMatch(/1 row has missing values that were not to be filled, and is left out/);
    expect([...applyPreprocessing(pre, table).rows]).toEqual([0, 1, 2, 3, 4]);
    expect([...applyPreprocessing(pre, table, { targets: "none" }).rows]).toEqual([0, 1, 2, 3, 4, 5]);
    const prepared = prepareTable(table, { target: "y", missing: "drop", validation: 0.4 });
    expect(prepared.train.length + (prepared.validation?.length ?? 0)).toBe(5);
  });

  test("refuses a constant that is not a number", () => {
    expect(() => fitted(x, { missing: { constant: "none" } })).toThrow(/"x": "none" cannot replace a missing number/);
  });
});

describe("categories", () => {
  const x = [...Array.from({ length: 31 }, (_, i) => ["red", "red", "blue", "green"][i % 4]), "", ""];
  test("missing: a feature of its own, the most frequent value, a constant", () => {
    expect(fitted(x).featureNames).toEqual(["x = blue", "x = green", "x = red", "x (missing)"]);
    const mode = fitted(x, { missing: "mode" });
    expect(mode.featureNames).toEqual(["x = blue", "x = green", "x = red"]);
    expect([...applyPreprocessing(mode, new Table([{ name: "x", cells: [""] }])).features]).toEqual([0, 0, 1]);
    expect(fitted(x, { missing: { constant: "none" } }).featureNames).toContain("x = none");
  });

  test("booleans are filled with the given answer, in any spelling", () => {
    const answers = ["True", "False", "True", "", "TRUE", "True"];
    const filled = fitted(answers, { missing: { constant: "yes" } });
    expect(filled.featureNames).toEqual(["x = False", "x = True"]);
    expect([...applyPreprocessing(filled, new Table([{ name: "x", cells: [""] }])).features]).toEqual([0, 1]);
  });

  test("the limit and the minimum of rows: the rest becomes other, with a note", () => {
    const many = Array.from({ length: 400 }, (_, i) => `c${String(Math.floor(Math.sqrt(i))).padStart(2, "0")}`);
    const pre = fitted(many, { maxCategories: 3 });
    expect(pre.featureNames).toEqual(["x = c17", "x = c18", "x = c19", "x (other)"]);
    expect(pre.notes.join()).toMatch(/"x" has many different values: the 3 most frequent are features/);
    expect(fitted(x, { minCategoryRows: 8 }).featureNames).toEqual(["x = blue", "x = red", "x (other)", "x (missing)"]);
    expect(() => fitted(x, { maxCategories: 0 })).toThrow(/maxCategories must be a whole number of at least 1/);
  });
});

describe("dates", () => {
  test("become days, and the cycles that they span", () => {
    const days = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10));
    expect(fitted(days).featureNames).toEqual(["x", "x (week, sine)", "x (week, cosine)"]);
    const years = Array.from({ length: 40 }, (_, i) => `20${String(10 + (i % 14))}-0${1 + (i % 9)}-05 0${i % 9}:30`);
    expect(fitted(years).featureNames.length).toBe(7);
    expect(fitted(years, { dateCycles: "never" }).featureNames).toEqual(["x"]);
    const weekly = features(days);
    // Day 7 and day 0 are at the same point of the week.
    expect(weekly[3 * 7 + 1]).toBeCloseTo(weekly[1] ?? 9, 5);
    expect(weekly[3 * 7 + 2]).toBeCloseTo(weekly[2] ?? 9, 5);
    expect(weekly[3 * 3 + 1]).not.toBeCloseTo(weekly[1] ?? 9, 2);
  });

  test("a missing date becomes the median day, with no position in any cycle", () => {
    const days = [...Array.from({ length: 20 }, (_, i) => `${1 + i}.3.2024`), ""];
    expect(features(days).slice(-4)).toEqual([expect.closeTo(0, 5), 0, 0, 1]);
  });
});

describe("targets", () => {
  const y = Array.from({ length: 60 }, (_, i) => Math.exp(i / 6) + 0.25);
  const x = y.map((_, i) => i);
  test("logarithm and scale are applied and inverted", () => {
    for (const options of [{ targetTransform: "log" }, { standardizeTarget: false }, {}] as const) {
      const table = tableOf(x, y);
      const pre = fitPreprocessing(table, { target: "y", ...options });
      const { targets } = applyPreprocessing(pre, table);
      targets?.forEach((value, i) => {
        // Targets are float32: half a unit in the last place of the largest, in the units of the table.
        const scale = options.targetTransform === "log" ? (y[i] ?? 0) : Math.max(...y);
        expect(Math.abs(inverseTarget(pre.target, value) - (y[i] ?? 0))).toBeLessThanOrEqual(4 * 2 ** -24 * scale);
      });
      if (options.targetTransform === "log") expect(Math.max(...(targets ?? []))).toBeLessThan(2);
      if (options.standardizeTarget === false) expect(targets?.[0]).toBe(1.25);
    }
  });

  test("classes have no logarithm; a constant target is refused however many rows there are", () => {
    expect(() => fitted(x, { targetTransform: "log" })).toThrow(/classes, which have no logarithm/);
    const same = tableOf(x, new Array(60).fill(0.1));
    expect(() => fitPreprocessing(same, { target: "y" })).toThrow(/is 0\.1 in every row/);
  });
});

describe("row weights", () => {
  const table = new Table([
    { name: "x", cells: [1, 2, 3, 4] },
    { name: "w", cells: ["0.5", 1, 0, 2] },
    { name: "y", cells: ["a", "b", "a", "b"] },
  ]);
  test("stay with the samples and are not a feature", () => {
    const prepared = prepareTable(table, { target: "y", weights: "w", validation: 0 });
    expect(prepared.preprocessing.featureNames).toEqual(["x"]);
    expect([...(prepared.train.weights ?? [])]).toEqual([0.5, 1, 0, 2]);
  });

  test("must be numbers of at least 0", () => {
    const bad = new Table([...table.columns.filter(({ name }) => name !== "w"), { name: "w", cells: [1, "", 1, 1] }]);
    expect(() => fitPreprocessing(bad, { target: "y", weights: "w" })).toThrow(/weight "w" must be a number.*row 2/);
    expect(() => fitPreprocessing(table, { target: "y", weights: "y" })).toThrow(/both the target and the row weight/);
    const pre = fitPreprocessing(table, { target: "y", weights: "w" });
    expect(() => applyPreprocessing(pre, table.drop("w"))).toThrow(/column "w" is missing/);
    expect(applyPreprocessing(pre, table.drop("w"), { targets: "none" }).rows.length).toBe(4);
  });

  test("are required only for rows in use", () => {
    const gaps = new Table([
      { name: "x", cells: [1, 2, 3, 4, 5] },
      { name: "w", cells: [1, 2, 1, 2, ""] },
      { name: "y", cells: ["a", "b", "a", "b", ""] },
    ]);
    expect(prepareTable(gaps, { target: "y", weights: "w", validation: 0 }).train.length).toBe(4);
  });
});

describe("column names", () => {
  test("that are numbers may be a row of data", () => {
    const notesOf = (...names: readonly string[]): readonly string[] =>
      fitPreprocessing(
        new Table(names.map((name, i) => ({ name, cells: [1, 2, 3, 4].map((cell) => (cell + i) ** 2) }))),
        {
          target: names[1] ?? "",
          task: "regression",
        },
      ).notes;
    expect(notesOf("5.1", "0.2")).toEqual([expect.stringMatching(/called 5\.1, 0\.2; if this is a data row/)]);
    expect(notesOf("0", "1")).toEqual([]);
    expect(notesOf("5.1", "kind")).toEqual([]);
  });

  test("that are misspelt are reported, not ignored", () => {
    const table = tableOf([1, 2, 3], [1, 2, 4]);
    const options = { target: "y", task: "regression" } as const;
    expect(() => fitPreprocessing(table, { ...options, ignore: ["xx"] })).toThrow(
      /no column "xx" to ignore; did you mean "x"\? The columns are x, y/,
    );
    expect(() => fitPreprocessing(table, { ...options, missingOf: { price: "mean" } })).toThrow(
      /no column "price" to fill gaps of; the columns are x, y/,
    );
  });
});
