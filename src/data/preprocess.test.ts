// Preprocessing: the inferred task, the encoding of each kind of column, and its behaviour on unseen rows.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseCsv } from "./csv.ts";
import { readCsvFile } from "./files.ts";
import { fitPreprocessing } from "./fitting.ts";
import { loans } from "./generators.ts";
import { iris } from "./iris.ts";
import { applyPreprocessing } from "./preprocess.ts";
import { classWeights, inverseTarget } from "./preprocessing.ts";
import { Table } from "./table.ts";
import { prepareTable } from "./tabular.ts";

const shared = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const rowsOf = (features: Float32Array, width: number): number[][] =>
  Array.from({ length: features.length / width }, (_, i) => Array.from(features.subarray(i * width, (i + 1) * width)));
const small = (target: readonly unknown[], x: readonly unknown[] = target.map((_, i) => i)): Table =>
  new Table([
    { name: "x", cells: x },
    { name: "y", cells: target },
  ]);
const tenTimes = (values: readonly unknown[]): unknown[] => Array.from({ length: 10 }, () => values).flat();

describe("the task follows from the target", () => {
  test.each<[string, readonly unknown[], "classes" | "number"]>([
    ["text", ["a", "b", "a"], "classes"],
    ["booleans", ["true", "false"], "classes"],
    ["0 and 1", [0, 1, 1], "classes"],
    ["1 and 2, written as decimals", ["1.0", "2.0", "1"], "classes"],
    ["digits", tenTimes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), "classes"],
    ["ratings", tenTimes([3, 4, 5, 6, 7, 8]), "classes"],
    ["few whole numbers, but far apart", tenTimes([1, 10, 100, 1000]), "number"],
    ["few rows of whole numbers", [1, 2, 3, 4, 5], "number"],
    ["many whole numbers", Array.from({ length: 200 }, (_, i) => i % 50), "number"],
    ["decimals that repeat", tenTimes([18.5, 21, 13]), "number"],
  ])("%s → %s", (_, cells, kind) => {
    expect(fitPreprocessing(small(cells), { target: "y" }).target.kind).toBe(kind);
  });

  test.skipIf(!existsSync(shared)).each([
    ["german-credit", "credit_risk", "classes", ["0", "1"]],
    ["iris", "species", "classes", ["setosa", "versicolor", "virginica"]],
    ["penguins", "species", "classes", ["Adelie", "Chinstrap", "Gentoo"]],
    ["mpg", "mpg", "number", undefined],
    ["tips", "tip", "number", undefined],
  ])("%s: %s is read as %s", async (name, target, kind, classes) => {
    const prepared = prepareTable(await readCsvFile(`${shared}${name}.csv`), { target });
    expect(prepared.preprocessing.target.kind).toBe(kind);
    if (prepared.preprocessing.target.kind === "classes")
      expect(prepared.preprocessing.target.classes).toEqual(classes);
    for (const part of [prepared.train, prepared.validation]) {
      expect(part?.features.data.every((x) => Number.isFinite(x) && Math.abs(x) < 30)).toBe(true);
    }
  });

  test.skipIf(!existsSync(shared))(
    "german-credit keeps all twenty columns, mpg takes the words of the names of cars",
    async () => {
      const credit = fitPreprocessing(await readCsvFile(`${shared}german-credit.csv`), { target: "credit_risk" });
      expect(credit.inputs.length).toBe(20);
      expect(credit.dropped).toEqual([]);
      const cars = fitPreprocessing(await readCsvFile(`${shared}mpg.csv`), { target: "mpg" });
      expect(cars.dropped).toEqual([]);
      expect(cars.featureNames).toContain('name has "ford"');
    },
  );

  test("a value missing in one row of very many gets no indicator", () => {
    const x = Array.from({ length: 500 }, (_, i) => (i === 7 ? "" : i % 9));
    expect(
      fitPreprocessing(
        small(
          x.map((_, i) => (i % 2 ? "a" : "b")),
          x,
        ),
        { target: "y" },
      ).featureNames,
    ).toEqual(["x"]);
  });

  test("long tails are compressed by a logarithm, symmetric values are not", () => {
    const amounts = Array.from({ length: 200 }, (_, i) => Math.round(Math.exp(i / 18)));
    const labels = amounts.map((_, i) => (i % 2 ? "a" : "b"));
    const pre = fitPreprocessing(small(labels, amounts), { target: "y" });
    expect(pre.inputs[0]).toMatchObject({ transform: "log" });
    const { features } = applyPreprocessing(pre, small(labels, amounts));
    expect(Math.max(...features)).toBeLessThan(3);
    expect(
      fitPreprocessing(
        small(
          labels,
          amounts.map((_, i) => i),
        ),
        { target: "y" },
      ).inputs[0],
    ).toMatchObject({ transform: "none" });
  });

  test("categories: one feature each, rare ones merged, missing and unknown ones in their places", () => {
    const cells = [...Array.from({ length: 300 }, (_, i) => (i % 2 ? "red" : "blue")), "teal", "pink", "", "", "", ""];
    const table = small(
      cells.map((_, i) => (i % 3 ? "a" : "b")),
      cells,
    );
    const pre = fitPreprocessing(table, { target: "y" });
    expect(pre.featureNames).toEqual(["x = blue", "x = red", "x (other)", "x (missing)"]);
    const some = new Table([{ name: "x", cells: ["red", "teal", "never seen", "", "__proto__"] }]);
    expect(rowsOf(applyPreprocessing(pre, some).features, 4)).toEqual([
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
      [0, 0, 1, 0],
    ]);
  });

  test("an unknown or missing category that training did not show sets no feature", () => {
    const pre = fitPreprocessing(small(["a", "b", "a"], ["u", "v", "u"]), { target: "y" });
    expect(Array.from(applyPreprocessing(pre, new Table([{ name: "x", cells: ["w", ""] }])).features)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  test("constant, empty and identifier columns are left out, with a reason", () => {
    const count = 30;
    const column = (name: string, cell: (i: number) => unknown): { name: string; cells: unknown[] } => ({
      name,
      cells: Array.from({ length: count }, (_, i) => cell(i)),
    });
    const table = new Table([
      column("id", (i) => i),
      column("same", () => 5),
      column("only", () => "x"),
      column("gone", () => ""),
      column("use", (i) => i % 7),
      column("y", (i) => (i % 2 ? "a" : "b")),
    ]);
    const pre = fitPreprocessing(table, { target: "y" });
    expect(pre.dropped.map(({ column: name }) => name)).toEqual(["id", "same", "only", "gone"]);
    expect(pre.notes.join("\n")).toMatch(/"id" is not used: it is different in most rows/);
    expect(applyPreprocessing(pre, new Table([{ name: "use", cells: [1] }])).featureCount).toBe(1);
  });

  test("values beyond the training range stay finite", () => {
    const pre = fitPreprocessing(small(["a", "b", "a"]), { target: "y" });
    expect(
      Array.from(applyPreprocessing(pre, new Table([{ name: "x", cells: ["1e308", "-1e308"] }])).features),
    ).toEqual([1e6, -1e6]);
  });
});

describe("fitting and applying", () => {
  test("statistics come from the given rows only, classes from all", () => {
    const table = small(["a", "b", "a", "b", "rare"], [0, 2, 0, 2, 1000]);
    const pre = fitPreprocessing(table, { target: "y", rows: [0, 1, 2, 3] });
    expect(pre.inputs[0]).toMatchObject({ mean: 1, scale: 1 });
    expect(pre.target).toMatchObject({ classes: ["a", "b", "rare"], counts: [2, 2, 0] });
  });

  test("JSON and back changes nothing; column order and extra columns do not matter", () => {
    const table = loans({ count: 200, seed: 3 });
    const pre = fitPreprocessing(table, { target: "approved" });
    const mixed = new Table([
      ...[...table.columns].reverse(),
      { name: "more", cells: Array.from({ length: 200 }, () => "?") },
    ]);
    expect(applyPreprocessing(JSON.parse(JSON.stringify(pre)), mixed)).toEqual(applyPreprocessing(pre, table));
  });

  test("rows without a target are left out, and the result lists the remaining rows", () => {
    const table = small(["a", "", "b", "NA"], [1, 2, 3, 4]);
    const pre = fitPreprocessing(table, { target: "y" });
    expect(pre.notes).toContain('2 rows have no "y" ("NA") and are left out');
    expect(Array.from(applyPreprocessing(pre, table).rows)).toEqual([0, 2]);
    expect(Array.from(applyPreprocessing(pre, table, { targets: "none" }).rows)).toEqual([0, 1, 2, 3]);
    expect(applyPreprocessing(pre, table.drop("y")).targets).toBeUndefined();
  });

  test("numeric class names are the same whether written 1 or 1.0", () => {
    const pre = fitPreprocessing(small(["0", "1", "1"]), { target: "y" });
    expect(Array.from(applyPreprocessing(pre, small(["1.0", "0.0"])).targets ?? [])).toEqual([1, 0]);
  });

  test("a numeric target is scaled, and inverseTarget restores it", () => {
    const table = small([10.5, 20.5, 30.5, 40.5]);
    const pre = fitPreprocessing(table, { target: "y" });
    const { targets } = applyPreprocessing(pre, table);
    expect(Array.from(targets ?? [], (value) => inverseTarget(pre.target, value))).toEqual(
      [10.5, 20.5, 30.5, 40.5].map((x) => expect.closeTo(x, 5)),
    );
  });

  test("class weights balance the classes", () => {
    expect(Array.from(classWeights([1, 3, 0]))).toEqual([2, Math.fround(2 / 3), 0]);
  });

  test("prepareTable: the same seed gives the same split, classes in proportion, nothing shared", () => {
    const first = prepareTable(iris(), { target: "species", seed: 5 });
    expect(first).toEqual(prepareTable(iris(), { target: "species", seed: 5 }));
    expect(first.validationRows).not.toEqual(prepareTable(iris(), { target: "species", seed: 6 }).validationRows);
    expect(first.train.length).toBe(120);
    const counts = [0, 0, 0];
    for (const label of first.validation?.targets.data ?? []) counts[label] = (counts[label] ?? 0) + 1;
    expect(counts).toEqual([10, 10, 10]);
  });
});

describe("refuses what cannot be learned, in a sentence", () => {
  const table = parseCsv("x,y,z\n1,a,5\n2,b,5\n3,a,5\n", { name: "t.csv" });
  test.each<[string, () => unknown, RegExp]>([
    [
      "a target that is not there",
      () => fitPreprocessing(table, { target: "yy" }),
      /t\.csv has no column "yy"; did you mean "y"\?/,
    ],
    ["a constant target", () => fitPreprocessing(table, { target: "z" }), /the target "z" is "5" in every row/],
    [
      "text as a number",
      () => fitPreprocessing(table, { target: "y", task: "regression" }),
      /"y" is not a number in row 1 \("a"\); regression needs numbers/,
    ],
    ["an empty target", () => fitPreprocessing(small(["", "NA"]), { target: "y" }), /the target "y" has no values/],
    [
      "no usable column",
      () => fitPreprocessing(small(["a", "b"], [5, 5]), { target: "y" }),
      /no column to learn "y" from \("x": it is the same in every row\)/,
    ],
    [
      "as many classes as rows",
      () => fitPreprocessing(small(Array.from({ length: 60 }, (_, i) => `k${i}`)), { target: "y" }),
      /60 different values in 60 rows, too many for classes/,
    ],
    [
      "one bad cell in a numeric target",
      () => fitPreprocessing(small([...Array.from({ length: 99 }, (_, i) => i / 2), "12o"]), { target: "y" }),
      /holds numbers, but "12o" in row 100/,
    ],
    [
      "a missing column",
      () => applyPreprocessing(fitPreprocessing(table, { target: "y" }), parseCsv("y\na\n", { name: "new.csv" })),
      /new\.csv: column "x" is missing, which the model was trained on; add it/,
    ],
    [
      "an unknown class",
      () =>
        applyPreprocessing(fitPreprocessing(table, { target: "y" }), parseCsv("x,y\n1,a\n2,c\n", { name: "new.csv" })),
      /new\.csv: the target "y" is "c" in row 2, a class the model does not know; the classes are a, b/,
    ],
    [
      "text where numbers were",
      () => applyPreprocessing(fitPreprocessing(table, { target: "y" }), parseCsv("x\n1\nlots\n", { name: "new.csv" })),
      /new\.csv: column "x" must hold numbers, but row 2 has "lots"/,
    ],
    [
      "text where the numeric target was",
      () => {
        const pre = fitPreprocessing(small([1.5, 2.5, 3.5]), { target: "y" });
        applyPreprocessing(pre, small(["x"]));
      },
      /the target "y" must hold numbers, but row 1 has "x"/,
    ],
  ])("%s", (_, action, message) => {
    expect(action).toThrow(message);
  });
});
