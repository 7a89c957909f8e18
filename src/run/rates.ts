// The effect of growing learning rates on the loss of a job, before training.
import { HebbError } from "../graph/errors.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { findLr, makeOptimizer } from "../train/index.ts";
import { makeModel, optimizerOf } from "./config.ts";
import type { Job } from "./job.ts";
import type { JobData } from "./prepared.ts";

/** The result of `findLr`. Throws HebbError for models and data whose learning rate cannot be searched. */
export function tryRates({ config, data }: Job): ReturnType<typeof findLr> {
  if (config.model.kind === "perceptron")
    throw new HebbError("a perceptron has no learning rate to find; any rate gives the same decisions");
  seedEverything(config.seed);
  const model = makeModel(config);
  const optimizer = makeOptimizer(optimizerOf(config), model);
  const { batchSize, seed, loss, clipNorm } = config;
  return findLr(model, { train: inMemory(data), optimizer, loss, batchSize, seed, clipNorm: clipNorm ?? undefined });
}

function inMemory(data: JobData): Exclude<JobData, { kind: "parts" }>["train"] {
  if (data.kind === "parts") throw new HebbError("--find-lr needs rows in memory; try it on a part of the table");
  return data.train;
}
