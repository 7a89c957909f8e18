// Bounds of whole numbers: they decide which index checks and guards are dropped, so they must hold, and be as near as they can.
import { describe, expect, it } from "vitest";
import {
  type Axis,
  axisValue,
  type BinaryFn,
  binary,
  bitcast,
  cast,
  constant,
  guard,
  int,
  load,
  localValue,
  newAxis,
  newLocal,
  type Scalar,
  select,
  unary,
} from "../../graph/scalar.ts";
import {
  constantDivisor,
  halvedIn,
  isChosen,
  linearKey,
  makeLinear,
  mostInFloats,
  operands,
  strideAlong,
  strideOf,
  type Value,
  ValueTable,
  visitParts,
} from "./values.ts";

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
  return [min + 0, max + 0];
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

  it("of a divisor that may be several, nothing is known, nor of 0; 1 changes nothing", () => {
    const all = [-(2 ** 31), 2 ** 31 - 1];
    const several = binary("add", axisValue(newAxis(4)), int(1));
    for (const fn of ["div", "mod"] as const) {
      expect(between(binary(fn, shifted, several))).toEqual(all);
      expect(between(binary(fn, shifted, int(0)))).toEqual(all);
    }
    const values = table();
    const [of, one] = [values.of(shifted), values.constant(1, "int32")];
    expect(values.binary("div", of, one)).toMatchObject({ min: -7, max: 12 });
    expect(values.binary("mod", of, one)).toMatchObject({ min: 0, max: 0 });
  });

  it("the least and the greatest whole number are in range, the next ones are not", () => {
    const bit = axisValue(newAxis(2));
    expect(between(binary("mul", bit, int(-(2 ** 31))))).toEqual([-(2 ** 31), 0]);
    expect(between(binary("mul", bit, int(2 ** 31 - 1)))).toEqual([0, 2 ** 31 - 1]);
    const all = [-(2 ** 31), 2 ** 31 - 1];
    expect(between(binary("sub", binary("mul", bit, int(-(2 ** 31))), int(1)))).toEqual(all);
    expect(between(binary("add", binary("mul", bit, int(2 ** 31 - 1)), int(1)))).toEqual(all);
  });

  it("nothing is known of what may wrap", () => {
    const large = binary("mul", axisValue(axis), int(2 ** 30));
    expect(between(binary("add", large, int(1)))).toEqual([-(2 ** 31), 2 ** 31 - 1]);
  });
});

it("the bounds of random expressions hold at every point, and so do they as sums of terms", () => {
  let state = 5;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const fns = ["add", "sub", "mul", "div", "mod", "min", "max", "add", "sub", "mul"] as const;
  const axes = [newAxis(7), newAxis(4)] as const;
  type Made = { readonly scalar: Scalar; readonly at: (x: number, y: number) => number };
  const leaf = (axis: Axis, at: Made["at"]): Made => ({ scalar: axisValue(axis), at });
  const leaves = [leaf(axes[0], (x) => x), leaf(axes[1], (_, y) => y)] as const;
  const valueAt = (value: Value, x: number, y: number): number => {
    if (value.kind === "const") return value.value;
    if (value.kind === "axis") return value.axis === axes[0] ? x : y;
    if (value.kind !== "binary") return Number.NaN;
    return results[value.fn]?.(valueAt(value.a, x, y), valueAt(value.b, x, y)) ?? Number.NaN;
  };
  const wrong: string[] = [];
  for (let trial = 0; trial < 400; trial++) {
    let made: Made = leaves[draw(2) === 0 ? 0 : 1];
    for (let depth = 0; depth < 4; depth++) {
      const fn = fns[draw(fns.length)] ?? "add";
      const { scalar, at } = made;
      const of = results[fn] ?? Math.min;
      const [constant, other] = [draw(9) + 1, leaves[draw(2) === 0 ? 0 : 1]];
      if (fn === "div" || fn === "mod" || draw(2) === 0)
        made = { scalar: binary(fn, scalar, int(constant)), at: (x, y) => of(at(x, y), constant) };
      else if (draw(3) === 0)
        made = { scalar: binary(fn, int(constant), scalar), at: (x, y) => of(constant, at(x, y)) };
      else made = { scalar: binary(fn, scalar, other.scalar), at: (x, y) => of(at(x, y), other.at(x, y)) };
    }
    const values = table();
    const [value, sum] = [values.of(made.scalar), values.linear(made.scalar)];
    for (let x = 0; x < 7; x++)
      for (let y = 0; y < 4; y++) {
        const expected = made.at(x, y);
        const found = sum.terms.reduce(
          (s, { atom, coefficient }) => s + coefficient * valueAt(atom, x, y),
          sum.constant,
        );
        const within = [value, sum].every(({ min, max }) => expected >= min && expected <= max);
        if (!within || found !== expected) wrong.push(`${trial} at ${x}, ${y}: ${expected}, ${found}`);
      }
  }
  expect(wrong).toEqual([]);
});

