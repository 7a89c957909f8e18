// Every example runs, and the figures it prints show what it claims.
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as customLoop from "../examples/custom-loop.ts";
import { mnistFolder } from "../examples/mnist.ts";
import * as mnistCnn from "../examples/mnist-cnn.ts";
import * as mnistMlp from "../examples/mnist-mlp.ts";
import * as noActivation from "../examples/no-activation.ts";
import * as optimizersRace from "../examples/optimizers-race.ts";
import * as perceptronLoan from "../examples/perceptron-loan.ts";
import * as wrongLoss from "../examples/wrong-loss.ts";

const quiet = (): void => {};

describe("examples", () => {
  test("each one is executed here", () => {
    const executed = [
      "custom-loop",
      "mnist-cnn",
      "mnist-mlp",
      "no-activation",
      "optimizers-race",
      "perceptron-loan",
      "wrong-loss",
    ];
    const present = readdirSync(new URL("../examples", import.meta.url)).filter(
      (name) => name.endsWith(".ts") && name !== "mnist.ts",
    );
    expect(present.map((name) => name.replace(".ts", "")).sort()).toEqual(executed);
  });

  test("a loop written out learns, and compiles once for each batch size", async () => {
    const outcome = await customLoop.run(quiet);
    expect(outcome.last).toBeLessThan(outcome.first / 3);
    expect(outcome.accuracy).toBeGreaterThan(0.93);
    expect(outcome.compiled).toBe(2);
  });

  test("a perceptron decides loans, AND and OR; XOR only with a hidden layer", async () => {
    const outcome = await perceptronLoan.run(quiet);
    expect(outcome.loanAccuracy).toBeGreaterThan(outcome.majority + 0.3);
    expect(outcome.gates.and).toBe(0);
    expect(outcome.gates.or).toBe(0);
    expect(outcome.bestXor).toBeGreaterThanOrEqual(1);
    expect(outcome.hiddenXor).toBe(0);
  });

  test("without activations three layers are one line", async () => {
    const outcome = await noActivation.run(quiet);
    expect(outcome.difference).toBeLessThan(1e-5);
    expect(outcome.linearAccuracy).toBeLessThan(0.7);
    expect(outcome.reluAccuracy).toBeGreaterThan(0.95);
  });

  test("the wrong loss is stuck where the right one learns", async () => {
    const outcome = await wrongLoss.run(quiet);
    expect(outcome.pushCrossEntropy).toBeGreaterThan(1000 * outcome.pushSquared);
    expect(outcome.stepsCrossEntropy).toBeLessThan(100);
    expect(outcome.stepsSquared ?? Number.POSITIVE_INFINITY).toBeGreaterThan(
      10 * (outcome.stepsCrossEntropy ?? Number.NaN),
    );
  });

  test("momentum and adaptive rates overtake plain descent", async () => {
    const { moons, ravine } = await optimizersRace.run(quiet);
    for (const name of ["momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW"] as const)
      expect(moons[name], name).toBeLessThan(moons.SGD / 2);
    expect(ravine.momentum).toBeLessThan(ravine.SGD / 100);
    expect(ravine.Nesterov).toBeLessThan(ravine.SGD / 100);
  });

  // The full runs take longer than a test may: a part of the digits shows that both learn.
  test.skipIf(mnistFolder() === undefined)("digits: a plain network", async () => {
    const outcome = await mnistMlp.run(quiet, { rows: 2000, testRows: 1000, epochs: 2 });
    expect(outcome?.accuracy).toBeGreaterThan(0.78);
  });

  test.skipIf(mnistFolder() === undefined)("digits: a convolutional network", async () => {
    const outcome = await mnistCnn.run(quiet, { rows: 1500, testRows: 500, epochs: 1 });
    expect(outcome?.accuracy).toBeGreaterThan(0.72);
  });
});
