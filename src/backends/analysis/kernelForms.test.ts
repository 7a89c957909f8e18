// Kernels of one form differ only in their buffers; kernels that differ in anything else have different forms.
import { describe, expect, it } from "vitest";
import type { BufferInfo, Kernel, LoopKernel, Program, Statement } from "../../compiler/kernel.ts";
import * as scalar from "../../graph/scalar.ts";
import { formsOf } from "./kernelForms.ts";

const length = 32;

function programOf(...kernels: readonly Kernel[]): Program {
  const buffers = Array.from(
    { length: 6 },
    (_, id): BufferInfo => ({
      id,
      name: `b${id}`,
      dtype: id === 5 ? "float64" : "float32",
      length,
      placement: { kind: "argument", slot: id },
    }),
  );
  return { name: "test", buffers, kernels, checks: [], argumentCount: 6, windowCount: 0, arenaBytes: 0 };
}

/** One statement for each of 8 rows, of values from `at` in buffer `from`. */
function kernel(
  statement: (value: scalar.Scalar, row: scalar.Scalar, inner: scalar.Axis) => readonly Statement[],
  { from = 0, at = 0, extent = 4 } = {},
): LoopKernel {
  const axis = scalar.newAxis(8);
  const inner = scalar.newAxis(extent);
  const row = scalar.axisValue(axis);
  const index = scalar.add(scalar.add(scalar.mul(row, scalar.int(2)), scalar.axisValue(inner)), scalar.int(at));
  const value = scalar.load(from, index, from === 5 ? "float64" : "float32");
  return { kind: "loops", name: `${from} ${at}`, axes: [axis], body: statement(value, row, inner) };
}

const sum =
  (to: number, more: { readonly combine?: "sum" | "max"; readonly parts?: true; readonly accumulate?: true } = {}) =>
  (value: scalar.Scalar, index: scalar.Scalar, inner: scalar.Axis): readonly Statement[] => {
    const { combine = "sum", accumulate, ...rest } = more;
    const local = scalar.newLocal(value.dtype);
    const stored = { kind: "store", buffer: to, index, value: scalar.localValue(local) } as const;
    return [
      { kind: "reduce", local, combine, axes: [inner], value, ...rest },
      accumulate ? { ...stored, accumulate } : stored,
    ];
  };

describe("formsOf", () => {
  it("gives kernels that differ in their buffers, or in where they lie in them, one form, and says where", () => {
    const forms = formsOf(programOf(kernel(sum(1)), kernel(sum(3), { from: 2, at: 5 }), kernel(sum(0), { from: 4 })));
    expect(new Set(forms.map(({ form }) => form)).size).toBe(1);
    expect(forms.map(({ operands }) => operands.map(({ buffer, start }) => [buffer, start]))).toEqual([
      [
        [0, 0],
        [1, 0],
      ],
      [
        [2, 5],
        [3, 0],
      ],
      [
        [4, 0],
        [0, 0],
      ],
    ]);
  });

  it("tells apart whatever else differs: extents, dtypes, functions, flags, constants, what is read and written at once", () => {
    const scaled = (factor: number) => (value: scalar.Scalar, row: scalar.Scalar, inner: scalar.Axis) =>
      sum(1)(scalar.mul(value, scalar.constant(factor, "float32")), row, inner);
    const kernels = [
      kernel(sum(1)),
      kernel(sum(1), { extent: 5 }),
      kernel(sum(1), { from: 5 }),
      kernel(sum(0)),
      kernel(sum(1, { combine: "max" })),
      kernel(sum(1, { parts: true })),
      kernel(sum(1, { accumulate: true })),
      kernel(scaled(0)),
      kernel(scaled(-0)),
      kernel(scaled(2)),
      kernel((value, row, inner) => [
        { kind: "for", axes: [inner], order: "sequential", body: [{ kind: "store", buffer: 1, index: row, value }] },
      ]),
      kernel((value, row, inner) => [
        { kind: "for", axes: [inner], order: "parallel", body: [{ kind: "store", buffer: 1, index: row, value }] },
      ]),
      kernel((value, index, axis) => [{ kind: "scan", combine: "sum", axis, buffer: 1, index, value }]),
    ];
    expect(new Set(formsOf(programOf(...kernels)).map(({ form }) => form)).size).toBe(kernels.length);
  });
});

