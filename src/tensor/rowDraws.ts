// How to draw random tensors if a batch is one rank's share of a larger one. In a single process they are drawn directly.
import type { Node } from "../graph/node.ts";
import type { Shape } from "../graph/shape.ts";

/** Returns random values of a shape, drawn by `make`. */
export type DrawRows = (shape: Shape, make: (shape: Shape) => Node) => Node;

let current: DrawRows | undefined;

export const drawRows: DrawRows = (shape, make) => current?.(shape, make) ?? make(shape);

/** Runs `body` with its random tensors drawn that way. */
export function withRowDraws<T>(how: DrawRows, body: () => T): T {
  const outer = current;
  current = how;
  try {
    return body();
  } finally {
    current = outer;
  }
}
