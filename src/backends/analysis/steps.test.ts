// Loops that are merged or written out: only where no access could tell, and up to each limit.
import { describe, expect, it } from "vitest";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import { type Axis, add, axisValue, cast, int, load, localValue, mul, newAxis, newLocal } from "../../graph/scalar.ts";
import { boundIn, type Step, stepsOf, storedIn } from "./steps.ts";
import { ValueTable } from "./values.ts";

const at = (axes: readonly Axis[], strides: readonly number[]) =>
  axes.reduce((sum, axis, place) => add(sum, mul(axisValue(axis), int(strides[place] ?? 0))), int(0));

function stepsFor(axes: readonly Axis[], body: readonly Statement[], stored: readonly number[] = [9]) {
  const kernel: LoopKernel = { kind: "loops", name: "kernel", axes, body };
  return stepsOf(kernel, () => new ValueTable((buffer) => ({ length: 2 ** 30, stored: stored.includes(buffer) })));
}

const copy = (axes: readonly Axis[], from: readonly number[], to: readonly number[]): Statement => ({
  kind: "store",
  buffer: 9,
  index: at(axes, to),
  value: load(0, at(axes, from), "float32"),
});

describe("loops are merged", () => {
  const extents = [2, 3, 4];
  it.each([
    ["where all accesses are contiguous", [12, 4, 1], [12, 4, 1], [24]],
    ["where all step evenly", [24, 8, 2], [36, 12, 3], [24]],
    ["the inner two, where one access is not", [20, 4, 1], [12, 4, 1], [2, 12]],
    ["the outer two", [15, 5, 1], [12, 4, 1], [6, 4]],
    ["where one access is the same for all", [0, 0, 0], [12, 4, 1], [24]],
    ["nowhere in a transpose", [1, 2, 6], [12, 4, 1], [2, 3, 4]],
  ])("%s", (_, from, to, expected) => {
    const axes = extents.map(newAxis);
    expect(stepsFor(axes, [copy(axes, from, to)]).axes.map(({ extent }) => extent)).toEqual(expected);
  });
  it("not where a counter is a value too", () => {
    const axes = extents.map(newAxis);
    const value = cast(axisValue(axes[0] as Axis), "float32");
    const found = stepsFor(axes, [{ kind: "store", buffer: 9, index: at(axes, [12, 4, 1]), value }]);
    expect(found.axes.map(({ extent }) => extent)).toEqual([2, 12]);
  });
  it("leaving out loops of one", () => {
    const axes = [2, 1, 4].map(newAxis);
    expect(stepsFor(axes, [copy(axes, [8, 100, 1], [8, 7, 1])]).axes.map(({ extent }) => extent)).toEqual([2, 4]);
  });
});

function reduced(
  extents: readonly number[],
  { dtype = "float32", combine = "sum" }: { dtype?: ElementType; combine?: "sum" | "max" } = {},
) {
  const axes = extents.map(newAxis);
  const local = newLocal(dtype);
  // Strides that do not merge.
  const strides = extents.map((_, place) => 1000 * (place + 1) + place);
  const { steps } = stepsFor(
    [],
    [
      { kind: "reduce", local, combine, axes, value: load(0, at(axes, strides), dtype) },
      { kind: "store", buffer: 9, index: int(0), value: localValue(local) },
    ],
  );
  const first = steps[0];
  return first?.kind === "reduce" ? first.axes.map(({ extent }) => extent) : "written out";
}

describe("reductions are written out", () => {
  it.each([
    ["of nine points", reduced([9]), "written out"],
    ["of ten points, not", reduced([10]), [10]],
    ["of a window of 3 × 3", reduced([3, 3]), "written out"],
    ["of the rows of a window of 8 × 9", reduced([8, 9]), [8]],
    ["of its rows where they are ten long, not", reduced([8, 10]), [8, 10]],
    ["of the rows of a window of 128 points", reduced([16, 8]), [16]],
    ["of the rows of a larger one, not", reduced([17, 8]), [17, 8]],
    ["of bytes, which wrap, not", reduced([4], { dtype: "uint8" }), [4]],
    ["of nothing, not", reduced([0]), [0]],
  ])("%s", (_, found, expected) => {
    expect(found).toEqual(expected);
  });
  it("with 0 before a sum, and without a beginning for the others", () => {
    const sumOf = (combine: "sum" | "max") => {
      const axis = newAxis(2);
      const local = newLocal("float32");
      const { steps } = stepsFor(
        [],
        [
          { kind: "reduce", local, combine, axes: [axis], value: load(0, axisValue(axis), "float32") },
          { kind: "store", buffer: 9, index: int(0), value: localValue(local) },
        ],
      );
      const [store] = steps;
      const value = store?.kind === "store" ? store.value : undefined;
      return value?.kind === "binary" ? [value.fn, value.a.kind, value.b.kind] : value?.kind;
    };
    expect(sumOf("sum")).toEqual(["add", "binary", "load"]);
    expect(sumOf("max")).toEqual(["max", "load", "load"]);
  });
});

it("what a later store changes is computed where it stands", () => {
  const local = newLocal("float32");
  const { steps } = stepsFor(
    [],
    [
      { kind: "let", local, value: load(9, int(3), "float32") },
      { kind: "store", buffer: 9, index: int(3), value: load(0, int(0), "float32") },
      { kind: "store", buffer: 9, index: int(4), value: localValue(local) },
    ],
  );
  expect(steps.map(({ kind }) => kind)).toEqual(["force", "store", "store"]);
  const other = stepsFor(
    [],
    [
      { kind: "let", local, value: load(8, int(3), "float32") },
      { kind: "store", buffer: 9, index: int(4), value: localValue(local) },
    ],
  );
  expect(other.steps.map(({ kind }) => kind)).toEqual(["store"]);
});

it("what nested statements store and bind is found", () => {
  const [outer, inner] = [newAxis(3), newAxis(40)];
  const local = newLocal("float32");
  const body: Statement[] = [
    {
      kind: "for",
      axes: [outer],
      order: "sequential",
      body: [
        {
          kind: "reduce",
          local,
          combine: "sum",
          axes: [inner],
          value: load(0, at([outer, inner], [50, 1]), "float32"),
        },
        { kind: "store", buffer: 9, index: axisValue(outer), value: localValue(local) },
      ],
    },
    { kind: "store", buffer: 7, index: int(0), value: load(0, int(0), "float32") },
  ];
  expect([...storedIn(body)].sort()).toEqual([7, 9]);
  const { steps } = stepsFor([], body, [7, 9]);
  expect([...boundIn(steps)].sort()).toEqual([outer.id, inner.id, local.id].sort());
  expect(steps.map((step: Step) => (step.kind === "for" ? step.parallel : step.kind))).toEqual([false, "store"]);
});
