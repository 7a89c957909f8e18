// The k largest or smallest along a dim: for small k one pass per element, for larger k a sort.
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { ShapeError } from "../errors.ts";
import type { Node } from "../node.ts";
import { formatShape, wrapAxis } from "../shape.ts";
import { full, int, iota } from "./creation.ts";
import * as el from "./elementwise.ts";
import { trustedGather } from "./indexing.ts";
import { cat, slice } from "./movement.ts";
import { amin } from "./reduce.ts";
import { argsort } from "./sort.ts";
import { keysOf } from "./sortKeys.ts";

/** Passes that take as long as sorting a long row. */
const mostPasses = 20;

/** The indices of the first k in order, one pass each: the smallest element after the previous one. */
function firstOnes(x: Node, k: number, axis: number, largest: boolean): Node {
  const isWide = x.dtype === "float64";
  const plain = isWide ? el.stopGradient(x) : keysOf(x, largest);
  const end = full([], isWide ? Number.POSITIVE_INFINITY : 2 ** 31 - 1, plain.dtype);
  const isNaN = el.isnan(plain);
  const known = el.where(isNaN, end, plain);
  const values = isWide && largest ? el.neg(known) : known;
  // NaN has the value of infinity, and sorts after it by its index; for the largest, it sorts before.
  const extent = at(x.shape, axis);
  const isLate = largest ? el.logicalNot(isNaN) : isNaN;
  const places = el.add(iota(x.shape, axis), el.where(isLate, int(extent), int(0)));
  const found: Node[] = [];
  let left = full(x.shape, 1, "bool");
  while (found.length < k) {
    const best = amin(el.where(left, values, end), axis, true);
    const isBest = el.eq(values, best);
    const first = amin(el.where(el.logicalAnd(left, isBest), places, int(2 * extent)), axis, true);
    found.push(first);
    left = el.logicalOr(el.gt(values, best), el.logicalAnd(isBest, el.gt(places, first)));
  }
  return el.remainder(cat(found, axis), int(extent));
}

/** The k largest along a dim, largest first, or the k smallest, smallest first (torch.topk). */
export function topk(x: Node, k: number, dim = -1, largest = true): { values: Node; indices: Node } {
  const axis = wrapAxis(dim, x.shape.length, "topk");
  const extent = x.shape[axis] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > extent)
    throw new ShapeError(
      `topk: k is ${k}, but dim ${dim} of ${formatShape(x.shape)} holds ${extent}; k must be a whole number from 0 to ${extent}`,
    );
  if (x.shape.length === 0) return { values: x, indices: int(0) };
  if (k === 0 || x.shape.includes(0)) {
    const values = slice(x, axis, 0, k);
    return { values, indices: full(values.shape, 0, "int32") };
  }
  // Sorting a short row compares each element with all others, which takes as long as an eighth as many passes.
  const indices =
    k <= Math.min(mostPasses, extent / 8)
      ? firstOnes(x, k, axis, largest)
      : slice(argsort(x, axis, largest), axis, 0, k);
  const values = trustedGather(x, axis, indices);
  composed("topk", [x], { k, dim: axis, largest }, values, indices);
  return { values, indices };
}
