// Predictions print with float32's digits.
import { expect, it } from "vitest";
import { shortest } from "./shortest.ts";

it.each([
  [Math.fround(0.1), 0.1],
  [Math.fround(3.1), 3.1],
  [Math.fround(1234.5678), 1234.5677],
  [-Math.fround(1e-30), -1e-30],
  [0, 0],
  [1e300, 1e300],
  [Number.NaN, Number.NaN],
  [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
])("%d prints as %d", (value, printed) => {
  expect(shortest(value)).toBe(printed);
});

it.each([
  [1700000036.2512348, 50, 1700000036.25123],
  [1700000036.2512348, 1e-3, 1700000036.2512348],
  [21.530001, 8, 21.530001],
  [1700000036.25, Number.POSITIVE_INFINITY, 1700000000],
  [0, 50, 0],
])("%d, one of numbers about %d apart, prints as %d", (value, scale, printed) => {
  const found = shortest(value, scale);
  expect(found).toBe(printed);
  expect(Math.abs(found - value)).toBeLessThanOrEqual(scale * 2 ** -23);
});

it("gives the same float32 again", () => {
  for (let place = 0; place < 2000; place++) {
    const value = Math.fround(Math.sin(place) * 10 ** ((place % 70) - 35));
    expect(Math.fround(shortest(value))).toBe(value);
  }
});
