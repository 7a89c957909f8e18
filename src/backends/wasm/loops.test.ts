// Loop kernels in WebAssembly against the reference interpreter.
import { describe, expect, test } from "vitest";
import type { BufferInfo, Kernel, Program, Statement } from "../../compiler/kernel.ts";
import type { ElementType, TypedArray } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  and,
  axisValue,
  binary,
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
  sub,
  unary,
} from "../../graph/scalar.ts";
import type { SynchronousDevice } from "../backend.ts";
import { createReferenceDevice } from "../reference/index.ts";
import { createWasmDevice } from "./device.ts";

interface Input {
  readonly dtype: ElementType;
  readonly data: TypedArray;
  /** Placed in the arena: a first kernel copies an argument there. */
  readonly arena?: true;
}

const f32 = (length: number, of: (i: number) => number = (i) => Math.fround(Math.sin(i * 12.9898) * 3)): Input => ({
  dtype: "float32",
  data: Float32Array.from({ length }, (_, i) => of(i)),
});
const f64 = (length: number, of = (i: number): number => Math.sin(i * 12.9898) * 3): Input => ({
  dtype: "float64",
  data: Float64Array.from({ length }, (_, i) => of(i)),
});
const i32 = (length: number, of: (i: number) => number): Input => ({
  dtype: "int32",
  data: Int32Array.from({ length }, (_, i) => of(i)),
});
const bool = (length: number, of: (i: number) => boolean): Input => ({
  dtype: "bool",
  data: Uint8Array.from({ length }, (_, i) => (of(i) ? 1 : 0)),
});
const u8 = (length: number, of: (i: number) => number): Input => ({
  dtype: "uint8",
  data: Uint8Array.from({ length }, (_, i) => of(i)),
});

function programOf(kernels: readonly Kernel[], inputs: readonly Input[]): Program {
  const buffers: BufferInfo[] = inputs.map(({ dtype, data }, id) => ({
    id,
    name: `x${id}`,
    dtype,
    length: data.length,
    placement: { kind: "argument", slot: id },
  }));
  return { name: "test", buffers, kernels, checks: [], argumentCount: inputs.length, windowCount: 0, arenaBytes: 0 };
}

function runOn(device: SynchronousDevice, program: Program, inputs: readonly Input[]) {
  const blocks = inputs.map(({ data }) => {
    const block = device.allocate(data.byteLength);
    device.write(block, data);
    return block;
  });
  const failure = device.compile(program).run(blocks);
  return {
    failure,
    arrays: blocks.map((block, id) => [
      ...device.read(block, inputs[id]?.dtype ?? "float32", inputs[id]?.data.length ?? 0),
    ]),
  };
}

/** Runs on both devices and compares all buffers, within `relative`. */
function same(kernels: readonly Kernel[], inputs: readonly Input[], relative = 0): number[][] {
  const program = programOf(kernels, inputs);
  const expected = runOn(createReferenceDevice(), program, inputs);
  const actual = runOn(createWasmDevice({ threads: 1 }), program, inputs);
  expect(actual.failure).toEqual(expected.failure);
  expected.arrays.forEach((array, id) => {
    array.forEach((value, place) => {
      const got = actual.arrays[id]?.[place] ?? Number.NaN;
      if (Object.is(got, value)) return;
      const close = Math.abs(got - value) <= relative * Math.max(Math.abs(value), 1e-30);
      if (!close) throw new Error(`buffer ${id}[${place}]: ${got}, expected ${value}`);
    });
  });
  return actual.arrays;
}

const loops = (axes: readonly Axis[], body: readonly Statement[]): Kernel => ({ kind: "loops", name: "k", axes, body });
const store = (buffer: number, index: Scalar, value: Scalar): Statement => ({ kind: "store", buffer, index, value });
const at = axisValue;

