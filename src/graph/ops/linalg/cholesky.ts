// Cholesky factors of positive definite matrices: A = L Lᵀ.
import type { Node } from "../../node.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { tril } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { cat, pad, permute, reshape, slice } from "../movement.ts";
import { diagonal } from "../rearrange.ts";
import { all } from "../reduce.ts";
import { unsqueeze } from "../views.ts";
import {
  batchOf,
  differentiated,
  flat,
  identity,
  loopOver,
  mT,
  number,
  product,
  requireEach,
  rowsOf,
  sliceAt,
  squares,
  unflat,
} from "./matrices.ts";
import { inverseLower, solveTriangular } from "./triangular.ts";

/** Up to this width, columns are processed one by one; larger matrices in halves, with a product for the rest. */
const panelWidth = 32;

/** For [batch, n, n]; reads the lower triangle. */
function factor(a: Node): Node {
  const [, n] = a.shape as [number, number, number];
  if (n <= panelWidth) return panel(a);
  const half = Math.ceil(n / 2 / panelWidth) * panelWidth;
  const part = (rows: 0 | 1): Node => (rows === 0 ? slice(a, 1, 0, half) : slice(a, 1, half));
  const first = factor(slice(part(0), 2, 0, half));
  const below = matmul(slice(part(1), 2, 0, half), mT(inverseLower(first)));
  const second = factor(el.sub(slice(part(1), 2, half), matmul(below, mT(below))));
  return cat(
    [
      pad(
        first,
        [
          [0, 0],
          [0, 0],
          [0, n - half],
        ],
        0,
      ),
      cat([below, second], 2),
    ],
    1,
  );
}

function panel(a: Node): Node {
  const [batch, n] = a.shape as [number, number, number];
  if (batch === 0 || n === 0) return a;
  const places = reshape(iota([n], 0), [1, n]);
  const below = tril(a);
  const whole = el.add(below, mT(tril(a, -1)));
  const { outputs } = loopOver(n, [whole], ([rest], t) => {
    const column = sliceAt(rest as Node, 1, t);
    const root = el.sqrt(unsqueeze(sliceAt(column, 1, t), 1));
    const found = el.where(el.ge(places, t), el.div(column, root), number(0, a));
    return { next: [el.sub(rest as Node, el.mul(unsqueeze(found, 1), unsqueeze(found, 2)))], outputs: [found] };
  });
  return permute(outputs[0] as Node, [1, 2, 0]);
}

/** L of A = L Lᵀ, or with `upper` U = Lᵀ of A = Uᵀ U. The matrix is taken as symmetric: only the lower triangle is read, for U the upper. */
export function cholesky(a: Node, upper = false): Node {
  const where = "linalg.cholesky";
  const square = squares(where, a);
  if (upper) return mT(cholesky(mT(square)));
  const found = factor(flat(el.stopGradient(square)));
  const holds = reshape(all(el.gt(diagonal(found, 0, 1, 2), number(0, found)), 1), batchOf(square));
  const values = requireEach(
    unflat(found, batchOf(square)),
    holds,
    where,
    "the matrix is not positive definite; add a small multiple of the identity, or use linalg.eigh",
  );
  const lower: Node = differentiated(values, [square], (grad) => {
    // The lower half of Lᵀ ∂L with its diagonal halved; symmetric, because A is.
    const inner = tril(matmul(mT(lower), grad));
    const weights = el.add(
      full([rowsOf(lower), rowsOf(lower)], 0.5, lower.dtype),
      el.mul(identity(rowsOf(lower), rowsOf(lower), lower), number(-0.25, lower)),
    );
    const mirrored = el.mul(el.add(inner, mT(inner)), weights);
    const left = solveTriangular(mT(lower), mirrored, { upper: true });
    return [solveTriangular(lower, left, { upper: false, left: false })];
  });
  return lower;
}

/** X of A X = B from the factor of A. */
export function choleskySolve(b: Node, factors: Node, upper = false): Node {
  const lower = upper ? mT(factors) : factors;
  return solveTriangular(mT(lower), solveTriangular(lower, b, { upper: false }), { upper: true });
}

/** A⁻¹ from the factor of A. */
export function choleskyInverse(factors: Node, upper = false): Node {
  const lower = squares("choleskyInverse", upper ? mT(factors) : factors);
  const inverse = solveTriangular(
    lower,
    el.add(identity(rowsOf(lower), rowsOf(lower), lower), el.mul(lower, number(0, lower))),
    { upper: false },
  );
  return product(mT(inverse), inverse);
}
