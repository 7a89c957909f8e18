// The k first along a dim: of few, one pass for each; of some, those before the last of them, sorted; of more, the order of all.
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { type DType, isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Node } from "../node.ts";
import { formatShape, wrapAxis } from "../shape.ts";
import { full, iota } from "./creation.ts";
import {
  add,
  cast,
  eq,
  gt,
  isnan,
  le,
  logicalAnd,
  logicalNot,
  logicalOr,
  lt,
  stopGradient,
  sub,
  where,
} from "./elementwise.ts";
import { cumsum, trustedGather } from "./indexing.ts";
import { cat, slice } from "./movement.ts";
import { searchSorted } from "./ranks.ts";
import { amax, amin } from "./reduce.ts";
import { isSelected, keyOfRank, keysOf } from "./selection.ts";
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

/** Passes that take as long as a selection. */
const mostPasses = 20;

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

/** The places of the first k in order: those that come before the one of rank k, found in one search for each, are sorted. Along the last dim. */
function selectedOnes(x: Node, k: number, axis: number, largest: boolean): Node {
  const own = keysOf(stopGradient(x));
  const keys = largest ? sub(full([], -1, "int32"), own) : own;
  const { key, passed, before } = keyOfRank(keys, axis, full([], k - 1, "int32"));
  const isEqual = logicalAnd(eq(keys, key), le(passed, add(before, full([], 1, "int32"))));
  const count = cumsum(cast(logicalOr(lt(keys, key), isEqual), "int32"), axis);
  const shape = x.shape.map((extent, place) => (place === axis ? k : extent));
  const places = searchSorted(count, iota(shape, axis), true);
  return trustedGather(places, axis, argsort(trustedGather(keys, axis, places), axis));
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
  const isEmpty = k === 0 || x.shape.includes(0);
  const isSome = !isEmpty && axis === x.shape.length - 1 && 4 * k <= extent && isSelected(x, axis);
  // Each pass finds one, and costs as much as two columns of the network.
  const isFew = !isEmpty && 2 * k <= Math.min((columns * (columns + 1)) / 2, isSome ? 2 * mostPasses : extent);
  const indices = isFew
    ? firstOnes(x, k, axis, largest)
    : isSome
      ? selectedOnes(x, k, axis, largest)
      : slice(argsort(x, axis, largest), axis, 0, k);
  if (x.shape.includes(0)) return { values: slice(x, axis, 0, k), indices };
  const values = trustedGather(x, axis, indices);
  composed("topk", [x], { k, dim: axis, largest }, values, indices);
  return { values, indices };
}
