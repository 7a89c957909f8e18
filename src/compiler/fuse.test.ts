// What fuses into one kernel: each condition just inside and just outside its limit. Kernels are named after the values they store or pass on.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import type { DType } from "../graph/dtype.ts";
import type { Node } from "../graph/node.ts";
import { add, div, exp, log, mul, neg, relu, sqrt } from "../graph/ops/elementwise.ts";
import { cumsum } from "../graph/ops/indexing.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { permute, reshape } from "../graph/ops/movement.ts";
import { max, sum } from "../graph/ops/reduce.ts";
import { compileGraph } from "./compile.ts";
import { plainKernels } from "./lower.ts";

const leaf = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });

function kernels(...outputs: readonly Node[]): string {
  const { program } = compileGraph(
    "fused",
    outputs.map((node) => ({ node })),
  );
  return plainKernels(program.kernels)
    .map(({ name }) => name)
    .join(" | ");
}

/** Each row divided by its sum. */
function shares(x: Node): Node {
  const y = exp(x);
  return div(y, sum(y, [1], true));
}

/** A result and its sums. */
const withSums = (dim: number, x: Node): readonly Node[] => [neg(x), sum(neg(x), [dim], true)];

describe("a loop over rows continues after a sum of each row", () => {
  it.each([
    ["with at least 64 rows", [64, 300], "exp+sum+div"],
    ["but not with fewer", [63, 300], "exp | sum | div"],
    ["unless there are at most 16384 elements in all", [32, 512], "exp+sum+div"],
    ["but not with more", [32, 513], "exp | sum | div"],
  ] as const)("%s", (_, shape, expected) => {
    expect(kernels(shares(leaf(shape)))).toBe(expected);
  });
});

describe("a sum joins the loop that computes its input", () => {
  it.each([
    ["over the last dim of 64 rows", 1, [64, 300], "neg+sum"],
    ["but not of fewer, longer rows", 1, [63, 300], "neg | sum"],
    ["unless they are small", 1, [32, 512], "neg+sum"],
    ["but not if they are larger", 1, [32, 513], "neg | sum"],
    ["not over the first dim", 0, [64, 300], "neg | sum"],
  ] as const)("%s", (_, dim, shape, expected) => {
    expect(kernels(...withSums(dim, leaf(shape)))).toBe(expected);
  });
});

describe("two reductions", () => {
  const [x, y] = [leaf([256, 256]), leaf([256, 256])];
  const [longX, longY] = [leaf([256, 257]), leaf([256, 257])];
  it.each([
    ["over the same rows are one loop", () => [sum(x, [1], true), max(x, [1], true)], "sum+max"],
    ["over the same columns too", () => [sum(x, [0], true), max(x, [0], true)], "sum+max"],
    ["over rows and over columns are two loops", () => [sum(x, [0], true), max(x, [1], true)], "sum | max"],
    [
      "of different inputs are one if both inputs stay in the caches",
      () => [sum(x, [1], true), max(y, [1], true)],
      "sum+max",
    ],
    ["and two if they do not", () => [sum(longX, [1], true), max(longY, [1], true)], "sum | max"],
    [
      "and one if they read the same input, even through different functions",
      () => [sum(longX, [1], true), max(mul(longX, longY), [1], true)],
      "sum+max",
    ],
    [
      "where the second needs the first are two loops of one kernel",
      () => {
        const most = max(x, [1], true);
        return [sum(exp(add(x, neg(most))), [1], true)];
      },
      "max+sum",
    ],
    [
      "where the second needs column sums are two kernels",
      () => {
        const most = max(x, [0], true);
        return [sum(exp(add(x, neg(most))), [1], true)];
      },
      "max | sum",
    ],
    [
      "of different shapes are two, even with equally many rows",
      () => [sum(x, [1], true), max(leaf([256, 255]), [1], true)],
      "sum | max",
    ],
    [
      "with equally many rows and columns in other dims are two",
      () => [sum(leaf([256, 16, 16]), [1, 2], true), max(x, [1], true)],
      "sum | max",
    ],
  ] as const)("%s", (_, build, expected) => {
    expect(kernels(...build())).toBe(expected);
  });
});

describe("a function of a reduction", () => {
  it.each([
    ["joins it, row by row", () => [log(sum(exp(leaf([64, 300])), [1], true))], "sum+log"],
    ["in another shape", () => [sqrt(reshape(sum(leaf([6, 10, 300]), [2], true), [60]))], "sum+sqrt"],
    ["but not in another order", () => [sqrt(permute(sum(leaf([6, 10, 300]), [2]), [1, 0]))], "sum | sqrt"],
    ["nor of other elements", () => [sqrt(cumsum(sum(leaf([64, 300]), [1], true), 0))], "sum | cumsum | sqrt"],
  ] as const)("%s", (_, build, expected) => {
    expect(kernels(...build())).toBe(expected);
  });
});

describe("a function of a product", () => {
  const product = (): Node => matmul(leaf([40, 30]), leaf([30, 50]));
  it.each([
    ["is fused into its epilogue", () => [relu(add(product(), leaf([50])))], "matmul+relu"],
    ["in another shape", () => [relu(add(reshape(product(), [8, 5, 50]), leaf([8, 5, 50])))], "matmul+relu"],
    ["in another order", () => [relu(add(permute(product(), [1, 0]), leaf([50, 40])))], "matmul+relu"],
    [
      "but not in an order that splits its rows and columns",
      () => [relu(permute(reshape(product(), [8, 5, 10, 5]), [2, 0, 3, 1]))],
      "matmul | relu",
    ],
    [
      "for several results",
      () => {
        const result = product();
        return [relu(result), exp(result)];
      },
      "matmul+relu+exp",
    ],
    [
      "but runs in a separate kernel if elements are repeated",
      () => [add(product(), leaf([3, 40, 50]))],
      "matmul | add",
    ],
    ["or summed", () => [sum(product(), [1], true)], "matmul | sum"],
    [
      "or if two orders meet",
      () => {
        const square = matmul(leaf([40, 30]), leaf([30, 40]));
        return [add(square, permute(square, [1, 0]))];
      },
      "matmul | add",
    ],
  ] as const)("%s", (_, build, expected) => {
    expect(kernels(...build())).toBe(expected);
  });
});

it("loops over the finest shape among a value's order-preserving reshapes", () => {
  const axesOf = (node: Node): unknown =>
    plainKernels(compileGraph("fused", [{ node }]).program.kernels).map(
      (kernel) => kernel.kind === "loops" && kernel.axes.map(({ extent }) => extent),
    );
  const x = leaf([6, 1, 20]);
  expect(axesOf(relu(x))).toEqual([[6, 20]]);
  expect(axesOf(reshape(relu(x), [120]))).toEqual([[6, 20]]);
  expect(axesOf(reshape(relu(x), [3, 2, 20]))).toEqual([[3, 2, 20]]);
  // Six rows are not a multiple of four, and a permute changes the order of the elements.
  expect(axesOf(reshape(relu(x), [4, 30]))).toEqual([[4, 30]]);
  expect(axesOf(reshape(permute(leaf([20, 6]), [1, 0]), [120]))).toEqual([[6, 20]]);
  expect(axesOf(permute(reshape(leaf([4, 5, 6]), [20, 6]), [1, 0]))).toEqual([[6, 20]]);
});
