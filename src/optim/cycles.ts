// Cyclic schedules, with momentum in the opposite direction: OneCycleLR, CyclicLR; and SWALR, which anneals to a constant rate.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkCount, checkNumber, Schedule, type Scheduled } from "./schedule.ts";

export interface OneCycleOptions {
  /** The highest rate, one for all groups or one for each. */
  readonly maxLr: number | readonly number[];
  readonly totalSteps: number;
  /** The fraction of steps in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Default "cos". */
  readonly annealStrategy?: "cos" | "linear";
  /** Move the momentum (or the first beta) in the opposite direction. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.85. */
  readonly baseMomentum?: number;
  /** Default 0.95. */
  readonly maxMomentum?: number;
  /** The first rate is maxLr / divFactor. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first one divided by finalDivFactor. Default 1e4. */
  readonly finalDivFactor?: number;
  /** Fall for as long as the rise took, then to the last rate. Default false. */
  readonly threePhase?: boolean;
}

const oneCycleKinds: OptionKinds<OneCycleOptions> = {
  maxLr: kind.size,
  totalSteps: kind.number,
  pctStart: kind.number,
  annealStrategy: kind.oneOf("cos", "linear"),
  cycleMomentum: kind.boolean,
  baseMomentum: kind.number,
  maxMomentum: kind.number,
  divFactor: kind.number,
  finalDivFactor: kind.number,
  threePhase: kind.boolean,
};

