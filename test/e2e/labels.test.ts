// Labels and cells keep their spelling: train, predict, evaluate and a program use the same words as the file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { beforeAll, describe, expect, test } from "vitest";
import { loadRun } from "../../src/run/loadRun.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const count = 60;
const line = (row: number, label: string): string => `${row % 3 === 0 ? 1 : -1}${row},${label}`;

interface Case {
  readonly what: string;
  readonly labels: readonly [string, string];
  /** The class that sorts first. */
  readonly first: string;
}

const cases: readonly Case[] = [
  { what: "ids", labels: ["1610521604143693813", "1610521604143693812"], first: "1610521604143693812" },
  { what: "codes", labels: ["10", "02"], first: "02" },
  { what: "booleans", labels: ["True", "False"], first: "False" },
  { what: "decimals", labels: ["1.0", "0.0"], first: "0.0" },
  { what: "regions", labels: ["NA", "EU"], first: "EU" },
  { what: "names", labels: ["__proto__", "constructor"], first: "__proto__" },
];

const common = ["--backend", "wasm", "--threads", "1"];

beforeAll(() => {
  for (const { what, labels } of cases) {
    // Two codes in capitals are not a pattern; a third region makes one.
    const [one, other] = labels;
    const lines = Array.from({ length: count }, (_, row) =>
      line(row, row % 3 === 0 ? one : what === "regions" && row % 3 === 1 ? "AS" : other),
    );
    writeFileSync(join(folder(), `${what}.csv`), `x,label\n${lines.join("\n")}\n`);
  }
});

describe.each(cases)("$what", ({ what, labels, first }) => {
  test("are predicted, counted and reported as written", async () => {
    const file = `${what}.csv`;
    const trained = await hebb("train", file, "--target", "Label", "--epochs", "30", "--out", what, ...common);
    // Most of these tables are reported for x deciding the label.
    expect(trained.stderr.replace(/^warning: "x" alone decides .*\n/gm, "")).toBe("");
    expect(trained.code).toBe(0);
    const { stdout, stderr } = await hebb("predict", what, file, ...common);
    expect(stderr).toBe("");
    const [header = "", ...rows] = stdout.trim().split("\n");
    expect(header.split(",").slice(0, 2)).toEqual(["prediction", `probability ${what === "regions" ? "AS" : first}`]);
    const written = new Set([...labels, ...(what === "regions" ? ["AS"] : [])]);
    const predicted = new Set(rows.map((row) => row.split(",")[0] ?? ""));
    for (const label of predicted) expect([...written]).toContain(label);
    expect(predicted.size).toBeGreaterThan(1);

    const told = JSON.parse((await hebb("evaluate", what, file, "--confusion", "--json", ...common)).stdout);
    expect(told.classes[what === "regions" ? 1 : 0]).toBe(first);
    expect(told.confusion.flat().reduce((sum: number, each: number) => sum + each, 0)).toBe(count);
    const shown = await hebb("evaluate", what, file, "--confusion", ...common);
    for (const label of labels) expect(shown.stdout).toContain(label);

    const run = await loadRun(join(folder(), what));
    const [prediction] = await run.predict([{ x: 130 }]);
    expect([...written]).toContain(prediction?.prediction);
    expect(Object.keys(prediction?.probabilities ?? {}).sort()).toEqual([...written].sort());
  });
});

test("a Parquet file of ids and booleans gives the same results as the text file of these rows", async () => {
  const rows = Array.from({ length: count }, (_, row) => ({
    flag: row % 2 === 0,
    id: row % 3 === 0 ? 1610521604143693812n : 1610521604143693813n,
    x: row / 4,
  }));
  writeFileSync(
    join(folder(), "exact.csv"),
    `flag,x,id\n${rows.map(({ flag, x, id }) => `${flag ? "True" : "False"},${x},${id}`).join("\n")}\n`,
  );
  writeFileSync(
    join(folder(), "exact.parquet"),
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "flag", data: rows.map(({ flag }) => flag), type: "BOOLEAN" },
          { name: "x", data: rows.map(({ x }) => x), type: "DOUBLE" },
          { name: "id", data: rows.map(({ id }) => id), type: "INT64" },
        ],
      }),
    ),
  );
  expect((await hebb("train", "exact.csv", "--target", "id", "--epochs", "3", "--out", "exact", ...common)).code).toBe(
    0,
  );
  const predicted = async (file: string): Promise<string> => (await hebb("predict", "exact", file, ...common)).stdout;
  expect(await predicted("exact.parquet")).toBe(await predicted("exact.csv"));
  expect(await predicted("exact.csv")).toMatch(
    /^prediction,probability 1610521604143693812,probability 1610521604143693813\n16/,
  );
  const figures = async (file: string): Promise<string> =>
    (await hebb("evaluate", "exact", file, "--json", ...common)).stdout;
  expect(await figures("exact.parquet")).toBe(await figures("exact.csv"));
});

describe("cells that cannot be read", () => {
  test("are named when a command or a program predicts, and count as missing", async () => {
    writeFileSync(
      join(folder(), "numbers.csv"),
      `a,b,y\n${Array.from({ length: 60 }, (_, i) => `${i},${i % 7},${i % 2 ? "p" : "q"}`).join("\n")}\n`,
    );
    expect(
      (await hebb("train", "numbers.csv", "--target", "y", "--epochs", "2", "--out", "numbers", ...common)).code,
    ).toBe(0);
    const rows = Array.from({ length: 10 }, (_, i) => ({ a: i === 4 ? "12o" : `${i}`, b: i === 6 ? "inf" : "" }));
    writeFileSync(join(folder(), "later.csv"), `a,b\n${rows.map(({ a, b }) => `${a},${b}`).join("\n")}\n`);
    const { stdout, stderr, code } = await hebb("predict", "numbers", "later.csv", ...common);
    expect(stderr.trim().split("\n")).toEqual([
      'warning: "a": "12o" in row 5 is not a number and counts as missing',
      'warning: "b": "inf" in row 7 is infinite and counts as missing',
    ]);
    expect([code, stdout.trim().split("\n").length]).toEqual([0, 11]);
    const told = await (await loadRun(join(folder(), "numbers"))).predict(rows);
    expect(told.flatMap(({ notes = [] }, row) => notes.map((note) => `${row}: ${note}`))).toEqual([
      '4: "a": "12o" is not a number and counts as missing',
      '6: "b": "inf" is infinite and counts as missing',
    ]);
    await expect((await loadRun(join(folder(), "numbers"))).predict([{ a: "lots", b: 1 }])).rejects.toThrow(
      /column "a" must hold numbers, but row 1 has "lots"/,
    );
  });

  test("an address is not reported as a missing folder", async () => {
    for (const args of [
      ["train"],
      ["train", "--model", "gpt"],
      ["train", "--stream", "--target", "y"],
      ["predict", "numbers"],
    ]) {
      const [command = "", ...more] = args;
      const { stderr, code } = await hebb(command, ...more, "s3://example.org/iris.csv");
      expect(stderr).toMatch(
        /^hebb: s3:\/\/example\.org\/iris\.csv is an address that is not read here .*; download it first/,
      );
      expect(code).toBe(1);
    }
  });

  test("class weights for a numeric target are refused with the kind of the target", async () => {
    const { stderr } = await hebb("train", "curve", "--class-weights", "balanced", "--epochs", "1", ...common);
    expect(stderr).toMatch(/--class-weights weigh classes, but the target is a number/);
  });
});
