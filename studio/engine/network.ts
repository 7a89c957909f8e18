// From the state to a network, its loss and its optimizer, all of them the library's own.

import { HebbError, nn, type optim, type Tensor } from "../../src/index.ts";
import {
  makeActivation,
  makeOptimizer as makeNamed,
  makeObjective,
  type Objective,
  Tabular,
} from "../../src/train/index.ts";
import { type ActivationName, averageOf, type InitName, type LossName } from "../shared/names.ts";
import type { DataInfo, StageInfo } from "../shared/protocol.ts";
import { type Ensemble, ensembleOf, type StudioState } from "../shared/state.ts";
import * as say from "../texts/en/engine.ts";

type FloatDType = "float32" | "float64";

function initialise(
  weight: nn.Parameter,
  bias: nn.Parameter | undefined,
  name: InitName,
  following: ActivationName,
): void {
  switch (name) {
    case "default":
      return;
    case "he":
      nn.init.kaimingNormal(weight, { nonlinearity: "relu" });
      break;
    case "xavier":
      nn.init.xavierNormal(weight, following === "tanh" ? 5 / 3 : 1);
      break;
    case "small":
      nn.init.normal(weight, 0, 0.01);
      break;
    case "large":
      nn.init.normal(weight, 0, 1);
      break;
    case "zeros":
      nn.init.zeros(weight);
      break;
  }
  if (bias !== undefined) nn.init.zeros(bias);
}

/** A network, and access to its stages. */
export interface Network {
  readonly model: nn.Module;
  readonly stages: readonly StageInfo[];
  /** The modules of a sequential network; empty for an ensemble. */
  readonly modules: readonly nn.Module[];
  /** The values of each stage after the inputs, the last as logits. For an ensemble's hidden layers, the mean over its members. */
  readonly valuesOf: (x: Tensor) => Tensor[];
  /** The layers with parameters, one for each stage after the inputs. Members share the weights and have a bias each. */
  readonly layers: readonly Pick<nn.Linear, "weight" | "bias">[];
}

/** The number of outputs of the last layer. */
export const outputsOf = ({ task, classes }: DataInfo): number => (task === "classes" ? classes.length : 1);

/** Builds the network; its weights are drawn from the current seed. */
export function buildNetwork(state: StudioState, info: DataInfo, dtype: FloatDType = "float32"): Network {
  if (state.batchNorm && state.batch === 1 && state.layers.length > 0)
    throw new HebbError(say.batchNormalisationNeedsMoreThanOne);
  const ensemble = ensembleOf(state, info);
  if (ensemble !== undefined) return buildEnsemble(state, info, ensemble);
  const modules: nn.Module[] = [];
  const stages: StageInfo[] = [];
  const ends: number[] = [];
  const layers: (nn.Linear | nn.Conv2d)[] = [];
  const following: ActivationName[] = [];
  let shape = info.inputShape;
  stages.push({
    kind: "input",
    units: shape.length === 3 ? (shape[0] ?? 1) : shape.reduce((a, b) => a * b, 1),
    shape,
    path: "",
  });
  const flatten = (): void => {
    if (shape.length > 1) {
      modules.push(new nn.Flatten());
      shape = [shape.reduce((a, b) => a * b, 1)];
    }
  };
  for (const { kind, units, activation: name } of state.layers) {
    const [channels, height, width] = shape;
    // A convolution needs images: after a dense layer, or on a table, the layer is a dense one.
    if (
      kind === "conv" &&
      shape.length === 3 &&
      channels !== undefined &&
      height !== undefined &&
      width !== undefined
    ) {
      const layer = new nn.Conv2d(channels, units, 3, { padding: 1, dtype });
      layers.push(layer);
      following.push(name);
      const path = String(modules.length);
      modules.push(layer);
      if (state.batchNorm) modules.push(new nn.BatchNorm2d(units, { dtype }));
      modules.push(makeActivation(name));
      shape = [units, height, width];
      if (Math.min(height, width) >= 4) {
        modules.push(new nn.MaxPool2d(2));
        shape = [units, Math.floor(height / 2), Math.floor(width / 2)];
      }
      stages.push({ kind: "conv", units, shape, path });
    } else {
      flatten();
      const layer = new nn.Linear(shape[0] ?? 1, units, { dtype });
      layers.push(layer);
      following.push(name);
      const path = String(modules.length);
      modules.push(layer);
      if (state.batchNorm) modules.push(new nn.BatchNorm1d(units, { dtype }));
      modules.push(makeActivation(name));
      shape = [units];
      stages.push({ kind: "dense", units, shape, path });
    }
    ends.push(modules.length);
    if (state.dropout > 0) modules.push(new nn.Dropout(state.dropout));
  }
  flatten();
  const outputs = outputsOf(info);
  const last = new nn.Linear(shape[0] ?? 1, outputs, { dtype });
  layers.push(last);
  following.push("identity");
  stages.push({ kind: "output", units: outputs, shape: [outputs], path: String(modules.length) });
  modules.push(last);
  ends.push(modules.length);
  // After all layers are made, so that the draws have the same order as in the generated program.
  layers.forEach(({ weight, bias }, place) => {
    initialise(weight, bias, state.init, following[place] ?? "identity");
  });
  const valuesOf = (x: Tensor): Tensor[] => {
    const values: Tensor[] = [];
    let value = x;
    modules.forEach((module, place) => {
      value = module.forward(value);
      if (ends.includes(place + 1)) values.push(value);
    });
    return values;
  };
  return { model: new nn.Sequential(...modules), stages, modules, valuesOf, layers };
}

