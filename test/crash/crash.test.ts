// A small part of the crash tests; test/crash/full.ts runs them at full length.
import { describe, expect, test } from "vitest";
import { damageEverything } from "./damage.ts";
import { canFail, failEverywhere } from "./faults.ts";
import { killAgainAndAgain } from "./kill.ts";

describe("a run survives", () => {
  test("kill -9 at any moment: the run resumes to the same bits", async () => {
    const { kills, finished } = await killAgainAndAgain(8);
    expect(kills).toBe(8);
    expect(finished).toBeGreaterThan(0);
  }, 300_000);

  test.skipIf(!canFail())(
    "a full, a broken and a read-only disk, and short counts, at any system call",
    async () => {
      const results = await failEverywhere(1);
      expect(results.size).toBe(14);
      for (const [kind, { tried, ended, wentOn }] of results) {
        expect(tried, kind).toBeGreaterThan(0);
        expect(ended + wentOn, kind).toBe(tried);
      }
    },
    300_000,
  );

  test("flipped bits and missing pieces in every file: the run is the same, refused, or reports it", async () => {
    const outcomes = await damageEverything(40, 1);
    expect([...outcomes.values()].reduce((sum, times) => sum + times, 0)).toBe(40);
    expect(outcomes.get("went on to the same bits")).toBeGreaterThan(0);
    expect(outcomes.get("predicted the same")).toBeGreaterThan(0);
  }, 300_000);
});
