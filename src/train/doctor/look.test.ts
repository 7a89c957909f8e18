// Which networks the doctor accepts and which it reports: unit counts just below and just above each share.
import { expect, test } from "vitest";
import { Dataset } from "../../data/index.ts";
import * as nn from "../../nn/index.ts";
import { readNow } from "../../tensor/reading.ts";
import { samplesOf } from "../feeds.ts";
import { makeObjective, taskOf } from "../objectives.ts";
import { Look } from "./look.ts";

const units = 20;
const rows = 32;
const train = new Dataset({
  features: Float32Array.from({ length: rows }, (_, row) => row / rows),
  featureShape: [1],
  targets: Int32Array.from({ length: rows }, (_, row) => row % 2),
});

/** Twenty units whose outputs are their biases for any row. */
function told(activation: nn.Module, biasOf: (unit: number) => number): readonly string[] {
  const first = new nn.Linear(1, units);
  first.weight.assign(first.weight.mul(0));
  first.bias?.assign(new Float32Array(units).map((_, unit) => biasOf(unit)));
  const model = new nn.Sequential(first, activation, new nn.Linear(units, 2));
  const task = taskOf(train);
  const look = new Look({ model, objective: makeObjective("crossEntropy", task), samples: samplesOf(train), train });
  return readNow(look.network())?.findings.map(({ code }) => code) ?? ["nothing"];
}

test.each([
  [12, false],
  [13, true],
])("%d dead ReLUs of 20", (dead, tells) => {
  const found = told(new nn.ReLU(), (unit) => (unit < dead ? -1 : 1));
  expect(found.includes("deadUnits")).toBe(tells);
});

test.each([
  [14, false],
  [15, true],
])("%d saturated units of 20", (stuck, tells) => {
  for (const activation of [new nn.Sigmoid(), new nn.Tanh()]) {
    const found = told(activation, (unit) => (unit < stuck ? (unit % 2 === 0 ? 9 : -9) : 0.5));
    expect(found.includes("saturatedUnits")).toBe(tells);
  }
});
