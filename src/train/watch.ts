// The monitored metric: the best epoch by it, with its weights.
import type { NamedArrays } from "../formats/index.ts";
import { aCount, aNumber, aString, listOf, objectOf } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import type { Reading } from "../tensor/reading.ts";
import type { Holdings, NamedHeld } from "./holdings.ts";
import type { ClassScores, Mode } from "./metrics.ts";
import type { Task } from "./objectives.ts";
import type { Part, PartState, SavedPart } from "./parts.ts";
import { checkScores, type EpochRecord, orNull, statesIn } from "./state.ts";

export interface Best {
  readonly epoch: number;
  readonly value: number;
  /** If ranks split the optimizer's state, all must read them. */
  readonly weights: NamedArrays;
  readonly classes: readonly ClassScores[] | null;
}

/** The metric of this name, of the validation data if there are any. */
export function figureIn({ train, validation }: EpochRecord, name: string): number {
  const figures = validation ?? train;
  const value = figures[name];
  if (value === undefined)
    throw new HebbError(
      `fit: there is no metric "${name}" to watch; the metrics are ${Object.keys(figures).join(", ")}`,
    );
  return value;
}

/** Whether a metric is better than the best before it by more than a minimum change. */
export class Improvement {
  readonly #mode: Mode;
  readonly #minDelta: number;

  constructor(mode: Mode, minDelta: number) {
    this.#mode = mode;
    this.#minDelta = minDelta;
  }

  over(best: number | undefined, value: number): boolean {
    if (!Number.isFinite(value)) return false;
    if (best === undefined) return true;
    return (this.#mode === "max" ? value - best : best - value) > this.#minDelta;
  }
}

const saved = objectOf<{ monitor: string | null; best: Omit<Best, "weights"> | null }>({
  // Null in states of earlier versions.
  monitor: orNull(aString),
  best: orNull(
    objectOf<Omit<Best, "weights">>({ epoch: aCount, value: aNumber, classes: orNull(listOf(checkScores)) }),
  ),
});

/** The model whose weights are kept, and its task. */
export interface Watched {
  readonly model: Module;
  readonly task: Task;
  readonly holdings: Holdings;
}

/** Keeps the weights of the best epoch. */
export class Watch implements Part {
  readonly name = "best";
  readonly monitor: string;
  readonly mode: Mode;
  readonly #improvement: Improvement;
  #best: (Omit<Best, "weights"> & { readonly weights: NamedHeld }) | undefined;

  readonly #model: Module;
  readonly #holdings: Holdings;
  /** The minimum number of classes with scores of their own. */
  readonly #classes: number;

  constructor({ model, task, holdings }: Watched, monitor: string, mode: Mode, minDelta: number) {
    this.#model = model;
    this.#holdings = holdings;
    this.#classes = task.kind === "classes" ? task.count : 0;
    this.monitor = monitor;
    this.mode = mode;
    this.#improvement = new Improvement(mode, minDelta);
  }

  get best(): Best | undefined {
    if (this.#best === undefined) return undefined;
    const [holdings, { epoch, value, classes, weights }] = [this.#holdings, this.#best];
    return {
      epoch,
      value,
      classes,
      get weights() {
        return holdings.whole(weights);
      },
    };
  }

  /** Processes the metric of an epoch; true if it is the best so far, and its weights are then kept. */
  *take(epoch: number, value: number, classes: Best["classes"]): Reading<boolean> {
    const better = this.#improvement.over(this.#best?.value, value);
    if (better) this.#best = { epoch, value, classes, weights: yield* this.#holdings.take(statesIn(this.#model)) };
    return better;
  }

  state(): PartState {
    const { monitor } = this;
    if (this.#best === undefined) return { json: { monitor, best: null } };
    const { epoch, value, classes, weights } = this.#best;
    return {
      tensors: weights,
      json: { monitor, best: { epoch, value, classes: classes?.map((one) => ({ ...one })) ?? null } },
    };
  }

  restore({ tensors, json }: SavedPart): void {
    const { monitor, best } = saved(json, "checkpoint: best");
    if (monitor !== null && monitor !== this.monitor)
      throw new HebbError(
        `fit: the saved state watches the ${monitor}, and this run the ${this.monitor}; resume with monitor: "${monitor}"`,
      );
    if (best !== null && best.classes !== null && best.classes.length < this.#classes)
      throw new HebbError(
        `checkpoint: best: there are scores of ${best.classes.length} classes, and ${this.#classes} are told apart; the state is damaged or of other data`,
      );
    if (best !== null)
      for (const [name, value] of Object.entries(this.#model.stateDict()))
        if (tensors[name]?.data.length !== value.size)
          throw new HebbError(
            `checkpoint: best: the weights "${name}" of the best epoch are missing, or of another size; the state is damaged or of another model`,
          );
    this.#best = best === null ? undefined : { ...best, weights: this.#holdings.hold(tensors) };
  }
}
