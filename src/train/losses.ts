// The losses of past steps: collected unread and read on request, because reading waits for the device.
import { HebbError } from "../graph/errors.ts";
import type { Place } from "./feeds.ts";
import { MeanLoss, type StepLoss, type StepResult } from "./steps.ts";

/** A loss that is NaN or infinite, and the update that produced it. */
export interface BrokenLoss {
  readonly loss: number;
  readonly step: number;
}

/** An update with a failed check, reported later: neither it nor the updates after it changed anything. */
export interface LateFailure {
  readonly error: HebbError;
  readonly step: number;
}

/** A step whose loss was requested and has not arrived. */
interface Asked {
  readonly result: StepResult;
  readonly place: Place;
  /** The loss, or the reason why it cannot arrive. */
  readonly taken: Promise<StepLoss | { readonly error: unknown }>;
}

export class Losses {
  readonly #epochLoss: MeanLoss;
  /** The loss of the batches of the current update. */
  readonly #updateLoss = new MeanLoss();
  /** The first `#count` are valid; the arrays are reused, so that a step allocates none. */
  readonly #unread: StepResult[] = [];
  readonly #places: Place[] = [];
  #count = 0;
  #asked: Asked[] = [];
  /** Identifies the state that was restored last. */
  #since = {};
  #updates = 0;
  #last = Number.NaN;

  /** Losses that are read are added to the loss of the epoch. */
  constructor(epochLoss: MeanLoss) {
    this.#epochLoss = epochLoss;
  }

  /** The mean loss of the last update whose loss was read. */
  get last(): number {
    return this.#last;
  }

  /** Updates whose losses have been read. */
  get updatesRead(): number {
    return this.#updates;
  }

  /** Steps whose losses have not been requested. */
  get unread(): number {
    return this.#count;
  }

  add(result: StepResult, place: Place): void {
    this.#unread[this.#count] = result;
    this.#places[this.#count++] = place;
  }

  /** Reads all, up to the first that is NaN or infinite. */
  read(): BrokenLoss | undefined {
    let broken: BrokenLoss | undefined;
    for (let at = 0; at < this.#count && broken === undefined; at++) {
      const [loss, weight] = this.#unread[at] as StepResult;
      const taken = { loss: loss.itemSync(), weight: typeof weight === "number" ? weight : weight.itemSync() };
      broken = this.#take(taken, this.#places[at] as Place);
    }
    this.#count = 0;
    return broken;
  }

  /** read by promise: requests all losses, and waits for all but the last `ahead`, so that the device has work meanwhile. */
  async readLater(ahead: number): Promise<BrokenLoss | LateFailure | undefined> {
    this.#ask();
    const since = this.#since;
    while (this.#since === since && this.#asked.length > ahead) {
      const { result, place, taken } = this.#asked.shift() as Asked;
      let found = await taken;
      // The first reader also gets failures of other work, so values that exist are read again.
      if ("error" in found) found = await numbersOf(result);
      if (this.#since !== since) return undefined;
      const wrong = "error" in found ? late(found.error, this.#updates + 1) : this.#take(found, place);
      if (wrong !== undefined) {
        this.forget(wrong.step - 1);
        return wrong;
      }
    }
    return undefined;
  }

  #ask(): void {
    for (let at = 0; at < this.#count; at++) {
      const [result, place] = [this.#unread[at] as StepResult, this.#places[at] as Place];
      this.#asked.push({ result, place, taken: numbersOf(result) });
    }
    this.#count = 0;
  }

  #take(taken: StepLoss, { first, last }: Place): BrokenLoss | undefined {
    if (!Number.isFinite(taken.loss)) return { loss: taken.loss, step: this.#updates + 1 };
    this.#epochLoss.add(taken);
    if (first) this.#updateLoss.set({ sum: 0, weight: 0 });
    this.#updateLoss.add(taken);
    if (last) {
      this.#last = this.#updateLoss.weight > 0 ? this.#updateLoss.mean : taken.loss;
      this.#updates++;
    }
    return undefined;
  }

  /** Called after another state was restored, with `updates` updates. */
  forget(updates: number): void {
    [this.#count, this.#updates, this.#asked, this.#since] = [0, updates, [], {}];
  }
}

async function numbersOf([loss, weight]: StepResult): Promise<StepLoss | { readonly error: unknown }> {
  try {
    const [ofBatch, counted] = await Promise.all([loss.item(), typeof weight === "number" ? weight : weight.item()]);
    return { loss: ofBatch, weight: counted };
  } catch (error) {
    return { error };
  }
}

function late(error: unknown, step: number): LateFailure {
  if (!(error instanceof HebbError)) throw error;
  return { error: new HebbError(`step ${step}: ${error.message}`), step };
}
