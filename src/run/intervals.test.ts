// Split conformal prediction: the distance of a level is the right order statistic, and covers new values as often as promised.
import { expect, test } from "vitest";
import { Random } from "../data/index.ts";
import { conformalDistance } from "./intervals.ts";

test("the distance is the ⌈(n + 1) · level⌉-th smallest score, and undefined if there are too few", () => {
  const scores = Array.from({ length: 9 }, (_, place) => place + 1);
  expect(conformalDistance(scores, 0.9)).toBe(9);
  expect(conformalDistance(scores, 0.5)).toBe(5);
  expect(conformalDistance(scores, 0.51)).toBe(6);
  expect(conformalDistance(scores, 0.01)).toBe(1);
  expect(conformalDistance(scores, 0.91)).toBeUndefined();
  expect(conformalDistance([], 0.5)).toBeUndefined();
  // 0.55 · 1000 is slightly above 550 due to rounding.
  expect(
    conformalDistance(
      Float64Array.from({ length: 999 }, (_, place) => place + 1),
      0.55,
    ),
  ).toBe(550);
});

test.each([
  [19, 0.9],
  [19, 0.5],
  [7, 0.8],
])("of %i scores, level %f: new values are held k/(n + 1) of the time, on average over the scores", (count, level) => {
  const random = new Random(11);
  const draw = (): number => Math.abs(random.normal()) ** 3;
  const rounds = 20_000;
  let held = 0;
  for (let round = 0; round < rounds; round++) {
    const scores = Array.from({ length: count }, draw).sort((a, b) => a - b);
    if (draw() <= (conformalDistance(scores, level) ?? 0)) held++;
  }
  const promised = Math.ceil((count + 1) * level - 1e-9) / (count + 1);
  expect(promised).toBeGreaterThanOrEqual(level - 1e-9);
  const deviation = Math.sqrt((promised * (1 - promised)) / rounds);
  expect(Math.abs(held / rounds - promised)).toBeLessThan(3 * deviation);
});
