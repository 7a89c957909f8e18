// Order statistics: medians, quantiles, the kth value, modes, cumulative extremes, and positions in sorted values.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { isFloat, promote } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { describe } from "../kinds.ts";
import { gradient, type Node, type Op, type TensorType } from "../node.ts";
import { formatShape, sameShape, sizeOf, wrapAxis } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand, sum } from "./broadcast.ts";
import { full, int, iota } from "./creation.ts";
import * as el from "./elementwise.ts";
import { trustedGather, trustedScatterAdd } from "./indexing.ts";
import { cat, pad, reshape, slice } from "./movement.ts";
import { lerp, logaddexp } from "./pointwise.ts";
import { max } from "./reduce.ts";
import { placeOfRank } from "./selection.ts";
import { argsort } from "./sort.ts";
import { floating } from "./special.ts";
import { atLeast1d, squeeze, unsqueeze } from "./views.ts";

/** Values and their indices. */
export interface Found {
  readonly values: Node;
  readonly indices: Node;
}

const number = (value: number, like: TensorType): Node => full([], value, like.dtype);
const countable = (x: Node): Node => (x.dtype === "bool" ? el.cast(x, "int32") : x);

/** A dim of a tensor; a scalar counts as having one dim. */
function axisOf(
  where: string,
  x: Node,
  dim: number,
): { readonly row: Node; readonly axis: number; readonly extent: number } {
  const row = atLeast1d(x);
  const axis = wrapAxis(dim, x.shape.length, where);
  return { row, axis, extent: at(row.shape, axis) };
}

function needsElements(where: string, x: Node, axis: number): void {
  if (at(x.shape, axis) === 0)
    throw new ShapeError(`${where}: there is no element along dim ${axis} of ${formatShape(x.shape)}`);
}

/** Drops a kept dim, or restores a scalar. */
function leave(x: Node, value: Node, axis: number, keepdim: boolean): Node {
  if (x.shape.length === 0) return reshape(value, []);
  return keepdim ? value : squeeze(value, axis);
}

/** The element at an index of each row, with the dim kept as size 1. */
function picked(x: Node, row: Node, axis: number, place: Node, keepdim: boolean): Found {
  const found = trustedGather(row, axis, place);
  return { values: leave(x, found, axis, keepdim), indices: leave(x, place, axis, keepdim) };
}

// ── extremes with their indices ──

export function extreme(
  name: "max" | "min",
  x: Node,
  dim: number,
  keepdim: boolean,
  place: (x: Node, dim: number, keepdim: boolean) => Node,
): Found {
  const { row, axis } = axisOf(name, x, dim);
  needsElements(name, row, axis);
  return picked(x, row, axis, el.stopGradient(place(row, axis, true)), keepdim);
}

/** The running maximum along one axis. Each element gets the gradients of the outputs that equal it. */
export const cummaxOp: Op<{ readonly axis: number }> = {
  name: "cummax",
  infer: ([x]) => x as TensorType,
  gradient: gradient(({ grad, node }) => {
    const x = node.inputs[0] as Node;
    const { axis } = node.attributes;
    return [trustedScatterAdd(full(x.shape, 0, grad.dtype), axis, lastExtremes(x, node, axis), grad)];
  }),
  rule: { kind: "scan", combine: "max", axis: ({ axis }) => axis },
};

/** The index of the running extreme: the last occurrence. */
function lastExtremes(x: Node, running: Node, axis: number): Node {
  const isNew = el.logicalOr(el.eq(x, running), el.isnan(x));
  const places = el.where(isNew, iota(x.shape, axis), int(0));
  return el.stopGradient(apply(cummaxOp, [places], { axis }));
}

/** The cumulative maximum and its index (the last one among equals). */
export function cummax(x: Node, dim: number): Found {
  const { row, axis } = axisOf("cummax", countable(x), dim);
  if (row.shape.includes(0)) return { values: row, indices: full(row.shape, 0, "int32") };
  const values = apply(cummaxOp, [row], { axis });
  const indices = lastExtremes(el.stopGradient(row), el.stopGradient(values), axis);
  return { values: reshape(values, x.shape), indices: reshape(indices, x.shape) };
}

/** The running minimum, and its index: the last among equals. */
export function cummin(x: Node, dim: number): Found {
  const values = countable(x);
  // Integers are reversed without negation, because the smallest has no negative.
  const turned = isFloat(values.dtype) ? el.neg(values) : el.sub(int(-1), el.cast(values, "int32"));
  const { indices } = cummax(turned, dim);
  const { row, axis } = axisOf("cummin", values, dim);
  if (row.shape.includes(0)) return { values, indices };
  return { values: reshape(trustedGather(row, axis, atLeast1d(indices)), x.shape), indices };
}

