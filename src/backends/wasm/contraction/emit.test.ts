// Contractions against a plain triple loop: partial tiles, strides of every kind, epilogues, threads.
import { describe, expect, test } from "vitest";
import { type Layout, matrices, placeOf, type Shape } from "../../../../test/contraction/kernels.ts";
import type { ContractionKernel, Product, Program, Statement } from "../../../compiler/kernel.ts";
import { allocate, byteSize, type ElementType, type TypedArray } from "../../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  cast,
  constant,
  int,
  load,
  localValue,
  newAxis,
  newLocal,
  type Scalar,
  select,
  unary,
} from "../../../graph/scalar.ts";
import { createWasmDevice, type WasmDevice } from "../device.ts";

type Values = (result: Scalar, out: Scalar, axes: Axes) => readonly Statement[];
type Axes = Pick<Product, "batch" | "m" | "n" | "k">;

const device = createWasmDevice({ threads: 1 });
const [A, B, OUT, BIAS, STATE] = [0, 1, 2, 3, 4];

const extents = ({ batch, m, n, k }: Shape): number[] => [...batch, ...m, ...n, ...k];
/** The number of elements from the first to the last. */
const reach = (shape: Shape, strides: readonly number[]): number =>
  strides.reduce((sum, stride, at) => sum + Math.max(0, stride) * ((extents(shape)[at] ?? 1) - 1), 1);

interface Options {
  readonly dtype?: ElementType;
  readonly epilogue?: Values;
  /** The factor computed from the load of a; default: the load itself. */
  readonly prologue?: (value: Scalar, axes: Axes) => Scalar;
  readonly aType?: ElementType;
  readonly data?: (length: number, dtype: ElementType, salt: number) => TypedArray;
  readonly on?: WasmDevice;
}

/** Small integers, so that every sum is exact in any order. */
function integers(length: number, dtype: ElementType, salt: number): TypedArray {
  const values = allocate(dtype, length);
  for (let i = 0; i < length; i++) {
    const mixed = Math.imul(i + salt * 7919, 0x9e3779b1) >>> 16;
    values[i] = dtype === "uint8" ? mixed % 5 : (mixed % 7) - 3;
  }
  return values;
}

interface Outcome {
  readonly out: TypedArray;
  readonly state: TypedArray;
  readonly inputs: { readonly a: TypedArray; readonly b: TypedArray; readonly bias: TypedArray };
}

function run(shape: Shape, options: Options = {}): Outcome {
  const { dtype = "float32", data = integers, on = device } = options;
  const aType = options.aType ?? dtype;
  const axes: Axes = {
    batch: shape.batch.map(newAxis),
    m: shape.m.map(newAxis),
    n: shape.n.map(newAxis),
    k: shape.k.map(newAxis),
  };
  const all = [...axes.batch, ...axes.m, ...axes.n, ...axes.k];
  const result = newLocal(dtype);
  const outAt = placeOf(all, shape.out);
  const read = load(A, placeOf(all, shape.a, shape.aOffset), aType);
  const kernel: ContractionKernel = {
    kind: "contraction",
    name: "product",
    dtype,
    ...axes,
    a: options.prologue ? options.prologue(read, axes) : read,
    b: load(B, placeOf(all, shape.b), dtype),
    result,
    epilogue: options.epilogue
      ? options.epilogue(localValue(result), outAt, axes)
      : [{ kind: "store", buffer: OUT, index: outAt, value: localValue(result) }],
  };
  const lengths = [
    reach(shape, shape.a) + (shape.aOffset ?? 0),
    reach(shape, shape.b),
    reach(shape, shape.out),
    Math.max(1, ...extents(shape)) * 4,
    reach(shape, shape.out),
  ];
  const types = [aType, dtype, dtype, dtype, dtype];
  const program: Program = {
    name: "test",
    buffers: lengths.map((length, slot) => ({
      id: slot,
      name: `b${slot}`,
      dtype: types[slot] ?? dtype,
      length,
      placement: { kind: "argument", slot },
    })),
    kernels: [kernel],
    checks: [],
    argumentCount: lengths.length,
    windowCount: 0,
    arenaBytes: 0,
  };
  const arrays = lengths.map((length, slot) => data(length, types[slot] ?? dtype, slot + 1));
  const blocks = arrays.map((array) => on.allocate(array.length * byteSize(dtype)));
  blocks.forEach((block, slot) => {
    on.write(block, arrays[slot] ?? new Float32Array());
  });
  const executable = on.compile(program);
  expect(executable.run(blocks)).toBeUndefined();
  const [out, state] = [OUT, STATE].map((slot) => {
    const block = blocks[slot];
    if (block === undefined) throw new Error("no such block");
    return on.read(block, dtype, lengths[slot] ?? 0);
  });
  executable.release();
  for (const block of blocks) on.free(block);
  const [a, b, , bias] = arrays;
  if (!a || !b || !bias || !out || !state) throw new Error("an array is missing");
  return { out, state, inputs: { a, b, bias } };
}

