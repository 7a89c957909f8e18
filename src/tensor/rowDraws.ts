// How random tensors are drawn if a batch is one rank's share of a larger one. In a single process they are drawn directly.
import type { Node } from "../graph/node.ts";
import type { Shape } from "../graph/shape.ts";

/** Gives random values of a shape, which `make` makes. */
export type DrawRows = (shape: Shape, make: (shape: Shape) => Node) => Node;

let current: DrawRows | undefined;

export const drawRows: DrawRows = (shape, make) => current?.(shape, make) ?? make(shape);

/** Runs `body`, whose random tensors are drawn that way. */
export function withRowDraws<T>(how: DrawRows, body: () => T): T {
  const outer = current;
  current = how;
  try {
    return body();
  } finally {
    current = outer;
  }
}
