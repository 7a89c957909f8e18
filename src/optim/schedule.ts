// The base of learning-rate schedules: from the rate of one step to that of the next, for each parameter group.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import type { CommonOptions, ParameterGroup } from "./parameterGroup.ts";

/** Plain data: the state of a schedule. States of earlier versions have no `lrs`. */
export type ScheduleState = {
  readonly step: number;
  readonly baseLrs: readonly number[];
  readonly lrs: readonly number[];
};

/** Any optimizer, whatever its options. */
export interface Scheduled {
  readonly groups: readonly ParameterGroup<CommonOptions>[];
}

/** Refuses what is not an optimizer. */
export function checkOptimizer(where: string, optimizer: Scheduled): void {
  if (Array.isArray(optimizer?.groups)) return;
  throw new HebbError(
    `${where}: takes an optimizer first, such as new optim.SGD(model.parameters()), got ${describe(optimizer)}`,
  );
}

/**
 * Sets the learning rate of every group at its start and at each `step()`, usually once an epoch (once a batch for
 * OneCycleLR). Rates are cells: compiled steps continue without recompiling. A multiplicative schedule continues from the rate
 * that it finds, so that one set by hand stays; one that is a function of the step sets its own. Source: torch.optim.lr_scheduler.LRScheduler.
 */
export abstract class Schedule {
  readonly optimizer: Scheduled;
  #baseLrs: readonly number[];
  #step = 0;

  constructor(optimizer: Scheduled) {
    checkOptimizer(new.target.name, optimizer);
    this.optimizer = optimizer;
    for (const group of optimizer.groups) group.initialLr ??= group.lr;
    this.#baseLrs = optimizer.groups.map((group) => group.initialLr ?? group.lr);
  }

  /** The rate after `step` steps of a group that started with `base`, if nothing else sets rates. */
  abstract rateAt(step: number, base: number, group: number): number;

  /** The rate at `step` of a group whose rate is now `current`. Here: `rateAt`, whatever it is now. */
  protected next(_current: number, step: number, base: number, group: number): number {
    return this.rateAt(step, base, group);
  }

  /** The rate with which this schedule takes over from another. */
  protected first(_current: number, base: number, group: number): number {
    return this.rateAt(0, base, group);
  }

  /** Sets other values that change with the step, such as a momentum. */
  arrive(_step: number): void {}

  /** Back to the rates before the first schedule. */
  protected reset(): void {
    this.#each((_, base) => base);
  }

  /** To be called at the end of a constructor. */
  protected start(): void {
    this.moveTo(0);
  }

  /** From the rates of the step before to those of `step`: called by `step()`, and by composite schedules. */
  moveTo(step: number): void {
    this.#each((lr, base, place) => this.next(lr, step, base, place));
    this.arrive(step);
  }

  /** Begins here, at its step 0, in place of the schedule before. */
  takeOver(): void {
    this.#each((lr, base, place) => this.first(lr, base, place));
    this.arrive(0);
  }

  #each(rate: (lr: number, base: number, place: number) => number): void {
    for (const [place, group] of this.optimizer.groups.entries())
      group.lr = rate(group.lr, this.#baseLrs[place] ?? group.lr, place);
  }

  step(): void {
    this.#step++;
    this.moveTo(this.#step);
  }

  /** How many steps have been made. */
  get stepCount(): number {
    return this.#step;
  }

  /** The present rate of each group. */
  get lastLr(): number[] {
    return this.optimizer.groups.map(({ lr }) => lr);
  }

  stateDict(): ScheduleState {
    return { step: this.#step, baseLrs: [...this.#baseLrs], lrs: this.lastLr };
  }

  loadStateDict(state: ScheduleState): void {
    const { step, baseLrs } = state ?? {};
    const lrs = state?.lrs ?? this.lastLr;
    checkRates("baseLrs", baseLrs, this.#baseLrs.length);
    checkRates("lrs", lrs, this.#baseLrs.length);
    this.#step = checkCount("loadStateDict", "step", step);
    this.#baseLrs = [...baseLrs];
    for (const [place, group] of this.optimizer.groups.entries()) group.lr = lrs[place] ?? group.lr;
    this.arrive(this.#step);
  }
}

/** The rates of a saved schedule, one for each group. */
export function checkRates(name: string, rates: readonly number[], groups: number): void {
  if (!Array.isArray(rates) || rates.some((rate) => typeof rate !== "number"))
    throw new HebbError(
      `loadStateDict: ${name} must be a list of learning rates, got ${describe(rates)}; pass what stateDict() of such a schedule returned`,
    );
  if (rates.length !== groups)
    throw new HebbError(
      `loadStateDict: the schedule was saved for ${rates.length} groups, this optimizer has ${groups}`,
    );
}

/** A whole number of `least` or more. */
export function checkCount(where: string, name: string, value: number, least = 0): number {
  if (!(Number.isInteger(value) && value >= least))
    throw new HebbError(
      `${where}: ${name} must be a whole number of ${least} or more, got ${typeof value === "number" ? value : describe(value)}`,
    );
  return value;
}

/** A number, in a range if one is given. */
export function checkNumber(
  where: string,
  name: string,
  value: number,
  least = Number.NEGATIVE_INFINITY,
  most = Number.POSITIVE_INFINITY,
): number {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new HebbError(`${where}: ${name} must be a number, got ${describe(value)}`);
  if (!(value >= least && value <= most))
    throw new HebbError(
      `${where}: ${name} must ${most === Number.POSITIVE_INFINITY ? `be at least ${least}` : `lie between ${least} and ${most}`}, got ${value}`,
    );
  return value;
}
