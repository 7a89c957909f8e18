// Arithmetic on shapes: sizes, strides, broadcasting, axes. Pure.
import { at } from "./at.ts";
import { ShapeError } from "./errors.ts";
import { describe } from "./kinds.ts";

export type Shape = readonly number[];

/** Maximum number of dims, as in NumPy and PyTorch. */
const mostDims = 64;

export function checkRank(where: string, shape: Shape): void {
  if (shape.length > mostDims)
    throw new ShapeError(
      `${where}: ${shape.length} dims are more than a tensor can have, which is ${mostDims}; merge some with reshape or flatten`,
    );
}

/** Maximum number of elements with an index: indices are int32, and loops count slightly past their end. */
export const mostElements = 2 ** 31 - 2 ** 16;

/** Rejects a shape whose dims exceed a loop counter. Only values that are never in memory may have more elements than indices. */
export function checkExtents(where: string, shape: Shape): void {
  checkRank(where, shape);
  let size = 1;
  for (const extent of shape) {
    if (!(Number.isInteger(extent) && extent >= 0))
      throw new ShapeError(`${where}: sizes must be whole numbers of 0 or more, got ${formatShape(shape)}`);
    if (extent > mostElements)
      throw new ShapeError(
        `${where}: ${formatShape(shape)} has a dim of ${extent}, and a dim can have ${mostElements} elements at most; compute it in parts`,
      );
    size *= extent;
  }
  if (size > Number.MAX_SAFE_INTEGER)
    throw new ShapeError(
      `${where}: ${formatShape(shape)} has ${size} elements, more than can be counted exactly; compute it in parts`,
    );
}

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= at(shape, axis);
  }
  return strides;
}

/** The multi-dimensional index of a flat row-major index. */
export function unravel(place: number, shape: Shape): number[] {
  const index = new Array<number>(shape.length);
  let rest = place;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = at(shape, axis);
    index[axis] = rest % extent;
    rest = Math.floor(rest / extent);
  }
  return index;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Converts a negative axis to its index from the front; `where` names the caller in the error. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const place = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || place < 0 || place >= rank) {
    throw new ShapeError(
      rank === 0
        ? `${where}: dim ${describe(axis)} does not exist, the tensor is a scalar and has no dims`
        : `${where}: dim ${describe(axis)} does not exist in a tensor of ${rank} dims; use ${-rank} to ${rank - 1}`,
    );
  }
  return place;
}

/** Like normalizeAxis, but a scalar counts as having one dim, dim 0 or dim -1, as in PyTorch. */
export const wrapAxis = (axis: number, rank: number, where: string): number =>
  normalizeAxis(axis, Math.max(1, rank), where);

/** One or several axes (all if undefined or empty), normalised, ascending, without duplicates; none for a scalar. */
export function normalizeAxes(axes: number | readonly number[] | undefined, rank: number, where: string): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  if (typeof axes !== "number" && !Array.isArray(axes))
    throw new ShapeError(`${where}: dim must be a whole number or a list of them, got ${describe(axes)}`);
  const list = (typeof axes === "number" ? [axes] : axes).map((axis: number) => wrapAxis(axis, rank, where));
  if (new Set(list).size !== list.length) {
    throw new ShapeError(`${where}: dim ${formatShape(list)} names the same dim twice; name each dim once`);
  }
  if (rank === 0) return [];
  return list.length === 0 ? normalizeAxes(undefined, rank, where) : list.sort((a, b) => a - b);
}

/** The common shape under NumPy's broadcasting rule. */
export function broadcastShapes(a: Shape, b: Shape, where: string): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError(
        `${where}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ${left} and ${right} differ at dim ${axis - rank} (counted from the end); sizes must be equal or 1`,
      );
    }
    out[axis] = left === 1 ? right : left;
  }
  return out;
}
