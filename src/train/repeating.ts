// Steps and epochs that are repeated after going back: events are not reported twice.
import { type Reading, within } from "../tensor/reading.ts";

export class Repeating {
  /** Whether what is under way has been there before. */
  active = false;
  /** How far training has come before it went back, in updates and in epochs. */
  #steps = 0;
  #epochs = 0;

  /** Training stands here, and has never been further. */
  startAt(steps: number, epochs: number): void {
    [this.#steps, this.#epochs] = [steps, epochs];
  }

  /** Whether this update, counted from 1, is taken again. */
  takes(step: number): boolean {
    const again = step <= this.#steps;
    this.#steps = Math.max(this.#steps, step);
    return again;
  }

  /** Whether this epoch, counted from 0, is ended again. */
  ends(epoch: number): boolean {
    const again = epoch < this.#epochs;
    this.#epochs = Math.max(this.#epochs, epoch + 1);
    return again;
  }

  /** Work in which what happens counts as repeated, or not. */
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
