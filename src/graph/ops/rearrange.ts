// Rearranged elements: rolls and rotations, tiles and repeats, moved dims, windows, diagonals, splits.
import { at } from "../at.ts";
import { ShapeError } from "../errors.ts";
import { describe } from "../kinds.ts";
import type { Node } from "../node.ts";
import { formatShape, mostElements, normalizeAxis, sizeOf, wrapAxis } from "../shape.ts";
import { expand, repeat } from "./broadcast.ts";
import { full, int, iota } from "./creation.ts";
import * as el from "./elementwise.ts";
import { trustedGather, trustedIndexSelect } from "./indexing.ts";
import { cat, flip, permute, reshape, slice } from "./movement.ts";
import { atLeast1d, transpose } from "./views.ts";

const isWhole = (value: unknown): value is number => Number.isInteger(value);
function whole(where: string, what: string, value: unknown): void {
  if (!isWhole(value)) throw new ShapeError(`${where}: ${what} must be a whole number, got ${describe(value)}`);
}

/** Shifts elements along dims; those shifted out at the end re-enter at the start. Without dims, along the flattened tensor. */
export function roll(x: Node, shifts: number | readonly number[], dims: number | readonly number[] | undefined): Node {
  const by = typeof shifts === "number" ? [shifts] : shifts;
  if (!Array.isArray(by) || !by.every(isWhole))
    throw new ShapeError(`roll: shifts must be a whole number or a list of them, got ${describe(shifts)}`);
  if (dims === undefined || (Array.isArray(dims) && dims.length === 0)) {
    if (by.length !== 1) throw new ShapeError(`roll: ${by.length} shifts need as many dims; name them`);
    return reshape(rollDim(reshape(x, [-1]), at(by, 0), 0), x.shape);
  }
  const axes = typeof dims === "number" ? [dims] : dims;
  if (axes.length !== by.length)
    throw new ShapeError(`roll: got ${by.length} shifts for ${axes.length} dims; give one for each`);
  return axes.reduce((moved, dim, k) => rollDim(moved, at(by, k), normalizeAxis(dim, x.shape.length, "roll")), x);
}

function rollDim(x: Node, shift: number, axis: number): Node {
  const extent = at(x.shape, axis);
  const by = extent === 0 ? 0 : ((shift % extent) + extent) % extent;
  if (by === 0) return x;
  return cat([slice(x, axis, extent - by, extent), slice(x, axis, 0, extent - by)], axis);
}

/** Rotates by 90° `times` times in the plane of two dims, from the first towards the second. */
export function rot90(x: Node, times: number, dims: readonly number[]): Node {
  whole("rot90", "k", times);
  const [a, b, ...more] = Array.isArray(dims) ? normalizeEach("rot90", x, dims) : [];
  if (a === undefined || b === undefined || more.length > 0 || a === b)
    throw new ShapeError(`rot90: dims must name two different dims, got ${describe(dims)}`);
  switch (((times % 4) + 4) % 4) {
    case 1:
      return transpose(flip(x, [b]), a, b);
    case 2:
      return flip(x, [a, b]);
    case 3:
      return flip(transpose(x, a, b), [b]);
    default:
      return x;
  }
}

const normalizeEach = (where: string, x: Node, dims: readonly number[]): number[] =>
  dims.map((dim) => normalizeAxis(dim, x.shape.length, where));

/** Moves dims to other positions; the others keep their order. */
export function movedim(x: Node, source: number | readonly number[], destination: number | readonly number[]): Node {
  const list = (value: number | readonly number[]): readonly number[] => {
    const dims = typeof value === "number" ? [value] : value;
    if (!Array.isArray(dims))
      throw new ShapeError(`movedim: takes dims as whole numbers or lists, got ${describe(value)}`);
    return dims.map((dim: number) => wrapAxis(dim, x.shape.length, "movedim"));
  };
  const [from, to] = [list(source), list(destination)];
  if (from.length !== to.length || new Set(from).size !== from.length || new Set(to).size !== to.length)
    throw new ShapeError(
      `movedim: ${formatShape(from)} cannot move to ${formatShape(to)}; name as many dims on both sides, each once`,
    );
  if (x.shape.length === 0) return x;
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis));
  const order = x.shape.map((_, place) => {
    const moved = to.indexOf(place);
    return moved >= 0 ? at(from, moved) : (rest.shift() ?? 0);
  });
  return permute(x, order);
}

/** Repeats the whole along each dim; missing leading counts are 1. */
export function tile(x: Node, counts: readonly number[]): Node {
  const missing = x.shape.length - counts.length;
  return repeat(x, missing > 0 ? [...new Array<number>(missing).fill(1), ...counts] : counts);
}

