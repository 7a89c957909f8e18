// linalg: linear algebra over the last two dims; the dims before them are a batch (torch.linalg). float32 and float64; integers become float32.
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import type { Node } from "../../graph/node.ts";
import { sum } from "../../graph/ops/broadcast.ts";
import * as el from "../../graph/ops/elementwise.ts";
import {
  choleskyInverse as choleskyInverseNode,
  cholesky as choleskyNode,
  choleskySolve as choleskySolveNode,
} from "../../graph/ops/linalg/cholesky.ts";
import * as lu from "../../graph/ops/linalg/lu.ts";
import * as norms from "../../graph/ops/linalg/norms.ts";
import * as pseudo from "../../graph/ops/linalg/pseudo.ts";
import { type QrMode, qr as qrNode } from "../../graph/ops/linalg/qr.ts";
import * as spectrum from "../../graph/ops/linalg/spectrum.ts";
import { solveTriangular as solveTriangularNode } from "../../graph/ops/linalg/triangular.ts";
import { vectorNorm as vectorNormNode } from "../../graph/ops/norms.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { given, givenList } from "../arguments.ts";
import { cat } from "../functional.ts";
import { withChecksSince } from "../lazy.ts";
import type { Dims } from "../operands.ts";
import { Tensor } from "../tensor.ts";

/** The result of a linear algebra function. Its checks run whether or not the result is read. */
function made(node: Node, inputs: readonly Tensor[]): Tensor {
  return Tensor.from(
    withChecksSince(
      node,
      inputs.map((input) => input.node),
    ),
    inputs,
  );
}
const nodeOf = (where: string, x: Tensor, what?: string): Node => given(`linalg.${where}`, x, what).node;
const options = <O extends object>(where: string, value: O, kinds: OptionKinds<O>): O =>
  checkOptions(`linalg.${where}`, value, kinds);

// ── norms ──

export type MatrixOrder = norms.MatrixOrder;
export interface NormOptions {
  /** Default: all. */
  readonly dim?: Dims;
  /** Default false. */
  readonly keepdim?: boolean;
}
export interface MatrixNormOptions {
  /** Default [-2, -1]. */
  readonly dim?: readonly number[];
  /** Default false. */
  readonly keepdim?: boolean;
}
const normKinds: OptionKinds<NormOptions> = { dim: kind.size, keepdim: kind.boolean };
const matrixNormKinds: OptionKinds<MatrixNormOptions> = { dim: kind.numbers, keepdim: kind.boolean };
const orderKind = kind.either(kind.oneOf("fro", "nuc"), kind.number);

/** (Σ |x|ᵖ)^(1/p) of all elements or along dims (torch.linalg.vector_norm). */
export function vectorNorm(x: Tensor, ord = 2, settings: NormOptions = {}): Tensor {
  const { dim, keepdim = false } = options("vectorNorm", settings, normKinds);
  checkKind("linalg.vectorNorm", "ord", ord, kind.number);
  return made(vectorNormNode(nodeOf("vectorNorm", x), ord, dim, keepdim), [x]);
}

/** "fro": √Σ x²; "nuc": the sum of the singular values; ±2: the largest or smallest of them; ±1: of the column sums; ±Infinity: of the row sums (torch.linalg.matrix_norm). */
export function matrixNorm(x: Tensor, ord: MatrixOrder = "fro", settings: MatrixNormOptions = {}): Tensor {
  const { dim, keepdim } = options("matrixNorm", settings, matrixNormKinds);
  checkKind("linalg.matrixNorm", "ord", ord, orderKind);
  return made(norms.matrixNorm(nodeOf("matrixNorm", x), ord, dim, keepdim), [x]);
}

/** A vector norm over one dim, a matrix norm over two; without `ord` √Σ x² (torch.linalg.norm). */
export function norm(x: Tensor, ord?: MatrixOrder, settings: NormOptions = {}): Tensor {
  const { dim, keepdim = false } = options("norm", settings, normKinds);
  if (ord !== undefined) checkKind("linalg.norm", "ord", ord, orderKind);
  return made(norms.norm(nodeOf("norm", x), ord, dim, keepdim), [x]);
}

/** ‖A‖ · ‖A⁻¹‖; for `p` 2, the default, the largest singular value divided by the smallest (torch.linalg.cond). */
export function cond(x: Tensor, p: MatrixOrder = 2): Tensor {
  checkKind("linalg.cond", "p", p, orderKind);
  return made(norms.cond(nodeOf("cond", x), p), [x]);
}

// ── inverses and solutions ──

