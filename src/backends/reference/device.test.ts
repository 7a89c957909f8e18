// The reference backend against figures worked out by hand and from tables.
import { describe, expect, it } from "vitest";
import type { Kernel, Program, Statement } from "../../compiler/kernel.ts";
import { printProgram } from "../../compiler/print.ts";
import type { ElementType, TypedArray } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
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
  mul,
  newAxis,
  newLocal,
  type Scalar,
  select,
  type UnaryFn,
  unary,
} from "../../graph/scalar.ts";
import { createReferenceDevice } from "./index.ts";

/** Runs kernels over argument buffers; returns the last buffer. */
function run(kernels: readonly Kernel[], arrays: readonly { dtype: ElementType; data: TypedArray }[]) {
  const program: Program = {
    name: "test",
    buffers: arrays.map(({ dtype, data }, id) => ({
      id,
      name: `x${id}`,
      dtype,
      length: data.length,
      placement: { kind: "argument", slot: id },
    })),
    kernels,
    checks: [],
    argumentCount: arrays.length,
    windowCount: 0,
    arenaBytes: 0,
  };
  const device = createReferenceDevice();
  const blocks = arrays.map(({ data }) => {
    const block = device.allocate(data.byteLength);
    device.write(block, data);
    return block;
  });
  const executable = device.compile(program);
  const failure = executable.run(blocks);
  const last = arrays.length - 1;
  const [block, array] = [blocks[last], arrays[last]];
  if (!block || !array) throw new Error("no buffers");
  return { failure, values: [...device.read(block, array.dtype, array.data.length)], program };
}

const f64 = (...data: number[]) => ({ dtype: "float64" as const, data: new Float64Array(data) });
const f32 = (...data: number[]) => ({ dtype: "float32" as const, data: new Float32Array(data) });
const i32 = (...data: number[]) => ({ dtype: "int32" as const, data: new Int32Array(data) });

const loops = (axes: Axis[], body: Statement[]): Kernel => ({ kind: "loops", name: "k", axes, body });

/** One scalar expression without loads, stored as `dtype`. */
function evaluate(value: Scalar): number | undefined {
  const dtype = value.dtype === "bool" ? "uint8" : value.dtype;
  const out = {
    float32: f32(0),
    float64: f64(0),
    int32: i32(0),
    int16: { dtype: "int16" as const, data: new Int16Array(1) },
    int8: { dtype: "int8" as const, data: new Int8Array(1) },
    uint16: { dtype: "uint16" as const, data: new Uint16Array(1) },
    uint8: { dtype: "uint8" as const, data: new Uint8Array(1) },
  }[dtype];
  return run([loops([], [{ kind: "store", buffer: 0, index: int(0), value }])], [out]).values[0];
}
const fn1 = (fn: UnaryFn, x: number, dtype: ElementType = "float64") => evaluate(unary(fn, constant(x, dtype)));
const fn2 = (fn: BinaryFn, a: number, b: number, dtype: ElementType = "float64") =>
  // `binary` folds int constants; the cast prevents that.
  evaluate(binary(fn, cast(constant(a, "float64"), dtype), cast(constant(b, "float64"), dtype)));

