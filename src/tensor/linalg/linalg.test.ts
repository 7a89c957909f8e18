// Linear algebra on larger matrices, with several blocks, checked by the equations that define each result; and its errors.
import { beforeAll, describe, expect, it } from "vitest";
import { useBackend } from "../../runtime/index.ts";
import { grad } from "../autograd.ts";
import { compile } from "../compile.ts";
import { eye, tensor, zeros } from "../creation.ts";
import { cat } from "../functional.ts";
import type { Tensor } from "../tensor.ts";
import * as linalg from "./index.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

type Float = "float32" | "float64";
function matrices(dtype: Float, ...shape: readonly number[]): Tensor {
  const size = shape.reduce((all, extent) => all * extent, 1);
  let state = 1;
  const data = Float64Array.from({ length: size }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  });
  return tensor(data, { shape, dtype });
}
/** The largest difference, in units of the spacing of floats at the largest value. */
function units(found: Tensor, truth: Tensor): number {
  const spacing = found.dtype === "float32" ? 2 ** -23 : 2 ** -52;
  return found.sub(truth).abs().max().itemSync() / (spacing * Math.max(1, truth.abs().max().itemSync()));
}

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  // d det A / d A is the transpose of the adjugate, even if A is singular.
  it.each([
    [[1, 2, 2, 4], 2, [4, -2, -2, 1]],
    [[1, 0, 0, 0], 2, [0, 0, 0, 1]],
    [[0, 0, 0, 0], 2, [0, 0, 0, 0]],
    [[1, 2, 3, 4, 5, 6, 7, 8, 10], 3, [2, 2, -3, 4, -11, 6, -3, 6, -3]],
    [[2, 0, 0, 0, 3, 0, 0, 0, 0], 3, [0, 0, 0, 0, 0, 0, 0, 0, 6]],
  ] as const)("the slope of det at %j", (values, n, expected) => {
    const slope = grad((a: Tensor) => linalg.det(a).sum());
    const single = tensor([...values], { shape: [n, n], dtype });
    const truth = tensor([...expected], { shape: [n, n], dtype });
    expect(units(slope(single), truth)).toBeLessThan(64);
    // Next to an invertible matrix.
    const pair = cat([single.unsqueeze(0), eye(n, n, { dtype }).unsqueeze(0)], 0);
    expect(units(slope(pair), cat([truth.unsqueeze(0), eye(n, n, { dtype }).unsqueeze(0)], 0))).toBeLessThan(64);
  });
  it("lstsq accepts a right-hand side of whole numbers", () => {
    const a = matrices(dtype, 4, 2);
    const whole = tensor(Int32Array.of(1, 2, 3, -4));
    const found = linalg.lstsq(a, whole).solution;
    expect(units(found, linalg.lstsq(a, whole.to(dtype)).solution)).toBe(0);
  });
  // More than a panel of 32 columns, and not a multiple of it.
  it.each([
    [40, 40],
    [70, 40],
    [40, 70],
  ])("factors of %i × %i give the matrix back", (m, n) => {
    const a = matrices(dtype, 2, m, n);
    const k = Math.min(m, n);
    const one = eye(k, k, { dtype });
    const { Q, R } = linalg.qr(a);
    // Errors of sums of k terms grow as about √k steps of both signs: a few dozen units.
    expect(units(Q.matmul(R), a)).toBeLessThan(64);
    expect(units(Q.mT.matmul(Q), one)).toBeLessThan(64);
    const { U, S, Vh } = linalg.svd(a, { fullMatrices: false });
    expect(units(U.mul(S.unsqueeze(-2)).matmul(Vh), a)).toBeLessThan(64);
    expect(units(U.mT.matmul(U), one)).toBeLessThan(64);
    expect(units(Vh.matmul(Vh.mT), one)).toBeLessThan(64);
  });

  it("solutions and factors of 70 × 70", () => {
    const a = matrices(dtype, 2, 70, 70).add(eye(70, 70, { dtype }).mul(8));
    const b = matrices(dtype, 2, 70, 3);
    expect(units(a.matmul(linalg.solve(a, b)), b)).toBeLessThan(64);
    expect(units(a.matmul(linalg.inv(a)), eye(70, 70, { dtype }))).toBeLessThan(64);
    const positive = a.matmul(a.mT);
    const lower = linalg.cholesky(positive);
    expect(units(lower.matmul(lower.mT), positive)).toBeLessThan(64);
    const { logabsdet } = linalg.slogdet(positive);
    const roots = lower.diagonal(0, -2, -1).log().sum(-1).mul(2);
    expect(units(logabsdet, roots)).toBeLessThan(64);
    const symmetric = a.add(a.mT);
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric);
    expect(units(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT), symmetric)).toBeLessThan(64);
    expect(units(eigenvectors.mT.matmul(eigenvectors), eye(70, 70, { dtype }))).toBeLessThan(64);
  });
});

