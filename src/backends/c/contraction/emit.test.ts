// Contractions in C against plain JavaScript sums, at the sizes where the plan changes.
import { afterAll, describe, expect, it } from "vitest";
import { allDevices } from "../../../../test/conformance/devices.ts";
import { drawnIntegers, evaluate, type Value, valueOf } from "../../../../test/conformance/run.ts";
import { bfloat16, decodeFloat, float16 } from "../../../formats/stored/smallFloats.ts";
import { gradients } from "../../../graph/autodiff.ts";
import type { HalfDType } from "../../../graph/dtype.ts";
import type { Node } from "../../../graph/node.ts";
import { cast } from "../../../graph/ops/cast.ts";
import { conv2d } from "../../../graph/ops/conv.ts";
import { relu } from "../../../graph/ops/elementwise.ts";
import { matmul } from "../../../graph/ops/matmul.ts";
import { pad, permute } from "../../../graph/ops/movement.ts";
import { sizeOf } from "../../../graph/shape.ts";
import type { SynchronousDevice } from "../../backend.ts";
import { createCDevice } from "../device.ts";

const devices = allDevices();
const [reference] = devices;
const native = devices.find(({ backend }) => backend === "c");
/** The same compiler for processors with narrower vectors and fewer registers, which use other tiles, or without bfloat16 products. */
const flags = [
  ...(native?.description.includes("AVX") ? ["-march=haswell", "-march=x86-64"] : []),
  ...(native?.description.includes("AVX-512") ? ["-mno-avx512bf16"] : []),
];
const narrower = flags.map((flag) => {
  process.env["HEBB_CFLAGS"] = flag;
  const device = createCDevice({ threads: 1, always: true });
  delete process.env["HEBB_CFLAGS"];
  devices.push(device);
  return device;
});
afterAll(() => {
  for (const each of devices) each.close();
});

/** Results of the reference, which is slow. */
const known = new Map<string, Value[]>();

/** Small integers, so that every sum is exact in any order. */
const integers = (shape: readonly number[], salt: number): Value =>
  valueOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => ((Math.imul(i + salt * 7919, 0x9e3779b1) >>> 16) % 7) - 3),
  );

