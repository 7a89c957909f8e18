// Strided memory from indices: strides and offsets hold at every point, and axes that step evenly together are one.
import { describe, expect, it } from "vitest";
import { type Axis, axisValue, binary, cast, int, load, newAxis, type Scalar } from "../../graph/scalar.ts";
import { along, isLinear, operandOf, stridesOf, tableOf } from "./operand.ts";

const [i, j] = [newAxis(3), newAxis(4)];
const [x, y] = [axisValue(i), axisValue(j)];
const add = (a: Scalar, b: Scalar): Scalar => binary("add", a, b);
const mul = (a: Scalar, b: Scalar): Scalar => binary("mul", a, b);

describe("linear indices", () => {
  it.each([
    ["a constant", int(5), [0, 0], 5],
    ["a counter", x, [1, 0], 0],
    ["sums and differences", binary("sub", add(x, int(7)), binary("sub", y, int(2))), [1, -1], 9],
    ["multiples, the constant on either side", add(mul(x, int(4)), mul(int(3), y)), [4, 3], 0],
    ["multiples of sums", mul(add(x, int(2)), mul(int(2), int(3))), [6, 0], 12],
    ["a counter that occurs twice", add(x, mul(x, int(2))), [3, 0], 0],
  ] as const)("%s", (_, index, [ofX, ofY], offset) => {
    expect(isLinear(index)).toBe(true);
    const found = stridesOf(index);
    expect([found.strides.get(i.id) ?? 0, found.strides.get(j.id) ?? 0, found.offset]).toEqual([ofX, ofY, offset]);
  });

  it.each([
    ["a product of counters", mul(x, y)],
    ["a quotient", binary("div", x, int(2))],
    ["a part that is none", add(x, binary("mod", y, int(2)))],
    ["a difference from what is none", binary("sub", binary("mod", y, int(2)), x)],
    ["what is read", load(0, x, "int32")],
    ["a multiple of what is read", mul(load(0, x, "int32"), int(3))],
    ["a multiple of what is read, the constant first", mul(int(3), load(0, x, "int32"))],
    ["an extreme", binary("min", x, int(3))],
    ["a conversion", cast(load(0, x, "float32"), "int32")],
  ])("not: %s", (_, index) => {
    expect(isLinear(index)).toBe(false);
    expect(operandOf(load(1, index, "float32"))).toBeUndefined();
  });
});

it("an operand steps by its strides, and not along axes of one", () => {
  const single = newAxis(1);
  const pair = newAxis(2);
  const index = add(add(mul(x, int(8)), y), add(mul(axisValue(pair), int(40)), add(axisValue(single), int(5))));
  const operand = operandOf(load(2, index, "float32"));
  expect(operand).toMatchObject({ buffer: 2, offset: 5, dtype: "float32" });
  expect([i, j, pair, single, newAxis(9)].map((axis) => operand?.strideOf(axis))).toEqual([8, 1, 40, 0, 0]);
  expect(operandOf(x)).toBeUndefined();
  expect(operandOf(load(2, x, "uint16"), "bfloat16")?.dtype).toBe("bfloat16");
});

describe("steps along axes", () => {
  const [a, b, c] = [newAxis(2), newAxis(3), newAxis(4)];
  const steps = (strides: readonly number[], axes: readonly Axis[] = [a, b, c]) =>
    along({ buffer: 0, offset: 0, dtype: "float32", strideOf: (axis) => strides[axes.indexOf(axis)] ?? 0 }, axes);
  it.each([
    ["all even", [12, 4, 1], [{ extent: 24, stride: 1 }]],
    [
      "the outer two",
      [30, 10, 1],
      [
        { extent: 6, stride: 10 },
        { extent: 4, stride: 1 },
      ],
    ],
    [
      "the inner two",
      [20, 4, 1],
      [
        { extent: 2, stride: 20 },
        { extent: 12, stride: 1 },
      ],
    ],
    [
      "none",
      [1, 2, 6],
      [
        { extent: 2, stride: 1 },
        { extent: 3, stride: 2 },
        { extent: 4, stride: 6 },
      ],
    ],
    ["where nothing moves", [0, 0, 0], [{ extent: 24, stride: 0 }]],
  ])("%s", (_, strides, expected) => {
    expect(steps(strides)).toEqual(expected);
  });
  it("leave out axes of one, and give all offsets, the first step outermost", () => {
    expect(steps([5, 9, 1], [newAxis(2), newAxis(1), newAxis(3)])).toEqual([
      { extent: 2, stride: 5 },
      { extent: 3, stride: 1 },
    ]);
    expect(
      tableOf([
        { extent: 2, stride: 5 },
        { extent: 3, stride: 1 },
      ]),
    ).toEqual([0, 1, 2, 5, 6, 7]);
    expect(tableOf([])).toEqual([0]);
  });
});
