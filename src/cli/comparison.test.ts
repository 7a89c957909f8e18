// A baseline that beats a network is reported; one that only seems to is not.
import { expect, test } from "vitest";
import { betterThanNetwork, comparisonLine } from "./comparison.ts";

const classes = (accuracy: number, loss: number) => ({ accuracy, loss });

test("numbers are compared by rmse, beyond one percent", () => {
  const compared = { own: { rmse: 57.66 }, linear: { rmse: 54.16 }, constant: { rmse: 77 } };
  expect(comparisonLine(compared)).toBe("compare     linear model: rmse 54.16; constant prediction: rmse 77.00");
  expect(betterThanNetwork(compared)?.what).toBe(
    "a linear model does better on the held-out rows: rmse 54.16, this network rmse 57.66",
  );
  expect(betterThanNetwork({ ...compared, own: { rmse: 54.5 } })).toBeUndefined();
});

test("classes are compared by accuracy and loss together", () => {
  const compared = { own: classes(0.8, 0.5), linear: classes(0.82, 0.45), constant: classes(0.6, 0.7) };
  expect(betterThanNetwork(compared)?.fix).toContain("--hidden none");
  expect(betterThanNetwork({ ...compared, linear: classes(0.82, 0.55) })).toBeUndefined();
  expect(betterThanNetwork({ ...compared, linear: classes(0.8, 0.45) })).toBeUndefined();
});

test("a constant prediction that beats the network is reported before a linear model that also does", () => {
  const compared = { own: classes(0.5, 0.9), linear: classes(0.6, 0.69), constant: classes(0.61, 0.68) };
  expect(betterThanNetwork(compared)?.what).toContain("a constant prediction does better");
});

test("metrics that are missing or NaN give no result", () => {
  const compared = { own: {}, linear: { rmse: 1 }, constant: { rmse: 2 } };
  expect(betterThanNetwork(compared)).toBeUndefined();
  expect(betterThanNetwork({ ...compared, own: { rmse: Number.NaN } })).toBeUndefined();
});
