// The k first along a dim: of few, one pass for each; of more, the order of all.
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { type DType, isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Node } from "../node.ts";
import { formatShape, wrapAxis } from "../shape.ts";
import { full, iota } from "./creation.ts";
import { cast, eq, gt, isnan, logicalAnd, logicalNot, logicalOr, lt, stopGradient, where } from "./elementwise.ts";
import { trustedGather } from "./indexing.ts";
import { cat, slice } from "./movement.ts";
import { amax, amin } from "./reduce.ts";
import { argsort } from "./sort.ts";

/** The places of the first k in order, one pass for each: what comes first of those that come after the last. */
function firstOnes(x: Node, k: number, axis: number, largest: boolean): Node {
  const plain = stopGradient(isFloat(x.dtype) ? x : cast(x, "int32"));
  const places = iota(plain.shape, axis);
  const none = full([], at(plain.shape, axis), "int32");
  const last = full([], endOf(plain.dtype, largest), plain.dtype);
  const isNaN = isnan(plain);
  const firstOf = (mask: Node): Node => amin(where(mask, places, none), axis, true);
  const found: Node[] = [];
  let left = full(plain.shape, 1, "bool");
  while (found.length < k) {
    const best = largest
      ? amax(where(left, plain, last), axis, true)
      : amin(where(logicalAnd(left, logicalNot(isNaN)), plain, last), axis, true);
    const isBest = logicalOr(eq(plain, best), logicalAnd(isNaN, isnan(best)));
    const place = firstOf(logicalAnd(left, isBest));
    // Of the smallest, NaN come when there is nothing else.
    const first = largest || !isFloat(plain.dtype) ? place : where(eq(place, none), firstOf(left), place);
    found.push(first);
    left = comesAfter({ values: plain, places }, { values: trustedGather(plain, axis, first), places: first }, largest);
  }
  return found.length === 1 ? (found[0] as Node) : cat(found, axis);
}

/** The least number of a type, or the largest. */
function endOf(dtype: DType, isLeast: boolean): number {
  if (isFloat(dtype)) return isLeast ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return isLeast ? -(2 ** 31) : 2 ** 31 - 1;
}

interface Ordered {
  readonly values: Node;
  readonly places: Node;
}

/** Whether elements come after another in the order of `sort`. */
function comesAfter(x: Ordered, than: Ordered, descending: boolean): Node {
  const isLater = gt(x.places, than.places);
  const beyond = (descending ? lt : gt)(x.values, than.values);
  const byValue = logicalOr(beyond, logicalAnd(eq(x.values, than.values), isLater));
  const [first, second] = descending ? [than.values, x.values] : [x.values, than.values];
  return logicalOr(byValue, logicalAnd(isnan(first), logicalOr(logicalNot(isnan(second)), isLater)));
}

/** The k largest along a dim, largest first, or the k smallest, smallest first (torch.topk). */
export function topk(x: Node, k: number, dim = -1, largest = true): { values: Node; indices: Node } {
  const axis = wrapAxis(dim, x.shape.length, "topk");
  const extent = x.shape[axis] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > extent)
    throw new ShapeError(
      `topk: k is ${k}, but dim ${dim} of ${formatShape(x.shape)} holds ${extent}; k must be a whole number from 0 to ${extent}`,
    );
  if (x.shape.length === 0) return { values: x, indices: full([], 0, "int32") };
  const columns = Math.ceil(Math.log2(extent));
  // Each pass finds one, and costs as much as two columns of the network.
  const isFew = k > 0 && 2 * k <= (columns * (columns + 1)) / 2;
  const indices =
    isFew && !x.shape.includes(0) ? firstOnes(x, k, axis, largest) : slice(argsort(x, axis, largest), axis, 0, k);
  if (x.shape.includes(0)) return { values: slice(x, axis, 0, k), indices };
  const values = trustedGather(x, axis, indices);
  composed("topk", [x], { k, dim: axis, largest }, values, indices);
  return { values, indices };
}
