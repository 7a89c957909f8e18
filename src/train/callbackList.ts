// The callbacks of a training, in the order in which they are called.
import { HebbError } from "../graph/errors.ts";
import { answered, type Reading, readLater } from "../tensor/reading.ts";
import { type Callback, checkCallback, partOf, type Rest, type Training } from "./callback.ts";
import type { TrainEvent } from "./events.ts";
import type { Part } from "./parts.ts";

/** A hook that follows a step or an epoch. */
type Hook = "stepEnd" | "epochEnd";

const none: readonly Callback[] = [];

export class CallbackList {
  readonly #all: Callback[] = [];
  /** Whether any is called after each update. */
  watchSteps = false;
  /** Those of a step or an epoch that ends which have still to be called. */
  #left: readonly Callback[] = none;
  #hook: Hook = "stepEnd";

  add(callback: Callback, training: Training): void {
    checkCallback(callback);
    this.#all.push(callback);
    callback.attach?.(training);
    this.watchSteps ||= callback.stepEnd !== undefined;
  }

  /** Those with a state. */
  get parts(): Part[] {
    return this.#all.flatMap((callback) => partOf(callback) ?? []);
  }

  /** Those that are called now, one after the other: all, or where steps are taken again those that go back with them. */
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

  /** No more of them is to be called. */
  done(): void {
    this.#left = none;
  }

  /** They are about to be called. */
  expect(hook: Hook, repeating: boolean): void {
    this.#hook = hook;
    this.#left = repeating ? this.#all.filter(({ state }) => state !== undefined) : this.#all;
  }

  /** A state would lack what a callback has still to make of a step or an epoch. */
  refuseUnfinished(): void {
    const hook = this.#hook;
    const left = this.#left.find((one) => one[hook] !== undefined && one.state !== undefined && one.watches !== true);
    if (left === undefined) return;
    throw new HebbError(
      `Trainer: the callback "${left.name}" has still to be called for this ${hook === "stepEnd" ? "step" : "epoch"}, and a state saved now would lack that; save it in a callback that is added after "${left.name}"`,
    );
  }

  /** Why no epoch should follow, as one of them says. */
  get enough(): string | undefined {
    for (const callback of this.#all) {
      const reason = callback.enough?.();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** Before the first step, for those whose name is wanted. */
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
