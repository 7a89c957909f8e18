// Learning-rate schedules: step, multi-step, exponential, linear, polynomial, cosine, restarts, one cycle, sequences, warm-up.
import { HebbError } from "../graph/errors.ts";
import { checkCount, Schedule, type Scheduled } from "./schedule.ts";

/** Times gamma every `stepSize` steps. Default gamma 0.1. Source: torch.optim.lr_scheduler.StepLR. */
export class StepLR extends Schedule {
  readonly #stepSize: number;
  readonly #gamma: number;
  constructor(optimizer: Scheduled, stepSize: number, { gamma = 0.1 }: { readonly gamma?: number } = {}) {
    super(optimizer);
    this.#stepSize = checkCount("StepLR", "stepSize", stepSize, 1);
    this.#gamma = gamma;
    this.start();
  }
  override rateAt(step: number, base: number): number {
    return base * this.#gamma ** Math.floor(step / this.#stepSize);
  }
}

/** Times gamma at each milestone. Default gamma 0.1. Source: torch.optim.lr_scheduler.MultiStepLR. */
export class MultiStepLR extends Schedule {
  readonly #milestones: readonly number[];
  readonly #gamma: number;
  constructor(optimizer: Scheduled, milestones: readonly number[], { gamma = 0.1 }: { readonly gamma?: number } = {}) {
    super(optimizer);
    this.#milestones = milestones.map((milestone) => checkCount("MultiStepLR", "a milestone", milestone));
    this.#gamma = gamma;
    this.start();
  }
  override rateAt(step: number, base: number): number {
    return base * this.#gamma ** this.#milestones.filter((milestone) => milestone <= step).length;
  }
}

