// Cases of linear algebra, against elimination and closed forms in plain numbers.
import type { Node } from "../../../src/graph/node.ts";
import { add } from "../../../src/graph/ops/elementwise.ts";
import { cholesky } from "../../../src/graph/ops/linalg/cholesky.ts";
import { det, inverse, solve } from "../../../src/graph/ops/linalg/lu.ts";
import { identity, mT } from "../../../src/graph/ops/linalg/matrices.ts";
import { qr } from "../../../src/graph/ops/linalg/qr.ts";
import { eigh, svd } from "../../../src/graph/ops/linalg/spectrum.ts";
import { solveTriangular } from "../../../src/graph/ops/linalg/triangular.ts";
import { matmul } from "../../../src/graph/ops/matmul.ts";
import { absolute, at, type Case, floats, input, spread, tabulate, total } from "../case.ts";
import { inputNode, type Value } from "../run.ts";

const node = (...shape: readonly number[]): Node => inputNode({ shape, dtype: "float32" });

/** Rows of the matrix at `place` of a batch. */
function rowsOf({ shape, data }: Value, place = 0): number[][] {
  const [m = 0, n = 0] = shape.slice(-2);
  return Array.from({ length: m }, (_, i) => data.slice((place * m + i) * n, (place * m + i + 1) * n));
}
const value = (rows: readonly (readonly number[])[]): Value => ({
  shape: [rows.length, rows[0]?.length ?? 0],
  dtype: "float64",
  data: rows.flat(),
});
const times = (a: Value, b: Value): Value => ({
  shape: [a.shape[0] ?? 0, b.shape[1] ?? 0],
  dtype: "float64",
  data: tabulate([a.shape[0] ?? 0, b.shape[1] ?? 0], ([i = 0, j = 0]) =>
    total([a.shape[1] ?? 0], ([k = 0]) => at(a, [i, k]) * at(b, [k, j])),
  ),
});
const turned = (a: Value): Value => ({
  shape: [...a.shape].reverse(),
  dtype: "float64",
  data: tabulate([...a.shape].reverse(), ([i = 0, j = 0]) => at(a, [j, i])),
});

/** [A B] → [I A⁻¹B] by Gauss-Jordan elimination, and the determinant of A. */
function reduced(a: Value, b: Value): { readonly x: Value; readonly determinant: number } {
  const rows = rowsOf(a).map((row, place) => [...row, ...(rowsOf(b)[place] ?? [])]);
  const n = rows.length;
  let determinant = 1;
  for (let k = 0; k < n; k++) {
    const size = (i: number): number => Math.abs(rows[i]?.[k] ?? 0);
    let best = k;
    for (let i = k; i < n; i++) if (size(i) > size(best)) best = i;
    const pivot = rows[best] ?? [];
    if (best !== k) determinant = -determinant;
    rows[best] = rows[k] ?? [];
    determinant *= pivot[k] ?? 0;
    const scaled = pivot.map((x) => x / (pivot[k] ?? 0));
    rows[k] = scaled;
    rows.forEach((row, i) => {
      const factor = row[k] ?? 0;
      if (i !== k) rows[i] = row.map((x, j) => x - factor * (scaled[j] ?? 0));
    });
  }
  return { x: value(rows.map((row) => row.slice(n))), determinant };
}
const unit = (n: number): Value =>
  value(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))));
const inverted = (a: Value): Value => reduced(a, unit(a.shape[0] ?? 0)).x;
/** |X| |A| |Y|: the effect of rounding A. */
const through = (x: Value, a: Value, y: Value): readonly number[] =>
  times(times(absolute(x), absolute(a)), absolute(y)).data;
const square = input([3, 3], 4, 1, -2, 0.5, -3, 1, 1.5, 2, 5);
const right = spread([3, 2], 4);
const bound = { ulps: 2, terms: 9 };

const gram = (x: Node): Node => add(matmul(x, mT(x)), identity(x.shape[0] ?? 0, x.shape[0] ?? 0, x));
function factored(a: Value): Value {
  const rows = rowsOf(a).map((row) => row.map(() => 0));
  rows.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      const rest = at(a, [i, j]) - total([j], ([k = 0]) => (row[k] ?? 0) * (rows[j]?.[k] ?? 0));
      row[j] = i === j ? Math.sqrt(rest) : rest / (rows[j]?.[j] ?? 0);
    }
  });
  return value(rows);
}
const gramOf = (x: Value): Value => {
  const product = times(x, turned(x));
  return { ...product, data: product.data.map((entry, place) => entry + (unit(x.shape[0] ?? 0).data[place] ?? 0)) };
};

/** Eigenvalues of [a b; b c]. */
const pairOf = (a: number, b: number, c: number): [number, number] => {
  const [middle, half] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  return [middle - half, middle + half];
};
const size = (x: Value): number => Math.sqrt(total(x.shape, (index) => at(x, index) ** 2));

