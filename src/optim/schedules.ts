// Learning-rate schedules: step, multi-step, exponential, functions, constant, linear, polynomial, cosine, restarts.
import { HebbError } from "../graph/errors.ts";
import { checkCount, FactorSchedule, Schedule, type Scheduled } from "./schedule.ts";

/** Times gamma every `stepSize` steps. Default gamma 0.1. Source: torch.optim.lr_scheduler.StepLR. */
export class StepLR extends FactorSchedule {
  readonly #stepSize: number;
  readonly #gamma: number;
  constructor(optimizer: Scheduled, stepSize: number, { gamma = 0.1 }: { readonly gamma?: number } = {}) {
    super(optimizer);
    this.#stepSize = checkCount("StepLR", "stepSize", stepSize, 1);
    this.#gamma = gamma;
    this.start();
  }
  override factorAt(step: number): number {
    return this.#gamma ** Math.floor(step / this.#stepSize);
  }
}

/** Times gamma at each milestone. Default gamma 0.1. Source: torch.optim.lr_scheduler.MultiStepLR. */
export class MultiStepLR extends FactorSchedule {
  readonly #milestones: readonly number[];
  readonly #gamma: number;
  constructor(optimizer: Scheduled, milestones: readonly number[], { gamma = 0.1 }: { readonly gamma?: number } = {}) {
    super(optimizer);
    this.#milestones = milestones.map((milestone) => checkCount("MultiStepLR", "a milestone", milestone));
    this.#gamma = gamma;
    this.start();
  }
  override factorAt(step: number): number {
    return this.#gamma ** this.#milestones.filter((milestone) => milestone <= step).length;
  }
}

/** Times gamma at every step. Source: torch.optim.lr_scheduler.ExponentialLR. */
export class ExponentialLR extends FactorSchedule {
  readonly #gamma: number;
  constructor(optimizer: Scheduled, gamma: number) {
    super(optimizer);
    this.#gamma = gamma;
    this.start();
  }
  override factorAt(step: number): number {
    return this.#gamma ** step;
  }
}

/** A function of the step, one for all groups or one for each. */
export type StepFunction = ((step: number) => number) | readonly ((step: number) => number)[];

function functionOf(kind: string, given: StepFunction, groups: number): (group: number) => (step: number) => number {
  if (typeof given === "function") return () => given;
  if (given.length !== groups)
    throw new HebbError(`${kind}: ${given.length} functions do not fit ${groups} groups of parameters`);
  return (group) => given[group] ?? (() => 1);
}

/** The first rate times a function of the step. The function is not part of the state dict. Source: torch.optim.lr_scheduler.LambdaLR. */
export class LambdaLR extends Schedule {
  readonly #factor: (group: number) => (step: number) => number;
  constructor(optimizer: Scheduled, lrLambda: StepFunction) {
    super(optimizer);
    this.#factor = functionOf("LambdaLR", lrLambda, optimizer.groups.length);
    this.start();
  }
  override rateAt(step: number, base: number, group: number): number {
    return base * this.#factor(group)(step);
  }
}

