// Singular values and vectors: by rotations for small matrices, by bidiagonalisation for larger ones.
import type { Node } from "../../node.ts";
import { sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { matmul } from "../matmul.ts";
import { cat, flip, pad, reshape, slice } from "../movement.ts";
import { argsort } from "../sort.ts";
import { unsqueeze } from "../views.ts";
import { bidiagonal } from "./bidiagonal.ts";
import { finalSweeps, orthogonalRows } from "./jacobi.ts";
import { columnsOf, mT, number, orderRows, rowsOf, unitOf } from "./matrices.ts";
import { adjusted, orthonormal, rotatedBy } from "./qr.ts";
import { eigenvaluesAt, inUnits, scattered, solved, turnable } from "./tridiagonalSpectrum.ts";

/** From this many columns, bidiagonalisation is faster; below, rotations keep one digit more. */
const leastReduced = 48;

const lengths = (rows: Node): Node => el.sqrt(sum(el.square(rows), 2));

export interface Singular {
  readonly u: Node;
  readonly s: Node;
  readonly v: Node;
}

/** The rows sorted by the length of their first columns, longest first. */
const byLength = (x: Node, seen = columnsOf(x)): Node =>
  orderRows(x, flip(argsort(lengths(slice(x, 2, 0, seen)), 1), [1]));

/** For square matrices, by rotations. */
function rotated(a: Node): Singular {
  const n = columnsOf(a);
  // Zero rows have no direction: for matrices without full rank, they are completed.
  const near = orthonormal(mT(byLength(orthogonalRows(a, n))));
  const turned = orthogonalRows(cat([mT(matmul(a, near)), mT(near)], 2), n, finalSweeps);
  const sorted = byLength(turned, n);
  const [rows, v] = [slice(sorted, 2, 0, n), slice(sorted, 2, n)];
  return { u: orthonormal(mT(rows)), s: lengths(rows), v: mT(v) };
}

/** Two [batch, n, k] tensors with their rows interleaved. */
const interleaved = (x: Node, y: Node): Node =>
  reshape(cat([unsqueeze(x, 2), unsqueeze(y, 2)], 2), [x.shape[0] as number, 2 * rowsOf(x), columnsOf(x)]);

/**
 * V of B = U Σ Vᵀ, and Σ in descending order. The entries of B, interleaved, are the off-diagonal of a tridiagonal matrix with a zero diagonal. Its
 * eigenvalues are ±σ, its eigenvectors v and ±u, interleaved. Source: G. Golub, W. Kahan, Calculating the singular values and pseudo-inverse of a matrix, 1965.
 */
function rightOf(diagonal: Node, above: Node): { readonly values: Node; readonly v: Node } {
  const [batch, n] = diagonal.shape as [number, number];
  const none = full([batch, 2 * n], 0, diagonal.dtype);
  const byTurns = reshape(interleaved(unsqueeze(diagonal, 2), unsqueeze(above, 2)), [batch, 2 * n]);
  const { d, e, largest } = inUnits({ diagonal: none, beside: slice(byTurns, 1, 0, 2 * n - 1) });
  const wanted = el.sub(full([n], 2 * n - 1, "int32"), iota([n], 0));
  const positive = el.relu(eigenvaluesAt(wanted, d, e));
  const oddRows = (x: Node): Node => slice(x, 1, 0, 2 * n, 2);
  const first = orthonormal(
    oddRows(solved(d, e, positive, el.add(full([batch, 2 * n, n], 0, d.dtype), scattered(2 * n, n, d)))),
  );
  const v = orthonormal(oddRows(solved(d, e, positive, interleaved(first, el.mul(first, number(0, d))))));
  return { values: el.mul(positive, largest), v };
}

/**
 * The skew G and K for which U + U G and V + V K are closer to the singular vectors: they diagonalise S = UᵀBV. Pairs that would rotate far,
 * because their values are practically equal, stay. Source: T. Ogita, K. Aishima, Iterative refinement for singular value decomposition based on matrix
 * multiplication, 2020.
 */
function turnsOf(s: Node, values: Node): { readonly ofU: Node; readonly ofV: Node } {
  const [mine, theirs] = [unsqueeze(values, 2), unsqueeze(values, 1)];
  const gap = el.mul(el.sub(theirs, mine), el.add(theirs, mine));
  const [g, k] = [el.add(el.mul(theirs, s), el.mul(mine, mT(s))), el.add(el.mul(mine, s), el.mul(theirs, mT(s)))];
  const unit = el.square(unsqueeze(slice(values, 1, 0, 1), 2));
  const most = el.mul(turnable(el.div(gap, unit)), unit);
  const isSmall = el.logicalAnd(el.lt(el.abs(g), most), el.lt(el.abs(k), most));
  const turn = (x: Node): Node => el.where(isSmall, el.div(x, gap), number(0, s));
  return { ofU: turn(g), ofV: turn(k) };
}

/** For square matrices, through B. */
function reduced(a: Node): Singular {
  const n = rowsOf(a);
  const { diagonal, above, left, right } = bidiagonal(a);
  const { values, v } = rightOf(diagonal, above);
  const none: readonly [number, number] = [0, 0];
  const times = el.add(
    el.mul(unsqueeze(diagonal, 2), v),
    pad(el.mul(unsqueeze(slice(above, 1, 0, n - 1), 2), slice(v, 1, 1)), [none, [0, 1], none], 0),
  );
  // In descending order, rounding errors of a short column stay in the space of the shorter ones, where they do no harm.
  const u = orthonormal(times);
  const { ofU, ofV } = turnsOf(matmul(mT(u), times), values);
  return { u: adjusted(rotatedBy(left, u), ofU), s: values, v: adjusted(rotatedBy(right, v), ofV) };
}

/** For [batch, m, n] with m ≥ n. */
function tall(a: Node): Singular {
  const n = columnsOf(a);
  // Orthogonal columns need no rotation: R has the singular values of A.
  const first = rowsOf(a) > n ? orthonormal(a) : undefined;
  const square = first === undefined ? a : matmul(mT(first), a);
  const found = n < leastReduced ? rotated(square) : reduced(square);
  return first === undefined ? found : { ...found, u: matmul(first, found.u) };
}

/** For [batch, m, n], as columns, in descending order. */
export function singular(a: Node): Singular {
  const unit = unitOf(a);
  const scaled = el.div(a, unit);
  const isTall = rowsOf(a) >= columnsOf(a);
  const { u, s, v } = tall(isTall ? scaled : mT(scaled));
  const sizes = el.mul(s, reshape(unit, [-1, 1]));
  return isTall ? { u, s: sizes, v } : { u: v, s: sizes, v: u };
}
