// Waits for a request: busily at first, then with pauses, while watching the other ranks.
import type { Request } from "./transport.ts";

/** Milliseconds of waiting without rest, where every rank has a core of its own. */
const eager = 2;
/** The same where ranks share cores: who waits should leave the core to who computes. */
const eagerWhenCrowded = 0.02;
/** Milliseconds of one rest, which the system makes a little longer. */
const rest = 0.02;
const restLater = 0.5;
/** From here on rests are longer. */
const long = 20;
/** Milliseconds between two looks at the other ranks. */
const lookEvery = 50;

export class Patience {
  readonly #look: (waited: number) => void;
  readonly #eager: number;
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));

  /** `look` is given the milliseconds waited so far, and throws if waiting is pointless. `crowded`: there are more ranks than cores. */
  constructor(look: (waited: number) => void, crowded: boolean) {
    this.#look = look;
    this.#eager = crowded ? eagerWhenCrowded : eager;
  }

  wait(request: Request): void {
    if (request.test()) return;
    const started = performance.now();
    let looked = started;
    while (!request.test()) {
      const now = performance.now();
      if (now - started > this.#eager) Atomics.wait(this.#bell, 0, 0, now - started > long ? restLater : rest);
      if (now - looked < lookEvery) continue;
      looked = now;
      this.#look(now - started);
    }
  }
}
