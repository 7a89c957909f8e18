// A streamed table across ranks: each preprocesses only its own rows, and the losses are those of one process.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/data/index.ts";
import { launchers, useRanks } from "./ranks.ts";

const patience = 300_000;

interface Told {
  readonly losses: readonly number[];
  readonly held: readonly number[];
  /** The number of training rows, and of rows that each rank preprocessed in two epochs. */
  readonly rows: number;
  readonly made: readonly number[];
}

const told = (stdout: string): Told => JSON.parse(stdout.split("\n").find((line) => line.startsWith("{")) ?? "{}");

const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, place) => Math.max(most, Math.abs(value - (b[place] ?? Number.NaN)) / Math.abs(value)), 0);

function table(rows: number): string {
  const random = new Random(4);
  const towns = ["Oslo", "Bergen", "Bodø"];
  const lines = Array.from({ length: rows }, () => {
    const [a, b] = [random.normal(), random.normal()];
    const y = a + b / 2 + random.normal(0, 0.3) > 0 ? "yes" : "no";
    return `${a.toFixed(4)},${b.toFixed(4)},${towns[random.integer(3)]},${random.integer(40) === 0 ? "" : y}`;
  });
  return `a,b,town,y\n${lines.join("\n")}\n`;
}

describe.each(launchers)("$name", (launcher) => {
  const { start, alone, folder } = useRanks();
  beforeAll(() => writeFileSync(join(folder(), "table.csv"), table(1237)));

  // Rows of a part, rows of a batch, batches of an update: parts with rows left over, a batch too small to be shared, one part.
  it.each([
    [2, [300, 32, 2]],
    [3, [97, 5, 1]],
    [4, [65_536, 64, 1]],
  ] as const)("trains as one process does, %i ranks, %j", { timeout: patience }, async (ranks, sizes) => {
    const args = ["table.csv", ...sizes.map(String)];
    const one = told((await alone("streamed", [...args, "alone"]).finished).stdout);
    const { stdout, stderr } = await start(launcher, ranks, "streamed", args).finished;
    const several = told(stdout);
    expect(several.losses?.length, stderr).toBe(one.losses.length);
    // Sums of float64 in another order, over at most a few hundred steps.
    expect(farthest(one.losses, several.losses)).toBeLessThan(1e-12);
    expect(farthest(one.held, several.held)).toBeLessThan(1e-12);
    expect(one.made).toEqual([0]);
    const [rows, batchSize] = [2 * one.rows, sizes[1]];
    if (batchSize < 2 * ranks) expect(several.made).toEqual(several.made.map(() => rows));
    else {
      // All ranks take the rest of an epoch if it is too small to be shared.
      const most = 2 * ranks * (ranks - 1) * 2;
      expect(several.made.reduce((sum, made) => sum + made, 0) - rows).toBeLessThanOrEqual(most);
      for (const made of several.made) expect(made).toBeLessThan(rows / ranks + rows / batchSize + most);
    }
  });

  it("gives the same from the command line", { timeout: patience }, async () => {
    const args = ["train", "table.csv", "--target", "y", "--stream", "--epochs", "2", "--no-doctor", "--json"];
    const losses = (stdout: string): number[] =>
      stdout
        .split("\n")
        .filter((line) => line.startsWith('{"type":"epoch"'))
        .flatMap((line) => [JSON.parse(line).train.loss, JSON.parse(line).validation.loss]);
    const one = losses((await alone("hebb", [...args, "--out", "one"]).finished).stdout);
    const two = losses((await start(launcher, 2, "hebb", [...args, "--out", "two"]).finished).stdout);
    expect(one.length).toBe(4);
    // Steps in float32, each of which adds its rounding.
    expect(farthest(one, two)).toBeLessThan(1e-4);
  });
});