/** Repeats each element `count` times in place. */
export function repeatEach(x: Node, count: number, dim: number | undefined): Node {
  if (!isWhole(count) || count < 0)
    throw new ShapeError(
      `repeatInterleave: repeats must be a whole number of 0 or more, or one for each element, got ${describe(count)}`,
    );
  const flat = dim === undefined ? reshape(x, [-1]) : atLeast1d(x);
  const axis = dim === undefined ? 0 : normalizeAxis(dim, flat.shape.length, "repeatInterleave");
  const [before, after] = [flat.shape.slice(0, axis), flat.shape.slice(axis + 1)];
  const extent = at(flat.shape, axis);
  const apart = expand(reshape(flat, [...before, extent, 1, ...after]), [...before, extent, count, ...after]);
  return reshape(apart, [...before, extent * count, ...after]);
}

/** The source indices if each element is repeated as often as its entry in `counts`. */
export function repeatedPlaces(counts: readonly number[], extent: number): Int32Array {
  const known = Array.isArray(counts) && counts.every((count: unknown) => isWhole(count) && count >= 0);
  if (!known || counts.length !== extent)
    throw new ShapeError(
      `repeatInterleave: repeats must be a whole number of 0 or more, or one for each of the ${extent} elements, got ${describe(counts)}`,
    );
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total > mostElements) throw new ShapeError(`repeatInterleave: ${total} elements are more than a dim can have`);
  const places = new Int32Array(total);
  let end = 0;
  counts.forEach((count, place) => {
    places.fill(place, end, end + count);
    end += count;
  });
  return places;
}

/** All windows of a dim, `step` apart, as a new last dim. */
export function unfold(x: Node, dim: number, size: number, step: number): Node {
  const row = atLeast1d(x);
  const axis = wrapAxis(dim, x.shape.length, "unfold");
  const extent = at(row.shape, axis);
  if (!isWhole(size) || size < 0 || size > extent)
    throw new ShapeError(`unfold: a window of ${describe(size)} does not fit in dim ${dim} of size ${extent}`);
  if (!isWhole(step) || step < 1)
    throw new ShapeError(`unfold: the step must be a whole number of at least 1, got ${describe(step)}`);
  const count = Math.floor((extent - size) / step) + 1;
  const shape = [count, size];
  const places = el.add(el.mul(iota(shape, 0), int(step)), iota(shape, 1));
  const taken = trustedIndexSelect(row, axis, reshape(places, [count * size]));
  const apart = reshape(taken, [...row.shape.slice(0, axis), count, size, ...row.shape.slice(axis + 1)]);
  return x.shape.length === 0 ? reshape(apart, [size]) : movedim(apart, axis + 1, -1);
}

// ── diagonals ──

/** The diagonal of two dims, as a new last dim. */
export function diagonal(x: Node, offset: number, dim1: number, dim2: number): Node {
  whole("diagonal", "the offset", offset);
  const [a, b] = [normalizeAxis(dim1, x.shape.length, "diagonal"), normalizeAxis(dim2, x.shape.length, "diagonal")];
  if (a === b) throw new ShapeError(`diagonal: dims ${dim1} and ${dim2} are the same; name two different ones`);
  const last = movedim(x, [a, b], [-2, -1]);
  const [rows, columns] = last.shape.slice(-2) as [number, number];
  const count = Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns));
  const lead = last.shape.slice(0, -2);
  const flat = reshape(last, [...lead, rows * columns]);
  const start = offset >= 0 ? offset : -offset * columns;
  const axis = lead.length;
  return count === 0
    ? slice(flat, axis, 0, 0)
    : slice(flat, axis, start, start + (count - 1) * (columns + 1) + 1, columns + 1);
}

/** The last dim on the diagonal of two new dims, zero elsewhere. */
export function diagEmbed(x: Node, offset: number, dim1: number, dim2: number): Node {
  whole("diagEmbed", "the offset", offset);
  if (x.shape.length === 0) throw new ShapeError("diagEmbed: a scalar has no dim for a diagonal");
  const row = x;
  const extent = at(row.shape, row.shape.length - 1);
  const size = extent + Math.abs(offset);
  const shape = [...row.shape.slice(0, -1), size, size];
  const [i, j] = [iota([size, size], 0), iota([size, size], 1)];
  const on = el.eq(el.sub(j, i), int(offset));
  const places = el.minimum(el.minimum(i, j), int(Math.max(0, extent - 1)));
  const flat =
    extent === 0
      ? full(shape, 0, row.dtype)
      : reshape(trustedIndexSelect(row, row.shape.length - 1, reshape(places, [-1])), shape);
  return movedim(el.where(on, flat, full([], 0, row.dtype)), [-2, -1], [dim1, dim2]);
}

