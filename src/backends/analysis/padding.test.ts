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
  sub,
  unary,
} from "../../graph/scalar.ts";
import { tableOf } from "./operand.ts";
import { type PaddedDim, paddedDims, walkOf } from "./padding.ts";

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

  it("beside conditions that bound no axis on its own", () => {
    const others = [
      unary("not", binary("eq", inside, zero)),
      binary("lt", row, column),
      binary("lt", binary("mod", column, int(2)), int(1)),
      binary("lt", inside, constant(3, "float32")),
      binary("lt", sub(row, row), int(-1)),
      compare("le", mul(row, int(2)), 3),
      binary("eq", row, int(1)),
    ];
    const [one, rest] = [compare("lt", column, 7), others.reduce(and)];
    const expected = [whole, { stride: 1, extent: 8, first: 0, end: 7 }];
    expect(found(and(one, rest))).toEqual(expected);
    expect(found(and(rest, one))).toEqual(expected);
    expect(found(rest)).toBeUndefined();
  });

  it("whose steps are 1 after all, or which begins with one zero", () => {
    expect(found(compare("ge", sub(add(column, row), row), 1))).toEqual([
      whole,
      { stride: 1, extent: 8, first: 1, end: 8 },
    ]);
  });

  it("in whatever order loops run, of one and of two steps too", () => {
    const [images, pair, one] = [newAxis(4), newAxis(2), newAxis(1)];
    const place = add(mul(axisValue(images), int(16)), add(mul(column, int(2)), axisValue(pair)));
    const value = select(and(compare("lt", axisValue(pair), 1), compare("ge", column, 3)), inside, zero);
    const dims = [
      { stride: 16, extent: 4, first: 0, end: 4 },
      { stride: 2, extent: 8, first: 3, end: 8 },
      { stride: 1, extent: 2, first: 0, end: 1 },
    ];
    for (const axes of [
      [images, columns, pair],
      [columns, one, images, pair],
      [pair, columns, images],
      [columns, pair, images, one],
    ]) {
      const kernel: Kernel = { kind: "loops", name: "pad", axes, body: [store(value, place)] };
      expect(paddedDims(kernel, 0, 64)).toEqual(dims);
      const [outer, ...inner] = axes as [(typeof axes)[0], ...typeof axes];
      const nest: Statement = { kind: "for", axes: inner, order: "parallel", body: [store(value, place)] };
      expect(paddedDims({ kind: "loops", name: "pad", axes: [outer], body: [nest] }, 0, 64)).toEqual(dims);
    }
  });

  it("in the buffer that is asked for, of several", () => {
    const other: Statement = {
      kind: "store",
      buffer: 2,
      index,
      value: select(compare("lt", column, 5), inside, zero),
    };
    const local = newLocal("float32");
    const sum: Statement = { kind: "reduce", local, combine: "sum", axes: [newAxis(3)], value: inside };
    const kernel = kernelOf(other, sum, store(select(compare("lt", row, 2), inside, zero)));
    expect(paddedDims(kernel, 0, 40)).toEqual([
      { ...whole, end: 2 },
      { stride: 1, extent: 8, first: 0, end: 8 },
    ]);
    expect(paddedDims(kernel, 2, 40)).toEqual([whole, { stride: 1, extent: 8, first: 0, end: 5 }]);
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
    ["an axis is not a part of the place", kernelOf(store(one, mul(column, int(5)))), 40],
    ["places are looked up", kernelOf(store(one, binary("mod", index, int(40)))), 40],
    ["sums run through it", kernelOf({ kind: "scan", combine: "sum", axis: rows, buffer: 0, index, value: one }), 40],
    [
      "a product fills it",
      {
        kind: "contraction",
        name: "product",
        dtype: "float32",
        ...{ batch: [], m: [rows], n: [columns], k: [] },
        ...{ a: inside, b: inside, result: newLocal("float32"), epilogue: [store(one)] },
      },
      40,
    ],
    ["a sum is stored", kernelOf(store(localValue(newLocal("float32")))), 40],
    ["the rest is read too", kernelOf(store(select(compare("lt", column, 3), inside, inside))), 40],
    ["values are added", kernelOf({ kind: "store", buffer: 0, index, value: one, accumulate: true }), 40],
    ["another buffer is meant", kernelOf({ kind: "store", buffer: 2, index, value: one }), 40],
  ])("%s", (_, kernel, length) => expect(paddedDims(kernel, 0, length)).toBeUndefined());
});

describe("a walk through dimensions of 4, 5 and 6", () => {
  const dims: readonly PaddedDim[] = [
    { stride: 30, extent: 4, first: 0, end: 4 },
    { stride: 6, extent: 5, first: 1, end: 5 },
    { stride: 1, extent: 6, first: 0, end: 4 },
  ];
  const placeOf = (offset: number): number[] =>
    dims.map(({ stride, extent }) => Math.floor(offset / stride) % (stride === 30 ? 1000 : extent));
  const [a, b] = [newAxis(3), newAxis(2)];
  const walk = (offset: number, alongA: number, alongB: number) =>
    walkOf(
      {
        buffer: 0,
        offset,
        dtype: "float32",
        strideOf: (axis) => (axis === a ? alongA : axis === b ? alongB : 0),
      },
      [a, b],
      dims,
    );

  it("is known where each step is one step in each dimension, at every point", () => {
    let known = 0;
    for (let offset = -7; offset < 125; offset++)
      for (const [alongA, alongB] of [
        [1, 6],
        [6, 30],
        [7, 1],
        [0, 2],
        [31, 3],
        [2, 36],
        [0, 0],
        [-1, 6],
        [-30, 0],
        [6, -1],
      ] as const) {
        const found = walk(offset, alongA, alongB);
        const start = placeOf(offset);
        const steps = [alongA, alongB].map(placeOf);
        const at = (i: number, j: number) =>
          start.map((first, k) => first + i * (steps[0]?.[k] ?? 0) + j * (steps[1]?.[k] ?? 0));
        const within =
          offset >= 0 && alongA >= 0 && alongB >= 0 && at(2, 1).every((place, k) => place < (dims[k]?.extent ?? 0));
        expect([offset, alongA, alongB, found !== undefined]).toEqual([offset, alongA, alongB, within]);
        if (found === undefined) continue;
        known++;
        expect(found.start).toEqual(start);
        expect([found.stepOf(a), found.stepOf(b), found.stepOf(newAxis(9))]).toEqual([...steps, [0, 0, 0]]);
        const offsets = tableOf([
          { extent: 3, stride: alongA },
          { extent: 2, stride: alongB },
        ]);
        offsets.forEach((by, k) => {
          expect(at(Math.floor(k / 2), k % 2)).toEqual(placeOf(offset + by));
        });
      }
    expect(known).toBeGreaterThan(200);
  });
});
