// Sampled Shapley values against known ones: they add up, are exact without interactions between columns, and close with them.
import { describe, expect, test } from "vitest";
import { Dataset, Random } from "../../data/index.ts";
import { at } from "../../graph/at.ts";
import { shapleyValues } from "./contributions.ts";

const columns = [
  { column: "a", from: 0, width: 1 },
  { column: "b", from: 1, width: 2 },
  { column: "c", from: 3, width: 1 },
  { column: "unused", from: 4, width: 1 },
];
const width = 5;
const rowsOf = (rows: readonly (readonly number[])[]): Dataset =>
  new Dataset({
    features: Float32Array.from(rows.flat()),
    featureShape: [width],
    targets: new Int32Array(rows.length),
  });
const random = new Random(4);
const background = Array.from({ length: 60 }, () => Array.from({ length: width }, () => Math.fround(random.normal())));
const row = [1.5, -0.5, 2, -1, 3];

type Answer = (features: readonly number[]) => number;
const explained = (answer: Answer, samples: number, seed = 0) =>
  shapleyValues(rowsOf([row]), rowsOf(background), columns, {
    predict: async (rows) =>
      Float64Array.from({ length: rows.length }, (_, place) =>
        answer(Array.from({ length: width }, (_, k) => Number(at(rows.features.data, place * width + k)))),
      ),
    outputs: 1,
    output: 0,
    samples,
    seed,
  });

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** By definition: the mean over all orders and all background rows. */
function exact(answer: Answer): number[] {
  const orders = (left: readonly number[]): number[][] =>
    left.length === 0
      ? [[]]
      : left.flatMap((first) => orders(left.filter((k) => k !== first)).map((rest) => [first, ...rest]));
  const all = orders(columns.map((_, place) => place));
  const sums = columns.map(() => 0);
  for (const start of background)
    for (const order of all) {
      const now = [...start];
      for (const column of order) {
        const before = answer(now);
        const { from, width: own } = at(columns, column);
        for (let k = from; k < from + own; k++) now[k] = at(row, k);
        sums[column] = at(sums, column) + (answer(now) - before) / (all.length * background.length);
      }
    }
  return sums;
}

const linear: Answer = ([a = 0, b = 0, c = 0, d = 0]) => 3 * a - 2 * b + 0.5 * c + 4 * d - 7;
const mixed: Answer = ([a = 0, b = 0, c = 0, d = 0]) => a * d + Math.tanh(a + b * c) + 2 * Math.abs(d);

describe("sampled Shapley values", () => {
  test("of a linear function are weight times distance from the mean, when every background row is drawn", async () => {
    const { base, prediction, contributions } = await explained(linear, 2 * background.length);
    const centre = Array.from({ length: width }, (_, k) => mean(background.map((one) => at(one, k))));
    const wanted = [
      3 * (at(row, 0) - at(centre, 0)),
      -2 * (at(row, 1) - at(centre, 1)) + 0.5 * (at(row, 2) - at(centre, 2)),
      4 * (at(row, 3) - at(centre, 3)),
      0,
    ];
    for (const [place, { contribution }] of contributions.entries())
      expect(Math.abs(contribution - at(wanted, place))).toBeLessThan(1e-12);
    expect(Math.abs(base - mean(background.map(linear)))).toBeLessThan(1e-12);
    expect(Math.abs(prediction - linear(row))).toBeLessThan(1e-12);
  });

  test.each([2, 30, 5000])("add up to the prediction less the mean, with %i samples", async (samples) => {
    const { base, prediction, contributions } = await explained(mixed, samples);
    expect(Math.abs(prediction - mixed(row))).toBeLessThan(1e-12);
    const sum = contributions.reduce((total, { contribution }) => total + contribution, 0);
    expect(Math.abs(base + sum - prediction)).toBeLessThan(1e-12);
    expect(contributions.at(-1)).toMatchObject({ column: "unused", contribution: 0, error: 0 });
  });

  test("are within their standard errors of the exact values", async () => {
    const wanted = exact(mixed);
    const { contributions } = await explained(mixed, 6000);
    for (const [place, { contribution, error }] of contributions.entries()) {
      expect(Math.abs(contribution - at(wanted, place))).toBeLessThanOrEqual(4 * error);
      expect(error).toBeLessThan(0.05);
    }
  });

  test("are the same for the same seed", async () => {
    expect(await explained(mixed, 40, 1)).toEqual(await explained(mixed, 40, 1));
    expect(await explained(mixed, 40, 1)).not.toEqual(await explained(mixed, 40, 2));
  });
});