/** Rises to maxLr and falls to almost nothing; step once for each batch. Source: torch.optim.lr_scheduler.OneCycleLR (Smith and Topin 2019). */
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
    checkOptions("OneCycleLR", options, oneCycleKinds);
    const { totalSteps, pctStart = 0.3, baseMomentum: low = 0.85, maxMomentum: high = 0.95 } = options;
    this.#total = checkCount("OneCycleLR", "totalSteps", totalSteps, 1);
    checkNumber("OneCycleLR", "pctStart", pctStart, 0, 1);
    this.#maxLrs = perGroup("OneCycleLR", "maxLr", options.maxLr, optimizer);
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

  /** The value at a step, computed by `value` from the phase and the fraction of it that has passed. */
  #within(step: number, value: (phase: Phase, share: number) => number): number {
    let start = 0;
    for (const [place, phase] of this.#phases.entries()) {
      if (step <= phase.end || place === this.#phases.length - 1)
        return value(phase, phase.end === start ? 1 : Math.min(1, (step - start) / (phase.end - start)));
      start = phase.end;
    }
    throw new HebbError("OneCycleLR: there is no phase");
  }

  #between(from: number, to: number, share: number): number {
    return this.#linear ? from + (to - from) * share : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  }

  override rateAt(step: number, _base: number, group: number): number {
    const max = at(this.#maxLrs, group);
    const first = max / this.#div;
    const heights: Heights = { first, max, last: first / this.#finalDiv };
    return this.#within(step, (phase, share) => this.#between(heights[phase.from], heights[phase.to], share));
  }

  override moveTo(step: number): void {
    // One step follows each batch, so the cycle ends after totalSteps steps.
    if (step > this.#total)
      throw new HebbError(
        `OneCycleLR: step ${step} is beyond totalSteps ${this.#total}; step once for each batch, and count all batches of all epochs`,
      );
    super.moveTo(step);
  }

  override arrive(step: number): void {
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

/** One phase of the cycle. */
interface Phase {
  readonly end: number;
  readonly from: keyof Heights;
  readonly to: keyof Heights;
  readonly momentum: readonly [number, number];
}

/** The option used as momentum. */
function momentumName(options: object): string | undefined {
  if ("betas" in options) return "beta1";
  return "momentum" in options && options.momentum !== 0 ? "momentum" : undefined;
}

export interface CyclicOptions {
  /** The lowest rate, one for all groups or one for each. */
  readonly baseLr: number | readonly number[];
  /** The highest rate, one for all groups or one for each. */
  readonly maxLr: number | readonly number[];
  /** Steps from the lowest to the highest rate. Default 2000. */
  readonly stepSizeUp?: number;
  /** Steps back. Default: stepSizeUp. */
  readonly stepSizeDown?: number;
  /** The height of cycles: constant, halved each time, or times gamma at each step. Default "triangular". */
  readonly mode?: "triangular" | "triangular2" | "expRange";
  /** For "expRange". Default 1. */
  readonly gamma?: number;
  /** The height as a function of the cycle (from 1) or of the step, instead of mode. */
  readonly scaleFn?: (at: number) => number;
  /** The argument of scaleFn. Default "cycle". */
  readonly scaleMode?: "cycle" | "iterations";
  /** Move the momentum (or the first beta) in the opposite direction. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.8. */
  readonly baseMomentum?: number;
  /** Default 0.9. */
  readonly maxMomentum?: number;
}

const cyclicKinds: OptionKinds<CyclicOptions> = {
  baseLr: kind.size,
  maxLr: kind.size,
  stepSizeUp: kind.number,
  stepSizeDown: kind.number,
  mode: kind.oneOf("triangular", "triangular2", "expRange"),
  gamma: kind.number,
  scaleFn: kind.func<(at: number) => number>(),
  scaleMode: kind.oneOf("cycle", "iterations"),
  cycleMomentum: kind.boolean,
  baseMomentum: kind.number,
  maxMomentum: kind.number,
};

/** The height of each cycle. */
const scales: Readonly<
  Record<NonNullable<CyclicOptions["mode"]>, (gamma: number) => (step: number, cycle: number) => number>
> = {
  triangular: () => () => 1,
  triangular2: () => (_, cycle) => 0.5 ** (cycle - 1),
  expRange: (gamma) => (step) => gamma ** step,
};

/** Moves up and down between two rates; step once for each batch. Source: torch.optim.lr_scheduler.CyclicLR (Smith 2017). */
export class CyclicLR extends Schedule {
  readonly #low: readonly number[];
  readonly #high: readonly number[];
  readonly #period: number;
  readonly #rise: number;
  readonly #scale: (step: number, cycle: number) => number;
  readonly #momenta: readonly [low: number, high: number] | undefined;

  constructor(optimizer: Scheduled, options: CyclicOptions) {
    super(optimizer);
    checkOptions("CyclicLR", options, cyclicKinds);
    const up = checkCount("CyclicLR", "stepSizeUp", options.stepSizeUp ?? 2000, 1);
    const down = checkCount("CyclicLR", "stepSizeDown", options.stepSizeDown ?? up, 1);
    this.#low = perGroup("CyclicLR", "baseLr", options.baseLr, optimizer);
    this.#high = perGroup("CyclicLR", "maxLr", options.maxLr, optimizer);
    this.#period = up + down;
    this.#rise = up / this.#period;
    const { mode = "triangular", gamma = 1, scaleFn, scaleMode = "cycle" } = options;
    this.#scale =
      scaleFn === undefined ? scales[mode](gamma) : (step, cycle) => scaleFn(scaleMode === "cycle" ? cycle : step);
    const { cycleMomentum = true, baseMomentum = 0.8, maxMomentum = 0.9 } = options;
    this.#momenta = cycleMomentum ? [baseMomentum, maxMomentum] : undefined;
    if (cycleMomentum && optimizer.groups.some((group) => momentumName(group.options) === undefined)) {
      throw new HebbError(
        "CyclicLR: this optimizer has no momentum to cycle; set cycleMomentum to false, or give SGD a momentum",
      );
    }
    this.start();
  }

  /** The position between the lowest and the highest rate, 0 … 1. */
  #height(step: number): number {
    const cycle = Math.floor(1 + step / this.#period);
    const x = 1 + step / this.#period - cycle;
    const share = x <= this.#rise ? x / this.#rise : (x - 1) / (this.#rise - 1);
    return share * this.#scale(step, cycle);
  }

  override rateAt(step: number, _base: number, group: number): number {
    const [low, high] = [at(this.#low, group), at(this.#high, group)];
    return low + (high - low) * this.#height(step);
  }

  override arrive(step: number): void {
    if (this.#momenta === undefined) return;
    const [low, high] = this.#momenta;
    const momentum = high - (high - low) * this.#height(step);
    for (const group of this.optimizer.groups) group.vary(momentumName(group.options) ?? "momentum", momentum);
  }
}

/** One value for each group. */
function perGroup(
  where: string,
  name: string,
  value: number | readonly number[],
  optimizer: Scheduled,
): readonly number[] {
  if (typeof value !== "number" && !Array.isArray(value))
    throw new HebbError(
      `${where}: ${name} must be a learning rate, or a list with one for each group, got ${describe(value)}`,
    );
  const list: readonly number[] = typeof value === "number" ? optimizer.groups.map(() => value) : value;
  if (list.length !== optimizer.groups.length)
    throw new HebbError(`${where}: ${list.length} values of ${name} do not fit ${optimizer.groups.length} groups`);
  return list;
}

export interface SWALROptions {
  /** The final rate, one for all groups or one for each. */
  readonly swaLr: number | readonly number[];
  /** The number of steps to the final rate. Default 10. */
  readonly annealEpochs?: number;
  /** Default "cos". */
  readonly annealStrategy?: "cos" | "linear";
}

/** Anneals from the current rate to swaLr, then stays constant: for averaging weights with SWA. Source: torch.optim.swa_utils.SWALR. */
export class SWALR extends Schedule {
  readonly #goals: readonly number[];
  readonly #length: number;
  readonly #linear: boolean;

  constructor(optimizer: Scheduled, options: SWALROptions) {
    super(optimizer);
    checkOptions("SWALR", options, swaKinds);
    this.#goals = perGroup("SWALR", "swaLr", options.swaLr, optimizer);
    this.#length = checkCount("SWALR", "annealEpochs", options.annealEpochs ?? 10);
    this.#linear = options.annealStrategy === "linear";
    this.start();
  }

  /** The fraction of the way covered after some steps, 0 … 1. */
  #share(step: number): number {
    const steps = this.#length === 0 ? Math.max(1, step) : step;
    const t = Math.max(0, Math.min(1, steps / Math.max(1, this.#length)));
    return this.#linear ? t : (1 - Math.cos(Math.PI * t)) / 2;
  }

  override rateAt(step: number, base: number, group: number): number {
    const share = this.#share(step);
    return (this.#goals[group] ?? base) * share + base * (1 - share);
  }

  protected override next(current: number, step: number, base: number, group: number): number {
    const goal = this.#goals[group] ?? base;
    const before = step === 0 ? 0 : this.#share(step - 1);
    const from = before === 1 ? goal : (current - before * goal) / (1 - before);
    const share = this.#share(step);
    return goal * share + from * (1 - share);
  }

  protected override first(current: number, base: number, group: number): number {
    return this.next(current, 0, base, group);
  }
}

const swaKinds: OptionKinds<SWALROptions> = {
  swaLr: kind.size,
  annealEpochs: kind.number,
  annealStrategy: kind.oneOf("cos", "linear"),
};
