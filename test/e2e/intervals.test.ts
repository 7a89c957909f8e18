// Prediction intervals of a trained run: they cover the target of unseen rows as often as they promise, wherever they are requested.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { loadRun } from "../../src/run/index.ts";
import { schemasOf } from "../../src/run/serve/schema.ts";
import { serveRun } from "../../src/run/serve/server.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const path = (...names: string[]): string => join(folder(), ...names);
const [learned, unseen] = [1500, 2000];

/** y = 3 sin(2x) + noise with heavy tails; `price` is its exponential, `kind` a class. */
function table(rows: number, seed: number): string {
  const random = new Random(seed);
  const lines = Array.from({ length: rows }, () => {
    const x = random.uniform(-2, 2);
    const y = 3 * Math.sin(2 * x) + random.normal() * random.uniform(0.2, 1.8);
    return `${x.toFixed(5)},${y.toFixed(5)},${Math.exp(y).toFixed(5)},${y > 0 ? "high" : "low"}`;
  });
  return `x,y,price,kind\n${lines.join("\n")}\n`;
}

const quick = ["--hidden", "24", "--activation", "tanh", "--lr", "0.01", "--epochs", "20"];
const train = async (out: string, ...options: string[]): Promise<void> => {
  expect(await hebb("train", "noisy.csv", ...quick, ...options, "--out", out)).toMatchObject({ code: 0 });
};

beforeAll(async () => {
  writeFileSync(path("noisy.csv"), table(learned, 1));
  writeFileSync(path("unseen.csv"), table(unseen, 2));
  writeFileSync(path("few.csv"), table(20, 3));
  await train("noisy", "--target", "y", "--ignore", "price,kind", "--test-data", "unseen.csv");
}, 120_000);

interface Row {
  readonly prediction: number;
  readonly lower: number;
  readonly upper: number;
}
const actual = (column: "y" | "price"): number[] =>
  readFileSync(path("unseen.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => Number(line.split(",")[column === "y" ? 1 : 2]));
async function predicted(run: string, level: string): Promise<readonly Row[]> {
  const { stdout, code } = await hebb("predict", run, "unseen.csv", "--interval", level, "--json");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}
/** The standard deviation of the coverage, which varies with the held-out rows and with the unseen ones. */
const deviation = (level: number, held: number): number =>
  Math.sqrt(level * (1 - level) * (1 / (held + 2) + 1 / unseen));

describe("intervals of a noisy function", () => {
  test.each(["0.5", "0.9"])("%s: cover unseen rows as often as promised", async (level) => {
    const rows = await predicted("noisy", level);
    const held = rows.filter(({ lower, upper }, row) => {
      const value = actual("y")[row] ?? Number.NaN;
      return lower <= value && value <= upper;
    }).length;
    expect(Math.abs(held / unseen - Number(level))).toBeLessThan(3 * deviation(Number(level), 0.2 * learned));
    for (const { prediction, lower, upper } of rows)
      expect(Math.abs((lower + upper) / 2 - prediction)).toBeLessThan(1e-5 * (1 + Math.abs(prediction)));
  });

  test("of a logarithm: have the promised coverage, and are wider where the target is larger", async () => {
    await train("price", "--target", "price", "--ignore", "y,kind", "--target-transform", "log");
    const rows = await predicted("price", "0.8");
    const prices = actual("price");
    const held = rows.filter(({ lower, upper }, row) => lower <= (prices[row] ?? -1) && (prices[row] ?? -1) <= upper);
    expect(Math.abs(held.length / unseen - 0.8)).toBeLessThan(3 * deviation(0.8, 0.2 * learned));
    const sorted = [...rows].sort((a, b) => a.prediction - b.prediction);
    const width = (row: Row | undefined): number => (row === undefined ? Number.NaN : row.upper - row.lower);
    expect(width(sorted.at(-1))).toBeGreaterThan(4 * width(sorted[0]));
  }, 120_000);

  test("become columns of a file, next to those that are kept", async () => {
    await hebb("predict", "noisy", "unseen.csv", "--interval", "0.9", "--keep", "x", "--out", "out.csv");
    expect(readFileSync(path("out.csv"), "utf8").split("\n")[0]).toBe("x,prediction,lower,upper");
  });

  test("are the same numbers in a program and over HTTP, and the schema describes them", async () => {
    const run = await loadRun(path("noisy"));
    const rows = [{ x: 0.3 }, { x: -1.1 }];
    const wanted = await run.predict(rows, { interval: 0.9 });
    expect(Object.keys(wanted[0] ?? {})).toEqual(["prediction", "lower", "upper"]);
    expect(Object.keys((await run.predict(rows))[0] ?? {})).toEqual(["prediction"]);
    const service = await serveRun(path("noisy"), { port: 0, interval: 0.9, drainTime: 1 });
    try {
      const answer = await fetch(`${service.address}/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(rows),
      });
      expect(await answer.json()).toEqual(wanted);
      const schema = await (await fetch(`${service.address}/schema`)).json();
      expect(schema).toEqual(schemasOf(run.preprocessing, true));
      expect(JSON.stringify(schema)).toContain('"upper"');
    } finally {
      await service.close();
    }
  });

  test("appear in the report: width and coverage of the test rows", async () => {
    const { stdout } = await hebb("report", "noisy", "--json");
    const { seen, rows } = JSON.parse(stdout);
    expect(rows.part).toBe("test");
    expect(seen.intervals.map(({ level }: { level: number }) => level)).toEqual([0.5, 0.8, 0.9, 0.95]);
    for (const { level, coverage } of seen.intervals)
      expect(Math.abs(coverage - level)).toBeLessThan(3 * deviation(level, 0.2 * learned));
    expect((await hebb("report", "noisy", "--out", "noisy.html")).code).toBe(0);
    expect(readFileSync(path("noisy.html"), "utf8")).toContain("Prediction intervals");
  });
});

describe("intervals that cannot be promised are refused", () => {
  test("for classes, too few held-out rows, none, and invalid levels", async () => {
    await train("kinds", "--target", "kind", "--ignore", "price,y");
    await train("all", "--target", "y", "--ignore", "price,kind", "--validation", "0");
    expect(existsSync(path("all", "intervals.json"))).toBe(false);
    await hebb("train", "few.csv", "--target", "y", "--ignore", "price,kind", "--epochs", "2", "--out", "few");
    const asked = async (run: string, level: string): Promise<string> => {
      const { code, stderr } = await hebb("predict", run, "unseen.csv", "--interval", level);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await asked("kinds", "0.9")).toMatch(/intervals are for numbers, but this run predicts a class/);
    expect(await asked("all", "0.9")).toMatch(/held out no rows; retrain with --validation/);
    expect(await asked("few", "0.99")).toMatch(
      /an interval of 0\.99 needs 99 held-out rows, and this run has 4; at most 0\.8/,
    );
    expect(await asked("noisy", "1")).toMatch(/above 0 and below 1/);
    await expect(serveRun(path("kinds"), { port: 0, interval: 0.9 })).rejects.toThrow(/intervals are for numbers/);
    const run = await loadRun(path("noisy"));
    await expect(run.predict([{ x: 1 }], { interval: 2 })).rejects.toThrow(/above 0 and below 1/);
  }, 120_000);
});
