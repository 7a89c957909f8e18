// The trials before a table is trained do not use the rows that the run reports on, and explicit choices stay unchanged.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { trainValidationSplit } from "../data/index.ts";
import type { TrainChoices } from "./choices.ts";
import { type Job, makeJob, readFor } from "./job.ts";
import { longerThan } from "./search.ts";
import { presetOf, tabularNetwork } from "./tabular.ts";

const folder = mkdtempSync(join(tmpdir(), "search-"));
const rows = 300;
const held = new Set(trainValidationSplit(rows, { validation: 0.2, seed: 4 }).validation);

/** Prices with a long tail; those of held-out rows are multiplied. */
function prices(factor: number): string {
  const path = join(folder, `${factor}.csv`);
  const lines = Array.from({ length: rows }, (_, row) => {
    const [size, age] = [(row * 37) % 101, (row * 53) % 89];
    const price = Math.exp(4 + size / 20 - age / 60 + ((row * 29) % 13) / 60);
    return `${size / 10},${age},${(held.has(row) ? price * factor : price).toFixed(2)}`;
  });
  writeFileSync(path, `size,age,price\n${lines.join("\n")}\n`);
  return path;
}

async function job(
  path: string,
  more: Partial<TrainChoices> = {},
): Promise<{ readonly made: Job; readonly told: string[]; readonly toldBeforeColumns: readonly number[] }> {
  const told: string[] = [];
  const toldBeforeColumns: number[] = [];
  const notices = {
    progress: (line: string) => told.push(line),
    warn: () => {},
    note: () => {},
    columns: () => toldBeforeColumns.push(told.length),
  };
  // A few epochs of one step each, for a short search.
  const choices: TrainChoices = { target: "price", seed: 4, preset: "good", batchSize: 256, epochs: 12, ...more };
  const made = await makeJob(await readFor(path, choices, notices), choices, null, notices);
  return { made, told, toldBeforeColumns };
}

test("the choices do not depend on the held-out rows, and the logarithm of a long tail is tried", async () => {
  const [{ made, told, toldBeforeColumns }, other] = [await job(prices(1)), await job(prices(3))];
  expect(made.config.chosen).toMatch(/^chosen by \d trials .*\d+ epochs/);
  expect({ ...made.config, data: "" }).toEqual({ ...other.made.config, data: "" });
  expect(made.config).toMatchObject({ keep: "last", patience: null });
  // The columns are explained once, before the trials.
  expect(toldBeforeColumns).toEqual([0]);
  expect(told.filter((line) => line.startsWith("trial")).length).toBeGreaterThanOrEqual(3);
  expect(told.some((line) => line.includes("logarithm of the target"))).toBe(true);
  // As many epochs as were chosen, or fewer.
  const lengths = told.flatMap((line) => /up to (\d+) epochs/.exec(line)?.slice(1).map(Number) ?? []);
  expect(Math.max(...lengths)).toBe(12);
  // A trial that is worse by more than 2 % on the first part is not run on the others.
  expect(told.some((line) => /stopped after 1 of \d splits: rmse \S+, where the best had \S+$/.test(line))).toBe(true);
});

test("a class too rare for every part is judged where it occurs, and the metric is finite", async () => {
  const path = join(folder, "rare.csv");
  const lines = Array.from(
    { length: 250 },
    (_, row) => `${(row * 37) % 101},${(row * 53) % 89},${row % 83 === 5 ? "yes" : "no"}`,
  );
  writeFileSync(path, `a,b,bad\n${lines.join("\n")}\n`);
  const { made, told } = await job(path, { target: "bad", monitor: "rocAuc" });
  expect(told.join("\n")).not.toContain("NaN");
  expect(made.config.chosen ?? "").not.toContain("NaN");
});

test("choices about learning are used unchanged, unless a search is requested", async () => {
  expect(presetOf({ seed: 0 })).toBe("good");
  expect(presetOf({ seed: 0, dropout: 0.4 })).toBe("fast");
  expect(presetOf({ seed: 0, dropout: 0.4, preset: "good" })).toBe("good");
  expect(presetOf({ seed: 0, time: 5 })).toBe("best");
  const { made, told } = await job(prices(1), { epochs: 7, preset: undefined, batchSize: undefined });
  expect(told).toEqual([]);
  expect(made.config).toMatchObject({ chosen: null, keep: "best", epochs: 7, model: { kind: "tabular" } });
  expect((await job(prices(1), { hidden: [8] })).made.config.model).toMatchObject({ kind: "mlp", hidden: [8] });
});

test("a trial that is best in its last epochs is repeated for longer, if there is time", () => {
  expect(longerThan({ bestEpoch: 95, epochs: 100 }, 1000)).toBe(200);
  expect(longerThan({ bestEpoch: 95, epochs: 100 }, 150)).toBe(150);
  expect(longerThan({ bestEpoch: 95, epochs: 100 }, 110)).toBeUndefined();
  expect(longerThan({ bestEpoch: 40, epochs: 100 }, 1000)).toBeUndefined();
});

test("a network that learns for longer has fewer members, so that the work stays within its limit", async () => {
  const { data } = (await job(prices(1), { preset: "fast" })).made;
  const { preprocessing } = data;
  if (preprocessing.kind !== "table") throw new Error("prices are a table");
  const membersFor = (epochs: number): number => {
    const choices = { seed: 0, preset: "good", epochs } as const;
    return tabularNetwork(preprocessing, 20_000, { outputs: 1, loss: "mse", choices }).members;
  };
  expect([10, 30, 60].map(membersFor)).toEqual([8, 4, 2]);
});