/** Visits each element of the result: its offset, its sum, and its indices in batch, m and n. */
function eachResult(
  shape: Shape,
  { inputs: { a, b } }: Outcome,
  visit: (at: number, sum: number, magnitude: number, index: readonly number[]) => void,
  factor: (value: number, index: readonly number[]) => number = (value) => value,
): void {
  const sizes = extents(shape);
  const kept = sizes.length - shape.k.length;
  const index = new Array<number>(sizes.length).fill(0);
  const dot = (strides: readonly number[], count: number): number => {
    let sum = 0;
    for (let axis = 0; axis < count; axis++) sum += (strides[axis] ?? 0) * (index[axis] ?? 0);
    return sum;
  };
  let [sum, magnitude] = [0, 0];
  const walk = (axis: number): void => {
    if (axis === kept) [sum, magnitude] = [0, 0];
    if (axis === sizes.length) {
      const product = factor(a[dot(shape.a, axis) + (shape.aOffset ?? 0)] ?? 0, index) * (b[dot(shape.b, axis)] ?? 0);
      sum += product;
      magnitude += Math.abs(product);
    } else {
      for (let at = 0; at < (sizes[axis] ?? 0); at++) {
        index[axis] = at;
        walk(axis + 1);
      }
    }
    if (axis === kept) visit(dot(shape.out, kept), sum, magnitude, index.slice(0, kept));
  };
  walk(0);
}

/** Expects the result to equal the plain sums exactly. */
function expectExact(shape: Shape, options: Options = {}, of: (sum: number) => number = (sum) => sum): void {
  const outcome = run(shape, options);
  const wrong: string[] = [];
  eachResult(shape, outcome, (at, sum, _, index) => {
    if (outcome.out[at] !== of(sum)) wrong.push(`[${index}]: ${outcome.out[at]}, not ${of(sum)}`);
  });
  expect(wrong.slice(0, 5)).toEqual([]);
}

const layouts: readonly Layout[] = ["nn", "nt", "tn", "tt"];

describe("matrices of every size and layout", () => {
  const sizes = [1, 2, 3, 5, 7, 8, 9, 13, 33, 127];
  let salt = 1;
  const pick = (): number => sizes[(Math.imul(salt++, 0x9e3779b1) >>> 12) % sizes.length] ?? 1;
  const cases = Array.from({ length: 60 }, (_, at) => [pick(), pick(), pick(), layouts[at % 4] ?? "nn"] as const);
  test.each(cases)("%i × %i, k = %i, %s", (m, n, k, layout) => expectExact(matrices(m, n, k, layout)));

  test.each(layouts)("300 × 77, k = 13, %s", (layout) => expectExact(matrices(300, 77, 13, layout)));
  test.each(layouts)("130 × 140, k = 150, %s: all four sizes of tiles, packed", (layout) =>
    expectExact(matrices(131, 141, 150, layout)),
  );
  test.each(layouts)("k = 1031, %s: sums in blocks, the last one shorter", (layout) =>
    expectExact(matrices(70, 45, 1031, layout)),
  );
  test.each(layouts)("k = 6000 and 4999 (a prime), %s: few results of long sums", (layout) => {
    expectExact(matrices(9, 11, 6000, layout));
    expectExact(matrices(3, 10, 4999, layout));
  });
  test.each(layouts)("a row, a column, %s", (layout) => {
    expectExact(matrices(1, 130, 70, layout));
    expectExact(matrices(130, 1, 70, layout));
    expectExact(matrices(1, 1, 700, layout));
    expectExact(matrices(2, 67, 1030, layout));
  });
  test.each(layouts)("batches of 5, %s", (layout) => {
    expectExact(matrices(9, 17, 20, layout, 5));
    expectExact(matrices(64, 64, 32, layout, 5));
  });

  test.each(["float64", "int32", "uint8"] as const)("%s", (dtype) => {
    for (const layout of layouts) {
      expectExact(matrices(13, 19, 23, layout), { dtype }, (sum) => (dtype === "uint8" ? sum & 255 : sum));
      expectExact(matrices(40, 30, 600, layout), { dtype }, (sum) => (dtype === "uint8" ? sum & 255 : sum));
    }
  });

  test("an empty sum is 0; an empty result is empty", () => {
    const empty = run(matrices(3, 5, 0));
    expect([...empty.out]).toEqual(new Array(15).fill(0));
    expect(run(matrices(0, 5, 4)).out.length).toBeGreaterThanOrEqual(0);
  });
});

