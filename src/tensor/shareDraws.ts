// Random numbers for a share of a batch: the same ones that its rows get when one process draws for the whole batch.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import { slice } from "../graph/ops/movement.ts";
import { formatShape, type Shape } from "../graph/shape.ts";
import type { BatchShare } from "../runtime/index.ts";
import { withRowDraws } from "./rowDraws.ts";
import { rehearse } from "./trace.ts";

/**
 * Runs `body`, which traces a step over the share. `whole` traces the same step over the whole batch; its draws, in the same order, show in which dim
 * of each draw the rows lie. A draw without rows, such as noise on weights, is the same for all shares, and so is one for pairs of rows. Throws
 * HebbError for a draw that does not grow with the rows: the numbers of this share cannot be identified.
 */
export function drawShare<T>(share: BatchShare, whole: () => unknown, body: () => T): T {
  const shapes: Shape[] = [];
  const note = (shape: Shape, make: (shape: Shape) => Node): Node => {
    shapes.push(shape);
    return make(shape);
  };
  rehearse(() => withRowDraws(note, whole));
  let next = 0;
  return withRowDraws((shape, make) => {
    const wanted = shapes[next++] ?? shape;
    const dims = rowsDims(shape, wanted, share);
    const [dim] = dims;
    if (dim === undefined || dims.length > 1) return make(shape);
    const perRow = at(shape, dim) / share.count;
    return slice(make(wanted), dim, share.first * perRow, (share.first + share.count) * perRow);
  }, body);
}

/** The dims that grow with the number of rows, for the whole batch. */
function rowsDims(shape: Shape, whole: Shape, { count, whole: rows }: BatchShare): readonly number[] {
  const longer = shape.flatMap((extent, dim) => (extent === whole[dim] ? [] : [dim]));
  const isOfRows = (dim: number): boolean =>
    at(shape, dim) % count === 0 && at(shape, dim) * rows === at(whole, dim) * count;
  if (shape.length === whole.length && longer.every(isOfRows)) return longer;
  throw new HebbError(
    `random numbers of shape ${formatShape(shape)} are drawn for the ${count} rows of this rank, and of shape ${formatShape(whole)} for all ${rows} rows of the batch, so it is not known which of them belong to these rows; draw the same number for each row, or numbers that do not depend on the number of rows`,
  );
}
