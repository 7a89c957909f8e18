// Every algebraic rule just inside and just outside its condition: the rewritten graph, as text.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { apply } from "../graph/apply.ts";
import type { DType } from "../graph/dtype.ts";
import { isOp, type Node, sourceNode } from "../graph/node.ts";
import { expand } from "../graph/ops/broadcast.ts";
import { conv2d } from "../graph/ops/conv.ts";
import { full, fullOp } from "../graph/ops/creation.ts";
import { add, cast, castOp, div, exp, mul, pow, relu, sub } from "../graph/ops/elementwise.ts";
import { dot } from "../graph/ops/matmul.ts";
import { cat, type Pad, pad, permute, permuteOp, reshape, slice } from "../graph/ops/movement.ts";
import { max, sum } from "../graph/ops/reduce.ts";
import { simplify } from "./simplify.ts";

const leaf = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });
const number = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/** `mul(x[4], 2[4])`: operations over `x`, the only input, with the shapes of the leaves. */
function written(node: Node): string {
  if (node.source !== undefined) return `x[${node.shape.join()}]`;
  if (isOp(node, fullOp)) return `${number(node.attributes.value)}[${node.shape.join()}]`;
  const order = isOp(node, permuteOp) ? ` ${node.attributes.dims.join("")}` : "";
  return `${node.op.name}${order}(${node.inputs.map(written).join(", ")})`;
}

const simplified = (node: Node): string => written(simplify([node])[0] as Node);

const x = leaf([4]);
const cube = leaf([2, 3, 4]);
const like = (value: number, of: Node = x): Node => full(of.shape, value, of.dtype);

describe("operations without effect are removed", () => {
  it.each([
    ["a conversion to the same dtype", () => apply(castOp, [x], { dtype: "float32" }), "x[4]"],
    ["but not one to another dtype", () => cast(x, "float64"), "cast(x[4])"],
    ["a reshape of a reshape back", () => reshape(reshape(x, [2, 2]), [4]), "x[4]"],
    ["a reshape between two", () => reshape(reshape(x, [2, 2]), [4, 1]), "reshape(x[4])"],
    ["a permute and its inverse", () => permute(permute(cube, [1, 2, 0]), [2, 0, 1]), "x[2,3,4]"],
    ["two permutes combined into one", () => permute(permute(cube, [1, 2, 0]), [1, 2, 0]), "permute 201(x[2,3,4])"],
    ["a sum over a dim of 1", () => sum(leaf([3, 1]), [1], true), "x[3,1]"],
    ["but not over one of 2", () => sum(leaf([3, 2]), [1], true), "sum(x[3,2])"],
    ["nor over both", () => max(leaf([1, 2]), [0, 1]), "reshape(max(x[1,2]))"],
  ])("%s", (_, build, expected) => {
    expect(simplified(build())).toBe(expected);
  });
});

describe("constants", () => {
  const doubles = leaf([4], "float64");
  const whole = leaf([4], "int32");
  it.each([
    ["are reshaped", () => reshape(like(3), [2, 2]), "3[2,2]"],
    ["are expanded", () => expand(full([1], 3, "float32"), [5]), "3[5]"],
    ["are permuted", () => permute(full([2, 3], 3, "float32"), [1, 0]), "3[3,2]"],
    ["are added", () => add(like(1.5), like(2)), "3.5[4]"],
    ["are subtracted", () => sub(like(1.5), like(2)), "-0.5[4]"],
    ["are multiplied", () => mul(like(1.5), like(3)), "4.5[4]"],
    ["are divided", () => div(like(3), like(8)), "0.375[4]"],
    ["are rounded to float32", () => add(like(1), like(2 ** -25)), "1[4]"],
    ["are rounded to float32 on input", () => mul(like(1 + 2 ** -25), like(2)), "2[4]"],
    ["are not rounded in float64", () => add(like(1, doubles), like(2 ** -25, doubles)), `${1 + 2 ** -25}[4]`],
    ["are unchanged as integers, which wrap", () => add(like(1, whole), like(2, whole)), "add(1[4], 2[4])"],
    ["are unchanged in other operations", () => pow(like(2), like(3)), "pow(2[4], 3[4])"],
    ["are unchanged if they are empty", () => add(full([0], 1, "float32"), full([0], 2, "float32")), "add(1[0], 2[0])"],
  ])("%s", (_, build, expected) => {
    expect(simplified(build())).toBe(expected);
  });
});

