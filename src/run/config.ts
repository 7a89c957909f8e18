// A training job: what `train` decides, writes into the run folder, and `resume`, `evaluate` and `predict` read back.
import { type Dataset, inverseTarget, type TokenSequence } from "../data/index.ts";
import type { JsonObject, Preprocessing } from "../formats/index.ts";
import {
  aBoolean,
  aCount,
  aNumber,
  anObject,
  aString,
  byKind,
  type Check,
  listOf,
  objectOf,
  oneOf,
} from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import type { Inverse, LanguageDescription, ModelDescription, NetworkDescription, Task } from "../train/index.ts";
import * as train from "../train/index.ts";
import { checkTableChoices, type TableChoices } from "./tableChoices.ts";

/** Everything that determines a run, as config.json holds it. */
export interface JobConfig {
  /** Absolute path, or the name of a built-in problem. */
  readonly data: string;
  readonly labels: string | null;
  readonly testData: string | null;
  readonly testLabels: string | null;
  readonly target: string | null;
  readonly model: ModelDescription;
  readonly loss: train.LossName;
  readonly optimizer: train.OptimizerName;
  readonly lr: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  /** Batches whose gradients are added up for one update. */
  readonly accumulate: number;
  readonly epochs: number;
  /** Epochs without improvement before stopping; null: never. */
  readonly patience: number | null;
  /** The figure that tells which epoch is best. */
  readonly monitor: string;
  readonly seed: number;
  readonly validation: number;
  readonly schedule: train.ScheduleName;
  /** Updates over which the rate rises. */
  readonly warmup: number;
  readonly clipNorm: number | null;
  readonly clipValue: number | null;
  /** Decay of a moving average of the weights; null: none is kept. */
  readonly ema: number | null;
  /** What rows of a class count for. */
  readonly classWeights: "balanced" | null;
  /** How pictures are changed in every epoch. */
  readonly augment: readonly train.AugmentName[];
  /** Epochs between histograms of weights and gradients; 0: none. */
  readonly histograms: number;
  /** How a text becomes tokens; null: the data are not text. */
  readonly text: { readonly tokenizer: train.TokenizerName; readonly vocabulary: number } | null;
  /** What was chosen about the columns of a table; null: nothing, or there is no table. */
  readonly table: TableChoices | null;
  /** Whether the table is streamed, once per epoch. */
  readonly stream: boolean;
  /** Which of how many folds is held out; null: a share is. */
  readonly fold: { readonly number: number; readonly of: number } | null;
}

/** The data of a run, whatever they are. */
export interface JobData {
  readonly preprocessing: Preprocessing;
  readonly train: Dataset | TokenSequence | train.RowStream;
  readonly validation: Dataset | TokenSequence | undefined;
  readonly test: Dataset | TokenSequence | undefined;
}

export interface Defaults {
  readonly hidden: readonly number[];
  readonly dropout: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly epochs: number;
  readonly patience: number | null;
  readonly schedule: train.ScheduleName;
}

/** Steps that a small table is given at most; early stopping ends most runs long before. */
const tableSteps = 8000;

/**
 * Defaults that give good models. Tables are small and overfit: dropout, weight decay, and as many epochs as validation still
 * gains from. Images: the sizes that MNIST is usually shown with.
 */
export function defaultsFor(
  model: train.ModelName,
  preprocessing: Preprocessing,
  data: Dataset,
  validated: boolean,
): Defaults {
  const batches = Math.ceil(data.length / 32);
  if (preprocessing.kind === "images") {
    // Dropout, on pixels too, helps on held-out digits: 2,000 of 10,000 MNIST digits, three seeds, 96.3 % of them right, 95.7 % without.
    const common = { lr: 1e-3, weightDecay: 1e-2, patience: null, schedule: "cosine" } as const;
    return model === "cnn"
      ? { ...common, hidden: [128], dropout: 0.3, epochs: 12 }
      : { ...common, hidden: [128, 64], dropout: 0.2, epochs: 20 };
  }
  const epochs = Math.max(20, Math.min(300, Math.round(tableSteps / batches)));
  const raw = preprocessing.kind === "table" ? preprocessing.inputs.length : data.features.shape.length;
  const patience = validated ? 30 : null;
  // Many inputs for few rows. On German credit, twenty seeds: 76.8 % of the held-out rows right, with a standard error of 0.5; neither
  // two layers, nor none, nor more dropout or weight decay differed by more than that.
  if (raw > 10)
    return { hidden: [64], dropout: 0.5, lr: 1e-3, weightDecay: 1e-2, epochs, patience, schedule: "constant" };
  // With few inputs the boundary matters more than the risk of fitting noise.
  const dropout = raw > 6 ? 0.3 : 0;
  return { hidden: [64, 32], dropout, lr: 3e-3, weightDecay: 1e-2, epochs, patience, schedule: "constant" };
}

