// Rows of every length against Array.sort: order, stability, NaN, the gradient.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import { gradients } from "../autodiff.ts";
import { type DType, dtypes, isFloat, isHalf } from "../dtype.ts";
import type { Node } from "../node.ts";
import { iota } from "./creation.ts";
import { mul } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { argsort, sort } from "./sort.ts";
import { topk } from "./topk.ts";

const device = createReferenceDevice();

function run(
  shape: readonly number[],
  data: readonly number[],
  build: (x: Node) => readonly (Node | undefined)[],
): readonly (readonly number[])[] {
  return evaluate(device, [valueOf("float64", shape, data)], ([x]) => build(x as Node) as Node[]).map(
    (value) => value.data,
  );
}

/** Few distinct values, so that there are many ties, and some NaN. */
const draws = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => {
    const pick = Math.imul(i + 1, 2654435761 + 97 * seed) >>> 27;
    return pick % 11 === 10 ? Number.NaN : pick % 7;
  });

const rank = (x: number): number => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : x);

/** The indices from `argsort`, and the expected ones. */
const places = (dtype: DType, values: readonly number[], isDescending: boolean): readonly number[] =>
  evaluate(device, [valueOf(dtype, [values.length], values)], ([x]) => [argsort(x as Node, 0, isDescending)])[0]
    ?.data ?? [];
const expected = (values: readonly number[], isDescending: boolean): number[] =>
  values
    .map((_, i) => i)
    .sort((a, b) => {
      const [x, y] = [rank(values[a] ?? 0), rank(values[b] ?? 0)];
      const [nanX, nanY] = [Number.isNaN(values[a]), Number.isNaN(values[b])];
      const ahead = nanX !== nanY ? Number(nanX) - Number(nanY) : x === y ? 0 : x - y;
      return (isDescending ? -ahead : ahead) || a - b;
    });

describe("argsort", () => {
  it.each([1, 2, 3, 8, 33, 128, 129, 200, 4097])("%i elements, both directions, stable, NaN largest", (count) => {
    const values = draws(count, count);
    const places = values.map((_, i) => i);
    const ascending = [...places].sort((a, b) => rank(values[a] ?? 0) - rank(values[b] ?? 0) || a - b);
    const descending = [...places].sort((a, b) => rank(values[b] ?? 0) - rank(values[a] ?? 0) || a - b);
    const same = (x: number): number => (Number.isNaN(x) ? 0 : x);
    expect(run([count], values, (x) => [argsort(x), argsort(x, 0, true)])).toEqual([
      ascending.map(same),
      descending.map(same),
    ]);
  });

  it.each([0, 1])("sorts many rows side by side, along dim %i", (dim) => {
    const [rows, columns] = [33, 17];
    const values = draws(rows * columns, 9);
    const own = (line: number, place: number): number =>
      values[dim === 1 ? line * columns + place : place * columns + line] ?? 0;
    const [lines, extent] = dim === 1 ? [rows, columns] : [columns, rows];
    for (const descending of [false, true]) {
      const [found = []] = run([rows, columns], values, (x) => [argsort(x, dim, descending)]);
      for (let line = 0; line < lines; line++) {
        const order = Array.from({ length: extent }, (_, place) => place).sort((a, b) => {
          const [x, y] = [rank(own(line, a)), rank(own(line, b))];
          return (x === y ? 0 : descending ? y - x : x - y) || a - b;
        });
        expect(order.map((_, place) => found[dim === 1 ? line * columns + place : place * columns + line])).toEqual(
          order,
        );
      }
    }
  });

  it.each(dtypes.filter((dtype) => !isHalf(dtype)))("orders all of %s, in one pass or many", (dtype) => {
    const extremes: Partial<Record<DType, number[]>> = {
      uint8: [0, 255, 128, 127],
      int8: [-128, 127, -1],
      int16: [-32768, 32767, -1, 255, 256],
      int32: [-(2 ** 31), 2 ** 31 - 1, -1, 65535, 65536],
    };
    const floats = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-7, -1e-7, 1.0009765625];
    const given = dtype === "bool" ? [1, 0, 0] : isFloat(dtype) ? floats : [3, -3, ...(extremes[dtype] ?? [])];
    const small = given.map((x) => (dtype === "uint8" ? Math.abs(x) : x));
    for (const count of [20, 300]) {
      const drawn = Array.from({ length: count }, (_, i) => small[(i * 7) % small.length] ?? 0);
      const { data: values } = valueOf(dtype, [count], drawn);
      for (const isDescending of [false, true])
        expect(places(dtype, values, isDescending)).toEqual(expected(values, isDescending));
    }
  });

  it("distinguishes float64 values in the last place, at every magnitude", () => {
    const next = (x: number): number => x * (1 + Number.EPSILON);
    const sizes = [1e-300, 2 ** -121, 2 ** -120, 1e-40, 1, 1 / 3, 1e10, 2 ** 120, 1e38, 1e40, 1e300].flatMap((x) => [
      next(x),
      x,
      next(next(x)),
      x * (1 + 2 ** -24),
      x * (1 - 2 ** -25),
    ]);
    const all = [...sizes, 5e-324, 1e-323, Number.MAX_VALUE, Number.POSITIVE_INFINITY].flatMap((x) => [x, -x]);
    const values = [...all, 0, -0, Number.NaN, ...all].flatMap((x) => [x, 0]).slice(0, 251);
    for (const isDescending of [false, true])
      expect(places("float64", values, isDescending)).toEqual(expected(values, isDescending));
  });

  it("sorts a dim in the middle", () => {
    const data = [5, 1, 4, 2, 3, 0, 9, 8, 7, 6, 5, 4];
    expect(run([2, 3, 2], data, (x) => [sort(x, 1).values])[0]).toEqual([3, 0, 4, 1, 5, 2, 5, 4, 7, 6, 9, 8]);
  });
});

describe("topk", () => {
  const count = 40;
  it.each([
    ["NaN and ties", draws(count, 3)],
    [
      "infinities",
      draws(count, 4).map((x) => (x === 0 ? Number.NEGATIVE_INFINITY : x === 6 ? Number.POSITIVE_INFINITY : x)),
    ],
    ["little but NaN", draws(count, 5).map((x, i) => (i % 13 === 0 ? x : Number.NaN))],
  ])("of a few gives the beginning of the full order: %s", (_, values) => {
    for (const largest of [true, false])
      for (const k of [1, 3, 10]) {
        const [few, all] = run([count], values, (x) => [topk(x, k, 0, largest).indices, argsort(x, 0, largest)]);
        expect(few).toEqual(all?.slice(0, k));
      }
  });
});

describe("sort and topk", () => {
  it("send the gradient back to the original positions", () => {
    const weighted = (values: Node): Node => sum(mul(values, iota(values.shape, 0, "float64")));
    expect(run([4], [3, 1, 2, 0], (x) => gradients(weighted(sort(x).values), [x]))[0]).toEqual([3, 1, 2, 0]);
    expect(run([4], [3, 1, 2, 0], (x) => gradients(weighted(topk(x, 3).values), [x]))[0]).toEqual([0, 2, 1, 0]);
  });

  it("give no gradient for the indices", () => {
    const x = inputNode({ shape: [4], dtype: "float64" });
    expect(gradients(sum(mul(x, sort(x).indices)), [x])[0]?.shape).toEqual([4]);
  });

  it("report the number of elements", () => {
    expect(() => topk(inputNode({ shape: [3], dtype: "float32" }), 4)).toThrow(/k is 4, but dim -1 of \[3\] holds 3/);
  });
});
