// Collectives against their definitions, and training that ranks do together: the losses of one process.
import { describe, expect, it } from "vitest";
import { launchers, missing, useRanks } from "./ranks.ts";

const patience = 300_000;

interface Learned {
  readonly losses: readonly number[];
  readonly weights: readonly number[];
}

const learned = (stdout: string): Learned =>
  JSON.parse(stdout.split("\n").find((line) => line.startsWith("{")) ?? "{}");

const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, place) => Math.max(most, Math.abs(value - (b[place] ?? Number.NaN)) / Math.abs(value)), 0);

describe.skipIf(launchers.length > 0)("MPI", () => {
  it.skip(missing.join("; "), () => {});
});

/** What one process learned, by its arguments: the same for every MPI. */
const byOne = new Map<string, Promise<Learned>>();

describe.each(launchers)("$name", (launcher) => {
  const { start, alone } = useRanks();

  it("gives every collective its definition, in place and not, for every dtype", { timeout: patience }, async () => {
    const { stdout, stderr } = await start(launcher, 3, "collectives").finished;
    expect(stdout + stderr).toContain("3 ranks");
    expect(stdout).toContain(": 0 wrong");
  });

  // Rounding of sums in another order: 100 steps of float64 at 2⁻⁵³ each stay far below 1e-12.
  it.each([
    ["mlp", "float64", 4, 1e-12, "plain"],
    ["mlp", "float64", 3, 1e-12, "zero1"],
    ["mlp", "float64", 3, 1e-12, "zero2"],
    ["cnn", "float64", 2, 1e-12, "plain"],
    ["gpt", "float32", 2, 1e-6, "plain"],
  ] as const)(
    "has the losses of one process: %s in %s on %i ranks, to %d %s",
    { timeout: patience },
    async (kind, dtype, ranks, tolerance, manner) => {
      const key = `${kind} ${dtype}`;
      const told =
        byOne.get(key) ?? alone("losses", [kind, dtype, "alone"]).finished.then(({ stdout }) => learned(stdout));
      byOne.set(key, told);
      const one = await told;
      const several = learned((await start(launcher, ranks, "losses", [kind, dtype, manner]).finished).stdout);
      expect(one.losses.length).toBe(100);
      expect(several.losses.length).toBe(100);
      expect(farthest(one.losses, several.losses)).toBeLessThan(tolerance);
    },
  );

  it("gives the same bits on the same number of ranks", { timeout: patience }, async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(() => start(launcher, 2, "losses", ["cnn", "float32"]).finished),
    );
    expect(learned(first?.stdout ?? "").weights.length).toBeGreaterThan(0);
    expect(first?.stdout).toBe(second?.stdout);
  });
});