describe("elementwise", () => {
  for (const length of [1, 3, 4, 5, 16, 19, 64, 4099]) {
    test(`a·x + b over ${length}`, () => {
      const i = newAxis(length);
      same(
        [
          loops(
            [i],
            [store(2, at(i), add(mul(load(0, at(i), "float32"), constant(1.5, "float32")), load(1, at(i), "float32")))],
          ),
        ],
        [f32(length), f32(length, (k) => k / 7), f32(length)],
      );
    });
  }

  test("in place, with a value bound before the store and read afterwards", () => {
    const i = newAxis(23);
    const old = newLocal("float32");
    same(
      [
        loops(
          [i],
          [
            { kind: "let", local: old, value: load(0, at(i), "float32") },
            store(0, at(i), mul(localValue(old), constant(2, "float32"))),
            store(1, at(i), localValue(old)),
            store(2, at(i), load(0, at(i), "float32")),
          ],
        ),
      ],
      [f32(23), f32(23), f32(23)],
    );
  });

  test("a bias along rows, with rows merged where possible", () => {
    const [b, i, j] = [newAxis(3), newAxis(5), newAxis(7)];
    const place = add(mul(at(b), int(35)), add(mul(at(i), int(7)), at(j)));
    same(
      [loops([b, i, j], [store(2, place, add(load(0, place, "float32"), load(1, at(j), "float32")))])],
      [f32(105), f32(7), f32(105)],
    );
    same([loops([b, i, j], [store(1, place, unary("neg", load(0, place, "float32")))])], [f32(105), f32(105)]);
  });

  test("a transpose, a flip, every second element", () => {
    const [i, j] = [newAxis(9), newAxis(13)];
    same(
      [loops([i, j], [store(1, add(mul(at(i), int(13)), at(j)), load(0, add(mul(at(j), int(9)), at(i)), "float32"))])],
      [f32(117), f32(117)],
    );
    const k = newAxis(21);
    same([loops([k], [store(1, at(k), load(0, sub(int(20), at(k)), "float32"))])], [f32(21), f32(21)]);
    same([loops([k], [store(1, at(k), load(0, mul(at(k), int(2)), "float32"))])], [f32(41), f32(21)]);
    same([loops([k], [store(1, mul(at(k), int(3)), load(0, at(k), "float32"))])], [f32(21), f32(63)]);
  });

  test("padding reads nothing out of bounds", () => {
    const [i, j] = [newAxis(6), newAxis(11)];
    const inside = and(
      and(binary("ge", at(i), int(1)), binary("lt", at(i), int(5))),
      and(binary("ge", at(j), int(2)), binary("lt", at(j), int(9))),
    );
    const value = select(
      inside,
      load(0, add(mul(sub(at(i), int(1)), int(7)), sub(at(j), int(2))), "float32"),
      constant(-1, "float32"),
    );
    same([loops([i, j], [store(1, add(mul(at(i), int(11)), at(j)), value)])], [f32(28), f32(66)]);
  });

  test("masks: comparisons, logic, and bytes in memory", () => {
    const i = newAxis(37);
    const x = load(0, at(i), "float32");
    const positive = binary("gt", x, constant(0, "float32"));
    same(
      [
        loops(
          [i],
          [
            store(1, at(i), positive),
            store(
              2,
              at(i),
              select(binary("and", positive, unary("not", load(3, at(i), "bool"))), x, constant(0, "float32")),
            ),
            store(4, at(i), cast(positive, "float32")),
            store(5, at(i), cast(x, "uint8")),
            store(6, at(i), add(cast(load(5, at(i), "uint8"), "int32"), at(i))),
          ],
        ),
      ],
      [
        f32(37),
        bool(37, () => false),
        f32(37),
        bool(37, (k) => k % 3 === 0),
        f32(37),
        u8(37, () => 0),
        i32(37, () => 0),
      ],
    );
  });

  test("int32: wrapping, shifts, division by constants and by variables", () => {
    const i = newAxis(29);
    const x = load(0, at(i), "int32");
    const y = load(1, at(i), "int32");
    const fns = ["add", "sub", "mul", "div", "mod", "min", "max", "and", "or", "xor", "pow"] as const;
    same(
      [
        loops(
          [i],
          [
            ...fns.map((fn, k) => store(k + 2, at(i), binary(fn, x, y))),
            store(13, at(i), binary("shr", binary("shl", x, int(5)), int(3))),
            store(14, at(i), binary("add", binary("div", at(i), int(3)), binary("mod", at(i), int(7)))),
            store(15, at(i), binary("add", binary("div", x, int(-3)), binary("mod", x, int(8)))),
          ],
        ),
      ],
      [
        i32(29, (k) => [0, -2147483648, 2147483647, -7, 7, 123456789][k % 6] ?? 0),
        i32(29, (k) => [-1, 0, 3, -3, 5][k % 5] ?? 0),
        ...Array.from({ length: 14 }, () => i32(29, () => 0)),
      ],
    );
  });

  test("float64 and conversions", () => {
    const i = newAxis(10);
    same(
      [
        loops(
          [i],
          [
            store(1, at(i), add(mul(load(0, at(i), "float64"), constant(0.1, "float64")), cast(at(i), "float64"))),
            store(2, at(i), cast(load(0, at(i), "float64"), "float32")),
            store(3, at(i), cast(mul(load(0, at(i), "float64"), constant(1e9, "float64")), "int32")),
          ],
        ),
      ],
      [f64(10), f64(10), f32(10), i32(10, () => 0)],
    );
  });

  test("remainders and powers keep their edge cases", () => {
    const values = [
      0,
      -0,
      1,
      -1,
      0.5,
      -2.5,
      7,
      -7,
      1e30,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      3,
      2,
      1e-40,
      -3,
    ];
    const [i, j] = [newAxis(16), newAxis(16)];
    const place = add(mul(at(i), int(16)), at(j));
    for (const dtype of ["float32", "float64"] as const) {
      const make = dtype === "float32" ? f32 : f64;
      const [a, b] = [load(0, at(i), dtype), load(0, at(j), dtype)];
      same(
        [
          loops(
            [i, j],
            [
              store(1, place, binary("pow", a, b)),
              store(2, place, binary("atan2", a, b)),
              store(3, place, binary("min", a, b)),
              store(4, place, binary("max", a, b)),
            ],
          ),
        ],
        [make(16, (k) => values[k] ?? 0), make(256), make(256), make(256), make(256)],
        3e-16 * (dtype === "float32" ? 4e8 : 2),
      );
      const [c, d] = [load(0, at(i), dtype), load(1, at(j), dtype)];
      same(
        [loops([i, j], [store(2, place, binary("mod", c, d))])],
        [
          make(16, (k) => [5.5, -5.5, 0, -0, 1e10, 7, -7, 1e-40][k % 8] ?? 0),
          make(16, (k) => [3, -3, 0.1, 1e-3, 1e5, Number.POSITIVE_INFINITY][k % 6] ?? 0),
          make(256),
        ],
      );
    }
  });
});

