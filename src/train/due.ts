// Work due before the next step: done at once if values can be read synchronously, otherwise when the caller waits.
import { HebbError } from "../graph/errors.ts";
import { type Answer, isPromise, type Reading, readLater, readNow, readsAtOnce } from "../tensor/reading.ts";

/** The error of a Trainer method that would have to wait. */
export const mustAwait = (method: string, instead: string): HebbError =>
  new HebbError(
    `Trainer: ${method}() needs values synchronously, and this device is asynchronous; await trainer.${instead}() instead`,
  );

/** The error of a step taken too early. */
export const notReady = (streams: boolean): HebbError =>
  new HebbError(
    `Trainer: ${streams ? "the rows of this step stream and have not been read" : "this step must wait for pending work"}; await trainer.ready() first`,
  );

/** Does a method's work synchronously. */
export function atOnce<T>(method: string, instead: string, work: Reading<T>): T {
  if (readsAtOnce()) return readNow(work);
  throw mustAwait(method, instead);
}

/** Whether an answer is not available synchronously. */
export const mustWaitFor = (answer: Answer<unknown>): boolean => isPromise(answer) || !readsAtOnce();

export class Due {
  readonly #work: Reading<unknown>[] = [];
  /** Work in progress. */
  readonly #begun = new Set<Promise<unknown>>();

  /** Whether no work is left or in progress. */
  get isEmpty(): boolean {
    return this.#work.length === 0 && this.#begun.size === 0;
  }

  /** Does the work now if it need not wait. `waits`: it waits for a promise. */
  add(work: Reading<unknown>, waits = !readsAtOnce()): void {
    if (waits) this.#work.push(work);
    else readNow(work);
  }

  /** Does the remaining work. Does not wait for work in progress, because that may be the caller. */
  async done(): Promise<void> {
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) {
      const doing: Promise<unknown> = readLater(work).finally(() => this.#begun.delete(doing));
      this.#begun.add(doing);
      await doing;
    }
  }

  /** Does the remaining work and waits for work in progress. The caller that began it gets its failure. */
  async settled(): Promise<void> {
    while (!this.isEmpty) {
      await this.done();
      await Promise.allSettled(this.#begun);
    }
  }

  clear(): void {
    this.#work.length = 0;
  }
}
