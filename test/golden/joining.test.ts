// Grids, stacks, products of lists and positions in sorted rows against PyTorch, and their gradients.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import * as hebb from "../../src/index.ts";
import { grad, HebbError, type Tensor, tensor } from "../../src/index.ts";

beforeAll(() => hebb.useBackend({ backend: "wasm", threads: 1 }));

interface Figure {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const figures: Readonly<Record<string, readonly Figure[]>> = JSON.parse(
  readFileSync(new URL("joining.json", import.meta.url), "utf8"),
);

const t = (value: hebb.NestedArray): Tensor => tensor(value, { dtype: "float64" });
const [a, b] = [t([1, 2, 3]), t([4, 5])];
const m = t([
  [1, 2],
  [3, 4],
]);
const n = t([[5], [6]]);
const rows = t([
  [1, 3, 3, 7],
  [0, 2, 4, 6],
]);
const asked = t([
  [3, -1, 8, Number.NaN],
  [2, 3, 6, Number.POSITIVE_INFINITY],
]);

const calls: Readonly<Record<string, () => Tensor | readonly Tensor[]>> = {
  "meshgrid ij": () => hebb.meshgrid([a, b, t(9)]),
  "meshgrid xy": () => hebb.meshgrid([a, b], { indexing: "xy" }),
  vstack: () =>
    hebb.vstack([
      a,
      t([
        [7, 8, 9],
        [0, 1, 2],
      ]),
    ]),
  hstack: () => hebb.hstack([a, b, t(6)]),
  "hstack of matrices": () => hebb.hstack([m, n]),
  dstack: () => hebb.dstack([a, a.mul(2)]),
  "dstack of matrices": () => hebb.dstack([m, m.mul(2)]),
  columnStack: () => hebb.columnStack([b, m, t([8, 9])]),
  blockDiag: () => hebb.blockDiag(m, a, t(9), n),
  cartesianProd: () => hebb.cartesianProd(a, b, b.mul(2)),
  "cartesianProd of one": () => hebb.cartesianProd(a),
  combinations: () => hebb.combinations(a),
  "combinations of three": () => hebb.combinations(t([1, 2, 3, 4]), 3),
  "combinations with replacement": () => hebb.combinations(a, 2, { withReplacement: true }),
  "combinations of too few": () => hebb.combinations(b, 3),
  broadcastTensors: () => hebb.broadcastTensors(a, n),
  searchsorted: () => hebb.searchsorted(rows, asked),
  "searchsorted right": () => hebb.searchsorted(rows, asked, { right: true }),
  "searchsorted one row": () => hebb.searchsorted(rows.select(0, 0), asked),
  "searchsorted a number": () => hebb.searchsorted(rows.select(0, 0), 3, { right: true }),
  bucketize: () => hebb.bucketize(asked, rows.select(0, 1)),
  "bucketize right": () => hebb.bucketize(asked, rows.select(0, 1), { right: true }),
  isin: () => hebb.isin(m, t([2, 4, 9])),
  "isin inverted": () => hebb.isin(m, t([2, 4, 9]), { invert: true }),
  atleast: () => [hebb.atleast1d(t(3)), hebb.atleast2d(a), hebb.atleast3d(a), hebb.atleast3d(m), hebb.atleast2d(t(3))],
};

it.each(Object.entries(calls))("%s", (name, call) => {
  const result = call();
  const found = (Array.isArray(result) ? result : [result]) as readonly Tensor[];
  expect(found.map(({ shape }) => [...shape])).toEqual(figures[name]?.map(({ shape }) => shape));
  expect(found.map((x) => [...x.dataSync()])).toEqual(figures[name]?.map(({ data }) => data));
});

it("propagate gradients", () => {
  const both = grad((x: Tensor, y: Tensor) =>
    hebb
      .cartesianProd(x, y)
      .prod(1)
      .sum()
      .add(hebb.blockDiag(x, y).square().sum())
      .add(hebb.combinations(x).prod(1).sum()),
  );
  const [ofX, ofY] = both(a, b);
  // Σ y + 2x + the sum of the other x, and Σ x + 2y.
  expect(ofX?.toArraySync()).toEqual([9 + 2 + 5, 9 + 4 + 4, 9 + 6 + 3]);
  expect(ofY?.toArraySync()).toEqual([6 + 8, 6 + 10]);
});

it("refuse arguments that do not fit", () => {
  expect(() => hebb.meshgrid([m])).toThrow("takes vectors and numbers");
  expect(() => hebb.combinations(m)).toThrow("takes a vector");
  expect(() => hebb.searchsorted(rows, t([1, 2, 3]))).toThrow(HebbError);
  expect(() => hebb.vstack([])).toThrow("takes at least one tensor");
  expect(() => hebb.bucketize(a, m)).toThrow("must be a vector");
});
