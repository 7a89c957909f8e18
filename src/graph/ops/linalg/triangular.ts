// Triangular matrices: their inverses, block by block from the diagonal outwards, and what is solved with them.
import { at } from "../../at.ts";
import { ShapeError } from "../../errors.ts";
import type { Node } from "../../node.ts";
import { formatShape } from "../../shape.ts";
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
  unflat,
} from "./matrices.ts";

/** Blocks of this size on the diagonal are inverted row by row, all of them at once. */
const blockSize = 32;

/**
 * The inverse of lower triangular matrices [batch, n, n], of which only that triangle is read: [A 0; C B]⁻¹ = [A⁻¹ 0; −B⁻¹CA⁻¹ B⁻¹], for all
 * blocks of a size at once, from the diagonal on. `unit`: the diagonal counts as 1.
 */
export function inverseLower(lower: Node, unit = false): Node {
  const [batch, n] = lower.shape as [number, number, number];
  if (n === 0 || batch === 0) return lower;
  const smallest = Math.min(blockSize, n);
  let width = smallest;
  while (width < n) width *= 2;
  const more = width - n;
  const filled =
    more === 0
      ? lower
      : el.add(
          pad(
            lower,
            [
              [0, 0],
              [0, more],
              [0, more],
            ],
            0,
          ),
          pad(
            identity(more, more, lower),
            [
              [n, 0],
              [n, 0],
            ],
            0,
          ),
        );
  // The blocks of a size on the diagonal, one after another: [batch · blocks, size, size]
  const blocksOf = (size: number): Node => {
    const count = width / size;
    if (count === 1) return filled;
    const tiles = diagonal(reshape(filled, [batch, count, size, count, size]), 0, 1, 3);
    return reshape(permute(tiles, [0, 3, 1, 2]), [batch * count, size, size]);
  };
  let blocks = rowByRow(blocksOf(smallest), unit);
  for (let size = smallest; size < width; size *= 2) {
    const count = (batch * width) / (2 * size);
    const corner = slice(slice(blocksOf(2 * size), 1, size), 2, 0, size);
    const pairs = reshape(blocks, [count, 2, size, size]);
    const block = (which: 0 | 1): Node => reshape(slice(pairs, 1, which, which + 1), [count, size, size]);
    const [first, second] = [block(0), block(1)];
    const below = el.neg(matmul(second, matmul(corner, first)));
    blocks = cat(
      [
        pad(
          first,
          [
            [0, 0],
            [0, 0],
            [0, size],
          ],
          0,
        ),
        cat([below, second], 2),
      ],
      1,
    );
  }
  return more === 0 ? blocks : slice(slice(blocks, 1, 0, n), 2, 0, n);
}

/** Row t of the inverse is what row t of the identity leaves of the rows before, over the pivot. */
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
  /** The triangle that is read. */
  readonly upper: boolean;
  /** False: X A = B. Default true. */
  readonly left?: boolean;
  /** The diagonal counts as ones. Default false. */
  readonly unitriangular?: boolean;
}

/** X of A X = B, or of X A = B, where A is triangular. */
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
  const lower = flat(upper ? mT(plain) : plain);
  const inverted = unflat(inverseLower(lower, unitriangular), batchOf(plain));
  const inverse = upper ? mT(inverted) : inverted;
  const known = el.stopGradient(right);
  const times = (x: Node): Node => (left ? matmul(inverse, x) : matmul(x, inverse));
  const first = times(known);
  // A step of refinement takes back what the inverse lost.
  const rest = el.sub(known, left ? matmul(triangle, first) : matmul(first, triangle));
  const values = el.add(first, times(rest));
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

/** A gradient added up over the dims that were broadcast. */
export function summed(grad: Node, like: Node): Node {
  const extra = grad.shape.length - like.shape.length;
  const dims = grad.shape.flatMap((extent, axis) =>
    axis < extra || (extent !== 1 && at(like.shape, axis - extra) === 1) ? [axis] : [],
  );
  return dims.length === 0 ? grad : reshape(sum(grad, dims), like.shape);
}
