// The callbacks of a training, in call order.
import { HebbError } from "../graph/errors.ts";
import { answered, type Reading, readLater } from "../tensor/reading.ts";
import { type Callback, checkCallback, partOf, type Rest, type Training } from "./callback.ts";
import type { TrainEvent } from "./events.ts";
import type { Part } from "./parts.ts";

/** A hook after a step or an epoch. */
type Hook = "stepEnd" | "epochEnd";

const none: readonly Callback[] = [];

export class CallbackList {
  readonly #all: Callback[] = [];
  /** Whether any callback has a hook after each update. */
  watchSteps = false;
  /** The callbacks still to be called for the current step or epoch. */
  #left: readonly Callback[] = none;
  #hook: Hook = "stepEnd";

  add(callback: Callback, training: Training): void {
    checkCallback(callback);
    this.#all.push(callback);
    callback.attach?.(training);
    this.watchSteps ||= callback.stepEnd !== undefined;
  }

  /** The parts of callbacks with a state. */
  get parts(): Part[] {
    return this.#all.flatMap((callback) => partOf(callback) ?? []);
  }

  /** The callbacks to call now, one after another: all, or those with a state if steps are repeated. */
  *calling(hook: Hook, repeating: boolean): Iterable<Callback> {
    this.expect(hook, repeating);
    try {
      for (const callback of this.#left) {
        this.#left = this.#left.slice(1);
        yield callback;
      }
    } finally {
      this.done();
    }
  }

  /** Marks that no more are to be called. */
  done(): void {
    this.#left = none;
  }

  /** Marks the callbacks that are about to be called. */
  expect(hook: Hook, repeating: boolean): void {
    this.#hook = hook;
    this.#left = repeating ? this.#all.filter(({ state }) => state !== undefined) : this.#all;
  }

  /** Refuses a state saved before all stateful callbacks were called for a step or an epoch. */
  refuseUnfinished(): void {
    const hook = this.#hook;
    const left = this.#left.find((one) => one[hook] !== undefined && one.state !== undefined && one.watches !== true);
    if (left === undefined) return;
    throw new HebbError(
      `Trainer: the callback "${left.name}" has still to be called for this ${hook === "stepEnd" ? "step" : "epoch"}, and a state saved now would lack that; save it in a callback that is added after "${left.name}"`,
    );
  }

  /** A callback's reason to stop before the next epoch. */
  get enough(): string | undefined {
    for (const callback of this.#all) {
      const reason = callback.enough?.();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** Calls `begin` before the first step, for callbacks selected by name. */
  *begin(wanted: (name: string | undefined) => boolean): Reading<void> {
    for (const callback of this.#all) if (wanted(callback.name)) yield* answered(callback.begin?.());
  }

  async rest(at: Rest): Promise<void> {
    for (const callback of this.#all) await readLater(answered(callback.rest?.(at)));
  }

  tell(event: TrainEvent): void {
    for (const callback of this.#all) callback.event?.(event);
  }
}
