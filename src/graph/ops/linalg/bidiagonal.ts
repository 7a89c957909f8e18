// A square matrix as Q B Pᵀ with upper bidiagonal B: Householder reflections from both sides, in panels.
// After each panel, matrix products update the rest of the matrix.
// Source: J. Dongarra, D. Sorensen, S. Hammarling, Block reduction of matrices to condensed forms, 1989.
import { at } from "../../at.ts";
import type { Node } from "../../node.ts";
import { sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { matmul } from "../matmul.ts";
import { cat, reshape, slice } from "../movement.ts";
import { unsqueeze } from "../views.ts";
import { loopOver, mT, rowsOf, sliceAt } from "./matrices.ts";
import type { Reflections } from "./qr.ts";
import { reflectionOf } from "./tridiagonal.ts";

const panelWidth = 32;

export interface Bidiagonal {
  /** [batch, n] */
  readonly diagonal: Node;
  /** The superdiagonal, with 0 in the last element: [batch, n]. */
  readonly above: Node;
  /** Q and P are the products of these. */
  readonly left: readonly Reflections[];
  readonly right: readonly Reflections[];
}

interface Panel {
  /** V and X, and Y and U, as rows: the remainder of A is A − [V; X]ᵀ [Y; U]. */
  readonly columns: readonly [Node, Node];
  readonly rows: readonly [Node, Node];
  readonly leftTaus: Node;
  readonly rightTaus: Node;
  readonly numbers: Node;
}

/** The first `width` columns and rows of [batch, m, m] become those of B. */
function panel(a: Node, width: number): Panel {
  const [batch, m] = a.shape as [number, number];
  const places = reshape(iota([m], 0), [1, m]);
  const lines = reshape(iota([width], 0), [1, width, 1]);
  const none = full([batch, width, m], 0, a.dtype);
  const { state, outputs } = loopOver(width, [none, none, none, none], (known, t) => {
    const [vs, xs, ys, us] = known as [Node, Node, Node, Node];
    /** Σ of the rows of both, weighted by their factors. */
    const both = (one: Node, ofOne: Node, other: Node, ofOther: Node): Node =>
      sum(el.add(el.mul(one, unsqueeze(ofOne, 2)), el.mul(other, unsqueeze(ofOther, 2))), 1);
    const along = (rows: Node, x: Node): Node => sum(el.mul(rows, unsqueeze(x, 1)), 2);
    const put = (rows: Node, row: Node): Node => el.where(el.eq(lines, t), unsqueeze(row, 1), rows);
    const column = el.sub(sliceAt(a, 2, t), both(vs, sliceAt(ys, 2, t), xs, sliceAt(us, 2, t)));
    const { v, tau, beta: diagonal } = reflectionOf(column, places, t);
    const times = sum(el.mul(a, unsqueeze(v, 2)), 1);
    const y = el.mul(tau, el.sub(times, both(ys, along(vs, v), us, along(xs, v))));
    const [nextV, nextY] = [put(vs, v), put(ys, y)];
    const row = el.sub(sliceAt(a, 1, t), both(nextY, sliceAt(nextV, 2, t), us, sliceAt(xs, 2, t)));
    const { v: u, tau: sigma, beta: above } = reflectionOf(row, places, el.add(t, full([], 1, "int32")));
    const x = el.mul(sigma, el.sub(along(a, u), both(nextV, along(nextY, u), xs, along(us, u))));
    return {
      next: [nextV, put(xs, x), nextY, put(us, u)],
      outputs: [tau, sigma, cat([diagonal, above], 1)],
    };
  });
  const [v, x, y, u] = state as [Node, Node, Node, Node];
  const [leftTaus, rightTaus, numbers] = outputs as [Node, Node, Node];
  return { columns: [v, x], rows: [y, u], leftTaus, rightTaus, numbers };
}

/** For [batch, n, n] with entries of at most about 1. */
export function bidiagonal(a: Node): Bidiagonal {
  const n = rowsOf(a);
  const batch = at(a.shape, 0);
  const [left, right]: [Reflections[], Reflections[]] = [[], []];
  const parts: Node[] = [];
  let rest = a;
  for (let start = 0; start < n; start += panelWidth) {
    const width = Math.min(panelWidth, n - start);
    const { columns, rows, leftTaus, rightTaus, numbers } = panel(rest, width);
    left.push({ start, v: mT(columns[0]), taus: leftTaus });
    right.push({ start, v: mT(rows[1]), taus: rightTaus });
    parts.push(numbers);
    const behind = (both: readonly [Node, Node]): Node => slice(cat(both, 1), 2, width);
    rest = el.sub(slice(slice(rest, 1, width), 2, width), matmul(mT(behind(columns)), behind(rows)));
  }
  // [n, batch, 2]: the diagonal and the superdiagonal.
  const numbers = cat(parts, 0);
  const taken = (place: number): Node => mT(reshape(slice(numbers, 2, place, place + 1), [n, batch]));
  return { diagonal: taken(0), above: taken(1), left, right };
}
