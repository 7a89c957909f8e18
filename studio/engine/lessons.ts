// Computes the lessons' plots: Rosenblatt's rule, activations with their slopes, losses of one prediction.

import { HebbError, nn, type Tensor, tensor, valueAndGrad } from "../../src/index.ts";
import { makeActivation } from "../../src/train/index.ts";
import type { ActivationName, LossName } from "../shared/names.ts";
import type { Correction, Plotted, Rosenblatt } from "../shared/protocol.ts";
import * as say from "../texts/en/engine.ts";
import type { Session } from "./session.ts";

const [mostPasses, rate] = [60, 0.2] as const;

/** Applies the library's rule to one row after the other, and records each mistake. */
export function rosenblatt({ prepared, trainPart }: Session): Rosenblatt {
  const { info } = prepared;
  if (info.task !== "binary" || info.inputShape.length !== 1) throw new HebbError(say.rosenblattsRuleDecidesBetweenTwo);
  const neuron = new nn.Perceptron(info.inputs.length);
  const truths = trainPart.y.dataSync();
  const rows = Array.from({ length: trainPart.rows }, (_, row) => ({
    x: trainPart.x.narrow(0, row, 1),
    y: trainPart.y.narrow(0, row, 1),
  }));
  const corrections: Correction[] = [];
  const mistakes: number[] = [];
  for (let pass = 0; pass < mostPasses && mistakes.at(-1) !== 0; pass++) {
    let wrong = 0;
    rows.forEach(({ x, y }, row) => {
      if (neuron.learn(x, y, { epochs: 1, rate }).mistakes[0] === 0) return;
      wrong++;
      const weights = Array.from(neuron.weight.dataSync());
      const bias = neuron.bias.dataSync()[0] ?? 0;
      corrections.push({
        pass,
        row,
        inputs: Array.from(x.dataSync()),
        truth: truths[row] === 1 ? 1 : 0,
        weights,
        bias,
      });
    });
    mistakes.push(wrong);
  }
  return { rate, corrections, mistakes, converged: mistakes.at(-1) === 0 };
}

const grid = (from: number, to: number, count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, k) => from + ((to - from) * k) / (count - 1));

/** Values and slopes of an elementwise function. */
function plot(at: Float64Array, of: (x: Tensor) => Tensor): Plotted {
  const x = tensor(at);
  const [, [slope]] = valueAndGrad((z: Tensor) => of(z).sum())(x);
  return {
    at,
    value: Float64Array.from(of(x).dataSync()),
    slope: Float64Array.from(slope?.dataSync() ?? []),
  };
}

export function plotActivation(name: ActivationName): Plotted {
  const module = makeActivation(name);
  return plot(grid(-6, 6, 241), (x) => module.forward(x));
}

/** Losses of one prediction: for class 1 by its logit z, for the number 0 by the error of the prediction. */
export function plotLosses(of: "classes" | "numbers"): (Plotted & { readonly name: LossName })[] {
  const F = nn.functional;
  const at = of === "classes" ? grid(-8, 8, 161) : grid(-10, 10, 201);
  const goal = tensor(at.map(() => (of === "classes" ? 1 : 0)));
  const none = { reduction: "none" as const };
  const functions: readonly (readonly [LossName, (x: Tensor) => Tensor])[] =
    of === "classes"
      ? [
          ["bce", (z) => F.bceWithLogits(z, goal, none)],
          ["mse", (z) => F.mse(z.sigmoid(), goal, none)],
        ]
      : [
          ["mse", (z) => F.mse(z, goal, none)],
          ["l1", (z) => F.l1(z, goal, none)],
          ["huber", (z) => F.huber(z, goal, none)],
        ];
  return functions.map(([name, loss]) => ({ name, ...plot(at, loss) }));
}
