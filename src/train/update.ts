// An update as callbacks see it: its loss is read on request.
import { HebbError } from "../graph/errors.ts";
import { readsAtOnce } from "../tensor/reading.ts";
import type { StepMoment } from "./callback.ts";

/** The owner of the update's loss. */
interface Taker {
  readonly steps: number;
  readonly loss: number;
  readLossesLater(): Promise<boolean>;
}

export class Update implements StepMoment {
  readonly #taker: Taker;
  readonly epoch: number;
  readonly step: number;

  constructor(taker: Taker, epoch: number, step: number) {
    this.#taker = taker;
    this.epoch = epoch;
    this.step = step;
  }

  get loss(): number {
    this.#mustBeLatest();
    if (readsAtOnce()) return this.#taker.loss;
    throw new HebbError("stepEnd: the loss arrives later on this device; await moment.item() instead of moment.loss");
  }

  async item(): Promise<number> {
    this.#mustBeLatest();
    await this.#taker.readLossesLater();
    this.#mustBeLatest();
    return this.#taker.loss;
  }

  /** A moment does not keep its loss: the trainer has that of its latest update. */
  #mustBeLatest(): void {
    const { steps } = this.#taker;
    if (steps !== this.step)
      throw new HebbError(
        `stepEnd: the loss of step ${this.step} is asked for at step ${steps}; read it in the callback, and await moment.item() there`,
      );
  }
}