it("a load is safe only where its index is known to be in range", () => {
  const unsafe = (extent: number, shift: number): boolean =>
    table().of(load(0, binary("add", axisValue(newAxis(extent)), int(shift)), "float32")).unsafe;
  expect(unsafe(100, 0)).toBe(false);
  expect(unsafe(100, 1)).toBe(true);
  expect(unsafe(100, -1)).toBe(true);
  expect(unsafe(50, 50)).toBe(false);
  // A place that is looked up is one of 256; it is safe where the place itself can be read.
  const lookedUp = (extent: number): boolean => {
    const values = new ValueTable((buffer) => ({ length: buffer === 0 ? 256 : 100, stored: false }));
    return values.of(load(0, cast(load(1, axisValue(newAxis(extent)), "uint8"), "int32"), "float32")).unsafe;
  };
  expect(lookedUp(100)).toBe(false);
  expect(lookedUp(101)).toBe(true);
});

it("a choice whose condition is known, or between equals, is what it chooses", () => {
  const values = table();
  const [a, b] = [values.axis(newAxis(3)), values.axis(newAxis(4))];
  const condition = values.binary("lt", a, b);
  expect(values.select(values.constant(1, "bool"), a, b)).toBe(a);
  expect(values.select(values.constant(0, "bool"), a, b)).toBe(b);
  expect(values.select(condition, a, a)).toBe(a);
  expect(values.select(condition, a, b)).toMatchObject({ kind: "select", min: 0, max: 3 });
  const above = values.binary("add", b, values.constant(2, "int32"));
  expect(values.select(condition, above, a)).toMatchObject({ min: 0, max: 5 });
  expect(values.select(condition, a, above)).toMatchObject({ min: 0, max: 5 });
});

it("a load after a store of its buffer is another value than before", () => {
  const values = table();
  const index = values.linear(axisValue(newAxis(5)));
  const before = values.load(0, index, "float32");
  expect(values.load(0, index, "float32")).toBe(before);
  values.invalidate(0);
  expect(values.load(0, index, "float32")).not.toBe(before);
  expect(values.loadOf(0, index)).not.toBe(before);
  const after = values.load(0, index, "float32");
  expect(values.loadOf(0, index)).toBe(after);
  expect(values.loadOf(1, index)).toBeUndefined();
  values.invalidate(0);
  expect([before, after]).not.toContain(values.load(0, index, "float32"));
  // By its expression too, which stands for the value of now.
  const scalar = load(2, int(3), "float32");
  const first = values.of(scalar);
  values.invalidate(2);
  expect(values.of(scalar)).not.toBe(first);
});

it("an index that halves an axis says what it halves", () => {
  const [axis, other] = [newAxis(8), newAxis(8)];
  const x = axisValue(axis);
  const half = (of: Scalar): Scalar => binary("div", of, int(2));
  const halved = (index: Scalar): number | string => {
    const known = table();
    const found = halvedIn(known.linear(index), ({ deps }) => deps.has(axis.id), axis.id);
    return found === undefined ? "no" : found.constant;
  };
  expect(halved(half(x))).toBe(0);
  expect(halved(half(binary("add", x, int(3))))).toBe(3);
  expect(halved(binary("add", half(x), binary("mul", axisValue(other), int(4))))).toBe(0);
  expect(halved(half(binary("sub", x, int(-3))))).toBe(3);
  // It may be below 0, something else is halved, it is more than halved, multiplied, or varies otherwise.
  expect(halved(half(axisValue(other)))).toBe("no");
  expect(halved(x)).toBe("no");
  expect(halved(half(cast(load(0, x, "uint8"), "int32")))).toBe("no");
  expect(halved(binary("add", half(x), binary("mod", x, int(3))))).toBe("no");
  expect(halved(binary("div", x, axisValue(other)))).toBe("no");
  expect(halved(half(binary("add", int(3), x)))).toBe("no");
  expect(halved(half(binary("sub", x, int(1))))).toBe("no");
  expect(halved(half(binary("mul", x, int(3))))).toBe("no");
  expect(halved(half(binary("add", x, axisValue(other))))).toBe("no");
  expect(halved(binary("div", x, int(4)))).toBe("no");
  expect(halved(binary("mod", x, int(2)))).toBe("no");
  expect(halved(binary("mul", half(x), int(2)))).toBe("no");
  expect(halved(binary("add", half(x), x))).toBe("no");
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
  const many = [5, 3, 8, 2, 6].map((extent) => known.axis(newAxis(extent)));
  const shuffled = [3, 0, 4, 1, 2].flatMap((place) => many[place] ?? []);
  expect(
    makeLinear(
      shuffled.map((atom) => ({ atom, coefficient: 2 })),
      0,
    ).terms.map(({ atom }) => atom),
  ).toEqual(many);
  const below = known.binary("sub", a, known.constant(7, "int32"));
  expect(makeLinear([{ atom: below, coefficient: 3 }], 0)).toMatchObject({ min: -21, max: -9 });
  expect(makeLinear([{ atom: below, coefficient: -3 }], 1)).toMatchObject({ min: 10, max: 22 });
  expect([sum.min, sum.max]).toEqual([4 - 12, 4 + 12]);
  expect(linearKey(sum)).toBe(`3*${a.id}+-2*${b.id}+4`);
});

