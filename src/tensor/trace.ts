// The current trace: a compiled function records its reads and writes of state here.
import { HebbError } from "../graph/errors.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { Argument, type Cell, type Home, type Storage } from "../runtime/index.ts";

/** Something read while tracing that the program depends on. If it changes, the function is traced again. */
interface Guard {
  readonly read: () => unknown;
  readonly value: unknown;
}

/** The draws of a generator, advanced by every run of a traced program. */
export interface CountedDraws {
  /** A program made `count` draws. */
  advance(count: number): void;
  /** The next run is on this device, which has had `failures` failed runs: their draws are taken back. */
  follow(home: Home, failures: number): void;
  /** A program failed midway. */
  takeBack(): void;
}

export class Trace {
  /** The latest value assigned to each cell. */
  readonly writes = new Map<Cell, Node>();
  /** Checks that must hold, whether or not the checked value is used. */
  readonly checks: Node[] = [];
  readonly guards: Guard[] = [];
  readonly argumentNodes: Node[] = [];
  private readonly cellNodes = new Map<Cell, Node>();
  /** The number of draws from each generator per call of the program. */
  readonly draws = new Map<CountedDraws, number>();
  /** Tensors made gradient leaves inside the trace: their gradients live and end with it. */
  readonly leaves = new Set<object>();
  /** Objects with a flag set inside the trace: from then on the flag depends on nothing outside. */
  readonly flagged = new Set<object>();
  /** Work to do after each run of the program. */
  readonly afterRun: (() => void)[] = [];
  /** Work to do when tracing ends, before the program is compiled. */
  readonly finishers: (() => void)[] = [];

  argument(like: { readonly shape: readonly number[]; readonly dtype: Node["dtype"] }): Node {
    const node = sourceNode(like, new Argument(this.argumentNodes.length));
    this.argumentNodes.push(node);
    return node;
  }

  read(cell: Cell): Node {
    const written = this.writes.get(cell);
    if (written !== undefined) return written;
    let node = this.cellNodes.get(cell);
    if (node === undefined) {
      node = sourceNode(cell, cell);
      this.cellNodes.set(cell, node);
    }
    return node;
  }
}

let current: Trace | undefined;

export const currentTrace = (): Trace | undefined => current;

/** Runs `body` while recording into `trace`. */
export function withTrace<T>(trace: Trace, body: () => T): T {
  if (current !== undefined) throw new HebbError("a compiled function is already being traced");
  current = trace;
  try {
    return body();
  } finally {
    current = undefined;
  }
}

/** Runs `body` as if it were traced, and discards the program. */
export function rehearse(body: () => unknown): void {
  const outer = current;
  current = new Trace();
  try {
    body();
  } finally {
    current = outer;
  }
}

/**
 * Reads something outside the graph that a traced program depends on (a training flag, a frozen parameter). If a later call finds it changed (by
 * Object.is), the function is traced again.
 */
export function traceGuard<T>(read: () => T): T {
  if (typeof read !== "function") throw new HebbError("traceGuard: takes a function that reads the value");
  const value = read();
  current?.guards.push({ read, value });
  return value;
}

/** Reads a flag of an object, such as a training mode: a guard, unless the traced function has already set it. */
export const readFlag = <T>(of: object, read: () => T): T =>
  current?.flagged.has(of) === true ? read() : traceGuard(read);

/** Sets a flag of an object. Inside a compiled function it is set again after each run, as the function itself would do. */
export function setFlag(of: object, set: () => void): void {
  set();
  if (current === undefined) return;
  current.flagged.add(of);
  current.afterRun.push(set);
}

export const guardsHold = (guards: readonly Guard[]): boolean =>
  guards.every(({ read, value }) => Object.is(read(), value));
export type { Guard };

/** Refuses to read a value while a function is being traced, because it does not exist yet. */
export function refuseInTrace(what: string): void {
  if (current === undefined) return;
  throw new HebbError(
    `${what} was read inside a compiled function, where tensors have no values yet; return the tensor and read it outside, or call the function without compile`,
  );
}

/** The value as a promise. While tracing it is refused at once: no caller awaits the promise there, and its rejection would end the process. */
export function soon<T>(read: () => T | Promise<T>): Promise<T> {
  refuseInTrace("a value");
  return new Promise((resolve) => resolve(read()));
}

/** The storage a node reads directly, if it does. */
export function storageOf(node: Node): Storage | undefined {
  const { source } = node;
  return source?.sourceKind === "value" ? (source as Storage) : undefined;
}