describe("scalar functions", () => {
  it("erf agrees with tables to a few ulp", () => {
    // Abramowitz and Stegun, table 7.1, and mpmath to 17 digits.
    const table: [number, number][] = [
      [1e-10, 1.1283791670955126e-10],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [1.9, 0.9927904292352575],
      [2, 0.9953222650189527],
      [2.1, 0.997020533343667],
      [3, 0.9999779095030014],
      [5, 0.9999999999984626],
      [7, 1],
    ];
    for (const [x, y] of table) {
      expect(Math.abs((fn1("erf", x) ?? Number.NaN) / y - 1), `erf(${x})`).toBeLessThan(1e-15);
      expect(fn1("erf", -x)).toBe(-(fn1("erf", x) ?? 0));
    }
    expect(fn1("erf", Number.NaN)).toBeNaN();
    expect(fn1("erf", -0)).toBe(-0);
    expect(fn1("erf", Number.NEGATIVE_INFINITY)).toBe(-1);
  });

  it("sigmoid does not overflow", () => {
    expect(fn1("sigmoid", -1e4)).toBe(0);
    expect(fn1("sigmoid", 1e4)).toBe(1);
    expect(fn1("sigmoid", -720)).toBeGreaterThan(0);
  });

  it("rounds half to even and keeps signed zero", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 1e300].map((x) => fn1("round", x))).toEqual([0, 2, 2, -0, -2, 1e300]);
    expect(fn1("round", -0)).toBe(-0);
    expect(fn1("round", 0.49999999999999994)).toBe(0);
  });

  it("rounds to float32 after each operation", () => {
    expect(fn2("add", 1, 2 ** -25, "float32")).toBe(1);
    expect(fn1("exp", 1, "float32")).toBe(Math.fround(Math.E));
  });

  it("wraps integers, and divides them as documented", () => {
    expect(fn2("add", 2147483647, 1, "int32")).toBe(-2147483648);
    expect(fn2("mul", 65537, 65537, "int32")).toBe(131073);
    expect(fn2("div", -7, 2, "int32")).toBe(-3);
    expect(fn2("div", 7, 0, "int32")).toBe(0);
    expect(fn2("mod", -7, 3, "int32")).toBe(2);
    expect(fn2("mod", 7, 0, "int32")).toBe(0);
    expect(fn2("div", -2147483648, -1, "int32")).toBe(-2147483648);
    expect(fn2("add", 200, 100, "uint8")).toBe(44);
    expect(fn2("pow", 3, 20, "int32")).toBe((3 ** 20) | 0);
    expect(fn2("shr", -1, 28, "int32")).toBe(15);
    expect(fn1("neg", -2147483648, "int32")).toBe(-2147483648);
  });

  it("takes the divisor's sign in mod and propagates NaN in min and max", () => {
    expect(fn2("mod", -5, 3)).toBe(1);
    expect(fn2("mod", 5, -3)).toBe(-1);
    expect(fn2("mod", 5, Number.POSITIVE_INFINITY)).toBe(5);
    expect(fn2("max", Number.NaN, 1)).toBeNaN();
    expect(fn2("min", 1, Number.NaN)).toBeNaN();
    expect(fn2("pow", 1, Number.NaN)).toBe(1);
  });

  it("casts by value, bitcasts by bits", () => {
    expect(evaluate(cast(constant(1e20, "float64"), "int32"))).toBe(2147483647);
    expect(evaluate(cast(constant(-2.9, "float64"), "int32"))).toBe(-2);
    expect(evaluate(cast(constant(Number.NaN, "float64"), "int32"))).toBe(0);
    expect(evaluate(cast(constant(-1, "float64"), "uint8"))).toBe(255);
    expect(evaluate(cast(constant(Number.NaN, "float64"), "bool"))).toBe(1);
    expect(evaluate(bitcast(constant(1, "float32"), "int32"))).toBe(0x3f800000);
    expect(evaluate(bitcast(int(0x40490fdb), "float32"))).toBe(Math.fround(Math.PI));
  });
});

