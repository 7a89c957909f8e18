// Snapshots of a training to go back to, thinned out as they grow in number.
import type { Moment } from "./parts.ts";

export interface MomentsOptions {
  /** The maximum number kept. Default 1: the latest. */
  readonly most?: number;
  /** The number of updates between automatically kept snapshots; doubled whenever there are too many. Default: none. */
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
    // The first stays, because nothing before it can be reached again.
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
