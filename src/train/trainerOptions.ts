// The options of a Trainer: data, loss, optimizer, treatment of gradients and weights, and callbacks.
import type { BatchSampler } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Optimizer } from "../optim/index.ts";
import type { ZeroStage } from "../optim/sharding.ts";
import { Generator } from "../tensor/index.ts";
import type { Callback } from "./callback.ts";
import type { Inverse, MetricFunction } from "./evaluation.ts";
import type { EventListener } from "./events.ts";
import type { Augment, InMemory, RowStream } from "./feeds.ts";
import type { Mode } from "./metrics.ts";
import type { MomentsOptions } from "./moments.ts";
import { type LossName, lossNames } from "./names.ts";
import type { LossFunction, Objective } from "./objectives.ts";

/** The options shared with `fit`. */
export interface CommonOptions {
  /** Data in memory, or rows streamed in parts. */
  readonly train: InMemory | RowStream;
  readonly validation?: InMemory | undefined;
  /** A name, or a function of (output, target). Default: crossEntropy for classes and texts, mse for numbers. */
  readonly loss?: LossName | LossFunction | Objective;
  readonly optimizer: Optimizer;
  /** Default 32. */
  readonly batchSize?: number;
  /** The number of batches whose gradients are summed for one update. Default 1. */
  readonly accumulate?: number;
  /** Seeds the order of samples. A single remaining row joins the batch before it. Default 0. */
  readonly seed?: number;
  /**
   * The generator of dropout and similar layers. Default: a copy of the current generator, so that concurrent runs do not affect each other; when the
   * run ends, the current generator advances past its draws.
   */
  readonly generator?: Generator | undefined;
  /** The metric that determines the best epoch, such as "accuracy"; of the validation data if there are any. Default "loss". */
  readonly monitor?: string;
  /** Whether lower ("min") or higher ("max") is better. Known for built-in metrics; required for custom ones. */
  readonly mode?: Mode | undefined;
  /** Scales all gradients so that their total norm is at most this. */
  readonly clipNorm?: number | undefined;
  /** Limits each element of the gradients to ± this. */
  readonly clipValue?: number | undefined;
  /** Evaluate, and keep as best, an exponential moving average of the weights with this decay, such as 0.999. */
  readonly ema?: number | undefined;
  /** The weight of each class; "balanced" gives every class the same total weight. */
  readonly classWeights?: "balanced" | readonly number[] | undefined;
  /** Changes the features of each training batch, for example by shifting images a little. */
  readonly augment?: Augment | undefined;
  /** Names of the classes, in order, for reports. With two classes, the second is the positive one. */
  readonly classNames?: readonly string[] | undefined;
  /** Custom metrics, in addition to those of the task. */
  readonly metrics?: Readonly<Record<string, MetricFunction>>;
  /** For regressions: converts the network's numbers to the user's. */
  readonly inverse?: Inverse | undefined;
  /**
   * Whether the ranks of the current world (`distributed.init()`) train together: each takes its share of every batch, and gradients, losses and
   * decisions are those of the whole batch. Only rank 0 emits events and saves. Default true, if there is a world.
   */
  readonly distributed?: boolean | undefined;
  /**
   * Splits memory over the ranks: 1, the state of the optimizer; 2, also the sums of gradients. Each rank then updates its part of the weights, and
   * states are gathered to be kept or saved. Default: nothing is split. Source: ZeRO (Rajbhandari et al. 2020).
   */
  readonly zero?: ZeroStage | undefined;
  readonly callbacks?: readonly Callback[];
  readonly onEvent?: EventListener | undefined;
}

export interface TrainerOptions extends CommonOptions {
  /** The number of planned epochs, for callbacks that check whether another follows. Default: no end. */
  readonly epochs?: number;
  /** The order of the rows in memory. Default: shuffled by `seed`, in batches of `batchSize`. */
  readonly batchSampler?: BatchSampler;
  /** The minimum improvement of the monitored metric that makes an epoch the best. Default 0. */
  readonly minDelta?: number | undefined;
  /** Which epochs, counted from 0, are evaluated and recorded. Default: all. */
  readonly evaluateOn?: (epoch: number) => boolean;
  /** The number of updates between reads of the loss, which is when NaN is noticed. Default 1. */
  readonly readEvery?: number;
  /** The moments kept to go back to. Default: the latest one that `keep` was called for. */
  readonly moments?: MomentsOptions;
}

