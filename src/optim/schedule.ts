// The base class of learning-rate schedules: computes the rate of the next step from the current one, for each parameter group.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import type { CommonOptions, ParameterGroup } from "./parameterGroup.ts";

/** Plain data: the state of a schedule. States of earlier versions have no `lrs`. */
export type ScheduleState = {
  readonly step: number;
  readonly baseLrs: readonly number[];
  readonly lrs: readonly number[];
};

/** Any optimizer, with any options. */
export interface Scheduled {
  readonly groups: readonly ParameterGroup<CommonOptions>[];
}

/** Refuses anything but an optimizer. */
export function checkOptimizer(where: string, optimizer: Scheduled): void {
  if (Array.isArray(optimizer?.groups)) return;
  throw new HebbError(
    `${where}: takes an optimizer first, such as new optim.SGD(model.parameters()), got ${describe(optimizer)}`,
  );
}

/**
 * Sets the learning rate of every group at the start and at each `step()`, usually once an epoch (once a batch for OneCycleLR). Rates are cells, so
 * compiled steps continue without recompiling. A multiplicative schedule continues from the current rate, so a manual change persists; a schedule
 * that is a function of the step sets its own rate. Source: torch.optim.lr_scheduler.LRScheduler.
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

  /** The rate at `step` of a group whose current rate is `current`. Here: `rateAt`, for any current rate. */
  protected next(_current: number, step: number, base: number, group: number): number {
    return this.rateAt(step, base, group);
  }

  /** The rate at which this schedule takes over from another. */
  protected first(_current: number, base: number, group: number): number {
    return this.rateAt(0, base, group);
  }

  /** Sets other values that change with the step, such as the momentum. */
  arrive(_step: number): void {}

  /** Restores the rates before the first schedule. */
  protected reset(): void {
    this.#each((_, base) => base);
  }

  /** Must be called at the end of a constructor. */
  protected start(): void {
    this.moveTo(0);
  }

  /** Changes the rates of the previous step to those of `step`: called by `step()`, and by composite schedules. */
  moveTo(step: number): void {
    this.#each((lr, base, place) => this.next(lr, step, base, place));
    this.arrive(step);
  }

  /** Starts here, at its step 0, and replaces the schedule before. */
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

  /** The number of steps so far. */
  get stepCount(): number {
    return this.#step;
  }

  /** The current rate of each group. */
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

/** Checks the rates of a saved schedule, one for each group. */
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

/** Checks a whole number of at least `least`. */
export function checkCount(where: string, name: string, value: number, least = 0): number {
  if (!(Number.isInteger(value) && value >= least))
    throw new HebbError(
      `${where}: ${name} must be a whole number of ${least} or more, got ${typeof value === "number" ? value : describe(value)}`,
    );
  return value;
}

/** Checks a number, in a range if one is given. */
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
