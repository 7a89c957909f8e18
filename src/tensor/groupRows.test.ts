// Queries on host numbers against plain lists: masks, counts, groups of equal values and slices.
import { describe, expect, it } from "vitest";
import type { DType } from "../graph/dtype.ts";
import { tensor } from "./index.ts";

/** Reproducible whole numbers from −3 to 3. */
const whole = (count: number): number[] => Array.from({ length: count }, (_, k) => ((k * k * 7 + k * 13) % 7) - 3);

describe("unique", () => {
  it.each<DType>(["float64", "float32", "float16", "bfloat16", "int32", "int16", "int8"])("of %s", (dtype) => {
    const values = whole(100);
    const sorted = [...new Set(values)].sort((a, b) => a - b);
    const found = tensor(values).to(dtype).uniqueSync();
    expect([...found.values.dataSync()]).toEqual(sorted);
    expect(found.values.dtype).toBe(dtype);
    expect([...found.inverse.dataSync()]).toEqual(values.map((value) => sorted.indexOf(value)));
    expect([...found.counts.dataSync()]).toEqual(sorted.map((each) => values.filter((value) => value === each).length));
  });
  it("of distinct values, in any order", () => {
    const values = Float64Array.from({ length: 5000 }, (_, k) => Math.sin(k) * 10 ** ((k % 9) - 4));
    const { values: found, inverse } = tensor(values).uniqueSync();
    const sorted = values.slice().sort();
    expect(found.dataSync()).toEqual(sorted);
    expect([...inverse.dataSync()].map((place) => sorted[place])).toEqual([...values]);
  });
  it("merges −0 and 0, and keeps each NaN separate, after all numbers", () => {
    const inf = Number.POSITIVE_INFINITY;
    const found = tensor([Number.NaN, 0, inf, -0, Number.NaN, -inf, 0]).uniqueSync();
    expect([...found.values.dataSync()]).toEqual([-inf, 0, inf, Number.NaN, Number.NaN]);
    expect([...found.inverse.dataSync()]).toEqual([3, 1, 2, 1, 4, 0, 1]);
    expect([...found.counts.dataSync()]).toEqual([1, 3, 1, 1, 1]);
  });
  it.each([0, 1, 2])("of slices of dim %i", (dim) => {
    const shape = [6, 5, 4];
    const x = tensor(whole(120).map((value) => Math.max(value, 2)))
      .reshape(shape)
      .to("int32");
    const extent = shape[dim] as number;
    const slices = Array.from({ length: extent }, (_, k) => [...x.select(dim, k).dataSync()].map((value) => value - 2));
    const sorted = [...new Set(slices.map((slice) => slice.join("")))].sort();
    const found = x.uniqueSync({ dim });
    expect([...found.inverse.dataSync()]).toEqual(slices.map((slice) => sorted.indexOf(slice.join(""))));
    sorted.forEach((slice, k) => {
      expect([...found.values.select(dim, k).dataSync()].map((value) => value - 2).join("")).toBe(slice);
    });
  });
  it("of runs", () => {
    const found = tensor([2, 2, 1, Number.NaN, Number.NaN, 2, 0, -0]).uniqueConsecutiveSync();
    expect([...found.inverse.dataSync()]).toEqual([0, 0, 1, 2, 3, 4, 5, 5]);
    expect([...found.counts.dataSync()]).toEqual([2, 1, 1, 1, 1, 2]);
    const rows = tensor([1, 1, 0, 2, 2, 0]).reshape([2, 3]).uniqueConsecutiveSync({ dim: 1 });
    expect(rows.values.toArraySync()).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });
});

describe("positions that a mask selects", () => {
  const x = tensor(whole(24)).reshape([2, 3, 4]);
  it("have their dims in nonzero", () => {
    const places = x.nonzeroSync().toArraySync() as number[][];
    const expected = whole(24).flatMap((value, k) =>
      value === 0 ? [] : [[Math.floor(k / 12), Math.floor(k / 4) % 3, k % 4]],
    );
    expect(places).toEqual(expected);
  });
  it("broadcast with the elements in maskedSelect, and give them their gradients", () => {
    const mask = tensor([1, 0, 1]).reshape([3, 1]);
    const kept = whole(24).filter((_, k) => Math.floor(k / 4) % 3 !== 1);
    expect([...x.maskedSelectSync(mask).dataSync()]).toEqual(kept);
    const row = tensor([1, 2, 3, 4], { requiresGrad: true });
    row.maskedSelectSync(x.gt(0)).sum().backward();
    const counts = [0, 1, 2, 3].map((column) => whole(24).filter((value, k) => k % 4 === column && value > 0).length);
    expect([...(row.grad?.dataSync() ?? [])]).toEqual(counts);
  });
});

describe("bincount", () => {
  it("counts each number up to the largest, or more", () => {
    expect([
      ...tensor(Int32Array.of(3, 1, 3, 0))
        .bincountSync()
        .dataSync(),
    ]).toEqual([1, 1, 0, 2]);
    expect([...tensor(Int32Array.of(1)).bincountSync({ minlength: 3 }).dataSync()]).toEqual([0, 1, 0]);
    expect([...tensor(new Int32Array(0)).bincountSync().dataSync()]).toEqual([]);
  });
  it("refuses negative and fractional numbers", () => {
    expect(() => tensor(Int32Array.of(0, -2)).bincountSync()).toThrow("at least 0, got -2");
    expect(() => tensor([1, 2]).gt(1).bincountSync()).toThrow("whole numbers, got bool");
  });
});

it("counts too long for a tensor are refused before memory is allocated, and one truth value selects from one number", () => {
  expect(() => tensor([2147483647], { dtype: "int32" }).bincountSync()).toThrow(/a dim can have/);
  expect(() => tensor([1], { dtype: "int32" }).bincountSync({ minlength: 3e9 })).toThrow(/a dim can have/);
  expect(tensor(5).maskedSelectSync(tensor(1)).shape).toEqual([1]);
});
