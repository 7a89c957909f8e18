// An update as callbacks see it: its loss is read when it is asked for.
import { HebbError } from "../graph/errors.ts";
import { readsAtOnce } from "../tensor/reading.ts";
import type { StepMoment } from "./callback.ts";

/** Who has the loss of the update. */
interface Taker {
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
    if (readsAtOnce()) return this.#taker.loss;
    throw new HebbError("stepEnd: the loss arrives later on this device; await moment.item() instead of moment.loss");
  }

  async item(): Promise<number> {
    await this.#taker.readLossesLater();
    return this.#taker.loss;
  }
}