describe("gathers", () => {
  test("rows by index, the first for one out of range", () => {
    const [t, j] = [newAxis(5), newAxis(9)];
    const row = guard(load(1, at(t), "int32"), 4);
    const kernel = loops(
      [t, j],
      [store(2, add(mul(at(t), int(9)), at(j)), load(0, add(mul(row, int(9)), at(j)), "float32"))],
    );
    same([kernel], [f32(36), i32(5, (k) => k % 4), f32(45)]);
    same([kernel], [f32(36), i32(5, (k) => (k === 3 ? 9 : k % 4)), f32(45)]);
  });

  test("elements by index, in lanes", () => {
    const i = newAxis(22);
    const place = guard(load(1, at(i), "int32"), 10);
    same([loops([i], [store(2, at(i), load(0, place, "float32"))])], [f32(10), i32(22, (k) => (k * 7) % 10), f32(22)]);
    const wrong = i32(22, (k) => (k === 13 ? -2 : k === 21 ? 10 : 1));
    same([loops([i], [store(2, at(i), load(0, place, "float32"))])], [f32(10), wrong, f32(22)]);
  });

  test("a check reports the first failing position", () => {
    for (const size of [1, 7, 64, 1000, 200_000]) {
      const [j, k] = [newAxis(size), newAxis(size)];
      const largest = newLocal("int32");
      const turned = binary("xor", load(0, at(j), "int32"), int(-(2 ** 31)));
      const kernel = loops(
        [],
        [
          { kind: "reduce", local: largest, combine: "max", axes: [j], value: turned },
          {
            kind: "check",
            site: 0,
            holds: binary("lt", localValue(largest), int(5 - 2 ** 31)),
            axes: [k],
            index: load(0, at(k), "int32"),
            place: at(k),
            extent: 5,
          },
        ],
      );
      same([kernel], [i32(size, (k) => k % 5)]);
      const wrong = i32(size, (k) => (k === size - 1 ? 8 : k === size >> 1 ? -3 : 0));
      same([kernel], [wrong]);
      const { failure } = runOn(createWasmDevice({ threads: 1 }), programOf([kernel], [wrong]), [wrong]);
      expect(failure).toEqual(size === 1 ? { site: 0, index: 8, place: 0 } : { site: 0, index: -3, place: size >> 1 });
    }
  });

  test("scatter-add, row by row", () => {
    const [t, j] = [newAxis(6), newAxis(8)];
    const place = add(mul(guard(load(1, at(t), "int32"), 3), int(8)), at(j));
    const addition: Statement = {
      kind: "store",
      buffer: 2,
      index: place,
      value: load(0, add(mul(at(t), int(8)), at(j)), "float32"),
      accumulate: true,
    };
    same(
      [loops([j], [{ kind: "for", axes: [t], order: "sequential", body: [addition] }])],
      [f32(48), i32(6, (k) => k % 3), f32(24)],
    );
  });
});

