// The callbacks of a training, in the order in which they are called.
import { answered, type Reading, readLater } from "../tensor/reading.ts";
import { type Callback, checkCallback, partOf, type Rest, type Training } from "./callback.ts";
import type { TrainEvent } from "./events.ts";
import type { Part } from "./parts.ts";

export class CallbackList {
  readonly #all: Callback[] = [];
  /** Whether any is called after each update. */
  watchSteps = false;

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

  /** Those that are called now: all, or where steps are taken again those that go back with them. */
  listening(repeating: boolean): readonly Callback[] {
    return repeating ? this.#all.filter(({ state }) => state !== undefined) : this.#all;
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