describe("strides of every kind", () => {
  test("an operand that is the same in every batch, batches of two axes", () => {
    expectExact({
      batch: [2, 3],
      m: [10],
      n: [24],
      k: [30],
      a: [0, 0, 30, 0, 1],
      b: [2160, 720, 0, 1, 24],
      out: [720, 240, 24, 1],
    });
  });

  test("attention heads: axes between the rows and their elements", () => {
    const [images, tokens, heads, width] = [2, 12, 3, 16];
    const row = heads * width;
    expectExact({
      batch: [images, heads],
      m: [tokens],
      n: [tokens],
      k: [width],
      a: [tokens * row, width, row, 0, 1],
      b: [tokens * row, width, 0, row, 1],
      out: [heads * tokens * tokens, tokens * tokens, tokens, 1],
    });
  });

  test("rows in two axes stored in another order", () => {
    expectExact({
      batch: [],
      m: [6, 10],
      n: [5, 7],
      k: [11],
      a: [110, 11, 0, 0, 1],
      b: [0, 0, 7, 1, 35],
      out: [70, 7, 420, 1],
    });
    expectExact({ batch: [], m: [12, 2], n: [9], k: [8], a: [16, 8, 0, 1], b: [0, 0, 8, 1], out: [9, 108, 1] });
  });

  test("the result is stored column by column", () => {
    for (const [m, n] of [
      [37, 21],
      [64, 8],
      [5, 4],
    ] as const) {
      expectExact({ ...matrices(m, n, 19, "nn"), out: [m * n, 1, m, 0] });
    }
  });

  const [images, channels, outputs, size, window] = [3, 4, 10, 9, 3];
  const out = size - window + 1;

  test("a convolution: windows over images", () => {
    expectExact({
      batch: [],
      m: [outputs],
      n: [images, out, out],
      k: [channels, window, window],
      a: [channels * 9, 0, 0, 0, 9, 3, 1],
      b: [0, channels * size * size, size, 1, size * size, size, 1],
      out: [out * out, outputs * out * out, out, 1],
    });
  });

  test("its input gradient: windows of flipped weights", () => {
    expectExact({
      batch: [],
      m: [channels],
      n: [images, out, out],
      k: [outputs, window, window],
      a: [9, 0, 0, 0, channels * 9, -3, -1],
      aOffset: 8,
      b: [0, outputs * size * size, size, 1, size * size, size, 1],
      out: [out * out, channels * out * out, out, 1],
    });
  });

  test.each([
    ["of few images", 3],
    ["of many images, in parts", 60],
  ])("its weight gradient: sums over images, %s", (_, count) => {
    expectExact({
      batch: [],
      m: [outputs],
      n: [channels, window, window],
      k: [count, out, out],
      a: [out * out, 0, 0, 0, outputs * out * out, out, 1],
      b: [0, size * size, size, 1, channels * size * size, size, 1],
      out: [channels * 9, 9, 3, 1],
    });
  });

  test("strides that skip elements", () => {
    expectExact({ batch: [], m: [20], n: [18], k: [40], a: [160, 0, 3], b: [0, 5, 99], out: [40, 2] });
  });
});

