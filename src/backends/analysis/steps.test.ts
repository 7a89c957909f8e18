// Loops that are merged or written out: only where no access could tell, and up to each limit.
import { describe, expect, it } from "vitest";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  cast,
  guard,
  int,
  type Local,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
} from "../../graph/scalar.ts";
import { mostElements } from "../../graph/shape.ts";
import { boundIn, type Step, stepsOf, storedIn } from "./steps.ts";
import { type Value, ValueTable } from "./values.ts";

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
  it.each([
    [0, [2, 12]],
    [1, [2, 3, 4]],
    [2, [6, 4]],
  ])("not where counter %i is a value too", (place, expected) => {
    const axes = extents.map(newAxis);
    const value = cast(axisValue(axes[place] as Axis), "float32");
    const found = stepsFor(axes, [{ kind: "store", buffer: 9, index: at(axes, [12, 4, 1]), value }]);
    expect(found.axes.map(({ extent }) => extent)).toEqual(expected);
  });
  it("into one whose counter is the place", () => {
    const axes = extents.map(newAxis);
    const [store] = stepsFor(axes, [copy(axes, [24, 8, 2], [12, 4, 1])]).steps;
    const load = store?.kind === "store" && store.value.kind === "load" ? store.value.index : undefined;
    expect(store).toMatchObject({
      kind: "store",
      index: { terms: [{ coefficient: 1 }], constant: 0, min: 0, max: 23 },
    });
    expect(load).toMatchObject({ terms: [{ coefficient: 2 }], constant: 0, min: 0, max: 46 });
  });
  it("of two, as many elements together as a tensor may have", () => {
    const merged = (high: number, wide: number): number[] => {
      const axes = [high, wide].map(newAxis);
      return stepsFor(axes, [copy(axes, [wide, 1], [wide, 1])]).axes.map(({ extent }) => extent);
    };
    expect(merged(2, 5)).toEqual([10]);
    expect(merged(2 ** 16, 2 ** 15 - 1)).toEqual([mostElements]);
    expect(merged(2 ** 16, 2 ** 15)).toEqual([2 ** 16, 2 ** 15]);
  });
  it("not where a place in range would need its guard again", () => {
    const [a, b] = [newAxis(2), newAxis(4)];
    const value = load(0, add(mul(axisValue(a), int(4)), guard(axisValue(b), 4)), "float32");
    const found = stepsFor([a, b], [{ kind: "store", buffer: 9, index: at([a, b], [4, 1]), value }]);
    expect(found.axes.map(({ extent }) => extent)).toEqual([2, 4]);
  });
  it("where a place is looked up, as the places of what is looked up allow", () => {
    const merged = (from: readonly number[]): number[] => {
      const axes = extents.map(newAxis);
      const value = load(0, load(1, at(axes, from), "int32"), "float32");
      const found = stepsFor(axes, [{ kind: "store", buffer: 9, index: at(axes, [12, 4, 1]), value }]);
      return found.axes.map(({ extent }) => extent);
    };
    expect(merged([12, 4, 1])).toEqual([24]);
    expect(merged([20, 4, 1])).toEqual([2, 12]);
  });
  it("inside others too, and those of sums", () => {
    const nest = (extents: readonly number[], order: "parallel" | "sequential") => {
      const axes = extents.map(newAxis);
      const strides = extents.map((_, k) => extents.slice(k + 1).reduce((a, b) => a * b, 1));
      const [step] = stepsFor([], [{ kind: "for", axes, order, body: [copy(axes, strides, strides)] }]).steps;
      return step?.kind === "for" ? [step.axes.map(({ extent }) => extent), step.parallel] : step?.kind;
    };
    expect(nest([4, 5], "parallel")).toEqual([[20], true]);
    expect(nest([4, 5], "sequential")).toEqual([[20], false]);
    expect(nest([7], "parallel")).toEqual([[7], true]);
    expect(nest([0], "parallel")).toEqual([[0], true]);
    expect(nest([1], "parallel")).toBe("store");
    expect(nest([1, 1], "sequential")).toBe("store");
    const [axes, local] = [[4, 5].map(newAxis), newLocal("float32")];
    const value = load(0, at(axes, [5, 1]), "float32");
    const { steps } = stepsFor([], [{ kind: "reduce", local, combine: "sum", axes, value }]);
    expect(steps).toMatchObject([{ kind: "reduce", axes: [{ extent: 20 }], parts: false }]);
    const parts = stepsFor([], [{ kind: "reduce", local, combine: "sum", axes, value, parts: true }]);
    expect(parts.steps).toMatchObject([{ kind: "reduce", parts: true }]);
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
    ["of the rows of one of 129 points, not", reduced([43, 3]), [43, 3]],
    ["of a single point", reduced([1]), "written out"],
    ["of loops of one around", reduced([1, 9, 1]), "written out"],
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

/** The constants of the places that a combination loads, in its order, and what it begins with. */
function combined(value: Value | undefined): readonly [first: string, places: readonly number[]] {
  const places: number[] = [];
  let rest = value;
  while (rest?.kind === "binary") {
    places.unshift(rest.b.kind === "load" ? rest.b.index.constant : Number.NaN);
    rest = rest.a;
  }
  if (rest?.kind === "load") places.unshift(rest.index.constant);
  return [rest?.kind === "const" ? String(rest.value) : "", places];
}

describe("what is written out is every point, in order", () => {
  const written = (extents: readonly number[], strides: readonly number[], combine: "sum" | "prod" = "sum") => {
    const [axes, local] = [extents.map(newAxis), newLocal("float32")];
    const { steps } = stepsFor(
      [],
      [
        { kind: "reduce", local, combine, axes, value: load(0, at(axes, strides), "float32") },
        { kind: "store", buffer: 9, index: int(0), value: localValue(local) },
      ],
    );
    const [first] = steps;
    return combined(first?.kind === "store" || first?.kind === "reduce" ? first.value : undefined);
  };
  it("of a window", () => {
    expect(written([3, 3], [1000, 7])).toEqual(["0", [0, 7, 14, 1000, 1007, 1014, 2000, 2007, 2014]]);
    expect(written([2, 3], [10, 7], "prod")).toEqual(["", [0, 7, 14, 10, 17, 24]]);
  });
  it("of axes that are merged", () => {
    expect(written([2, 3], [3, 1])).toEqual(["0", [0, 1, 2, 3, 4, 5]]);
  });
  it("of a row, within the loop over rows", () => {
    expect(written([20, 4], [1000, 7])).toEqual(["0", [0, 7, 14, 21]]);
  });
});

describe("a load is another value after what may have written it", () => {
  /** The kinds of the steps, and how many values the loads of one place before and after `between` are. */
  const around = (between: Statement) => {
    const [before, after] = [newLocal("float32"), newLocal("float32")];
    const bind = (local: Local): Statement => ({ kind: "let", local, value: load(9, int(0), "float32") });
    const store = (local: Local): Statement => ({
      kind: "store",
      buffer: 8,
      index: int(local.id),
      value: localValue(local),
    });
    const { steps } = stepsFor([], [bind(before), between, bind(after), ...[before, after].map(store)], [8, 9]);
    const stored = steps.flatMap((step) => (step.kind === "store" && step.buffer === 8 ? [step.value] : []));
    return [steps.map(({ kind }) => kind).join(" "), new Set(stored).size];
  };
  const value = load(0, int(0), "float32");
  const axis = newAxis(50);
  const index = axisValue(axis);
  it.each<[string, Statement, string, number]>([
    ["a store", { kind: "store", buffer: 9, index: int(0), value }, "force store force store store", 2],
    ["a store elsewhere", { kind: "store", buffer: 7, index: int(0), value }, "force store force store store", 1],
    [
      "running sums",
      { kind: "scan", combine: "sum", axis, buffer: 9, index, value },
      "force scan force store store",
      2,
    ],
    [
      "a loop that stores",
      { kind: "for", axes: [axis], order: "parallel", body: [{ kind: "store", buffer: 9, index, value }] },
      "force for force store store",
      2,
    ],
  ])("%s", (_, between, kinds, values) => {
    expect(around(between)).toEqual([kinds, values]);
  });
  it("and in a loop that stores it at the end", () => {
    const local = newLocal("float32");
    const inner: Statement[] = [
      { kind: "let", local, value: load(9, int(0), "float32") },
      { kind: "store", buffer: 8, index, value: localValue(local) },
      { kind: "store", buffer: 9, index, value },
    ];
    expect(around({ kind: "for", axes: [axis], order: "sequential", body: inner })).toEqual([
      "force for force store store",
      2,
    ]);
  });
  it("and a sum that is written out is computed where it stands if it reads what is stored", () => {
    const [local, three] = [newLocal("float32"), newAxis(3)];
    const sum = (buffer: number): Statement[] => [
      { kind: "reduce", local, combine: "sum", axes: [three], value: load(buffer, axisValue(three), "float32") },
      { kind: "store", buffer: 9, index: int(0), value: localValue(local) },
    ];
    expect(stepsFor([], sum(9)).steps.map(({ kind }) => kind)).toEqual(["force", "store"]);
    expect(stepsFor([], sum(0)).steps.map(({ kind }) => kind)).toEqual(["store"]);
  });
});

it("checks, and stores that add, stay what they are", () => {
  const axis = newAxis(6);
  const holds = binary("lt", load(0, int(0), "int32"), int(5));
  const index = load(0, axisValue(axis), "int32");
  const { steps } = stepsFor(
    [],
    [
      { kind: "check", site: 3, holds, axes: [axis], index, place: axisValue(axis), extent: 5 },
      { kind: "store", buffer: 9, index: int(0), value: load(1, int(0), "float32"), accumulate: true },
      { kind: "store", buffer: 9, index: int(1), value: load(1, int(0), "float32") },
    ],
  );
  expect(steps).toMatchObject([
    { kind: "check", site: 3, holds: { fn: "lt" }, axes: [axis], index: { kind: "load" }, place: { axis }, extent: 5 },
    { kind: "store", accumulate: true },
    { kind: "store", accumulate: false },
  ]);
  expect(boundIn(steps)).toEqual(new Set([axis.id]));
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
  const scan: Statement = {
    kind: "scan",
    combine: "sum",
    axis: inner,
    buffer: 6,
    index: axisValue(inner),
    value: load(0, axisValue(inner), "float32"),
  };
  expect(storedIn([scan])).toEqual(new Set([6]));
  expect(storedIn([{ kind: "let", local, value: load(5, int(0), "float32") }])).toEqual(new Set());
  expect(boundIn(stepsFor([], [scan], [6]).steps)).toEqual(new Set([inner.id]));
  const { steps } = stepsFor([], body, [7, 9]);
  expect([...boundIn(steps)].sort()).toEqual([outer.id, inner.id, local.id].sort());
  expect(steps.map((step: Step) => (step.kind === "for" ? step.parallel : step.kind))).toEqual([false, "store"]);
});
