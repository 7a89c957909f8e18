// The configuration of a run: everything that determines it, as config.json holds it, checked when it is read back.
import type { JsonObject } from "../formats/index.ts";
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
import type { LanguageDescription, ModelDescription, NetworkDescription } from "../train/index.ts";
import * as train from "../train/index.ts";
import type { Fold } from "./prepared.ts";
import { checkTableChoices, type TableChoices } from "./tableChoices.ts";

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
  readonly fold: Fold | null;
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
  fold: optional(objectOf<Fold>({ number: aCount, of: aCount })),
});

/** config.json, checked: it may come from anywhere. */
export const checkConfig: Check<JobConfig> = (value, place) => fields({ ...plain, ...anObject(value, place) }, place);
