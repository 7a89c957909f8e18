// The listing of a program: exact for a short one, and compact if an expression shares its parts.
import { expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { add } from "../graph/ops/elementwise.ts";
import { normal } from "../graph/ops/random.ts";
import {
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
  add as plus,
  type Scalar,
  select,
  unary,
} from "../graph/scalar.ts";
import { compileGraph } from "./compile.ts";
import type { BufferInfo, Kernel } from "./kernel.ts";
import { printProgram } from "./print.ts";

const buffer = (id: number, name: string, length: number): BufferInfo => ({
  id,
  name,
  dtype: "float32",
  length,
  placement: id < 2 ? { kind: "argument", slot: id } : { kind: "arena", byteOffset: 64 * (id - 2) },
});

/** The listing of kernels over x (16), y (8) and an intermediate z (8). */
const listing = (...kernels: Kernel[]): string =>
  printProgram({
    name: "p",
    buffers: [buffer(0, "x", 16), buffer(1, "y", 8), buffer(2, "z", 8)],
    checks: [],
    argumentCount: 2,
    windowCount: 0,
    arenaBytes: 64,
    kernels,
  });

const header = [
  "program p: 2 arguments, arena of 64 bytes",
  "  b0 x: f32 × 16, argument 0",
  "  b1 y: f32 × 8, argument 1",
  "  b2 z: f32 × 8, arena + 0",
];

const x = (index: Scalar): Scalar => load(0, index, "float32");

it("shows buffers, loops, contractions, reductions and scans", () => {
  const [m, n, k, i, j, s] = [newAxis(2), newAxis(4), newAxis(3), newAxis(4), newAxis(2), newAxis(8)];
  const [result, total] = [newLocal("float32"), newLocal("float32")];
  const place = plus(mul(axisValue(i), int(2)), axisValue(j));
  const text = listing(
    {
      kind: "contraction",
      name: "matmul",
      dtype: "float32",
      batch: [],
      m: [m],
      n: [n],
      k: [k],
      a: x(plus(mul(axisValue(m), int(3)), axisValue(k))),
      b: load(1, axisValue(k), "float32"),
      result,
      epilogue: [{ kind: "store", buffer: 2, index: axisValue(n), value: unary("tanh", localValue(result)) }],
    },
    {
      kind: "loops",
      name: "rows",
      axes: [i],
      body: [
        { kind: "reduce", local: total, combine: "max", axes: [j], value: x(place) },
        {
          kind: "for",
          axes: [j],
          order: "sequential",
          body: [
            {
              kind: "store",
              buffer: 2,
              index: guard(cast(x(place), "int32"), 8),
              value: select(binary("lt", localValue(total), constant(0, "float32")), x(int(0)), localValue(total)),
              accumulate: true,
            },
          ],
        },
      ],
    },
    {
      kind: "loops",
      name: "running",
      axes: [],
      body: [{ kind: "scan", combine: "sum", axis: s, value: x(axisValue(s)), buffer: 1, index: axisValue(s) }],
    },
  );
  expect(text.split("\n")).toEqual([
    ...header,
    "kernel matmul: contraction f32, batch [], m [i0 < 2], n [i1 < 4]",
    "  v3 = sum over [i2 < 3] of b0:x[((i0 * 3) + i2)] · b1:y[i2]",
    "  b2:z[i1] = tanh(v3)",
    "kernel rows: for [i0 < 4]",
    "  v2 = max over [i1 < 2] of b0:x[((i0 * 2) + i1)]",
    "  for sequential [i1 < 2]",
    "    b2:z[guard(i32(b0:x[((i0 * 2) + i1)]) < 8)] += ((v2 < 0) ? b0:x[0] : v2)",
    "kernel running: for []",
    "  b1:y[i0] = running sum over [i0 < 8] of b0:x[i0]",
    "",
  ]);
});

it("writes a shared expression once", () => {
  const axis = newAxis(8);
  const at = axisValue(axis);
  const root = unary("sqrt", binary("add", x(plus(mul(at, int(2)), int(1))), constant(0.5, "float32")));
  const text = listing({
    kind: "loops",
    name: "k",
    axes: [axis],
    body: [{ kind: "store", buffer: 1, index: at, value: binary("mul", root, root) }],
  });
  expect(text.split("\n").slice(header.length)).toEqual([
    "kernel k: for [i0 < 8]",
    "  b1:y[i0] = (t0 * t0)",
    "    where t0 = sqrt((b0:x[((i0 * 2) + 1)] + 0.5))",
    "",
  ]);
});

it("stays short if shared parts have shared parts", () => {
  const key = inputNode({ shape: [2], dtype: "int32" });
  const draw = inputNode({ shape: [], dtype: "int32" });
  const noise = normal(key, draw, [4, 4]);
  expect(printProgram(compileGraph("noise", [{ node: add(noise, noise) }]).program).length).toBeLessThan(20_000);
});
