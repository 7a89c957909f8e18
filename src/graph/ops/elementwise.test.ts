// Promotion, integer powers, kinks, and gradients where a function has no derivative.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import { gradients } from "../autodiff.ts";
import type { DType } from "../dtype.ts";
import type { Node } from "../node.ts";
import { full } from "./creation.ts";
import * as el from "./elementwise.ts";
import { sum } from "./reduce.ts";

const device = createReferenceDevice();

function run(dtype: DType, data: readonly number[], build: (x: Node) => Node | undefined): readonly number[] {
  const [value] = evaluate(device, [valueOf(dtype, [data.length], data)], ([x]) => [build(x as Node) as Node]);
  return value?.data ?? [];
}

const slope =
  (build: (x: Node) => Node) =>
  (x: Node): Node | undefined =>
    gradients(sum(build(x)), [x])[0];
const slopeOfSlope = (build: (x: Node) => Node) => slope((x) => slope(build)(x) as Node);
const scalar = (value: number, dtype: DType = "float64"): Node => full([], value, dtype);

describe("dtypes", () => {
  const node = (dtype: DType): Node => inputNode({ shape: [2], dtype });
  it.each([
    ["add", "bool", "bool", "int32", el.add],
    ["add", "uint8", "int32", "int32", el.add],
    ["mul", "int32", "float32", "float32", el.mul],
    ["sub", "float32", "float64", "float64", el.sub],
    ["div", "int32", "int32", "float32", el.div],
    ["div", "uint8", "float64", "float64", el.div],
    ["pow", "int32", "int32", "int32", el.pow],
    ["pow", "bool", "bool", "int32", el.pow],
    ["pow", "int32", "float32", "float32", el.pow],
    ["atan2", "int32", "int32", "float32", el.atan2],
    ["lt", "int32", "float32", "bool", el.lt],
    ["logicalAnd", "float32", "int32", "bool", el.logicalAnd],
  ] as const)("%s of %s and %s is %s", (_, a, b, expected, build) => {
    expect(build(node(a), node(b)).dtype).toBe(expected);
  });

  it("keeps a tensor's dtype next to a number if possible", () => {
    expect(el.scalarLike(2, node("int32")).dtype).toBe("int32");
    expect(el.scalarLike(0.5, node("int32")).dtype).toBe("float32");
    expect(el.scalarLike(0.5, node("float64")).dtype).toBe("float64");
    expect(el.exp(node("int32")).dtype).toBe("float32");
  });

  it("makes broadcasting explicit", () => {
    const y = el.add(inputNode({ shape: [3, 1], dtype: "float32" }), inputNode({ shape: [4], dtype: "float32" }));
    expect(y.inputs.map(({ op, shape }) => [op.name, shape])).toEqual([
      ["expand", [3, 4]],
      ["expand", [3, 4]],
    ]);
  });
});

describe("pow", () => {
  it("of integers is an integer, and wraps", () => {
    expect(run("int32", [3, -2, 2, 0, 7], (x) => el.pow(x, full([5], 5, "int32")))).toEqual([243, -32, 32, 0, 16807]);
    expect(run("int32", [3, 46341], (x) => el.pow(x, scalar(2, "int32")))).toEqual([9, (46341 * 46341) | 0]);
  });
});

describe("kinks have PyTorch's slopes", () => {
  it.each<[string, (x: Node) => Node, number[], number[]]>([
    ["abs", el.abs, [-1, 0, 2], [-1, 0, 1]],
    ["relu", el.relu, [-1, 0, 2, Number.NaN], [0, 0, 1, 1]],
    ["clamp", (x) => el.clamp(x, -1, 1), [-2, -1, 0.5, 1, 2], [0, 1, 1, 1, 0]],
    ["maximum", (x) => el.maximum(x, scalar(1)), [0, 1, 2], [0, 0.5, 1]],
    ["minimum", (x) => el.minimum(x, scalar(1)), [0, 1, 2], [1, 0.5, 0]],
    ["sign", el.sign, [-1, 0, 2], [0, 0, 0]],
    ["x⁰", (x) => el.pow(x, full([2], 0, "float64")), [0, 3], [0, 0]],
    ["√x at 0", el.sqrt, [0, 4], [Number.POSITIVE_INFINITY, 0.25]],
    ["log x at 0", el.log, [0, 4], [Number.POSITIVE_INFINITY, 0.25]],
  ])("%s", (_, build, at, expected) => {
    expect(run("float64", at, slope(build))).toEqual(expected);
  });
});

