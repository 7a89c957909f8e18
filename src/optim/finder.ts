// The learning-rate finder: raises the rate at each step and suggests one from the losses (Smith 2017).
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkCount, checkOptimizer, type Scheduled } from "./schedule.ts";

export interface FinderOptions {
  /** Default 1e-7. */
  readonly startLr?: number;
  /** Default 10. */
  readonly endLr?: number;
  /** Default 100. */
  readonly steps?: number;
  /** Equal ratios or equal differences between rates. Default "exponential". */
  readonly mode?: "exponential" | "linear";
  /** The weight of the old average loss at each step. Default 0.9. */
  readonly smoothing?: number;
  /** Stop when the average loss exceeds the best one by this factor. Default 4. */
  readonly divergence?: number;
}

const kinds: OptionKinds<FinderOptions> = {
  startLr: kind.number,
  endLr: kind.number,
  steps: kind.number,
  mode: kind.oneOf("exponential", "linear"),
  smoothing: kind.number,
  divergence: kind.number,
};

export interface FinderPoint {
  readonly lr: number;
  readonly loss: number;
  /** The moving average with bias correction. */
  readonly smoothed: number;
}

export interface FinderSuggestion {
  /** The rate at which the average loss falls fastest, against the logarithm of the rate: a good rate. */
  readonly steepest: number;
  /** A tenth of the rate with the lowest average loss: a safe rate. */
  readonly tenthOfLowest: number;
  /** The rate with the lowest average loss. */
  readonly lowest: number;
}

/** Rates and losses of one search. Use it directly or through findLearningRate. */
export class LRFinder {
  readonly #options: Required<FinderOptions>;
  readonly #points: FinderPoint[] = [];
  #average = 0;
  #best = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(options: FinderOptions = {}) {
    checkOptions("LRFinder", options, kinds);
    this.#options = {
      startLr: options.startLr ?? 1e-7,
      endLr: options.endLr ?? 10,
      steps: options.steps ?? 100,
      mode: options.mode ?? "exponential",
      smoothing: options.smoothing ?? 0.9,
      divergence: options.divergence ?? 4,
    };
    const { startLr, endLr, steps, smoothing } = this.#options;
    checkCount("LRFinder", "steps", steps, 3);
    if (!(startLr > 0 && startLr < endLr))
      throw new HebbError(`LRFinder: needs 0 < startLr < endLr, got ${startLr} and ${endLr}`);
    if (!(smoothing >= 0 && smoothing < 1))
      throw new HebbError(`LRFinder: smoothing must be 0 or more and below 1, got ${smoothing}`);
  }

  /** Whether all rates have been tried or the loss has diverged. */
  get done(): boolean {
    return this.#stopped || this.#points.length >= this.#options.steps;
  }

  /** The rate for the next step. */
  get lr(): number {
    const { startLr, endLr, steps, mode } = this.#options;
    const share = Math.min(1, this.#points.length / (steps - 1));
    return mode === "linear" ? startLr + (endLr - startLr) * share : startLr * (endLr / startLr) ** share;
  }

  get points(): readonly FinderPoint[] {
    return this.#points;
  }

  /** Records the loss of the step made with `lr`; false when the search is over. */
  record(loss: number): boolean {
    if (this.done) throw new HebbError("LRFinder: the search is over; read points and suggestion()");
    if (typeof loss !== "number")
      throw new HebbError(
        `LRFinder: takes the loss of a step as a number, got ${describe(loss)}; give await loss.item()`,
      );
    const { smoothing, divergence } = this.#options;
    const { lr } = this;
    this.#average = smoothing * this.#average + (1 - smoothing) * loss;
    const smoothed = this.#average / (1 - smoothing ** (this.#points.length + 1));
    this.#points.push({ lr, loss, smoothed });
    this.#best = Math.min(this.#best, smoothed);
    if (!Number.isFinite(loss) || (this.#best > 0 && smoothed > divergence * this.#best)) this.#stopped = true;
    return !this.done;
  }

  /** The suggested rates; undefined if the loss never fell. */
  suggestion(): FinderSuggestion | undefined {
    const points = this.#points.filter(({ smoothed }) => Number.isFinite(smoothed));
    let low = 0;
    for (const [place, { smoothed }] of points.entries()) if (smoothed < (points[low]?.smoothed ?? 0)) low = place;
    let [best, steepest] = [0, -1];
    for (let place = 1; place < low; place++) {
      const [before, after] = [points[place - 1], points[place + 1]];
      if (before === undefined || after === undefined) continue;
      const slope = (after.smoothed - before.smoothed) / Math.log(after.lr / before.lr);
      if (slope < best) [best, steepest] = [slope, place];
    }
    const [at, bottom] = [points[steepest], points[low]];
    if (at === undefined || bottom === undefined) return undefined;
    return { steepest: at.lr, lowest: bottom.lr, tenthOfLowest: bottom.lr / 10 };
  }
}

/**
 * Runs `step` (which makes one training step and returns its loss) with rising rates until all are tried or the loss diverges, then restores the
 * rates. The weights change: keep a state dict of model and optimizer to restore them.
 */
export function findLearningRate(optimizer: Scheduled, step: () => number, options: FinderOptions = {}): LRFinder {
  checkOptimizer("findLearningRate", optimizer);
  const finder = new LRFinder(options);
  const before = optimizer.groups.map(({ lr }) => lr);
  try {
    while (!finder.done) {
      for (const group of optimizer.groups) group.lr = finder.lr;
      finder.record(step());
    }
  } finally {
    for (const [place, group] of optimizer.groups.entries()) group.lr = before[place] ?? group.lr;
  }
  return finder;
}
