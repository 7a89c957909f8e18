// Functions for matrices without an inverse: rank, pseudoinverse, least squares. And products of many matrices.
import { at } from "../../at.ts";
import { HebbError, ShapeError } from "../../errors.ts";
import { describe } from "../../kinds.ts";
import type { Node } from "../../node.ts";
import { formatShape, sizeOf } from "../../shape.ts";
import { sum } from "../broadcast.ts";
import { full } from "../creation.ts";
import * as el from "../elementwise.ts";
import { matmul } from "../matmul.ts";
import { reshape } from "../movement.ts";
import { amax } from "../reduce.ts";
import { unsqueeze } from "../views.ts";
import { inverse, solve } from "./lu.ts";
import {
  batchOf,
  columnsOf,
  differentiated,
  epsilonOf,
  identities,
  matrices,
  mT,
  number,
  product,
  rowsOf,
  squares,
} from "./matrices.ts";
import { qr } from "./qr.ts";
import { eigh, svd } from "./spectrum.ts";
import { solveTriangular } from "./triangular.ts";

/** Singular values up to max(atol, rtol · the largest) count as 0. */
export interface Tolerances {
  /** Default 0. */
  readonly atol?: number;
  /** Default: the larger size times the distance from 1 to the next number; 0 if `atol` is given. */
  readonly rtol?: number;
}

function isAbove(values: Node, x: Node, { atol = 0, rtol }: Tolerances): Node {
  const relative = rtol ?? (atol > 0 ? 0 : Math.max(rowsOf(x), columnsOf(x)) * epsilonOf(x));
  if (values.shape.at(-1) === 0) return full(values.shape, 0, "bool");
  const limit = el.maximum(el.mul(amax(values, -1, true), number(relative, values)), number(atol, values));
  return el.gt(values, limit);
}

/** The number of nonzero singular values. For symmetric matrices, eigenvalues are faster. */
export function matrixRank(a: Node, tolerances: Tolerances, hermitian: boolean): Node {
  const x = el.stopGradient(matrices("linalg.matrixRank", a));
  const values = hermitian ? el.abs(eigh(squares("linalg.matrixRank", x)).eigenvalues) : svd(x, false).S;
  return sum(el.cast(isAbove(values, x, tolerances), "int32"), -1);
}

/** A⁺: V diag(1 / s) Uᵀ over the nonzero singular values. */
export function pinv(a: Node, tolerances: Tolerances, hermitian: boolean): Node {
  const x = hermitian ? squares("linalg.pinv", a) : matrices("linalg.pinv", a);
  const values = pseudo(el.stopGradient(x), tolerances, hermitian);
  const result: Node = differentiated(values, [x], (grad) => {
    const [g, p] = [mT(grad), mT(result)];
    // Source: G. Golub and V. Pereyra, The differentiation of pseudo-inverses, 1973. The smaller products first.
    if (rowsOf(x) <= columnsOf(x)) {
      const k = matmul(g, result);
      const kp = matmul(k, p);
      return [
        el.add(
          el.add(el.sub(kp, mT(matmul(result, k))), el.neg(product(x, result, kp))),
          product(p, result, el.sub(g, matmul(k, x))),
        ),
      ];
    }
    const k = matmul(result, g);
    const pk = matmul(p, k);
    return [
      el.add(
        el.add(el.sub(pk, mT(matmul(k, result))), product(el.sub(g, matmul(x, k)), result, p)),
        el.neg(product(pk, result, x)),
      ),
    ];
  });
  return result;
}

function pseudo(x: Node, tolerances: Tolerances, hermitian: boolean): Node {
  const turned = (values: Node, sizes: Node): Node => {
    const holds = isAbove(sizes, x, tolerances);
    return el.where(holds, el.reciprocal(el.where(holds, values, number(1, x))), number(0, x));
  };
  if (hermitian) {
    const { eigenvalues, eigenvectors } = eigh(x);
    return matmul(el.mul(eigenvectors, unsqueeze(turned(eigenvalues, el.abs(eigenvalues)), -2)), mT(eigenvectors));
  }
  const { U, S, Vh } = svd(x, false);
  return matmul(el.mul(mT(Vh), unsqueeze(turned(S, S), -2)), mT(U));
}

export interface LeastSquares {
  readonly solution: Node;
  readonly residuals: Node;
  readonly rank: Node;
  readonly singularValues: Node;
}

/** The X that minimises ‖A X − B‖, among several the smallest. `fullRank`: uses A = Q R, which is faster. */
export function lstsq(a: Node, b: Node, rcond: number | undefined, fullRank: boolean): LeastSquares {
  const where = "linalg.lstsq";
  const x = matrices(where, a, "the matrix");
  const isVector = b.shape.length === 1 && x.shape.length === 2;
  const right = matrices(where, isVector ? unsqueeze(b, -1) : b, "the right side", x);
  const [m, n] = [rowsOf(x), columnsOf(x)];
  if (rowsOf(right) !== m)
    throw new ShapeError(
      `${where}: ${formatShape(a.shape)} has ${m} equations, and the right side ${formatShape(b.shape)} has ${rowsOf(right)} rows; make them equal`,
    );
  const tolerances = rcond === undefined ? {} : { rtol: rcond };
  const solution = fullRank ? byFactors(x, right) : matmul(pinv(x, tolerances, false), right);
  const values = el.stopGradient(fullRank ? full([...batchOf(x), 0], 0, x.dtype) : svd(x, false).S);
  const rest = el.sub(right, matmul(x, solution));
  return {
    solution: isVector ? reshape(solution, solution.shape.slice(0, -1)) : solution,
    residuals: m > n ? sum(el.square(rest), -2) : full([...batchOf(rest), 0], 0, x.dtype),
    rank: fullRank
      ? full(batchOf(x), Math.min(m, n), "int32")
      : sum(el.cast(isAbove(values, x, tolerances), "int32"), -1),
    singularValues: values,
  };
}

