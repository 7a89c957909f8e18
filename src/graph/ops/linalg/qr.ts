// A = Q R by Householder reflections, gathered into blocks I − V T Vᵀ, so that most of the work is matrix products.
import { at } from "../../at.ts";
import { HebbError } from "../../errors.ts";
import type { Node } from "../../node.ts";
import { expand, sum } from "../broadcast.ts";
import { iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { tril, triu } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { cat, pad, permute, reshape, slice } from "../movement.ts";
import { amax } from "../reduce.ts";
import { unsqueeze } from "../views.ts";
import {
  batchOf,
  columnsOf,
  differentiated,
  flat,
  identities,
  identity,
  loopOver,
  matrices,
  mT,
  number,
  product,
  rowsOf,
  sliceAt,
  unflat,
} from "./matrices.ts";
import { inverseLower, solveTriangular } from "./triangular.ts";

const panelWidth = 32;

/** The reflections of a block of columns, from row `start` on, I − τ v vᵀ: the v as columns, [batch, m, count], and the τ, [count, batch, 1]. */
export interface Reflections {
  readonly start: number;
  readonly v: Node;
  readonly taus: Node;
}

/** Reflects the columns of [batch, m, w] one by one. Here they lie along the last dim. */
function panel(a: Node): Omit<Reflections, "start"> & { readonly r: Node } {
  const [, m, w] = a.shape as [number, number, number];
  const places = reshape(iota([m], 0), [1, m]);
  const columns = reshape(iota([w], 0), [1, w, 1]);
  const [zero, one] = [number(0, a), number(1, a)];
  const count = Math.min(m, w);
  const { state, outputs } = loopOver(count, [mT(a)], ([state], t) => {
    const lines = state as Node;
    const whole = sliceAt(lines, 1, t);
    const below = el.gt(places, t);
    // In units of the largest number, so that squares neither overflow nor underflow.
    const largest = amax(el.where(el.ge(places, t), el.abs(whole), zero), 1, true);
    const scale = el.where(el.eq(largest, zero), one, largest);
    const column = el.div(whole, scale);
    const alpha = unsqueeze(sliceAt(column, 1, t), 1);
    const rest = el.where(below, column, zero);
    const squares = sum(el.square(rest), 1, true);
    const nothing = el.eq(squares, zero);
    const length = el.sqrt(el.add(el.square(alpha), squares));
    const beta = el.where(nothing, alpha, el.where(el.gt(alpha, zero), el.neg(length), length));
    // If everything below is 0 there is nothing to reflect: v is 0 and its factor counts as 1.
    const v = el.where(
      el.eq(places, t),
      el.where(nothing, zero, one),
      el.where(nothing, zero, el.div(rest, el.sub(alpha, beta))),
    );
    const tau = el.where(nothing, one, el.div(el.sub(beta, alpha), beta));
    const along = sum(el.mul(lines, unsqueeze(v, 1)), 2, true);
    const others = el.sub(lines, el.mul(el.mul(unsqueeze(tau, 1), along), unsqueeze(v, 1)));
    const own = el.where(el.eq(places, t), el.mul(beta, scale), el.where(below, zero, whole));
    const next = el.where(el.eq(columns, t), unsqueeze(own, 1), el.where(el.gt(columns, t), others, lines));
    return { next: [next], outputs: [v, tau] };
  });
  const [vs, taus] = outputs as [Node, Node];
  return { v: permute(vs, [1, 2, 0]), taus, r: mT(state[0] as Node) };
}

/** (I − V T Vᵀ) X, or its transpose: all reflections at once. T⁻¹ has 1 / τ on its diagonal, and the products of different v above it. */
function reflected({ v, taus }: Omit<Reflections, "start">, x: Node, turned = false): Node {
  const [batch, , count] = v.shape as [number, number, number];
  const inverseT = el.add(
    triu(matmul(mT(v), v), 1),
    el.mul(identity(count, count, v), reshape(el.reciprocal(permute(taus, [1, 0, 2])), [batch, 1, count])),
  );
  const lower = inverseLower(mT(inverseT));
  return el.sub(x, product(v, turned ? lower : mT(lower), matmul(mT(v), x)));
}

/** Several blocks merged into one, for products of long rows. */
function joined(blocks: readonly Reflections[]): Reflections {
  const { start } = at(blocks, 0);
  const lines = blocks.map(({ start: own, v }) =>
    pad(
      v,
      [
        [0, 0],
        [own - start, 0],
        [0, 0],
      ],
      0,
    ),
  );
  return {
    start,
    v: cat(lines, 2),
    taus: cat(
      blocks.map(({ taus }) => taus),
      0,
    ),
  };
}

/** Panels merged into one block in products with Q. */
const panelsAtOnce = 4;

/** Q X. With `fromIdentity`, the first `start` columns of X are those of the identity above row `start`, and are skipped. */
export function rotatedBy(blocks: readonly Reflections[], x: Node, fromIdentity = false): Node {
  let whole = x;
  for (let first = Math.floor((blocks.length - 1) / panelsAtOnce) * panelsAtOnce; first >= 0; first -= panelsAtOnce) {
    const block = joined(blocks.slice(first, first + panelsAtOnce));
    const { start } = block;
    const lower = slice(whole, 1, start);
    const skipped = fromIdentity ? start : 0;
    const turned = reflected(block, slice(lower, 2, skipped));
    const rows = skipped === 0 ? turned : cat([slice(lower, 2, 0, skipped), turned], 2);
    whole = start === 0 ? rows : cat([slice(whole, 1, 0, start), rows], 1);
  }
  return whole;
}

/** For [batch, m, n]: the blocks, and R with min(m, n) rows. */
function reflect(a: Node): { readonly blocks: readonly Reflections[]; readonly r: Node } {
  const [batch, m, n] = a.shape as [number, number, number];
  const count = Math.min(m, n);
  if (batch === 0 || count === 0) return { blocks: [], r: slice(a, 1, 0, count) };
  const blocks: Reflections[] = [];
  const rows: Node[] = [];
  let left = a;
  for (let start = 0; start < count; start += panelWidth) {
    const width = Math.min(panelWidth, count - start);
    const { r, ...own } = panel(slice(left, 2, 0, width));
    blocks.push({ start, ...own });
    const rest = reflected(own, slice(left, 2, width), true);
    const line = cat([slice(r, 1, 0, width), slice(rest, 1, 0, width)], 2);
    rows.push(
      pad(
        line,
        [
          [0, 0],
          [0, 0],
          [start, 0],
        ],
        0,
      ),
    );
    left = slice(rest, 1, width);
  }
  return { blocks, r: cat(rows, 1) };
}

/** The first columns of Q. */
function unfold(blocks: readonly Reflections[], like: Node, columns: number): Node {
  const [batch, m] = like.shape as [number, number, number];
  return rotatedBy(blocks, expand(identity(m, columns, like), [batch, m, columns]), true);
}

export type QrMode = "reduced" | "complete" | "r";

/** Q with orthonormal columns and upper triangular R: "reduced" min(m, n) columns, "complete" m, "r" none. Signs are LAPACK's. */
export function qr(a: Node, mode: QrMode = "reduced"): { readonly q: Node; readonly r: Node } {
  const where = "linalg.qr";
  const x = matrices(where, a);
  const [m, n] = [rowsOf(x), columnsOf(x)];
  const count = Math.min(m, n);
  const { blocks, r: found } = reflect(flat(el.stopGradient(x)));
  const columns = mode === "complete" ? m : count;
  const values = {
    q: unflat(unfold(blocks, flat(x), mode === "r" ? 0 : columns), batchOf(x)),
    r: unflat(
      mode === "complete" && m > n
        ? pad(
            found,
            [
              [0, 0],
              [0, m - n],
              [0, 0],
            ],
            0,
          )
        : found,
      batchOf(x),
    ),
  };
  const none = (like: Node): Node => el.mul(like, number(0, like));
  const backward = (gradQ: Node | undefined, gradR: Node | undefined): Node[] => {
    if (mode === "r") throw new HebbError(`${where}: mode "r" has no gradient, which needs Q; use mode "reduced"`);
    if (mode === "complete" && m > n)
      throw new HebbError(
        `${where}: mode "complete" has no gradient for ${m} rows and ${n} columns, because the other columns of Q are not unique; use mode "reduced"`,
      );
    const [gq, gr] = [gradQ ?? none(q), gradR ?? none(r)];
    return [m > n ? ofTall(q, r, gq, gr) : ofWide(q, r, gq, triu(gr))];
  };
  const q: Node = differentiated(values.q, [x], (grad) => backward(grad, undefined));
  const r: Node = differentiated(values.r, [x], (grad) => backward(undefined, grad));
  return { q, r };
}

/** ∂A of A = Q R with more rows than columns: (∂Q + Q S) R⁻ᵀ, where S mirrors the upper triangle of ∂R Rᵀ − Qᵀ∂Q. */
function ofTall(q: Node, r: Node, gradQ: Node, gradR: Node): Node {
  const half = triu(el.sub(matmul(gradR, mT(r)), matmul(mT(q), gradQ)));
  const mirrored = el.add(half, mT(triu(half, 1)));
  return solveTriangular(mT(r), el.add(gradQ, matmul(q, mirrored)), { upper: false, left: false });
}

/**
 * ∂A of A = Q [R₁ R₂] with a square Q, which depends only on the first columns: Q ∂R, plus Q L R₁⁻ᵀ for those columns, where L is the
 * part of W − Wᵀ below the diagonal, W = Qᵀ∂Q − ∂R Rᵀ. The direct contribution of R is not divided by R, which would lose precision.
 */
function ofWide(q: Node, r: Node, gradQ: Node, gradR: Node): Node {
  const [rows, columns] = [rowsOf(r), columnsOf(r)];
  const w = el.sub(matmul(mT(q), gradQ), matmul(gradR, mT(r)));
  const turns = tril(el.sub(w, mT(w)), -1);
  const first = slice(r, r.shape.length - 1, 0, rows);
  const ofTurns = solveTriangular(mT(first), matmul(q, turns), { upper: false, left: false });
  const none: [number, number][] = q.shape.map(() => [0, 0]);
  return el.add(matmul(q, gradR), pad(ofTurns, [...none.slice(0, -1), [0, columns - rows]], 0));
}

/** Orthonormal columns in the directions of the given ones, in order; with `complete`, as many as rows; without a gradient. */
export function orthonormal(x: Node, complete = false): Node {
  const { blocks, r } = reflect(x);
  const [, m, n] = x.shape as [number, number, number];
  const columns = complete ? m : Math.min(m, n);
  const q = unfold(blocks, x, columns);
  const count = Math.min(m, n);
  const diagonal = el.mul(slice(r, 2, 0, count), identities(r, count, count));
  const signs = el.where(el.lt(sum(diagonal, 1, true), number(0, x)), number(-1, x), number(1, x));
  const turned = el.mul(slice(q, 2, 0, count), signs);
  return columns === count ? turned : cat([turned, slice(q, 2, count)], 2);
}

/** X (1 + K + R / 2) for nearly orthonormal columns X: a small rotation by the skew K, where R = 1 − XᵀX corrects rounding errors to first order. */
export function adjusted(x: Node, turns: Node): Node {
  const n = columnsOf(x);
  const r = el.sub(identity(n, n, x), matmul(mT(x), x));
  return el.add(x, matmul(x, el.add(turns, el.mul(r, number(0.5, x)))));
}
