// Random numbers of a share of a batch: those that its rows have where one process draws for the whole batch.
import { at } from "../graph/at.ts";
import type { Node } from "../graph/node.ts";
import { slice } from "../graph/ops/movement.ts";
import type { Shape } from "../graph/shape.ts";
import type { BatchShare } from "../runtime/index.ts";
import { withRowDraws } from "./rowDraws.ts";
import { rehearse } from "./trace.ts";

/**
 * Runs `body`, which traces a step over the share. `whole` traces the same over the whole batch: what it draws in the same order tells in which
 * dim of each draw the rows lie. A draw in which they lie in none, such as noise on weights, is the same for all shares.
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
    const dim = rowsDim(shape, wanted, share);
    if (dim === undefined) return make(shape);
    const perRow = at(shape, dim) / share.count;
    return slice(make(wanted), dim, share.first * perRow, (share.first + share.count) * perRow);
  }, body);
}

/** The one dim that is as much longer for the whole batch as this has more rows. */
function rowsDim(shape: Shape, whole: Shape, { count, whole: rows }: BatchShare): number | undefined {
  const longer = shape.flatMap((extent, dim) => (extent === whole[dim] ? [] : [dim]));
  const [dim] = longer;
  if (shape.length !== whole.length || longer.length !== 1 || dim === undefined) return undefined;
  const [own, all] = [at(shape, dim), at(whole, dim)];
  return own % count === 0 && own * rows === all * count ? dim : undefined;
}