export const commonKinds: OptionKinds<CommonOptions> = {
  train: kind.anything,
  validation: kind.anything,
  loss: kind.anything,
  optimizer: kind.anything,
  batchSize: kind.number,
  accumulate: kind.number,
  seed: kind.number,
  generator: kind.instanceOf(Generator, "a Generator"),
  monitor: kind.string,
  mode: kind.oneOf("min", "max"),
  clipNorm: kind.number,
  clipValue: kind.number,
  ema: kind.number,
  classWeights: kind.either(kind.oneOf("balanced"), kind.numbers),
  augment: kind.func<Augment>(),
  classNames: kind.anything,
  metrics: kind.anything,
  inverse: kind.func<Inverse>(),
  distributed: kind.boolean,
  zero: kind.anything,
  callbacks: kind.anything,
  onEvent: kind.func<EventListener>(),
};

const kinds: OptionKinds<TrainerOptions> = {
  ...commonKinds,
  epochs: kind.number,
  batchSampler: kind.anything,
  minDelta: kind.number,
  evaluateOn: kind.func<NonNullable<TrainerOptions["evaluateOn"]>>(),
  readEvery: kind.number,
  moments: kind.anything,
};

/** Refuses numbers out of range. */
export interface Numbers {
  whole(name: string, value: number | undefined, least: number): void;
  least(name: string, value: number | undefined, bound: number): void;
}

export const numbersOf = (where: string): Numbers => ({
  whole: (name, value, least) => {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw new HebbError(`${where}: ${name} must be a whole number of at least ${least}, got ${value}`);
  },
  least: (name, value, bound) => {
    if (value !== undefined && !(value >= bound))
      throw new HebbError(`${where}: ${name} must be at least ${bound}, got ${value}`);
  },
});

/** Refuses misspelt options, values of another kind, and numbers out of range. */
export function checkTrainerOptions(where: string, options: TrainerOptions): void {
  checkOptions(where, options, kinds);
  const { whole, least } = numbersOf(where);
  whole("epochs", options.epochs, 1);
  whole("readEvery", options.readEvery, 1);
  least("minDelta", options.minDelta, 0);
  checkOptions(`${where}: moments`, options.moments ?? {}, { most: kind.number, every: kind.number });
  whole("moments.most", options.moments?.most, 1);
  whole("moments.every", options.moments?.every, 1);
  checkCommon(where, options);
}

const isObjective = (loss: unknown): boolean =>
  typeof loss === "object" && loss !== null && "measure" in loss && "predict" in loss && "task" in loss;

export function checkCommon(where: string, options: CommonOptions): void {
  const { whole, least } = numbersOf(where);
  const { callbacks = [], metrics = {}, classNames, loss } = options;
  if (!(loss === undefined || typeof loss === "function" || isObjective(loss)))
    checkKind<unknown>(where, "loss", loss, kind.oneOf(...lossNames));
  whole("batchSize", options.batchSize, 1);
  whole("accumulate", options.accumulate, 1);
  whole("seed", options.seed, 0);
  least("clipNorm", options.clipNorm, 0);
  least("clipValue", options.clipValue, 0);
  if (!Array.isArray(callbacks))
    throw new HebbError(`${where}: callbacks must be a list such as [{ epochEnd: … }], got ${describe(callbacks)}`);
  checkMetrics(metrics);
  if (classNames !== undefined && !Array.isArray(classNames))
    throw new HebbError(`${where}: classNames must be a list of strings, got ${describe(classNames)}`);
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

export interface RestoreOptions {
  /** Whether the state is a later one of this same run: moments kept before it can then still be reached. Default: false. */
  readonly sameRun?: boolean;
}

export const restoreKinds: OptionKinds<RestoreOptions> = { sameRun: kind.boolean };