describe("kernels", () => {
  it("reduces in double and rounds once", () => {
    const i = newAxis(3);
    const sum = newLocal("float32");
    const kernel = loops(
      [],
      [
        { kind: "reduce", local: sum, combine: "sum", axes: [i], value: load(0, axisValue(i), "float32") },
        { kind: "store", buffer: 1, index: int(0), value: localValue(sum) },
      ],
    );
    expect(run([kernel], [f32(2 ** 24, 1, -(2 ** 24)), f32(0)]).values).toEqual([1]);
  });

  it("gives identities for empty axes", () => {
    const body = (["sum", "prod", "max", "min"] as const).flatMap((combine, place): Statement[] => {
      const local = newLocal("int32");
      return [
        { kind: "reduce", local, combine, axes: [newAxis(0)], value: int(7) },
        { kind: "store", buffer: 0, index: int(place), value: localValue(local) },
      ];
    });
    expect(run([loops([], body)], [i32(9, 9, 9, 9)]).values).toEqual([0, 1, -2147483648, 2147483647]);
  });

  it("scans, and scatters in order", () => {
    const i = newAxis(4);
    const scan = loops(
      [],
      [
        {
          kind: "scan",
          combine: "sum",
          axis: i,
          value: load(0, axisValue(i), "int32"),
          buffer: 1,
          index: axisValue(i),
        },
        {
          kind: "for",
          axes: [i],
          order: "sequential",
          body: [{ kind: "store", buffer: 1, index: int(0), value: load(0, axisValue(i), "int32"), accumulate: true }],
        },
      ],
    );
    expect(run([scan], [i32(1, 2, 3, 4), i32(0, 0, 0, 0)]).values).toEqual([11, 3, 6, 10]);
  });

  it("contracts with an epilogue", () => {
    const [m, n, k] = [newAxis(2), newAxis(2), newAxis(3)];
    const result = newLocal("float64");
    const kernel: Kernel = {
      kind: "contraction",
      name: "mm",
      dtype: "float64",
      batch: [],
      m: [m],
      n: [n],
      k: [k],
      a: load(0, add(mul(axisValue(m), int(3)), axisValue(k)), "float64"),
      b: load(1, add(mul(axisValue(k), int(2)), axisValue(n)), "float64"),
      result,
      epilogue: [
        {
          kind: "store",
          buffer: 2,
          index: add(mul(axisValue(m), int(2)), axisValue(n)),
          value: add(localValue(result), constant(0.5, "float64")),
        },
      ],
    };
    const { values, program } = run([kernel], [f64(1, 2, 3, 4, 5, 6), f64(1, 0, 0, 1, 1, 1), f64(0, 0, 0, 0)]);
    expect(values).toEqual([4.5, 5.5, 10.5, 11.5]);
    expect(printProgram(program)).toContain("contraction f64");
  });

  it("does not evaluate the branch not taken", () => {
    const i = newAxis(3);
    const inside = binary("lt", axisValue(i), int(2));
    const kernel = loops(
      [i],
      [
        {
          kind: "store",
          buffer: 1,
          index: axisValue(i),
          value: select(inside, load(0, axisValue(i), "float64"), constant(-1, "float64")),
        },
      ],
    );
    expect(run([kernel], [f64(5, 6), f64(0, 0, 0)]).values).toEqual([5, 6, -1]);
  });

  it("replaces an out-of-range guarded index by 0, and throws on an unguarded one", () => {
    const at = load(0, int(0), "int32");
    const store = (index: Scalar) => loops([], [{ kind: "store", buffer: 1, index, value: int(1) }]);
    expect(run([store(guard(at, 2))], [i32(5), i32(0, 0)]).values).toEqual([1, 0]);
    expect(run([store(guard(at, 2))], [i32(-1), i32(0, 0)]).values).toEqual([1, 0]);
    expect(run([store(guard(at, 2))], [i32(1), i32(0, 0)]).values).toEqual([0, 1]);
    expect(() => run([store(at)], [i32(5), i32(0, 0)])).toThrow("outside buffer 1");
  });

  it("reports the first check that fails", () => {
    const at = load(0, int(0), "int32");
    const check = (site: number, extent: number) =>
      loops(
        [],
        [
          {
            kind: "check",
            site,
            holds: binary("lt", at, int(extent)),
            axes: [],
            index: at,
            place: int(site + 3),
            extent,
          },
        ],
      );
    expect(run([check(0, 6)], [i32(5)]).failure).toBeUndefined();
    expect(run([check(0, 6), check(1, 5), check(2, 4)], [i32(5)]).failure).toEqual({ site: 1, index: 5, place: 4 });
  });
});

it("accounts for its memory", () => {
  const device = createReferenceDevice();
  const block = device.allocate(12);
  expect(device.memory().liveBytes).toBe(12);
  device.free(block);
  expect(device.memory().liveBytes).toBe(0);
  expect(() => device.free(block)).toThrow("was freed");
});