it("quotients of what is below 2²¹ are right in float32 lanes, for every divisor, at every place where they change", () => {
  // Two roundings move a quotient by at most 2⁻²³ of it: half of the 1 / 2 that it may, in remainders.
  expect(mostInFloats * 2 ** -23).toBe(0.25);
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

describe("a value", () => {
  const [a, b, c] = [newAxis(5), newAxis(7), newAxis(3)];
  const [x, y, z] = [axisValue(a), axisValue(b), axisValue(c)];
  const local = newLocal("float32");
  const known = table();
  const of = (scalar: Scalar): Value => known.of(scalar);
  const read = (at: Scalar): Scalar => load(0, at, "float32");

  it("names what it is made of", () => {
    const [less, some] = [binary("lt", x, y), cast(read(x), "int32")];
    const wide = guard(binary("add", x, y), 4);
    const cases: readonly (readonly [Scalar, readonly Scalar[]])[] = [
      [int(3), []],
      [x, []],
      [localValue(local), []],
      [load(0, binary("add", binary("mul", x, int(3)), y), "float32"), [x, y]],
      [unary("exp", read(x)), [read(x)]],
      [some, [read(x)]],
      [bitcast(read(x), "int32"), [read(x)]],
      [wide, [binary("add", x, y)]],
      [binary("sub", some, y), [some, y]],
      [select(less, x, y), [less, x, y]],
    ];
    for (const [scalar, parts] of cases) expect(operands(of(scalar))).toEqual(parts.map(of));
  });

  it("depends on the axes and locals of all its parts", () => {
    const deps = (scalar: Scalar) => of(scalar).deps;
    expect(deps(int(3))).toEqual(new Set());
    expect(deps(binary("sub", x, int(3)))).toEqual(new Set([a.id]));
    expect(deps(binary("sub", int(3), x))).toEqual(new Set([a.id]));
    expect(deps(binary("mod", x, x))).toEqual(new Set([a.id]));
    expect(deps(select(binary("lt", x, y), binary("mod", y, int(2)), z))).toEqual(new Set([a.id, b.id, c.id]));
    expect(deps(binary("mul", read(binary("add", x, y)), localValue(local)))).toEqual(new Set([a.id, b.id, local.id]));
  });

  it("is visited once, and entered where that is asked for", () => {
    const visits = (enters: (value: Value) => boolean): string[] => {
      const seen: string[] = [];
      visitParts((value) => {
        seen.push(value.kind === "binary" ? value.fn : value.kind);
        return enters(value);
      })(of(binary("add", binary("mul", read(x), read(x)), binary("mul", read(x), read(x)))));
      return seen;
    };
    expect(visits(() => true)).toEqual(["add", "mul", "load", "axis"]);
    expect(visits(({ kind }) => kind !== "load")).toEqual(["add", "mul", "load"]);
    expect(visits(() => false)).toEqual(["add"]);
  });

  it("is worked out once, however often it is used", () => {
    let asked = 0;
    const counting = new ValueTable(() => {
      asked++;
      return { length: 100, stored: false };
    });
    let deep: Scalar = read(x);
    for (let level = 0; level < 12; level++) deep = binary("add", deep, deep);
    counting.of(deep);
    expect(asked).toBe(1);
  });

  it("is another while an axis stands for something else", () => {
    const values = table();
    const scalar = binary("mod", x, int(3));
    const own = values.of(scalar);
    const inside = (at: number): Value => values.withAxis(a, at, () => values.of(scalar));
    const at = (place: number): Value =>
      values.binary("mod", values.constant(place, "int32"), values.constant(3, "int32"));
    expect([inside(1), inside(2), values.of(scalar)]).toEqual([at(1), at(2), own]);
    values.substitute(a.id, values.axis(b));
    expect(values.of(scalar)).toBe(values.binary("mod", values.axis(b), values.constant(3, "int32")));
    // Merged into another one, which is written out.
    expect(values.withAxis(b, 4, () => values.of(scalar))).toBe(at(4));
  });

  it("has the name that it was given, until that names something else", () => {
    const values = table();
    const value = values.of(read(x));
    values.bind(local, value);
    expect(values.of(localValue(local))).toBe(value);
    const made = values.opaque(local);
    expect(made).toMatchObject({ kind: "local", local, dtype: "float32" });
    const later = table();
    later.bind(local, later.of(read(x)));
    expect(later.opaque(local)).toBe(later.of(localValue(local)));
  });

  it("is bound to its place where it reads what the kernel stores to, in its index too", () => {
    const values = new ValueTable((buffer) => ({ length: 100, stored: buffer === 9 }));
    const pinned = (scalar: Scalar): boolean => values.of(scalar).pinned;
    expect(pinned(read(x))).toBe(false);
    expect(pinned(load(9, x, "float32"))).toBe(true);
    expect(pinned(load(0, load(9, x, "int32"), "float32"))).toBe(true);
    expect(pinned(unary("exp", load(9, x, "float32")))).toBe(true);
  });

  it("has the range of its axis, of its type, or of its guard", () => {
    const range = (scalar: Scalar) => {
      const { min, max } = table().of(scalar);
      return [min, max];
    };
    const ints = [-(2 ** 31), 2 ** 31 - 1];
    const one = table();
    expect(one.axis(newAxis(0))).toMatchObject({ min: 0, max: 0 });
    expect(one.axis(newAxis(6))).toMatchObject({ min: 0, max: 5 });
    expect(range(load(0, x, "int32"))).toEqual(ints);
    expect(range(load(0, x, "uint8"))).toEqual([0, 255]);
    expect(range(cast(load(0, x, "uint8"), "int32"))).toEqual([0, 255]);
    expect(range(cast(load(0, x, "int8"), "int32"))).toEqual([-128, 127]);
    expect(range(cast(read(x), "int32"))).toEqual(ints);
    expect(range(cast(constant(2.5, "float32"), "int32"))).toEqual(ints);
    expect(range(bitcast(read(x), "int32"))).toEqual(ints);
    const floats = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    expect(range(cast(load(0, x, "uint8"), "float32"))).toEqual(floats);
    expect(range(binary("add", constant(2, "float32"), constant(3, "float32")))).toEqual(floats);
    const below = binary("sub", x, int(1));
    expect(range(guard(below, 4))).toEqual([0, 3]);
    expect(range(guard(below, 1))).toEqual([0, 0]);
    expect(range(guard(below, 0))).toEqual([0, 0]);
  });

  it("needs no guard where its range is within", () => {
    const values = table();
    const guarded = (scalar: Scalar, extent: number): boolean => values.of(guard(scalar, extent)).kind === "guard";
    expect(guarded(x, 5)).toBe(false);
    expect(guarded(x, 4)).toBe(true);
    expect(guarded(binary("sub", x, int(1)), 5)).toBe(true);
    expect(guarded(binary("add", x, y), 11)).toBe(false);
    expect(values.unguarded.map(({ terms }) => terms.length)).toEqual([1, 2]);
  });

  it("is a truth value where it answers a question", () => {
    expect(known.unary("isNaN", of(read(x))).dtype).toBe("bool");
    expect(known.unary("not", of(x)).dtype).toBe("bool");
    expect(known.unary("neg", of(read(x))).dtype).toBe("float32");
    expect(of(binary("lt", read(x), read(y))).dtype).toBe("bool");
    expect(of(binary("add", read(x), read(y))).dtype).toBe("float32");
  });

  it("is a choice between two loads, or not", () => {
    const condition = binary("lt", x, y);
    expect(isChosen(of(select(condition, read(x), read(y))))).toBe(true);
    expect(isChosen(of(select(condition, read(x), unary("neg", read(y)))))).toBe(false);
    expect(isChosen(of(select(condition, unary("neg", read(x)), read(y))))).toBe(false);
    expect(isChosen(of(binary("add", read(x), read(y))))).toBe(false);
  });

  it("is divided by a positive constant, where it is a whole number from 0 on", () => {
    const divisor = (fn: BinaryFn, dividend: Value, by: Value): number | undefined => {
      const value = known.binary(fn, dividend, by);
      return value.kind === "binary" ? constantDivisor(value) : undefined;
    };
    const number = (value: number) => known.constant(value, "int32");
    expect(divisor("div", of(x), number(3))).toBe(3);
    expect(divisor("mod", of(x), number(3))).toBe(3);
    expect(divisor("div", of(x), number(1))).toBe(1);
    expect(divisor("div", of(x), number(0))).toBeUndefined();
    expect(divisor("div", of(x), number(-3))).toBeUndefined();
    expect(divisor("div", of(x), of(y))).toBeUndefined();
    expect(divisor("add", of(x), number(3))).toBeUndefined();
    expect(divisor("div", of(binary("sub", x, int(1))), number(3))).toBeUndefined();
    const float = (value: number) => known.constant(value, "float32");
    expect(divisor("div", float(5), float(2))).toBeUndefined();
  });
});