describe("a form", () => {
  const rows = scalar.newAxis(8);
  const row = scalar.axisValue(rows);
  const loops = (body: readonly Statement[], axes: readonly scalar.Axis[] = [rows]): LoopKernel => ({
    kind: "loops",
    name: "kernel",
    axes,
    body,
  });
  const read = (at: scalar.Scalar, from = 0): scalar.Scalar => scalar.load(from, at, "float32");
  const store = (value: scalar.Scalar, to = 1, index: scalar.Scalar = row): Statement => ({
    kind: "store",
    buffer: to,
    index,
    value,
  });
  const formsCount = (...kernels: readonly Kernel[]): number =>
    new Set(formsOf(programOf(...kernels)).map(({ form }) => form)).size;

  it("has the part of each buffer that is reached, and all of one that may be left", () => {
    const reached = (...places: readonly scalar.Scalar[]) => {
      const value = places.map((place) => read(place)).reduce(scalar.add);
      const [formed] = formsOf(programOf(loops([store(value, 1, scalar.add(row, scalar.int(10)))])));
      return formed?.operands.map(({ buffer, start }, place) => [buffer, start, formed.form.buffers[place]?.length]);
    };
    const from = (start: number): scalar.Scalar => scalar.add(row, scalar.int(start));
    const written = [1, 10, 8];
    expect(reached(from(0))).toEqual([[0, 0, 8], written]);
    expect(reached(from(3))).toEqual([[0, 3, 8], written]);
    expect(reached(from(20), from(4), from(7))).toEqual([[0, 4, 24], written]);
    expect(reached(from(4), from(20))).toEqual([[0, 4, 24], written]);
    expect(reached(from(24))).toEqual([[0, 24, 8], written]);
    expect(reached(from(25))).toEqual([[0, 0, 32], written]);
    expect(reached(from(-1))).toEqual([[0, 0, 32], written]);
    expect(reached(from(5), from(-1))).toEqual([[0, 0, 32], written]);
  });

  it("is of buffers of one type and, where all of them counts, one length", () => {
    const value = (from: number): scalar.Scalar =>
      scalar.cast(scalar.load(from, row, from === 5 ? "float64" : "float32"), "int32");
    expect(formsCount(loops([store(value(0))]), loops([store(value(2))]))).toBe(1);
    expect(formsCount(loops([store(value(0))]), loops([store(value(5))]))).toBe(2);
    const beyond = (from: number) => loops([store(read(scalar.add(row, scalar.int(30)), from))]);
    const program = programOf(beyond(0), beyond(2), beyond(3));
    const buffers = program.buffers.map((buffer) => (buffer.id === 3 ? { ...buffer, length: 35 } : buffer));
    const [first, second, third] = formsOf({ ...program, buffers }).map(({ form }) => form);
    expect(first).toBe(second);
    expect(first).not.toBe(third);
  });

  it("knows axes, locals and parts from one another", () => {
    const [a, b] = [scalar.newAxis(4), scalar.newAxis(4)];
    const [x, y] = [scalar.axisValue(a), scalar.axisValue(b)];
    const place = (high: scalar.Scalar, low: scalar.Scalar) => scalar.add(scalar.mul(high, scalar.int(4)), low);
    const copy = (from: scalar.Scalar, to: scalar.Scalar) => loops([store(read(from), 1, to)], [a, b]);
    expect(
      formsCount(copy(place(x, y), place(x, y)), copy(place(y, x), place(x, y)), copy(place(y, x), place(y, x))),
    ).toBe(3);
    const [one, other] = [read(row), read(row, 2)];
    const product = scalar.mul(one, other);
    const values = [one, other, product].flatMap((part) => [
      store(scalar.binary("div", product, part)),
      store(scalar.binary("div", part, product)),
    ]);
    expect(formsCount(...values.map((value) => loops([value])))).toBe(5);
    const bind = (value: scalar.Scalar) => ({ kind: "let", local: scalar.newLocal("float32"), value }) as const;
    const named = (which: 0 | 1) => {
      const lets = [bind(one), bind(other)] as const;
      return loops([...lets, store(scalar.localValue(lets[which].local))]);
    };
    expect(formsCount(named(0), named(0), named(1))).toBe(2);
  });

  it("knows loops from what follows them, and all that they hold", () => {
    const axis = scalar.newAxis(3);
    const nest = (...body: readonly Statement[]): Statement => ({
      kind: "for",
      axes: [axis],
      order: "sequential",
      body,
    });
    const [one, other] = [store(read(row)), store(read(row), 2)];
    expect(formsCount(loops([nest(one), other]), loops([nest(one, other)]))).toBe(2);
    expect(formsCount(loops([nest(one)]), loops([nest(store(scalar.unary("neg", read(row))))]))).toBe(2);
    const constant = store(scalar.constant(1, "float32"), 1, scalar.int(0));
    expect(formsCount(loops([constant], [rows]), loops([constant], [scalar.newAxis(9)]))).toBe(2);
  });

  it("knows running sums, checks, and what they check", () => {
    const axis = scalar.newAxis(4);
    const at = scalar.axisValue(axis);
    const scan = (combine: "sum" | "max"): Statement => ({
      kind: "scan",
      combine,
      axis,
      buffer: 1,
      index: at,
      value: read(at),
    });
    expect(formsCount(loops([scan("sum")]), loops([scan("sum")]), loops([scan("max")]))).toBe(2);
    const check = (site: number, extent: number, places = axis): Statement => {
      const index = scalar.load(0, scalar.axisValue(places), "int32");
      const holds = scalar.binary("lt", scalar.load(0, scalar.int(0), "int32"), scalar.int(5));
      return { kind: "check", site, holds, axes: [places], index, place: scalar.axisValue(places), extent };
    };
    const kernels = [check(0, 5), check(0, 5), check(1, 5), check(0, 6), check(0, 5, scalar.newAxis(3))];
    expect(formsCount(...kernels.map((one) => loops([one])))).toBe(4);
  });

  it("knows products by their extents, operands, result and epilogue", () => {
    const made = ({ m = 2, k = 3, bare = false, from = 0, dtype = "float32" as const, scale = 1 } = {}): Kernel => {
      const [rowsOf, columns, inner] = [scalar.newAxis(m), scalar.newAxis(4), scalar.newAxis(k)];
      const result = scalar.newLocal(dtype);
      const sum = scalar.localValue(result);
      const value = scalar.mul(sum, scalar.constant(scale, "float32"));
      const index = scalar.add(scalar.mul(scalar.axisValue(rowsOf), scalar.int(4)), scalar.axisValue(columns));
      return {
        kind: "contraction",
        name: "product",
        dtype,
        batch: [],
        m: [rowsOf],
        n: [columns],
        k: [inner],
        a: bare ? scalar.constant(1, "float32") : read(scalar.axisValue(inner), from),
        b: scalar.constant(2, "float32"),
        result,
        epilogue: [store(value, 1, index)],
      };
    };
    expect(formsCount(made(), made(), made({ from: 2 }))).toBe(1);
    expect(formsCount(made(), made({ k: 4 }), made({ bare: true }), made({ scale: 3 }))).toBe(4);
    expect(formsCount(made({ bare: true }), made({ bare: true, k: 4 }))).toBe(2);
    expect(formsCount(made({ m: 2 }), made({ m: 3 }))).toBe(2);
  });

  it("is found at once where parts are shared again and again", () => {
    let deep = read(row);
    for (let level = 0; level < 60; level++) deep = scalar.add(deep, deep);
    expect(formsCount(loops([store(deep)]))).toBe(1);
  });
});
