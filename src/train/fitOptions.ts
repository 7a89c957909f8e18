// What fit takes and gives: its options with the kind of each, its history.
import type { JsonObject } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Optimizer } from "../optim/index.ts";
import { Generator } from "../tensor/index.ts";
import type { Finding } from "./doctor/finding.ts";
import type { Inverse, MetricFunction } from "./evaluation.ts";
import type { EventListener } from "./events.ts";
import type { Augment, InMemory, RowStream } from "./feeds.ts";
import type { ClassScores, Mode } from "./metrics.ts";
import { type LossName, lossNames } from "./names.ts";
import type { LossFunction } from "./objectives.ts";
import type { EpochRecord, TrainState } from "./state.ts";

/**
 * The learning rate over time: any schedule of `optim`, or what steps like one. `step` is given the watched figure after an
 * epoch, the loss of the update after an update.
 */
export type TrainSchedule = {
  step(metric: number): void;
  /** Of a schedule that heeds the figure: whether less or more of it is better. */
  readonly mode?: Mode;
  stateDict(): JsonObject;
  loadStateDict(state: JsonObject): void;
};

export interface EarlyStopping {
  /** Epochs without improvement of the watched figure after which training stops. */
  readonly patience: number;
  /** The least change that counts as an improvement. Default 0. */
  readonly minDelta?: number;
}

/** Functions that see training from within; returning "stop" ends it after saving. */
export interface Callback {
  /** After each update. */
  readonly stepEnd?: (moment: {
    readonly epoch: number;
    readonly step: number;
    readonly loss: number;
  }) => "stop" | undefined;
  /** After each epoch, when it has been evaluated. */
  readonly epochEnd?: (record: EpochRecord) => "stop" | undefined;
}

export interface FitOptions {
  /** In memory, or rows that stream in parts. */
  readonly train: InMemory | RowStream;
  readonly validation?: InMemory | undefined;
  /** A name, or a function of (output, target). Default: crossEntropy for classes and texts, mse for numbers. */
  readonly loss?: LossName | LossFunction;
  readonly optimizer: Optimizer;
  readonly epochs: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Batches whose gradients are added up for one update. Default 1. */
  readonly accumulate?: number;
  /** Governs the order of samples. A single row that would be a batch of its own joins the batch before it. Default 0. */
  readonly seed?: number;
  /**
   * What dropout and the like draw from. Default: a copy of the current generator, so that runs side by side do not disturb each other;
   * when the run ends, the current generator goes on behind its draws.
   */
  readonly generator?: Generator | undefined;
  /** The figure that says which epoch is best, such as "accuracy"; of the validation data if there are any. Default "loss". */
  readonly monitor?: string;
  /** Whether less ("min") or more ("max") of that figure is better. Known for the figures of this library; needed for your own. */
  readonly mode?: Mode | undefined;
  readonly earlyStopping?: EarlyStopping | undefined;
  /** Restore the weights of the best epoch at the end. Default: when there is validation data. */
  readonly restoreBest?: boolean;
  /** Scales all gradients so that their norm together is at most this. */
  readonly clipNorm?: number | undefined;
  /** Limits each gradient to ± this. */
  readonly clipValue?: number | undefined;
  /** Evaluate, and keep as best, an exponential moving average of the weights with this decay, such as 0.999. */
  readonly ema?: number | undefined;
  readonly schedule?: TrainSchedule | undefined;
  /** When the schedule steps. Default "epoch". */
  readonly scheduleEvery?: "epoch" | "update";
  /** What the rows of each class count for; "balanced" gives every class the same say. */
  readonly classWeights?: "balanced" | readonly number[] | undefined;
  /** Changes the features of each training batch, such as pictures that are moved a little. */
  readonly augment?: Augment | undefined;
  /** Names of the classes, in their order, for what is told. Of two the second is the positive one. */
  readonly classNames?: readonly string[] | undefined;
  /** Figures of the user's own, beside those of the task. */
  readonly metrics?: Readonly<Record<string, MetricFunction>>;
  /** For regressions: from the network's numbers to the user's. */
  readonly inverse?: Inverse | undefined;
  readonly callbacks?: readonly Callback[];
  /** Histograms of weights and gradients as events, every so many epochs. Default 0: none. */
  readonly histograms?: number;
  /** Look for what is wrong while training, and tell it as events. Default: when there is a listener. */
  readonly doctor?: boolean;
  readonly onEvent?: EventListener | undefined;
  /** Saves a state; called at the end of epochs and now and then within them, never with weights that are no numbers. */
  readonly save?: ((state: TrainState, at: { epoch: number; step: number }) => void) | undefined;
  /** Least milliseconds between two saves. Default 1000, more where saving takes long. */
  readonly saveEvery?: number;
  readonly resume?: TrainState | undefined;
  /** Save and stop after so many epochs in all; resuming goes on as if there had been no pause. */
  readonly pauseAfter?: number | undefined;
  /** Aborting it saves and ends training. */
  readonly signal?: AbortSignal | undefined;
}