export const linearCases: readonly Case[] = [
  {
    op: "inverse",
    kind: "forward",
    name: "of a matrix",
    dtypes: floats,
    inputs: [square],
    build: (a) => inverse(a),
    truth: (a) => inverted(a).data,
    magnitude: (a) => through(inverted(a), a, inverted(a)),
    bound,
  },
  {
    op: "inverse",
    kind: "edge",
    name: "with a pivot of 0 at first",
    dtypes: floats,
    inputs: [input([2, 2], 0, 2, 4, 1)],
    build: (a) => inverse(a),
    truth: () => [-0.125, 0.25, 0.5, 0],
  },
  {
    op: "inverse",
    kind: "error",
    name: "not square",
    build: () => inverse(node(2, 3)),
    message: /must be square, got \[2, 3\]/,
  },
  {
    op: "solve",
    kind: "forward",
    name: "two right sides",
    dtypes: floats,
    inputs: [square, right],
    build: (a, b) => solve(a, b),
    truth: (a, b) => reduced(a, b).x.data,
    magnitude: (a, b) => through(inverted(a), a, reduced(a, b).x),
    bound,
  },
  {
    op: "solve",
    kind: "edge",
    name: "no right side",
    dtypes: floats,
    inputs: [square, input([3, 0])],
    build: (a, b) => solve(a, b),
    truth: () => [],
  },
  {
    op: "solve",
    kind: "error",
    name: "rows that differ",
    build: () => solve(node(3, 3), node(2, 1)),
    message: /3 unknowns.*2 rows/,
  },
  {
    op: "solveTriangular",
    kind: "forward",
    name: "from below",
    dtypes: floats,
    inputs: [square, right],
    build: (a, b) => solveTriangular(a, b, { upper: true }),
    truth: (a, b) => reduced(upper(a), b).x.data,
    magnitude: (a, b) => through(inverted(upper(a)), upper(a), reduced(upper(a), b).x),
    bound,
  },
  {
    op: "det",
    kind: "forward",
    name: "of a matrix",
    dtypes: floats,
    inputs: [square],
    build: det,
    truth: (a) => [reduced(a, unit(3)).determinant],
    magnitude: (a) => [rowsOf(a).reduce((all, row) => all * row.reduce((sum, x) => sum + Math.abs(x), 0), 1)],
    bound,
  },
  {
    op: "det",
    kind: "edge",
    name: "of no rows",
    dtypes: floats,
    inputs: [input([0, 0])],
    build: det,
    truth: () => [1],
  },
  {
    op: "det",
    kind: "error",
    name: "of a vector",
    build: () => det(node(3)),
    message: /must be a matrix or a batch of them, got \[3\]/,
  },
  {
    op: "cholesky",
    kind: "forward",
    name: "of X Xᵀ + I",
    dtypes: floats,
    inputs: [spread([3, 3], 5)],
    build: (x) => cholesky(gram(x)),
    truth: (x) => factored(gramOf(x)).data,
    magnitude: (x) => through(factored(gramOf(x)), inverted(factored(gramOf(x))), gramOf(x)),
    bound,
  },
  {
    op: "qr",
    kind: "forward",
    name: "R, whose first number is a length",
    dtypes: floats,
    inputs: [input([3, 2], 3, 1, 4, -2, 0, 2)],
    build: (a) => qr(a).r,
    // The first reflection maps 3 to −5; the rest of the second column then begins below 0, and its sign is flipped.
    truth: (a) => {
      const [[p = 0, u = 0] = [], [q = 0, v = 0] = [], [r = 0, w = 0] = []] = rowsOf(a);
      const length = Math.hypot(p, q, r);
      const along = (p * u + q * v + r * w) / length;
      const rest = Math.hypot(u - (along * p) / length, v - (along * q) / length, w - (along * r) / length);
      return [-length, -along, 0, rest];
    },
    magnitude: (a) => [size(a), size(a), size(a), size(a)],
    bound,
    gradient: true,
  },
  {
    op: "eigh",
    kind: "forward",
    name: "the eigenvalues of X + Xᵀ",
    dtypes: floats,
    inputs: [input([2, 2], 1.5, 0.5, -2, -0.25)],
    build: (x) => eigh(add(x, mT(x))).eigenvalues,
    truth: (x) => pairOf(2 * at(x, [0, 0]), at(x, [0, 1]) + at(x, [1, 0]), 2 * at(x, [1, 1])),
    magnitude: (x) => [2 * size(x), 2 * size(x)],
    bound,
  },
  {
    op: "svd",
    kind: "forward",
    name: "the singular values",
    dtypes: floats,
    inputs: [input([2, 2], 1.5, 0.5, -2, 3)],
    build: (x) => svd(x).S,
    truth: (x) => {
      const g = times(x, turned(x));
      const [low, high] = pairOf(at(g, [0, 0]), at(g, [0, 1]), at(g, [1, 1]));
      return [Math.sqrt(high), Math.sqrt(low)];
    },
    magnitude: (x) => [size(x), size(x)],
    bound,
  },
  {
    op: "svd",
    kind: "edge",
    name: "of zeros",
    dtypes: floats,
    inputs: [input([2, 2], 0, 0, 0, 0)],
    build: (x) => svd(x).S,
    truth: () => [0, 0],
  },
];

/** The upper triangle. */
function upper(a: Value): Value {
  return { ...a, data: tabulate(a.shape, ([i = 0, j = 0]) => (j >= i ? at(a, [i, j]) : 0)) };
}