// Three and four blocks of 64, the last one shorter. The diagonal is far from 0, so that each number is right to its last few digits.
it.each([
  [150, true],
  [150, false],
  [250, true],
  [250, false],
])("triangles of %i rows are solved from either side, upper: %s", (n, upper) => {
  const own = matrices("float64", 2, 1, n, n)
    .div(8)
    .add(eye(n, n, { dtype: "float64" }).mul(2));
  const triangle = upper ? own.triu() : own.tril();
  const b = matrices("float64", 3, n, 5);
  expect(units(triangle.matmul(linalg.solveTriangular(own, b, { upper })), b.expand(2, 3, n, 5))).toBeLessThan(64);
  const right = linalg.solveTriangular(own, b.mT, { upper, left: false });
  expect(units(right.matmul(triangle), b.mT.expand(2, 3, 5, n))).toBeLessThan(64);
  const ones = triangle.sub(eye(n, n, { dtype: "float64" }).mul(triangle)).add(eye(n, n, { dtype: "float64" }));
  const unit = linalg.solveTriangular(own, b, { upper, unitriangular: true });
  expect(units(ones.matmul(unit), b.expand(2, 3, n, 5))).toBeLessThan(64);
  expect(linalg.solveTriangular(own, zeros([n, 0], { dtype: "float64" }), { upper }).shape).toEqual([2, 1, n, 0]);
});

it.each(["float32", "float64"] as const)("150 equations, and many matrices side by side, %s", (dtype) => {
  const a = matrices(dtype, 150, 150).add(eye(150, 150, { dtype }).mul(8));
  const b = matrices(dtype, 150, 3);
  expect(units(a.matmul(linalg.solve(a, b)), b)).toBeLessThan(64);
  expect(units(a.matmul(linalg.inv(a)), eye(150, 150, { dtype }))).toBeLessThan(64);
  // Rows are swapped, and there are more of them than columns in a panel.
  const many = matrices(dtype, 17, 40, 40).add(eye(40, 40, { dtype }).flip([0]).mul(4));
  const found = linalg.inv(many);
  expect(units(many.matmul(found), eye(40, 40, { dtype }).expand(17, 40, 40))).toBeLessThan(64);
  expect(linalg.det(many).dataSync()).toEqual(
    cat([...Array(17).keys()].map((k) => linalg.det(many.slice(0, k, k + 1)))).dataSync(),
  );
});

it("completes the singular vectors of rank-deficient matrices", () => {
  const { U, S, Vh } = linalg.svd(
    tensor(
      [
        [1, 2],
        [2, 4],
        [3, 6],
      ],
      { dtype: "float64" },
    ),
  );
  expect(S.dataSync()[1]).toBeLessThan(1e-14);
  expect(units(U.mT.matmul(U), eye(3, 3, { dtype: "float64" }))).toBeLessThan(16);
  expect(units(Vh.matmul(Vh.mT), eye(2, 2, { dtype: "float64" }))).toBeLessThan(16);
});

it("distinguishes eigenvalues that differ only in sign", () => {
  const { eigenvalues } = linalg.eigh(
    tensor(
      [
        [0, 1],
        [1, 0],
      ],
      { dtype: "float64" },
    ),
  );
  expect(units(eigenvalues, tensor([-1, 1], { dtype: "float64" }))).toBeLessThan(4);
});

const singular = (): Tensor =>
  tensor([
    [1, 2],
    [2, 4],
  ]);
it.each([
  [() => linalg.inv(singular()), /linalg\.inv: the matrix is singular/],
  [
    () =>
      linalg.solve(
        tensor([
          [
            [1, 0],
            [0, 1],
          ],
          [
            [1, 2],
            [2, 4],
          ],
        ]),
        zeros([2, 2, 1]),
      ),
    /linalg\.solve: at \[1\], the matrix is singular/,
  ],
  [
    () =>
      linalg.cholesky(
        tensor([
          [1, 2],
          [2, 1],
        ]),
      ),
    /linalg\.cholesky: the matrix is not positive definite/,
  ],
  [() => compile((x: Tensor) => linalg.inv(x))(singular()), /linalg\.inv: the matrix is singular/],
])("says what a matrix has not: %#", (call, message) => {
  expect(() => call().dataSync()).toThrow(message);
});

it.each([
  [() => linalg.inv(zeros([2, 3])), /must be square, got \[2, 3\]/],
  [() => linalg.det(zeros([3])), /must be a matrix or a batch of them, got \[3\]/],
  [() => linalg.solve(zeros([3, 3]), zeros([2, 1])), /3 unknowns.*2 rows/],
  [() => linalg.matrixNorm(zeros([2, 2]), 3), /the norm 3 does not exist/],
  [() => linalg.multiDot([zeros([2, 2])]), /two tensors or more, got 1/],
])("says what does not fit: %#", (call, message) => {
  expect(call).toThrow(message);
});

it("is 1 for the determinant of no rows, and −∞ for the logarithm of none that is 0", () => {
  expect(linalg.det(zeros([0, 0])).itemSync()).toBe(1);
  expect(linalg.slogdet(singular()).logabsdet.itemSync()).toBe(Number.NEGATIVE_INFINITY);
});
