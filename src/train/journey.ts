// Going to a step, back or ahead, from the nearest kept moment: one journey at a time.
import { HebbError } from "../graph/errors.ts";
import { readsAtOnce } from "../tensor/reading.ts";
import { numbersOf } from "./trainerOptions.ts";

/** A training that can go to a step. */
interface Traveller {
  readonly steps: number;
  readonly epochOver: boolean;
  beginLater(): Promise<void>;
  ready(): Promise<void>;
  rewind(step: number): void;
  step(): boolean;
  endEpochLater(): Promise<boolean>;
  readLossesLater(): Promise<boolean>;
}

export class Journey {
  readonly #training: Traveller;
  /** The destination. */
  #target: number | undefined;

  constructor(training: Traveller) {
    this.#training = training;
  }

  async to(step: number): Promise<void> {
    numbersOf("Trainer.goTo").whole("the step", step, 0);
    // Two journeys would take each other's steps, and each would undo the other's progress.
    if (this.#target !== undefined)
      throw new HebbError(
        `Trainer.goTo: training is on its way to step ${this.#target}, and cannot go to step ${step} meanwhile; await the first call before the next`,
      );
    this.#target = step;
    try {
      await this.#travel(step);
    } finally {
      this.#target = undefined;
    }
  }

  async #travel(step: number): Promise<void> {
    const training = this.#training;
    await training.beginLater();
    if (step < training.steps) training.rewind(step);
    while (training.steps < step) {
      await training.ready();
      if (training.epochOver) {
        if (!(await training.endEpochLater())) return;
        await training.ready();
      }
      if (!training.step()) return;
    }
    await training.ready();
    if (!readsAtOnce() && !(await training.readLossesLater())) return;
    if (training.epochOver) await training.endEpochLater();
  }
}
