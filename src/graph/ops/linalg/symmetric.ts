// Eigenvalues and eigenvectors of symmetric matrices: by rotations for small ones, by tridiagonalisation for larger ones.
import type { Node } from "../../node.ts";
import { sum } from "../broadcast.ts";
import * as el from "../elementwise.ts";
import { tril, trustedGather } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { reshape } from "../movement.ts";
import { argsort } from "../sort.ts";
import { unsqueeze } from "../views.ts";
import { finalSweeps, orthogonalRows, shiftedSweepsOf } from "./jacobi.ts";
import { identities, mT, number, orderRows, rowsOf, unitOf } from "./matrices.ts";
import { adjusted, rotatedBy } from "./qr.ts";
import { tridiagonal } from "./tridiagonal.ts";
import { tridiagonalSpectrum } from "./tridiagonalSpectrum.ts";

/** From this many rows, tridiagonalisation is faster; below, rotations keep one digit more. */
const leastReduced = 48;

interface Spectrum {
  readonly values: Node;
  readonly rows: Node;
}

/** A close upper bound on the magnitude of the eigenvalues: ‖A⁸‖^(1/8), computed with powers scaled to about 1. [batch, 1, 1] */
function spectralBound(a: Node): Node {
  const size = (x: Node): Node => el.sqrt(sum(el.square(x), [1, 2], true));
  const positive = (x: Node): Node => el.where(el.gt(x, number(0, x)), x, number(1, x));
  const first = positive(size(a));
  let power = el.div(a, first);
  let rest: Node | undefined;
  for (const root of [0.5, 0.25, 0.125]) {
    power = matmul(power, power);
    const own = positive(size(power));
    const part = el.pow(own, number(root, a));
    rest = rest === undefined ? part : el.mul(rest, part);
    power = el.div(power, own);
  }
  return el.mul(first, rest as Node);
}

/** By rotations. */
function rotated(a: Node): Spectrum {
  const n = rowsOf(a);
  // A shift that makes all eigenvalues positive and of similar size, so that rows become eigenvectors times eigenvalues.
  const shifted = el.add(a, el.mul(identities(a), el.mul(spectralBound(a), number(1.5, a))));
  const directions = (rows: Node): Node => el.div(rows, unsqueeze(el.sqrt(sum(el.square(rows), 2)), 2));
  const near = directions(orthogonalRows(shifted, n, shiftedSweepsOf(shifted)));
  const rows = directions(orthogonalRows(matmul(near, shifted), n, finalSweeps));
  const values = el.div(sum(el.mul(matmul(rows, a), rows), 2), sum(el.square(rows), 2));
  return { values, rows };
}

/** Through T, whose eigenvalues are those of A. */
function reduced(a: Node): Spectrum {
  const t = tridiagonal(a);
  const { values, vectors, turns } = tridiagonalSpectrum(t);
  return { values, rows: mT(adjusted(rotatedBy(t.blocks, vectors), turns)) };
}

function inOrder({ values, rows }: Spectrum): Spectrum {
  const order = argsort(values, 1);
  return { values: trustedGather(values, 1, order), rows: orderRows(rows, order) };
}

/** Eigenvalues in ascending order, and eigenvectors as rows, of symmetric [batch, n, n] given by their lower triangle, with zeros above. */
export function symmetric(lower: Node): Spectrum {
  const unit = unitOf(lower);
  const scaled = el.div(lower, unit);
  const a = el.add(scaled, mT(tril(scaled, -1)));
  const { values, rows } = rowsOf(a) < leastReduced ? inOrder(rotated(a)) : reduced(a);
  return { values: el.mul(values, reshape(unit, [-1, 1])), rows };
}
