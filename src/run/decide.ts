// Third stage: fills in defaults, and rejects choices that conflict with the data or each other.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Dataset, ImagePreprocessing } from "../data/index.ts";
import { isWebAddress } from "../data/remoteFile.ts";
import type { Preprocessing, TextsPreprocessing } from "../formats/index.ts";
import { HebbError, unreachable } from "../graph/errors.ts";
import type { Trained } from "../models/fineTuning.ts";
import { defaultLoss, type ModelName, makeObjective } from "../train/index.ts";
import type { Base } from "./base.ts";
import type { TrainChoices } from "./choices.ts";
import type { JobConfig } from "./config.ts";
import { defaultsFor } from "./defaults.ts";
import type { Fold, Prepared, PreparedRows, PreparedText } from "./prepared.ts";
import { isBuiltIn } from "./problems.ts";
import type { Origin, Source } from "./source.ts";
import { tableArguments, tableChoices } from "./tableChoices.ts";
import { refitsTable, tabularLearning, tabularNetwork } from "./tabular.ts";
import { taskFor } from "./task.ts";
import type { Tokenizing } from "./text.ts";
import { paddingOf } from "./texts.ts";

/** Options only for texts, and options only for other data. */
const ofTexts = ["layers", "width", "heads", "context", "tokenizer", "vocabulary"] as const;
const ofRows = [
  "hidden",
  "activation",
  "classWeights",
  "folds",
  "augment",
  "target",
  "labels",
  "testLabels",
  "sql",
  "sheet",
] as const;

