// Counts the products with padding that are skipped; contraction/emit.test.ts of each backend checks that the results are the same.
import { expect, it } from "vitest";
import { compileGraph } from "../../compiler/compile.ts";
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { plainKernels, storedBuffers } from "../../compiler/lower.ts";
import { sourceNode } from "../../graph/node.ts";
import { conv2d } from "../../graph/ops/conv.ts";
import { relu } from "../../graph/ops/elementwise.ts";
import { add, axisValue, int, mul, newAxis } from "../../graph/scalar.ts";
import { replaceAxes } from "../analysis/axes.ts";
import { paddedDims } from "../analysis/padding.ts";
import { machines } from "../c/contraction/machine.ts";
import { planContraction } from "./choose.ts";

/** The plan for a convolution that reads a previously padded image. */
function skipOf(
  image: readonly number[],
  kernel: readonly number[],
  options: Parameters<typeof conv2d>[3],
  change: (product: ContractionKernel) => ContractionKernel = (product) => product,
) {
  const argument = (shape: readonly number[]) => sourceNode({ shape, dtype: "float32" }, { sourceKind: "argument" });
  const { program } = compileGraph("convolution", [
    { node: conv2d(relu(argument(image)), argument(kernel), undefined, options) },
  ]);
  const product = program.kernels.find((each) => each.kind === "contraction");
  if (product?.kind !== "contraction") throw new Error("a convolution is a contraction");
  const plan = planContraction(change(product), machines.avx512, (buffer) => {
    const writer = plainKernels(program.kernels).find((each) => each !== product && storedBuffers(each).has(buffer));
    return writer && paddedDims(writer, buffer, program.buffers[buffer]?.length ?? 0);
  });
  return plan.kind === "outer" ? plan.skip : undefined;
}

it.each([
  // Each row of a 7 × 7 image is a tile: 19 of 21 products remain along either axis.
  [7, { padding: 1 }, 3, (19 / 21) ** 2, 3],
  [4, { padding: 1 }, 3, (10 / 12) ** 2, 3],
  [14, { padding: 1 }, 3, (40 / 42) ** 2, 3],
  // Tiles of half a row.
  [28, { padding: 1 }, 3, (82 / 84) ** 2, 6],
  [28, { padding: 2, dilation: 2 }, 3, (80 / 84) ** 2, 6],
  // Tiles with unequal parts of a row: the rows of the image are points of the batch.
  [17, { padding: 1 }, 3, (49 / 51) ** 2, 6],
  [32, { padding: 1 }, 3, (94 / 96) ** 2, 9],
  [14, { padding: 2 }, 5, (64 / 70) ** 2, 5],
  // Only the first row and column reach the padding.
  [28, { padding: 1, stride: 2 }, 3, (41 / 42) ** 2, 2],
] as const)("%i pixels square, %j, skip products with padding", (size, options, taps, share, kinds) => {
  const skip = skipOf([4, 64, size, size], [64, 64, taps, taps], options);
  expect(skip?.share).toBeCloseTo(share, 10);
  expect(skip?.kinds).toHaveLength(kinds);
  expect(skip?.taps).toBe(taps);
});

it("skips nothing if there is no padding, or too little", () => {
  expect(skipOf([4, 64, 14, 14], [64, 64, 3, 3], {})).toBeUndefined();
  expect(skipOf([1, 16, 112, 112], [64, 16, 3, 3], { padding: 1 })).toBeUndefined();
});

it("skips nothing if channels are unevenly spaced: a round is one step through memory", () => {
  /** The product with its channels split over two axes, the first with steps of `first` and the second with steps of `second`. */
  const cut =
    (first: number, second: number) =>
    (product: ContractionKernel): ContractionKernel => {
      const [channel, ...rest] = product.k;
      if (channel === undefined) throw new Error("a convolution sums over channels");
      const [outer, inner] = [newAxis(8), newAxis(8)];
      const place = add(mul(axisValue(outer), int(first)), mul(axisValue(inner), int(second)));
      const by = new Map([[channel.id, place]]);
      return {
        ...product,
        k: [outer, inner, ...rest],
        a: replaceAxes(product.a, by),
        b: replaceAxes(product.b, by),
      };
    };
  const skip = (first: number, second: number) =>
    skipOf([4, 64, 7, 7], [64, 64, 3, 3], { padding: 1 }, cut(first, second));
  expect(skip(8, 1)?.share).toBeCloseTo((19 / 21) ** 2, 10);
  expect(skip(1, 8)).toBeUndefined();
});
