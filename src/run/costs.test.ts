// The cheapest decision, against all decisions.
import { expect, test } from "vitest";
import { Random } from "../data/index.ts";
import { cheapestClass, costPerRow } from "./costs.ts";

test("the chosen class has the least expected cost of all", () => {
  const random = new Random(1);
  for (let round = 0; round < 200; round++) {
    const drawn = Array.from({ length: 2 + (round % 4) }, () => random.uniform(0, 1));
    const sum = drawn.reduce((total, value) => total + value, 0);
    const probabilities = drawn.map((value) => value / sum);
    const costs = probabilities.map(() => random.uniform(0, 10));
    const expected = probabilities.map((_, k) =>
      probabilities.reduce((total, p, truth) => total + (truth === k ? 0 : p * (costs[truth] ?? 0)), 0),
    );
    expect(expected[cheapestClass(probabilities, costs)]).toBe(Math.min(...expected));
  }
});

test("the second of two classes is chosen from c₁ / (c₁ + c₂) on", () => {
  const costs = [1, 4];
  expect(cheapestClass([0.81, 0.19], costs)).toBe(0);
  expect(cheapestClass([0.79, 0.21], costs)).toBe(1);
  expect(cheapestClass([0.5, 0.5], [1, 1])).toBe(0);
});

test("the cost of a row counts every mistake at the cost of the class that was missed", () => {
  // 3 of 10 rows of the first class are missed at a cost of 2 each, and 1 of 10 of the second at 5.
  expect(
    costPerRow(
      [
        [7, 3],
        [1, 9],
      ],
      [2, 5],
    ),
  ).toBe(11 / 20);
});
