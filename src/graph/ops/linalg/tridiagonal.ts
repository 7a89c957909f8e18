// A symmetric matrix as Q T Qᵀ with tridiagonal T: Householder reflections, in panels. After each panel the rest of the matrix
// is updated: half of the work is matrix products. Source: J. Dongarra, D. Sorensen, S. Hammarling, Block reduction of matrices to condensed forms, 1989.
import { at } from "../../at.ts";
import type { Node } from "../../node.ts";
import { sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { matmul } from "../matmul.ts";
import { cat, reshape, slice } from "../movement.ts";
import { unsqueeze } from "../views.ts";
import { loopOver, mT, number, rowsOf, sliceAt } from "./matrices.ts";
import type { Reflections } from "./qr.ts";

const panelWidth = 32;

export interface Tridiagonal {
  /** [batch, n] */
  readonly diagonal: Node;
  /** [batch, n − 1] */
  readonly beside: Node;
  /** Q is the product of these. */
  readonly blocks: readonly Reflections[];
}

/** Smaller sums of squares have lost their precision, and are negligible for a matrix with entries up to 1. */
const negligible = (x: Node): Node => number(x.dtype === "float64" ? 2 ** -900 : 2 ** -90, x);

/** I − τ v vᵀ maps [batch, m] to itself before `place`, to `beta` there, and to 0 after it; v is 1 at `place` and 0 before it. */
export function reflectionOf(
  x: Node,
  places: Node,
  place: Node,
): { readonly v: Node; readonly tau: Node; readonly beta: Node } {
  const [zero, one] = [number(0, x), number(1, x)];
  const isPlace = el.eq(places, place);
  const alpha = sum(el.where(isPlace, x, zero), 1, true);
  const rest = el.where(el.gt(places, place), x, zero);
  const squares = sum(el.square(rest), 1, true);
  const nothing = el.lt(squares, negligible(x));
  const length = el.sqrt(el.add(el.square(alpha), squares));
  const beta = el.where(nothing, alpha, el.where(el.gt(alpha, zero), el.neg(length), length));
  // If everything after it is 0 there is nothing to reflect: v is 0 and its factor counts as 1.
  const v = el.where(nothing, zero, el.where(isPlace, one, el.div(rest, el.sub(alpha, beta))));
  return { v, tau: el.where(nothing, one, el.div(el.sub(beta, alpha), beta)), beta };
}

/**
 * Turns the first `width` columns of [batch, m, m] into those of T. The remainder of the matrix is A − V Wᵀ − W Vᵀ, so each column and each
 * product is corrected by the V and W known so far. Here V and W have their vectors as rows.
 */
function panel(
  a: Node,
  width: number,
): { readonly v: Node; readonly w: Node; readonly taus: Node; readonly numbers: Node } {
  const [batch, m] = a.shape as [number, number];
  const places = reshape(iota([m], 0), [1, m]);
  const lines = reshape(iota([width], 0), [1, width, 1]);
  const none = full([batch, width, m], 0, a.dtype);
  const { state, outputs } = loopOver(width, [none, none], ([known, beside], t) => {
    const [vs, ws] = [known as Node, beside as Node];
    const next = el.add(t, full([], 1, "int32"));
    /** Σ of the rows of V and W, weighted by their factors. */
    const corrections = (ofV: Node, ofW: Node): Node =>
      sum(el.add(el.mul(vs, unsqueeze(ofV, 2)), el.mul(ws, unsqueeze(ofW, 2))), 1);
    const column = el.sub(sliceAt(a, 1, t), corrections(sliceAt(ws, 2, t), sliceAt(vs, 2, t)));
    const { v, tau, beta } = reflectionOf(column, places, next);
    const along = (rows: Node): Node => sum(el.mul(rows, unsqueeze(v, 1)), 2);
    const p = el.mul(tau, el.sub(along(a), corrections(along(ws), along(vs))));
    const half = el.mul(el.mul(tau, number(0.5, a)), sum(el.mul(p, v), 1, true));
    const w = el.sub(p, el.mul(half, v));
    const put = (rows: Node, row: Node): Node => el.where(el.eq(lines, t), unsqueeze(row, 1), rows);
    const own = unsqueeze(sliceAt(column, 1, t), 1);
    return { next: [put(vs, v), put(ws, w)], outputs: [tau, cat([own, beta], 1)] };
  });
  return { v: state[0] as Node, w: state[1] as Node, taus: outputs[0] as Node, numbers: outputs[1] as Node };
}

/** For symmetric [batch, n, n] with entries of at most about 1. */
export function tridiagonal(a: Node): Tridiagonal {
  const n = rowsOf(a);
  const batch = at(a.shape, 0);
  const blocks: Reflections[] = [];
  const parts: Node[] = [];
  let left = a;
  for (let start = 0; start < n - 1; start += panelWidth) {
    const width = Math.min(panelWidth, n - 1 - start);
    const { v, w, taus, numbers } = panel(left, width);
    blocks.push({ start, v: mT(v), taus });
    parts.push(numbers);
    const [below, beside] = [slice(v, 2, width), slice(w, 2, width)];
    const change = matmul(mT(cat([below, beside], 1)), cat([beside, below], 1));
    left = el.sub(slice(slice(left, 1, width), 2, width), change);
  }
  // [n − 1, batch, 2]: the diagonal and the off-diagonal.
  const numbers = cat(parts, 0);
  const taken = (place: number): Node => mT(reshape(slice(numbers, 2, place, place + 1), [n - 1, batch]));
  return { diagonal: cat([taken(0), reshape(left, [batch, 1])], 1), beside: taken(1), blocks };
}