describe("reductions", () => {
  const shapes: [number, number][] = [
    [1, 1],
    [3, 5],
    [4, 17],
    [7, 64],
    [33, 100],
    [2, 5000],
    [300, 3],
  ];
  for (const [rows, columns] of shapes) {
    for (const combine of ["sum", "max", "min", "prod"] as const) {
      test(`${combine} of rows and of columns, ${rows} × ${columns}`, () => {
        const [i, j] = [newAxis(rows), newAxis(columns)];
        const scaled = combine === "prod" ? (k: number) => 1 + Math.sin(k) / 100 : undefined;
        const x = load(0, add(mul(at(i), int(columns)), at(j)), "float32");
        const total = newLocal("float32");
        const reduce = (axis: Axis): Statement => ({ kind: "reduce", local: total, combine, axes: [axis], value: x });
        const input = (): Input => f32(rows * columns, scaled ?? ((k) => Math.abs(Math.sin(k * 3.7)) + 0.01));
        same([loops([i], [reduce(j), store(1, at(i), localValue(total))])], [input(), f32(rows)], 1e-5);
        same([loops([j], [reduce(i), store(1, at(j), localValue(total))])], [input(), f32(columns)], 1e-5);
        same(
          [
            loops(
              [],
              [{ kind: "reduce", local: total, combine, axes: [i, j], value: x }, store(1, int(0), localValue(total))],
            ),
          ],
          [input(), f32(1)],
          1e-5,
        );
      });
    }
  }

  test("of int32, uint8 and bool", () => {
    const [i, j] = [newAxis(6), newAxis(21)];
    for (const dtype of ["int32", "uint8", "bool"] as const) {
      for (const combine of ["sum", "prod", "max", "min"] as const) {
        const total = newLocal(dtype);
        const x = load(0, add(mul(at(i), int(21)), at(j)), dtype);
        const make = (n: number): Input =>
          dtype === "int32"
            ? i32(n, (k) => k * 77777777)
            : dtype === "uint8"
              ? u8(n, (k) => k * 31 + 1)
              : bool(n, (k) => k % 5 > 0);
        for (const [outer, inner] of [
          [i, j],
          [j, i],
        ] as const) {
          same(
            [
              loops(
                [outer],
                [
                  { kind: "reduce", local: total, combine, axes: [inner], value: x },
                  store(1, at(outer), localValue(total)),
                ],
              ),
            ],
            [make(126), make(outer.extent)],
          );
        }
      }
    }
  });

  test("softmax of rows", () => {
    for (const [rows, columns] of [
      [5, 10],
      [3, 50],
      [64, 3],
    ] as const) {
      const [i, j] = [newAxis(rows), newAxis(columns)];
      const place = add(mul(at(i), int(columns)), at(j));
      const x = load(0, place, "float32");
      const [top, total] = [newLocal("float32"), newLocal("float32")];
      const e = unary("exp", sub(x, localValue(top)));
      same(
        [
          loops(
            [i],
            [
              { kind: "reduce", local: top, combine: "max", axes: [j], value: x },
              { kind: "reduce", local: total, combine: "sum", axes: [j], value: e },
              {
                kind: "for",
                axes: [j],
                order: "parallel",
                body: [store(1, place, binary("div", e, localValue(total)))],
              },
              store(2, at(i), add(unary("log", localValue(total)), localValue(top))),
            ],
          ),
        ],
        [f32(rows * columns), f32(rows * columns), f32(rows)],
        1e-6,
      );
    }
  });

  test("an empty extent gives the identity; NaN propagates", () => {
    const [i, none, j] = [newAxis(5), newAxis(0), newAxis(9)];
    const total = newLocal("float32");
    same(
      [
        loops(
          [i],
          [
            { kind: "reduce", local: total, combine: "max", axes: [none], value: load(0, at(none), "float32") },
            store(1, at(i), localValue(total)),
          ],
        ),
      ],
      [f32(1), f32(5)],
    );
    const x = load(0, add(mul(at(i), int(9)), at(j)), "float32");
    same(
      [
        loops(
          [i],
          [{ kind: "reduce", local: total, combine: "max", axes: [j], value: x }, store(1, at(i), localValue(total))],
        ),
      ],
      [f32(45, (k) => (k === 13 ? Number.NaN : k)), f32(5)],
    );
  });

  test("windows: max over 2 × 2 with stride 2, several channels", () => {
    const [c, y, x, ky, kx] = [newAxis(3), newAxis(4), newAxis(6), newAxis(2), newAxis(2)];
    const row = add(mul(at(y), int(2)), at(ky));
    const column = add(mul(at(x), int(2)), at(kx));
    const value = load(0, add(mul(at(c), int(96)), add(mul(row, int(12)), column)), "float32");
    const top = newLocal("float32");
    same(
      [
        loops(
          [c, y, x],
          [
            { kind: "reduce", local: top, combine: "max", axes: [ky, kx], value },
            store(1, add(mul(at(c), int(24)), add(mul(at(y), int(6)), at(x))), localValue(top)),
          ],
        ),
      ],
      [f32(288), f32(72)],
    );
  });

  test("four million elements within 1e-6", () => {
    const n = 4_000_000;
    const i = newAxis(n);
    const total = newLocal("float32");
    const inputs = [f32(n, (k) => (k % 1000) / 1000 + 0.1), f32(1)];
    const program = programOf(
      [
        loops(
          [],
          [
            { kind: "reduce", local: total, combine: "sum", axes: [i], value: load(0, at(i), "float32") },
            store(1, int(0), localValue(total)),
          ],
        ),
      ],
      inputs,
    );
    const exact = Float64Array.from(inputs[0]?.data ?? []).reduce((sum, x) => sum + x, 0);
    const got = runOn(createWasmDevice({ threads: 1 }), program, inputs).arrays[1]?.[0] ?? 0;
    expect(Math.abs(got / exact - 1)).toBeLessThan(1e-6);
  });
});

