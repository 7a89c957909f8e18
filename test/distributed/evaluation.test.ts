// Ranks evaluate together: each takes its share of the rows, and the metrics equal those of one process.
import { describe, expect, it } from "vitest";
import { launchers, useRanks } from "./ranks.ts";

const patience = 300_000;

interface Told {
  readonly wrong: readonly string[];
  /** Rows or windows that the rank evaluated, by data set. */
  readonly taken: Readonly<Record<string, number>>;
}

const told = (stdout: string): readonly Told[] =>
  JSON.parse(stdout.split("\n").find((line) => line.startsWith("[")) ?? "[]");

interface Ended {
  readonly metrics: Readonly<Record<"train" | "validation" | "test", Readonly<Record<string, number>>>>;
}

const lineOf = (stdout: string, start: string): string =>
  stdout.split("\n").find((line) => line.startsWith(start)) ?? "{}";

describe.each(launchers)("$name", (launcher) => {
  const { start, alone } = useRanks();

  it.each([1, 2, 3, 4])("gives the metrics of one process, %i ranks", { timeout: patience }, async (ranks) => {
    const { stdout, stderr } = await start(launcher, ranks, "evaluation").finished;
    const all = told(stdout);
    expect(all.length, stderr).toBe(ranks);
    expect(all.flatMap(({ wrong }) => wrong)).toEqual([]);
    for (const name of Object.keys(all[0]?.taken ?? {})) {
      const rows = Number.parseInt(name, 10);
      const each = all.map(({ taken }) => taken[name] ?? Number.NaN);
      // Every row is evaluated once, and the shares of the ranks differ by at most one row.
      expect(each.reduce((sum, count) => sum + count, 0)).toBe(rows);
      expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
    }
  });

  it("evaluates the parts of a run as one process does", { timeout: patience }, async () => {
    const args = ["--epochs", "2", "--no-doctor", "--test-data", "moons", "--out", "measured", "--json"];
    const { code, stdout, stderr } = await start(launcher, 3, "hebb", ["train", "moons", ...args]).finished;
    expect(code, stderr).toBe(0);
    const { metrics }: Ended = JSON.parse(lineOf(stdout, '{"type":"end"'));
    const again = await alone("hebb", ["evaluate", "measured", "moons", "--json"]).finished;
    const found: Readonly<Record<string, unknown>> = JSON.parse(again.stdout);
    const { loss, ...counts } = metrics.test;
    expect(Object.keys(counts).length).toBeGreaterThan(3);
    expect(counts).toEqual(Object.fromEntries(Object.keys(counts).map((name) => [name, found[name]])));
    const wanted = Number(found["loss"]);
    // Means in float32 over at most 256 rows.
    expect(Math.abs((loss ?? Number.NaN) - wanted)).toBeLessThan(16 * 2 ** -24);
  });
});