/** Running log Σ eˣ: each pass combines elements twice as far apart. */
export function logcumsumexp(x: Node, dim: number): Node {
  const values = floating(x);
  const { row, axis, extent } = axisOf("logcumsumexp", values, dim);
  let sums = row;
  for (let reach = 1; reach < extent; reach *= 2) {
    const head = slice(sums, axis, 0, extent - reach);
    const back = padFront(head, axis, reach, Number.NEGATIVE_INFINITY);
    const apart = el.ge(iota(row.shape, axis), int(reach));
    sums = el.where(apart, logaddexp(sums, back), sums);
  }
  return reshape(sums, x.shape);
}

const padFront = (x: Node, axis: number, count: number, value: number): Node =>
  pad(
    x,
    x.shape.map((_, place) => [place === axis ? count : 0, 0] as const),
    value,
  );

// ── medians, quantiles, modes ──

/** The kth smallest of each row, k from 1. NaN counts as the largest. */
export function kthvalue(x: Node, k: number, dim: number, keepdim: boolean): Found {
  const { row, axis, extent } = axisOf("kthvalue", x, dim);
  if (!Number.isInteger(k) || k < 1 || k > extent)
    throw new ShapeError(
      `kthvalue: k is ${describe(k)}, but dim ${dim} of ${formatShape(x.shape)} holds ${extent}; k counts from 1`,
    );
  const rank = full(
    row.shape.map((size, each) => (each === axis ? 1 : size)),
    k - 1,
    "int32",
  );
  return picked(x, row, axis, placeOfRank(row, axis, rank), keepdim);
}

/** The number of non-NaN elements in each row, as a dim of size 1. */
const numbersIn = (row: Node, axis: number): Node => sum(el.cast(el.logicalNot(el.isnan(row)), "int32"), [axis], true);

/** The lower of the two middle values. NaN if there is a NaN; `skipNan` ignores NaNs. */
export function median(x: Node, dim: number, keepdim: boolean, skipNan: boolean): Found {
  const name = skipNan ? "nanmedian" : "median";
  const { row, axis, extent } = axisOf(name, countable(x), dim);
  needsElements(name, row, axis);
  const middle = int(Math.floor((extent - 1) / 2));
  const known = numbersIn(row, axis);
  // NaNs sort after the numbers: the first of them is at the index of their count.
  const rank = skipNan
    ? el.shiftRight(el.maximum(el.sub(known, int(1)), int(0)), int(1))
    : el.where(el.lt(known, int(extent)), known, middle);
  return picked(x, row, axis, placeOfRank(row, axis, el.stopGradient(rank)), keepdim);
}

/** The median of all elements; equal elements share its gradient. */
export function medianOfAll(x: Node, skipNan: boolean): Node {
  const values = countable(x);
  if (sizeOf(x.shape) === 0) return full([], Number.NaN, isFloat(x.dtype) ? x.dtype : "float32");
  const found = median(el.stopGradient(reshape(values, [-1])), 0, false, skipNan).values;
  if (!isFloat(values.dtype)) return found;
  return withGradient(found, [values], (grad) => {
    const same = el.logicalOr(el.eq(values, found), el.logicalAnd(el.isnan(values), el.isnan(found)));
    const share = el.cast(same, grad.dtype);
    return [el.mul(share, el.div(grad, sum(share)))];
  });
}

export const interpolations = ["linear", "lower", "higher", "midpoint", "nearest"] as const;
export type Interpolation = (typeof interpolations)[number];
const roundings: { readonly [K in Interpolation]?: (x: Node) => Node } = {
  lower: el.floor,
  higher: el.ceil,
  nearest: el.round,
};
export interface QuantileOptions {
  readonly dim: number | undefined;
  readonly keepdim: boolean;
  readonly interpolation: Interpolation;
  readonly skipNan: boolean;
}

