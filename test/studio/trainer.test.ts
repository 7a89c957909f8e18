// The Studio trains with the library's trainer: a session and fit give the same weights to the bit, and the same verdicts at the same steps.
import { describe, expect, it } from "vitest";
import { nn, optim, seed, fit as trainModel, useBackend } from "../../src/index.ts";
import { makeActivation, type LossName as Named } from "../../src/train/index.ts";
import { prepare } from "../../studio/engine/data.ts";
import { Session } from "../../studio/engine/session.ts";
import { type Layer, type StudioState, startState } from "../../studio/shared/state.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

const layers = (units: number, activation: Layer["activation"], count = 2): Layer[] =>
  Array.from({ length: count }, () => ({ kind: "dense", units, activation }));

interface Setup {
  readonly name: string;
  readonly patch: Partial<StudioState>;
  readonly loss: Named;
  readonly epochs: number;
  readonly optimizer: (parameters: nn.Parameter[], state: StudioState) => optim.Optimizer;
  /** Findings that must occur, so that a setup cannot agree by finding nothing. */
  readonly finds: readonly string[];
}

const adam: Setup["optimizer"] = (parameters, { lr }) => new optim.Adam(parameters, { lr });
const sgd: Setup["optimizer"] = (parameters, { lr }) => new optim.SGD(parameters, { lr });

const setups: readonly Setup[] = [
  { name: "healthy", patch: {}, loss: "bceWithLogits", epochs: 64, optimizer: adam, finds: [] },
  {
    name: "overfitting",
    patch: { count: 60, noise: 0.6, test: 0.5, layers: layers(32, "relu", 3), lr: 0.01 },
    loss: "bceWithLogits",
    epochs: 256,
    optimizer: adam,
    finds: ["overfitting"],
  },
  {
    name: "a rate too high",
    patch: { optimizer: "sgd", lr: 40, layers: layers(8, "relu"), batch: 8 },
    loss: "bceWithLogits",
    epochs: 40,
    optimizer: sgd,
    finds: ["learningRateTooHigh"],
  },
  {
    name: "a rate so high that the loss becomes NaN",
    patch: { data: "curve", loss: "mse", optimizer: "sgd", lr: 10, layers: layers(8, "relu") },
    loss: "mse",
    epochs: 20,
    optimizer: sgd,
    finds: ["notANumber"],
  },
  {
    name: "a rate too low",
    patch: { optimizer: "sgd", lr: 1e-6 },
    loss: "bceWithLogits",
    epochs: 32,
    optimizer: sgd,
    finds: ["learningRateTooLow"],
  },
  {
    name: "three classes, dropout, weight decay, a last batch of one row",
    patch: { data: "iris", loss: "crossEntropy", dropout: 0.3, optimizer: "adamw", decay: 0.01, batch: 37, test: 0.25 },
    loss: "crossEntropy",
    epochs: 32,
    optimizer: (parameters, { lr, decay }) => new optim.AdamW(parameters, { lr, weightDecay: decay }),
    finds: [],
  },
  {
    name: "whole batches",
    patch: { batch: 5000, optimizer: "momentum", lr: 0.1 },
    loss: "bceWithLogits",
    epochs: 64,
    optimizer: (parameters, { lr }) => new optim.SGD(parameters, { lr, momentum: 0.9 }),
    finds: [],
  },
];

interface Told {
  readonly step: number;
  readonly code: string;
}

/** Findings about the course of training. Unlike fit's doctor, the Studio does not check data and network. */
const ofTheCourse = ["learningRateTooHigh", "learningRateTooLow", "overfitting", "noBetterThanMajority", "notANumber"];

function network(state: StudioState, inputs: number, outputs: number): nn.Sequential {
  const modules: nn.Module[] = [];
  let width = inputs;
  for (const { units, activation } of state.layers) {
    modules.push(new nn.Linear(width, units), makeActivation(activation));
    if (state.dropout > 0) modules.push(new nn.Dropout(state.dropout));
    width = units;
  }
  return new nn.Sequential(...modules, new nn.Linear(width, outputs));
}

const weightsOf = (model: nn.Module): Uint8Array[] =>
  model.parameters().map((parameter) => {
    const { buffer, byteOffset, byteLength } = parameter.dataSync();
    return new Uint8Array(buffer, byteOffset, byteLength).slice();
  });

describe("a session and fit", () => {
  for (const { name, patch, loss, epochs, optimizer, finds } of setups) {
    it(`${name}: the same bits and the same verdicts at the same steps`, async () => {
      const state: StudioState = { ...startState, ...patch };
      const prepared = await prepare(state, undefined);
      const { train, test, info } = prepared;

      seed(state.seed);
      const model = network(state, info.inputs.length, info.task === "classes" ? info.classes.length : 1);
      const told: Told[] = [];
      const history = await trainModel(model, {
        train,
        validation: test,
        loss,
        optimizer: optimizer(model.parameters(), state),
        batchSize: Math.min(state.batch, train.length),
        seed: state.seed,
        epochs,
        restoreBest: false,
        onEvent: (event) => {
          if (event.type === "finding" && ofTheCourse.includes(event.finding.code))
            told.push({ step: event.step, code: event.finding.code });
        },
      });

      const session = new Session(state, prepared);
      const said: Told[] = [];
      for (let epoch = 0; epoch < epochs; epoch++) {
        const before = session.findings.length;
        const healthy = session.advance(session.batches);
        for (const { code } of session.findings.slice(before)) said.push({ step: session.step, code });
        if (!healthy) said.push({ step: session.step, code: "notANumber" });
        if (!healthy) break;
      }
      expect(said).toEqual(told);
      expect(told.map(({ code }) => code)).toEqual(expect.arrayContaining([...finds]));
      if (finds.length === 0) expect(told).toEqual([]);
      if (history.stopped === "diverged") expect(session.verdict()?.reason).toBe("nan");
      else expect(weightsOf(session.network.model)).toEqual(weightsOf(model));
    });
  }
});
