// The configuration of a run: everything that determines it, as stored in config.json, checked when it is read.
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
import { FineTuned, fineTunedHeads, type PretrainedDescription, type Trained } from "../models/fineTuning.ts";
import { type Module, SyncBatchNorm } from "../nn/index.ts";
import type { LanguageDescription, ModelDescription, NetworkDescription, TabularDescription } from "../train/index.ts";
import * as train from "../train/index.ts";
import { averages } from "../train/models/tabular.ts";
import type { Fold } from "./prepared.ts";
import { checkTableChoices, type TableChoices } from "./tableChoices.ts";

/** A tokenizer that is trained on the text, or that of the base. */
export type TextTokenizerName = train.TokenizerName | "pretrained";

export interface JobConfig {
  /** Absolute path, or the name of a built-in problem. */
  readonly data: string;
  readonly labels: string | null;
  /** The SQL statement whose rows form the table, and the sheet that holds it; null: none was chosen. */
  readonly sql: string | null;
  readonly sheet: string | null;
  readonly testData: string | null;
  readonly testLabels: string | null;
  readonly target: string | null;
  readonly model: ModelDescription | PretrainedDescription;
  /** The folder of the pretrained model that training started from; null: weights drawn by seed. */
  readonly base: string | null;
  readonly loss: train.LossName;
  readonly optimizer: train.OptimizerName;
  readonly lr: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  /** The number of batches whose gradients are summed for one update. */
  readonly accumulate: number;
  readonly epochs: number;
  /** Epochs without improvement before stopping; null: never. */
  readonly patience: number | null;
  /** Which weights are kept: those of the best epoch on the held-out data, or the last ones. */
  readonly keep: "best" | "last";
  /** Whether the kept model was trained again, including the held-out rows. */
  readonly refit: boolean;
  /** The choices of a search before training, as a sentence; null: there was none. */
  readonly chosen: string | null;
  /** The metric that determines the best epoch. */
  readonly monitor: string;
  readonly seed: number;
  readonly validation: number;
  readonly schedule: train.ScheduleName;
  /** The number of updates over which the rate rises. */
  readonly warmup: number;
  readonly clipNorm: number | null;
  readonly clipValue: number | null;
  /** The decay of a moving average of the weights; null: none. */
  readonly ema: number | null;
  /** The weighting of classes. */
  readonly classWeights: "balanced" | null;
  /** The augmentations of images in every epoch. */
  readonly augment: readonly train.AugmentName[];
  /** Epochs between histograms of weights and gradients; 0: none. */
  readonly histograms: number;
  /** How a text becomes tokens; null: the data are not a text. */
  readonly text: { readonly tokenizer: TextTokenizerName; readonly vocabulary: number } | null;
  /** The choices about the columns of a table; null: none, or no table. */
  readonly table: TableChoices | null;
  /** Whether the table is streamed, once per epoch. */
  readonly stream: boolean;
  /** Which fold is held out; null: a share is. */
  readonly fold: Fold | null;
}

/** The part of a configuration that makes the optimizer. */
export const optimizerOf = ({ optimizer, lr, weightDecay, text }: JobConfig): train.OptimizerChoice => ({
  optimizer,
  lr,
  weightDecay,
  language: text !== null,
});

export const makeModel = ({ model }: JobConfig): Module =>
  // Among ranks, batch norm of a ResNet uses the batches of all ranks; in a single process nothing changes.
  model.kind === "pretrained" ? SyncBatchNorm.convertSyncBatchNorm(new FineTuned(model)) : train.buildModel(model);

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
const checkTabular = objectOf<TabularDescription>({
  kind: oneOf("tabular"),
  inputShape: listOf(countUpTo(2 ** 20)),
  outputs: countUpTo(2 ** 20),
  hidden: listOf(countUpTo(2 ** 16)),
  activation: oneOf(...train.activationNames),
  dropout: aNumber,
  members: countUpTo(2 ** 10),
  numbers: listOf(aCount),
  bins: countUpTo(2 ** 16),
  embedding: countUpTo(2 ** 16),
  average: oneOf(...averages),
});
const checkLanguage = objectOf<LanguageDescription>({
  kind: oneOf(...train.languageNames),
  inputShape: listOf(countUpTo(2 ** 16)),
  outputs: countUpTo(2 ** 20),
  layers: countUpTo(1000),
  width: countUpTo(2 ** 16),
  heads: countUpTo(2 ** 16),
  dropout: aNumber,
});
const pretrainedFields = objectOf<PretrainedDescription>({
  kind: oneOf("pretrained"),
  head: oneOf(...fineTunedHeads),
  inputShape: listOf(countUpTo(2 ** 16)),
  outputs: countUpTo(2 ** 20),
  config: anObject,
  labels: listOf(aString),
  padding: aCount,
  trained: byKind<Trained>(
    new Map<string, Check<Trained>>([
      ["all", objectOf<{ readonly kind: "all" }>({ kind: oneOf("all") })],
      ["head", objectOf<{ readonly kind: "head" }>({ kind: oneOf("head") })],
      [
        "lora",
        objectOf<{ readonly kind: "lora"; readonly rank: number }>({ kind: oneOf("lora"), rank: countUpTo(2 ** 16) }),
      ],
    ]),
  ),
});
/** Runs of earlier versions all classify texts. */
const checkPretrained: Check<PretrainedDescription> = (value, place) =>
  pretrainedFields({ head: "sequence", ...anObject(value, place) }, place);
export const checkModel: Check<ModelDescription | PretrainedDescription> = byKind<
  ModelDescription | PretrainedDescription
>(
  new Map<string, Check<ModelDescription | PretrainedDescription>>([
    ["pretrained", checkPretrained],
    ["tabular", checkTabular],
    ...train.networkNames.map((name) => [name, checkNetwork] as const),
    ...train.languageNames.map((name) => [name, checkLanguage] as const),
  ]),
);

/** Fields that runs of earlier versions lack. */
const plain = {
  sql: null,
  sheet: null,
  base: null,
  accumulate: 1,
  keep: "best",
  refit: false,
  chosen: null,
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
  sql: optional(aString),
  sheet: optional(aString),
  testData: optional(aString),
  testLabels: optional(aString),
  target: optional(aString),
  model: checkModel,
  base: optional(aString),
  loss: oneOf(...train.lossNames),
  optimizer: oneOf(...train.optimizerNames),
  lr: aNumber,
  weightDecay: aNumber,
  batchSize: aCount,
  accumulate: aCount,
  epochs: aCount,
  patience: optional(aCount),
  keep: oneOf("best", "last"),
  refit: aBoolean,
  chosen: optional(aString),
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
    objectOf<{ readonly tokenizer: TextTokenizerName; readonly vocabulary: number }>({
      tokenizer: oneOf(...train.tokenizerNames, "pretrained"),
      vocabulary: aCount,
    }),
  ),
  table: optional(checkTableChoices),
  stream: aBoolean,
  fold: optional(objectOf<Fold>({ number: aCount, of: aCount })),
});

/** Checks config.json, which may come from anywhere. */
export const checkConfig: Check<JobConfig> = (value, place) => fields({ ...plain, ...anObject(value, place) }, place);