function transposed({ shape, data, dtype }: Value): Value {
  const [rows = 0, columns = 0] = shape;
  const turned = Array.from(
    { length: rows * columns },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
  return valueOf(dtype, [columns, rows], turned);
}

/** a · b of [m, k] and [k, n]. */
function product(a: Value, b: Value): number[] {
  const [[m = 0, k = 0], [, n = 0]] = [a.shape, b.shape];
  const out = new Array<number>(m * n).fill(0);
  for (let i = 0; i < m; i++)
    for (let s = 0; s < k; s++) {
      const x = a.data[i * k + s] ?? 0;
      for (let j = 0; j < n; j++) out[i * n + j] = (out[i * n + j] ?? 0) + x * (b.data[s * n + j] ?? 0);
    }
  return out;
}

/** A graph over values, all of whose outputs are expected to be the same. */
interface Problem {
  readonly values: readonly Value[];
  build(inputs: readonly Node[]): readonly Node[];
  readonly expected: readonly number[];
}

/** Cases whose values are made once for all devices. Several of them run as one program, because a compiler takes long to start. */
class Problems<C extends readonly unknown[]> {
  /** The cases, each with its place at the end. */
  readonly cases: readonly (readonly [...C, number])[];
  readonly #make: (entry: C) => Problem;
  readonly #entries: readonly C[];
  readonly #together: number;
  readonly #made = new Map<number, Problem>();
  #ran: { readonly device: SynchronousDevice; readonly first: number; readonly results: Value[][] } | undefined;

  constructor(entries: readonly C[], together: number, make: (entry: C) => Problem) {
    this.#entries = entries;
    this.#together = together;
    this.#make = make;
    this.cases = entries.map((entry, place) => [...entry, place] as const);
  }

  /** Runs the program of a case, and compares the outputs of that case. */
  check(device: SynchronousDevice | undefined, place: number): void {
    if (device === undefined) return;
    const first = place - (place % this.#together);
    if (this.#ran?.device !== device || this.#ran.first !== first)
      this.#ran = { device, first, results: this.#run(device, first) };
    const found = this.#ran.results[place - first] ?? [];
    const { expected } = this.#problem(place);
    expect(found.length).toBeGreaterThan(0);
    for (const { data } of found) expect(data).toEqual(expected);
  }

  #problem(place: number): Problem {
    const entry = this.#entries[place];
    if (entry === undefined) throw new Error(`there is no case ${place}`);
    const problem = this.#made.get(place) ?? this.#make(entry);
    this.#made.set(place, problem);
    return problem;
  }

  #run(device: SynchronousDevice, first: number): Value[][] {
    const last = Math.min(first + this.#together, this.#entries.length);
    const problems = Array.from({ length: last - first }, (_, k) => this.#problem(first + k));
    const counts: number[] = [];
    const outputs = evaluate(
      device,
      problems.flatMap(({ values }) => values),
      (inputs) => {
        let used = 0;
        return problems.flatMap(({ values, build }) => {
          const own = build(inputs.slice(used, used + values.length));
          used += values.length;
          counts.push(own.length);
          return own;
        });
      },
    );
    return counts.map((count) => outputs.splice(0, count));
  }
}

// Few columns take tall tiles, whose rows are far apart and are transposed into panels: heights not divisible by sixteen.
const floats = new Problems(
  [
    [24, 1024, 16],
    [23, 256, 16],
    [20, 2048, 12],
    [33, 1024, 9],
    [240, 512, 16],
    [17, 4096, 5],
    [1000, 2, 100],
    [65, 3, 1],
    [1, 1, 33],
    [1, 784, 128],
    // A last half vector of columns, alone and after whole ones; sums that pass through memory; few rows at the end.
    [40, 520, 24],
    [40, 520, 56],
    [29, 31, 200],
    [300, 50, 300],
    [15, 600, 69],
    // Transposed panels narrower than a vector.
    [4, 8, 40],
    [3, 40, 200],
    [6, 21, 48],
    [10, 24, 40],
    // Rows packed in blocks of steps and groups of panels, the last of both partial.
    [300, 1030, 77],
    [129, 300, 513],
    [250, 258, 1],
    [8, 640, 700],
  ] as const,
  4,
  ([m, k, n]) => {
    const [a, b] = [integers([m, k], 1), integers([k, n], 2)];
    return {
      values: [a, b, transposed(a), transposed(b)],
      build: ([x, y, at, bt]) => {
        if (x === undefined || y === undefined || at === undefined || bt === undefined) return [];
        return [
          matmul(x, y),
          permute(matmul(permute(y, [1, 0]), permute(x, [1, 0])), [1, 0]),
          matmul(permute(at, [1, 0]), y),
          matmul(x, permute(bt, [1, 0])),
        ];
      },
      expected: product(a, b),
    };
  },
);

/** Both sides as they are and transposed, any with any. */
const eitherSide = (rows: readonly [Node, Node], columns: readonly [Node, Node]): Node[] =>
  rows.flatMap((left) => columns.map((right) => matmul(left, right)));

/** The element types in memory. Sums in float32 equal those of float32 sides. */
const stored: readonly (readonly [HalfDType | "float32", HalfDType | "float32"])[] = [
  ["bfloat16", "bfloat16"],
  ["float16", "float16"],
  ["float32", "float16"],
  ["bfloat16", "float32"],
];
const halfCases = (
  [
    [1, 784, 128],
    [8, 640, 700],
    [17, 4096, 5],
    [24, 1024, 16],
    [40, 520, 56],
    [15, 600, 69],
    [300, 1030, 77],
    [6, 21, 48],
  ] as const
).flatMap(([m, k, n]) => stored.map(([left, right]) => [m, k, n, left, right] as const));
const halves = new Problems(halfCases, 4, ([m, k, n, left, right]) => {
  const as = (value: Value, dtype: HalfDType | "float32"): Value => valueOf(dtype, value.shape, value.data);
  const [a, b] = [integers([m, k], 1), integers([k, n], 2)];
  return {
    values: [as(a, left), as(b, right), as(transposed(a), left), as(transposed(b), right)],
    build: (sides) => {
      const [x, y, at, bt] = sides.map((side) => cast(side, "float32"));
      if (x === undefined || y === undefined || at === undefined || bt === undefined) return [];
      return eitherSide([x, permute(at, [1, 0])], [y, permute(bt, [1, 0])]);
    },
    expected: product(a, b),
  };
});

// Bytes of either sign, including the extremes. Sums are exact and wrap.
const bytes = [
  ["int8", "int8"],
  ["uint8", "uint8"],
  ["uint8", "int8"],
  ["int8", "uint8"],
  ["int16", "int8"],
  ["int32", "int32"],
] as const;
const byteCases = (
  [
    [1, 784, 128],
    [8, 640, 70],
    [17, 4096, 5],
    [40, 33, 56],
    [65, 3, 9],
    [129, 130, 131],
  ] as const
).flatMap(([m, k, n]) => bytes.map(([left, right]) => [m, k, n, left, right] as const));
const wholes = new Problems(byteCases, bytes.length, ([m, k, n, left, right]) => {
  const [a, b] = [drawnIntegers(left, [m, k], 1), drawnIntegers(right, [k, n], 2)];
  const expected = new Int32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++)
      for (let s = 0; s < k; s++)
        expected[i * n + j] = (expected[i * n + j] ?? 0) + Math.imul(a.data[i * k + s] ?? 0, b.data[s * n + j] ?? 0);
  return {
    values: [a, b, transposed(a), transposed(b)],
    build: (sides) => {
      const [x, y, at, bt] = sides.map((side) => cast(side, "int32"));
      if (x === undefined || y === undefined || at === undefined || bt === undefined) return [];
      return eitherSide([x, permute(at, [1, 0])], [y, permute(bt, [1, 0])]);
    },
    expected: [...expected],
  };
});

describe.skipIf(native === undefined).each([native, ...narrower])("contractions on $description", (device) => {
  it.each(floats.cases)("[%i, %i] · [.., %i], either side transposed", (...entry) => floats.check(device, entry[3]));

  it.each(halves.cases)("[%i, %i] · [.., %i] of %s and %s, either side transposed", (...entry) =>
    halves.check(device, entry[5]),
  );

  it.each(wholes.cases)("[%i, %i] · [.., %i] of %s and %s with sums in int32", (...entry) =>
    wholes.check(device, entry[5]),
  );

  it("a convolution of bytes, and batched products", () => {
    if (device === undefined) return;
    const values = [
      valueOf("int8", [2, 5, 9, 11], integers([2, 5, 9, 11], 3).data),
      valueOf("int8", [7, 5, 3, 3], integers([7, 5, 3, 3], 4).data),
      valueOf("uint8", [3, 8, 40], integers([3, 8, 40], 5).data.map(Math.abs)),
      valueOf("int8", [3, 40, 9], integers([3, 40, 9], 6).data),
    ];
    const build: Parameters<typeof evaluate>[2] = (inputs) => {
      const [x, w, p, q] = inputs.map((input) => cast(input, "int32"));
      if (x === undefined || w === undefined || p === undefined || q === undefined) return [];
      return [conv2d(x, w, undefined, { padding: 1 }), conv2d(x, w, undefined, {}), matmul(p, q)];
    };
    expect(evaluate(device, values, build)).toEqual(evaluate(reference, values, build));
  });

  it.each(["bfloat16", "float16"] as const)("every finite %s converts to its value", (dtype) => {
    if (device === undefined) return;
    const format = { bfloat16, float16 }[dtype];
    const all = Array.from({ length: 2 ** 16 }, (_, code) => decodeFloat(format, code));
    const x = valueOf(
      dtype,
      [256, 256],
      all.map((value) => (Number.isFinite(value) ? value : 0)),
    );
    const one = valueOf(
      "float32",
      [256, 256],
      Array.from({ length: 2 ** 16 }, (_, i) => (i % 257 === 0 ? 1 : 0)),
    );
    const outputs = evaluate(device, [x, one], ([bits, unit]) => {
      if (bits === undefined || unit === undefined) return [];
      const wide = cast(bits, "float32");
      const turned = permute(wide, [1, 0]);
      // As rows and as columns, in either order, and few of each.
      return [
        matmul(wide, unit),
        matmul(unit, wide),
        permute(matmul(turned, unit), [1, 0]),
        permute(matmul(unit, turned), [1, 0]),
      ];
    });
    for (const { data } of outputs) expect(data.map((value) => value + 0)).toEqual(x.data.map((value) => value + 0));
  });

  // Phases that differ only in their buffers share one function. gcc 12 would mix up its constant operands.
  it("consecutive products", () => {
    if (device === undefined) return;
    const [x, a, b] = [integers([17, 8], 5), integers([8, 8], 6), integers([8, 8], 7)];
    const [result] = evaluate(device, [x, a, b], ([x, a, b]) =>
      x && a && b ? [matmul(matmul(x, permute(a, [1, 0])), permute(b, [1, 0]))] : [],
    );
    expect(result?.data).toEqual(product(valueOf("float32", [17, 8], product(x, transposed(a))), transposed(b)));
  });

  // gcc 12 would assume that the address a phase writes to is null, and drop the phase.
  it("the gradient of an image under padding and a stride", () => {
    if (device === undefined) return;
    const values = [integers([5, 18, 28, 16], 136), integers([1, 18, 1, 1], 137)];
    const build: Parameters<typeof evaluate>[2] = ([x, w]) => {
      if (x === undefined || w === undefined) return [];
      const padded = pad(
        relu(x),
        [
          [0, 0],
          [0, 0],
          [4, 0],
          [0, 0],
        ],
        0,
      );
      const z = conv2d(relu(padded), w, undefined, { stride: [1, 2] });
      return gradients(z, [x], z) as Node[];
    };
    expect(evaluate(device, values, build)).toEqual(evaluate(reference, values, build));
  });

  it.each([
    // Single rows side by side, also with a stride.
    [[3, 5, 9, 11], [5, 1, 3, 3], { padding: 1, groups: 5 }],
    [[2, 7, 13, 12], [7, 1, 5, 5], { padding: 2, stride: 2, groups: 7 }],
    [[2, 4, 8, 8], [8, 1, 3, 3], { groups: 4 }],
    // Nine and ten unevenly spaced rows, as in the weight gradients of small kernels.
    [[3, 4, 5, 5], [40, 4, 3, 3], {}],
    [[2, 3, 4, 7], [20, 3, 2, 3], { dilation: 2 }],
    // Rows of twelve among padded ones.
    [[3, 4, 12, 12], [6, 4, 3, 3], { padding: 1 }],
    [[16, 8, 12, 12], [24, 8, 1, 1], {}],
  ] as const)("a convolution of %j by %j, %j", (image, kernel, options) => {
    if (device === undefined) return;
    const values = [integers(image, 3), integers(kernel, 4)];
    const build: Parameters<typeof evaluate>[2] = ([x, w]) =>
      x === undefined || w === undefined ? [] : [conv2d(x, w, undefined, options)];
    expect(evaluate(device, values, build)).toEqual(evaluate(reference, values, build));
  });

  // Products with padding are skipped: rows of tiles that are whole image rows, parts of them, and several of them.
  it.each([
    [[2, 8, 7, 7], [16, 8, 3, 3], { padding: 1 }],
    [[1, 9, 14, 14], [40, 9, 3, 3], { padding: 1 }],
    [[1, 4, 28, 28], [16, 4, 3, 3], { padding: 1 }],
    [[1, 4, 28, 28], [16, 4, 3, 3], { padding: 2, dilation: 2 }],
    [[1, 8, 9, 13], [16, 8, 5, 5], { padding: 2 }],
    [[1, 8, 15, 12], [16, 8, 3, 3], { padding: [1, 0] }],
    [[1, 8, 12, 15], [16, 8, 3, 5], { padding: [0, 2] }],
    [[2, 4, 17, 17], [16, 4, 3, 3], { padding: 1 }],
    [[1, 4, 32, 32], [16, 4, 3, 3], { padding: [2, 1] }],
    // More padding than image; a row of results made of padding alone; strides; sums in several blocks.
    [[1, 8, 3, 3], [16, 8, 5, 5], { padding: 4 }],
    [[1, 8, 4, 4], [16, 8, 3, 3], { padding: 3 }],
    [[1, 8, 15, 15], [16, 8, 3, 3], { padding: 1, stride: 2 }],
    [[1, 8, 16, 30], [16, 8, 4, 4], { padding: 1, stride: [1, 2] }],
    [[1, 200, 7, 7], [16, 200, 3, 3], { padding: 1 }],
    [[4, 16, 4, 4], [64, 16, 3, 3], { padding: 1 }],
    // One row of steps too many to unroll; few channels.
    [[1, 2, 20, 20], [16, 2, 9, 9], { padding: 4 }],
    [[1, 3, 24, 24], [16, 3, 7, 7], { padding: 3, stride: 2 }],
  ] as const)("a padded convolution of %j by %j, %j, and the gradient of its image", (image, kernel, options) => {
    if (device === undefined) return;
    const values = [integers(image, 5), integers(kernel, 6), integers([kernel[0]], 7)];
    const build: Parameters<typeof evaluate>[2] = ([x, w, b]) => {
      if (x === undefined || w === undefined || b === undefined) return [];
      const plain = conv2d(x, w, undefined, options);
      return [relu(conv2d(relu(x), w, b, options)), plain, ...gradients(plain, [x, w], plain)] as Node[];
    };
    const key = JSON.stringify([image, kernel, options]);
    const expected = known.get(key) ?? evaluate(reference, values, build);
    known.set(key, expected);
    expect(evaluate(device, values, build)).toEqual(expected);
  });
});
