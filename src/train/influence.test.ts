// Effects of columns on a model, for functions with known answers.
import { expect, test } from "vitest";
import { Dataset } from "../data/index.ts";
import { partialDependence, permutationImportance } from "./index.ts";
import * as metrics from "./metrics.ts";

// The target is the first column, the second is noise, and the last two are one category.
const rows = Array.from({ length: 40 }, (_, k) => [(k * 7) % 13, (k * 5) % 11, k % 2, 1 - (k % 2)]);
const data = new Dataset({
  features: Float32Array.from(rows.flat()),
  featureShape: [4],
  targets: Float32Array.from(rows, ([x = 0]) => 2 * x),
});
const groups = [
  { name: "size", from: 0, count: 1 },
  { name: "noise", from: 1, count: 1 },
  { name: "kind", from: 2, count: 2 },
];
const answers = ({ features, length }: Dataset): number[] =>
  Array.from({ length }, (_, row) => 2 * (features.data[4 * row] ?? 0));

test("only columns that the model uses are important, and shuffles follow the seed", () => {
  const score = (shuffled: Dataset): number => metrics.r2(answers(shuffled), data.targets.data);
  const found = permutationImportance(data, { groups, score, repeats: 4, seed: 3 });
  expect(found.map(({ name }) => name)).toEqual(["size", "noise", "kind"]);
  const [size, noise, kind] = found;
  // R² of shuffled values: 1 − 2 (1 − r), where the correlation r is near 0, so its mean over shuffles is −1.
  expect(size?.mean).toBeGreaterThan(1);
  expect(size?.mean).toBeLessThan(3);
  const drops = size?.drops ?? [];
  const mean = drops.reduce((a, b) => a + b, 0) / 4;
  expect(size?.mean).toBeCloseTo(mean, 12);
  expect(size?.deviation).toBeCloseTo(Math.sqrt(drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / 4), 12);
  expect([noise?.mean, noise?.deviation, kind?.mean]).toEqual([0, 0, 0]);
  expect(permutationImportance(data, { groups, score, repeats: 4, seed: 3 })).toEqual(found);
  expect(permutationImportance(data, { groups, score, repeats: 4, seed: 4 })[0]?.drops).not.toEqual(drops);
});

test("a category is shuffled as a whole", () => {
  const sums = new Set<number>();
  permutationImportance(data, {
    groups,
    score: ({ features, length }) => {
      for (let row = 0; row < length; row++)
        sums.add((features.data[4 * row + 2] ?? 0) + (features.data[4 * row + 3] ?? 0));
      return 0;
    },
  });
  expect([...sums]).toEqual([1]);
});

test("partial dependence is the mean prediction, with the quartiles of the rows", () => {
  const plane = ({ features, length }: Dataset): number[] =>
    Array.from({ length }, (_, row) => 3 * (features.data[4 * row] ?? 0) + (features.data[4 * row + 1] ?? 0));
  const [group] = groups;
  const found = partialDependence(data, {
    group: group ?? { name: "", from: 0, count: 1 },
    values: [[0], [2]],
    predict: plane,
  });
  const noise = rows.map(([, y = 0]) => y).sort((a, b) => a - b);
  const mean = noise.reduce((a, b) => a + b, 0) / noise.length;
  expect(found.mean[0]?.[0]).toBeCloseTo(mean, 6);
  expect(found.mean[1]?.[0]).toBeCloseTo(6 + mean, 6);
  const at = (share: number): number => {
    const place = share * (noise.length - 1);
    const below = Math.floor(place);
    return (noise[below] ?? 0) + (place - below) * ((noise[below + 1] ?? 0) - (noise[below] ?? 0));
  };
  expect(found.low[0]?.[0]).toBeCloseTo(at(0.25), 6);
  expect(found.high[1]?.[0]).toBeCloseTo(6 + at(0.75), 6);
});

test("an unknown group, and a value of another width, are refused", () => {
  const wrong = [{ name: "far", from: 3, count: 2 }];
  expect(() => permutationImportance(data, { groups: wrong, score: () => 0 })).toThrow(
    /"far" is 2 features from 3 on, and a row has 4/,
  );
  const group = { name: "kind", from: 2, count: 2 };
  expect(() => partialDependence(data, { group, values: [[1]], predict: () => [] })).toThrow(/a value has 1/);
});
