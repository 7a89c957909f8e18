// Fills in the defaults of `train`, and rejects options that conflict.
import { resolve } from "node:path";
import type { Dataset } from "../data/index.ts";
import type { TextPreprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import {
  type ActivationName,
  type AugmentName,
  defaultLoss,
  type LossName,
  type ModelName,
  makeObjective,
  type OptimizerName,
  type ScheduleName,
  type TokenizerName,
} from "../train/index.ts";
import { defaultsFor, type JobConfig, type JobData, taskFor } from "./config.ts";
import { isBuiltIn, type Prepared } from "./source.ts";
import { type TableArguments, tableArguments, tableChoices } from "./tableChoices.ts";

/** What a user may set; the rest follows from the data. */
export interface TrainArguments extends TableArguments {
  readonly target?: string | undefined;
  readonly labels?: string | undefined;
  readonly testData?: string | undefined;
  readonly testLabels?: string | undefined;
  readonly model?: ModelName | undefined;
  readonly hidden?: readonly number[] | undefined;
  readonly activation?: ActivationName | undefined;
  readonly dropout?: number | undefined;
  readonly loss?: LossName | undefined;
  readonly optimizer?: OptimizerName | undefined;
  readonly lr?: number | undefined;
  readonly weightDecay?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly accumulate?: number | undefined;
  readonly epochs?: number | undefined;
  readonly patience?: number | undefined;
  readonly monitor?: string | undefined;
  readonly schedule?: ScheduleName | undefined;
  readonly warmup?: number | undefined;
  readonly clipNorm?: number | undefined;
  readonly clipValue?: number | undefined;
  readonly ema?: number | undefined;
  readonly classWeights?: "balanced" | "none" | undefined;
  readonly augment?: readonly AugmentName[] | undefined;
  readonly histograms?: number | undefined;
  readonly layers?: number | undefined;
  readonly width?: number | undefined;
  readonly heads?: number | undefined;
  readonly context?: number | undefined;
  readonly tokenizer?: TokenizerName | undefined;
  readonly vocabulary?: number | undefined;
  readonly seed: number;
  readonly validation?: number | undefined;
  readonly folds?: number | undefined;
  readonly pauseAfter?: number | undefined;
  readonly findLr?: boolean | undefined;
  readonly stream?: boolean | undefined;
  readonly doctor?: boolean | undefined;
  readonly logs?: boolean | undefined;
  readonly out?: string | undefined;
  readonly json: boolean;
}

/** The file a path names, wherever the command is run from; built-in problems keep their name. */
export const located = (path: string | undefined): string | null =>
  path === undefined ? null : isBuiltIn(path) ? path : resolve(path);

/** Options that only texts, and only other data, know. */
const ofTexts = ["layers", "width", "heads", "context", "tokenizer", "vocabulary"] as const;
const ofRows = ["hidden", "activation", "classWeights", "folds", "augment", "target", "labels", "testLabels"] as const;

function refuse(names: readonly (keyof TrainArguments)[], args: TrainArguments, why: string): void {
  for (const name of names)
    if (args[name] !== undefined)
      throw new HebbError(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${why}`);
}

/** What does not depend on the kind of data. */
function common(path: string, args: TrainArguments) {
  return {
    data: located(path) ?? path,
    labels: located(args.labels),
    testData: located(args.testData),
    testLabels: located(args.testLabels),
    accumulate: args.accumulate ?? 1,
    monitor: args.monitor ?? "loss",
    seed: args.seed,
    clipValue: args.clipValue ?? null,
    ema: args.ema ?? null,
    histograms: args.histograms ?? 0,
    table: tableChoices(args),
    fold: null,
    stream: false,
  };
}

/** The configuration for rows: a table or images. */
export function decideRows(
  path: string,
  args: TrainArguments & { readonly validation: number },
  { preprocessing, train: data, validation }: Pick<Prepared, "preprocessing" | "train" | "validation">,
): JobConfig {
  refuse(ofTexts, args, "is for text models, gpt and lstm");
  const kind = args.model ?? "mlp";
  if (kind === "gpt" || kind === "lstm") throw new HebbError(`model "${kind}" reads text, and ${path} is not a text`);
  const task = taskFor(preprocessing);
  const defaults = defaultsFor(kind, preprocessing, data, validation !== undefined);
  if (kind === "perceptron" && (task.kind !== "classes" || task.count !== 2)) {
    throw new HebbError(
      `model "perceptron" is one neuron and decides between two classes, but the target ${task.kind === "classes" ? `has ${task.count} classes` : "is a number"}; use --model mlp`,
    );
  }
  if (args.classWeights === "balanced" && task.kind !== "classes")
    throw new HebbError("--class-weights weigh classes, but the target is a number; leave them out");
  if (preprocessing.kind !== "table")
    refuse(tableArguments, args, `is for the columns of a table, and ${path} is not a table`);
  if (args.augment !== undefined && preprocessing.kind !== "images")
    throw new HebbError(`--augment is for images, and ${path} is a table; leave it out`);
  const loss = args.loss ?? (kind === "perceptron" ? "hinge" : defaultLoss(task));
  const { outputs } = makeObjective(loss, task);
  const optimizer = args.optimizer ?? (defaults.weightDecay > 0 ? "adamw" : "adam");
  return {
    ...common(path, args),
    target: preprocessing.kind === "table" ? preprocessing.target.column : (args.target ?? null),
    model: {
      kind,
      inputShape: data.features.shape,
      outputs,
      hidden: args.hidden ?? defaults.hidden,
      activation: args.activation ?? "relu",
      dropout: args.dropout ?? defaults.dropout,
    },
    loss,
    optimizer,
    lr: args.lr ?? defaults.lr,
    weightDecay: args.weightDecay ?? (optimizer === "adamw" ? defaults.weightDecay : 0),
    batchSize: args.batchSize ?? 32,
    epochs: args.epochs ?? defaults.epochs,
    patience: args.patience ?? defaults.patience,
    validation: args.validation,
    schedule: args.schedule ?? (args.warmup === undefined ? defaults.schedule : "cosine"),
    warmup: args.warmup ?? 0,
    clipNorm: args.clipNorm ?? null,
    classWeights: args.classWeights === "balanced" ? "balanced" : null,
    augment: args.augment ?? [],
    text: null,
  };
}

/** How a text is cut up, where nothing else is asked for. */
export const textDefaults = { tokenizer: "characters", vocabulary: 1024, validation: 0.1 } as const;

/** Tokens seen at once. Names and other short lines need less. */
export const contextFor = (args: TrainArguments): number => args.context ?? (args.model === "lstm" ? 32 : 64);

/** Tokens that a model is trained on by default, all epochs together; more would overfit a small text. */
const tokensToRead = 5e6;

/** The configuration for a text. */
export function decideText(
  path: string,
  args: TrainArguments,
  { train, preprocessing }: JobData & { readonly vocabulary: { readonly size: number } },
  vocabulary: number,
): JobConfig {
  refuse(ofRows, args, "is for tables and images, not for a text");
  refuse(
    tableArguments,
    args,
    `is for the columns of a table; to read ${path} as a table, name the column to predict with --target`,
  );
  const kind = args.model ?? "gpt";
  if (kind !== "gpt" && kind !== "lstm")
    throw new HebbError(`model "${kind}" takes rows of a table or images, and ${path} is a text; use gpt or lstm`);
  if (args.loss !== undefined && args.loss !== "crossEntropy")
    throw new HebbError(`loss "${args.loss}" does not fit a text, whose next token is one of many; use crossEntropy`);
  const { context, tokenizer } = preprocessing as TextPreprocessing;
  const tokens = train.length * context;
  const small = tokens < 400_000;
  const gpt = kind === "gpt";
  const batchSize = args.batchSize ?? (gpt ? 16 : 32);
  const heads = args.heads ?? (gpt ? 4 : 1);
  const optimizer = args.optimizer ?? "adamw";
  return {
    ...common(path, args),
    target: null,
    model: {
      kind,
      inputShape: [context],
      outputs: vocabulary,
      layers: args.layers ?? (gpt ? 4 : 1),
      width: args.width ?? 128,
      heads,
      dropout: args.dropout ?? (small ? 0.2 : 0),
    },
    loss: "crossEntropy",
    optimizer,
    lr: args.lr ?? (gpt ? 2e-3 : 4e-3),
    weightDecay: args.weightDecay ?? (optimizer === "adamw" ? 0.1 : 0),
    batchSize,
    epochs: args.epochs ?? Math.max(1, Math.min(40, Math.round(tokensToRead / tokens))),
    patience: args.patience ?? 5,
    validation: args.validation ?? textDefaults.validation,
    schedule: args.schedule ?? "cosine",
    warmup: args.warmup ?? Math.min(100, Math.floor(train.length / batchSize)),
    clipNorm: args.clipNorm ?? 1,
    classWeights: null,
    augment: [],
    text: { tokenizer: tokenizer.kind, vocabulary },
  };
}

/** Whether labels of the training rows are classes, for splits that keep their mix. */
export const labelsOf = (data: Dataset): ArrayLike<number> | undefined =>
  data.targets.dtype === "int32" || data.targets.dtype === "uint8" ? data.targets.data : undefined;
