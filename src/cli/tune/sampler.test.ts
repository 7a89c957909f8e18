// Points that a search chooses: Parzen estimators get closer to known optima than random search; the same seed gives the same points.
import { describe, expect, test } from "vitest";
import { makeSampler, type SamplerName } from "./sampler.ts";
import { type Dimension, type Point, parseDimension, placeOf, sizeOf, valueAt } from "./space.ts";

type Cost = (point: Point) => number;
interface Problem {
  readonly space: readonly Dimension[];
  /** Its minimum is 0. */
  readonly cost: Cost;
}

/** Minimal at a rate of 10^-2.5, a dropout of 0.2, three layers and gelu. */
const network: Problem = {
  space: ["lr=1e-5..1:log", "dropout=0..0.6", "layers=1..8:whole", "activation=relu|tanh|gelu|silu"].map(
    parseDimension,
  ),
  cost: ({ lr, dropout, layers, activation }) =>
    (Math.log10(Number(lr)) + 2.5) ** 2 +
    4 * (Number(dropout) - 0.2) ** 2 +
    0.1 * (Number(layers) - 3) ** 2 +
    (activation === "gelu" ? 0 : 0.5),
};

/** Branin's function minus its minimum, which three points attain. */
const branin: Problem = {
  space: ["x=-5..10", "y=0..15"].map(parseDimension),
  cost: ({ x, y }) => {
    const [a, b] = [Number(x), Number(y)];
    const bend = b - (5.1 / (4 * Math.PI ** 2)) * a * a + (5 / Math.PI) * a - 6;
    return bend ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(a) + 10 - 0.39788735772973816;
  },
};

/** A search that gets a trial's result after `lag` others have begun. */
function searched(name: SamplerName, { space, cost }: Problem, seed: number, trials: number, lag = 4): Point[] {
  const sampler = makeSampler(name, { space, seed });
  const points: Point[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const known = Math.max(0, trial - lag);
    const ended = points.slice(0, known).sort((a, b) => cost(a) - cost(b));
    const point = sampler.next(ended, points.slice(known));
    if (point === undefined) break;
    points.push(point);
  }
  return points;
}

const least = (problem: Problem, points: readonly Point[]): number => Math.min(...points.map(problem.cost));
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

describe("a tree-structured Parzen estimator", () => {
  test.each([
    ["a network's settings", network],
    ["Branin's function", branin],
  ])("%s: nearer to the optimum than at random, in 12 searches of 50 trials", (_, problem) => {
    const seeds = Array.from({ length: 12 }, (_, seed) => seed);
    const random = seeds.map((seed) => least(problem, searched("random", problem, seed, 50)));
    const tpe = seeds.map((seed) => least(problem, searched("tpe", problem, seed, 50)));
    expect(tpe.filter((value, seed) => value <= (random[seed] ?? 0)).length).toBeGreaterThanOrEqual(10);
    expect(median(tpe)).toBeLessThan(median(random) / 3);
    expect(Math.min(...tpe)).toBeGreaterThanOrEqual(-1e-9);
  });

  test("starts with the points of a random search, and is the same for the same seed", () => {
    const first = searched("tpe", network, 7, 30);
    expect(searched("tpe", network, 7, 30)).toEqual(first);
    expect(searched("random", network, 7, 30).slice(0, 10)).toEqual(first.slice(0, 10));
    expect(searched("random", network, 7, 30).slice(10)).not.toEqual(first.slice(10));
    expect(searched("tpe", network, 8, 30)).not.toEqual(first);
  });

  test("stays within the ranges", () => {
    for (const { lr, dropout, layers, activation } of searched("tpe", network, 3, 40)) {
      expect(Number(lr)).toBeGreaterThanOrEqual(1e-5);
      expect(Number(lr)).toBeLessThanOrEqual(1);
      expect(Number(dropout)).toBeGreaterThanOrEqual(0);
      expect(Number(dropout)).toBeLessThanOrEqual(0.6);
      expect(["1", "2", "3", "4", "5", "6", "7", "8"]).toContain(layers);
      expect(["relu", "tanh", "gelu", "silu"]).toContain(activation);
    }
  });
});

test.each(["tpe", "random"] as const)("%s: every point of a small space once, then none", (name) => {
  const space = ["a=1..7:whole", "b=x|y|z", "c=p|q"].map(parseDimension);
  expect(sizeOf(space)).toBe(42);
  const points = searched(name, { space, cost: ({ a }) => Number(a) }, 1, 100);
  expect(points.length).toBe(42);
  expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(42);
});

test("a value and its position in a range", () => {
  for (const text of ["a=1e-4..1e-1:log", "a=-2..6", "a=3..9:whole"]) {
    const range = parseDimension(text);
    if (range.kind !== "range") throw new Error("not a range");
    for (const place of [0.05, 0.3, 0.5, 0.93]) {
      const back = placeOf(range, valueAt(range, place));
      expect(Math.abs(back - place)).toBeLessThan(range.scale === "whole" ? 1 / 14 + 1e-12 : 1e-3);
    }
  }
  expect(() => parseDimension("a=1.2..1.8:whole")).toThrow(/no whole number/);
  expect(sizeOf([parseDimension("a=x|x|y")])).toBe(2);
});
