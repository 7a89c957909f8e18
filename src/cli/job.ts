// A training job: what `train` decides, writes into the run folder, and `resume`, `evaluate` and `predict` read back.

import type { Dataset } from "../data/index.ts";
import { inverseTarget } from "../data/index.ts";
import type { JsonObject, Preprocessing } from "../formats/index.ts";
import { aCount, aNumber, aString, type Check, listOf, objectOf, oneOf } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import {
  type ActivationName,
  activationNames,
  buildModel,
  type EpochSchedule,
  type Inverse,
  type LossName,
  lossNames,
  type ModelDescription,
  type ModelName,
  modelNames,
  type Task,
} from "../train/index.ts";

export const optimizerNames = ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"] as const;
export type OptimizerName = (typeof optimizerNames)[number];

export const scheduleNames = ["constant", "cosine"] as const;
export type ScheduleName = (typeof scheduleNames)[number];

/** Everything that determines a run, as config.json holds it. */
export interface JobConfig {
  /** Absolute path, or the name of a built-in problem. */
  readonly data: string;
  readonly labels: string | null;
  readonly testData: string | null;
  readonly testLabels: string | null;
  readonly target: string | null;
  readonly model: ModelDescription;
  readonly loss: LossName;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly epochs: number;
  /** Epochs without improvement before stopping; null: never. */
  readonly patience: number | null;
  readonly seed: number;
  readonly validation: number;
  readonly schedule: ScheduleName;
}

/** What a user may set; the rest follows from the data. */
export interface JobOptions {
  readonly hidden?: readonly number[] | undefined;
  readonly model?: ModelName | undefined;
  readonly activation?: ActivationName | undefined;
  readonly dropout?: number | undefined;
  readonly loss?: LossName | undefined;
  readonly optimizer?: OptimizerName | undefined;
  readonly lr?: number | undefined;
  readonly weightDecay?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly epochs?: number | undefined;
  readonly patience?: number | undefined;
}

export interface Defaults {
  readonly hidden: readonly number[];
  readonly dropout: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly epochs: number;
  readonly patience: number | null;
  readonly schedule: ScheduleName;
}

/** Steps that a small table is given at most; early stopping ends most runs long before. */
const tableSteps = 8000;

/**
 * Defaults that give good models. Tables are small and overfit: dropout, weight decay, and as many epochs as validation still
 * gains from. Images: the sizes that MNIST is usually shown with.
 */
export function defaultsFor(
  model: ModelName,
  preprocessing: Preprocessing,
  train: Dataset,
  validated: boolean,
): Defaults {
  const batches = Math.ceil(train.length / 32);
  if (preprocessing.kind === "images") {
    // Dropout, on pixels too, helps on held-out digits: 2,000 of 10,000 MNIST digits, three seeds, 96.3 % of them right, 95.7 % without.
    const common = { lr: 1e-3, weightDecay: 1e-2, patience: null, schedule: "cosine" } as const;
    return model === "cnn"
      ? { ...common, hidden: [128], dropout: 0.3, epochs: 12 }
      : { ...common, hidden: [128, 64], dropout: 0.2, epochs: 20 };
  }
  const epochs = Math.max(20, Math.min(300, Math.round(tableSteps / batches)));
  const raw = preprocessing.kind === "table" ? preprocessing.inputs.length : train.features.shape.length;
  const patience = validated ? 30 : null;
  // Many inputs for few rows. On German credit, twenty seeds: 76.8 % of the held-out rows right, with a standard error of 0.5; neither
  // two layers, nor none, nor more dropout or weight decay differed by more than that.
  if (raw > 10)
    return { hidden: [64], dropout: 0.5, lr: 1e-3, weightDecay: 1e-2, epochs, patience, schedule: "constant" };
  // With few inputs the boundary matters more than the risk of fitting noise.
  const dropout = raw > 6 ? 0.3 : 0;
  return { hidden: [64, 32], dropout, lr: 3e-3, weightDecay: 1e-2, epochs, patience, schedule: "constant" };
}

export const taskFor = (preprocessing: Preprocessing): Task => {
  if (preprocessing.kind === "text") throw new HebbError("this run is of text, which this command does not use");
  return preprocessing.target.kind === "classes"
    ? { kind: "classes", count: preprocessing.target.classes.length }
    : { kind: "number" };
};

export const classNames = (preprocessing: Preprocessing): readonly string[] | undefined =>
  preprocessing.kind !== "text" && preprocessing.target.kind === "classes" ? preprocessing.target.classes : undefined;

/** From the network's numbers back to the target's units. */
export function inverseFor(preprocessing: Preprocessing): Inverse | undefined {
  if (preprocessing.kind !== "table" || preprocessing.target.kind !== "number") return undefined;
  const { target } = preprocessing;
  return (value) => inverseTarget(target, value);
}

export function makeOptimizer(config: JobConfig, model: Module): optim.Optimizer {
  const { lr, weightDecay } = config;
  const params = model.parameters();
  switch (config.optimizer) {
    case "sgd":
      return new optim.SGD(params, { lr, weightDecay });
    case "momentum":
      return new optim.SGD(params, { lr, weightDecay, momentum: 0.9 });
    case "adagrad":
      return new optim.Adagrad(params, { lr, weightDecay });
    case "rmsprop":
      return new optim.RMSprop(params, { lr, weightDecay });
    case "adam":
      return new optim.Adam(params, { lr, weightDecay });
    case "adamw":
      return new optim.AdamW(params, { lr, weightDecay });
  }
}

/** How the learning rate goes over the epochs; undefined: it stays. */
export function makeSchedule(config: JobConfig, optimizer: optim.Optimizer): EpochSchedule | undefined {
  if (config.schedule === "constant") return undefined;
  const schedule = new optim.CosineAnnealingLR(optimizer, config.epochs);
  return {
    step: () => schedule.step(),
    stateDict: () => ({ ...schedule.stateDict() }),
    loadStateDict: (state) => schedule.loadStateDict(checkSchedule(state, "checkpoint.schedule")),
  };
}

const checkSchedule = objectOf<optim.ScheduleState>({ step: aCount, baseLrs: listOf(aNumber) });

export const makeModel = (config: JobConfig): Module => buildModel(config.model);

export const configToJson = (config: JobConfig): JsonObject => JSON.parse(JSON.stringify(config)) as JsonObject;

const optional =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);

/** config.json, checked: it may come from anywhere. */
export const checkConfig: Check<JobConfig> = objectOf<JobConfig>({
  data: aString,
  labels: optional(aString),
  testData: optional(aString),
  testLabels: optional(aString),
  target: optional(aString),
  model: objectOf<ModelDescription>({
    kind: oneOf(...modelNames),
    inputShape: listOf(aCount),
    outputs: aCount,
    hidden: listOf(aCount),
    activation: oneOf(...activationNames),
    dropout: aNumber,
  }),
  loss: oneOf(...lossNames),
  optimizer: oneOf(...optimizerNames),
  lr: aNumber,
  weightDecay: aNumber,
  batchSize: aCount,
  epochs: aCount,
  patience: optional(aCount),
  seed: aCount,
  validation: aNumber,
  schedule: oneOf(...scheduleNames),
});