/** Times a function of the step, at every step from the first. Source: torch.optim.lr_scheduler.MultiplicativeLR. */
export class MultiplicativeLR extends FactorSchedule {
  readonly #factor: (group: number) => (step: number) => number;
  /** Products so far, by group and step. */
  readonly #products: number[][] = [];
  constructor(optimizer: Scheduled, lrLambda: StepFunction) {
    super(optimizer);
    this.#factor = functionOf("MultiplicativeLR", lrLambda, optimizer.groups.length);
    this.start();
  }
  override factorAt(step: number, group: number): number {
    const known = this.#products[group] ?? [1];
    this.#products[group] = known;
    for (let at = known.length; at <= step; at++) known.push((known[at - 1] ?? 1) * this.#factor(group)(at));
    return known[step] ?? 1;
  }
}

export interface ConstantLROptions {
  /** Default 1/3. */
  readonly factor?: number;
  /** Default 5. */
  readonly totalIters?: number;
}

/** Times `factor` for the first totalIters steps. Source: torch.optim.lr_scheduler.ConstantLR. */
export class ConstantLR extends FactorSchedule {
  readonly #factor: number;
  readonly #length: number;
  constructor(optimizer: Scheduled, { factor = 1 / 3, totalIters = 5 }: ConstantLROptions = {}) {
    super(optimizer);
    if (!(factor >= 0 && factor <= 1))
      throw new HebbError(`ConstantLR: factor must lie between 0 and 1, got ${factor}`);
    this.#factor = factor;
    this.#length = checkCount("ConstantLR", "totalIters", totalIters);
    this.start();
  }
  override factorAt(step: number): number {
    return step < this.#length ? this.#factor : 1;
  }
}

export interface LinearLROptions {
  /** Default 1/3. */
  readonly startFactor?: number;
  /** Default 1. */
  readonly endFactor?: number;
  /** Default 5. */
  readonly totalIters?: number;
}

/** From startFactor to endFactor in a straight line over totalIters steps. Source: torch.optim.lr_scheduler.LinearLR. */
export class LinearLR extends FactorSchedule {
  readonly #from: number;
  readonly #to: number;
  readonly #length: number;
  constructor(optimizer: Scheduled, { startFactor = 1 / 3, endFactor = 1, totalIters = 5 }: LinearLROptions = {}) {
    super(optimizer);
    if (!(startFactor > 0 && startFactor <= 1))
      throw new HebbError(`LinearLR: startFactor must lie above 0 and up to 1, got ${startFactor}`);
    if (!(endFactor >= 0 && endFactor <= 1))
      throw new HebbError(`LinearLR: endFactor must lie between 0 and 1, got ${endFactor}`);
    this.#from = startFactor;
    this.#to = endFactor;
    this.#length = checkCount("LinearLR", "totalIters", totalIters, 1);
    this.start();
  }
  override factorAt(step: number): number {
    return this.#from + ((this.#to - this.#from) * Math.min(step, this.#length)) / this.#length;
  }
}

/** base·(1 − t/totalIters)^power. Defaults totalIters 5, power 1. Source: torch.optim.lr_scheduler.PolynomialLR. */
export class PolynomialLR extends FactorSchedule {
  readonly #length: number;
  readonly #power: number;
  constructor(
    optimizer: Scheduled,
    { totalIters = 5, power = 1 }: { readonly totalIters?: number; readonly power?: number } = {},
  ) {
    super(optimizer);
    this.#length = checkCount("PolynomialLR", "totalIters", totalIters, 1);
    this.#power = power;
    this.start();
  }
  override factorAt(step: number): number {
    return (1 - Math.min(step, this.#length) / this.#length) ** this.#power;
  }
}

/** Half a cosine from the base rate to etaMin (default 0) over tMax steps, then back. Source: torch.optim.lr_scheduler.CosineAnnealingLR. */
export class CosineAnnealingLR extends Schedule {
  readonly #length: number;
  readonly #least: number;
  constructor(optimizer: Scheduled, tMax: number, { etaMin = 0 }: { readonly etaMin?: number } = {}) {
    super(optimizer);
    this.#length = checkCount("CosineAnnealingLR", "tMax", tMax, 1);
    this.#least = etaMin;
    this.start();
  }
  override rateAt(step: number, base: number): number {
    return this.#least + ((base - this.#least) * (1 + Math.cos((Math.PI * step) / this.#length))) / 2;
  }
  override follow(current: number, step: number, base: number): number {
    if (step === 0) return current;
    const height = (at: number): number => 1 + Math.cos((Math.PI * at) / this.#length);
    // At the bottom there is nothing to multiply.
    if ((step - 1 - this.#length) % (2 * this.#length) === 0)
      return current + ((base - this.#least) * (1 - Math.cos(Math.PI / this.#length))) / 2;
    return (height(step) / height(step - 1)) * (current - this.#least) + this.#least;
  }
}

export interface WarmRestartOptions {
  /** Each period is this many times as long as the one before. Default 1. */
  readonly tMult?: number;
  /** Default 0. */
  readonly etaMin?: number;
}

/** Cosines from the base rate to etaMin, again and again; the first takes t0 steps. Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts (SGDR). */
export class CosineAnnealingWarmRestarts extends Schedule {
  readonly #first: number;
  readonly #factor: number;
  readonly #least: number;
  constructor(optimizer: Scheduled, t0: number, { tMult = 1, etaMin = 0 }: WarmRestartOptions = {}) {
    super(optimizer);
    this.#first = checkCount("CosineAnnealingWarmRestarts", "t0", t0, 1);
    this.#factor = checkCount("CosineAnnealingWarmRestarts", "tMult", tMult, 1);
    this.#least = etaMin;
    this.start();
  }
  override rateAt(step: number, base: number): number {
    let place = step;
    let length = this.#first;
    if (this.#factor === 1) place %= length;
    while (place >= length) {
      place -= length;
      length *= this.#factor;
    }
    return this.#least + ((base - this.#least) * (1 + Math.cos((Math.PI * place) / length))) / 2;
  }
}
