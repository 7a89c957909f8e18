// Schedules made of schedules: one after another, several at once, a warm-up before one.
import { HebbError } from "../graph/errors.ts";
import { checkCount, Schedule, type Scheduled } from "./schedule.ts";

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

/**
 * Several schedules at every step, each going on from what the one before made of the rate: factors multiply. The schedules are built over
 * the same optimizer. Source: torch.optim.lr_scheduler.ChainedScheduler.
 */
export class ChainedScheduler extends Schedule {
  readonly #schedules: readonly Schedule[];
  /** The last step that was worked out, from which rate, and the rate there, by group. */
  readonly #known: { step: number; base: number; rate: number }[] = [];

  constructor(optimizer: Scheduled, schedules: readonly Schedule[]) {
    super(optimizer);
    if (schedules.length === 0) throw new HebbError("ChainedScheduler: takes at least one schedule");
    this.#schedules = schedules;
    this.start();
  }

  override rateAt(step: number, base: number, group: number): number {
    let known = this.#known[group];
    if (known === undefined || known.step > step || known.base !== base) known = { step: -1, base, rate: base };
    for (let at = known.step + 1; at <= step; at++)
      known.rate = this.#schedules.reduce((rate, schedule) => schedule.follow(rate, at, base, group), known.rate);
    known.step = step;
    this.#known[group] = known;
    return known.rate;
  }
}
