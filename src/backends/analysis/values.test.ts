// Bounds of whole numbers: they decide which index checks and guards are dropped, so they must hold, and be as near as they can.
import { describe, expect, it } from "vitest";
import { type Axis, axisValue, type BinaryFn, binary, int, load, newAxis, type Scalar } from "../../graph/scalar.ts";
import { halvedIn, linearKey, makeLinear, mostInFloats, strideAlong, strideOf, ValueTable } from "./values.ts";

const table = (): ValueTable => new ValueTable(() => ({ length: 100, stored: false }));

/** What an operation gives for two whole numbers. */
const results: Readonly<Partial<Record<BinaryFn, (a: number, b: number) => number>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.trunc(a / b),
  mod: (a, b) => a - b * Math.floor(a / b),
  min: Math.min,
  max: Math.max,
};

function between(scalar: Scalar): readonly [number, number] {
  const { min, max } = table().of(scalar);
  return [min, max];
}

describe("bounds of one operation", () => {
  const axis = newAxis(20);
  /** −7 … 12. */
  const shifted = binary("sub", axisValue(axis), int(7));
  const values = Array.from({ length: 20 }, (_, at) => at - 7);
  it.each(
    (["add", "sub", "mul", "div", "mod", "min", "max"] as const).flatMap((fn) =>
      [1, 3, 5].map((constant) => [fn, constant] as const),
    ),
  )("%s with %d", (fn, constant) => {
    const found = values.map((value) => results[fn]?.(value, constant) ?? Number.NaN);
    expect(between(binary(fn, shifted, int(constant)))).toEqual([Math.min(...found) + 0, Math.max(...found) + 0]);
  });

  it("of a divisor that may be 0 or below, nothing is known", () => {
    const all = [-(2 ** 31), 2 ** 31 - 1];
    expect(between(binary("mod", shifted, int(-3)))).toEqual(all);
    expect(between(binary("mod", shifted, axisValue(newAxis(4))))).toEqual(all);
    expect(between(binary("div", shifted, int(-3)))).toEqual(all);
  });

  it.each([
    [20, 9, -3, [-36, 60]],
    [20, 15, -9, [-108, 63]],
    [20, 15, -1, [-91, 156]],
    [10, 9, -3, [-35, 21]],
  ])("of a product of two ranges: %i numbers from −7 and %i from %i", (extent, count, first, expected) => {
    const a = binary("sub", axisValue(newAxis(extent)), int(7));
    expect(between(binary("mul", a, binary("add", axisValue(newAxis(count)), int(first))))).toEqual(expected);
  });

  it("nothing is known of what may wrap", () => {
    const large = binary("mul", axisValue(axis), int(2 ** 30));
    expect(between(binary("add", large, int(1)))).toEqual([-(2 ** 31), 2 ** 31 - 1]);
  });
});

it("the bounds of random expressions hold at every point", () => {
  let state = 5;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const fns = ["add", "sub", "mul", "div", "mod", "min", "max"] as const;
  const axes = [newAxis(7), newAxis(4)] as const;
  type Made = { readonly scalar: Scalar; readonly at: (x: number, y: number) => number };
  const leaf = (axis: Axis, at: Made["at"]): Made => ({ scalar: axisValue(axis), at });
  for (let trial = 0; trial < 400; trial++) {
    let made = draw(2) === 0 ? leaf(axes[0], (x) => x) : leaf(axes[1], (_, y) => y);
    for (let depth = 0; depth < 4; depth++) {
      const fn = fns[draw(fns.length)] ?? "add";
      const { scalar, at } = made;
      const of = results[fn] ?? Math.min;
      if (fn === "div" || fn === "mod" || draw(2) === 0) {
        const constant = draw(9) + 1;
        made = { scalar: binary(fn, scalar, int(constant)), at: (x, y) => of(at(x, y), constant) };
      } else made = { scalar: binary(fn, scalar, axisValue(axes[1])), at: (x, y) => of(at(x, y), y) };
    }
    const [least, most] = between(made.scalar);
    for (let x = 0; x < 7; x++)
      for (let y = 0; y < 4; y++) {
        expect(made.at(x, y)).toBeGreaterThanOrEqual(least);
        expect(made.at(x, y)).toBeLessThanOrEqual(most);
      }
  }
});

it("a load is safe only where its index is known to be in range", () => {
  const unsafe = (extent: number, shift: number): boolean =>
    table().of(load(0, binary("add", axisValue(newAxis(extent)), int(shift)), "float32")).unsafe;
  expect(unsafe(100, 0)).toBe(false);
  expect(unsafe(100, 1)).toBe(true);
  expect(unsafe(100, -1)).toBe(true);
  expect(unsafe(50, 50)).toBe(false);
});

it("a choice whose condition is known, or between equals, is what it chooses", () => {
  const values = table();
  const [a, b] = [values.axis(newAxis(3)), values.axis(newAxis(4))];
  const condition = values.binary("lt", a, b);
  expect(values.select(values.constant(1, "bool"), a, b)).toBe(a);
  expect(values.select(values.constant(0, "bool"), a, b)).toBe(b);
  expect(values.select(condition, a, a)).toBe(a);
  expect(values.select(condition, a, b)).toMatchObject({ kind: "select", min: 0, max: 3 });
});

