// Eigenvalues, singular values and vectors of difficult matrices, checked by the equations that define them, below and above the size at which the
// algorithm changes.
import { beforeAll, expect, it } from "vitest";
import { useBackend } from "../../runtime/index.ts";
import { eye, tensor } from "../creation.ts";
import { cat } from "../functional.ts";
import type { Tensor } from "../tensor.ts";
import * as linalg from "./index.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

type Entry = (i: number, j: number) => number;
/** Numbers between −1 and 1, the same each time. */
function noise(i: number, j: number, seed = 1): number {
  const x = Math.sin(12.9898 * (i + 1) + 78.233 * (j + 1) + 37.719 * seed) * 43758.5453;
  return 2 * (x - Math.floor(x)) - 1;
}
const diagonal =
  (value: (i: number) => number): Entry =>
  (i, j) =>
    i === j ? value(i) : 0;
const plain: Entry = (i, j) => noise(Math.min(i, j), Math.max(i, j));
/** A matrix with these eigenvalues, in the directions of two reflections. */
function turned(n: number, value: (i: number) => number, salt = 0): Entry {
  const vectors = [1, 2].map((seed) => {
    const v = Array.from({ length: n }, (_, i) => noise(i, salt, seed));
    const length = Math.hypot(...v);
    return v.map((x) => x / length);
  });
  const q = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
  for (const v of vectors)
    for (const row of q) {
      const along = 2 * row.reduce((all, x, j) => all + x * (v[j] ?? 0), 0);
      for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) - along * (v[j] ?? 0);
    }
  return (i, j) => q[i]?.reduce((all, x, k) => all + x * value(k) * (q[j]?.[k] ?? 0), 0) ?? 0;
}
/** Blocks of 21 rows whose eigenvalues come in pairs that agree in many digits; the blocks are nearly equal. */
const glued: Entry = (i, j) => {
  if (i === j) return Math.abs((i % 21) - 10);
  if (Math.abs(i - j) !== 1) return 0;
  return Math.max(i, j) % 21 === 0 ? 1e-4 : 1;
};
const hard = (n: number): readonly [string, Entry][] => [
  ["zeros", () => 0],
  ["the identity", diagonal(() => 1)],
  ["a diagonal with equal numbers", diagonal((i) => [1, 2, 3, -1][i % 4] ?? 0)],
  ["rank 1", (i, j) => noise(i, 0) * noise(j, 0)],
  ["ones", () => 1],
  ["equal blocks", (i, j) => (Math.floor(i / 5) === Math.floor(j / 5) ? plain(i % 5, j % 5) : 0)],
  ["Wilkinson's, glued", glued],
  ["graded downwards", (i, j) => plain(i, j) * 10 ** ((-10 * (i + j)) / n)],
  ["graded upwards", (i, j) => plain(i, j) * 10 ** ((10 * (i + j)) / n - 20)],
  ["gaps of 1e-3", turned(n, (i) => 1 + 1e-3 * i)],
  ["gaps of 1e-6", turned(n, (i) => (i % 2 === 0 ? 1 + 1e-6 * i : -i / n))],
  ["gaps of 1e-7", turned(n, (i) => (i % 2 === 0 ? 1 + 1e-7 * i : i / n))],
  ["gaps below the last place", turned(n, (i) => (i % 2 === 0 ? 1 + 1e-17 * i : i))],
  ["half of them 0", turned(n, (i) => i % 2)],
  ["each a part of the last", turned(n, (i) => 0.7 ** i)],
  ["second differences", (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)],
  ["Hilbert's", (i, j) => 1 / (i + j + 1)],
  ["pairs of both signs", (i, j) => (i + j === n - 1 ? 1 : 0)],
  ["any", plain],
  ["any of 1e30", (i, j) => 1e30 * plain(i, j)],
  ["any of 1e-30", (i, j) => 1e-30 * plain(i, j)],
];

