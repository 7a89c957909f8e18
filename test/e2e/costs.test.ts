// Decisions by cost, where missing a rare class is expensive: in predict, evaluate and programs.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { loadRun } from "../../src/run/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const path = (name: string): string => join(folder(), name);
const costs = 20;

/** One row in ten is a fraud; the two overlap. */
function table(rows: number, seed: number): string {
  const random = new Random(seed);
  const lines = Array.from({ length: rows }, () => {
    const fraud = random.uniform(0, 1) < 0.1;
    return `${(random.normal() + (fraud ? 1.5 : 0)).toFixed(4)},${random.normal().toFixed(4)},${fraud ? "fraud" : "fair"}`;
  });
  return `amount,hour,kind\n${lines.join("\n")}\n`;
}

beforeAll(async () => {
  writeFileSync(path("past.csv"), table(1200, 1));
  writeFileSync(path("today.csv"), table(1000, 2));
  const options = ["--hidden", "8", "--epochs", "15", "--lr", "0.01"];
  expect(await hebb("train", "past.csv", "--target", "kind", ...options, "--out", "run")).toMatchObject({ code: 0 });
});

interface Row {
  readonly prediction: string;
  readonly "probability fair": number;
  readonly "probability fraud": number;
}

test("fraud is predicted from a probability of 1 / 21, and a row costs less than by probability alone or by one constant answer", async () => {
  const { stdout } = await hebb("predict", "run", "today.csv", "--costs", `fraud=${costs}`, "--json");
  const rows: readonly Row[] = JSON.parse(stdout);
  const far = rows.filter((row) => Math.abs(row["probability fraud"] - 1 / (1 + costs)) > 1e-5);
  expect(far.length).toBeGreaterThan(900);
  for (const row of far) expect(row.prediction).toBe(row["probability fraud"] > 1 / (1 + costs) ? "fraud" : "fair");

  const truth = readFileSync(path("today.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[2]);
  const cost = (decided: (row: Row) => string): number =>
    rows.reduce((sum, row, k) => sum + (decided(row) === truth[k] ? 0 : truth[k] === "fraud" ? costs : 1), 0) /
    rows.length;
  const evaluated = JSON.parse(
    (await hebb("evaluate", "run", "today.csv", "--costs", `fraud=${costs}`, "--json")).stdout,
  );
  expect(evaluated.costPerRow.decided).toBeCloseTo(
    cost((row) => row.prediction),
    12,
  );
  expect(evaluated.costPerRow.mostProbable).toBeCloseTo(
    cost((row) => (row["probability fraud"] > row["probability fair"] ? "fraud" : "fair")),
    12,
  );
  expect(evaluated.costPerRow.decided).toBeLessThan(evaluated.costPerRow.mostProbable);
  expect(evaluated.costPerRow.decided).toBeLessThan(evaluated.costPerRow.always.cost);

  const run = await loadRun(path("run"));
  const again = await run.predictFile(path("today.csv"), { costs: { fraud: costs } });
  expect(again.map(({ prediction }) => prediction)).toEqual(rows.map(({ prediction }) => prediction));
});

test("evaluate reports the cost of a row, and its confusion matrix is that of the decisions", async () => {
  const { stdout } = await hebb("evaluate", "run", "today.csv", "--costs", `fraud=${costs},fair=1`, "--confusion");
  expect(stdout).toMatch(
    /cost per row [\d.]+ with the least expected cost, [\d.]+ with the most probable class, [\d.]+ where it is always f/,
  );
  expect(stdout).toContain("true ↓  predicted →");
});

test.each([
  ["frauds=2", 1, /has no class "frauds", it has "fair", "fraud"; did you mean "fraud"\?/],
  ["fraud", 2, /such as yes=5,no=1, as numbers of 0 or more/],
  ["fraud=-1", 2, /such as yes=5,no=1, as numbers of 0 or more/],
])("--costs %s is refused", async (text, exit, message) => {
  const { stderr, code } = await hebb("predict", "run", "today.csv", "--costs", text);
  expect(code).toBe(exit);
  expect(stderr).toMatch(message);
});

test("costs apply to classes only", async () => {
  writeFileSync(
    path("numbers.csv"),
    `x,y\n${Array.from({ length: 60 }, (_, k) => `${k},${2 * k + 0.5}`).join("\n")}\n`,
  );
  expect(await hebb("train", "numbers.csv", "--target", "y", "--epochs", "1", "--out", "number")).toMatchObject({
    code: 0,
  });
  const { stderr } = await hebb("predict", "number", "numbers.csv", "--costs", "yes=2");
  expect(stderr).toMatch(/costs are for classes, but this run predicts/);
});