/** The ensemble of the state; its quantiles must still be computed from the training rows. */
function buildEnsemble({ layers, dropout }: StudioState, info: DataInfo, ensemble: Ensemble): Network {
  const { task, inputs, numbers } = info;
  const hidden = layers.map(({ units }) => units);
  const { members, bins, embedding } = ensemble;
  const outputs = outputsOf(info);
  const model = new Tabular({
    ...{ features: inputs.length, outputs, hidden, dropout, members, numbers, bins, embedding },
    activation: makeActivation(layers[0]?.activation ?? "relu"),
    average: averageOf(task),
  });
  const stage = (kind: StageInfo["kind"], units: number): StageInfo => ({ kind, units, shape: [units], path: "" });
  return {
    model,
    modules: [],
    stages: [stage("input", inputs.length), ...hidden.map((units) => stage("dense", units)), stage("output", outputs)],
    valuesOf: (x) => [...(hidden.length > 0 ? model.hidden(x).map((each) => each.mean(1)) : []), model.forward(x)],
    layers: [...model.layers, model],
  };
}

/** The library's name of a loss. */
const libraryLoss = (name: LossName) => (name === "bce" ? "bceWithLogits" : name);

/** The state's loss as an objective of the library: outputs [B, n] as logits, targets as in the data set. */
export function objectiveOf(name: LossName, { task: kind, classes }: DataInfo): Objective {
  const task = kind === "number" ? ({ kind } as const) : ({ kind: "classes", count: classes.length } as const);
  if (kind !== "binary" || name === "bce" || name === "hinge") return makeObjective(libraryLoss(name), task);
  if (name === "crossEntropy") return makeObjective("bceWithLogits", task);
  // A distance to one probability: the library needs two outputs for it, and the network here has one.
  const distance = nn.functional[name];
  const loss = (output: Tensor, target: Tensor): Tensor =>
    distance(output.sigmoid(), target.reshape([target.size, 1]).to(output.dtype));
  return {
    ...makeObjective("bceWithLogits", task),
    name,
    loss,
    measure: (output, target) => ({ loss: loss(output, target), weight: target.size }),
  };
}

/** The displayed outputs: the probability of the second class, of each class, or the number itself. */
export function squash({ task }: DataInfo, output: Tensor): Tensor {
  return task === "number" ? output : task === "binary" ? output.sigmoid() : output.softmax(1);
}

/** The optimizer of the state, over the model's parameters. */
export const makeOptimizer = ({ optimizer, lr, decay }: StudioState, model: nn.Module): optim.Optimizer =>
  makeNamed({ optimizer, lr, weightDecay: decay }, model);
