// Recording: steps of loops and functions under vmap, which are recorded once for many runs, with their restrictions and random draws; functions that
// are differentiated.
import { HebbError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import { full } from "../graph/ops/creation.ts";
import { add, mul } from "../graph/ops/elementwise.ts";

/** The key and the counter of one draw. */
export interface Draw {
  readonly key: Node;
  readonly call: Node;
}

/** A loop whose step is recorded one or more times. */
export class RecordedLoop {
  readonly steps: number;
  /** For each draw of the step, in order, the first of its numbers; each step uses one. */
  private readonly draws: Draw[] = [];
  private place = 0;

  constructor(steps: number) {
    this.steps = steps;
  }

  /** Runs `body`, which records the step. `t` is the step's number. */
  record<T>(t: Node, body: () => T): T {
    this.place = 0;
    return within({ loop: this, t }, body);
  }

  /** The next draw: the same one as at this place in earlier recordings of the step. */
  draw(make: () => Draw): Draw {
    const draw = this.draws[this.place] ?? make();
    this.draws[this.place++] = draw;
    return draw;
  }
}

interface Step {
  readonly loop: RecordedLoop;
  readonly t: Node;
}
/** A function of one example. Its checks are collected until they can be made for all examples. */
interface Example {
  readonly checks: Node[];
}

let open: readonly (Step | Example)[] = [];

function within<T>(part: Step | Example, body: () => T): T {
  const outer = open;
  open = [...outer, part];
  try {
    return body();
  } finally {
    open = outer;
  }
}

/** Runs `body`, which records a function of one example. Returns the checks that it needs. */
export function recordExample<T>(body: () => T): { readonly result: T; readonly checks: readonly Node[] } {
  const checks: Node[] = [];
  return { result: within({ checks }, body), checks };
}

/** Keeps a check for the examples of the innermost vmap; false if none is being recorded, or a loop inside it is. */
export function keepCheck(check: Node): boolean {
  const last = open.at(-1);
  if (last === undefined || "loop" in last) return false;
  last.checks.push(check);
  return true;
}

export const recordsStep = (): boolean => open.length > 0;

let differentiated = 0;

/** Runs `body`, whose result is differentiated. Its history must be visible, so compiled functions in it are inlined. */
export function recordHistory<T>(body: () => T): T {
  differentiated++;
  try {
    return body();
  } finally {
    differentiated--;
  }
}

export const recordsHistory = (): boolean => differentiated > 0;

/** Refuses an effect that would happen once, while the step is recorded, and not at every step. */
export function refuseInStep(what: string, remedy: string): void {
  const last = open.at(-1);
  if (last === undefined) return;
  throw new HebbError(
    "loop" in last
      ? `scan: ${what} inside the step, which is recorded once for all steps; ${remedy}`
      : `vmap: ${what} inside the function, which is recorded once for all examples; ${remedy.replace("the loop", "vmap")}`,
  );
}

/** Runs `body` as if no step were being recorded: its effects belong to the whole loop. */
function outside<T>(body: () => T): T {
  const inner = open;
  open = [];
  try {
    return body();
  } finally {
    open = inner;
  }
}

/** A draw that differs at each step. `reserve` takes `count` consecutive numbers and returns the first. */
export function drawAtStep(reserve: (count: number) => Draw): Draw {
  const steps = open.filter((part): part is Step => "loop" in part);
  const count = steps.reduce((all, { loop }) => all * loop.steps, 1);
  const reserved = steps.reduce<() => Draw>(
    (make, { loop }) =>
      () =>
        loop.draw(make),
    () => outside(() => reserve(count)),
  );
  const { key, call } = reserved();
  const int = (value: number): Node => full([], value, "int32");
  const place = steps.reduce<Node | undefined>(
    (before, { loop, t }) => (before === undefined ? t : add(mul(before, int(loop.steps)), t)),
    undefined,
  );
  return place === undefined ? { key, call } : { key, call: add(call, place) };
}
