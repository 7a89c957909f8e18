// Averages of weights over training: EMA (exponential) and SWA (uniform), swapped in for evaluation and out again.

import { type DType, isFloat, isHalf } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { type LoadableValue, readStateValue } from "../nn/stateValue.ts";
import { currentTrace, flush, State, Tensor, traceGuard, where } from "../tensor/index.ts";
import { checkNumber } from "./schedule.ts";

/** Averages by position, and the number of updates: plain tensors. */
export interface AverageState {
  readonly state: Readonly<Record<string, Tensor>>;
}

/** The same, as tensors or as arrays from a file. */
export interface LoadedAverageState {
  readonly state: Readonly<Record<string, LoadableValue>>;
}

/** A 16-bit float would round away small updates. */
const averagedIn = ({ dtype }: State): DType => (isHalf(dtype) ? "float32" : dtype);

/**
 * The average of states (parameters; buffers too, if given) over updates. Call `update()` after each step, inside `compile` or not. The first update
 * copies. Whole numbers are not averaged, but copied from the states.
 */
export abstract class WeightAverage {
  readonly #states: readonly State[];
  readonly #averages: readonly State[];
  /** Exact averages, while the weights hold rounded ones. */
  readonly #exact: readonly (State | undefined)[];
  readonly #count = new State(0, { dtype: "float64", name: "updates" });
  #swapped = false;
  /** Whether the averages are swapped in, for each trace. */
  readonly #swappedIn = new WeakMap<object, boolean>();