function byFactors(a: Node, b: Node): Node {
  if (rowsOf(a) >= columnsOf(a)) {
    const { q, r } = qr(a);
    return solveTriangular(r, matmul(mT(q), b), { upper: true });
  }
  const { q, r } = qr(mT(a));
  return matmul(q, solveTriangular(mT(r), b, { upper: false }));
}

/** Aⁿ by repeated squaring; negative powers use the inverse. */
export function matrixPower(a: Node, n: number): Node {
  const x = squares("linalg.matrixPower", a);
  if (!Number.isInteger(n)) throw new HebbError(`linalg.matrixPower: n must be a whole number, got ${describe(n)}`);
  let base = n < 0 ? inverse(x, "linalg.matrixPower") : x;
  let result: Node | undefined;
  for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result === undefined ? base : matmul(result, base);
    if (left > 1) base = matmul(base, base);
  }
  return result ?? identities(x);
}

/** The product of matrices in the order with the fewest multiplications; the first and the last may be vectors. */
export function multiDot(factors: readonly Node[]): Node {
  const where = "linalg.multiDot";
  const [first, last] = [factors[0], factors.at(-1)];
  if (first === undefined || last === undefined || factors.length < 2)
    throw new HebbError(`${where}: takes two tensors or more, got ${factors.length}`);
  const inner = factors.slice(1, -1).find(({ shape }) => shape.length !== 2);
  const outer = [first, last].find(({ shape }) => shape.length !== 1 && shape.length !== 2);
  const odd = inner ?? outer;
  if (odd !== undefined)
    throw new ShapeError(`${where}: takes matrices, and vectors at both ends, got ${formatShape(odd.shape)}`);
  const list = factors.map((factor, place) =>
    factor.shape.length === 2 ? factor : unsqueeze(factor, place === 0 ? 0 : 1),
  );
  const sizes = [rowsOf(at(list, 0)), ...list.map(columnsOf)];
  const best = new Map<string, { readonly cost: number; readonly cut: number }>();
  const costOf = (from: number, to: number): number => best.get(`${from} ${to}`)?.cost ?? 0;
  for (let length = 2; length <= list.length; length++)
    for (let from = 0; from + length <= list.length; from++) {
      const to = from + length;
      for (let cut = from + 1; cut < to; cut++) {
        const cost = costOf(from, cut) + costOf(cut, to) + at(sizes, from) * at(sizes, cut) * at(sizes, to);
        const known = best.get(`${from} ${to}`);
        if (known === undefined || cost < known.cost) best.set(`${from} ${to}`, { cost, cut });
      }
    }
  const productOf = (from: number, to: number): Node => {
    const cut = best.get(`${from} ${to}`)?.cut;
    return cut === undefined ? at(list, from) : matmul(productOf(from, cut), productOf(cut, to));
  };
  const whole = productOf(0, list.length);
  const ends = [
    ...(first.shape.length === 1 ? [] : [at(sizes, 0)]),
    ...(last.shape.length === 1 ? [] : [at(sizes, list.length)]),
  ];
  return reshape(whole, ends);
}

/** The inverse of a tensor as a map from its last dims to its first `ind`. */
export function tensorinv(a: Node, ind: number): Node {
  const where = "linalg.tensorinv";
  if (!Number.isInteger(ind) || ind < 1 || ind > a.shape.length)
    throw new HebbError(`${where}: ind must be a whole number from 1 to the number of dims, got ${describe(ind)}`);
  const [before, after] = [a.shape.slice(0, ind), a.shape.slice(ind)];
  if (sizeOf(before) !== sizeOf(after))
    throw new ShapeError(
      `${where}: the first ${ind} dims of ${formatShape(a.shape)} hold ${sizeOf(before)} places, the others ${sizeOf(after)}; make them equal`,
    );
  return reshape(inverse(reshape(a, [sizeOf(before), sizeOf(after)]), where), [...after, ...before]);
}

/** X such that the sums of A · X over all dims of X, the last dims of A, give B. */
export function tensorsolve(a: Node, b: Node): Node {
  const rest = a.shape.slice(b.shape.length);
  if (sizeOf(rest) !== sizeOf(b.shape))
    throw new ShapeError(
      `linalg.tensorsolve: ${formatShape(rest)}, the last dims of ${formatShape(a.shape)}, hold ${sizeOf(rest)} unknowns for ${sizeOf(b.shape)} equations; make them equal`,
    );
  return reshape(solve(reshape(a, [sizeOf(b.shape), sizeOf(rest)]), reshape(b, [-1])), rest);
}
