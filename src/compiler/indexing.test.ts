// Index expressions: views compose to plain strides; expressions that cannot be simplified are unchanged.
import { describe, expect, it, test } from "vitest";
import { type Axis, add, axisValue, binary, guard, int, load, mul, newAxis, type Scalar } from "../graph/scalar.ts";
import { canonical, flatten, indexKey, indexRange, isAffine, runOf, unflatten } from "./indexing.ts";

describe("canonical indices", () => {
  const i = newAxis(6);
  const j = newAxis(4);

  it("rejoins the parts of a reshape", () => {
    const flat = flatten([axisValue(i), axisValue(j)], [6, 4]);
    const parts = unflatten(flat, [2, 3, 4]);
    expect(indexKey(flatten(parts, [2, 3, 4]))).toBe(indexKey(flat));
  });

  it("passes matching dims through a reshape without division", () => {
    const [first, second] = unflatten(flatten([axisValue(i), axisValue(j)], [6, 4]), [6, 4]);
    expect(indexKey(first ?? int(-1))).toBe(indexKey(axisValue(i)));
    expect(indexKey(second ?? int(-1))).toBe(indexKey(axisValue(j)));
  });

  it("keeps a true division as an atom with its range", () => {
    const [row] = unflatten(axisValue(newAxis(12)), [3, 4]);
    expect(isAffine(row ?? int(0))).toBe(false);
    expect(indexRange(row ?? int(0))).toEqual({ min: 0, max: 2 });
  });

  it("does not divide possibly negative values", () => {
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

const sub = (a: Scalar, b: Scalar): Scalar => binary("sub", a, b);
const div = (a: Scalar, by: number): Scalar => binary("div", a, int(by));
const mod = (a: Scalar, by: number): Scalar => binary("mod", a, int(by));

describe("divisions of sums", () => {
  const [i, j, k] = [newAxis(8), newAxis(2), newAxis(3)].map(axisValue) as [Scalar, Scalar, Scalar];
  const sum = (...terms: readonly (readonly [number, Scalar])[]): Scalar =>
    terms.map(([factor, term]) => mul(term, int(factor))).reduce(add);
  test.each([
    ["what the divisor divides leaves it", div(sum([4, i], [2, j]), 4), i],
    ["and the rest is the remainder", mod(sum([4, i], [2, j]), 4), mul(j, int(2))],
    ["a constant is divided too", div(add(mul(i, int(3)), int(5)), 3), add(i, int(1))],
    ["and its remainder stays", mod(add(mul(i, int(3)), int(5)), 3), int(2)],
    ["a unit that divides the divisor", div(sum([2, i], [1, j]), 4), div(i, 2)],
    ["and its remainder", mod(sum([2, i], [1, j]), 4), add(mul(mod(i, 2), int(2)), j)],
    ["a unit of three", div(sum([3, i], [1, k]), 6), div(i, 2)],
    ["and the remainder of that", mod(sum([3, i], [1, k]), 12), add(mul(mod(i, 4), int(3)), k)],
    ["the largest unit of several", div(sum([6, i], [3, j], [1, k]), 12), div(i, 2)],
    ["what falls with an axis", div(sub(add(mul(i, int(6)), int(5)), k), 6), i],
    ["quotient and remainder meet again", sum([5, div(i, 5)], [1, mod(i, 5)]), i],
    ["and so with a factor", sum([10, div(i, 5)], [2, mod(i, 5)], [1, j]), sum([2, i], [1, j])],
  ])("%s", (_, expression, simple) => {
    expect(indexKey(expression)).toBe(indexKey(simple));
  });
  test.each([
    ["a quotient of an axis", div(i, 3), [0, 2]],
    ["of one more", div(add(i, int(1)), 3), [0, 2]],
    ["of two more", div(add(i, int(2)), 3), [0, 3]],
    ["of what falls below a multiple", div(sub(add(mul(i, int(6)), int(1)), j), 6), [0, 7]],
    ["of what may fall out of its row", div(sub(add(mul(i, int(6)), int(7)), mul(k, int(3))), 6), [0, 8]],
    ["a remainder", mod(i, 3), [0, 2]],
    ["a difference", sub(i, k), [-2, 7]],
    ["a product with a number below 0", mul(i, int(-3)), [-21, 0]],
  ])("the range of %s is as tight as can be", (_, expression, [min, max]) => {
    expect(indexRange(expression)).toEqual({ min, max });
  });
  test("contiguous runs are as long as can be proved", () => {
    const [row, column] = [axisValue(newAxis(5)), axisValue(newAxis(12))];
    expect(runOf(add(mul(row, int(12)), column))).toBe(12);
    expect(runOf(add(row, mul(column, int(5))))).toBe(5);
    expect(runOf(add(mul(row, int(12)), mul(column, int(2))))).toBe(1);
  });
});

test("canonical forms of random expressions have the same value at every point, within the stated range", () => {
  let state = 77;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const axes = [newAxis(4), newAxis(3), newAxis(5)] as const;
  const valueAt = (x: Scalar, point: ReadonlyMap<Axis, number>): number => {
    if (x.kind === "const") return x.value;
    if (x.kind === "axis") return point.get(x.axis) ?? (x.axis.extent === 1 ? 0 : Number.NaN);
    if (x.kind !== "binary") return Number.NaN;
    const [a, b] = [valueAt(x.a, point), valueAt(x.b, point)];
    if (x.fn === "add") return a + b;
    if (x.fn === "sub") return a - b;
    if (x.fn === "mul") return a * b + 0;
    if (x.fn === "div") return Math.trunc(a / b) + 0;
    return x.fn === "mod" ? a - b * Math.floor(a / b) : Number.NaN;
  };
  const made = (depth: number): Scalar => {
    if (depth === 0) return draw(4) === 0 ? int(draw(7)) : axisValue(axes[draw(3)] ?? axes[0]);
    const of = made(depth - 1);
    const choice = draw(6);
    if (choice === 0) return div(of, 1 + draw(6));
    if (choice === 1) return mod(of, 1 + draw(6));
    if (choice === 2) return mul(of, int(1 + draw(5)));
    if (choice === 3) return sub(add(of, int(draw(3))), made(draw(2)));
    return add(of, made(draw(depth)));
  };
  for (let trial = 0; trial < 1500; trial++) {
    const expression = made(1 + draw(5));
    const simple = canonical(expression);
    const { min, max } = indexRange(expression);
    for (let a = 0; a < 4; a++)
      for (let b = 0; b < 3; b++)
        for (let c = 0; c < 5; c++) {
          const point = new Map([a, b, c].map((value, at) => [axes[at] ?? axes[0], value]));
          const value = valueAt(expression, point);
          expect(valueAt(simple, point), `trial ${trial}`).toBe(value);
          if (value < min || value > max) throw new Error(`trial ${trial}: ${value} lies outside ${min} … ${max}`);
        }
  }
});

test("terms are in the order of their axes, also if their ids differ in length", () => {
  let first = newAxis(5);
  while (!/^9+$/.test(String(first.id))) first = newAxis(5);
  const second = newAxis(7);
  const index = canonical(add(axisValue(second), mul(axisValue(first), int(7))));
  expect(index).toEqual(add(mul(axisValue(first), int(7)), axisValue(second)));
});
