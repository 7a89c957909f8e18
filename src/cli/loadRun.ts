// A trained run for programs: its folder opened, its model asked. The entry "hebb/run".
import { type IdxArray, Table } from "../data/index.ts";
import type { Preprocessing } from "../formats/index.ts";
import type { Module } from "../nn/index.ts";
import { type JobConfig, notOfText } from "./job.ts";
import { type Prediction, predictor } from "./predictions.ts";
import { openModel } from "./saved.ts";
import { featuresOf, type RawData, readSource } from "./source.ts";

export type { JobConfig, Prediction };

/** Rows as they come: objects by column, a table, pixels [count, rows, columns], or the path of a file or folder of them. */
export type RawRows = string | Table | IdxArray | readonly Readonly<Record<string, unknown>>[];

/** A run that was trained before. */
export interface LoadedRun {
  /** With the weights of the best epoch, in eval mode. It takes features as the preprocessing makes them. */
  readonly model: Module;
  /** What was fitted on the training data: scales, categories, classes. */
  readonly preprocessing: Preprocessing;
  /** What it was trained with. */
  readonly config: JobConfig;
  /** A prediction for each raw row; the stored preprocessing is applied first. Throws HebbError naming what does not fit. */
  predict(rows: RawRows): Promise<Prediction[]>;
}

/** Opens a run folder of `hebb train`. Throws HebbError when it is not one, or damaged. */
export async function loadRun(folder: string): Promise<LoadedRun> {
  const opened = openModel(folder);
  const { config, preprocessing, model } = opened;
  let ask: ReturnType<typeof predictor> | undefined;
  return {
    model,
    preprocessing,
    config,
    async predict(rows) {
      notOfText(config, folder, "it predicts no rows but writes: generate(run.model, …) of hebb/train");
      if (Array.isArray(rows) && rows.length === 0) return [];
      ask ??= predictor(opened);
      return ask(featuresOf(preprocessing, await rawOf(rows, config, preprocessing)));
    },
  };
}

async function rawOf(rows: RawRows, config: JobConfig, like: Preprocessing): Promise<RawData> {
  if (typeof rows === "string")
    return readSource(rows, { target: config.target ?? undefined, seed: config.seed, needLabels: false, like });
  if (isRows(rows))
    return { kind: "table", table: Table.fromRows(rows, "the rows"), target: undefined, name: "the rows" };
  if (rows instanceof Table) return { kind: "table", table: rows, target: undefined, name: rows.name };
  return { kind: "images", images: rows, labels: undefined, names: { images: "the images", labels: "their labels" } };
}

const isRows = (rows: RawRows): rows is readonly Readonly<Record<string, unknown>>[] => Array.isArray(rows);
