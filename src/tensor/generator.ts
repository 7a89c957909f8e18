// Random generators: each has a key and counts its draws, so that concurrent runs do not affect each other.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { full as fullNode } from "../graph/ops/creation.ts";
import { add } from "../graph/ops/elementwise.ts";
import { checkKind } from "../graph/options.ts";
import { Cell, cellMemory, type Home } from "../runtime/index.ts";
import { assignCell, cellNode } from "./lazy.ts";
import { refusePromises } from "./results.ts";
import { nodeInspect } from "./show.ts";
import { type Draw, drawAtStep } from "./steps.ts";
import { Tensor } from "./tensor.ts";
import { type CountedDraws, currentTrace, traceGuard } from "./trace.ts";

export interface RandomState {
  readonly key: readonly [low: number, high: number];
  /** The number of draws since the seed. */
  readonly calls: number;
}

function keyOf(where: string, seed: number): readonly [low: number, high: number] {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new HebbError(
      `${where}: takes a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${kind.describe(seed)}`,
    );
  return [(seed % 2 ** 32) | 0, Math.floor(seed / 2 ** 32) | 0];
}

/** A generator made or seeded in the function would be reset once, at tracing, not at each run. */
function refuseInTrace(what: "made" | "seeded"): void {
  if (currentTrace() === undefined) return;
  const cure = what === "made" ? "make it outside" : "seed it before each call instead";
  throw new HebbError(
    `a generator was ${what} inside a compiled function, which runs once to record the graph; ${cure}`,
  );
}

/** The draws of a generator, counted on the host and in a cell that compiled programs advance. */
class Draws implements CountedDraws {
  #key: RandomState["key"];
  #calls = 0;
  /** Failed runs already corrected in the cell, and the device that used the cell then. */
  #failures = 0;
  #home: Home | undefined;
  readonly #keyCell: Cell;
  readonly #callsCell: Cell;

  constructor(key: RandomState["key"]) {
    this.#key = key;
    this.#keyCell = new Cell("int32", [2], Int32Array.from(key), "random.key");
    this.#callsCell = new Cell("int32", [], Int32Array.of(0), "random.calls");
  }

