// Values written at positions: scatter and its reductions, put, indexed assignment. The surviving value is found first and gets the gradient.
import { at } from "../at.ts";
import { isFloat } from "../dtype.ts";
import { HebbError, ShapeError } from "../errors.ts";
import { makeNode, type Node, type TensorType } from "../node.ts";
import { formatShape, normalizeAxis, sameShape, sizeOf } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { checkIndex } from "./check.ts";
import { full, int, iota } from "./creation.ts";
import * as el from "./elementwise.ts";
import { lastAtOp, positions, trustedGather, trustedIndexSelect, trustedScatterAdd } from "./indexing.ts";
import { pad, reshape, slice } from "./movement.ts";
import { argsort } from "./sort.ts";

export const reductions = ["sum", "prod", "mean", "amax", "amin"] as const;
export type ScatterReduction = (typeof reductions)[number];

const number = (value: number, like: TensorType): Node => full([], value, like.dtype);
const zeros = (like: TensorType, dtype = like.dtype): Node => full(like.shape, 0, dtype);

/** A scatter's arguments, with checked positions along a dim. */
export interface Placed {
  readonly x: Node;
  readonly dim: number;
  readonly index: Node;
  readonly source: Node;
}

/** The positions of a scatter, and its source sliced to their shape. */
export function placed(where: string, x: Node, dim: number, index: Node, source: Node): Placed {
  const axis = normalizeAxis(dim, x.shape.length, where);
  const fits = (shape: readonly number[]): boolean =>
    shape.length === index.shape.length && index.shape.every((extent, k) => extent <= at(shape, k));
  const inside =
    index.shape.length === x.shape.length && index.shape.every((extent, k) => k === axis || extent <= at(x.shape, k));
  if (!inside || !fits(source.shape))
    throw new ShapeError(
      `${where}: index ${formatShape(index.shape)} must fit inside the source ${formatShape(source.shape)} and, except along dim ${dim}, inside ${formatShape(x.shape)}`,
    );
  const part = index.shape.reduce<Node>((rest, extent, k) => slice(rest, k, 0, extent), source);
  return { x, dim: axis, index: checkedPlaces(where, x, axis, index), source: el.cast(part, x.dtype) };
}

/** Positions along a dim, with a check. */
export const checkedPlaces = (where: string, x: Node, dim: number, index: Node): Node =>
  checkIndex(positions(where, index), at(x.shape, dim), {
    by: `${where} along dim ${dim}`,
    item: "index",
    count: "the size of that dim",
  });

/** The sorted positions, the ends of the runs of equal ones, and the indices of their sources. */
function runs({ index, dim }: Pick<Placed, "index" | "dim">): {
  readonly order: Node;
  readonly sorted: Node;
  readonly ends: Node;
} {
  const extent = at(index.shape, dim);
  const order = argsort(el.stopGradient(index), dim);
  const sorted = trustedGather(index, dim, order);
  const next = pad(
    slice(sorted, dim, 1, extent),
    index.shape.map((_, k) => [0, k === dim ? 1 : 0] as const),
    0,
  );
  const ends = el.logicalOr(el.eq(iota(index.shape, dim), int(extent - 1)), el.ne(sorted, next));
  return { order, sorted, ends };
}

/** Each value at its position if `ends` holds, 0 elsewhere. No two of them collide. */
const spread = (like: TensorType, dim: number, sorted: Node, ends: Node, values: Node): Node =>
  trustedScatterAdd(zeros(like, values.dtype), dim, sorted, el.where(ends, values, number(0, values)));

/** Whether a position has a source. */
const isMet = (like: TensorType, dim: number, index: Node): Node =>
  el.gt(trustedScatterAdd(zeros(like, "int32"), dim, index, full(index.shape, 1, "int32")), int(0));

/** The last index at which each position of a dim occurs, −1 if it does not. */
const lastAt = (shape: readonly number[], dim: number, index: Node): Node =>
  makeNode(lastAtOp, [full(shape, -1, "int32"), index], { dim });

/** x with the source at the positions of the index; for duplicate positions the last wins. */
export function overwritten({ x, dim, index, source }: Placed): Node {
  if (sizeOf(index.shape) === 0) return x;
  const winner = lastAt(x.shape, dim, index);
  return el.where(el.ge(winner, int(0)), gatherWithin(source, dim, winner), x);
}

/**
 * x with slices of the source at positions of a dim, one list of positions for all slices; for duplicate positions the last wins. The
 * winner is found once, not for each element of a slice.
 */
export function slicesOverwritten({ x, dim, index, source }: Placed): Node {
  if (sizeOf(source.shape) === 0) return x;
  const winner = lastAt([at(x.shape, dim)], 0, index);
  const met = reshape(
    el.ge(winner, int(0)),
    x.shape.map((extent, k) => (k === dim ? extent : 1)),
  );
  return el.where(met, trustedIndexSelect(source, dim, winner), x);
}

