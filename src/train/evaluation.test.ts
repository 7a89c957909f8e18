// Metrics in the user's units, which may need more digits than float32 has.
import { expect, test } from "vitest";
import { Dataset } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import { tensor } from "../tensor/index.ts";
import { Evaluator, makeObjective, samplesOf } from "./index.ts";
import { taskOf } from "./objectives.ts";

test("of numbers far from zero, such as seconds since 1970, errors are not rounded away", () => {
  const rows = 64;
  const targets = Float32Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 1 : -1));
  const data = new Dataset({ features: new Float32Array(rows), featureShape: [1], targets, targetShape: [1] });
  const model = new nn.Linear(1, 1);
  model.bias?.assign(tensor([0.5]));
  const evaluator = new Evaluator(model, makeObjective("mse", taskOf(data)));
  const { metrics } = evaluator.evaluate(samplesOf(data), (value) => 1_700_000_000 + 50 * value);
  // Predicted is +25 s, and the truth is ±50 s.
  expect(metrics["mae"]).toBe((25 + 75) / 2);
  expect(metrics["rmse"]).toBeCloseTo(Math.sqrt((25 ** 2 + 75 ** 2) / 2), 10);
  expect(metrics["r2"]).toBeCloseTo(1 - (25 ** 2 + 75 ** 2) / 2 / 50 ** 2, 10);
});
