// Triangular matrices: their inverses, block by block outwards from the diagonal, and triangular solves.
import { at } from "../../at.ts";
import { ShapeError } from "../../errors.ts";
import type { Node } from "../../node.ts";
import { formatShape, sizeOf } from "../../shape.ts";
import { sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { tril, triu } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { cat, pad, permute, reshape, slice } from "../movement.ts";
import { diagonal } from "../rearrange.ts";
import { unsqueeze } from "../views.ts";
import {
  batchOf,
  columnsOf,
  differentiated,
  flat,
  identity,
  loopOver,
  matrices,
  mT,
  number,
  product,
  rowsOf,
  sliceAt,
  squares,
} from "./matrices.ts";

/** Diagonal blocks of this size are inverted row by row, all at once. */
const blockSize = 32;

/** Larger matrices are solved block by block. */
const solvedAtOnce = 2 * blockSize;
/** Maximum number of blocks: each has its own kernels. */
const mostBlocks = 16;

/** The inverse of lower triangular matrices [batch, n, n]; only that triangle is read. `unit`: the diagonal counts as 1. */
export function inverseLower(lower: Node, unit = false): Node {
  const [batch, n] = lower.shape as [number, number, number];
  if (n === 0 || batch === 0) return lower;
  let size = Math.min(blockSize, n);
  while (size < n) size *= 2;
  const blocks = diagonalInverses(lower, size, unit);
  return size === n ? blocks : slice(slice(blocks, 1, 0, n), 2, 0, n);
}

/**
 * The inverses of the diagonal blocks of `size`, a power of two times the smallest size: [batch · blocks, size, size]. [A 0; C B]⁻¹ =
 * [A⁻¹ 0; −B⁻¹CA⁻¹ B⁻¹], for all blocks of a size at once, from the diagonal outwards. The last blocks are filled with the identity.
 */
function diagonalInverses(lower: Node, size: number, unit: boolean): Node {
  const [batch, n] = lower.shape as [number, number, number];
  const width = Math.ceil(n / size) * size;
  const more = width - n;
  const besides = (x: Node, from: number, to: number): Node =>
    pad(
      x,
      [
        [0, 0],
        [from, to],
        [from, to],
      ].slice(3 - x.shape.length) as [number, number][],
      0,
    );
  const filled = more === 0 ? lower : el.add(besides(lower, 0, more), besides(identity(more, more, lower), n, 0));
  // The diagonal blocks of a size, in order: [batch · blocks, size, size]
  const blocksOf = (own: number): Node => {
    const count = width / own;
    if (count === 1) return filled;
    const tiles = diagonal(reshape(filled, [batch, count, own, count, own]), 0, 1, 3);
    return reshape(permute(tiles, [0, 3, 1, 2]), [batch * count, own, own]);
  };
  let smallest = size;
  while (smallest > blockSize) smallest /= 2;
  let blocks = rowByRow(blocksOf(smallest), unit);
  for (let own = smallest; own < size; own *= 2) {
    const count = (batch * width) / (2 * own);
    const corner = slice(slice(blocksOf(2 * own), 1, own), 2, 0, own);
    const pairs = reshape(blocks, [count, 2, own, own]);
    const block = (which: 0 | 1): Node => reshape(slice(pairs, 1, which, which + 1), [count, own, own]);
    const [first, second] = [block(0), block(1)];
    const below = el.neg(matmul(second, matmul(corner, first)));
    blocks = cat(
      [
        pad(
          first,
          [
            [0, 0],
            [0, 0],
            [0, own],
          ],
          0,
        ),
        cat([below, second], 2),
      ],
      1,
    );
  }
  return blocks;
}

export interface Substitution {
  readonly upper: boolean;
  /** Whether the diagonal counts as ones. */
  readonly unit: boolean;
  /** Whether the solution of each block is refined by a step. The other triangle must then be zero, and a unit diagonal must hold ones. */
  readonly refined: boolean;
}

/** X of T X = B, block by block. Only one triangle of [..., n, n] is read, apart from the diagonal blocks. */
export function substitute(triangle: Node, b: Node, { upper, unit, refined }: Substitution): Node {
  const n = rowsOf(triangle);
  if (sizeOf(triangle.shape) === 0) return matmul(triangle, b);
  let size = Math.min(blockSize, n);
  while (size < n && (size < solvedAtOnce || size * mostBlocks < n)) size *= 2;
  const count = Math.ceil(n / size);
  const batch = batchOf(triangle);
  const inverses = diagonalInverses(flat(upper ? mT(triangle) : triangle), size, unit);
  const each = reshape(inverses, [...batch, count, size, size]);
  const part = (from: number, to: number, left: number, right: number): Node =>
    slice(slice(triangle, -2, from, to), -1, left, right);
  const block = (place: number, from: number, to: number, right: Node): Node => {
    const whole = reshape(slice(each, -3, place, place + 1), [...batch, size, size]);
    const cut = slice(slice(whole, -2, 0, to - from), -1, 0, to - from);
    const inverse = upper ? mT(cut) : cut;
    const first = matmul(inverse, right);
    if (!refined) return first;
    // A step of refinement recovers the precision lost by the inverse.
    return el.add(first, matmul(inverse, el.sub(right, matmul(part(from, to, from, to), first))));
  };
  const solved = (from: number, to: number, right: Node): Node => {
    if (to - from <= size) return block(from / size, from, to, right);
    const middle = from + size * Math.ceil((to - from) / size / 2);
    const above = slice(right, -2, 0, middle - from);
    const below = slice(right, -2, middle - from);
    if (upper) {
      const last = solved(middle, to, below);
      const first = solved(from, middle, el.sub(above, matmul(part(from, middle, middle, to), last)));
      return cat([first, last], last.shape.length - 2);
    }
    const first = solved(from, middle, above);
    const last = solved(middle, to, el.sub(below, matmul(part(middle, to, from, middle), first)));
    return cat([first, last], last.shape.length - 2);
  };
  return solved(0, n, b);
}

/** Row t of the inverse is row t of the identity minus the contributions of earlier rows, divided by the pivot. */
function rowByRow(lower: Node, unit: boolean): Node {
  const [batch, n] = lower.shape as [number, number, number];
  const places = reshape(iota([n], 0), [1, n]);
  const [zero, one] = [number(0, lower), number(1, lower)];
  const { state } = loopOver(n, [full([batch, n, n], 0, lower.dtype)], ([found], t) => {
    const row = sliceAt(lower, 1, t);
    const before = el.where(el.lt(places, t), row, zero);
    const sums = sum(el.mul(unsqueeze(before, 2), found as Node), 1);
    const rest = el.sub(el.where(el.eq(places, t), one, zero), sums);
    const own = unit ? rest : el.div(rest, unsqueeze(sliceAt(row, 1, t), 1));
    return { next: [el.where(el.eq(reshape(places, [1, n, 1]), t), unsqueeze(own, 1), found as Node)] };
  });
  return state[0] as Node;
}

export interface TriangularOptions {
  /** The triangle to read. */
  readonly upper: boolean;
  /** False: X A = B. Default true. */
  readonly left?: boolean;
  /** Whether the diagonal counts as ones. Default false. */
  readonly unitriangular?: boolean;
}

/** X of A X = B, or of X A = B, with triangular A. */
export function solveTriangular(
  a: Node,
  b: Node,
  { upper, left = true, unitriangular = false }: TriangularOptions,
): Node {
  const where = "linalg.solveTriangular";
  const [square, right] = [squares(where, a, "the triangle"), matrices(where, b, "the right side")];
  const meets = left ? rowsOf(right) : columnsOf(right);
  if (meets !== rowsOf(square))
    throw new ShapeError(
      `${where}: ${formatShape(a.shape)} and the right side ${formatShape(b.shape)} do not fit: ${rowsOf(square)} unknowns and ${meets} ${left ? "rows" : "columns"}`,
    );
  const plain = el.stopGradient(square);
  const triangle = unitriangular
    ? el.add((upper ? triu : tril)(plain, upper ? 1 : -1), identity(rowsOf(a), rowsOf(a), plain))
    : (upper ? triu : tril)(plain);
  const known = el.stopGradient(right);
  const how = { unit: unitriangular, refined: true };
  const values = left
    ? substitute(triangle, known, { upper, ...how })
    : mT(substitute(mT(triangle), mT(known), { upper: !upper, ...how }));
  const solution: Node = differentiated(values, [square, right], (grad) => {
    const ofRight = solveTriangular(mT(square), grad, { upper: !upper, left, unitriangular });
    const whole = left ? product(ofRight, mT(solution)) : product(mT(solution), ofRight);
    const ofTriangle = el.neg(
      unitriangular ? (upper ? triu : tril)(whole, upper ? 1 : -1) : (upper ? triu : tril)(whole),
    );
    return [summed(ofTriangle, square), summed(ofRight, right)];
  });
  return solution;
}

/** A gradient summed over the dims that were broadcast. */
export function summed(grad: Node, like: Node): Node {
  const extra = grad.shape.length - like.shape.length;
  const dims = grad.shape.flatMap((extent, axis) =>
    axis < extra || (extent !== 1 && at(like.shape, axis - extra) === 1) ? [axis] : [],
  );
  return dims.length === 0 ? grad : reshape(sum(grad, dims), like.shape);
}
