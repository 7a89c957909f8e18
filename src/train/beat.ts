// When fit's loop yields to timers and signals, and how ranks agree there to stop at the same step.
import type { Company } from "./company.ts";

/** Milliseconds that the loop may block the event loop before it yields to timers and signals. */
const yieldEvery = 12;

/** Lets timers, signals and drawing run. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => (typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve, 0)));

/** What the loop must do after a step: continue, rest or stop. */
export type Told = "go" | "rest" | "stop";

export class Beat {
  readonly #company: Company;
  #last = performance.now();
  /** Among ranks: steps between two agreements, as last measured by rank 0's clock. */
  #steps = 1;
  #taken = 0;

  constructor(company: Company) {
    this.#company = company;
  }

  /** Whether `take` has something to do after this step. */
  due(now: number): boolean {
    if (this.#company.world === undefined) return now - this.#last >= yieldEvery;
    return ++this.#taken >= this.#steps;
  }

  /** Lets timers and signals run, then returns what to do. `stops`: whether this process wants to stop. */
  async take(stops: () => boolean): Promise<Told> {
    const { world } = this.#company;
    const now = performance.now();
    const perStep = (now - this.#last) / Math.max(1, this.#taken);
    await breathe();
    this.#last = performance.now();
    if (world === undefined) return stops() ? "stop" : "rest";
    this.#taken = 0;
    const own = world.rank === 0 ? Math.max(1, Math.min(10_000, Math.floor(yieldEvery / perStep))) : 0;
    const [wish = 0, steps = 1] = world.allReduce(Float64Array.of(stops() ? 1 : 0, own), { combine: "max" });
    this.#steps = steps;
    return wish === 1 ? "stop" : "rest";
  }
}
