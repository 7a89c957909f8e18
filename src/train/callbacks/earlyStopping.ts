// EarlyStopping: ends training when the monitored metric has not improved for some epochs.
import { aCount, aNumber, objectOf } from "../../formats/json.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import type { Callback, Training } from "../callback.ts";
import type { PartState, SavedPart } from "../parts.ts";
import { type EpochRecord, orNull } from "../state.ts";
import { Improvement } from "../watch.ts";

export interface EarlyStoppingOptions {
  /** Epochs without improvement of the monitored metric before training stops. */
  readonly patience: number;
  /** The minimum change that counts as an improvement. Default 0. */
  readonly minDelta?: number;
}

const kinds: OptionKinds<EarlyStoppingOptions> = { patience: kind.number, minDelta: kind.number };
const saved = objectOf<{ waited: number; best: number | null }>({ waited: aCount, best: orNull(aNumber) });

export class EarlyStopping implements Callback {
  readonly name = "earlyStopping";
  readonly patience: number;
  readonly minDelta: number;
  #training: Training | undefined;
  #improvement = new Improvement("min", 0);
  #waited = 0;
  #best: number | undefined;

  constructor(options: EarlyStoppingOptions) {
    const { patience, minDelta = 0 } = checkOptions("EarlyStopping", options, kinds);
    if (!(Number.isSafeInteger(patience) && patience >= 1))
      throw new HebbError(
        `EarlyStopping: patience must be a whole number of at least 1, the epochs without improvement before training stops, got ${patience}`,
      );
    if (!(minDelta >= 0)) throw new HebbError(`EarlyStopping: minDelta must be at least 0, got ${minDelta}`);
    this.patience = patience;
    this.minDelta = minDelta;
  }

  attach(training: Training): void {
    this.#training = training;
    this.#improvement = new Improvement(training.mode, this.minDelta);
  }

  epochEnd(record: EpochRecord): undefined {
    const value = this.#training?.watched(record) ?? Number.NaN;
    const better = this.#improvement.over(this.#best, value);
    if (better) this.#best = value;
    this.#waited = better ? 0 : this.#waited + 1;
  }

  enough(): string | undefined {
    return this.#waited >= this.patience
      ? `the ${this.#training?.monitor} has not improved for ${this.patience} epochs`
      : undefined;
  }

  state(): PartState {
    return { json: { waited: this.#waited, best: this.#best ?? null } };
  }

  restore({ json }: SavedPart): void {
    const { waited, best } = saved(json, "checkpoint: earlyStopping");
    [this.#waited, this.#best] = [waited, best ?? undefined];
  }
}