/** Gathers from a source that may be smaller than the positions in other dims; the padding is never used. */
function gatherWithin(source: Node, dim: number, places: Node): Node {
  const missing = places.shape.map((extent, k) => (k === dim ? 0 : extent - at(source.shape, k)));
  const wide = missing.every((count) => count === 0)
    ? source
    : pad(
        source,
        missing.map((count) => [0, count] as const),
        0,
      );
  return trustedGather(wide, dim, places);
}

/** Each element combined with the preceding ones in its run. */
function runningOver(values: Node, sorted: Node, dim: number, join: (a: Node, b: Node) => Node): Node {
  const extent = at(values.shape, dim);
  let joined = values;
  for (let reach = 1; reach < extent; reach *= 2) {
    const pads = values.shape.map((_, k) => [k === dim ? reach : 0, 0] as const);
    const back = (x: Node): Node => pad(slice(x, dim, 0, extent - reach), pads, 0);
    const same = el.logicalAnd(el.ge(iota(values.shape, dim), int(reach)), el.eq(sorted, back(sorted)));
    joined = el.where(same, join(joined, back(joined)), joined);
  }
  return joined;
}

/** x combined with the source at the positions; without `includeSelf`, the old value of x does not take part. */
export function reduced(parts: Placed, reduction: ScatterReduction, includeSelf: boolean): Node {
  const { x, dim, index, source } = parts;
  if (sizeOf(index.shape) === 0) return x;
  const met = isMet(x, dim, index);
  switch (reduction) {
    case "sum":
      return trustedScatterAdd(includeSelf ? x : el.where(met, number(0, x), x), dim, index, source);
    case "mean": {
      const start = includeSelf ? x : el.where(met, number(0, x), x);
      const total = trustedScatterAdd(start, dim, index, source);
      const counted = trustedScatterAdd(
        full(x.shape, includeSelf ? 1 : 0, "int32"),
        dim,
        index,
        full(index.shape, 1, "int32"),
      );
      const count = el.maximum(counted, int(1));
      if (isFloat(x.dtype)) return el.div(total, el.cast(count, x.dtype));
      return el.cast(el.floor(el.div(el.cast(total, "float64"), el.cast(count, "float64"))), x.dtype);
    }
    case "prod": {
      const { order, sorted, ends } = runs(parts);
      const products = runningOver(trustedGather(source, dim, order), sorted, dim, el.mul);
      const own = el.where(met, spread(x, dim, sorted, ends, products), number(1, x));
      return includeSelf ? el.mul(x, own) : el.where(met, own, x);
    }
    case "amax":
      return extremes(parts, met, el.maximum, includeSelf);
    case "amin":
      return extremes(parts, met, el.minimum, includeSelf);
  }
}

function extremes(parts: Placed, met: Node, join: (a: Node, b: Node) => Node, includeSelf: boolean): Node {
  const { x, dim, index, source } = parts;
  const { order, sorted, ends } = runs(parts);
  const found = runningOver(trustedGather(el.stopGradient(source), dim, order), sorted, dim, join);
  const own = spread(x, dim, sorted, ends, found);
  const value: Node = el.where(met, includeSelf ? join(x, own) : own, x);
  if (!isFloat(x.dtype)) return value;
  // Equal values share the gradient evenly.
  const result: Node = withGradient(el.stopGradient(value), [x, source], (grad) => {
    const there = trustedGather(result, dim, index);
    const hits = el.cast(el.eq(source, there), grad.dtype);
    const self = el.where(met, includeSelf ? el.cast(el.eq(x, result), grad.dtype) : number(0, grad), number(1, grad));
    const count = trustedScatterAdd(self, dim, index, hits);
    const share = el.div(grad, count);
    return [el.mul(share, self), el.mul(hits, trustedGather(share, dim, index))];
  });
  return result;
}

/** x with `values` at flat indices: the last of duplicates, or with `accumulate` their sum. */
export function putFlat(x: Node, places: Node, values: Node, accumulate: boolean): Node {
  const [flat, index, source] = [x, places, el.cast(values, x.dtype)].map((part) => reshape(part, [-1])) as [
    Node,
    Node,
    Node,
  ];
  if (accumulate && x.dtype === "bool") throw new HebbError('put: booleans cannot be added; convert with .to("int32")');
  const result = accumulate
    ? trustedScatterAdd(flat, 0, index, source)
    : overwritten({ x: flat, dim: 0, index, source });
  return reshape(result, x.shape);
}

/** Checks that the source has the shape of the slices it replaces. */
export function sameSlices(where: string, source: Node, wanted: readonly number[]): void {
  if (!sameShape(source.shape, wanted))
    throw new ShapeError(`${where}: the source must be ${formatShape(wanted)}, got ${formatShape(source.shape)}`);
}