/** A⁻¹ of square matrices. Throws HebbError if one is singular (torch.linalg.inv). */
export const inv = (x: Tensor): Tensor => made(lu.inverse(nodeOf("inv", x)), [x]);

export interface SolveOptions {
  /** False solves X A = B. Default true. */
  readonly left?: boolean;
}
const solveKinds: OptionKinds<SolveOptions> = { left: kind.boolean };

/** Solves A X = B: B is [..., n, k] or vectors [..., n]. Throws HebbError if A is singular (torch.linalg.solve). */
export function solve(a: Tensor, b: Tensor, settings: SolveOptions = {}): Tensor {
  const { left } = options("solve", settings, solveKinds);
  return made(lu.solve(nodeOf("solve", a, "the matrix"), nodeOf("solve", b, "the right side"), left), [a, b]);
}

export interface TriangularOptions extends SolveOptions {
  /** Which triangle is read; the other counts as 0. */
  readonly upper: boolean;
  /** The diagonal counts as ones. Default false. */
  readonly unitriangular?: boolean;
}
const triangularKinds: OptionKinds<TriangularOptions> = {
  upper: kind.boolean,
  left: kind.boolean,
  unitriangular: kind.boolean,
};

/** Solves A X = B for triangular A (torch.linalg.solve_triangular). */
export function solveTriangular(a: Tensor, b: Tensor, settings: TriangularOptions): Tensor {
  const how = options("solveTriangular", settings, triangularKinds);
  if (how.upper === undefined)
    throw new HebbError(
      "linalg.solveTriangular: says which triangle is read by { upper: true } or { upper: false }; its options are upper, left, unitriangular",
    );
  return made(
    solveTriangularNode(
      nodeOf("solveTriangular", a, "the triangle"),
      nodeOf("solveTriangular", b, "the right side"),
      how,
    ),
    [a, b],
  );
}

export interface LstsqOptions {
  /** Singular values up to this fraction of the largest count as 0. Default: the larger size times the machine epsilon. */
  readonly rcond?: number;
  /** "gels" assumes full rank and is faster; the others determine the rank. Default "gelsy". */
  readonly driver?: "gelsy" | "gels" | "gelsd" | "gelss";
}
const lstsqKinds: OptionKinds<LstsqOptions> = {
  rcond: kind.number,
  driver: kind.oneOf("gelsy", "gels", "gelsd", "gelss"),
};

export interface LeastSquares {
  /** [..., n, k], or [n] for a vector. */
  readonly solution: Tensor;
  /** Σ (A X − B)² of each column if there are more equations than unknowns, else empty. */
  readonly residuals: Tensor;
  readonly rank: Tensor;
  /** Empty for "gels". */
  readonly singularValues: Tensor;
}

/** The X that minimises ‖A X − B‖; among several, the one of least norm (torch.linalg.lstsq). */
export function lstsq(a: Tensor, b: Tensor, settings: LstsqOptions = {}): LeastSquares {
  const { rcond, driver = "gelsy" } = options("lstsq", settings, lstsqKinds);
  const found = pseudo.lstsq(
    nodeOf("lstsq", a, "the matrix"),
    nodeOf("lstsq", b, "the right side"),
    rcond,
    driver === "gels",
  );
  return {
    solution: made(found.solution, [a, b]),
    residuals: made(found.residuals, [a, b]),
    rank: made(found.rank, []),
    singularValues: made(found.singularValues, []),
  };
}

export interface RankOptions {
  /** Singular values up to this count as 0. Default 0. */
  readonly atol?: number;
  /** Also those up to this fraction of the largest. Default: the larger size times the machine epsilon; 0 if `atol` is given. */
  readonly rtol?: number;
  /** The matrices are symmetric, so eigenvalues are used instead of singular values. Default false. */
  readonly hermitian?: boolean;
}
const rankKinds: OptionKinds<RankOptions> = { atol: kind.number, rtol: kind.number, hermitian: kind.boolean };

/** The Moore–Penrose pseudoinverse (torch.linalg.pinv). */
export function pinv(x: Tensor, settings: RankOptions = {}): Tensor {
  const { hermitian = false, ...tolerances } = options("pinv", settings, rankKinds);
  return made(pseudo.pinv(nodeOf("pinv", x), tolerances, hermitian), [x]);
}

/** The number of non-zero singular values, as int32 (torch.linalg.matrix_rank). */
export function matrixRank(x: Tensor, settings: RankOptions = {}): Tensor {
  const { hermitian = false, ...tolerances } = options("matrixRank", settings, rankKinds);
  return made(pseudo.matrixRank(nodeOf("matrixRank", x), tolerances, hermitian), []);
}

