// When the loop of fit yields to timers and signals, and how ranks agree there to stop at the same step.
import type { Company } from "./company.ts";

/** How long the loop may hold the event loop before it lets timers and signals in, in milliseconds. */
const yieldEvery = 12;

/** Lets timers, signals and drawing have their turn. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => (typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve, 0)));

/** What the loop is asked to do after a step: nothing, to rest, or to end. */
export type Told = "go" | "rest" | "stop";

export class Beat {
  readonly #company: Company;
  #last = performance.now();
  /** Among ranks: steps from one word to the next, as rank 0's clock last had it. */
  #steps = 1;
  #taken = 0;

  constructor(company: Company) {
    this.#company = company;
  }

  /** Whether there is anything to do after this step, which `take` does. */
  due(now: number): boolean {
    if (this.#company.world === undefined) return now - this.#last >= yieldEvery;
    return ++this.#taken >= this.#steps;
  }

  /** Lets timers and signals in; then says what is to be done. `stops`: whether this process wants to end. */
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
