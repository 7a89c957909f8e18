// Turns a configuration and its data into a training: the initial network, and the options of `fit`. Used for runs and for trials.

import { Dataset } from "../data/index.ts";
import { FineTuned } from "../models/fineTuning.ts";
import { folderFiles } from "../models/node.ts";
import type { Module } from "../nn/index.ts";
import {
  augmentBy,
  type FitOptions,
  metrics as figuresOf,
  makeOptimizer,
  makeSchedule,
  updatesIn,
} from "../train/index.ts";
import { Tabular } from "../train/models/tabular.ts";
import { type JobConfig, makeModel, optimizerOf } from "./config.ts";
import { type Prepared, sampleOf } from "./prepared.ts";
import { classNames, inverseFor } from "./task.ts";

/** The network with its initial weights: those of the base, and quantiles of the rows. */
export async function firstModel(config: JobConfig, data: Prepared): Promise<Module> {
  const model = makeModel(config);
  if (config.base !== null && model instanceof FineTuned) await model.startFrom(folderFiles(config.base));
  const rows = sampleOf(data);
  if (model instanceof Tabular && rows instanceof Dataset) model.fitQuantiles(rows);
  return model;
}

/** The options of `fit` about learning itself. */
export function learningOf(config: JobConfig, data: Prepared, model: Module): FitOptions {
  const optimizer = makeOptimizer(optimizerOf(config), model);
  const stepsPerEpoch = updatesIn(data.train.length, config);
  const schedule = makeSchedule(
    {
      schedule: config.schedule,
      lr: config.lr,
      warmup: config.warmup,
      epochs: config.epochs,
      stepsPerEpoch,
      floor: config.text === null ? 0 : 0.1,
      mode: figuresOf.modeOf(config.monitor),
    },
    optimizer,
  );
  return {
    train: data.train,
    validation: data.validation,
    loss: config.loss,
    optimizer,
    epochs: config.epochs,
    batchSize: config.batchSize,
    accumulate: config.accumulate,
    seed: config.seed,
    monitor: config.monitor,
    earlyStopping: config.patience === null ? undefined : { patience: config.patience },
    restoreBest: config.keep === "best" && data.validation !== undefined,
    clipNorm: config.clipNorm ?? undefined,
    clipValue: config.clipValue ?? undefined,
    ema: config.ema ?? undefined,
    classWeights: config.classWeights ?? undefined,
    classNames: classNames(data.preprocessing),
    augment: config.augment.length > 0 ? augmentBy(config.augment) : undefined,
    inverse: inverseFor(data.preprocessing),
    schedule: schedule?.schedule,
    scheduleEvery: schedule?.every ?? "epoch",
  };
}