/** Matrices that only the tests of singular values use. */
const skewed = (n: number): readonly [string, Entry][] => [
  ["ones above the diagonal", (i, j) => (j === i + 1 ? 1 : 0)],
  ["any, not symmetric", noise],
  ["any of rank 3", (i, j) => [1, 2, 3].reduce((all, k) => all + noise(i, k) * noise(k, j), 0)],
  ["graded columns", (i, j) => noise(i, j) * 10 ** ((-15 * j) / n)],
  ["a triangle", (i, j) => (j >= i ? noise(i, j) : 0)],
  ["orthogonal", turned(n, (i) => (i % 2 === 0 ? 1 : -1))],
];

type Float = "float32" | "float64";
const stacked = (cases: readonly [string, Entry][], dtype: Float, rows: number, columns: number): Tensor => {
  const data = cases.flatMap(([, entry]) =>
    Array.from({ length: rows * columns }, (_, k) => entry(Math.floor(k / columns), k % columns)),
  );
  return tensor(Float64Array.from(data), { shape: [cases.length, rows, columns], dtype });
};
const exact = (x: Tensor): Tensor => x.to("float64");
const numbersOf = (x: Tensor): readonly number[] => Array.from(exact(x).dataSync() as Float64Array);
const largest = (x: Tensor): readonly number[] => numbersOf(x.abs().amax([-2, -1]));
const epsilonOf = (dtype: Float): number => (dtype === "float32" ? 2 ** -23 : 2 ** -52);
/** The deviation of the columns from orthonormality. */
function skew(x: Tensor): readonly number[] {
  const columns = x.shape.at(-1) as number;
  return largest(x.mT.matmul(x).sub(eye(columns, columns, { dtype: "float64" })));
}
/** The largest number of each row: [batch, 1, 1]. */
const sizeOf = (values: Tensor): Tensor => values.abs().amax([-1]).reshape([-1, 1, 1]).clamp(1e-300);
/** The smallest step between neighbours, in units of the largest value. */
const leastStep = (values: Tensor): readonly number[] =>
  numbersOf(
    cat([values.diff(1, -1), values.mul(0)], -1)
      .div(sizeOf(values).squeeze(-1))
      .amin([-1]),
  );

// 53 is prime; 100 is more than three panels of 32 columns and not a multiple of 32.
const sizes = (["float32", "float64"] as const).flatMap((dtype) =>
  [1, 2, 3, 47, 53, 100].map((n) => [dtype, n] as const),
);
it.each(sizes)("eigenvectors, %s, %i rows", (dtype, n) => {
  const cases = hard(n);
  const a = stacked(cases, dtype, n, n);
  const { eigenvalues, eigenvectors } = linalg.eigh(a);
  const [values, v] = [exact(eigenvalues), exact(eigenvectors)];
  const size = sizeOf(values);
  // A V = V Λ in units of the largest eigenvalue; scaling comes first, so that no square overflows.
  const rest = largest(
    exact(a)
      .div(size)
      .matmul(v)
      .sub(v.mul(values.unsqueeze(-2).div(size))),
  );
  const [turns, steps, most] = [skew(v), leastStep(values), Math.max(8, n) * epsilonOf(dtype)];
  for (const [k, [name]] of cases.entries()) {
    expect(rest[k], `A V = V Λ, ${name}`).toBeLessThan(most);
    expect(turns[k], `Vᵀ V = 1, ${name}`).toBeLessThan(most);
    expect(steps[k], `the order, ${name}`).toBeGreaterThan(-epsilonOf(dtype));
  }
});

it.each([...sizes.filter(([, n]) => n !== 47), ["float32", 60] as const])(
  "singular vectors, %s, %i columns",
  (dtype, n) => {
    const cases = [...hard(n), ...skewed(n)];
    // In one case more rows than columns.
    const a = stacked(cases, dtype, n === 60 ? 70 : n, n);
    const { U, S, Vh } = linalg.svd(a, { fullMatrices: false });
    const [u, s, v] = [exact(U), exact(S), exact(Vh).mT];
    const size = sizeOf(s);
    const [given, scaled] = [exact(a).div(size), s.unsqueeze(-2).div(size)];
    const right = largest(given.matmul(v).sub(u.mul(scaled)));
    const left = largest(given.mT.matmul(u).sub(v.mul(scaled)));
    const [ofU, ofV, steps, least] = [skew(u), skew(v), leastStep(s.neg()), numbersOf(s.amin([-1]))];
    const most = Math.max(8, n) * epsilonOf(dtype);
    for (const [k, [name]] of cases.entries()) {
      expect(right[k], `A V = U Σ, ${name}`).toBeLessThan(most);
      expect(left[k], `Aᵀ U = V Σ, ${name}`).toBeLessThan(most);
      expect(ofU[k], `Uᵀ U = 1, ${name}`).toBeLessThan(most);
      expect(ofV[k], `Vᵀ V = 1, ${name}`).toBeLessThan(most);
      expect(steps[k], `the order, ${name}`).toBeGreaterThan(-epsilonOf(dtype));
      expect(least[k], `the sign, ${name}`).toBeGreaterThanOrEqual(0);
    }
  },
);