// ── determinants ──

/** (torch.linalg.det) */
export const det = (x: Tensor): Tensor => made(lu.det(nodeOf("det", x)), [x]);

/** The sign of the determinant and the logarithm of its absolute value; 0 and −Infinity for a singular matrix (torch.linalg.slogdet). */
export function slogdet(x: Tensor): { readonly sign: Tensor; readonly logabsdet: Tensor } {
  const { sign, logabsdet } = lu.slogdet(nodeOf("slogdet", x));
  return { sign: made(sign, []), logabsdet: made(logabsdet, [x]) };
}

/** The logarithm of the determinant: −Infinity for a singular matrix, NaN if it is negative (torch.logdet). */
export const logdet = (x: Tensor): Tensor => made(lu.logdet(nodeOf("logdet", x)), [x]);

// ── factors ──

export interface CholeskyOptions {
  /** Returns U of A = Uᵀ U, reading the upper triangle. Default false. */
  readonly upper?: boolean;
}
const choleskyKinds: OptionKinds<CholeskyOptions> = { upper: kind.boolean };

/** L of A = L Lᵀ for symmetric positive definite matrices; only the lower triangle is read. Throws HebbError if one is not positive definite (torch.linalg.cholesky). */
export function cholesky(x: Tensor, settings: CholeskyOptions = {}): Tensor {
  const { upper } = options("cholesky", settings, choleskyKinds);
  return made(choleskyNode(nodeOf("cholesky", x), upper), [x]);
}

/** A⁻¹ of A = L Lᵀ from L, or with `upper` of A = Uᵀ U from U (torch.cholesky_inverse). */
export function choleskyInverse(factor: Tensor, settings: CholeskyOptions = {}): Tensor {
  const { upper } = options("choleskyInverse", settings, choleskyKinds);
  return made(choleskyInverseNode(nodeOf("choleskyInverse", factor), upper), [factor]);
}

/** Solves A X = B, given the Cholesky factor of A (torch.cholesky_solve). */
export function choleskySolve(b: Tensor, factor: Tensor, settings: CholeskyOptions = {}): Tensor {
  const { upper } = options("choleskySolve", settings, choleskyKinds);
  return made(choleskySolveNode(nodeOf("choleskySolve", b), nodeOf("choleskySolve", factor, "the factor"), upper), [
    b,
    factor,
  ]);
}

const modeKind = kind.oneOf("reduced", "complete", "r");

/** A = Q R: Q [..., m, k] with orthonormal columns, R [..., k, n] upper triangular, k = min(m, n); "complete": k = m; "r": Q is empty (torch.linalg.qr). */
export function qr(x: Tensor, mode: QrMode = "reduced"): { readonly Q: Tensor; readonly R: Tensor } {
  checkKind("linalg.qr", "mode", mode, modeKind);
  const { q, r } = qrNode(nodeOf("qr", x), mode);
  return { Q: made(q, [x]), R: made(r, [x]) };
}

export interface SvdOptions {
  /** False: only min(m, n) columns of U and rows of Vh. Default true. */
  readonly fullMatrices?: boolean;
}
const svdKinds: OptionKinds<SvdOptions> = { fullMatrices: kind.boolean };

/**
 * A = U diag(S) Vh, S in descending order (torch.linalg.svd). The signs of the vectors are not unique, and gradients through U and Vh need distinct values of S.
 */
export function svd(
  x: Tensor,
  settings: SvdOptions = {},
): { readonly U: Tensor; readonly S: Tensor; readonly Vh: Tensor } {
  const { fullMatrices } = options("svd", settings, svdKinds);
  const { U, S, Vh } = spectrum.svd(nodeOf("svd", x), fullMatrices);
  return { U: made(U, [x]), S: made(S, [x]), Vh: made(Vh, [x]) };
}

/** The singular values in descending order (torch.linalg.svdvals). */
export const svdvals = (x: Tensor): Tensor => made(norms.singularValues(nodeOf("svdvals", x)), [x]);

const triangleKind = kind.oneOf("L", "U");

/** λ in ascending order, and V as columns, of symmetric A = V diag(λ) Vᵀ; only one triangle is read: the lower, "L", or the upper, "U" (torch.linalg.eigh). */
export function eigh(
  x: Tensor,
  uplo: "L" | "U" = "L",
): { readonly eigenvalues: Tensor; readonly eigenvectors: Tensor } {
  checkKind("linalg.eigh", "uplo", uplo, triangleKind);
  const { eigenvalues, eigenvectors } = spectrum.eigh(nodeOf("eigh", x), uplo);
  return { eigenvalues: made(eigenvalues, [x]), eigenvectors: made(eigenvectors, [x]) };
}