it("a load after a store of its buffer is another value than before", () => {
  const values = table();
  const index = values.linear(axisValue(newAxis(5)));
  const before = values.load(0, index, "float32");
  expect(values.load(0, index, "float32")).toBe(before);
  values.invalidate(0);
  expect(values.load(0, index, "float32")).not.toBe(before);
  expect(values.loadOf(1, index)).toBeUndefined();
});

it("an index that halves an axis says what it halves", () => {
  const [axis, other] = [newAxis(8), newAxis(8)];
  const x = axisValue(axis);
  const half = (of: Scalar): Scalar => binary("div", of, int(2));
  const halved = (index: Scalar): number | undefined => {
    const known = table();
    return halvedIn(known.linear(index), ({ deps }) => deps.has(axis.id), axis.id)?.constant;
  };
  expect(halved(half(x))).toBe(0);
  expect(halved(half(binary("add", x, int(3))))).toBe(3);
  expect(halved(binary("add", half(x), binary("mul", axisValue(other), int(4))))).toBe(0);
  // It may be below 0, something else is halved, it is more than halved, multiplied, or varies otherwise.
  expect(halved(half(binary("sub", x, int(1))))).toBeUndefined();
  expect(halved(half(binary("mul", x, int(3))))).toBeUndefined();
  expect(halved(half(binary("add", x, axisValue(other))))).toBeUndefined();
  expect(halved(binary("div", x, int(4)))).toBeUndefined();
  expect(halved(binary("mod", x, int(2)))).toBeUndefined();
  expect(halved(binary("mul", half(x), int(2)))).toBeUndefined();
  expect(halved(binary("add", half(x), x))).toBeUndefined();
});

describe("steps along an axis", () => {
  const [axis, other, absent] = [newAxis(8), newAxis(8), newAxis(8)];
  const known = table();
  const index = (by: number, rest: Scalar): ReturnType<ValueTable["linear"]> =>
    known.linear(binary("add", binary("mul", axisValue(axis), int(by)), rest));
  const steps = (of: Axis, by: number, rest: Scalar) => {
    const found = index(by, rest);
    return [
      strideAlong(found, of),
      strideOf(found, ({ deps }) => deps.has(of.id), of.id).stride,
      strideOf(found, ({ deps }) => deps.has(of.id), of.id).irregular,
    ];
  };
  it("are 0 where the axis is not, and irregular where another term depends on it too", () => {
    expect(steps(axis, 3, axisValue(other))).toEqual([3, 3, false]);
    expect(steps(other, 3, axisValue(other))).toEqual([1, 1, false]);
    expect(steps(absent, 3, axisValue(other))).toEqual([0, 0, false]);
    expect(steps(axis, 3, binary("mod", axisValue(axis), int(3)))).toEqual([3, 3, true]);
  });
});

it("sums of terms have their range, one order, and a text of their own", () => {
  const known = table();
  const [a, b] = [known.axis(newAxis(5)), known.axis(newAxis(7))];
  const sum = makeLinear(
    [
      { atom: b, coefficient: -2 },
      { atom: a, coefficient: 3 },
      { atom: known.axis(newAxis(9)), coefficient: 0 },
    ],
    4,
  );
  expect(sum.terms.map(({ atom }) => atom)).toEqual([a, b]);
  expect([sum.min, sum.max]).toEqual([4 - 12, 4 + 12]);
  expect(linearKey(sum)).toBe(`3*${a.id}+-2*${b.id}+4`);
});

it("quotients of what is below 2²¹ are right in float32 lanes, for every divisor, at every place where they change", () => {
  for (let divisor = 2; divisor < 200; divisor++) {
    const inverse = Math.fround(1 / divisor);
    for (let quotient = 1; quotient * divisor < mostInFloats; quotient += 1 + Math.floor(quotient / 50)) {
      for (const x of [quotient * divisor - 1, quotient * divisor]) {
        const lanes = Math.floor(Math.fround(Math.fround(x + 0.5) * inverse));
        if (lanes !== Math.floor(x / divisor)) expect.fail(`${x} / ${divisor} is ${lanes} in lanes`);
      }
    }
  }
});

it("products with a constant on either side are terms, products of counters are values of their own", () => {
  const known = table();
  const [a, b] = [newAxis(5), newAxis(7)];
  const termsOf = (scalar: Scalar) =>
    known
      .linear(scalar)
      .terms.map(({ atom, coefficient }) => [atom.kind === "axis" ? atom.axis.id : atom.kind, coefficient]);
  expect(termsOf(binary("mul", int(3), axisValue(a)))).toEqual([[a.id, 3]]);
  expect(termsOf(binary("mul", axisValue(a), int(3)))).toEqual([[a.id, 3]]);
  expect(termsOf(binary("mul", axisValue(a), axisValue(b)))).toEqual([["binary", 1]]);
});
