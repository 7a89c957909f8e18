// The averages of the weights in their place while an epoch is evaluated; what is saved meanwhile are the weights that are trained.
import type { Module } from "../nn/index.ts";
import { EMA } from "../optim/index.ts";
import type { Reading } from "../tensor/reading.ts";

export class AveragedWeights {
  readonly average: EMA | undefined;
  #inPlace = false;

  constructor(model: Module, decay: number | undefined) {
    if (decay !== undefined)
      this.average = new EMA([...model.parameters(), ...model.buffers()], { decay, warmup: true });
  }

  /** Puts the averages in the place of the weights, or the weights back. Returns whether the averages were there. */
  put(inPlace: boolean): boolean {
    const before = this.#inPlace;
    if (before !== inPlace) this.average?.swap();
    this.#inPlace = inPlace;
    return before;
  }

  /** Work on the weights that are trained. */
  *aside<T>(work: Reading<T>): Reading<T> {
    const before = this.put(false);
    try {
      return yield* work;
    } finally {
      this.put(before);
    }
  }
}
