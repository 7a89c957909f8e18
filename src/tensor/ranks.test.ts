// Medians, quantiles and the k first of long rows, which are found without sorting: gradients of both orders, vmap, NaN.
import { describe, expect, it } from "vitest";
import { grad, type Tensor, tensor, vmap } from "./index.ts";

const count = 101;
/** All distinct, so that every rank has one position. */
const numbers = Array.from({ length: 3 * count }, (_, k) => Math.fround(((k * 37) % (3 * count)) / 50 - 3));
const rows = (): Tensor => tensor(numbers).reshape([3, count]);
const sortedRow = (row: number): number[] => numbers.slice(row * count, (row + 1) * count).sort((a, b) => a - b);

const found: Readonly<
  Record<string, readonly [(x: Tensor) => Tensor, (sorted: readonly number[]) => readonly number[]]>
> = {
  median: [(x) => x.median(-1).values, (sorted) => sorted.slice(50, 51)],
  kthvalue: [(x) => x.kthvalue(30).values, (sorted) => sorted.slice(29, 30)],
  "quantile at a place": [(x) => x.quantile(0.25, { dim: -1 }), (sorted) => sorted.slice(25, 26)],
  "topk by a search": [(x) => x.topk(24, -1, { largest: false }).values, (sorted) => sorted.slice(0, 24)],
};

describe.each(Object.entries(found))("%s", (_, [fn, expected]) => {
  it("of each row, alone and under vmap", () => {
    const wanted = [0, 1, 2].flatMap((row) => expected(sortedRow(row)));
    expect([...fn(rows()).dataSync()]).toEqual(wanted);
    expect([...vmap(fn)(rows()).dataSync()]).toEqual(wanted);
  });
  it("has gradients of both orders at its position", () => {
    const cubes = (x: Tensor): Tensor => fn(x.pow(3)).sum();
    const chosen = new Set([0, 1, 2].flatMap((row) => expected(sortedRow(row))));
    const at = (slope: (value: number) => number): number[] =>
      numbers.map((value) => (chosen.has(value) ? slope(value) : 0));
    const close = (values: Tensor, wanted: readonly number[]): void => {
      values.dataSync().forEach((value, k) => {
        expect(value).toBeCloseTo(wanted[k] as number, 4);
      });
    };
    close(
      grad(cubes)(rows()),
      at((value) => 3 * value * value),
    );
    close(
      grad((x: Tensor) => grad(cubes)(x).sum())(rows()),
      at((value) => 6 * value),
    );
  });
});

it("a NaN is the median of its row, and is left out by nanmedian", () => {
  const values = Float32Array.from({ length: 2 * count }, (_, k) => (k === 7 || k === 90 ? Number.NaN : k % count));
  const x = tensor(values).reshape([2, count]);
  expect([...x.median(-1).values.dataSync()]).toEqual([Number.NaN, 50]);
  expect([...x.median(-1).indices.dataSync()]).toEqual([7, 50]);
  expect([...x.nanmedian(-1).values.dataSync()]).toEqual([50, 50]);
  expect(x.nanmedian().itemSync()).toBe(50);
});
