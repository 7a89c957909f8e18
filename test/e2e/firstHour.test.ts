// What a newcomer meets in the first hour: misleading file names, piped rows that do not fit, many classes, days in order.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { useHebb } from "./hebb.ts";

const { folder, hebb, hebbWith } = useHebb();
const common = ["--backend", "wasm", "--threads", "1", "--epochs", "2", "--preset", "fast", "--no-refit"];
const lines = (head: string, count: number, row: (k: number) => readonly (string | number)[]): string =>
  `${head}\n${Array.from({ length: count }, (_, k) => row(k).join()).join("\n")}\n`;

beforeAll(async () => {
  const names = Array.from({ length: 13 }, (_, k) => `c${k}`);
  const cells = (k: number): number[] => names.map((_, place) => (k * (7 + place)) % (11 + place));
  writeFileSync(
    join(folder(), "kinds.csv"),
    lines(`${names.join()},kind`, 300, (k) => [...cells(k), `kind ${k % 25}`]),
  );
  expect((await hebb("train", "kinds.csv", "--target", "kind", "--out", "kinds", ...common)).code).toBe(0);
});

describe("predictions", () => {
  test("are not written under the name of another kind of file", async () => {
    const { code, stderr } = await hebb("predict", "kinds", "kinds.csv", "--out", "named.xlsx");
    expect([code, stderr]).toEqual([
      1,
      "hebb: --out named.xlsx: rows are written as .csv, .jsonl or .parquet, not as .xlsx\n",
    ]);
    expect(existsSync(join(folder(), "named.xlsx"))).toBe(false);
  });
  test("errors call rows from standard input by that name", async () => {
    const { code, stderr } = await hebbWith({ input: "a,b\n1,2\n" }, "predict", "kinds", "-");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^hebb: standard input: columns "c0", /);
    const ragged = await hebbWith({ input: "a,b\n1,2\n3\n" }, "predict", "kinds", "-");
    expect(ragged.stderr).toMatch(/^hebb: standard input, line 3: /);
  });
});

test("the mistakes among many classes are listed, the most frequent first", async () => {
  const { stdout } = await hebb("evaluate", "kinds", "kinds.csv", "--confusion");
  const [, , title, ...pairs] = stdout.trimEnd().split("\n");
  expect(title).toBe("true → predicted, the most frequent mistakes");
  const counts = pairs.filter((line) => line.includes("→")).map((line) => Number.parseInt(line, 10));
  expect(counts.length).toBe(20);
  expect(counts).toEqual([...counts].sort((a, b) => b - a));
  expect(pairs.at(-1)).toMatch(/^and \d+ other pairs of classes; --json has the whole matrix$/);
});

test("thirteen columns are explained in thirteen lines", async () => {
  const { stdout } = await hebb("explain", "kinds", "kinds.csv", "--samples", "20");
  expect(stdout).toMatch(/^row 1: probability of kind = kind \d+ is 0\.\d+\n/);
  expect(stdout).not.toContain("further columns");
  expect(stdout.match(/ c\d+ = /g)?.length).toBe(13);
});

test("the advice to split by time is not given to those who do", async () => {
  const day = (k: number): string => new Date(Date.UTC(2021, 0, 1 + k)).toISOString().slice(0, 10);
  writeFileSync(
    join(folder(), "days.csv"),
    lines("day,x,y", 200, (k) => [day(k), (k * 7) % 13, k + ((k * 7) % 13)]),
  );
  const told = "split by time instead";
  const random = await hebb("train", "days.csv", "--target", "y", "--out", "random", ...common);
  expect(random.stderr).toContain(told);
  const split = await hebb("train", "days.csv", "--target", "y", "--time-column", "day", "--out", "split", ...common);
  expect(split.stdout).toContain("split in time: ");
  expect(split.stderr).not.toContain(told);
});

test("metrics of a few rows come with a warning that they say little", async () => {
  writeFileSync(join(folder(), "tiny.csv"), "height,weight,sex\n180,80,m\n165,60,f\n175,72,m\n");
  const { stderr } = await hebb("train", "tiny.csv", "--target", "sex", "--out", "tiny", ...common);
  expect(stderr).toContain("Only one row is held out, so the validation figures say little");
});

test("a table of texts alone is learned by its words, and a pretrained model is suggested where no word repeats", async () => {
  const words = ["good", "bad", "long", "short", "film", "plot", "the", "was", "never", "so"];
  const sentence = (k: number): string =>
    Array.from({ length: 12 }, (_, place) => words[(k * (place + 3) + place) % words.length]).join(" ");
  const write = (text: (k: number) => string): void =>
    writeFileSync(
      join(folder(), "texts.csv"),
      lines("review,mood", 150, (k) => [text(k), ["up", "down"][k % 2] ?? ""]),
    );
  write((k) => `${sentence(k)} ${k}`);
  const { code, stdout } = await hebb("train", "texts.csv", "--target", "mood", ...common);
  expect(code).toBe(0);
  expect(stdout).toMatch(/validation\s+loss/);
  write((k) => `ones${k} twos${k} threes${k}`);
  const none = await hebb("train", "texts.csv", "--target", "mood", ...common);
  expect(none.code).toBe(1);
  expect(none.stderr).toContain("texts are learned by a pretrained model (hebb train … --base MODEL)");
});
