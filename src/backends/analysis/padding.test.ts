// Which part of a buffer is padding, from kernels written by hand: every comparison that bounds an axis, and what is not padding.
import { describe, expect, it } from "vitest";
import type { Kernel, Statement } from "../../compiler/kernel.ts";
import {
  add,
  and,
  axisValue,
  binary,
  constant,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
  select,
} from "../../graph/scalar.ts";
import { paddedDims } from "./padding.ts";

const [rows, columns] = [newAxis(5), newAxis(8)];
const [row, column] = [axisValue(rows), axisValue(columns)];
const inside = load(1, int(0), "float32");
const zero = constant(0, "float32");
const index = add(mul(row, int(8)), column);
const store = (value: Scalar, at: Scalar = index): Statement => ({ kind: "store", buffer: 0, index: at, value });
const kernelOf = (...body: readonly Statement[]): Kernel => ({
  kind: "loops",
  name: "pad",
  axes: [rows, columns],
  body,
});
const found = (condition: Scalar) => paddedDims(kernelOf(store(select(condition, inside, zero))), 0, 40);
const compare = (fn: "ge" | "gt" | "lt" | "le", a: Scalar, limit: number): Scalar => binary(fn, a, int(limit));
const whole = { stride: 8, extent: 5, first: 0, end: 5 };

describe("a condition on one axis bounds it", () => {
  it.each([
    ["ge", 3, 3, 8],
    ["gt", 3, 4, 8],
    ["lt", 3, 0, 3],
    ["le", 3, 0, 4],
  ] as const)("%s %i: from %i up to %i", (fn, limit, first, end) => {
    expect(found(compare(fn, column, limit))).toEqual([whole, { stride: 1, extent: 8, first, end }]);
    // The axis shifted by 2, as a padded image is.
    const shifted = [Math.max(0, first - 2), end === 8 ? 8 : end - 2] as const;
    expect(found(compare(fn, add(column, int(2)), limit))).toEqual([
      whole,
      { stride: 1, extent: 8, first: shifted[0], end: shifted[1] },
    ]);
  });

  it("of several the narrowest, on either axis, and never beyond the axis", () => {
    const both = [
      compare("ge", column, 2),
      compare("gt", column, 0),
      compare("lt", column, 7),
      compare("le", column, 4),
    ];
    const all = [...both, compare("ge", row, -3), compare("lt", row, 4), compare("lt", row, 90)];
    expect(found(all.reduce(and))).toEqual([
      { stride: 8, extent: 5, first: 0, end: 4 },
      { stride: 1, extent: 8, first: 2, end: 5 },
    ]);
  });

  it("through a name", () => {
    const local = newLocal("float32");
    const value = select(compare("lt", row, 2), inside, zero);
    const kernel = kernelOf({ kind: "let", local, value }, store(localValue(local)));
    expect(paddedDims(kernel, 0, 40)).toEqual([
      { ...whole, end: 2 },
      { stride: 1, extent: 8, first: 0, end: 8 },
    ]);
  });
});

describe("no padding is known where", () => {
  const one = select(compare("lt", column, 3), inside, zero);
  it.each<[string, Kernel, number]>([
    ["nothing is selected", kernelOf(store(inside)), 40],
    ["the rest is not zero", kernelOf(store(select(compare("lt", column, 3), inside, constant(1, "float32")))), 40],
    ["the bounds hold everywhere", kernelOf(store(select(compare("lt", column, 8), inside, zero))), 40],
    ["two axes are compared at once", kernelOf(store(select(compare("lt", add(row, column), 3), inside, zero))), 40],
    ["an axis is compared in steps", kernelOf(store(select(compare("lt", mul(column, int(2)), 3), inside, zero))), 40],
    ["the buffer is written twice", kernelOf(store(one), store(one)), 40],
    ["a part of the buffer is written", kernelOf(store(one)), 41],
    ["the buffer is written from its second element on", kernelOf(store(one, add(index, int(1)))), 40],
    ["elements are left out", kernelOf(store(one, add(mul(row, int(9)), column))), 40],
    ["values are added", kernelOf({ kind: "store", buffer: 0, index, value: one, accumulate: true }), 40],
    ["another buffer is meant", kernelOf({ kind: "store", buffer: 2, index, value: one }), 40],
  ])("%s", (_, kernel, length) => expect(paddedDims(kernel, 0, length)).toBeUndefined());
});
