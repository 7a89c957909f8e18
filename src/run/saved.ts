// Opens a run folder again: its configuration, preprocessing and model.
import type { NamedArrays, Preprocessing } from "../formats/index.ts";
import {
  hasModel,
  hasValidated,
  loadLatestCheckpoint,
  loadModel,
  loadValidated,
  openRun,
  type Run,
  readConfig,
  readPreprocessing,
} from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { checkConfig, type JobConfig, makeModel } from "./config.ts";

export interface OpenedRun {
  readonly run: Run;
  readonly config: JobConfig;
  readonly preprocessing: Preprocessing;
  readonly model: Module;
}

/** Opens a run folder. An interrupted run has no final model yet, so its best or latest checkpoint is used. */
export const openModel = (folder: string): OpenedRun => openWith(folder, weightsOf);

/** The model that has not seen the held-out rows: metrics of any other on them would be too optimistic. */
export const openValidated = (folder: string): OpenedRun =>
  openWith(folder, (run) => (hasValidated(run) ? loadValidated(run).tensors : weightsOf(run, folder)));

function openWith(folder: string, weights: (run: Run, folder: string) => NamedArrays): OpenedRun {
  const run = openRun(folder);
  const config = checkConfig(readConfig(run), "config.json:");
  const model = makeModel(config);
  model.loadStateDict(weights(run, folder));
  model.eval();
  return { run, config, preprocessing: readPreprocessing(run), model };
}

function weightsOf(run: Run, folder: string): NamedArrays {
  if (hasModel(run)) return loadModel(run).tensors;
  const saved = loadLatestCheckpoint(run);
  if (saved === undefined) throw new HebbError(`${folder} holds neither a model nor a checkpoint; train it first`);
  const pick = (prefix: string): [string, NamedArrays[string]][] =>
    Object.entries(saved.state.tensors).flatMap(([name, array]): [string, NamedArrays[string]][] =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
    );
  const best = pick("best.");
  return Object.fromEntries(best.length > 0 ? best : pick("model."));
}

/** Refuses a run of text if rows are needed. */
export function notOfText(config: JobConfig, folder: string, instead: string): void {
  if (config.text !== null) throw new HebbError(`${folder} was trained on a text; ${instead}`);
}
