// Learning-rate schedules: step, multi-step, exponential, functions, constant, linear, polynomial, cosine, restarts.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { checkCount, checkNumber, Schedule, type Scheduled } from "./schedule.ts";

export interface GammaOptions {
  /** The factor. Default 0.1. */
  readonly gamma?: number;
}

const gammaOf = (where: string, options: GammaOptions): number =>
  checkOptions(where, options, { gamma: kind.number }).gamma ?? 0.1;

/** Multiplies the rate by gamma every `stepSize` steps. Default gamma 0.1. Source: torch.optim.lr_scheduler.StepLR. */
export class StepLR extends Schedule {
  readonly #stepSize: number;
  readonly #gamma: number;

  constructor(optimizer: Scheduled, stepSize: number, options: GammaOptions = {}) {
    super(optimizer);
    this.#stepSize = checkCount("StepLR", "stepSize", stepSize, 1);
    this.#gamma = gammaOf("StepLR", options);
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return base * this.#gamma ** Math.floor(step / this.#stepSize);
  }

  protected override next(current: number, step: number): number {
    return step === 0 || step % this.#stepSize !== 0 ? current : current * this.#gamma;
  }
}

/** Multiplies the rate by gamma at each milestone. Default gamma 0.1. Source: torch.optim.lr_scheduler.MultiStepLR. */
export class MultiStepLR extends Schedule {
  readonly #milestones: readonly number[];
  readonly #gamma: number;

  constructor(optimizer: Scheduled, milestones: readonly number[], options: GammaOptions = {}) {
    super(optimizer);
    this.#milestones = checkMilestones("MultiStepLR", milestones);
    this.#gamma = gammaOf("MultiStepLR", options);
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return base * this.#gamma ** this.#milestones.filter((milestone) => milestone <= step).length;
  }

  protected override next(current: number, step: number): number {
    return current * this.#gamma ** this.#milestones.filter((milestone) => milestone === step).length;
  }
}

export function checkMilestones(where: string, milestones: readonly number[]): readonly number[] {
  if (!Array.isArray(milestones))
    throw new HebbError(`${where}: milestones must be a list of steps such as [30, 80], got ${describe(milestones)}`);
  return milestones.map((milestone: number) => checkCount(where, "a milestone", milestone));
}

/** Multiplies the rate by gamma at every step. Source: torch.optim.lr_scheduler.ExponentialLR. */
export class ExponentialLR extends Schedule {
  readonly #gamma: number;

  constructor(optimizer: Scheduled, gamma: number) {
    super(optimizer);
    this.#gamma = checkNumber("ExponentialLR", "gamma", gamma, 0);
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return base * this.#gamma ** step;
  }

  protected override next(current: number, step: number): number {
    return step === 0 ? current : current * this.#gamma;
  }
}

/** A function of the step, one for all groups or one for each. */
export type StepFunction = ((step: number) => number) | readonly ((step: number) => number)[];

function functionOf(where: string, given: StepFunction, groups: number): (group: number) => (step: number) => number {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  for (const one of list)
    if (typeof one !== "function")
      throw new HebbError(`${where}: takes a function of the step, or a list of them, got ${describe(one)}`);
  if (typeof given === "function") return () => given;
  if (given.length !== groups)
    throw new HebbError(`${where}: ${given.length} functions do not fit ${groups} groups of parameters`);
  return (group) => given[group] ?? (() => 1);
}

/** The initial rate times a function of the step. The function is not part of the state dict. Source: torch.optim.lr_scheduler.LambdaLR. */
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

/** Multiplies the rate by a function of the step, at every step from the first. Source: torch.optim.lr_scheduler.MultiplicativeLR. */
export class MultiplicativeLR extends Schedule {
  readonly #factor: (group: number) => (step: number) => number;

  constructor(optimizer: Scheduled, lrLambda: StepFunction) {
    super(optimizer);
    this.#factor = functionOf("MultiplicativeLR", lrLambda, optimizer.groups.length);
    this.start();
  }

  override rateAt(step: number, base: number, group: number): number {
    let rate = base;
    for (let at = 1; at <= step; at++) rate *= this.#factor(group)(at);
    return rate;
  }

  protected override next(current: number, step: number, _base: number, group: number): number {
    return step === 0 ? current : current * this.#factor(group)(step);
  }

  protected override first(current: number, _base: number, group: number): number {
    return current * this.#factor(group)(0);
  }
}

export interface ConstantLROptions {
  /** Default 1/3. */
  readonly factor?: number;
  /** Default 5. */
  readonly totalIters?: number;
}

/** The rate times `factor` for the first totalIters steps. Source: torch.optim.lr_scheduler.ConstantLR. */
export class ConstantLR extends Schedule {
  readonly #factor: number;
  readonly #length: number;

  constructor(optimizer: Scheduled, options: ConstantLROptions = {}) {
    super(optimizer);
    checkOptions("ConstantLR", options, { factor: kind.number, totalIters: kind.number });
    this.#factor = checkNumber("ConstantLR", "factor", options.factor ?? 1 / 3, 0, 1);
    this.#length = checkCount("ConstantLR", "totalIters", options.totalIters ?? 5);
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return step < this.#length ? base * this.#factor : base;
  }

