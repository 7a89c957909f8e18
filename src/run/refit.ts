// After a table's network is trained and measured, the same training is repeated with the held-out rows, for the number of epochs that was kept. The
// final model has then learned from every row; the held-out metrics are those of the earlier network.
import { Dataset } from "../data/index.ts";
import { allocate } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { type EventListener, type History, fit as trainModel } from "../train/index.ts";
import type { JobConfig } from "./config.ts";
import { firstModel, learningOf } from "./learning.ts";
import type { JobData, PreparedRows } from "./prepared.ts";

/** Rank 0's message to the others if the run already holds the result: it had finished and is resumed. */
export const knownRefit = "known";

export interface RefitOptions {
  readonly config: JobConfig;
  readonly data: JobData;
  /** The history of the first training. */
  readonly history: History;
  readonly signal: AbortSignal;
  /** Gets the start, progress and warnings. */
  readonly emit: EventListener;
  /** How ranks split the update of the weights, if they do. */
  readonly zero?: 1 | 2 | undefined;
}

/** The network that learned from every row, and how its training ended: `finished`, unless it was interrupted or diverged. */
export async function refit({
  config,
  data,
  history,
  signal,
  emit,
  zero,
}: RefitOptions): Promise<{ readonly model: Module; readonly stopped: History["stopped"] }> {
  const rows = everyRow(data);
  // The schedule covers all epochs, although only as many are trained as were kept.
  const epochs = (keptEpoch(config, data, history) ?? history.epochs.length - 1) + 1;
  emit({ type: "refit", epoch: history.epochs.length, rows: rows.train.length, epochs });
  seedEverything(config.seed);
  const model = await firstModel(config, rows);
  const { stopped } = await trainModel(model, {
    // Without held-out data, no other metric can be measured.
    ...learningOf({ ...config, monitor: "loss" }, rows, model),
    epochs,
    restoreBest: false,
    earlyStopping: undefined,
    doctor: false,
    signal,
    zero,
    onEvent: (event) => {
      if (event.type === "progress" || event.type === "warning" || event.type === "interrupted") emit(event);
    },
  });
  return { model, stopped };
}

/** The epoch, from 0, whose weights were kept by the held-out rows; null: those of the last epoch. */
export const keptEpoch = (
  { keep }: JobConfig,
  { validation }: JobData,
  { stopped, bestEpoch }: History,
): number | null => (validation === undefined || keep === "last" || stopped === "diverged" ? null : bestEpoch);

/** Whether the training is to be repeated. */
export const refits = ({ refit }: JobConfig, { stopped, epochs }: History): boolean =>
  refit && epochs.length > 0 && (stopped === "finished" || stopped === "early");

/** The training and held-out rows together. */
function everyRow(data: JobData): PreparedRows {
  if (data.kind !== "rows" || data.validation === undefined)
    throw new HebbError("there are no held-out rows to learn from as well; leave --refit out");
  return { ...data, train: joined(data.train, data.validation), validation: undefined };
}

export function joined(first: Dataset, second: Dataset): Dataset {
  const both = (of: "features" | "targets") => {
    const values = allocate(first[of].dtype, first[of].data.length + second[of].data.length);
    values.set(first[of].data);
    values.set(second[of].data, first[of].data.length);
    return values;
  };
  const { features, targets, weights } = first;
  const own = { features: both("features"), featureShape: features.shape, targets: both("targets") };
  const all = { ...own, targetShape: targets.shape };
  if (weights === undefined || second.weights === undefined) return new Dataset(all);
  const joint = new Float32Array(first.length + second.length);
  joint.set(weights);
  joint.set(second.weights, first.length);
  return new Dataset({ ...all, weights: joint });
}