export function taskFor(preprocessing: Preprocessing, config?: JobConfig): Task {
  if (preprocessing.kind === "text") return { kind: "tokens", count: config?.model.outputs ?? 0 };
  return preprocessing.target.kind === "classes"
    ? { kind: "classes", count: preprocessing.target.classes.length }
    : { kind: "number" };
}

/** Refuses a run of text where rows are needed. */
export function notOfText(config: JobConfig, folder: string, instead: string): void {
  if (config.text !== null) throw new HebbError(`${folder} was trained on a text; ${instead}`);
}

export const classNames = (preprocessing: Preprocessing): readonly string[] | undefined =>
  preprocessing.kind !== "text" && preprocessing.target.kind === "classes" ? preprocessing.target.classes : undefined;

/** The scores of each class with its name; null where there are no classes. */
export const namedScores = (
  scores: readonly train.metrics.ClassScores[] | undefined,
  names: readonly string[] | undefined,
): readonly train.NamedScores[] | null =>
  scores?.map((score, place) => ({ name: names?.[place] ?? String(place), ...score })) ?? null;

/** From the network's numbers back to the target's units. */
export function inverseFor(preprocessing: Preprocessing): Inverse | undefined {
  if (preprocessing.kind !== "table" || preprocessing.target.kind !== "number") return undefined;
  const { target } = preprocessing;
  return (value) => inverseTarget(target, value);
}

/** The part of a configuration that makes the optimizer. */
export const optimizerOf = ({ optimizer, lr, weightDecay, text }: JobConfig): train.OptimizerChoice => ({
  optimizer,
  lr,
  weightDecay,
  language: text !== null,
});

export const makeModel = (config: JobConfig): Module => train.buildModel(config.model);

export const configToJson = (config: JobConfig): JsonObject => JSON.parse(JSON.stringify(config)) as JsonObject;

const optional =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);

const checkNetwork = objectOf<NetworkDescription>({
  kind: oneOf(...train.networkNames),
  inputShape: listOf(aCount),
  outputs: aCount,
  hidden: listOf(aCount),
  activation: oneOf(...train.activationNames),
  dropout: aNumber,
});
const countUpTo =
  (most: number): Check<number> =>
  (value, place) => {
    const count = aCount(value, place);
    if (count > most) throw new HebbError(`${place} is ${count}, more than ${most}; restore the file from a copy`);
    return count;
  };
const checkLanguage = objectOf<LanguageDescription>({
  kind: oneOf(...train.languageNames),
  inputShape: listOf(countUpTo(2 ** 16)),
  outputs: countUpTo(2 ** 20),
  layers: countUpTo(1000),
  width: countUpTo(2 ** 16),
  heads: countUpTo(2 ** 16),
  dropout: aNumber,
});
export const checkModel: Check<ModelDescription> = byKind<ModelDescription>(
  new Map<string, Check<ModelDescription>>([
    ...train.networkNames.map((name) => [name, checkNetwork] as const),
    ...train.languageNames.map((name) => [name, checkLanguage] as const),
  ]),
);

/** What runs of earlier versions did not name. */
const plain = {
  accumulate: 1,
  monitor: "loss",
  warmup: 0,
  clipNorm: null,
  clipValue: null,
  ema: null,
  classWeights: null,
  augment: [],
  histograms: 0,
  text: null,
  table: null,
  stream: false,
  fold: null,
} as const satisfies Partial<JobConfig>;

const fields: Check<JobConfig> = objectOf<JobConfig>({
  data: aString,
  labels: optional(aString),
  testData: optional(aString),
  testLabels: optional(aString),
  target: optional(aString),
  model: checkModel,
  loss: oneOf(...train.lossNames),
  optimizer: oneOf(...train.optimizerNames),
  lr: aNumber,
  weightDecay: aNumber,
  batchSize: aCount,
  accumulate: aCount,
  epochs: aCount,
  patience: optional(aCount),
  monitor: aString,
  seed: aCount,
  validation: aNumber,
  schedule: oneOf(...train.scheduleNames),
  warmup: aCount,
  clipNorm: optional(aNumber),
  clipValue: optional(aNumber),
  ema: optional(aNumber),
  classWeights: optional(oneOf("balanced")),
  augment: listOf(oneOf(...train.augmentNames)),
  histograms: aCount,
  text: optional(
    objectOf<{ readonly tokenizer: train.TokenizerName; readonly vocabulary: number }>({
      tokenizer: oneOf(...train.tokenizerNames),
      vocabulary: aCount,
    }),
  ),
  table: optional(checkTableChoices),
  stream: aBoolean,
  fold: optional(objectOf<{ readonly number: number; readonly of: number }>({ number: aCount, of: aCount })),
});

/** config.json, checked: it may come from anywhere. */
export const checkConfig: Check<JobConfig> = (value, place) => fields({ ...plain, ...anObject(value, place) }, place);
