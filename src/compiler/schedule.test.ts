// What is stored and what is computed again: each limit where it is just kept, and where it is just passed. A kernel is named for the values that it stores or passes on.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import type { DType } from "../graph/dtype.ts";
import type { Node } from "../graph/node.ts";
import { withGradient } from "../graph/ops/alias.ts";
import { expand } from "../graph/ops/broadcast.ts";
import { full } from "../graph/ops/creation.ts";
import { abs, add, atan2, cast, div, exp, isnan, mul, neg, pow, sqrt, where } from "../graph/ops/elementwise.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { cat, pad, permute, reshape, slice } from "../graph/ops/movement.ts";
import { sum } from "../graph/ops/reduce.ts";
import { compileGraph } from "./compile.ts";
import { plainKernels } from "./lower.ts";

const leaf = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });
const [x, y, z] = [leaf([40, 50]), leaf([40, 50]), leaf([40, 50])];
/** So many operations one after another. */
const times = (count: number, op: (value: Node) => Node, from: Node): Node =>
  Array.from({ length: count }).reduce<Node>(op, from);

function kernels(...outputs: readonly Node[]): string {
  const { program } = compileGraph(
    "scheduled",
    outputs.map((node) => ({ node })),
  );
  return plainKernels(program.kernels)
    .map(({ name }) => name)
    .join(" | ");
}

const sharedBy = (rows: number): Node => add(add(leaf([rows, 50]), leaf([rows, 50])), leaf([1, 50]));

/** Two readers that no kernel serves at once. */
const readTwice = (value: Node): string => kernels(sum(value, [0], true), sum(value, [1], true));

describe("a value with two readers", () => {
  it.each([
    ["five operations on one value, of which each is cheap", () => times(5, neg, x), "sum | sum"],
    ["six operations on one value", () => times(6, neg, x), "neg+sum | sum"],
    ["three operations on two values", () => times(2, neg, add(x, y)), "sum | sum"],
    ["four operations on two values", () => times(3, neg, add(x, y)), "neg+sum | sum"],
    ["a sum of two loads", () => add(x, y), "sum | sum"],
    ["a sum of three loads", () => add(add(x, y), z), "add+sum | sum"],
    ["a quotient, which is three operations", () => div(x, y), "sum | sum"],
    ["a quotient and one more", () => neg(div(x, y)), "neg+sum | sum"],
    ["a sum of two loads and of what 16 rows share", () => sharedBy(16), "sum | sum"],
    ["a sum of two loads and of what 15 rows share", () => sharedBy(15), "add+sum | sum"],
    [
      "a value whose gradient reads more than itself",
      () => neg(withGradient(neg(x), [x, y, z], () => [undefined, undefined, undefined])),
      "sum | sum",
    ],
    ["a root, which is dear", () => sqrt(x), "sqrt+sum | sum"],
    ["a choice, and a test, of three loads", () => where(isnan(x), neg(x), x), "where+sum | sum"],
    ["another order of the elements", () => permute(reshape(x, [50, 40]), [1, 0]), "sum | sum"],
    ["a conversion from bytes", () => cast(leaf([40, 50], "uint8"), "float32"), "sum | sum"],
    ["a conversion of a dear value in 16 bits", () => cast(exp(leaf([40, 50], "float16")), "float32"), "exp+sum | sum"],
    ["a constant", () => full([40, 50], 3, "float32"), "sum | sum"],
  ])("is computed again or stored: %s", (_, build, expected) => {
    expect(readTwice(build())).toBe(expected);
  });
  it("is stored however cheap where it is a result too", () => {
    const value = neg(x);
    expect(kernels(value, sum(value, [1], true))).toBe("neg+sum");
  });
});

describe("an expression grows no further than", () => {
  // The last one is a result, and stored anyhow.
  it.each([
    ["a cost of 160, in roots of 8", () => neg(times(20, sqrt, x)), "neg"],
    ["a cost of 160, and one more", () => neg(neg(times(20, sqrt, x))), "neg+neg"],
    ["in powers of 16", () => neg(neg(times(10, (value) => pow(value, y), x))), "neg+neg"],
    ["and angles", () => neg(neg(times(10, (value) => atan2(value, y), x))), "neg+neg"],
    [
      "in roots and quotients of 3",
      () =>
        neg(
          neg(
            times(
              19,
              sqrt,
              times(2, (value) => div(value, y), neg(neg(x))),
            ),
          ),
        ),
      "neg+neg",
    ],
    ["41 operations", () => times(41, neg, x), "neg"],
    ["42 operations", () => times(42, neg, x), "neg+neg"],
    ["82 operations", () => times(82, neg, x), "neg+neg"],
    ["83 operations", () => times(83, neg, x), "neg+neg+neg"],
  ])("%s", (_, build, expected) => {
    expect(kernels(build())).toBe(expected);
  });
});