  protected override next(current: number, step: number, base: number): number {
    if (step === 0) return current * this.#factor;
    if (step !== this.#length) return current;
    // A rate of 0 can only be restored from the base rate.
    return this.#factor === 0 ? base : current * (1 / this.#factor);
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

/** Changes linearly from startFactor to endFactor over totalIters steps. Source: torch.optim.lr_scheduler.LinearLR. */
export class LinearLR extends Schedule {
  readonly #from: number;
  readonly #to: number;
  readonly #length: number;

  constructor(optimizer: Scheduled, options: LinearLROptions = {}) {
    super(optimizer);
    checkOptions("LinearLR", options, { startFactor: kind.number, endFactor: kind.number, totalIters: kind.number });
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    if (!(startFactor > 0 && startFactor <= 1))
      throw new HebbError(`LinearLR: startFactor must be above 0 and at most 1, got ${startFactor}`);
    this.#from = startFactor;
    this.#to = checkNumber("LinearLR", "endFactor", endFactor, 0, 1);
    this.#length = checkCount("LinearLR", "totalIters", totalIters, 1);
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return base * (this.#from + ((this.#to - this.#from) * Math.min(step, this.#length)) / this.#length);
  }

  protected override next(current: number, step: number): number {
    if (step === 0) return current * this.#from;
    if (step > this.#length) return current;
    const rise = this.#to - this.#from;
    return current * (1 + rise / (this.#length * this.#from + (step - 1) * rise));
  }
}

export interface PolynomialLROptions {
  /** Default 5. */
  readonly totalIters?: number;
  /** Default 1. */
  readonly power?: number;
}

/** base·(1 − t/totalIters)^power. Defaults totalIters 5, power 1. Source: torch.optim.lr_scheduler.PolynomialLR. */
export class PolynomialLR extends Schedule {
  readonly #length: number;
  readonly #power: number;

  constructor(optimizer: Scheduled, options: PolynomialLROptions = {}) {
    super(optimizer);
    checkOptions("PolynomialLR", options, { totalIters: kind.number, power: kind.number });
    this.#length = checkCount("PolynomialLR", "totalIters", options.totalIters ?? 5, 1);
    this.#power = options.power ?? 1;
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return base * (1 - Math.min(step, this.#length) / this.#length) ** this.#power;
  }

  protected override next(current: number, step: number): number {
    if (step === 0 || step > this.#length) return current;
    return current * ((1 - step / this.#length) / (1 - (step - 1) / this.#length)) ** this.#power;
  }
}

export interface CosineOptions {
  /** The lowest rate. Default 0. */
  readonly etaMin?: number;
}

/** Half a cosine from the base rate to etaMin (default 0) over tMax steps, then back. Source: torch.optim.lr_scheduler.CosineAnnealingLR. */
export class CosineAnnealingLR extends Schedule {
  readonly #length: number;
  readonly #least: number;

  constructor(optimizer: Scheduled, tMax: number, options: CosineOptions = {}) {
    super(optimizer);
    checkOptions("CosineAnnealingLR", options, { etaMin: kind.number });
    this.#length = checkCount("CosineAnnealingLR", "tMax", tMax, 1);
    this.#least = options.etaMin ?? 0;
    this.start();
  }

  override rateAt(step: number, base: number): number {
    return this.#least + ((base - this.#least) * (1 + Math.cos((Math.PI * step) / this.#length))) / 2;
  }

  protected override next(current: number, step: number, base: number): number {
    if (step === 0) return current;
    const height = (at: number): number => 1 + Math.cos((Math.PI * at) / this.#length);
    // The previous step was at the minimum, where the factor below would divide by zero.
    if ((step - 1 - this.#length) % (2 * this.#length) === 0)
      return current + ((base - this.#least) * (1 - Math.cos(Math.PI / this.#length))) / 2;
    return (height(step) / height(step - 1)) * (current - this.#least) + this.#least;
  }
}

export interface WarmRestartOptions {
  /** The length of each period relative to the one before. Default 1. */
  readonly tMult?: number;
  /** Default 0. */
  readonly etaMin?: number;
}

/** Repeated cosines from the base rate to etaMin; the first takes t0 steps. Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts (SGDR). */
export class CosineAnnealingWarmRestarts extends Schedule {
  readonly #first: number;
  readonly #factor: number;
  readonly #least: number;

  constructor(optimizer: Scheduled, t0: number, options: WarmRestartOptions = {}) {
    super(optimizer);
    checkOptions("CosineAnnealingWarmRestarts", options, { tMult: kind.number, etaMin: kind.number });
    this.#first = checkCount("CosineAnnealingWarmRestarts", "t0", t0, 1);
    this.#factor = checkCount("CosineAnnealingWarmRestarts", "tMult", options.tMult ?? 1, 1);
    this.#least = options.etaMin ?? 0;
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
