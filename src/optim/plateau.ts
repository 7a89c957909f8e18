// ReduceLROnPlateau: lowers the rate when a metric stops improving.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkCount, checkNumber, checkOptimizer, checkRates, type Scheduled } from "./schedule.ts";

export interface PlateauOptions {
  /** Whether lower or higher is better. Default "min". */
  readonly mode?: "min" | "max";
  /** Default 0.1. */
  readonly factor?: number;
  /** Steps without improvement that are tolerated. Default 10. */
  readonly patience?: number;
  /** The minimum improvement, relative ("rel") or absolute ("abs"). Default 1e-4. */
  readonly threshold?: number;
  /** Default "rel". */
  readonly thresholdMode?: "rel" | "abs";
  /** Steps to wait after a reduction before counting again. Default 0. */
  readonly cooldown?: number;
  /** The minimum rate, one for all groups or one for each. Default 0. */
  readonly minLr?: number | readonly number[];
  /** Smaller changes of the rate are skipped. Default 1e-8. */
  readonly eps?: number;
}

const plateauKinds: OptionKinds<PlateauOptions> = {
  mode: kind.oneOf("min", "max"),
  factor: kind.number,
  patience: kind.number,
  threshold: kind.number,
  thresholdMode: kind.oneOf("rel", "abs"),
  cooldown: kind.number,
  minLr: kind.size,
  eps: kind.number,
};

/** Plain data: the state of the schedule. `best` is null before the first metric. */
export type PlateauState = {
  readonly best: number | null;
  readonly badSteps: number;
  readonly cooldownLeft: number;
  readonly lrs: readonly number[];
};

/**
 * Multiplies the rates by `factor` if the metric has not improved for more than `patience` steps. Source: torch.optim.lr_scheduler.ReduceLROnPlateau.
 */
export class ReduceLROnPlateau {
  readonly #optimizer: Scheduled;
  readonly #options: Required<PlateauOptions>;
  #best: number | undefined;
  #badSteps = 0;
  #cooldownLeft = 0;

  constructor(optimizer: Scheduled, options: PlateauOptions = {}) {
    checkOptimizer("ReduceLROnPlateau", optimizer);
    checkOptions("ReduceLROnPlateau", options, plateauKinds);
    this.#optimizer = optimizer;
    this.#options = {
      mode: options.mode ?? "min",
      factor: options.factor ?? 0.1,
      patience: options.patience ?? 10,
      threshold: options.threshold ?? 1e-4,
      thresholdMode: options.thresholdMode ?? "rel",
      cooldown: options.cooldown ?? 0,
      minLr: options.minLr ?? 0,
      eps: options.eps ?? 1e-8,
    };
    const { factor, patience, cooldown, minLr } = this.#options;
    if (!(factor > 0 && factor < 1))
      throw new HebbError(`ReduceLROnPlateau: factor must lie between 0 and 1, got ${factor}`);
    checkCount("ReduceLROnPlateau", "patience", patience);
    checkCount("ReduceLROnPlateau", "cooldown", cooldown);
    if (typeof minLr !== "number" && minLr.length !== optimizer.groups.length)
      throw new HebbError(
        `ReduceLROnPlateau: ${minLr.length} values of minLr do not fit ${optimizer.groups.length} groups`,
      );
  }

  /** Whether lower or higher values of the metric are better. */
  get mode(): "min" | "max" {
    return this.#options.mode;
  }

  #isBetter(metric: number): boolean {
    if (this.#best === undefined) return !Number.isNaN(metric);
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === "min" ? -1 : 1;
    const goal = thresholdMode === "rel" ? this.#best * (1 + sign * threshold) : this.#best + sign * threshold;
    return mode === "min" ? metric < goal : metric > goal;
  }

  /** Processes the metric of this epoch. */
  step(metric: number): void {
    const { patience, cooldown, factor, minLr, eps } = this.#options;
    if (typeof metric !== "number")
      throw new HebbError(
        `ReduceLROnPlateau: step takes the metric of this epoch, such as step(loss), got ${describe(metric)}`,
      );
    if (this.#isBetter(metric)) {
      this.#best = metric;
      this.#badSteps = 0;
    } else this.#badSteps++;
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft--;
      this.#badSteps = 0;
    }
    if (this.#badSteps <= patience) return;
    for (const [place, group] of this.#optimizer.groups.entries()) {
      const least = typeof minLr === "number" ? minLr : at(minLr, place);
      const lower = Math.max(group.lr * factor, least);
      if (group.lr - lower > eps) group.lr = lower;
    }
    this.#cooldownLeft = cooldown;
    this.#badSteps = 0;
  }

  get lastLr(): number[] {
    return this.#optimizer.groups.map(({ lr }) => lr);
  }

  stateDict(): PlateauState {
    return { best: this.#best ?? null, badSteps: this.#badSteps, cooldownLeft: this.#cooldownLeft, lrs: this.lastLr };
  }

  loadStateDict(state: PlateauState): void {
    checkRates("lrs", state?.lrs, this.#optimizer.groups.length);
    if (state.best !== null) checkNumber("loadStateDict", "best", state.best);
    this.#best = state.best ?? undefined;
    this.#badSteps = checkCount("loadStateDict", "badSteps", state.badSteps);
    this.#cooldownLeft = checkCount("loadStateDict", "cooldownLeft", state.cooldownLeft);
    for (const [place, group] of this.#optimizer.groups.entries()) group.lr = state.lrs[place] ?? group.lr;
  }
}
