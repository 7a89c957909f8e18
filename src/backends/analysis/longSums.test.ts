// Where long sums of float32 are interrupted: just before the error of a plain sum could pass its bound.
import { expect, it } from "vitest";
import { constant, newAxis, newLocal } from "../../graph/scalar.ts";
import { interruption, isFloatSum } from "./longSums.ts";
import { ValueTable } from "./values.ts";

const value = new ValueTable(() => ({ length: 1, stored: false })).of(constant(1, "float32"));
const step = (combine: "sum" | "max", parts = false) =>
  ({ kind: "reduce", local: newLocal("float32"), combine, axes: [], value, parts }) as const;

it.each([
  ["a maximum needs none", [step("max")], [1000], 1, undefined],
  ["17 additions, of which 16 round: 4 · log₂ 17 is above", [step("sum")], [17], 1, undefined],
  ["18 additions", [step("sum")], [18], 1, { place: 0, steps: 16 }],
  ["of eight as a tree, and 29 such additions", [step("sum")], [232], 8, undefined],
  ["and 30", [step("sum")], [240], 8, { place: 0, steps: 128 }],
  ["rows of 5: three of them", [step("sum")], [100, 5], 1, { place: 0, steps: 3 }],
  ["rows of 17 each on their own", [step("sum")], [100, 17], 1, { place: 1, steps: 16 }],
  ["two dims in a run: 2 × 3 within 16", [step("sum")], [100, 2, 3], 1, { place: 0, steps: 2 }],
  ["rows of 16, each of them", [step("sum")], [100, 16], 1, { place: 0, steps: 1 }],
  ["two dims of 16 together, each of them", [step("sum")], [100, 2, 8], 1, { place: 0, steps: 1 }],
  ["15 additions and 5 of a tree, of 32: 4 · log₂ 32 is 20", [step("sum")], [16, 2], 32, undefined],
  ["one more", [step("sum")], [17, 2], 32, { place: 0, steps: 16 }],
  ["one of several is a sum", [step("max"), step("sum")], [18], 1, { place: 0, steps: 16 }],
  ["no axis", [step("sum")], [], 1, undefined],
  ["nothing to add up", [step("sum")], [0, 5], 1, undefined],
  ["one that is done in parts after each group", [step("sum", true)], [4, 8], 8, { place: 1, steps: 8 }],
  ["and where it is one group, never", [step("sum", true)], [8], 8, undefined],
] as const)("%s", (_, steps, extents, group, expected) => {
  expect(interruption(steps, extents.map(newAxis), group)).toEqual(expected);
});

it("only sums of float32 are interrupted", () => {
  expect(isFloatSum(step("sum"))).toBe(true);
  expect(isFloatSum(step("max"))).toBe(false);
  expect(isFloatSum({ ...step("sum"), local: newLocal("float64") })).toBe(false);
  expect(isFloatSum({ kind: "force", value })).toBe(false);
});
