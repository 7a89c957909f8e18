// Which axis of k forms words: the one with the least padding, and among equal ones the contiguous one.
import { expect, it } from "vitest";
import { inWords } from "../../src/backends/contraction/words.ts";
import { cast, load } from "../../src/graph/scalar.ts";
import { A, B, convolution, kernelOf, matrices, type Shape } from "./kernels.ts";

/** Two axes of k: the last is the inner one in memory on both sides, or the first is. */
const twoAxes = (k: readonly [number, number], innerLast: boolean): Shape => {
  const strides = innerLast ? [k[1], 1] : [1, k[0]];
  const all = k[0] * k[1];
  return { batch: [], m: [5], n: [7], k, a: [all, 0, ...strides], b: [0, all, ...strides], out: [7, 1, 0, 0] };
};

it.each<[string, Shape, 2 | 4, readonly number[] | undefined]>([
  ["channels before windows", convolution(1, 16, 3, 7, 3), 2, [8, 3, 3]],
  ["channels before windows, in fours", convolution(1, 4, 3, 7, 3), 4, [1, 3, 3]],
  ["the outermost of equal ones", convolution(1, 3, 3, 7, 3), 2, [2, 3, 3]],
  ["windows, where channels leave more padding", convolution(1, 1, 3, 9, 4), 4, [1, 4, 1]],
  ["an even axis before an uneven one", twoAxes([3, 8], true), 4, [3, 2]],
  ["the same, transposed", twoAxes([8, 3], true), 4, [2, 3]],
  ["of even axes the contiguous one", twoAxes([8, 8], true), 4, [8, 2]],
  ["the same, transposed", twoAxes([8, 8], false), 4, [2, 8]],
  ["a sum that fills its last word", matrices(3, 5, 10), 4, [3]],
  ["half a word", matrices(3, 5, 2), 4, [1]],
  ["no sum", matrices(3, 5, 1), 2, undefined],
])("%s", (_, shape, count, extents) => {
  const kernel = kernelOf(shape);
  const narrow = (value: typeof kernel.a, buffer: number) => {
    if (value.kind !== "load") throw new Error("a plain load");
    return cast(load(buffer, value.index, "int8"), "int32");
  };
  const [a, b] = [narrow(kernel.a, A), narrow(kernel.b, B)];
  const words = inWords({ ...kernel, dtype: "int32", a, b }, { count, reserve: () => 0, bufferOf: () => 9 });
  expect(words?.kernel.k.map(({ extent }) => extent)).toEqual(extents);
});
