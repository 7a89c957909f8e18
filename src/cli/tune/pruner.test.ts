// Which trials continue at a rung: by the median of earlier ones, or among the best fraction of them.
import { expect, test } from "vitest";
import { goesOn, rungs } from "./pruner.ts";

test("rungs grow by eta, and leave at least as much to save", () => {
  expect(rungs(27, 3)).toEqual([1, 3, 9]);
  expect(rungs(100, 3)).toEqual([1, 3, 9, 27]);
  expect(rungs(8, 2)).toEqual([1, 2, 4]);
  expect(rungs(2, 3)).toEqual([]);
});

test("the median rule: not worse than half of the earlier trials, of which there must be four", () => {
  expect(goesOn("median", 9, [1, 2, 3], 3)).toBe(true);
  expect(goesOn("median", 2.5, [1, 2, 3, 4], 3)).toBe(true);
  expect(goesOn("median", 2.6, [1, 2, 3, 4], 3)).toBe(false);
  expect(goesOn("median", 3, [5, 1, 3, 2, 4], 3)).toBe(true);
  expect(goesOn("median", Number.POSITIVE_INFINITY, [1, 2, 3, 4], 3)).toBe(false);
});

test("asynchronous successive halving: among the best 1/eta, and always the best so far", () => {
  expect(goesOn("asha", 9, [], 3)).toBe(true);
  expect(goesOn("asha", 9, [1], 3)).toBe(false);
  expect(goesOn("asha", 2, [1, 3, 4, 5, 6], 3)).toBe(true);
  expect(goesOn("asha", 3.5, [1, 3, 4, 5, 6], 3)).toBe(false);
  expect(goesOn("none", 9, [1, 2, 3, 4, 5], 3)).toBe(true);
});

test("a pruned trial is never the best: a trial that continues is at least as good at the same rung", () => {
  const costs = [5, 3, 8, 1, 9, 4, 7, 2, 6];
  for (const rule of ["median", "asha"] as const)
    for (const [place, cost] of costs.entries()) {
      const earlier = costs.slice(0, place);
      if (!goesOn(rule, cost, earlier, 3)) expect(Math.min(...earlier)).toBeLessThan(cost);
    }
});