/** Times gamma at every step. Source: torch.optim.lr_scheduler.ExponentialLR. */
export class ExponentialLR extends Schedule {
  readonly #gamma: number;
  constructor(optimizer: Scheduled, gamma: number) {
    super(optimizer);
    this.#gamma = gamma;
    this.start();
  }
  override rateAt(step: number, base: number): number {
    return base * this.#gamma ** step;
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
export class LinearLR extends Schedule {
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
  override rateAt(step: number, base: number): number {
    return base * (this.#from + ((this.#to - this.#from) * Math.min(step, this.#length)) / this.#length);
  }
}

/** base·(1 − t/totalIters)^power. Defaults totalIters 5, power 1. Source: torch.optim.lr_scheduler.PolynomialLR. */
export class PolynomialLR extends Schedule {
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
  override rateAt(step: number, base: number): number {
    return base * (1 - Math.min(step, this.#length) / this.#length) ** this.#power;
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

export interface OneCycleOptions {
  /** The highest rate, one for all groups or one for each. */
  readonly maxLr: number | readonly number[];
  readonly totalSteps: number;
  /** The share of steps in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Default "cos". */
  readonly annealStrategy?: "cos" | "linear";
  /** Move the momentum (or the first beta) the other way. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.85. */
  readonly baseMomentum?: number;
  /** Default 0.95. */
  readonly maxMomentum?: number;
  /** maxLr / divFactor is the first rate. Default 25. */
  readonly divFactor?: number;
  /** The first rate / finalDivFactor is the last. Default 1e4. */
  readonly finalDivFactor?: number;
  /** Fall as long as the rise took, then to the last rate. Default false. */
  readonly threePhase?: boolean;
}

/** Up to maxLr and down to almost nothing; step once for each batch. Source: torch.optim.lr_scheduler.OneCycleLR (Smith and Topin 2019). */
export class OneCycleLR extends Schedule {
  readonly #maxLrs: readonly number[];
  readonly #total: number;
  readonly #linear: boolean;
  readonly #phases: readonly Phase[];
  readonly #div: number;
  readonly #finalDiv: number;
  readonly #cycleMomentum: boolean;

  constructor(optimizer: Scheduled, options: OneCycleOptions) {
    super(optimizer);
    const { maxLr, totalSteps, pctStart = 0.3, baseMomentum: low = 0.85, maxMomentum: high = 0.95 } = options;
    this.#total = checkCount("OneCycleLR", "totalSteps", totalSteps, 1);
    if (!(pctStart >= 0 && pctStart <= 1))
      throw new HebbError(`OneCycleLR: pctStart must lie between 0 and 1, got ${pctStart}`);
    this.#maxLrs = typeof maxLr === "number" ? optimizer.groups.map(() => maxLr) : maxLr;
    if (this.#maxLrs.length !== optimizer.groups.length)
      throw new HebbError(
        `OneCycleLR: ${this.#maxLrs.length} values of maxLr do not fit ${optimizer.groups.length} groups`,
      );
    this.#linear = options.annealStrategy === "linear";
    this.#div = options.divFactor ?? 25;
    this.#finalDiv = options.finalDivFactor ?? 1e4;
    this.#cycleMomentum = options.cycleMomentum ?? true;
    const up = { end: pctStart * totalSteps - 1, from: "first", to: "max", momentum: [high, low] } as const;
    this.#phases = options.threePhase
      ? [
          up,
          { end: 2 * pctStart * totalSteps - 2, from: "max", to: "first", momentum: [low, high] },
          { end: totalSteps - 1, from: "first", to: "last", momentum: [high, high] },
        ]
      : [up, { end: totalSteps - 1, from: "max", to: "last", momentum: [low, high] }];
    if (this.#cycleMomentum && optimizer.groups.some((group) => momentumName(group.options) === undefined)) {
      throw new HebbError(
        "OneCycleLR: this optimizer has no momentum to cycle; set cycleMomentum to false, or give SGD a momentum",
      );
    }
    this.start();
  }

  /** The value at a step: what `value` makes of the phase and of how much of it has passed. */
  #within(step: number, value: (phase: Phase, share: number) => number): number {
    let start = 0;
    for (const [place, phase] of this.#phases.entries()) {
      if (step <= phase.end || place === this.#phases.length - 1)
        return value(phase, phase.end === start ? 1 : (step - start) / (phase.end - start));
      start = phase.end;
    }
    throw new HebbError("OneCycleLR: there is no phase");
  }

  #between(from: number, to: number, share: number): number {
    return this.#linear ? from + (to - from) * share : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  }

  override rateAt(step: number, _base: number, group: number): number {
    const max = this.#maxLrs[group] ?? 0;
    const first = max / this.#div;
    const heights: Heights = { first, max, last: first / this.#finalDiv };
    return this.#within(step, (phase, share) => this.#between(heights[phase.from], heights[phase.to], share));
  }

  protected override apply(step: number): void {
    if (step >= this.#total)
      throw new HebbError(
        `OneCycleLR: step ${step} is beyond totalSteps ${this.#total}; step once for each batch, and count all batches of all epochs`,
      );
    super.apply(step);
    if (!this.#cycleMomentum) return;
    const momentum = this.#within(step, (phase, share) => this.#between(phase.momentum[0], phase.momentum[1], share));
    for (const group of this.optimizer.groups) group.vary(momentumName(group.options) ?? "momentum", momentum);
  }
}

interface Heights {
  readonly first: number;
  readonly max: number;
  readonly last: number;
}

/** One stretch of the cycle. */
interface Phase {
  readonly end: number;
  readonly from: keyof Heights;
  readonly to: keyof Heights;
  readonly momentum: readonly [number, number];
}

/** The option that plays the part of momentum. */
function momentumName(options: object): string | undefined {
  if ("betas" in options) return "beta1";
  return "momentum" in options && options.momentum !== 0 ? "momentum" : undefined;
}

/**
 * One schedule after another; each counts its own steps, and takes over at its milestone. The schedules are built over the same
 * optimizer. Source: torch.optim.lr_scheduler.SequentialLR.
 */
export class SequentialLR extends Schedule {
  readonly #schedules: readonly Schedule[];
  readonly #milestones: readonly number[];
  constructor(optimizer: Scheduled, schedules: readonly Schedule[], milestones: readonly number[]) {
    super(optimizer);
    if (schedules.length === 0 || milestones.length !== schedules.length - 1) {
      throw new HebbError(
        `SequentialLR: ${schedules.length} schedules take ${Math.max(0, schedules.length - 1)} milestones between them, got ${milestones.length}`,
      );
    }
    this.#schedules = schedules;
    this.#milestones = milestones.map((milestone) => checkCount("SequentialLR", "a milestone", milestone));
    this.start();
  }
  override rateAt(step: number, base: number, group: number): number {
    const place = this.#milestones.filter((milestone) => milestone <= step).length;
    const since = place === 0 ? 0 : (this.#milestones[place - 1] ?? 0);
    return this.#schedules[place]?.rateAt(step - since, base, group) ?? base;
  }
}

/** Rises in a straight line over `steps` steps from startFactor (default 1/steps) of the rate, then leaves it to `after`, if any. */
export class WarmUp extends Schedule {
  readonly #steps: number;
  readonly #startFactor: number;
  readonly #after: Schedule | undefined;
  constructor(
    optimizer: Scheduled,
    steps: number,
    { startFactor, after }: { readonly startFactor?: number; readonly after?: Schedule } = {},
  ) {
    super(optimizer);
    this.#steps = checkCount("WarmUp", "steps", steps, 1);
    this.#startFactor = startFactor ?? 1 / steps;
    this.#after = after;
    this.start();
  }
  override rateAt(step: number, base: number, group: number): number {
    if (step >= this.#steps) return this.#after?.rateAt(step - this.#steps, base, group) ?? base;
    const goal = this.#after?.rateAt(0, base, group) ?? base;
    return goal * (this.#startFactor + ((1 - this.#startFactor) * step) / this.#steps);
  }
}
