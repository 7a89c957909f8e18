// Columns on the command line: chosen, explained, stored in the run; rows split by group or time; values that did not occur in training.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { ColumnExplanation } from "../../src/data/index.ts";
import { loadRun } from "../../src/run/loadRun.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb, hebbWith } = useHebb();
const common = ["--backend", "wasm", "--threads", "1", "--epochs", "2"];

beforeAll(() => {
  const rows = Array.from({ length: 120 }, (_, row) => {
    const day = new Date(Date.UTC(2021, 0, 1 + row)).toISOString().slice(0, 10);
    return `${[3, 7, 11, 19][row % 4]},${["Rome", "Oslo", "Bern"][row % 3]},c${row % 20},${day},${(row * 37) % 101}`;
  });
  writeFileSync(join(folder(), "sales.csv"), `mode,city,customer,day,"Units sold "\n${rows.join("\n")}\n`);
  writeFileSync(
    join(folder(), "new.csv"),
    "mode,city,day\n3,Rome,2021-05-01\n4,Paris,2021-05-02\n7,Paris,2021-05-03\n",
  );
});

const stored = (run: string): ColumnExplanation[] =>
  JSON.parse(readFileSync(join(folder(), run, "columns.json"), "utf8"));

describe("columns", () => {
  test("are explained before training, stored in the run, and shown by inspect", async () => {
    const chosen = ["--categorical", "MODE", "--ignore", "customer", "--explain-data"];
    const { stdout, code } = await hebb(
      "train",
      "sales.csv",
      "--target",
      "units sold",
      ...chosen,
      ...common,
      "--out",
      "run",
    );
    expect(code).toBe(0);
    const line = stdout.split("\n").find((each) => each.startsWith("mode")) ?? "";
    expect(line).toMatch(/^mode +category +0 +4 +one feature for each of 4 values +chosen as categorical$/);
    expect(stored("run").map(({ column, type, role }) => [column, type, role])).toEqual([
      ["mode", "category", "input"],
      ["city", "category", "input"],
      ["customer", "category", "not used"],
      ["day", "date", "input"],
      ["Units sold ", "number", "target"],
    ]);
    expect((await hebb("inspect", "run", ...common.slice(0, 4))).stdout).toContain(line);
  });

  test("unseen values are counted and reported, in the result too", async () => {
    const { stdout, stderr, code } = await hebb("predict", "run", "new.csv", "--json");
    expect(code).toBe(0);
    expect(stderr).toContain('warning: "mode": "4" in row 2 is a value that was not in the training data');
    expect(stderr).toContain(
      'warning: "city": 2 rows have a value that was not in the training data (the first is "Paris" in row 2)',
    );
    const result: { readonly notes?: readonly string[] }[] = JSON.parse(stdout);
    expect(result.map(({ notes = [] }) => notes.length)).toEqual([0, 2, 1]);
    const run = await loadRun(join(folder(), "run"));
    const [known, other] = await run.predict([
      { mode: "7.0", city: "Oslo", day: null },
      { mode: 7, city: "Paris", day: null },
    ]);
    expect(known?.notes).toBeUndefined();
    expect(other?.notes).toEqual(['"city": "Paris" is a value that was not in the training data']);
  });

  test("rows are split by group and by time, and the run resumes with the same split", async () => {
    const byGroup = await hebb(
      "train",
      "sales.csv",
      "--target",
      "units sold",
      "--group",
      "Customer",
      ...common,
      "--out",
      "g",
    );
    expect(byGroup.stdout).toMatch(/split by "customer": 16 groups to learn from, 4 held out/);
    expect(stored("g").find(({ column }) => column === "customer")?.encoding).toBe(
      "it says which rows belong together",
    );
    const paused = [...common, "--pause-after", "1", "--out", "t"];
    const byTime = await hebb("train", "sales.csv", "--target", "units sold", "--time-column", "day", ...paused);
    expect(byTime.stdout).toMatch(/split in time: 96 rows to learn from, then 24 held out, by "day"/);
    expect((await hebb("resume", "t", ...common.slice(0, 4))).code).toBe(0);
  });

  test("a table is read from standard input", async () => {
    const text = readFileSync(join(folder(), "new.csv"), "utf8");
    const piped = await hebbWith({ input: text }, "predict", "run", "-", "--json");
    expect(piped.stdout).toBe((await hebb("predict", "run", "new.csv", "--json")).stdout);
  });

  test.each([
    [["--numeric", "city"], /"city" is chosen as numbers, but 120 of its 120 cells are none, such as "Rome"/],
    [["--categorical", "citty"], /no column "citty" to take as categorical; did you mean "city"\?/],
    [["--group", "customers"], /no column "customers" to group rows by; did you mean "customer"\?/],
    [["--group", "city", "--time-column", "day"], /by a group or by a time, not by both/],
    [["--time-column", "day", "--stream"], /read it at once/],
  ] as const)("%s", async (args, says) => {
    const { stderr, code } = await hebb(
      "train",
      "sales.csv",
      "--target",
      "units sold",
      ...args,
      ...common,
      "--out",
      "none",
    );
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
  });
});