describe("arithmetic with a constant", () => {
  it.each([
    ["x · 1", () => mul(x, like(1)), "x[4]"],
    ["1 · x", () => mul(like(1), x), "x[4]"],
    ["x · 2", () => mul(x, like(2)), "mul(x[4], 2[4])"],
    ["x · 0, which is NaN if x is", () => mul(x, like(0)), "mul(x[4], 0[4])"],
    ["x − 0", () => sub(x, like(0)), "x[4]"],
    ["x − (−0), which turns −0 into 0", () => sub(x, like(-0)), "sub(x[4], -0[4])"],
    ["0 − x", () => sub(like(0), x), "sub(0[4], x[4])"],
    ["x + 0, which turns −0 into 0", () => add(x, like(0)), "add(x[4], 0[4])"],
    ["x ^ 1", () => pow(x, like(1)), "x[4]"],
    ["x ^ 2", () => pow(x, like(2)), "pow(x[4], 2[4])"],
    ["1 ^ x", () => pow(like(1), x), "pow(1[4], x[4])"],
    ["x / 1", () => div(x, like(1)), "x[4]"],
    ["x / 4, exact to the bit", () => div(x, like(4)), "mul(x[4], 0.25[4])"],
    ["x / −0.5", () => div(x, like(-0.5)), "mul(x[4], -2[4])"],
    ["x / 3, not exact to the bit", () => div(x, like(3)), "div(x[4], 3[4])"],
    ["x / 6", () => div(x, like(6)), "div(x[4], 6[4])"],
    ["1 / x", () => div(like(1), x), "div(1[4], x[4])"],
    ["x / 2^100", () => div(x, like(2 ** 100)), `mul(x[4], ${2 ** -100}[4])`],
    ["x / 2^101, whose inverse may be subnormal", () => div(x, like(2 ** 101)), `div(x[4], ${2 ** 101}[4])`],
    ["x / 2^-100", () => div(x, like(2 ** -100)), `mul(x[4], ${2 ** 100}[4])`],
    ["x / 2^-101", () => div(x, like(2 ** -101)), `div(x[4], ${2 ** -101}[4])`],
    ["x / 0", () => div(x, like(0)), "div(x[4], 0[4])"],
  ])("%s", (_, build, expected) => {
    expect(simplified(build())).toBe(expected);
  });
});

describe("a transposed product", () => {
  const [a, b] = [leaf([2, 5, 3]), leaf([2, 3, 7])];
  const product = (): Node => dot(a, b, 1, 1);
  it("is the product of its transposed operands in reverse order", () => {
    expect(simplified(permute(product(), [0, 2, 1]))).toBe("matmul(permute 021(x[2,3,7]), permute 021(x[2,5,3]))");
  });
  it("needs no permutes if its operands are already transposed", () => {
    const turned = dot(permute(leaf([2, 3, 5]), [0, 2, 1]), permute(leaf([2, 7, 3]), [0, 2, 1]), 1, 1);
    expect(simplified(permute(turned, [0, 2, 1]))).toBe("matmul(x[2,7,3], x[2,3,5])");
  });
  it("is unchanged if its batch moves too, or if the product itself is needed", () => {
    expect(simplified(permute(product(), [2, 1, 0]))).toBe("permute 210(matmul(x[2,5,3], x[2,3,7]))");
    const [both, y] = [product(), product()];
    expect(simplify([permute(both, [0, 2, 1]), both]).map(written)[0]).toContain("permute 021(matmul");
    expect(simplified(mul(reshape(permute(y, [0, 2, 1]), [70]), reshape(y, [70])))).toContain("permute 021(matmul");
  });
  it("swaps all row dims with all column dims if there are several of each", () => {
    const wide = dot(leaf([2, 5, 3]), leaf([3, 7]), 0, 1);
    expect(simplified(permute(wide, [2, 0, 1]))).toBe("matmul(permute 10(x[3,7]), permute 201(x[2,5,3]))");
    expect(simplified(permute(wide, [2, 1, 0]))).toBe("permute 210(matmul(x[2,5,3], x[3,7]))");
  });
});

describe("equal nodes", () => {
  const nodes = (...outputs: readonly Node[]): number => {
    const seen = new Set<Node>();
    const visit = (node: Node): void => {
      if (seen.has(node)) return;
      seen.add(node);
      node.inputs.forEach(visit);
    };
    simplify(outputs).forEach(visit);
    return seen.size;
  };
  it("are merged", () => {
    expect(nodes(mul(exp(x), exp(x)))).toBe(3);
    expect(nodes(exp(x), exp(x))).toBe(2);
    expect(nodes(add(like(2), x), mul(x, like(2)))).toBe(4);
  });
  it("stay separate if an attribute or an input differs, including −0 and 0", () => {
    expect(nodes(sum(cube, [0], true), sum(cube, [1], true))).toBe(3);
    expect(nodes(mul(like(0), x), mul(like(-0), x))).toBe(5);
    expect(nodes(exp(x), exp(leaf([4])))).toBe(4);
  });
  it("include sources that read the same value", () => {
    const source = { sourceKind: "argument" } as const;
    const read = (): Node => sourceNode({ shape: [4], dtype: "float32" }, source);
    expect(nodes(exp(read()), exp(read()))).toBe(2);
  });
});

