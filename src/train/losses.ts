// The losses of steps that were taken: gathered unread, and read when somebody asks, for reading waits for the device.
import type { Place } from "./feeds.ts";
import { MeanLoss, type StepResult } from "./steps.ts";

/** A loss that is no number, and the update that gave it. */
export interface BrokenLoss {
  readonly loss: number;
  readonly step: number;
}

export class Losses {
  readonly #epochLoss: MeanLoss;
  /** Of the batches of the present update. */
  readonly #updateLoss = new MeanLoss();
  /** The first `#count` of these; the arrays stay, so that a step allocates none. */
  readonly #unread: StepResult[] = [];
  readonly #places: Place[] = [];
  #count = 0;
  #updates = 0;
  #last = Number.NaN;

  /** Adds what is read to the loss of the epoch. */
  constructor(epochLoss: MeanLoss) {
    this.#epochLoss = epochLoss;
  }

  /** The mean loss of the last update that was read. */
  get last(): number {
    return this.#last;
  }

  /** Updates whose losses have been read. */
  get updatesRead(): number {
    return this.#updates;
  }

  add(result: StepResult, place: Place): void {
    this.#unread[this.#count] = result;
    this.#places[this.#count++] = place;
  }

  /** Reads all, up to the first that is no number. */
  read(): BrokenLoss | undefined {
    let broken: BrokenLoss | undefined;
    for (let at = 0; at < this.#count && broken === undefined; at++) {
      const [loss, weight] = this.#unread[at] as StepResult;
      const { first, last } = this.#places[at] as Place;
      const taken = { loss: loss.itemSync(), weight: typeof weight === "number" ? weight : weight.itemSync() };
      if (!Number.isFinite(taken.loss)) broken = { loss: taken.loss, step: this.#updates + 1 };
      else {
        this.#epochLoss.add(taken);
        if (first) this.#updateLoss.set({ sum: 0, weight: 0 });
        this.#updateLoss.add(taken);
        if (last) {
          this.#last = this.#updateLoss.weight > 0 ? this.#updateLoss.mean : taken.loss;
          this.#updates++;
        }
      }
    }
    this.#count = 0;
    return broken;
  }

  /** Another state was put in place, after so many updates. */
  forget(updates: number): void {
    [this.#count, this.#updates] = [0, updates];
  }
}