describe("scans", () => {
  test("running sums, products and extremes along either axis", () => {
    const [i, j] = [newAxis(5), newAxis(12)];
    const place = add(mul(at(i), int(12)), at(j));
    for (const combine of ["sum", "prod", "max", "min"] as const) {
      for (const dtype of ["float32", "float64", "int32"] as const) {
        const make = dtype === "int32" ? (n: number) => i32(n, (k) => (k % 7) - 3) : dtype === "float32" ? f32 : f64;
        for (const [outer, axis] of [
          [i, j],
          [j, i],
        ] as const) {
          same(
            [loops([outer], [{ kind: "scan", combine, axis, value: load(0, place, dtype), buffer: 1, index: place }])],
            [make(60), make(60)],
            1e-15,
          );
        }
      }
    }
  });
});

test("more blocks than fit one chunk: the units cover every axis", () => {
  const [a, b, c] = [newAxis(3), newAxis(50), newAxis(3001)];
  const place = add(mul(at(b), int(3001)), at(c));
  const total = add(load(0, place, "float32"), load(1, at(a), "float32"));
  same(
    [loops([a, b, c], [store(2, add(mul(at(a), int(150050)), place), total)])],
    [f32(150050), f32(3), f32(3 * 150050)],
  );
  const [p, q] = [newAxis(2), newAxis(3001)];
  same(
    [
      loops(
        [p, q],
        [store(2, add(mul(at(p), int(3001)), at(q)), add(load(0, at(q), "float32"), load(1, at(p), "float32")))],
      ),
    ],
    [f32(3001), f32(2), f32(18002)],
  );
});