it.each([3, 53])("gives NaN for NaN and infinity, and right values for other matrices of the batch, %i rows", (n) => {
  const rows = (value: number): number[] =>
    Array.from({ length: n * n }, (_, k) => (k === n ? value : k % (n + 1) === 0 ? 2 : 0));
  const a = tensor([...rows(Number.NaN), ...rows(Number.POSITIVE_INFINITY), ...rows(0)], { shape: [3, n, n] });
  const { eigenvalues, eigenvectors } = linalg.eigh(a);
  const values = numbersOf(eigenvalues);
  expect(values.slice(0, 2 * n).every(Number.isNaN)).toBe(true);
  expect(values.slice(2 * n).every((value) => Math.abs(value - 2) < 1e-6)).toBe(true);
  expect(numbersOf(eigenvectors).slice(0, n).every(Number.isNaN)).toBe(true);
  const singular = numbersOf(linalg.svd(a).S);
  expect(singular.slice(0, 2 * n).every(Number.isNaN)).toBe(true);
  expect(singular.slice(2 * n).every((value) => Math.abs(value - 2) < 1e-6)).toBe(true);
});

it("finds the whole eigenspace of a value shared by half of the vectors, in any orientation", () => {
  const n = 100;
  const cases = Array.from({ length: 16 }, (_, k): [string, Entry] => [`${k}`, turned(n, (i) => i % 2, k)]);
  const a = stacked(cases, "float32", n, n);
  const given = exact(a);
  const { eigenvalues, eigenvectors } = linalg.eigh(a);
  const v = exact(eigenvectors);
  const { U, S, Vh } = linalg.svd(a);
  const right = given.matmul(exact(Vh).mT).sub(exact(U).mul(exact(S).unsqueeze(-2)));
  const most = n * epsilonOf("float32");
  expect(Math.max(...largest(given.matmul(v).sub(v.mul(exact(eigenvalues).unsqueeze(-2)))))).toBeLessThan(most);
  expect(Math.max(...largest(right))).toBeLessThan(most);
  expect(Math.max(...skew(v), ...skew(exact(U)), ...skew(exact(Vh).mT))).toBeLessThan(most);
});

it.each([8, 47, 48])("decomposes 16-bit floats in float32 and rounds the results, %i rows", (n) => {
  for (const [dtype, unit] of [["float16", 2 ** -11] as const, ["bfloat16", 2 ** -8] as const]) {
    const a = stacked([["any", plain]], "float32", n, n).to(dtype);
    const { eigenvalues, eigenvectors } = linalg.eigh(a);
    const { U, S, Vh } = linalg.svd(a);
    expect([eigenvalues, eigenvectors, U, S, Vh].map((x) => x.dtype)).toEqual(new Array(5).fill(dtype));
    const [v, u, vh] = [exact(eigenvectors), exact(U), exact(Vh)];
    const size = sizeOf(exact(S));
    const rest = exact(a)
      .matmul(v)
      .sub(v.mul(exact(eigenvalues).unsqueeze(-2)));
    const other = u.mul(exact(S).unsqueeze(-2)).matmul(vh).sub(exact(a));
    // Values and vectors are rounded once each. A row of A times the rounding of a vector is at most the row's norm, which is at most the largest
    // value.
    for (const wrong of [rest, other]) expect(Math.max(...largest(wrong.div(size)))).toBeLessThan(3 * unit);
    for (const x of [v, u, vh.mT]) expect(Math.max(...skew(x))).toBeLessThan(3 * unit);
  }
});