  get state(): RandomState {
    return { key: [...this.#key], calls: this.#calls };
  }

  set state({ key, calls }: RandomState) {
    this.#key = [key[0] | 0, key[1] | 0];
    this.#calls = calls;
    this.#write();
  }

  /** A program made `count` draws: the host's count follows that of the cell. */
  advance(count: number): void {
    this.#calls = (this.#calls + count) | 0;
  }

  /**
   * A run that failed on an asynchronous device did not advance the cell, nor did the runs after it. When another device draws next, it starts from
   * the host's count.
   */
  follow(home: Home, failures: number): void {
    const before = this.#home;
    if (failures === this.#failures && home === before) return;
    this.#failures = failures;
    this.#home = home;
    if (home !== before) this.#write();
    else this.#writeCalls();
  }

  /** A program failed midway: the cell, which it may have advanced, is reset to the host's count. */
  takeBack(): void {
    this.#writeCalls();
  }

  /** The key and the counter of the next draw: values, or cells in a trace. */
  next(): Draw {
    return drawAtStep((count) => this.#reserve(count));
  }

  /** The next draw; reserves `count` numbers. */
  #reserve(count: number): Draw {
    const trace = currentTrace();
    if (trace !== undefined) {
      trace.draws.set(this, (trace.draws.get(this) ?? 0) + count);
      const call = cellNode(this.#callsCell);
      assignCell(this.#callsCell, add(call, fullNode([], count, "int32")));
      return { key: cellNode(this.#keyCell), call };
    }
    const call = new Tensor(undefined, { shape: [], dtype: "int32", data: Int32Array.of(this.#calls) });
    this.advance(count);
    this.#writeCalls();
    const key = new Tensor(undefined, { shape: [2], dtype: "int32", data: Int32Array.from(this.#key) });
    return { key: key.node, call: call.node };
  }

  #write(): void {
    cellMemory(this.#keyCell).writeCell(this.#keyCell, Int32Array.from(this.#key));
    this.#writeCalls();
  }

  #writeCalls(): void {
    cellMemory(this.#callsCell).writeCell(this.#callsCell, Int32Array.of(this.#calls));
  }
}

/** The draws of each generator, for the functions that draw. */
const drawsOf = /* @__PURE__ */ new WeakMap<Generator, Draws>();

/**
 * A source of random numbers, seeded with `seed` (default 0). Draw number n follows from the seed and n alone: the same bits on every
 * backend and number of threads. Pass it as the `generator` option of rand, randn, randint, randperm, bernoulli, multinomial and fit, or make it
 * current with `withGenerator`. Source: torch.Generator; the numbers are Threefry's (Salmon et al., SC 2011).
 */
export class Generator {
  readonly #draws: Draws;

  constructor(seed = 0) {
    refuseInTrace("made");
    this.#draws = new Draws(keyOf("Generator", seed));
    drawsOf.set(this, this.#draws);
  }

  /** Restarts from a seed, a whole number of 0 or more. Source: torch.Generator.manual_seed. */
  manualSeed(seed: number): this {
    return this.setState({ key: keyOf("manualSeed", seed), calls: 0 });
  }

  /** The state as plain JSON, for checkpoints. Source: torch.Generator.get_state. */
  getState(): RandomState {
    return this.#draws.state;
  }

  /** Continues from what `getState` returned. Source: torch.Generator.set_state. */
  setState(state: RandomState): this {
    if (!(kind.numbers.accepts(state?.key) && state.key.length === 2 && Number.isInteger(state.calls)))
      throw new HebbError(
        `setState: takes what getState() returned, { key: [low, high], calls }, got ${kind.describe(state)}`,
      );
    refuseInTrace("seeded");
    this.#draws.state = state;
    return this;
  }

  /** The name is a literal because bundlers rename classes. */
  [nodeInspect](): string {
    const { key, calls } = this.#draws.state;
    return `Generator { seed: ${(key[1] >>> 0) * 2 ** 32 + (key[0] >>> 0)}, draws: ${calls} }`;
  }

  /** Another generator with the same state. Source: torch.Generator.clone_state. */
  cloneState(): Generator {
    return new Generator().setState(this.getState());
  }
}

/** The generator that is used if no other is current. Source: torch.default_generator. */
export const defaultGenerator: Generator = /* @__PURE__ */ new Generator(0);

let current: Generator | undefined;

/** The generator that functions without a `generator` option now use. */
export const currentGenerator = (): Generator => current ?? defaultGenerator;

/**
 * Runs `body` with the generator as the current one. Layers such as Dropout, initialisers and all functions without a `generator` option draw from
 * it. A compiled function that draws is traced once for each generator.
 */
export function withGenerator<T>(generator: Generator, body: () => T): T {
  checkKind("withGenerator", "the generator", generator, generatorKind);
  checkKind("withGenerator", "the body", body, kind.func());
  const outer = current;
  current = generator;
  try {
    const result = body();
    if (result instanceof Promise) refusePromises("withGenerator", result);
    return result;
  } finally {
    current = outer;
  }
}

export const generatorKind = kind.instanceOf(Generator, "a Generator");

/** The next draw of the given generator, or of the current one. A traced program depends on which that is. */
export function nextDraw(generator: Generator | undefined): Draw {
  const drawing = generator ?? traceGuard(currentGenerator);
  const draws = drawsOf.get(drawing);
  if (draws === undefined) throw new HebbError(`a generator must be a Generator, got ${kind.describe(drawing)}`);
  return draws.next();
}

/** Restarts the current generator from a seed. The same seed gives the same bits on every backend and thread count. Source: torch.manual_seed. */
export function seed(value: number): void {
  currentGenerator().setState({ key: keyOf("seed", value), calls: 0 });
}

/** The state of the current generator, for checkpoints. */
export const randomState = (): RandomState => currentGenerator().getState();

/** Restores the current generator from what `randomState` returned. */
export function setRandomState(state: RandomState): void {
  currentGenerator().setState(state);
}
