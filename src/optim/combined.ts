// Composite schedules: in sequence, several at once, or after a warm-up.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { ReduceLROnPlateau } from "./plateau.ts";
import { checkCount, checkNumber, checkOptimizer, Schedule, type Scheduled } from "./schedule.ts";
import { checkMilestones } from "./schedules.ts";

/** Refuses anything but a list of schedules over one optimizer. */
function checkSchedules(where: string, schedules: readonly Schedule[], optimizer?: Scheduled): void {
  if (!Array.isArray(schedules))
    throw new HebbError(`${where}: takes a list of schedules such as [a, b], got ${describe(schedules)}`);
  if (schedules.length === 0) throw new HebbError(`${where}: takes at least one schedule`);
  const wanted = optimizer ?? (schedules[0] as Schedule).optimizer;
  for (const [place, schedule] of schedules.entries()) {
    if (schedule instanceof ReduceLROnPlateau)
      throw new HebbError(
        `${where}: schedule ${place} is ReduceLROnPlateau, which needs a metric at each step; step it separately`,
      );
    if (!(schedule instanceof Schedule))
      throw new HebbError(
        `${where}: schedule ${place} must be a schedule such as new optim.StepLR(optimizer, 10), got ${describe(schedule)}`,
      );
    if (schedule.optimizer !== wanted)
      throw new HebbError(
        `${where}: schedule ${place} belongs to another optimizer; build all schedules over the same one`,
      );
  }
}

/**
 * Runs schedules one after another. Each counts its own steps and takes over at its milestone. All are built over the same optimizer. Source:
 * torch.optim.lr_scheduler.SequentialLR.
 */
export class SequentialLR extends Schedule {
  readonly #schedules: readonly Schedule[];
  readonly #milestones: readonly number[];

  constructor(optimizer: Scheduled, schedules: readonly Schedule[], milestones: readonly number[]) {
    super(optimizer);
    checkSchedules("SequentialLR", schedules, optimizer);
    this.#milestones = checkMilestones("SequentialLR", milestones);
    if (milestones.length !== schedules.length - 1)
      throw new HebbError(
        `SequentialLR: ${schedules.length} schedules take ${schedules.length - 1} milestones between them, got ${milestones.length}`,
      );
    this.#schedules = schedules;
    this.start();
  }

  /** The schedule at a step, and the number of its own steps. */
  #at(step: number): { readonly schedule: Schedule | undefined; readonly since: number } {
    const place = this.#milestones.filter((milestone) => milestone <= step).length;
    return { schedule: this.#schedules[place], since: step - (this.#milestones[place - 1] ?? 0) };
  }

  override rateAt(step: number, base: number, group: number): number {
    const { schedule, since } = this.#at(step);
    return schedule?.rateAt(since, base, group) ?? base;
  }

  override moveTo(step: number): void {
    const { schedule, since } = this.#at(step);
    if (since === 0) schedule?.takeOver();
    else schedule?.moveTo(since);
  }

  protected override start(): void {
    // Undoes the changes that the schedules made to the rates when they were built.
    this.takeOver();
  }

  override takeOver(): void {
    this.reset();
    this.moveTo(0);
  }

  override arrive(step: number): void {
    const { schedule, since } = this.#at(step);
    schedule?.arrive(since);
  }
}

export interface WarmUpOptions {
  /** The first rate, as a fraction of the full rate. Default 1 / steps. */
  readonly startFactor?: number;
  /** The schedule that follows, over the same optimizer. */
  readonly after?: Schedule;
}

/** Rises linearly over `steps` steps from startFactor (default 1/steps) of the rate, then hands over to `after`, if any. */
export class WarmUp extends Schedule {
  readonly #steps: number;
  readonly #startFactor: number;
  readonly #after: Schedule | undefined;

  constructor(optimizer: Scheduled, steps: number, options: WarmUpOptions = {}) {
    super(optimizer);
    checkOptions("WarmUp", options, { startFactor: kind.number, after: kind.instanceOf(Schedule, "a schedule") });
    this.#steps = checkCount("WarmUp", "steps", steps, 1);
    this.#startFactor = checkNumber("WarmUp", "startFactor", options.startFactor ?? 1 / steps, 0);
    this.#after = options.after;
    if (this.#after !== undefined) checkSchedules("WarmUp", [this.#after], optimizer);
    this.start();
  }

  #share(step: number): number {
    return this.#startFactor + ((1 - this.#startFactor) * step) / this.#steps;
  }

  override rateAt(step: number, base: number, group: number): number {
    if (step >= this.#steps) return this.#after?.rateAt(step - this.#steps, base, group) ?? base;
    return (this.#after?.rateAt(0, base, group) ?? base) * this.#share(step);
  }

  override moveTo(step: number): void {
    if (step > this.#steps) {
      this.#after?.moveTo(step - this.#steps);
      return;
    }
    super.moveTo(step);
  }

  protected override next(current: number, step: number, base: number, group: number): number {
    const before = step === 0 ? 0 : this.#share(step - 1);
    // A factor of 0 would stay 0. The first rate is this schedule's, even if `after` set another when it was built.
    return before === 0 ? this.rateAt(step, base, group) : current * (this.#share(step) / before);
  }

  override arrive(step: number): void {
    this.#after?.arrive(Math.max(0, step - this.#steps));
  }
}

/**
 * Several schedules at every step, each applied to the rate set by the one before, so factors multiply. All are built over the same optimizer.
 * Source: torch.optim.lr_scheduler.ChainedScheduler.
 */
export class ChainedScheduler extends Schedule {
  readonly #schedules: readonly Schedule[];

  constructor(schedules: readonly Schedule[], optimizer?: Scheduled) {
    if (!Array.isArray(schedules) && Array.isArray(optimizer))
      throw new HebbError("ChainedScheduler: takes the schedules first: new ChainedScheduler([a, b], optimizer)");
    if (optimizer !== undefined) checkOptimizer("ChainedScheduler", optimizer);
    checkSchedules("ChainedScheduler", schedules, optimizer);
    super((schedules[0] as Schedule).optimizer);
    this.#schedules = schedules;
  }

  override rateAt(step: number, base: number, group: number): number {
    return this.#schedules.reduce((rate, schedule) => schedule.rateAt(step, rate, group), base);
  }

  override takeOver(): void {
    this.reset();
    this.moveTo(0);
  }

  override moveTo(step: number): void {
    for (const schedule of this.#schedules) schedule.moveTo(step);
  }

  override arrive(step: number): void {
    for (const schedule of this.#schedules) schedule.arrive(step);
  }
}