export interface History {
  readonly epochs: readonly EpochRecord[];
  readonly bestEpoch: number;
  /** Precision, recall, F1 and rows of each class of the validation data in the best epoch; null where there are none. */
  readonly classes: readonly ClassScores[] | null;
  readonly stopped: "finished" | "early" | "interrupted" | "paused" | "diverged";
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

const stoppingKinds: OptionKinds<EarlyStopping> = { patience: kind.number, minDelta: kind.number };
const callbackKinds: OptionKinds<Callback> = {
  stepEnd: kind.func<NonNullable<Callback["stepEnd"]>>(),
  epochEnd: kind.func<NonNullable<Callback["epochEnd"]>>(),
};

const kinds: OptionKinds<FitOptions> = {
  train: kind.anything,
  validation: kind.anything,
  loss: kind.either(kind.oneOf(...lossNames), kind.func<LossFunction>()),
  optimizer: kind.anything,
  epochs: kind.number,
  batchSize: kind.number,
  accumulate: kind.number,
  seed: kind.number,
  generator: kind.instanceOf(Generator, "a Generator"),
  monitor: kind.string,
  mode: kind.oneOf("min", "max"),
  earlyStopping: kind.anything,
  restoreBest: kind.boolean,
  clipNorm: kind.number,
  clipValue: kind.number,
  ema: kind.number,
  schedule: kind.anything,
  scheduleEvery: kind.oneOf("epoch", "update"),
  classWeights: kind.either(kind.oneOf("balanced"), kind.numbers),
  augment: kind.func<Augment>(),
  classNames: kind.anything,
  metrics: kind.anything,
  inverse: kind.func<Inverse>(),
  callbacks: kind.anything,
  histograms: kind.number,
  doctor: kind.boolean,
  onEvent: kind.func<EventListener>(),
  save: kind.func<NonNullable<FitOptions["save"]>>(),
  saveEvery: kind.number,
  resume: kind.anything,
  pauseAfter: kind.number,
  signal: kind.anything,
};

/** Refuses misspelt options, values of another kind, and numbers that mean nothing. */
export function checkFitOptions(options: FitOptions): void {
  checkOptions("fit", options, kinds);
  const { earlyStopping, callbacks = [], metrics = {}, clipNorm, clipValue, epochs, seed = 0 } = options;
  const whole = (name: string, value: number | undefined, least: number): void => {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw new HebbError(`fit: ${name} must be a whole number of at least ${least}, got ${value}`);
  };
  const least = (name: string, value: number | undefined, bound: number): void => {
    if (value !== undefined && !(value >= bound))
      throw new HebbError(`fit: ${name} must be at least ${bound}, got ${value}`);
  };
  if (epochs === undefined) throw new HebbError("fit: the number of epochs is missing; pass it, such as epochs: 20");
  whole("epochs", epochs, 1);
  whole("batchSize", options.batchSize, 1);
  whole("accumulate", options.accumulate, 1);
  whole("histograms", options.histograms, 0);
  whole("pauseAfter", options.pauseAfter, 0);
  whole("seed", seed, 0);
  least("clipNorm", clipNorm, 0);
  least("clipValue", clipValue, 0);
  least("saveEvery", options.saveEvery, 0);
  if (earlyStopping !== undefined) {
    checkOptions("fit: earlyStopping", earlyStopping, stoppingKinds);
    if (earlyStopping.patience === undefined)
      throw new HebbError(
        "fit: earlyStopping needs a patience, the number of epochs without improvement before training stops",
      );
    whole("earlyStopping.patience", earlyStopping.patience, 1);
    least("earlyStopping.minDelta", earlyStopping.minDelta, 0);
  }
  if (!Array.isArray(callbacks))
    throw new HebbError(`fit: callbacks must be a list such as [{ epochEnd: … }], got ${describe(callbacks)}`);
  for (const callback of callbacks as readonly Callback[]) checkCallback(callback);
  checkMetrics(metrics);
  const { schedule, signal, classNames } = options;
  if (schedule !== undefined && typeof schedule?.step !== "function")
    throw new HebbError(
      `fit: schedule must be a learning-rate schedule of this optimizer, such as new optim.StepLR(optimizer, 10), got ${describe(schedule)}`,
    );
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new HebbError(`fit: signal must be the signal of an AbortController, got ${describe(signal)}`);
  if (classNames !== undefined && !Array.isArray(classNames))
    throw new HebbError(`fit: classNames must be a list of strings, got ${describe(classNames)}`);
}

/** Methods of a class count too, so an object of one is looked at for what it has. */
function checkCallback(callback: Callback): void {
  if (typeof callback !== "object" || callback === null)
    throw new HebbError(`fit: a callback is an object such as { epochEnd: (record) => … }, got ${describe(callback)}`);
  const prototype: unknown = Object.getPrototypeOf(callback);
  if (prototype === Object.prototype || prototype === null) checkOptions("fit: callback", callback, callbackKinds);
  else if (callback.stepEnd === undefined && callback.epochEnd === undefined)
    throw new HebbError(`fit: the callback ${describe(callback)} has neither stepEnd nor epochEnd`);
}

function checkMetrics(metrics: Readonly<Record<string, MetricFunction>>): void {
  if (typeof metrics !== "object" || metrics === null || Array.isArray(metrics))
    throw new HebbError(
      `fit: metrics must be an object of functions such as { bias: (predictions, targets) => … }, got ${describe(metrics)}`,
    );
  for (const [name, figure] of Object.entries(metrics)) {
    if (typeof figure !== "function")
      throw new HebbError(
        `fit: the metric "${name}" must be a function of (predictions, targets), got ${describe(figure)}`,
      );
    if (name === "loss")
      throw new HebbError('fit: a metric cannot be named "loss", which is the name of the loss itself; rename it');
  }
}