describe("a branch not taken leaks no NaN", () => {
  const positive = (x: Node, inside: (x: Node) => Node): Node => el.where(el.gt(x, scalar(0)), inside(x), scalar(0));
  const at = [-1, 0, 2];
  it.each<[string, (x: Node) => Node, number, number | undefined]>([
    ["log", el.log, 1 / 2, -1 / 4],
    ["sqrt", el.sqrt, 1 / (2 * Math.SQRT2), -1 / (8 * Math.SQRT2)],
    ["rsqrt", el.rsqrt, -1 / (4 * Math.SQRT2), 3 / (16 * Math.SQRT2)],
    ["reciprocal", el.reciprocal, -1 / 4, 1 / 4],
    ["x / x²", (x) => el.div(x, el.square(x)), -1 / 4, 1 / 4],
    ["x^0.5", (x) => el.pow(x, scalar(0.5)), 1 / (2 * Math.SQRT2), -1 / (8 * Math.SQRT2)],
    ["x^-1", (x) => el.pow(x, scalar(-1)), -1 / 4, 1 / 4],
    ["3^(1/x)", (x) => el.pow(scalar(3), el.reciprocal(x)), (-Math.log(3) * Math.sqrt(3)) / 4, undefined],
    ["log(√x)", (x) => el.log(el.sqrt(x)), 1 / 4, -1 / 8],
    ["log1p(x − 1)", (x) => el.log1p(el.sub(x, scalar(1))), 1 / 2, -1 / 4],
    ["atan2(x, x)", (x) => el.atan2(x, x), 0, 0],
  ])("%s", (_, inside, first, second) => {
    const build = (x: Node): Node => positive(x, inside);
    const found = run("float64", at, slope(build));
    expect(found.slice(0, 2).map(Math.abs)).toEqual([0, 0]);
    expect(found[2]).toBeCloseTo(first, 14);
    if (second === undefined) return;
    const again = run("float64", at, slopeOfSlope(build));
    expect(again.slice(0, 2).map(Math.abs)).toEqual([0, 0]);
    expect(again[2]).toBeCloseTo(second, 13);
  });

  it("exp that overflows", () => {
    const build = (x: Node): Node => el.where(el.lt(x, scalar(100)), el.log1p(el.exp(x)), x);
    expect(run("float64", [0, 1e4], slope(build))).toEqual([0.5, 1]);
  });

  it("but a finite slope under a zero gradient keeps its second derivative", () => {
    // d²/dx² of log² x at 1 is 2, although the gradient that reaches the logarithm there is 0.
    expect(
      run(
        "float64",
        [1],
        slopeOfSlope((x) => el.square(el.log(x))),
      ),
    ).toEqual([2]);
  });
});

describe("numbers outside the range of a dtype", () => {
  const [least, most] = [-(2 ** 31), 2 ** 31 - 1];
  it.each([
    ["uint8 > -1", "uint8", [0, 255], (x: Node) => el.gt(x, el.scalarBeside(-1, x)), [1, 1]],
    ["uint8 = 257", "uint8", [1, 255], (x: Node) => el.eq(x, el.scalarBeside(257, x)), [0, 0]],
    ["int32 > 3e9", "int32", [least, most], (x: Node) => el.gt(x, el.scalarBeside(3e9, x)), [0, 0]],
    ["int32 < 2³¹", "int32", [least, most], (x: Node) => el.lt(x, el.scalarBeside(2 ** 31, x)), [1, 1]],
    ["uint8 clamped to [-1, 300]", "uint8", [0, 255], (x: Node) => el.clamp(x, -1, 300), [0, 255]],
    ["uint8 clamped from 300", "uint8", [0, 255], (x: Node) => el.clamp(x, 300), [300, 300]],
    ["int32 clamped to [-1e10, 5]", "int32", [least, most], (x: Node) => el.clamp(x, -1e10, 5), [least, 5]],
  ] as const)("%s is compared exactly", (_, dtype, data, build, expected) => {
    expect(run(dtype, data, build)).toEqual(expected);
  });

  it("keeps the dtype if the bounds clip nothing", () => {
    expect(el.clamp(inputNode({ shape: [2], dtype: "uint8" }), -1, 300).dtype).toBe("uint8");
  });
});
