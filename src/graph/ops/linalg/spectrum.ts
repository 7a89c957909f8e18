// Matrix spectra: eigenvalues and eigenvectors of symmetric matrices, singular values and vectors of any.
import { isHalf } from "../../dtype.ts";
import type { Node } from "../../node.ts";
import * as el from "../elementwise.ts";
import { tril } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { cat, slice } from "../movement.ts";
import { unsqueeze } from "../views.ts";
import {
  batchOf,
  columnsOf,
  differentiated,
  flat,
  identity,
  matrices,
  mT,
  number,
  product,
  rowsOf,
  squares,
  unflat,
} from "./matrices.ts";
import { orthonormal } from "./qr.ts";
import { singular } from "./singular.ts";
import { symmetric } from "./symmetric.ts";

/** 1 / (bⱼ − bᵢ) off the diagonal, 0 on it. */
function gaps(values: Node): Node {
  const differences = el.sub(unsqueeze(values, -2), unsqueeze(values, -1));
  const n = values.shape.at(-1) as number;
  const on = identity(n, n, values);
  return el.mul(el.reciprocal(el.add(differences, on)), el.sub(number(1, values), on));
}

/** 16-bit floats are computed in float32; the result is rounded once. */
const widened = (x: Node): Node => (isHalf(x.dtype) ? el.cast(x, "float32") : x);

/** λ in ascending order and the columns of V of symmetric A = V Λ Vᵀ. Reads one triangle, the lower unless UPLO is "U". */
export function eigh(a: Node, uplo: "L" | "U" = "L"): { readonly eigenvalues: Node; readonly eigenvectors: Node } {
  const square = squares("linalg.eigh", a);
  const plain = widened(el.stopGradient(uplo === "L" ? square : mT(square)));
  const found = symmetric(flat(tril(plain)));
  const batch = batchOf(square);
  const eigenvalues: Node = differentiated(el.cast(unflat(found.values, batch), a.dtype), [square], (grad) => [
    matmul(el.mul(eigenvectors, unsqueeze(grad, -2)), mT(eigenvectors)),
  ]);
  const eigenvectors: Node = differentiated(el.cast(unflat(mT(found.rows), batch), a.dtype), [square], (grad) => [
    product(eigenvectors, el.mul(matmul(mT(eigenvectors), grad), gaps(eigenvalues)), mT(eigenvectors)),
  ]);
  return { eigenvalues, eigenvectors };
}

/** A = U diag(S) Vh with S in descending order. U and Vh have min(m, n) columns and rows; `full`: m and n. */
export function svd(a: Node, full = true): { readonly U: Node; readonly S: Node; readonly Vh: Node } {
  const x = matrices("linalg.svd", a);
  const [m, n] = [rowsOf(x), columnsOf(x)];
  const k = Math.min(m, n);
  const batch = batchOf(x);
  const found = singular(flat(widened(el.stopGradient(x))));
  const values = (part: Node): Node => el.cast(unflat(part, batch), x.dtype);
  const skew = (y: Node): Node => el.sub(y, mT(y));
  const ratio = (y: Node): Node => el.mul(y, gaps(el.square(S)));
  const S: Node = differentiated(values(found.s), [x], (grad) => [matmul(el.mul(U, unsqueeze(grad, -2)), Vh)]);
  const U: Node = differentiated(values(found.u), [x], (grad) => {
    const inner = el.mul(ratio(skew(matmul(mT(U), grad))), unsqueeze(S, -2));
    const within = product(U, inner, Vh);
    if (m === k) return [within];
    const outside = el.div(el.sub(grad, product(U, matmul(mT(U), grad))), unsqueeze(S, -2));
    return [el.add(within, matmul(outside, Vh))];
  });
  const Vh: Node = differentiated(mT(values(found.v)), [x], (grad) => {
    const inner = el.mul(ratio(skew(matmul(Vh, mT(grad)))), unsqueeze(S, -1));
    const within = product(U, inner, Vh);
    if (n === k) return [within];
    const outside = el.div(el.sub(grad, product(grad, mT(Vh), Vh)), unsqueeze(S, -1));
    return [el.add(within, matmul(U, outside))];
  });
  if (!full) return { U, S, Vh };
  return { U: m === k ? U : completed(U), S, Vh: n === k ? Vh : mT(completed(mT(Vh))) };
}

/** Orthonormal columns, extended to as many as rows; no gradient flows to the added ones. */
function completed(columns: Node): Node {
  const all = orthonormal(flat(el.stopGradient(columns)), true);
  return cat([columns, unflat(slice(all, 2, columnsOf(columns)), batchOf(columns))], columns.shape.length - 1);
}
