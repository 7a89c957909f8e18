// Which values are stored and which recomputed: each limit just met and just exceeded. Kernels are named after the values they store or pass on.
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
/** `count` operations in a chain. */
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

/** Two readers that cannot share a kernel. */
const readTwice = (value: Node): string => kernels(sum(value, [0], true), sum(value, [1], true));

describe("a value with two readers", () => {
  it.each([
    ["five cheap operations on one value", () => times(5, neg, x), "sum | sum"],
    ["six operations on one value", () => times(6, neg, x), "neg+sum | sum"],
    ["three operations on two values", () => times(2, neg, add(x, y)), "sum | sum"],
    ["four operations on two values", () => times(3, neg, add(x, y)), "neg+sum | sum"],
    ["a sum of two loads", () => add(x, y), "sum | sum"],
    ["a sum of three loads", () => add(add(x, y), z), "add+sum | sum"],
    ["a quotient, which counts as three operations", () => div(x, y), "sum | sum"],
    ["a quotient and one more operation", () => neg(div(x, y)), "neg+sum | sum"],
    ["a sum of two loads and a value shared by 16 rows", () => sharedBy(16), "sum | sum"],
    ["a sum of two loads and a value shared by 15 rows", () => sharedBy(15), "add+sum | sum"],
    [
      "a value whose gradient reads more inputs than the value",
      () => neg(withGradient(neg(x), [x, y, z], () => [undefined, undefined, undefined])),
      "sum | sum",
    ],
    ["a square root, which is expensive", () => sqrt(x), "sqrt+sum | sum"],
    ["a select and a test on three loads", () => where(isnan(x), neg(x), x), "where+sum | sum"],
    ["a permuted view", () => permute(reshape(x, [50, 40]), [1, 0]), "sum | sum"],
    ["a conversion from bytes", () => cast(leaf([40, 50], "uint8"), "float32"), "sum | sum"],
    [
      "a conversion of an expensive 16-bit value",
      () => cast(exp(leaf([40, 50], "float16")), "float32"),
      "exp+sum | sum",
    ],
    ["a constant", () => full([40, 50], 3, "float32"), "sum | sum"],
  ])("is recomputed or stored: %s", (_, build, expected) => {
    expect(readTwice(build())).toBe(expected);
  });
  it("is stored, however cheap, if it is also a result", () => {
    const value = neg(x);
    expect(kernels(value, sum(value, [1], true))).toBe("neg+sum");
  });
});

describe("an expression grows no further than", () => {
  // The last value is a result, and stored anyway.
  it.each([
    ["a cost of 160, in roots of 8", () => neg(times(20, sqrt, x)), "neg"],
    ["a cost of 160 plus one", () => neg(neg(times(20, sqrt, x))), "neg+neg"],
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
    ["is recomputed if it is one operation", () => add(x, neg(row)), "add"],
    ["is stored if it is two operations", () => add(x, neg(abs(row))), "reshape | add"],
    ["is recomputed if the other is no larger", () => add(x, neg(abs(expand(row, [40, 50])))), "add"],
    ["is recomputed as a part of a cat with a cost below 8", () => cat([times(7, neg, x), y], 1), "cat"],
    ["is stored as a part of a cat with a cost of 8", () => cat([times(8, neg, x), y], 1), "neg | cat"],
    ["is stored if it is one expensive number", () => mul(x, exp(leaf([]))), "reshape | mul"],
  ])("%s", (_, build, expected) => {
    expect(kernels(build())).toBe(expected);
  });
});

describe("interleaved parts of a cat", () => {
  const columns = (count: number, width: number): Node =>
    cat(
      Array.from({ length: count }, () => leaf([40, width])),
      1,
    );
  it.each([
    ["with runs of 15 elements are copied before they are read", () => sum(columns(3, 15), [0], true), "cat | sum"],
    ["with runs of 16 elements are selected on read", () => sum(columns(3, 16), [0], true), "sum"],
    ["that alternate are selected on read", () => sum(columns(2, 1), [0], true), "sum"],
    ["that alternate among three are copied", () => sum(columns(3, 1), [0], true), "cat | sum"],
    ["that alternate in pairs are copied", () => sum(columns(2, 2), [0], true), "cat | sum"],
    [
      "are selected on read in a value of 16 elements",
      () => sum(cat([leaf([4, 2]), leaf([4, 1]), leaf([4, 1])], 1), [0], true),
      "sum",
    ],
    [
      "are copied in a value of 20 elements",
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
    ["is read in place if permuted", () => matmul(permute(leaf([50, 40]), [1, 0]), w), "matmul"],
    ["or sliced", () => matmul(slice(leaf([80, 50]), 0, 0, 80, 2), w), "matmul"],
    ["is stored if it is computed", () => matmul(neg(x), w), "neg | matmul"],
    [
      "is read as a permuted view of a computed value",
      () => matmul(permute(neg(leaf([50, 40])), [1, 0]), w),
      "neg | matmul",
    ],
    ["is stored if it is a constant", () => matmul(expand(full([], 3, "float32"), [40, 50]), w), "full | matmul"],
    ["is stored if it is scaled by a constant", () => matmul(mul(x, full([40, 50], 2, "float32")), w), "mul | matmul"],
    [
      "is padded beforehand",
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
      "is padded in the kernel that computes it, if it is read once",
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
      "is computed before padding repeats it",
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
      "is copied if its dims merge with uneven strides",
      () => matmul(reshape(permute(leaf([4, 50, 10]), [0, 2, 1]), [40, 50]), w),
      "reshape | matmul",
    ],
    ["is converted on read", () => matmul(cast(leaf([40, 50], "int8"), "int32"), leaf([50, 30], "int32")), "matmul"],
  ])("%s", (_, build, expected) => {
    expect(kernels(build())).toBe(expected);
  });
});

describe("a cat that a product reads", () => {
  const w = leaf([32, 3]);
  const parts = (rows: number): Node => matmul(cat([neg(leaf([8, 32])), neg(leaf([rows, 32])), leaf([8, 32])], 0), w);
  it("is computed in place, part by part, from 256 elements on", () => {
    expect(kernels(parts(8))).toBe("neg | neg | copy | matmul");
    expect(kernels(parts(7))).toBe("cat | matmul");
  });
});
