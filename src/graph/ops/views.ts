// Other shapes for the same elements, by dim: flatten, unflatten, squeeze, transpose, select, narrow.
import { ShapeError } from "../errors.ts";
import { describe } from "../kinds.ts";
import type { Node } from "../node.ts";
import { formatShape, normalizeAxis, type Shape, sizeOf, wrapAxis } from "../shape.ts";
import { permute, reshape, slice } from "./movement.ts";

/** Merges dims start … end. A scalar becomes one dim of size 1. */
export function flatten(x: Node, startDim: number, endDim: number): Node {
  const { shape } = x;
  const start = wrapAxis(startDim, shape.length, "flatten");
  const end = wrapAxis(endDim, shape.length, "flatten");
  if (shape.length === 0) return reshape(x, [1]);
  if (start > end)
    throw new ShapeError(`flatten: startDim ${startDim} comes after endDim ${endDim} in ${formatShape(shape)}`);
  return reshape(x, [...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
}

export function unflatten(x: Node, dim: number, sizes: Shape): Node {
  const place = normalizeAxis(dim, x.shape.length, "unflatten");
  return reshape(x, [...x.shape.slice(0, place), ...sizes, ...x.shape.slice(place + 1)]);
}

export function unsqueeze(x: Node, dim: number): Node {
  const place = normalizeAxis(dim, x.shape.length + 1, "unsqueeze");
  return reshape(x, [...x.shape.slice(0, place), 1, ...x.shape.slice(place)]);
}

/** Drops dims of size 1: all of them, or the one named. */
export function squeeze(x: Node, dim: number | undefined): Node {
  const place = dim === undefined ? undefined : wrapAxis(dim, x.shape.length, "squeeze");
  return reshape(
    x,
    x.shape.filter((extent, axis) => extent !== 1 || (place !== undefined && axis !== place)),
  );
}

export function transpose(x: Node, dim0: number, dim1: number): Node {
  const order = x.shape.map((_, axis) => axis);
  const a = wrapAxis(dim0, x.shape.length, "transpose");
  const b = wrapAxis(dim1, x.shape.length, "transpose");
  if (order.length === 0) return x;
  order[a] = b;
  order[b] = a;
  return permute(x, order);
}

/** The slice at one index of a dim, without the dim. */
export function select(x: Node, dim: number, index: number): Node {
  const place = normalizeAxis(dim, x.shape.length, "select");
  const extent = x.shape[place] as number;
  const at = index < 0 ? index + extent : index;
  if (!Number.isInteger(index) || at < 0 || at >= extent)
    throw new ShapeError(`select: index ${String(index)} is outside dim ${dim} of size ${extent}`);
  return squeeze(slice(x, place, at, at + 1), place);
}

/** `length` elements from `start` on. Throws ShapeError if they reach beyond the dim. */
export function narrow(x: Node, dim: number, start: number, length: number): Node {
  const axis = normalizeAxis(dim, x.shape.length, "narrow");
  const extent = x.shape[axis] as number;
  const from = start < 0 ? start + extent : start;
  if (!(Number.isInteger(from) && Number.isInteger(length) && from >= 0 && length >= 0 && from + length <= extent))
    throw new ShapeError(
      `narrow: ${String(length)} elements from index ${String(start)} do not fit in dim ${dim} of size ${extent}; the third argument is a length, not an end`,
    );
  return slice(x, axis, from, from + length);
}

/** Pieces of `size` along a dim; the last may be smaller. */
export function split(x: Node, size: number, dim: number): Node[] {
  const axis = normalizeAxis(dim, x.shape.length, "split");
  if (!(Number.isInteger(size) && size > 0))
    throw new ShapeError(`split: the size of a piece must be a positive whole number, got ${describe(size)}`);
  return piecesOf(x, size, axis);
}

function piecesOf(x: Node, size: number, axis: number): Node[] {
  const extent = x.shape[axis] as number;
  return Array.from({ length: Math.max(1, Math.ceil(extent / size)) }, (_, place) =>
    slice(x, axis, place * size, Math.min(extent, (place + 1) * size)),
  );
}

/** About `count` pieces of equal size along a dim. */
export function chunk(x: Node, count: number, dim: number): Node[] {
  const axis = normalizeAxis(dim, x.shape.length, "chunk");
  if (!(Number.isInteger(count) && count > 0))
    throw new ShapeError(`chunk: the number of pieces must be a positive whole number, got ${describe(count)}`);
  const extent = x.shape[axis] as number;
  return extent === 0 ? new Array<Node>(count).fill(x) : piecesOf(x, Math.ceil(extent / count), axis);
}

/** A scalar as a row of one element; others unchanged. */
export const atLeast1d = (x: Node): Node => (x.shape.length === 0 ? reshape(x, [1]) : x);