function refuse(names: readonly (keyof TrainChoices)[], choices: TrainChoices, why: string): void {
  for (const name of names)
    if (choices[name] !== undefined)
      throw new HebbError(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${why}`);
}

/** The reason why a training cannot be repeated on its held-out rows: they must exist, and be in memory. */
function whyNoRefit(
  kind: Source["kind"],
  path: string,
  { validation, folds, model }: TrainChoices,
): string | undefined {
  if (kind === "text") return `${path} is a text`;
  if (kind === "parts") return `${path} is streamed`;
  if (folds !== undefined) return "with --folds each run is trained only for its figures";
  if (validation === 0) return "--validation 0 holds none out";
  return model === "perceptron" ? "a perceptron is trained until it makes no mistake" : undefined;
}

function checkRefit(kind: Source["kind"], path: string, choices: TrainChoices): void {
  const why = choices.refit === true ? whyNoRefit(kind, path, choices) : undefined;
  if (why !== undefined)
    throw new HebbError(`--refit trains once more on held-out rows of a table or of images, and ${why}; leave it out`);
}

/** Options of the search for tables. */
const ofSearches = ["preset", "time"] as const;

/** Settings that a pretrained model determines itself. */
const ofOwnNetworks = [
  "model",
  "hidden",
  "activation",
  "dropout",
  "layers",
  "width",
  "heads",
  "tokenizer",
  "vocabulary",
  "folds",
  ...ofSearches,
] as const;

function checkBase(kind: Source["kind"], path: string, choices: TrainChoices): void {
  const { base, lora, headOnly } = choices;
  if (base === undefined) {
    refuse(["lora", "headOnly"], choices, "is for a pretrained model; name its folder with --base FOLDER");
    return;
  }
  if (kind === "parts")
    throw new HebbError(`--base needs the whole table, and ${path} is streamed; leave --stream out`);
  if (lora !== undefined && headOnly === true)
    throw new HebbError("--lora and --head-only exclude each other; leave one out");
  refuse(ofOwnNetworks, choices, "is for untrained networks, and --base names a trained one; leave it out");
}

/** Refuses, before anything is prepared, choices that do not match the kind of data. */
export function checkChoices({ kind, path }: Source, choices: TrainChoices): void {
  checkBase(kind, path, choices);
  checkRefit(kind, path, choices);
  switch (kind) {
    case "table":
      refuse(ofTexts, choices, "is for text models, gpt and lstm");
      refuse(["augment"], choices, `is for images, and ${path} is a table; leave it out`);
      return;
    case "parts":
      refuse(ofTexts, choices, "is for text models, gpt and lstm");
      refuse(["augment"], choices, `is for images, and ${path} is a table; leave it out`);
      refuse(["folds"], choices, "need all rows at once; leave --stream out");
      refuse(ofSearches, choices, "needs all rows at once; leave --stream out");
      if (choices.classWeights === "balanced")
        throw new HebbError(
          "--class-weights need all rows at once; leave --stream out, or weigh rows with --row-weights COLUMN",
        );
      return;
    case "images":
      refuse(ofTexts, choices, "is for text models, gpt and lstm");
      refuse(tableArguments, choices, `is for the columns of a table, and ${path} is not a table`);
      refuse(ofSearches, choices, `is for tables, and ${path} is not a table`);
      return;
    case "text":
      refuse(ofRows, choices, "is for tables and images, not for a text");
      refuse(ofSearches, choices, "is for tables, not for a text");
      refuse(
        tableArguments,
        choices,
        `is for the columns of a table; to read ${path} as a table, name the column to predict with --target`,
      );
      return;
    default:
      unreachable(kind);
  }
}

/** The configuration of a training. */
export function decide(
  origin: Origin,
  choices: TrainChoices,
  prepared: Prepared,
  fold: Fold | null,
  base: Base | null = null,
): JobConfig {
  switch (prepared.kind) {
    case "rows":
      if (base !== null && prepared.preprocessing.kind !== "table")
        return {
          ...decideClasses(origin, choices, { ...prepared, preprocessing: prepared.preprocessing }, base),
          fold,
        };
      return { ...decideRows(origin, choices, { ...prepared, sample: prepared.train }), fold };
    case "parts":
      return { ...decideRows(origin, withFew(choices), { ...prepared, sample: prepared.train.sample }), stream: true };
    case "text":
      return base === null
        ? decideText(origin, choices, prepared)
        : decidePretrainedText(origin, choices, prepared, base);
    default:
      return unreachable(prepared);
  }
}

/** Streamed tables have far more rows than a network needs in each epoch, so few epochs are the default. */
function withFew(choices: TrainChoices): TrainChoices {
  const { epochs = 3, patience = 3, dropout = 0, batchSize = 256, model = "mlp" } = choices;
  return { ...choices, epochs, patience, dropout, batchSize, model };
}

/** The absolute path of a file, valid from any folder; built-in sets keep their name. */
const placeOf = (path: string | undefined): string | null =>
  path === undefined ? null : isWebAddress(path) || (isBuiltIn(path) && !existsSync(path)) ? path : resolve(path);

/** The settings that do not depend on the kind of data. */
function common({ place }: Origin, choices: TrainChoices) {
  return {
    data: place,
    labels: placeOf(choices.labels),
    sql: choices.sql ?? null,
    sheet: choices.sheet ?? null,
    testData: placeOf(choices.testData),
    testLabels: placeOf(choices.testLabels),
    accumulate: choices.accumulate ?? 1,
    keep: "best",
    refit: choices.refit ?? false,
    chosen: null,
    monitor: choices.monitor ?? "loss",
    seed: choices.seed,
    clipValue: choices.clipValue ?? null,
    ema: choices.ema ?? null,
    histograms: choices.histograms ?? 0,
    table: tableChoices(choices),
    fold: null,
    stream: false,
    base: null,
  } as const;
}

/** The rows that decisions are based on. */
interface Seen extends Pick<PreparedRows, "preprocessing" | "validation" | "share"> {
  /** All training rows, or some of them. */
  readonly sample: Dataset;
}

/** A table from a file gets the network for tables. Explicit hidden layers, and built-in problems, get a plain network. */
function usualModel({ path }: Origin, { hidden }: TrainChoices, { kind }: Preprocessing): ModelName {
  const named = isBuiltIn(path) && !existsSync(path);
  return kind === "table" && hidden === undefined && !named ? "tabular" : "mlp";
}

/** The configuration for a table or images. */
function decideRows(
  origin: Origin,
  choices: TrainChoices,
  { preprocessing, sample, validation, share }: Seen,
): JobConfig {
  const { path } = origin;
  const kind = choices.model ?? usualModel(origin, choices, preprocessing);
  if (kind === "gpt" || kind === "lstm") throw new HebbError(`model "${kind}" reads text, and ${path} is not a text`);
  const task = taskFor(preprocessing);
  const defaults = defaultsFor(kind, preprocessing, sample, validation !== undefined);
  if (kind === "perceptron" && (task.kind !== "classes" || task.count !== 2)) {
    throw new HebbError(
      `model "perceptron" is one neuron and decides between two classes, but the target ${task.kind === "classes" ? `has ${task.count} classes` : "is a number"}; use --model mlp`,
    );
  }
  if (choices.classWeights === "balanced" && task.kind !== "classes")
    throw new HebbError("--class-weights weigh classes, but the target is a number; leave them out");
  const loss = choices.loss ?? (kind === "perceptron" ? "hinge" : defaultLoss(task));
  const { outputs } = makeObjective(loss, task);
  const optimizer = choices.optimizer ?? (defaults.weightDecay > 0 ? "adamw" : "adam");
  const config = {
    ...common(origin, choices),
    target: preprocessing.kind === "table" ? preprocessing.target.column : (choices.target ?? null),
    loss,
    optimizer,
    lr: choices.lr ?? defaults.lr,
    weightDecay: choices.weightDecay ?? (optimizer === "adamw" ? defaults.weightDecay : 0),
    patience: choices.patience ?? defaults.patience,
    validation: share,
    schedule: choices.schedule ?? (choices.warmup === undefined ? defaults.schedule : "cosine"),
    clipNorm: choices.clipNorm ?? null,
    classWeights: choices.classWeights === "balanced" ? "balanced" : null,
    augment: choices.augment ?? [],
    text: null,
  } as const;
  if (kind === "tabular") {
    if (preprocessing.kind !== "table")
      throw new HebbError(`model "tabular" takes the columns of a table, and ${path} is not a table; use --model mlp`);
    const model = tabularNetwork(preprocessing, sample.length, { outputs, loss, choices });
    const refit = validation !== undefined && refitsTable(model, sample.length, choices);
    const { batchSize, epochs, warmup } = tabularLearning(model, sample.length, choices, refit);
    return { ...config, refit, model, batchSize, epochs: choices.epochs ?? epochs, warmup: choices.warmup ?? warmup };
  }
  return {
    ...config,
    model: {
      kind,
      inputShape: sample.features.shape,
      outputs,
      hidden: choices.hidden ?? defaults.hidden,
      activation: choices.activation ?? "relu",
      dropout: choices.dropout ?? defaults.dropout,
    },
    batchSize: choices.batchSize ?? 32,
    epochs: choices.epochs ?? defaults.epochs,
    warmup: choices.warmup ?? 0,
  };
}

/** The part of a base that is trained. */
const trainedBy = ({ lora, headOnly }: TrainChoices): Trained =>
  lora !== undefined ? { kind: "lora", rank: lora } : { kind: headOnly === true ? "head" : "all" };

/** The settings for any head of a base, with the usual values for fine-tuning. */
function fineTuning(origin: Origin, choices: TrainChoices, base: Base) {
  const optimizer = choices.optimizer ?? "adamw";
  return {
    ...common(origin, choices),
    base: resolve(base.folder),
    loss: choices.loss ?? "crossEntropy",
    optimizer,
    lr: choices.lr ?? (trainedBy(choices).kind === "all" ? 5e-5 : 1e-3),
    weightDecay: choices.weightDecay ?? (optimizer === "adamw" ? 0.01 : 0),
    epochs: choices.epochs ?? 3,
    patience: choices.patience ?? null,
    schedule: choices.schedule ?? "cosine",
    warmup: choices.warmup ?? 0,
    clipNorm: choices.clipNorm ?? 1,
    augment: choices.augment ?? [],
  } as const;
}

/** The configuration for classifying texts or images with a pretrained model. */
function decideClasses(
  origin: Origin,
  choices: TrainChoices,
  {
    preprocessing,
    share,
  }: Pick<PreparedRows, "share"> & { readonly preprocessing: TextsPreprocessing | ImagePreprocessing },
  base: Base,
): JobConfig {
  const { classes } = preprocessing.target;
  const texts = preprocessing.kind === "texts";
  return {
    ...fineTuning(origin, choices, base),
    target: texts ? preprocessing.target.column : (choices.target ?? null),
    model: {
      kind: "pretrained",
      head: texts ? "sequence" : "image",
      inputShape: texts ? [preprocessing.length] : preprocessing.shape,
      outputs: classes.length,
      config: base.config,
      labels: classes,
      padding: texts ? paddingOf(preprocessing) : 0,
      trained: trainedBy(choices),
    },
    batchSize: choices.batchSize ?? 16,
    validation: share,
    classWeights: choices.classWeights === "balanced" ? "balanced" : null,
    text: null,
  };
}

/** The configuration for a text and a pretrained model that generates text. */
function decidePretrainedText(
  origin: Origin,
  choices: TrainChoices,
  { preprocessing, vocabulary, share }: PreparedText,
  base: Base,
): JobConfig {
  return {
    ...fineTuning(origin, choices, base),
    target: null,
    model: {
      kind: "pretrained",
      head: "causal",
      inputShape: [preprocessing.context],
      outputs: vocabulary,
      config: base.config,
      labels: [],
      padding: 0,
      trained: trainedBy(choices),
    },
    batchSize: choices.batchSize ?? 8,
    validation: share,
    classWeights: null,
    text: { tokenizer: "pretrained", vocabulary },
  };
}

/** The default tokenisation of a text. Names and other short lines need a smaller context. */
export const tokenizingOf = ({ tokenizer, vocabulary, context, model }: TrainChoices): Tokenizing => ({
  tokenizer: tokenizer ?? "characters",
  vocabulary: vocabulary ?? 1024,
  context: context ?? (model === "lstm" ? 32 : 64),
});

/** The default number of training tokens, over all epochs; more would overfit a small text. */
const tokensToRead = 5e6;

/** The configuration for a text. */
function decideText(
  origin: Origin,
  choices: TrainChoices,
  { train, preprocessing, vocabulary, share }: PreparedText,
): JobConfig {
  const { path } = origin;
  const kind = choices.model ?? "gpt";
  if (kind !== "gpt" && kind !== "lstm")
    throw new HebbError(`model "${kind}" takes rows of a table or images, and ${path} is a text; use gpt or lstm`);
  if (choices.loss !== undefined && choices.loss !== "crossEntropy")
    throw new HebbError(`loss "${choices.loss}" does not fit a text, whose next token is a class; use crossEntropy`);
  const { context, tokenizer } = preprocessing;
  const tokens = train.length * context;
  const small = tokens < 400_000;
  const gpt = kind === "gpt";
  const batchSize = choices.batchSize ?? (gpt ? 16 : 32);
  const heads = choices.heads ?? (gpt ? 4 : 1);
  const optimizer = choices.optimizer ?? "adamw";
  return {
    ...common(origin, choices),
    target: null,
    model: {
      kind,
      inputShape: [context],
      outputs: vocabulary,
      layers: choices.layers ?? (gpt ? 4 : 1),
      width: choices.width ?? 128,
      heads,
      dropout: choices.dropout ?? (small ? 0.2 : 0),
    },
    loss: "crossEntropy",
    optimizer,
    lr: choices.lr ?? (gpt ? 2e-3 : 4e-3),
    weightDecay: choices.weightDecay ?? (optimizer === "adamw" ? 0.1 : 0),
    batchSize,
    epochs: choices.epochs ?? Math.max(1, Math.min(40, Math.round(tokensToRead / tokens))),
    patience: choices.patience ?? 5,
    validation: share,
    schedule: choices.schedule ?? "cosine",
    warmup: choices.warmup ?? Math.min(100, Math.floor(train.length / batchSize)),
    clipNorm: choices.clipNorm ?? 1,
    classWeights: null,
    augment: [],
    text: { tokenizer: tokenizer.kind, vocabulary },
  };
}
