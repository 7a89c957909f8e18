// One-sided Jacobi rotations: pairs of rows are rotated until all are orthogonal, each row in one pair at a time, as in a tournament.
// Source: M. Hestenes, Inversion of matrices by biorthogonalization, 1958.
import type { Node } from "../../node.ts";
import { sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { trustedIndexSelect } from "../indexing.ts";
import { pad, reshape, slice } from "../movement.ts";
import { unsqueeze } from "../views.ts";
import { loopOver, number, rowsOf } from "./matrices.ts";

/** How often each row meets each other: convergence is quadratic in the end, and a little slower to begin with for more rows. */
const sweepsOf = (x: Node): number =>
  (x.dtype === "float64" ? 8 : 6) + Math.ceil(Math.log2(Math.max(2, rowsOf(x))) / 2);
/** More of them for rows whose lengths a shift has made nearly equal, where each sweep only takes a factor off what is left. */
export const shiftedSweepsOf = (x: Node): number => sweepsOf(x) + (x.dtype === "float64" ? 12 : 0);
/** The second time, when next to nothing is left to turn and the rotations lose nothing. */
export const finalSweeps = 1;

/**
 * Turns the rows of [batch, n, width] until the first `seen` columns of any two are orthogonal: Wᵀ X, where W is orthogonal. What stands in the other
 * columns is turned along.
 */
export function orthogonalRows(x: Node, seen: number, sweeps = sweepsOf(x)): Node {
  const [batch, n] = x.shape as [number, number, number];
  if (n < 2 || batch === 0 || seen === 0) return x;
  // An even number of rows; one of zeros turns nothing.
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
    // In round r the places p and q meet whose sum is r, counted around a table of `rounds`; the last place meets who would meet himself.
    const round = el.remainder(t, int(rounds));
    const meets = el.remainder(el.add(el.sub(round, places), int(rounds)), int(rounds));
    const self = el.remainder(el.mul(round, int(even / 2)), int(rounds));
    const partner = el.where(el.eq(places, int(rounds)), self, el.where(el.eq(places, self), int(rounds), meets));
    const theirs = trustedIndexSelect(lines, 1, partner);
    const [mine, other] = [slice(lines, 2, 0, seen), slice(theirs, 2, 0, seen)];
    const a = sum(el.square(mine), 2);
    // The partner has summed its own squares.
    const b = trustedIndexSelect(a, 1, partner);
    const c = sum(el.mul(mine, other), 2);
    // tan of the angle that makes the two orthogonal, the smaller of both; of a tie one side turns one way, the other the other.
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