describe("a small value in a large one", () => {
  const row = leaf([50]);
  it.each([
    ["is computed again where it is one operation", () => add(x, neg(row)), "add"],
    ["is stored where it is two", () => add(x, neg(abs(row))), "reshape | add"],
    ["is computed again where the large one is no larger", () => add(x, neg(abs(expand(row, [40, 50])))), "add"],
    ["is a part of a cat, and cheaper than 8", () => cat([times(7, neg, x), y], 1), "cat"],
    ["is a part of a cat, and as dear", () => cat([times(8, neg, x), y], 1), "neg | cat"],
    ["is one number that costs much", () => mul(x, exp(leaf([]))), "reshape | mul"],
  ])("%s", (_, build, expected) => {
    expect(kernels(build())).toBe(expected);
  });
});

describe("neighbours from different parts", () => {
  const columns = (count: number, width: number): Node =>
    cat(
      Array.from({ length: count }, () => leaf([40, width])),
      1,
    );
  it.each([
    ["of 15 elements are put together before they are read", () => sum(columns(3, 15), [0], true), "cat | sum"],
    ["of 16 are chosen among where they are read", () => sum(columns(3, 16), [0], true), "sum"],
    ["that alternate are read in order", () => sum(columns(2, 1), [0], true), "sum"],
    ["of which three take turns are put together", () => sum(columns(3, 1), [0], true), "cat | sum"],
    ["of which two take turns by two are put together", () => sum(columns(2, 2), [0], true), "cat | sum"],
    [
      "are chosen among in a value of 16 elements",
      () => sum(cat([leaf([4, 2]), leaf([4, 1]), leaf([4, 1])], 1), [0], true),
      "sum",
    ],
    [
      "are put together in one of 20",
      () => sum(cat([leaf([5, 2]), leaf([5, 1]), leaf([5, 1])], 1), [0], true),
      "cat | sum",
    ],
  ])("%s", (_, build, expected) => {
    expect(kernels(build())).toBe(expected);
  });
});

describe("an operand of a product", () => {
  const w = leaf([50, 30]);
  it.each([
    ["is read where it lies, in another order", () => matmul(permute(leaf([50, 40]), [1, 0]), w), "matmul"],
    ["or a part of it", () => matmul(slice(leaf([80, 50]), 0, 0, 80, 2), w), "matmul"],
    ["is stored where it is computed", () => matmul(neg(x), w), "neg | matmul"],
    [
      "is read from what an operation gives, in another order",
      () => matmul(permute(neg(leaf([50, 40])), [1, 0]), w),
      "neg | matmul",
    ],
    [
      "is one number for all places, written down",
      () => matmul(expand(full([], 3, "float32"), [40, 50]), w),
      "full | matmul",
    ],
    ["is the position, which is computed", () => matmul(mul(x, full([40, 50], 2, "float32")), w), "mul | matmul"],
    [
      "is padded before",
      () =>
        matmul(
          pad(
            leaf([38, 50]),
            [
              [1, 1],
              [0, 0],
            ],
            0,
          ),
          w,
        ),
      "pad | matmul",
    ],
    [
      "is padded where it is computed, once",
      () =>
        matmul(
          pad(
            neg(leaf([38, 50])),
            [
              [1, 1],
              [0, 0],
            ],
            0,
          ),
          w,
        ),
      "pad | matmul",
    ],
    [
      "is padded where it is computed and repeated",
      () =>
        matmul(
          pad(
            expand(neg(leaf([50])), [38, 50]),
            [
              [1, 1],
              [0, 0],
            ],
            0,
          ),
          w,
        ),
      "pad | matmul",
    ],
    [
      "is copied where its dims are merged unevenly",
      () => matmul(reshape(permute(leaf([4, 50, 10]), [0, 2, 1]), [40, 50]), w),
      "reshape | matmul",
    ],
    [
      "is converted as it is read",
      () => matmul(cast(leaf([40, 50], "int8"), "int32"), leaf([50, 30], "int32")),
      "matmul",
    ],
  ])("%s", (_, build, expected) => {
    expect(kernels(build())).toBe(expected);
  });
});

describe("a cat that a product reads", () => {
  const w = leaf([32, 3]);
  const parts = (rows: number): Node => matmul(cat([neg(leaf([8, 32])), neg(leaf([rows, 32])), leaf([8, 32])], 0), w);
  it("is computed in its place, part by part, from 256 elements on", () => {
    expect(kernels(parts(8))).toBe("neg | neg | copy | matmul");
    expect(kernels(parts(7))).toBe("cat | matmul");
  });
});