describe("epilogues", () => {
  const shapes: readonly (readonly [string, Shape])[] = [
    ["rows", matrices(21, 30, 17)],
    ["columns", { ...matrices(21, 30, 17), out: [630, 1, 21, 0] }],
    ["few columns", matrices(21, 3, 17)],
    ["long sums", matrices(9, 30, 1100)],
  ];

  test.each(shapes)("bias and relu: %s", (_, shape) => {
    const biasOf = (n: readonly Axis[]): Scalar => load(BIAS, placeOf(n, [1]), "float32");
    const outcome = run(shape, {
      epilogue: (result, out, { n }) => {
        const shifted = newLocal("float32");
        return [
          { kind: "let", local: shifted, value: add(result, biasOf(n)) },
          {
            kind: "store",
            buffer: OUT,
            index: out,
            value: binary("max", localValue(shifted), constant(0, "float32")),
          },
          { kind: "store", buffer: STATE, index: out, value: localValue(shifted) },
        ];
      },
    });
    eachResult(shape, outcome, (at, sum, _magnitude, [, , n = 0]) => {
      const shifted = sum + (outcome.inputs.bias[n] ?? 0);
      expect(outcome.state[at]).toBe(shifted);
      expect(outcome.out[at]).toBe(Math.max(0, shifted));
    });
  });

  test.each(shapes)("an expensive one, tanh: %s", (_, shape) => {
    const scaled = (value: Scalar): Scalar => unary("tanh", binary("mul", value, constant(0.125, "float32")));
    const outcome = run(shape, {
      epilogue: (result, out) => [{ kind: "store", buffer: OUT, index: out, value: scaled(result) }],
    });
    eachResult(shape, outcome, (at, sum) => expect(outcome.out[at]).toBeCloseTo(Math.tanh(sum / 8), 6));
  });

  test.each(shapes)("an in-place update happens once per element: %s", (_, shape) => {
    const outcome = run(shape, {
      epilogue: (result, out) => {
        const [moment, next] = [newLocal("float32"), newLocal("float32")];
        return [
          {
            kind: "let",
            local: moment,
            value: add(binary("mul", load(STATE, out, "float32"), constant(0.5, "float32")), result),
          },
          { kind: "let", local: next, value: binary("sub", load(OUT, out, "float32"), localValue(moment)) },
          { kind: "store", buffer: STATE, index: out, value: localValue(moment) },
          { kind: "store", buffer: OUT, index: out, value: localValue(next) },
        ];
      },
    });
    const before = [OUT, STATE].map((slot) => integers(outcome.out.length, "float32", slot + 1));
    eachResult(shape, outcome, (at, sum) => {
      const moment = (before[1]?.[at] ?? 0) * 0.5 + sum;
      expect(outcome.state[at]).toBe(moment);
      expect(outcome.out[at]).toBe((before[0]?.[at] ?? 0) - moment);
    });
  });

  test("one that reads the indices: a triangle", () => {
    const shape = matrices(20, 26, 9);
    const outcome = run(shape, {
      epilogue: (result, out, { m: [m = newAxis(1)], n: [n = newAxis(1)] }) => [
        {
          kind: "store",
          buffer: OUT,
          index: out,
          value: select(binary("le", axisValue(n), axisValue(m)), result, constant(-7, "float32")),
        },
      ],
    });
    eachResult(shape, outcome, (at, sum, _magnitude, [, m = 0, n = 0]) =>
      expect(outcome.out[at]).toBe(n <= m ? sum : -7),
    );
  });

  test("float64 results of float32 sums", () => {
    expectExact(matrices(10, 12, 14), {
      epilogue: (result, out) => [
        { kind: "store", buffer: OUT, index: out, value: cast(cast(result, "float64"), "float32") },
      ],
    });
  });
});

describe("computed operands", () => {
  const shape = matrices(20, 30, 40);

  test("bytes, scaled", () => {
    const outcome = run(shape, {
      aType: "uint8",
      prologue: (value) => binary("mul", cast(value, "float32"), constant(0.5, "float32")),
    });
    eachResult(
      shape,
      outcome,
      (at, sum) => expect(outcome.out[at]).toBe(sum),
      (value) => value * 0.5,
    );
  });

  test("a border of zeros", () => {
    const outcome = run(shape, {
      prologue: (value, { k: [k = newAxis(1)] }) =>
        select(binary("lt", axisValue(k), int(33)), value, constant(0, "float32")),
    });
    eachResult(
      shape,
      outcome,
      (at, sum) => expect(outcome.out[at]).toBe(sum),
      (value, index) => ((index[3] ?? 0) < 33 ? value : 0),
    );
  });
});

describe("bits", () => {
  /** From 0.5 to 1.5: partial sums are as large as possible, so that a plain running sum would lose the most. */
  const noise = (length: number, _: ElementType, salt: number): Float32Array =>
    Float32Array.from({ length }, (_value, i) => 0.5 + (Math.imul(i + salt * 7919, 0x9e3779b1) >>> 8) / 2 ** 24);

  test("long float32 sums are as accurate as sums of a thousand", () => {
    for (const shape of [matrices(8, 16, 1 << 15), matrices(64, 64, 3000, "nt"), matrices(1, 9, 1 << 15, "nt")]) {
      const outcome = run(shape, { data: noise });
      eachResult(shape, outcome, (at, sum, magnitude) => {
        expect(Math.abs((outcome.out[at] ?? 0) - sum)).toBeLessThan(magnitude * Math.sqrt(1024) * 2 ** -25);
      });
    }
  });

  test("1, 2 and 3 threads give the same bits", async () => {
    const shapes = [matrices(300, 200, 700, "nt"), matrices(40, 30, 40_000, "tn"), matrices(64, 64, 32, "nn", 64)];
    const expected = shapes.map((shape) => run(shape, { data: noise }).out);
    for (const threads of [2, 3]) {
      const shared = createWasmDevice({ threads });
      try {
        for (const [at, shape] of shapes.entries()) {
          run(shape, { data: noise, on: shared });
          await new Promise((done) => setTimeout(done, 30));
          const again = Buffer.from(run(shape, { data: noise, on: shared }).out.buffer);
          expect(again.equals(Buffer.from(expected[at]?.buffer ?? new ArrayBuffer(0)))).toBe(true);
        }
      } finally {
        shared.close();
      }
    }
  });
});
