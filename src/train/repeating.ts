// Steps and epochs that are repeated after going back: their events are not reported twice.
import { type Reading, within } from "../tensor/reading.ts";

export class Repeating {
  /** Whether the current step or epoch is a repetition. */
  active = false;
  /** The furthest progress before going back, in updates and epochs. */
  #steps = 0;
  #epochs = 0;

  /** Sets the furthest progress to the current one. */
  startAt(steps: number, epochs: number): void {
    [this.#steps, this.#epochs] = [steps, epochs];
  }

  /** Whether this update, counted from 1, is a repetition. */
  takes(step: number): boolean {
    const again = step <= this.#steps;
    this.#steps = Math.max(this.#steps, step);
    return again;
  }

  /** Whether the end of this epoch, counted from 0, is a repetition. */
  ends(epoch: number): boolean {
    const again = epoch < this.#epochs;
    this.#epochs = Math.max(this.#epochs, epoch + 1);
    return again;
  }

  /** Runs work whose events count as repeated, or not. */
  during<T>(again: boolean, work: Reading<T>): Reading<T> {
    return within((part) => {
      const before = this.active;
      this.active = again;
      try {
        return part();
      } finally {
        this.active = before;
      }
    }, work);
  }
}
