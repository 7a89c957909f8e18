// Work that must be done before the next step: at once if values can be read synchronously, else when somebody waits.
import { HebbError } from "../graph/errors.ts";
import { type Answer, isPromise, type Reading, readLater, readNow, readsAtOnce } from "../tensor/reading.ts";

/** What is said of a method of Trainer that would have to wait. */
export const mustAwait = (method: string, instead: string): HebbError =>
  new HebbError(
    `Trainer: ${method}() needs values synchronously, and this device is asynchronous; await trainer.${instead}() instead`,
  );

/** What is said of a step that is taken too early. */
export const notReady = (streams: boolean): HebbError =>
  new HebbError(
    `Trainer: ${streams ? "the rows of this step stream and have not been read" : "this step must wait for pending work"}; await trainer.ready() first`,
  );

/** Does the work of a method at once. */
export function atOnce<T>(method: string, instead: string, work: Reading<T>): T {
  if (readsAtOnce()) return readNow(work);
  throw mustAwait(method, instead);
}

/** Whether an answer cannot be had at once. */
export const mustWaitFor = (answer: Answer<unknown>): boolean => isPromise(answer) || !readsAtOnce();

export class Due {
  readonly #work: Reading<unknown>[] = [];
  /** Work that has begun and waits for values. */
  readonly #begun = new Set<Promise<unknown>>();

  /** Whether nothing is left to do, and nothing is under way. */
  get isEmpty(): boolean {
    return this.#work.length === 0 && this.#begun.size === 0;
  }

  /** Does work now where it need not wait; `waits`: for a promise. */
  add(work: Reading<unknown>, waits = !readsAtOnce()): void {
    if (waits) this.#work.push(work);
    else readNow(work);
  }

  /** Does what is left. It does not wait for work that has begun, from which it may be called. */
  async done(): Promise<void> {
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) {
      const doing: Promise<unknown> = readLater(work).finally(() => this.#begun.delete(doing));
      this.#begun.add(doing);
      await doing;
    }
  }

  /** Does what is left, and waits for what others have begun; whoever began it hears of its failure. */
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
