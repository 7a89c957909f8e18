// Optimizers, schedules and augmentations by name, with settings that suit the length of a training.
import { type AugmentOptions, augmentation } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import type { TrainSchedule } from "./callbacks/lrSchedule.ts";
import type { Augment } from "./feeds.ts";
import type { Mode } from "./metrics.ts";
import {
  type AugmentName,
  augmentNames,
  type OptimizerName,
  type OptimizerRow,
  optimizerNames,
  optimizers,
  type ScheduleName,
  scheduleNames,
} from "./names.ts";

type OptimizerClass = (typeof optimizers)[OptimizerName]["optimizer"];

export interface OptimizerChoice {
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly weightDecay: number;
  /** Decay only weights, not biases and norms, and use a faster decay of squares, as for GPTs. Default false. */
  readonly language?: boolean;
}

const optimizerKinds: OptionKinds<OptimizerChoice> = {
  optimizer: kind.oneOf(...optimizerNames),
  lr: kind.number,
  weightDecay: kind.number,
  language: kind.boolean,
};

/** Matrices decay, vectors do not. */
function decayGroups(model: Module, weightDecay: number): optim.GroupInit<{ weightDecay: number }>[] {
  const params = model.parameters();
  return [
    { params: params.filter(({ rank }) => rank >= 2), weightDecay },
    { params: params.filter(({ rank }) => rank < 2), weightDecay: 0 },
  ].filter(({ params: own }) => own.length > 0);
}

/** The common options of all optimizers of the table; further ones are in their rows. */
type MakeOptimizer = new (
  params: optim.Params<{ weightDecay: number }>,
  options: { readonly lr: number; readonly weightDecay?: number },
) => optim.Optimizer;

/** The optimizer of that name over the model's parameters. */
export function makeOptimizer(choice: OptimizerChoice, model: Module): optim.Optimizer {
  const { optimizer, lr, weightDecay, language = false } = checkOptions("makeOptimizer", choice, optimizerKinds);
  checkKind("makeOptimizer", "optimizer", optimizer, optimizerKinds.optimizer);
  const row: OptimizerRow & { readonly optimizer: OptimizerClass } = optimizers[optimizer];
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the table names the class, so that a row is all an optimizer needs
  const make: MakeOptimizer = optim[row.optimizer];
  const hasBetas = row.optimizer === "Adam" || row.optimizer === "AdamW";
  return new make(language && optimizer === "adamw" ? decayGroups(model, weightDecay) : model.parameters(), {
    lr,
    ...(row.noDecay ? {} : { weightDecay }),
    ...row.options,
    ...(language && hasBetas ? { betas: [0.9, 0.99] } : {}),
  });
}

export interface ScheduleChoice {
  readonly schedule: ScheduleName;
  readonly lr: number;
  /** The number of updates over which the rate rises from near 0. */
  readonly warmup: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** The final rate of a falling schedule, as a fraction of the initial one. Default 0. */
  readonly floor?: number;
  /** For "plateau": whether lower or higher values of the monitored metric are better. Default "min". */
  readonly mode?: Mode | undefined;
}

const scheduleKinds: OptionKinds<ScheduleChoice> = {
  schedule: kind.oneOf(...scheduleNames),
  lr: kind.number,
  warmup: kind.number,
  epochs: kind.number,
  stepsPerEpoch: kind.number,
  floor: kind.number,
  mode: kind.oneOf("min", "max"),
};

/** Schedules that count epochs; the others count updates. */
const byEpoch: readonly ScheduleName[] = ["step", "multiStep", "exponential", "plateau"];

/**
 * The learning-rate schedule, and whether it steps by epoch or by update; undefined: the rate is constant. step: a tenth after each third; multiStep:
 * a tenth at one half and at three quarters; exponential: down to a hundredth; linear: down to the floor; polynomial: the same, squared; cosine;
 * warmRestarts: a cosine over each quarter; oneCycle: up over the first three tenths, then down; plateau: half after four epochs without improvement.
 */
export function makeSchedule(
  choice: ScheduleChoice,
  optimizer: optim.Optimizer,
): { readonly schedule: TrainSchedule; readonly every: "epoch" | "update" } | undefined {
  const {
    schedule,
    lr,
    warmup,
    epochs,
    stepsPerEpoch,
    floor = 0,
    mode = "min",
  } = checkOptions("makeSchedule", choice, scheduleKinds);
  checkKind("makeSchedule", "schedule", schedule, scheduleKinds.schedule);
  const every = byEpoch.includes(schedule) ? "epoch" : "update";
  if (warmup > 0 && (every === "epoch" || schedule === "oneCycle"))
    throw new HebbError(
      `schedule "${schedule}" does not support warm-up; use cosine, linear, polynomial, warmRestarts or constant, or leave the warm-up out`,
    );
  const total = Math.max(1, epochs * stepsPerEpoch - warmup);
  if (schedule === "plateau") {
    return { every, schedule: new optim.ReduceLROnPlateau(optimizer, { mode, factor: 0.5, patience: 4 }) };
  }
  const own = (): optim.Schedule | undefined => {
    switch (schedule) {
      case "constant":
        return undefined;
      case "step":
        return new optim.StepLR(optimizer, Math.max(1, Math.ceil(epochs / 3)));
      case "multiStep":
        return new optim.MultiStepLR(optimizer, [Math.ceil(epochs / 2), Math.ceil((3 * epochs) / 4)]);
      case "exponential":
        return new optim.ExponentialLR(optimizer, 0.01 ** (1 / epochs));
      case "linear":
        return new optim.LinearLR(optimizer, { startFactor: 1, endFactor: Math.max(floor, 1e-8), totalIters: total });
      case "polynomial":
        return new optim.PolynomialLR(optimizer, { totalIters: total, power: 2 });
      case "cosine":
        return new optim.CosineAnnealingLR(optimizer, total, { etaMin: floor * lr });
      case "warmRestarts":
        return new optim.CosineAnnealingWarmRestarts(optimizer, Math.max(1, Math.ceil(total / 4)), {
          etaMin: floor * lr,
        });
      case "oneCycle":
        return new optim.OneCycleLR(optimizer, {
          maxLr: lr,
          totalSteps: total,
          cycleMomentum: optimizer.groups.every(({ options }) => hasMomentum(options)),
        });
    }
  };
  const after = own();
  const found = warmup > 0 ? new optim.WarmUp(optimizer, warmup, after === undefined ? {} : { after }) : after;
  return found === undefined ? undefined : { every, schedule: found };
}

/** Whether the optimizer has a momentum, or a first beta, to cycle. */
const hasMomentum = (options: object): boolean =>
  "betas" in options || ("momentum" in options && options.momentum !== 0);

/** The augmentations by name, with amounts that suit small images. */
const changes: Readonly<Record<AugmentName, AugmentOptions>> = {
  crop: { translate: 0.09 },
  rotate: { rotate: 12 },
  zoom: { zoom: 0.1 },
  shear: { shear: 0.1 },
  flip: { flip: 0.5 },
  jitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
  erase: { erase: 0.3 },
};

/** Combines named augmentations. */
export function augmentBy(names: readonly AugmentName[]): Augment {
  checkKind("augmentBy", "names", names, kind.listOf(kind.oneOf(...augmentNames)));
  return augmentation(Object.assign({}, ...names.map((name) => changes[name])) as AugmentOptions);
}