/** The quantiles `q` of each row, in a new first dim if q is a list. */
export function quantile(x: Node, q: number | readonly number[], options: QuantileOptions): Node {
  const { dim, keepdim, interpolation, skipNan } = options;
  const name = skipNan ? "nanquantile" : "quantile";
  const shares = typeof q === "number" ? [q] : q;
  if (shares.some((share) => !(share >= 0 && share <= 1)))
    throw new ShapeError(`${name}: q must lie between 0 and 1, got ${describe(q)}`);
  const values = floating(x);
  const flat = dim === undefined ? reshape(values, [-1]) : values;
  const { row, axis, extent } = axisOf(name, flat, dim ?? 0);
  if (sizeOf(row.shape) === 0) throw new ShapeError(`${name}: there is no element in ${formatShape(x.shape)}`);
  const known = numbersIn(row, axis);
  const rest = (value: Node): Node => {
    if (dim === undefined) return reshape(value, keepdim ? x.shape.map(() => 1) : []);
    return leave(x, value, axis, keepdim);
  };
  const last = skipNan ? el.maximum(el.sub(known, int(1)), int(0)) : int(extent - 1);
  const parts = shares.map((share) => {
    const wanted = el.mul(el.cast(last, "float64"), full([], share, "float64"));
    // A NaN sorts last, and then every quantile is NaN.
    const rank = skipNan ? wanted : el.where(el.lt(known, int(extent)), full([], extent - 1, "float64"), wanted);
    const rounded = roundings[interpolation]?.(rank) ?? rank;
    const low = el.floor(rounded);
    const place = (value: Node): Node =>
      trustedGather(row, axis, placeOfRank(row, axis, el.stopGradient(el.cast(value, "int32")), 2 * shares.length));
    const [below, above] = [place(low), place(el.ceil(rounded))];
    const weight = el.cast(el.sub(rounded, low), below.dtype);
    const between = el.gt(weight, number(0, weight));
    const part = interpolation === "midpoint" ? el.where(between, number(0.5, weight), weight) : weight;
    // Between equal infinite neighbours there is nothing to interpolate.
    const same = el.logicalAnd(el.eq(below, above), el.isinf(below));
    return rest(el.where(same, below, lerp(below, above, part)));
  });
  if (typeof q === "number") return parts[0] as Node;
  return parts.length === 0
    ? full([0, ...rest(slice(row, axis, 0, 1)).shape], 0, values.dtype)
    : cat(
        parts.map((part) => unsqueeze(part, 0)),
        0,
      );
}

/** The most frequent value of each row, the smallest in a tie, and its last index. */
export function mode(x: Node, dim: number, keepdim: boolean): Found {
  const { row, axis, extent } = axisOf("mode", countable(x), dim);
  needsElements("mode", row, axis);
  const order = argsort(row, axis);
  const sorted = trustedGather(el.stopGradient(row), axis, order);
  const places = iota(row.shape, axis);
  const previous = padFront(slice(sorted, axis, 0, extent - 1), axis, 1, 0);
  const begins = el.logicalOr(el.eq(places, int(0)), el.ne(sorted, previous));
  const starts = apply(cummaxOp, [el.where(begins, places, int(0))], { axis });
  const lengths = el.sub(places, starts);
  const longest = expand(max(lengths, [axis], true), row.shape);
  const first = el.neg(max(el.where(el.eq(lengths, longest), el.neg(places), int(-extent)), [axis], true));
  return picked(x, row, axis, el.stopGradient(trustedGather(order, axis, first)), keepdim);
}

// ── among sorted values ──

/** The number of sorted values before each value; with `right`, equal ones are included. */
export function searchSorted(sorted: Node, values: Node, right: boolean): Node {
  const batched = sorted.shape.length > 1;
  const [lead, own] = [sorted.shape.slice(0, -1), values.shape.slice(0, -1)];
  if (sorted.shape.length === 0 || (batched && !sameShape(lead, own)))
    throw new ShapeError(
      `searchsorted: the sorted values ${formatShape(sorted.shape)} must have one dim, or those of ${formatShape(values.shape)} but for the last`,
    );
  const count = at(sorted.shape, sorted.shape.length - 1);
  const flat = batched ? values : reshape(values, [-1]);
  const axis = flat.shape.length - 1;
  const dtype = promote(sorted.dtype, flat.dtype);
  const [row, wanted] = [el.stopGradient(el.cast(sorted, dtype)), el.stopGradient(el.cast(flat, dtype))];
  let found = full(flat.shape, 0, "int32");
  // Binary search, one bit of the count at a time.
  for (let step = flat.shape.includes(0) ? 0 : 2 ** Math.floor(Math.log2(count)); step >= 1; step /= 2) {
    const next = el.add(found, int(step));
    const there = trustedGather(row, axis, el.sub(el.minimum(next, int(count)), int(1)));
    // NaN sorts after every number.
    const isBefore = right
      ? el.logicalNot(el.lt(wanted, there))
      : el.logicalOr(el.lt(there, wanted), el.logicalAnd(el.isnan(wanted), el.logicalNot(el.isnan(there))));
    found = el.where(el.logicalAnd(el.le(next, int(count)), isBefore), next, found);
  }
  return el.stopGradient(reshape(found, values.shape));
}

/** The bin of each element among `bins` of equal width in [low, high]; if both are equal, in the whole range of x. */
export function binOf(x: Node, bins: number, low: Node, high: Node): { readonly place: Node; readonly inside: Node } {
  const width = el.sub(high, low);
  const share = el.div(el.mul(el.sub(x, low), number(bins, x)), width);
  const inside = el.logicalAnd(el.ge(x, low), el.le(x, high));
  const place = el.minimum(el.cast(el.where(inside, share, number(0, x)), "int32"), int(bins - 1));
  return { place, inside };
}
