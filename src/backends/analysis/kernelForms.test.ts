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
