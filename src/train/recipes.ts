// Optimizers, schedules and augmentations by name, with settings that fit the length of a training: what a configuration chooses.

import { type AugmentOptions, augmentation } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import type { Augment } from "./feeds.ts";
import type { TrainSchedule } from "./fitOptions.ts";
import type { Mode } from "./metrics.ts";
import type { AugmentName, OptimizerName, ScheduleName } from "./names.ts";

export interface OptimizerChoice {
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly weightDecay: number;
  /** Decay only weights, not biases and norms, and forget squares sooner: as GPTs are trained. Default false. */
  readonly language?: boolean;
}

/** Matrices decay, vectors do not. */
function decayGroups(model: Module, weightDecay: number): optim.GroupInit<{ weightDecay: number }>[] {
  const params = model.parameters();
  return [
    { params: params.filter(({ rank }) => rank >= 2), weightDecay },
    { params: params.filter(({ rank }) => rank < 2), weightDecay: 0 },
  ].filter(({ params: own }) => own.length > 0);
}

export function makeOptimizer(
  { optimizer, lr, weightDecay, language = false }: OptimizerChoice,
  model: Module,
): optim.Optimizer {
  const params = model.parameters();
  const moments = language ? { betas: [0.9, 0.99] as const } : {};
  switch (optimizer) {
    case "sgd":
      return new optim.SGD(params, { lr, weightDecay });
    case "momentum":
      return new optim.SGD(params, { lr, weightDecay, momentum: 0.9 });
    case "nesterov":
      return new optim.SGD(params, { lr, weightDecay, momentum: 0.9, nesterov: true });
    case "adagrad":
      return new optim.Adagrad(params, { lr, weightDecay });
    case "adadelta":
      return new optim.Adadelta(params, { lr, weightDecay });
    case "rmsprop":
      return new optim.RMSprop(params, { lr, weightDecay });
    case "adam":
      return new optim.Adam(params, { lr, weightDecay, ...moments });
    case "amsgrad":
      return new optim.Adam(params, { lr, weightDecay, amsgrad: true, ...moments });
    case "adamw":
      return new optim.AdamW(language ? decayGroups(model, weightDecay) : params, { lr, weightDecay, ...moments });
    case "adamax":
      return new optim.Adamax(params, { lr, weightDecay });
    case "nadam":
      return new optim.NAdam(params, { lr, weightDecay });
    case "radam":
      return new optim.RAdam(params, { lr, weightDecay });
    case "lion":
      return new optim.Lion(params, { lr, weightDecay });
    case "asgd":
      return new optim.ASGD(params, { lr, weightDecay });
    case "rprop":
      // Steps grow and shrink by the signs of gradients alone: there is nothing for a decay to add.
      return new optim.Rprop(params, { lr });
  }
}

export interface ScheduleChoice {
  readonly schedule: ScheduleName;
  readonly lr: number;
  /** Updates over which the rate rises from near 0. */
  readonly warmup: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Where a falling rate ends, as a share of it. Default 0. */
  readonly floor?: number;
  /** For "plateau": whether less or more of the watched figure is better. Default "min". */
  readonly mode?: Mode | undefined;
}

/** Schedules that count epochs; the others count updates. */
const byEpoch: readonly ScheduleName[] = ["step", "multiStep", "exponential", "plateau"];

/**
 * How the learning rate goes, and whether it steps by epoch or by update; undefined: it stays. step: a tenth after each third;
 * multiStep: a tenth at one half and at three quarters; exponential: down to a hundredth; linear: down to the floor; polynomial: the
 * same, squared; cosine; warmRestarts: a cosine over each quarter; oneCycle: up over the first three tenths, then down; plateau: half
 * when four epochs bring nothing.
 */
export function makeSchedule(
  { schedule, lr, warmup, epochs, stepsPerEpoch, floor = 0, mode = "min" }: ScheduleChoice,
  optimizer: optim.Optimizer,
): { readonly schedule: TrainSchedule; readonly every: "epoch" | "update" } | undefined {
  const every = byEpoch.includes(schedule) ? "epoch" : "update";
  if (warmup > 0 && (every === "epoch" || schedule === "oneCycle"))
    throw new HebbError(
      `schedule "${schedule}" takes no warm-up; use cosine, linear, polynomial, warmRestarts or constant, or leave the warm-up out`,
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

/** Whether there is a momentum, or a first beta, to cycle. */
const hasMomentum = (options: object): boolean =>
  "betas" in options || ("momentum" in options && options.momentum !== 0);

/** What the names of augmentations stand for: amounts that suit small pictures. */
const changes: Readonly<Record<AugmentName, AugmentOptions>> = {
  crop: { translate: 0.09 },
  rotate: { rotate: 12 },
  zoom: { zoom: 0.1 },
  shear: { shear: 0.1 },
  flip: { flip: 0.5 },
  jitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
  erase: { erase: 0.3 },
};

/** Named changes of pictures together. */
export const augmentBy = (names: readonly AugmentName[]): Augment =>
  augmentation(Object.assign({}, ...names.map((name) => changes[name])) as AugmentOptions);