/** The eigenvalues of symmetric matrices in ascending order (torch.linalg.eigvalsh). */
export function eigvalsh(x: Tensor, uplo: "L" | "U" = "L"): Tensor {
  checkKind("linalg.eigvalsh", "uplo", uplo, triangleKind);
  return made(spectrum.eigh(nodeOf("eigvalsh", x), uplo).eigenvalues, [x]);
}

// ── products ──

/** Aⁿ; for negative n, powers of the inverse (torch.linalg.matrix_power). */
export const matrixPower = (x: Tensor, n: number): Tensor => made(pseudo.matrixPower(nodeOf("matrixPower", x), n), [x]);

/** The product of matrices in the cheapest order; the first and last may be vectors (torch.linalg.multi_dot). */
export const multiDot = (tensors: readonly Tensor[]): Tensor =>
  made(pseudo.multiDot(givenList("linalg.multiDot", tensors).map(({ node }) => node)), tensors);

/** (torch.linalg.matmul) */
export const matmul = (x: Tensor, y: Tensor): Tensor =>
  given("linalg.matmul", x).matmul(given("linalg.matmul", y, "the other"));

export interface DimOptions {
  /** Default -1. */
  readonly dim?: number;
}
const dimKinds: OptionKinds<DimOptions> = { dim: kind.number };

/** The cross product along a dim of size 3 (torch.linalg.cross). */
export function cross(x: Tensor, y: Tensor, settings: DimOptions = {}): Tensor {
  const { dim } = options("cross", settings, dimKinds);
  return given("linalg.cross", x).cross(given("linalg.cross", y, "the other"), dim);
}

/** Σ x y along a dim (torch.linalg.vecdot). */
export function vecdot(x: Tensor, y: Tensor, settings: DimOptions = {}): Tensor {
  const { dim = -1 } = options("vecdot", settings, dimKinds);
  return made(sum(el.mul(nodeOf("vecdot", x), nodeOf("vecdot", y, "the other")), dim), [x, y]);
}

export interface DiagonalOptions {
  /** Positive: above the diagonal; negative: below it. Default 0. */
  readonly offset?: number;
  /** Default -2. */
  readonly dim1?: number;
  /** Default -1. */
  readonly dim2?: number;
}
const diagonalKinds: OptionKinds<DiagonalOptions> = { offset: kind.number, dim1: kind.number, dim2: kind.number };

/** The diagonals of matrices as a last dim (torch.linalg.diagonal). */
export function diagonal(x: Tensor, settings: DiagonalOptions = {}): Tensor {
  const { offset, dim1 = -2, dim2 = -1 } = options("diagonal", settings, diagonalKinds);
  return given("linalg.diagonal", x).diagonal(offset, dim1, dim2);
}

export interface VanderOptions {
  /** The number of powers. Default: the size of the last dim. */
  readonly n?: number;
}
const vanderKinds: OptionKinds<VanderOptions> = { n: kind.number };

/** The powers 1, x, x², … of each element, as a new last dim (torch.linalg.vander). */
export function vander(x: Tensor, settings: VanderOptions = {}): Tensor {
  const { n = given("linalg.vander", x).shape.at(-1) ?? 1 } = options("vander", settings, vanderKinds);
  if (!(Number.isInteger(n) && n >= 1))
    throw new HebbError(`linalg.vander: n must be a whole number of at least 1, got ${n}`);
  // The powers are running products of 1, x, x, …
  const column = x.unsqueeze(-1);
  const first = column.mul(0).add(1);
  return n === 1 ? first : cat([first, column.expand([...x.shape, n - 1])], -1).cumprod(-1);
}

/** The inverse of a tensor as a map from its last dims to its first `ind` (torch.linalg.tensorinv). */
export function tensorinv(x: Tensor, settings: { readonly ind?: number } = {}): Tensor {
  const { ind = 2 } = options("tensorinv", settings, { ind: kind.number });
  return made(pseudo.tensorinv(nodeOf("tensorinv", x), ind), [x]);
}

/** Solves Σ A · X = B over all dims of X. They are the last dims of A, after those of B (torch.linalg.tensorsolve). */
export const tensorsolve = (a: Tensor, b: Tensor): Tensor =>
  made(pseudo.tensorsolve(nodeOf("tensorsolve", a, "the tensor"), nodeOf("tensorsolve", b, "the right side")), [a, b]);
