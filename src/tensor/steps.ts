// The steps of loops over time that are being recorded: what may not happen in them, and how their draws differ from step to step.
import { HebbError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import { full } from "../graph/ops/creation.ts";
import { add, mul } from "../graph/ops/elementwise.ts";

/** The key and the counter of one draw. */
export interface Draw {
  readonly key: Node;
  readonly call: Node;
}

/** A loop whose step is recorded, once or several times. */
export class RecordedLoop {
  readonly steps: number;
  /** The first of each draw's numbers, one for each step, in the order in which the step draws. */
  private readonly draws: Draw[] = [];
  private place = 0;

  constructor(steps: number) {
    this.steps = steps;
  }

  /** Runs `body`, which records the step. `t` is the number of the step. */
  record<T>(t: Node, body: () => T): T {
    const outer = open;
    open = [...outer, { loop: this, t }];
    this.place = 0;
    try {
      return body();
    } finally {
      open = outer;
    }
  }

  /** The next draw: the same as at this place in the step when it was recorded before. */
  draw(make: () => Draw): Draw {
    const draw = this.draws[this.place] ?? make();
    this.draws[this.place++] = draw;
    return draw;
  }
}

let open: readonly { readonly loop: RecordedLoop; readonly t: Node }[] = [];

export const recordsStep = (): boolean => open.length > 0;

/** Refuses what would happen once, as the step is recorded, and not at every step. */
export function refuseInStep(what: string, remedy: string): void {
  if (recordsStep())
    throw new HebbError(`scan: ${what} inside the step, which is recorded once for all steps; ${remedy}`);
}

/** Runs `body` as if no step were being recorded: what it does belongs to the loop as a whole. */
function outside<T>(body: () => T): T {
  const inner = open;
  open = [];
  try {
    return body();
  } finally {
    open = inner;
  }
}

/** A draw that is another at each step. `reserve` takes so many numbers, one after another, and gives the first. */
export function drawAtStep(reserve: (count: number) => Draw): Draw {
  const count = open.reduce((all, { loop }) => all * loop.steps, 1);
  const reserved = open.reduce<() => Draw>(
    (make, { loop }) =>
      () =>
        loop.draw(make),
    () => outside(() => reserve(count)),
  );
  const { key, call } = reserved();
  const int = (value: number): Node => full([], value, "int32");
  const place = open.reduce<Node | undefined>(
    (before, { loop, t }) => (before === undefined ? t : add(mul(before, int(loop.steps)), t)),
    undefined,
  );
  return place === undefined ? { key, call } : { key, call: add(call, place) };
}
