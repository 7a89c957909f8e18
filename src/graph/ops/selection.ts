// The kth element without a full sort: numbers become integers in the same order, and counting finds the bits of the result one by one.
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import type { Node } from "../node.ts";
import { sum } from "./broadcast.ts";
import { int } from "./creation.ts";
import * as el from "./elementwise.ts";
import { cumsum, trustedGather } from "./indexing.ts";
import { argsort } from "./sort.ts";
import { keysOf } from "./sortKeys.ts";

/** For shorter rows a sort is as fast, and so it is for more ranks, or for more than one rank per this many elements. */
const shortest = 32;
const mostRanks = 8;

const countOf = (holds: Node, axis: number): Node => sum(el.cast(holds, "int32"), [axis], true);

/** Whether elements of rows this long are selected by their bits. */
const isSelected = (x: Node, axis: number): boolean => at(x.shape, axis) >= shortest && x.dtype !== "float64";

/** The key of a rank in each row, the running count of elements with that key, and the number of them before the element of the rank. */
function keyOfRank(
  keys: Node,
  axis: number,
  rank: Node,
): { readonly key: Node; readonly passed: Node; readonly before: Node } {
  let key = int(-(2 ** 31));
  let less = int(0);
  for (let bit = 31; bit >= 0; bit--) {
    const next = el.add(key, int(1 << bit));
    const below = countOf(el.lt(keys, next), axis);
    const isThere = el.le(below, rank);
    key = el.where(isThere, next, key);
    less = el.where(isThere, below, less);
  }
  return { key, passed: cumsum(el.cast(el.eq(keys, key), "int32"), axis), before: el.sub(rank, less) };
}

/** The index in each row of the element of a rank, counted from 0 in the order of a stable sort. `rank`, one of `ranks`, has one element per row. */
export function placeOfRank(x: Node, axis: number, rank: Node, ranks = 1): Node {
  let place: Node;
  if (isSelected(x, axis) && ranks <= Math.min(mostRanks, at(x.shape, axis) / shortest)) {
    const { passed, before } = keyOfRank(keysOf(x), axis, rank);
    place = countOf(el.le(passed, before), axis);
  } else place = trustedGather(argsort(x, axis), axis, rank);
  return composed("placeOfRank", [x, rank], { dim: axis }, place);
}
