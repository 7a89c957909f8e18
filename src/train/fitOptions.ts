// The options of fit beyond those of a Trainer, and its result: the history.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { EarlyStoppingOptions } from "./callbacks/earlyStopping.ts";
import type { TrainSchedule } from "./callbacks/lrSchedule.ts";
import type { Save } from "./callbacks/saving.ts";
import type { Finding } from "./doctor/finding.ts";
import type { ClassScores } from "./metrics.ts";
import type { EpochRecord, TrainState } from "./state.ts";
import { type CommonOptions, checkCommon, commonKinds, numbersOf } from "./trainerOptions.ts";

export interface FitOptions extends CommonOptions {
  readonly epochs: number;
  readonly earlyStopping?: EarlyStoppingOptions | undefined;
  /** Restore the weights of the best epoch at the end. Default: if there is validation data. */
  readonly restoreBest?: boolean;
  readonly schedule?: TrainSchedule | undefined;
  /** When the schedule steps. Default "epoch". */
  readonly scheduleEvery?: "epoch" | "update";
  /** Epochs between events with histograms of weights and gradients. Default 0: none. */
  readonly histograms?: number;
  /** Look for problems while training, and report them as events. Default: if there is a listener. */
  readonly doctor?: boolean;
  /** Print progress on the console, a line for each epoch. Default: in a program that runs in a terminal and has no `onEvent`. */
  readonly verbose?: boolean;
  /** Saves a state; called at the end of epochs and now and then within them, never with weights that are NaN or infinite. */
  readonly save?: Save | undefined;
  /** Minimum milliseconds between two saves. Default 1000, more if saving is slow. */
  readonly saveEvery?: number;
  readonly resume?: TrainState | undefined;
  /** Save and stop after this many epochs; resuming continues as if there had been no pause. */
  readonly pauseAfter?: number | undefined;
  /** Aborting it saves and ends training. */
  readonly signal?: AbortSignal | undefined;
}

export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Counted from 0, like `epochs`; -1 if no epoch was finished. Text counts from 1: "epoch 3 of 10" is epoch 2 here. */
  readonly bestEpoch: number;
  /** Precision, recall, F1 and support of each class of the validation data in the best epoch; null if there are none. */
  readonly classes: readonly ClassScores[] | null;
  readonly stopped: "finished" | "early" | "interrupted" | "paused" | "diverged";
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

const kinds: OptionKinds<FitOptions> = {
  ...commonKinds,
  epochs: kind.number,
  earlyStopping: kind.anything,
  restoreBest: kind.boolean,
  schedule: kind.anything,
  scheduleEvery: kind.oneOf("epoch", "update"),
  histograms: kind.number,
  doctor: kind.boolean,
  verbose: kind.boolean,
  save: kind.func<NonNullable<FitOptions["save"]>>(),
  saveEvery: kind.number,
  resume: kind.anything,
  pauseAfter: kind.number,
  signal: kind.anything,
};

/** Refuses misspelt options, values of another kind, and numbers out of range. */
export function checkFitOptions(options: FitOptions): void {
  checkOptions("fit", options, kinds);
  const { whole, least } = numbersOf("fit");
  const { earlyStopping, schedule, signal } = options;
  if (options.epochs === undefined)
    throw new HebbError("fit: the number of epochs is missing; pass it, such as epochs: 20");
  whole("epochs", options.epochs, 1);
  whole("histograms", options.histograms, 0);
  whole("pauseAfter", options.pauseAfter, 0);
  least("saveEvery", options.saveEvery, 0);
  checkCommon("fit", options);
  if (earlyStopping !== undefined) {
    checkOptions("fit: earlyStopping", earlyStopping, stoppingKinds);
    if (earlyStopping.patience === undefined)
      throw new HebbError(
        "fit: earlyStopping needs a patience, the number of epochs without improvement before training stops",
      );
    whole("earlyStopping.patience", earlyStopping.patience, 1);
    least("earlyStopping.minDelta", earlyStopping.minDelta, 0);
  }
  if (schedule !== undefined && typeof schedule?.step !== "function")
    throw new HebbError(
      `fit: schedule must be a learning-rate schedule of this optimizer, such as new optim.StepLR(optimizer, 10), got ${describe(schedule)}`,
    );
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new HebbError(`fit: signal must be the signal of an AbortController, got ${describe(signal)}`);
}

const stoppingKinds: OptionKinds<EarlyStoppingOptions> = { patience: kind.number, minDelta: kind.number };
