// Waits for a request: busily at first, then with pauses, while watching the other ranks.
import type { Request } from "./transport.ts";

/** Milliseconds of busy waiting if every rank has its own core. */
const eager = 2;
/** The same if ranks share cores: a waiting rank should leave the core to a computing one. */
const eagerWhenCrowded = 0.02;
/** Milliseconds of one pause, which the system extends a little. */
const rest = 0.02;
const restLater = 0.5;
/** After this many milliseconds, pauses are longer. */
const long = 20;
/** Milliseconds between two checks of the other ranks. */
const lookEvery = 50;

export class Patience {
  readonly #look: (waited: number) => void;
  readonly #eager: number;
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));

  /** `look` gets the milliseconds waited so far, and throws if waiting is pointless. `crowded`: there are more ranks than cores. */
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