// ── splits ──

/** Pieces with the given sizes along a dim. */
export function splitSizes(x: Node, sizes: readonly number[], dim: number): Node[] {
  const axis = normalizeAxis(dim, x.shape.length, "split");
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (!sizes.every((size) => isWhole(size) && size >= 0) || total !== at(x.shape, axis))
    throw new ShapeError(`split: sizes ${formatShape(sizes)} must add up to the ${at(x.shape, axis)} of dim ${dim}`);
  let start = 0;
  return sizes.map((size) => {
    const piece = slice(x, axis, start, start + size);
    start += size;
    return piece;
  });
}

/** A number of equal pieces, or pieces split at the given indices. */
export function evenSplit(where: string, x: Node, parts: number | readonly number[], dim: number): Node[] {
  if (x.shape.length === 0) throw new ShapeError(`${where}: a scalar has no dim to split`);
  const extent = at(x.shape, dim);
  if (typeof parts === "number" && extent % parts !== 0)
    throw new ShapeError(
      `${where}: ${describe(parts)} pieces do not divide evenly in dim ${dim} of size ${extent}; use tensorSplit`,
    );
  return tensorSplit(x, parts, dim);
}

/** A number of pieces, the first ones larger by one if they do not divide evenly; or pieces split at the given indices. */
export function tensorSplit(x: Node, parts: number | readonly number[], dim: number): Node[] {
  if (x.shape.length === 0) throw new ShapeError("tensorSplit: a scalar has no dim to split");
  const axis = normalizeAxis(dim, x.shape.length, "tensorSplit");
  const extent = at(x.shape, axis);
  if (typeof parts === "number") {
    if (!isWhole(parts) || parts < 1)
      throw new ShapeError(`tensorSplit: the number of pieces must be at least 1, got ${describe(parts)}`);
    const small = Math.floor(extent / parts);
    return splitSizes(
      x,
      Array.from({ length: parts }, (_, k) => small + (k < extent % parts ? 1 : 0)),
      axis,
    );
  }
  if (!Array.isArray(parts) || !parts.every(isWhole))
    throw new ShapeError(`tensorSplit: takes a number of pieces or a list of positions, got ${describe(parts)}`);
  const cuts = [0, ...parts, extent];
  return cuts.slice(1).map((end, k) => slice(x, axis, at(cuts, k), end));
}

/** Elements at flat indices offset + Σ index · stride, as if the tensor were in memory. */
export function asStrided(x: Node, size: readonly number[], stride: readonly number[], offset: number): Node {
  const wrong = !Array.isArray(size) || !Array.isArray(stride) || size.length !== stride.length;
  if (wrong || ![...size, ...stride, offset].every((value) => isWhole(value) && value >= 0))
    throw new ShapeError(
      `asStrided: takes a size and a stride of as many whole numbers, got ${describe(size)} and ${describe(stride)}`,
    );
  const count = sizeOf(size);
  const reach = size.reduce((sum, extent, k) => sum + Math.max(0, extent - 1) * at(stride, k), offset);
  const have = sizeOf(x.shape);
  if (count > 0 && reach >= have)
    throw new ShapeError(`asStrided: reaches position ${reach}, but ${formatShape(x.shape)} holds ${have} elements`);
  const shape = [...size];
  const places = shape.reduce<Node>(
    (sum, _, k) => el.add(sum, el.mul(iota(shape, k), int(at(stride, k)))),
    full(shape, offset, "int32"),
  );
  return reshape(trustedGather(reshape(x, [-1]), 0, reshape(places, [count])), shape);
}

/** Differences of neighbours along a dim, n times. */
export function diff(x: Node, n: number, dim: number): Node {
  if (!isWhole(n) || n < 0) throw new ShapeError(`diff: n must be a whole number of 0 or more, got ${describe(n)}`);
  const axis = normalizeAxis(dim, x.shape.length, "diff");
  let result = x;
  for (let step = 0; step < n; step++) {
    const extent = at(result.shape, axis);
    const [later, earlier] = [
      slice(result, axis, 1, Math.max(1, extent)),
      slice(result, axis, 0, Math.max(0, extent - 1)),
    ];
    result = x.dtype === "bool" ? el.ne(later, earlier) : el.sub(later, earlier);
  }
  return result;
}
