// Eigenvalues and eigenvectors of matrices that are hard to take apart, by what defines them, below and above the size from which the way is another.
import { beforeAll, expect, it } from "vitest";
import { useBackend } from "../../runtime/index.ts";
import { eye, tensor } from "../creation.ts";
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
/** With these eigenvalues, in the directions that two reflections give. */
function turned(n: number, value: (i: number) => number): Entry {
  const vectors = [1, 2].map((seed) => {
    const v = Array.from({ length: n }, (_, i) => noise(i, 0, seed));
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
/** Blocks of 21 rows, whose eigenvalues come in pairs that agree in many digits, and which are nearly the same in each block. */
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

const numbersOf = (x: Tensor): readonly number[] => Array.from(x.to("float64").dataSync() as Float64Array);
const largest = (x: Tensor): readonly number[] => numbersOf(x.abs().amax([-2, -1]));

// 53 has no factors, 100 is beyond three panels of 32 columns and no multiple of them.
it.each((["float32", "float64"] as const).flatMap((dtype) => [1, 2, 3, 47, 53, 100].map((n) => [dtype, n] as const)))(
  "%s, %i rows",
  (dtype, n) => {
    const cases = hard(n);
    const data = cases.flatMap(([, entry]) => Array.from({ length: n * n }, (_, k) => entry(Math.floor(k / n), k % n)));
    const a = tensor(Float64Array.from(data), { shape: [cases.length, n, n], dtype });
    const found = linalg.eigh(a);
    const [values, v, exact] = [found.eigenvalues, found.eigenvectors, a].map((x) => x.to("float64")) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const size = values.abs().amax([-1]).reshape([-1, 1, 1]).clamp(1e-300);
    // A V = V Λ in units of the largest eigenvalue; the scale comes first, so that no square overflows.
    const rest = largest(
      exact
        .div(size)
        .matmul(v)
        .sub(v.mul(values.unsqueeze(-2).div(size))),
    );
    const turns = largest(v.mT.matmul(v).sub(eye(n, n, { dtype: "float64" })));
    const order = numbersOf(n === 1 ? values.mul(0) : values.diff(1, -1).div(size.squeeze(-1)).amin([-1]));
    const epsilon = dtype === "float32" ? 2 ** -23 : 2 ** -52;
    const most = Math.max(8, n) * epsilon;
    for (const [k, [name]] of cases.entries()) {
      expect(rest[k], `A V = V Λ, ${name}`).toBeLessThan(most);
      expect(turns[k], `Vᵀ V = 1, ${name}`).toBeLessThan(most);
      expect(order[k], `the order, ${name}`).toBeGreaterThan(-epsilon);
    }
  },
);

it.each([3, 53])("gives NaN for NaN and infinity, %i rows, and right ones beside them", (n) => {
  const rows = (value: number): number[] =>
    Array.from({ length: n * n }, (_, k) => (k === n ? value : k % (n + 1) === 0 ? 2 : 0));
  const a = tensor([...rows(Number.NaN), ...rows(Number.POSITIVE_INFINITY), ...rows(0)], { shape: [3, n, n] });
  const { eigenvalues, eigenvectors } = linalg.eigh(a);
  const values = numbersOf(eigenvalues);
  expect(values.slice(0, 2 * n).every(Number.isNaN)).toBe(true);
  expect(values.slice(2 * n).every((value) => Math.abs(value - 2) < 1e-6)).toBe(true);
  expect(numbersOf(eigenvectors).slice(0, n).every(Number.isNaN)).toBe(true);
});