  constructor(states: Iterable<State>) {
    this.#states = statesIn(new.target.name, states);
    if (this.#states.length === 0) throw new HebbError("weight averaging needs parameters; pass model.parameters()");
    this.#averages = this.#states.map(
      (state) => new State(state.detach(), { dtype: averagedIn(state), name: `${state.name}.average` }),
    );
    this.#exact = this.#states.map((state) =>
      isHalf(state.dtype) ? new State(0, { shape: state.shape, name: `${state.name}.exact` }) : undefined,
    );
  }

  /** The weight of the new values in an update, float64, given the number of earlier updates. */
  protected abstract shareAfter(count: Tensor): Tensor;

  /** Whether the averages are swapped in; inside a compiled function, at this point of the trace. */
  #isSwapped(): boolean {
    const trace = currentTrace();
    return (trace && this.#swappedIn.get(trace)) ?? traceGuard(() => this.#swapped);
  }

  #setSwapped(swapped: boolean): void {
    const trace = currentTrace();
    if (trace === undefined) {
      this.#swapped = swapped;
      return;
    }
    this.#swappedIn.set(trace, swapped);
    trace.afterRun.push(() => {
      this.#swapped = swapped;
    });
  }

  /** While weights and averages are swapped, each would be taken for the other. */
  #refuseSwapped(before: string): void {
    if (this.#isSwapped())
      throw new HebbError(`the averages are swapped in; call swap() to restore the weights before ${before}`);
  }

  /** Updates the averages with the current weights. */
  update(): void {
    this.#refuseSwapped("the next update");
    const count: Tensor = this.#count;
    const share = where(count.eq(0), 1, this.shareAfter(count));
    for (const [place, state] of this.#states.entries()) {
      const average = this.#averages[place];
      if (average === undefined) continue;
      const now = state.detach();
      if (isFloat(state.dtype)) average.assign(average.add(now.sub(average).mul(share.to(average.dtype))));
      else average.assign(now);
    }
    this.#count.assign(count.add(1));
    flush();
  }

  /** Swaps weights and averages; a second call swaps back. */
  swap(): void {
    const swapped = this.#isSwapped();
    for (const [place, state] of this.#states.entries()) {
      const average = this.#averages[place];
      if (average === undefined) continue;
      const now = state.detach();
      const exact = this.#exact[place];
      state.assign(average.detach());
      if (swapped && exact !== undefined) average.assign(exact.detach());
      else {
        exact?.assign(average.detach());
        average.assign(now);
      }
    }
    flush();
    this.#setSwapped(!swapped);
  }

  /** Runs a function with the averages in place of the weights, and restores the weights, also after an error. */
  use<T>(body: () => T): T {
    this.swap();
    try {
      return body();
    } finally {
      this.swap();
    }
  }

  /** Copies the averages into the weights permanently. */
  copyTo(): void {
    this.#refuseSwapped("the averages are copied");
    for (const [place, state] of this.#states.entries()) {
      const average = this.#averages[place];
      if (average !== undefined) state.assign(average.detach());
    }
    flush();
  }

  /** The current averages ("0", "1", …) and the number of updates ("updates"). */
  stateDict(): AverageState {
    this.#refuseSwapped("the averages are saved");
    const state: Record<string, Tensor> = Object.create(null);
    for (const [place, average] of this.#averages.entries()) state[String(place)] = Tensor.of(average.node);
    state["updates"] = Tensor.of(this.#count.node);
    return { state };
  }

  /** Continues from a state dict over the same weights. Throws HebbError, changing nothing, if it does not match. */
  loadStateDict(saved: LoadedAverageState): void {
    this.#refuseSwapped("others are loaded");
    const state = saved?.state;
    if (typeof state !== "object" || state === null)
      throw new HebbError(
        `loadStateDict: takes what stateDict() of an average returned, { state }, got ${describe(saved)}`,
      );
    const all = [
      ...this.#averages.map((average, place) => [String(place), average] as const),
      ["updates", this.#count] as const,
    ];
    const fitting = all.map(([name, cell]) => {
      const value = Object.hasOwn(state, name) ? readStateValue(name, state[name]) : undefined;
      if (
        value === undefined ||
        value.shape.length !== cell.rank ||
        value.shape.some((size, axis) => size !== cell.shape[axis])
      )
        throw new HebbError(
          `loadStateDict: the average "${name}" ${value === undefined ? "is missing" : `is [${value.shape.join(", ")}] and must be [${cell.shape.join(", ")}]`}; load it over the same model`,
        );
      return [cell, value] as const;
    });
    for (const [cell, value] of fitting) cell.assign(value instanceof Tensor ? value : value.data);
  }
}

/** The states to average, from an iterable. */
function statesIn(where: string, states: Iterable<State>): State[] {
  const given: unknown = states;
  const list: readonly unknown[] =
    typeof given === "object" && given !== null && Symbol.iterator in given && !(given instanceof Tensor)
      ? [...(given as Iterable<unknown>)]
      : [given];
  const wrong = list.find((state) => !(state instanceof State));
  if (wrong !== undefined || list[0] === given)
    throw new HebbError(
      `${where}: takes parameters or buffers in a list, got ${describe(wrong ?? given)}; give model.parameters()`,
    );
  return list as State[];
}

export interface EMAOptions {
  /** The weight of the old average at each update. Default 0.999. */
  readonly decay?: number;
  /** Use less at first: min(decay, (1 + n) / (10 + n)) after n updates. Default false. */
  readonly warmup?: boolean;
}

/**
 * Exponential moving average: average += (1 − decay)(weight − average). Source: torch.optim.swa_utils.AveragedModel with
 * get_ema_multi_avg_fn; Polyak and Juditsky 1992.
 */
export class EMA extends WeightAverage {
  readonly #decay: State;
  readonly #warmup: boolean;

  constructor(states: Iterable<State>, options: EMAOptions = {}) {
    super(states);
    checkOptions("EMA", options, { decay: kind.number, warmup: kind.boolean });
    const { decay = 0.999, warmup = false } = options;
    checkNumber("EMA", "decay", decay, 0, 1);
    this.#decay = new State(decay, { dtype: "float64", name: "decay" });
    this.#warmup = warmup;
  }

  /** Takes effect at the next update, without recompiling. */
  set decay(decay: number) {
    checkNumber("EMA", "decay", decay, 0, 1);
    this.#decay.assign(decay);
  }

  protected shareAfter(count: Tensor): Tensor {
    const decay = this.#warmup ? this.#decay.minimum(count.add(1).div(count.add(10))) : this.#decay;
    return decay.neg().add(1);
  }
}

/** The uniform average of all updates, taken late in training. Source: torch.optim.swa_utils.AveragedModel (Izmailov et al. 2018). */
export class SWA extends WeightAverage {
  protected shareAfter(count: Tensor): Tensor {
    return count.add(1).reciprocal();
  }
}
