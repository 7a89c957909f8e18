// Snapshots of a training to go back to, thinned out as they grow.
import type { Moment } from "./parts.ts";

export interface MomentsOptions {
  /** How many are kept at most. Default 1: the latest. */
  readonly most?: number;
  /** Updates between two that are kept without being asked for; doubled whenever there are too many. Default: none are. */
  readonly every?: number;
}

export class Moments {
  readonly #most: number;
  #every: number;
  #kept: Moment[] = [];

  constructor({ most = 1, every = Number.POSITIVE_INFINITY }: MomentsOptions) {
    this.#most = most;
    this.#every = every;
  }

  get latest(): Moment | undefined {
    return this.#kept.at(-1);
  }

  due(step: number): boolean {
    return step % this.#every === 0;
  }

  has(step: number): boolean {
    return this.#kept.some((moment) => moment.step === step);
  }

  add(moment: Moment): void {
    if (this.#most === 1) {
      this.#kept = [moment];
      return;
    }
    this.#kept = [...this.#kept.filter(({ step }) => step !== moment.step), moment].sort((a, b) => a.step - b.step);
    if (this.#kept.length <= this.#most) return;
    this.#every *= 2;
    // The first stays: nothing can be gone back to before it.
    this.#kept = this.#kept.filter(({ step }, place) => place === 0 || step % this.#every === 0);
  }

  /** The nearest one at or before a step. */
  before(step: number): Moment | undefined {
    return this.#kept.findLast((moment) => moment.step <= step);
  }

  /** Forgets those at a step and after it. */
  clearFrom(step: number): void {
    this.#kept = this.#kept.filter((moment) => moment.step < step);
  }
}
