// Replaces the weights by their averages while an epoch is evaluated; states saved meanwhile hold the trained weights.
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

  /** Puts the averages in place of the weights, or restores the weights. Returns whether the averages were in place before. */
  put(inPlace: boolean): boolean {
    const before = this.#inPlace;
    if (before !== inPlace) this.average?.swap();
    this.#inPlace = inPlace;
    return before;
  }

  /** Runs work with the trained weights in place. */
  *aside<T>(work: Reading<T>): Reading<T> {
    const before = this.put(false);
    try {
      return yield* work;
    } finally {
      this.put(before);
    }
  }
}
