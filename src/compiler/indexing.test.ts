// Index expressions: views compose to plain strides, and expressions that cannot be simplified are unchanged.
import { describe, expect, it } from "vitest";
import { axisValue, binary, guard, int, load, mul, newAxis } from "../graph/scalar.ts";
import { flatten, indexKey, indexRange, isAffine, unflatten } from "./indexing.ts";

describe("canonical indices", () => {
  const i = newAxis(6);
  const j = newAxis(4);

  it("joins what a reshape takes apart", () => {
    const flat = flatten([axisValue(i), axisValue(j)], [6, 4]);
    const parts = unflatten(flat, [2, 3, 4]);
    expect(indexKey(flatten(parts, [2, 3, 4]))).toBe(indexKey(flat));
  });

  it("passes dims that match through a reshape without division", () => {
    const [first, second] = unflatten(flatten([axisValue(i), axisValue(j)], [6, 4]), [6, 4]);
    expect(indexKey(first ?? int(-1))).toBe(indexKey(axisValue(i)));
    expect(indexKey(second ?? int(-1))).toBe(indexKey(axisValue(j)));
  });

  it("keeps a true division as an atom with its range", () => {
    const [row] = unflatten(axisValue(newAxis(12)), [3, 4]);
    expect(isAffine(row ?? int(0))).toBe(false);
    expect(indexRange(row ?? int(0))).toEqual({ min: 0, max: 2 });
  });

  it("does not divide what may be negative", () => {
    const shifted = binary("sub", axisValue(i), int(3));
    const quotient = binary("div", mul(shifted, int(4)), int(4));
    expect(indexKey(quotient)).not.toBe(indexKey(shifted));
  });

  it("cancels equal terms", () => {
    expect(indexKey(binary("sub", flatten([axisValue(i), axisValue(j)], [6, 4]), mul(axisValue(i), int(4))))).toBe(
      indexKey(axisValue(j)),
    );
  });

  it("treats a guarded lookup as one value", () => {
    const at = guard(load(0, axisValue(i), "int32"), 10);
    expect(isAffine(at)).toBe(false);
    expect(indexRange(at)).toEqual({ min: 0, max: 9 });
  });
});
