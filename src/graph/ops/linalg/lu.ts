// Elimination with partial pivoting, P A = L U, and the functions built on it: solve, inverse, det, slogdet.
import { ShapeError } from "../../errors.ts";
import type { Node } from "../../node.ts";
import { broadcastShapes, formatShape, sameShape } from "../../shape.ts";
import { expand, sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { cumsum, trustedGather, trustedScatterAdd } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { cat, permute, reshape, slice } from "../movement.ts";
import { diagonal } from "../rearrange.ts";
import { all, amax, argmax, prod } from "../reduce.ts";
import { unsqueeze } from "../views.ts";
import {
  batchOf,
  differentiated,
  epsilonOf,
  flat,
  identity,
  isBeside,
  loopOver,
  matrices,
  mT,
  number,
  orderRows,
  requireEach,
  rowsOf,
  sliceAt,
  squares,
  unflat,
} from "./matrices.ts";
import { inverseLower, substitute, summed } from "./triangular.ts";

/** P A = L U, packed in one matrix. `order` lists the rows of A in their new order, `swaps` counts the exchanges. */
export interface Elimination {
  readonly factors: Node;
  readonly order: Node;
  readonly swaps: Node;
}

/** Up to this width, columns are eliminated one by one; wider matrices in halves, with a product for the rest. */
const panelWidth = 32;
const int = (value: number): Node => full([], value, "int32");

/** For [batch, m, n] with m ≥ n. */
export function eliminate(a: Node): Elimination {
  const [, , n] = a.shape as [number, number, number];
  if (n <= panelWidth) return panel(a);
  const half = Math.ceil(n / 2 / panelWidth) * panelWidth;
  const left = eliminate(slice(a, 2, 0, half));
  const right = orderRows(slice(a, 2, half), left.order);
  const [top, bottom] = [slice(left.factors, 1, 0, half), slice(left.factors, 1, half)];
  const above = matmul(inverseLower(top, true), slice(right, 1, 0, half));
  const rest = eliminate(el.sub(slice(right, 1, half), matmul(bottom, above)));
  return {
    factors: cat([cat([top, above], 2), cat([orderRows(bottom, rest.order), rest.factors], 2)], 1),
    order: cat([slice(left.order, 1, 0, half), trustedGather(slice(left.order, 1, half), 1, rest.order)], 1),
    swaps: el.add(left.swaps, rest.swaps),
  };
}

/**
 * Eliminates column by column. Rows stay in place until the end; those not yet chosen are active. Columns are contiguous: [batch, n, m]
 * or, for many matrices, [n, m, batch].
 */
function panel(a: Node): Elimination {
  const [batch, m, n] = a.shape as [number, number, number];
  if (batch === 0 || n === 0)
    return { factors: a, order: expand(reshape(iota([m], 0), [1, m]), [batch, m]), swaps: full([batch], 0, "int32") };
  const beside = isBeside(batch);
  /** The dim that counts the columns, and the dim within a column. */
  const [which, along] = beside ? [0, 0] : [1, 1];
  const places = reshape(iota([m], 0), beside ? [m, 1] : [1, m]);
  const columns = reshape(iota([n], 0), beside ? [n, 1, 1] : [1, n, 1]);
  const initial = [permute(a, beside ? [2, 1, 0] : [0, 2, 1]), full(beside ? [m, batch] : [batch, m], 1, a.dtype)];
  const { state, outputs } = loopOver(n, initial, ([whole, active], t) => {
    const [lines, free] = [whole as Node, el.ne(active as Node, number(0, a))];
    const column = sliceAt(lines, which, t);
    const chosen = argmax(el.where(free, el.abs(column), number(-1, a)), along, true);
    const pivot = trustedGather(column, along, chosen);
    const left = el.logicalAnd(free, el.ne(places, chosen));
    const isZero = el.eq(pivot, number(0, a));
    const factor = el.where(el.logicalAnd(left, el.logicalNot(isZero)), el.div(column, pivot), number(0, a));
    const everywhere = unsqueeze(chosen, which);
    const row = trustedGather(lines, along + 1, expand(everywhere, everywhere.shape.with(which, n)));
    const later = el.where(el.gt(columns, t), row, number(0, a));
    const reduced = el.sub(lines, el.mul(later, unsqueeze(factor, which)));
    const next = el.where(el.logicalAnd(el.eq(columns, t), unsqueeze(left, which)), unsqueeze(factor, which), reduced);
    const before = sum(el.cast(el.logicalAnd(free, el.lt(places, chosen)), "int32"), along);
    return { next: [next, el.cast(left, a.dtype)], outputs: [reshape(chosen, [batch]), before] };
  });
  const [lines, active] = state as [Node, Node];
  const [chosen, before] = outputs as [Node, Node];
  const pivots = permute(chosen, [1, 0]);
  const rest = beside ? permute(active, [1, 0]) : active;
  const order = m === n ? pivots : cat([pivots, restOf(rest, m - n)], 1);
  const matrices = permute(lines, beside ? [2, 1, 0] : [0, 2, 1]);
  return { factors: orderRows(matrices, order), order, swaps: sum(before, 0) };
}

/** The indices of the `count` rows that are still active, in order. */
function restOf(active: Node, count: number): Node {
  const [batch, m] = active.shape as [number, number];
  const counts = el.cast(active, "int32");
  const target = el.where(el.ne(counts, int(0)), el.sub(cumsum(counts, 1), int(1)), int(count));
  const places = expand(reshape(iota([m], 0), [1, m]), [batch, m]);
  return slice(trustedScatterAdd(full([batch, count + 1], 0, "int32"), 1, target, places), 1, 0, count);
}

const pivotsOf = ({ factors }: Elimination): Node => diagonal(factors, 0, 1, 2);
/** For square matrices, without a gradient. */
const eliminated = (a: Node): Elimination => eliminate(flat(el.stopGradient(a)));

const singular =
  "the matrix is singular: it has no inverse; add a small multiple of the identity, or use linalg.pinv or linalg.lstsq";

/** P A = L U solved for [batch, n, k], with a step of refinement. */
function solveWith(lu: Elimination, a: Node, b: Node): Node {
  const { factors, order } = lu;
  const times = (x: Node): Node => {
    const first = substitute(factors, orderRows(x, order), { upper: false, unit: true, refined: false });
    return substitute(factors, first, { upper: true, unit: false, refined: false });
  };
  const first = times(b);
  return el.add(first, times(el.sub(b, matmul(a, first))));
}

/** A⁻¹ of [batch, n, n], with a step of refinement for the matrices in `refines`: [batch, 1, 1]; default: all. */
function invertWith({ factors, order }: Elimination, a: Node, refines?: Node): Node {
  const one = expand(identity(rowsOf(a), rowsOf(a), a), a.shape);
  // Permuting the rows of the identity permutes the columns.
  const lower = matmul(inverseLower(factors, true), orderRows(one, order));
  const first = substitute(factors, lower, { upper: true, unit: false, refined: false });
  const step = matmul(first, el.sub(one, matmul(a, first)));
  return el.add(first, refines === undefined ? step : el.where(refines, step, number(0, a)));
}

/** X of A X = B; B may be vectors. `left` false: X A = B. */
export function solve(a: Node, b: Node, left = true): Node {
  const where = "linalg.solve";
  const square = squares(where, a, "the matrix");
  const isVector =
    b.shape.length === 1 || (b.shape.length === a.shape.length - 1 && sameShape(b.shape, a.shape.slice(0, -1)));
  if (!left) {
    if (isVector)
      throw new ShapeError(`${where}: with left: false the right side must be matrices, got ${formatShape(b.shape)}`);
    return mT(solve(mT(square), mT(matrices(where, b, "the right side", square))));
  }
  if (isVector) {
    const column = solve(square, unsqueeze(b, -1));
    return reshape(column, column.shape.slice(0, -1));
  }
  const right = matrices(where, b, "the right side", square);
  if (rowsOf(right) !== rowsOf(square))
    throw new ShapeError(
      `${where}: ${formatShape(a.shape)} has ${rowsOf(square)} unknowns, and the right side ${formatShape(b.shape)} has ${rowsOf(right)} rows; make them equal`,
    );
  return solved(square, right, eliminated(square), where);
}

function solved(a: Node, b: Node, lu: Elimination, where: string): Node {
  const batch = broadcastShapes(batchOf(a), batchOf(b), where);
  const n = rowsOf(a);
  const wide = (x: Node): Node => flat(expand(el.stopGradient(x), [...batch, ...x.shape.slice(-2)]));
  const own = sameShape(batch, batchOf(a)) ? lu : eliminated(expand(a, [...batch, n, n]));
  const holds = all(el.ne(pivotsOf(own), number(0, a)), 1);
  const values = unflat(solveWith(own, wide(a), wide(b)), batch);
  const right = requireEach(values, reshape(holds, batch), where, singular);
  const solution: Node = differentiated(right, [a, b], (grad) => {
    const ofRight = solve(mT(a), grad);
    return [summed(el.neg(matmul(ofRight, mT(solution))), a), summed(ofRight, b)];
  });
  return solution;
}

/** A⁻¹ of square matrices. */
export function inverse(a: Node, where = "linalg.inv"): Node {
  const square = squares(where, a);
  const lu = eliminated(square);
  const holds = reshape(all(el.ne(pivotsOf(lu), number(0, square)), 1), batchOf(square));
  const values = unflat(invertWith(lu, flat(el.stopGradient(square))), batchOf(square));
  const inverted: Node = differentiated(requireEach(values, holds, where, singular), [square], (grad) => [
    el.neg(matmul(mT(inverted), matmul(grad, mT(inverted)))),
  ]);
  return inverted;
}

/** Replaces pivots of 0 by tiny ones, so that det · A⁻¹ stays the adjugate; `holds` marks the matrices without zero pivots. */
function withoutZeros(lu: Elimination): { readonly near: Elimination; readonly holds: Node } {
  const { factors } = lu;
  const [batch, n] = factors.shape as [number, number, number];
  const pivots = pivotsOf(lu);
  const isZero = el.eq(pivots, number(0, pivots));
  const holds = reshape(all(el.logicalNot(isZero), 1), [batch, 1, 1]);
  if (n === 0) return { near: lu, holds };
  const largest = amax(el.abs(factors), [1, 2], true);
  const size = el.where(el.eq(largest, number(0, largest)), number(1, largest), largest);
  const least = el.mul(reshape(size, [batch, 1]), number(epsilonOf(pivots), pivots));
  const missing = el.where(isZero, least, number(0, pivots));
  const near = { ...lu, factors: el.add(factors, el.mul(unsqueeze(missing, 1), identity(n, n, factors))) };
  return { near, holds };
}

/** A⁻ᵀ for the gradient of a determinant, refined for the matrices in `refines`. */
function cofactors(a: Node, lu: Elimination, refines?: Node): Node {
  const values = invertWith(lu, flat(el.stopGradient(a)), refines);
  const inverted: Node = differentiated(unflat(values, batchOf(a)), [a], (grad) => [
    el.neg(matmul(mT(inverted), matmul(grad, mT(inverted)))),
  ]);
  return mT(inverted);
}

const signOf = ({ swaps }: Elimination, like: Node): Node =>
  el.sub(number(1, like), el.mul(number(2, like), el.cast(el.remainder(swaps, int(2)), like.dtype)));

/** Π of the pivots, with the sign of the permutation. */
export function det(a: Node): Node {
  const square = squares("linalg.det", a);
  const lu = eliminated(square);
  const productOf = (own: Elimination): Node =>
    reshape(el.mul(prod(pivotsOf(own), 1), signOf(own, square)), batchOf(square));
  const backward = (grad: Node): Node[] => {
    const { near, holds } = withoutZeros(lu);
    const product = differentiated(productOf(near), [square], backward);
    return [el.mul(unsqueeze(unsqueeze(el.mul(grad, product), -1), -1), cofactors(square, near, holds))];
  };
  return differentiated(productOf(lu), [square], backward);
}

/** The sign and the log of the absolute value of the determinant; 0 and −∞ for a singular matrix. */
export function slogdet(a: Node): { readonly sign: Node; readonly logabsdet: Node } {
  const square = squares("linalg.slogdet", a);
  const lu = eliminated(square);
  const pivots = pivotsOf(lu);
  const sign = reshape(el.mul(prod(el.sign(pivots), 1), signOf(lu, square)), batchOf(square));
  const values = reshape(sum(el.log(el.abs(pivots)), 1), batchOf(square));
  const logabsdet = differentiated(values, [square], (grad) => [
    el.mul(unsqueeze(unsqueeze(grad, -1), -1), cofactors(square, lu)),
  ]);
  return { sign, logabsdet };
}

/** log det; NaN if the determinant is negative. */
export function logdet(a: Node): Node {
  const { sign, logabsdet } = slogdet(a);
  return el.add(logabsdet, el.log(sign));
}