describe("slices of convolutions", () => {
  const sizes = (node: Node): string[] => {
    const found = node.op.name === "convolution" ? [node.shape.slice(3).join(" x ")] : [];
    return [...found, ...node.inputs.flatMap(sizes)];
  };
  const convolved = (): Node => conv2d(leaf([2, 3, 9, 8]), leaf([5, 3, 3, 3]));
  const computed = (...outputs: readonly Node[]): string[] => simplify(outputs).flatMap(sizes);
  const columns = (node: Node): Node => slice(node, 3, 1, 4);
  it("are convolutions of a part of the image", () => {
    expect(computed(convolved())).toEqual(["7 x 6"]);
    expect(computed(columns(convolved()))).toEqual(["7 x 3"]);
    expect(computed(slice(columns(convolved()), 2, 0, 5))).toEqual(["5 x 3"]);
  });
  it("stay slices of the whole if they drop images or channels, have a larger step, or are empty", () => {
    expect(computed(slice(convolved(), 0, 0, 1))).toEqual(["7 x 6"]);
    expect(computed(slice(convolved(), 1, 1, 3))).toEqual(["7 x 6"]);
    expect(computed(slice(convolved(), 3, 0, 6, 2))).toEqual(["7 x 6"]);
    expect(computed(slice(convolved(), 3, 2, 2))).toEqual(["7 x 6"]);
  });
  it("stay slices of the whole if all of it is read elsewhere", () => {
    const whole = convolved();
    expect(computed(columns(whole), whole)).toEqual(["7 x 6", "7 x 6"]);
    expect(computed(columns(relu(convolved())))).toEqual(["7 x 6"]);
  });
  it("need less padding, or a smaller part of the padded value", () => {
    const padded = (pads: readonly Pad[]): Node => pad(convolved(), [[0, 0], [0, 0], ...pads], 0);
    const around = (): Node =>
      padded([
        [2, 2],
        [3, 3],
      ]);
    expect(computed(slice(around(), 3, 1, 11))).toEqual(["7 x 6"]);
    expect(computed(slice(around(), 3, 4, 12))).toEqual(["7 x 5"]);
    expect(computed(slice(around(), 3, 0, 8))).toEqual(["7 x 5"]);
    expect(computed(slice(around(), 3, 4, 8))).toEqual(["7 x 4"]);
    // One column of the convolution is left, and then none.
    expect(computed(slice(around(), 3, 8, 12))).toEqual(["7 x 1"]);
    expect(computed(slice(around(), 3, 9, 12))).toEqual(["7 x 6"]);
    // With zeros between elements, only padding can be removed.
    const spread = (): Node =>
      padded([
        [0, 0, 1],
        [1, 1, 1],
      ]);
    expect(computed(slice(spread(), 3, 1, 12))).toEqual(["7 x 6"]);
    expect(written(simplify([slice(spread(), 3, 1, 12)])[0] as Node)).not.toContain("slice");
    expect(written(simplify([slice(spread(), 3, 2, 12)])[0] as Node)).toContain("slice");
  });
  it("move through reshapes that preserve the sliced dims", () => {
    expect(computed(slice(reshape(convolved(), [10, 7, 6]), 2, 1, 4))).toEqual(["7 x 3"]);
    expect(computed(slice(reshape(convolved(), [2, 5, 1, 7, 6]), 4, 1, 4))).toEqual(["7 x 3"]);
    expect(computed(slice(reshape(convolved(), [2, 5, 42]), 2, 0, 12))).toEqual(["7 x 6"]);
    expect(computed(slice(reshape(convolved(), [10, 7, 6]), 0, 0, 5))).toEqual(["7 x 6"]);
  });

  it("move through up to 64 movements including the convolution's own, counted along the longest path", () => {
    /** The convolution with `count` rows of zeros above it, added one at a time. */
    const lowered = (count: number): Node =>
      Array.from({ length: count }).reduce<Node>(
        (whole) =>
          pad(
            whole,
            [
              [0, 0],
              [0, 0],
              [1, 0],
              [0, 0],
            ],
            0,
          ),
        convolved(),
      );
    expect(computed(slice(lowered(63), 3, 1, 4))).toEqual(["7 x 3"]);
    expect(computed(slice(lowered(64), 3, 1, 4))).toEqual(["7 x 6"]);
    /** Its rows interleaved with those of an input: two reshapes and a cat more. A convolution itself ends in one. */
    const inTurn = (count: number): Node => {
      const rows = count + 7;
      const phases = [reshape(lowered(count), [2, 5, rows, 1, 6]), leaf([2, 5, rows, 1, 6])];
      return slice(reshape(cat(phases, 3), [2, 5, 2 * rows, 6]), 3, 1, 4);
    };
    expect(computed(inTurn(60))).toEqual(["7 x 3"]);
    expect(computed(inTurn(61))).toEqual(["7 x 6"]);
  });
});
