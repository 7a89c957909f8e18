// The base of learning-rate schedules: a rate as a pure function of the step, applied to an optimizer's groups.
import { HebbError } from "../graph/errors.ts";
import type { CommonOptions, ParameterGroup } from "./optimizer.ts";

/** Plain data: where a schedule stands. */
export interface ScheduleState {
  readonly step: number;
  readonly baseLrs: readonly number[];
}

/** Any optimizer, whatever its options. */
export interface Scheduled {
  readonly groups: readonly ParameterGroup<CommonOptions>[];
}

/**
 * Sets the learning rate of every group at its start and at each `step()`, usually once an epoch (once a batch for
 * OneCycleLR). Rates are cells: compiled steps go on without compiling anew. Source: torch.optim.lr_scheduler.LRScheduler.
 */
export abstract class Schedule {
  protected readonly optimizer: Scheduled;
  #baseLrs: readonly number[];
  #step = 0;

  constructor(optimizer: Scheduled) {
    this.optimizer = optimizer;
    for (const group of optimizer.groups) group.initialLr ??= group.lr;
    this.#baseLrs = optimizer.groups.map((group) => group.initialLr ?? group.lr);
  }

  /** The rate after `step` steps of a group that started with `base`. */
  abstract rateAt(step: number, base: number, group: number): number;

  /**
   * The rate at `step` of a group whose rate was `current` at the step before, for schedules in a chain. Here: `rateAt`, whatever the others did.
   * Schedules that multiply say by how much.
   */
  follow(_current: number, step: number, base: number, group: number): number {
    return this.rateAt(step, base, group);
  }

  /** To be called at the end of a constructor. */
  protected start(): void {
    this.apply(0);
  }

  protected apply(step: number): void {
    for (const [place, group] of this.optimizer.groups.entries()) {
      group.lr = this.rateAt(step, this.#baseLrs[place] ?? group.lr, place);
    }
  }

  step(): void {
    this.#step++;
    this.apply(this.#step);
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
    return { step: this.#step, baseLrs: [...this.#baseLrs] };
  }

  loadStateDict(state: ScheduleState): void {
    if (state.baseLrs.length !== this.#baseLrs.length) {
      throw new HebbError(
        `loadStateDict: the schedule was saved for ${state.baseLrs.length} groups, this optimizer has ${this.#baseLrs.length}`,
      );
    }
    this.#step = checkCount("loadStateDict", "step", state.step);
    this.#baseLrs = [...state.baseLrs];
    this.apply(this.#step);
  }
}

/** A schedule that multiplies the first rate by a factor. */
export abstract class FactorSchedule extends Schedule {
  /** By how much, after `step` steps. */
  abstract factorAt(step: number, group: number): number;

  rateAt(step: number, base: number, group: number): number {
    return base * this.factorAt(step, group);
  }

  override follow(current: number, step: number, _base: number, group: number): number {
    const before = step === 0 ? 1 : this.factorAt(step - 1, group);
    return before === 0 ? current : current * (this.factorAt(step, group) / before);
  }
}

/** A whole number of `least` or more. */
export function checkCount(where: string, name: string, value: number, least = 0): number {
  if (!(Number.isInteger(value) && value >= least))
    throw new HebbError(`${where}: ${name} must be a whole number of ${least} or more, got ${value}`);
  return value;
}
