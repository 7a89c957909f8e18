// One-sided Jacobi rotations: pairs of rows are rotated until all are orthogonal. Each row is in one pair at a time, as in a tournament.
// Source: M. Hestenes, Inversion of matrices by biorthogonalization, 1958.
import type { Node } from "../../node.ts";
import { sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { trustedIndexSelect } from "../indexing.ts";
import { pad, reshape, slice } from "../movement.ts";
import { unsqueeze } from "../views.ts";
import { loopOver, number, rowsOf } from "./matrices.ts";

/** The number of sweeps over all pairs: convergence is quadratic in the end, and starts a little slower with more rows. */
const sweepsOf = (x: Node): number =>
  (x.dtype === "float64" ? 8 : 6) + Math.ceil(Math.log2(Math.max(2, rowsOf(x))) / 2);
/** More sweeps for rows that a shift has made nearly equal in length, where convergence is only linear. */
export const shiftedSweepsOf = (x: Node): number => sweepsOf(x) + (x.dtype === "float64" ? 12 : 0);
/** Sweeps of the second pass, when almost nothing is left to rotate and rotations lose no precision. */
export const finalSweeps = 1;

/**
 * Rotates the rows of [batch, n, width] until the first `seen` columns of any two are orthogonal: Wᵀ X with orthogonal W. The other
 * columns are rotated along.
 */
export function orthogonalRows(x: Node, seen: number, sweeps = sweepsOf(x)): Node {
  const [batch, n] = x.shape as [number, number, number];
  if (n < 2 || batch === 0 || seen === 0) return x;
  // Pads to an even number of rows; a zero row rotates nothing.
  const even = n + (n % 2);
  const rounds = even - 1;
  const rows =
    even === n
      ? x
      : pad(
          x,
          [
            [0, 0],
            [0, 1],
            [0, 0],
          ],
          0,
        );
  const places = iota([even], 0);
  const [zero, one] = [number(0, x), number(1, x)];
  const int = (value: number): Node => full([], value, "int32");
  const { state } = loopOver(sweeps * rounds, [rows], ([whole], t) => {
    const lines = whole as Node;
    // In round r, rows p and q meet if their sum is r modulo `rounds`; the last row meets the one that would meet itself.
    const round = el.remainder(t, int(rounds));
    const meets = el.remainder(el.add(el.sub(round, places), int(rounds)), int(rounds));
    const self = el.remainder(el.mul(round, int(even / 2)), int(rounds));
    const partner = el.where(el.eq(places, int(rounds)), self, el.where(el.eq(places, self), int(rounds), meets));
    const theirs = trustedIndexSelect(lines, 1, partner);
    const [mine, other] = [slice(lines, 2, 0, seen), slice(theirs, 2, 0, seen)];
    const a = sum(el.square(mine), 2);
    // The partner has already summed its own squares.
    const b = trustedIndexSelect(a, 1, partner);
    const c = sum(el.mul(mine, other), 2);
    // tan of the smaller of the two angles that make the rows orthogonal; in a tie the two sides take opposite signs.
    const zeta = el.div(el.sub(b, a), el.mul(c, number(2, x)));
    const first = el.lt(reshape(places, [1, even]), reshape(partner, [1, even]));
    const way = el.where(el.eq(zeta, zero), el.where(first, one, number(-1, x)), el.sign(zeta));
    const slope = el.div(way, el.add(el.abs(zeta), el.sqrt(el.add(one, el.square(zeta)))));
    const tan = el.where(el.eq(c, zero), zero, slope);
    const cos = el.rsqrt(el.add(one, el.square(tan)));
    return { next: [el.sub(el.mul(lines, unsqueeze(cos, 2)), el.mul(theirs, unsqueeze(el.mul(cos, tan), 2)))] };
  });
  return slice(state[0] as Node, 1, 0, n);
}
