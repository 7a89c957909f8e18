// Variance when differences overflow, and of too few values.
import { describe, expect, it } from "vitest";
import { tensor } from "../../tensor/index.ts";

const inf = Number.POSITIVE_INFINITY;

describe.each(["float32", "float64"] as const)("variance and std in %s", (dtype) => {
  const huge = dtype === "float32" ? 3e38 : 1.7e308;
  it.each([
    [[huge, -huge], inf],
    [[huge, huge, -huge], inf],
    [[0, huge, huge, -huge, -huge], inf],
    [[huge, 0.9 * huge, huge], inf],
    // PyTorch gives infinity here; equal values have variance 0.
    [[huge, huge], 0],
    [[inf, 1], Number.NaN],
    [[1, -inf], Number.NaN],
    [[inf, -inf], Number.NaN],
    [[1, Number.NaN], Number.NaN],
    [[5], Number.NaN],
    [[], Number.NaN],
  ])("of %j", (values, expected) => {
    const x = tensor(values, { shape: [values.length], dtype });
    expect(x.variance().itemSync()).toBe(expected);
    expect(x.std().itemSync()).toBe(Math.sqrt(expected));
  });
});

it("one value that differs by an ulp is detected at a million", () => {
  const x = tensor(Float32Array.from({ length: 4096 }, (_, place) => (place === 77 ? 1e6 + 0.0625 : 1e6)));
  expect(x.variance().itemSync()).toBeCloseTo(0.0625 ** 2 / 4096, 13);
});
