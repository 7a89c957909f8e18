// Saving: passes on states to save, at the end of epochs and from time to time within them.
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import type { Callback, Rest, Training } from "../callback.ts";
import type { TrainState } from "../state.ts";

export type Save = (state: TrainState, at: { readonly epoch: number; readonly step: number }) => void;

/** Training between two saves takes at least this many times as long as a save. */
const mostOfTime = 30;

export interface SavingOptions {
  readonly save: Save;
  /** Minimum milliseconds between two saves. Default 1000, more if saving is slow. */
  readonly every?: number | undefined;
}

const kinds: OptionKinds<SavingOptions> = { save: kind.func<Save>(), every: kind.number };

export class Saving implements Callback {
  readonly #options: SavingOptions;
  #training: Training | undefined;
  #last = performance.now();
  /** The duration of the last save within an epoch, in milliseconds. */
  #cost = 0;

  constructor(options: SavingOptions) {
    this.#options = checkOptions("Saving", options, kinds);
  }

  attach(training: Training): void {
    this.#training = training;
  }

  async rest(at: Rest): Promise<void> {
    const now = performance.now();
    const training = this.#training;
    if (training === undefined) return;
    const { company } = training;
    const own = now - this.#last >= (this.#options.every ?? Math.max(1000, mostOfTime * this.#cost));
    // Rank 0's clock decides, because all ranks must keep the same moments.
    if ((at === "breath" || at === "epoch") && !company.decides(own)) return;
    this.#last = now;
    if (at === "breath") await training.keep();
    const { kept } = training;
    if (kept === undefined || !company.speaks) return;
    const { epoch } = training;
    this.#options.save(kept.state, { epoch, step: kept.step });
    // Otherwise, saving a large model often could take longer than training it.
    if (at === "breath") this.#cost = performance.now() - now;
    training.tell({ type: "checkpoint", epoch, step: kept.step });
  }
}
