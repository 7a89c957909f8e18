// Tables read in parts: trained, killed, resumed to the bit, with held-out rows, and the same preprocessing for new rows.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, start, hebb } = useHebb();
const model = (run: string): Buffer => readFileSync(join(folder(), run, "model.safetensors"));

/** Incomes, ages and regions. Some decisions are missing, and region "south" first appears late in the file. */
function rows(count: number): string {
  const random = new Random(1);
  const lines = ["income,age,region,approved"];
  for (let row = 0; row < count; row++) {
    const [income, age] = [random.uniform(10, 90), 18 + random.integer(60)];
    const region = row > 0.7 * count && random.uniform() < 0.3 ? "south" : "north";
    const score = 0.1 * (income - 50) + (region === "south" ? 2 : 0) + random.normal();
    lines.push(`${income.toFixed(2)},${age},${region},${row % 500 === 7 ? "" : score > 0 ? "yes" : "no"}`);
  }
  return `${lines.join("\n")}\n`;
}

beforeAll(() => {
  writeFileSync(join(folder(), "many.csv"), rows(150_000));
  writeFileSync(join(folder(), "new.csv"), "income,age,region\n80,40,north\n12,40,north\n,,south\n");
  writeFileSync(join(folder(), "ragged.csv"), `${rows(80_000)}1,2\n`);
});

const args = ["train", "many.csv", "--target", "approved", "--stream", "--epochs", "2", "--backend", "wasm"];

describe("a table in parts", () => {
  test("trains, and resumes to the same bits after a kill", async () => {
    const whole = await hebb(...args, "--out", "whole", "--json");
    expect(whole.stderr).toBe("");
    const lines = whole.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0].notes.join("\n")).toMatch(/parts of 65536 rows: \d+ to learn from, \d+ held out/);
    expect(lines[0].notes.join("\n")).toMatch(/300 rows have no "approved"/);
    expect(lines.at(-1).metrics.validation.accuracy).toBeGreaterThan(0.85);
    expect(lines.filter(({ type }) => type === "finding")).toEqual([]);

    const killed = start(...args, "--out", "killed", "--batch-size", "16");
    const saved = (): number => {
      try {
        return readdirSync(join(folder(), "killed", "checkpoints")).filter((name) => name > "00000002").length;
      } catch {
        return 0;
      }
    };
    for (let count = 0; count < 4000 && saved() === 0; count++) await new Promise((resolve) => setTimeout(resolve, 5));
    killed.process.kill("SIGKILL");
    await killed.finished;
    expect((await hebb("resume", "killed", "--backend", "wasm")).code).toBe(0);
    expect((await hebb(...args, "--out", "plain", "--batch-size", "16")).code).toBe(0);
    expect(model("killed").equals(model("plain"))).toBe(true);

    const { stdout } = await hebb("predict", "whole", "new.csv");
    expect(stdout.split("\n").map((line) => line.split(",")[0])).toEqual(["prediction", "yes", "no", "yes", ""]);
    expect((await hebb("doctor", "whole")).stdout).toMatch(/nothing suspicious/);
  });

  test("the training loss is that of the epoch whose weights are kept", async () => {
    const random = new Random(5);
    const lines = Array.from({ length: 120 }, () => `${random.uniform()},${random.uniform() < 0.5 ? "p" : "q"}`);
    writeFileSync(join(folder(), "noise.csv"), `a,y\n${lines.join("\n")}\n`);
    const { stdout } = await hebb(
      ...["train", "noise.csv", "--target", "y", "--stream", "--validation", "0.3", "--epochs", "8", "--lr", "0.02"],
      ...["--backend", "wasm", "--threads", "1", "--out", "noise", "--json"],
    );
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const epochs = events.filter(({ type }) => type === "epoch");
    const best = epochs.findLastIndex((event) => event.best);
    const end = events.at(-1);
    expect(best).toBeLessThan(epochs.length - 1);
    expect(end.bestEpoch).toBe(best);
    expect(end.metrics.train).toEqual(epochs[best].train);
    expect(end.metrics.validation.loss).toBeCloseTo(epochs[best].validation.loss, 5);
  });

  test.each([
    [["train", "many.csv", "--stream"], /--target/],
    [["train", "many.csv", "--stream", "--target", "aproved"], /"aproved"/],
    [["train", "gone.csv", "--stream", "--target", "y"], /gone\.csv does not exist/],
    [["train", "ragged.csv", "--stream", "--target", "approved"], /ragged\.csv.*80002/],
    [["train", "many.csv", "--stream", "--target", "approved", "--folds", "3"], /--folds/],
    [
      ["train", "many.csv", "--stream", "--target", "approved", "--class-weights", "balanced"],
      /--class-weights need all rows/,
    ],
  ] as const)("%j reports its error", async (given, says) => {
    const { stderr, code } = await hebb(...given);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/\n\s+at |TypeError/);
    expect(code).toBe(1);
  });
});
