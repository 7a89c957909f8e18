// The figure that is watched: which epoch is best by it, with its weights, and how long nothing has been better.
import type { NamedArrays } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { EarlyStopping } from "./fitOptions.ts";
import type { ClassScores, Mode } from "./metrics.ts";

export interface Best {
  readonly epoch: number;
  readonly value: number;
  readonly weights: NamedArrays;
  readonly classes: readonly ClassScores[] | null;
}

/** Plain data; the weights of the best epoch are kept as arrays beside it. */
export interface WatchState {
  /** Null in states of earlier versions. */
  readonly monitor: string | null;
  readonly waited: number;
  readonly best: Omit<Best, "weights"> | null;
}

export class Watch {
  readonly monitor: string;
  readonly mode: Mode;
  readonly #patience: number | undefined;
  readonly #minDelta: number;
  #best: Best | undefined;
  #waited = 0;

  constructor(monitor: string, mode: Mode, { patience, minDelta = 0 }: Partial<EarlyStopping> = {}) {
    this.monitor = monitor;
    this.mode = mode;
    this.#patience = patience;
    this.#minDelta = minDelta;
  }

  get best(): Best | undefined {
    return this.#best;
  }

  /** Whether early stopping has waited long enough. */
  get exhausted(): boolean {
    return this.#patience !== undefined && this.#waited >= this.#patience;
  }

  /** Takes the figure of an epoch; true when it is the best so far, whose weights are then kept. */
  take(epoch: number, value: number, keep: () => Omit<Best, "epoch" | "value">): boolean {
    const better = this.#isBetter(value);
    if (better) this.#best = { epoch, value, ...keep() };
    this.#waited = better ? 0 : this.#waited + 1;
    return better;
  }

  #isBetter(value: number): boolean {
    if (!Number.isFinite(value)) return false;
    if (this.#best === undefined) return true;
    const gain = this.mode === "max" ? value - this.#best.value : this.#best.value - value;
    return gain > this.#minDelta;
  }

  /** Why training stops. */
  get reason(): string {
    return `the ${this.monitor} has not improved for ${this.#patience} epochs`;
  }

  state(): WatchState {
    const { monitor } = this;
    if (this.#best === undefined) return { monitor, waited: this.#waited, best: null };
    const { epoch, value, classes } = this.#best;
    return { monitor, waited: this.#waited, best: { epoch, value, classes } };
  }

  restore({ monitor, waited, best }: WatchState, weights: NamedArrays): void {
    if (monitor !== null && monitor !== this.monitor)
      throw new HebbError(
        `fit: the saved state watches the ${monitor}, and this run the ${this.monitor}; resume with monitor: "${monitor}"`,
      );
    this.#waited = waited;
    this.#best = best === null ? undefined : { ...best, weights };
  }
}
