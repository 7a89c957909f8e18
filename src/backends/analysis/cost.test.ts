// What kernels cost by the model of a machine, counted by hand; and which loop gets lanes.
import { describe, expect, it } from "vitest";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
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
  mul,
  newAxis,
  newLocal,
  type Scalar,
  select,
  unary,
} from "../../graph/scalar.ts";
import { bestLane, canVectorize, costOf, Dependence, isHeavy, type LaneModel } from "./cost.ts";
import { type Step, stepsOf } from "./steps.ts";
import { ValueTable } from "./values.ts";

const model: LaneModel = { lanes: 4, doubles: false, masked: false, halves: true, scattered: 10 };

interface Parts {
  readonly axes: readonly Axis[];
  readonly body: readonly Statement[];
}

function analysed({ axes, body }: Parts, more: Partial<LaneModel> = {}) {
  const kernel: LoopKernel = { kind: "loops", name: "kernel", axes, body };
  const found = stepsOf(kernel, () => new ValueTable(() => ({ length: 1 << 20, stored: false })));
  return { ...found, dependence: new Dependence(found.axes, found.steps, { ...model, ...more }) };
}

function costs(parts: Parts, more: Partial<LaneModel> = {}): readonly [scalar: number, lanes: number] {
  const { axes, steps, dependence } = analysed(parts, more);
  const lane = axes.at(-1);
  // An axis that nothing depends on: no inner loop chooses lanes of its own.
  const none: Axis = { id: -1, extent: 1 };
  return [costOf(steps, none, dependence, axes), costOf(steps, lane, dependence, axes)];
}

const elements = (value: (at: Scalar) => Scalar, { extent = 100, place = (at: Scalar): Scalar => at } = {}): Parts => {
  const axis = newAxis(extent);
  const at = axisValue(axis);
  return { axes: [axis], body: [{ kind: "store", buffer: 9, index: place(at), value: value(at) }] };
};
const read = (at: Scalar, dtype: ElementType = "float32"): Scalar => load(0, at, dtype);
const read1 = (at: Scalar): Scalar => load(1, at, "float32");
const square = (x: Scalar): Scalar => mul(x, x);

describe("elements", () => {
  // Loads and stores are 1.5 each; four lanes at once are 1.
  it.each([
    ["a copy", (at: Scalar) => read(at), 300, 50],
    ["an operation", (at: Scalar) => unary("neg", read(at)), 400, 75],
    ["a quotient", (at: Scalar) => binary("div", read(at), load(1, at, "float32")), 850, 200],
    ["a root", (at: Scalar) => unary("sqrt", read(at)), 700, 175],
    ["a whole remainder", (at: Scalar) => binary("mod", read(at, "int32"), load(1, at, "int32")), 850, 375],
    ["a heavy function", (at: Scalar) => unary("exp", read(at)), 4300, 850],
    ["one that has no lanes", (at: Scalar) => unary("sin", read(at)), 6300, 3050],
    ["bytes", (at: Scalar) => read(at, "uint8"), 300, 100],
    ["every second", (at: Scalar) => read(mul(at, int(2))), 300, 100],
    ["backwards", (at: Scalar) => read(binary("sub", int(99), at)), 300, 100],
    ["every third", (at: Scalar) => read(mul(at, int(3))), 300, 275],
    ["places that are looked up", (at: Scalar) => read(load(1, at, "int32")), 450, 400],
    ["each twice, at half of a place", (at: Scalar) => read(binary("div", at, int(2))), 700, 400],
    ["one for all", () => read(int(5)), 151.5, 26.5],
    ["a constant, which is there", (at: Scalar) => add(read(at), constant(2, "float32")), 400, 75],
    ["a shared part, once", (at: Scalar) => square(unary("exp", read(at))), 4400, 875],
    ["a counter as a number", (at: Scalar) => cast(at, "float32"), 250, 50],
    ["a choice", (at: Scalar) => select(binary("lt", read(at), read1(at)), read(at), read1(at)), 650, 125],
  ] as const)("%s", (_, value, scalar, lanes) => {
    expect(costs(elements(value))).toEqual([scalar, lanes]);
  });
  it("that are left over are taken one by one, or masked", () => {
    expect(costs(elements(read, { extent: 103 }))).toEqual([309, 59]);
    expect(costs(elements(read, { extent: 103 }), { masked: true })).toEqual([309, 52]);
  });
  it("are gathered where two lanes share no load", () => {
    const twice = elements((at) => read(binary("div", at, int(2))));
    expect(costs(twice, { halves: false })[1] - costs(twice)[1]).toBe(25 * (14 - 3));
  });
  it("that all rows share are computed once, but in lanes again for each row", () => {
    const [row, column] = [newAxis(10), newAxis(100)];
    const index = add(mul(axisValue(row), int(1000)), axisValue(column));
    const store = (value: Scalar): Parts => ({
      axes: [row, column],
      body: [{ kind: "store", buffer: 9, index, value }],
    });
    expect(costs(store(unary("exp", read(axisValue(column)))))).toEqual([100 * 41.5 + 1500, 250 * 33 + 250]);
    expect(costs(store(unary("exp", read(axisValue(row)))))).toEqual([10 * 41.5 + 1500, 10 * 41.5 + 250]);
  });
  it("are scattered for less than they are gathered", () => {
    expect(costs(elements(read, { place: (at) => mul(at, int(3)) }))).toEqual([300, 225]);
    expect(costs(elements(read, { place: (at) => mul(at, int(2)) }))).toEqual([300, 100]);
  });
});

describe("the loop that gets lanes", () => {
  const matrix = (strides: readonly [number, number], extents: readonly [number, number] = [64, 64]): Parts => {
    const axes = extents.map(newAxis) as [Axis, Axis];
    const at = add(mul(axisValue(axes[0]), int(strides[0])), mul(axisValue(axes[1]), int(strides[1])));
    // Another one of a broken stride, so that the loops do not become one.
    return { axes, body: [{ kind: "store", buffer: 9, index: at, value: read(add(at, int(3))) }] };
  };
  const lane = (parts: Parts, more: Partial<LaneModel> = {}): number => {
    const { axes, steps, dependence } = analysed(parts, more);
    const best = bestLane(axes, steps, dependence);
    return best === undefined ? -1 : axes.indexOf(best);
  };
  it("is that along which elements lie side by side", () => {
    expect(lane(matrix([100, 1]))).toBe(1);
    expect(lane(matrix([1, 100]))).toBe(0);
  });
  it("is none where elements lie nowhere side by side, or in rows shorter than the lanes", () => {
    expect(lane(matrix([1000, 10]), { scattered: 20 })).toBe(-1);
    expect(lane(matrix([100, 1], [64, 3]))).toBe(-1);
    expect(lane(matrix([100, 1], [64, 4]))).toBe(1);
    expect(lane(matrix([100, 1], [64, 1]), { masked: true })).toBe(-1);
    expect(lane(matrix([100, 1], [64, 2]), { masked: true })).toBe(1);
  });
  it("is that of longer rows where a quarter of the masked lanes would not be filled", () => {
    expect(lane(matrix([100, 1], [64, 7]), { masked: true, lanes: 32 })).toBe(0);
    expect(lane(matrix([100, 1], [64, 8]), { masked: true, lanes: 32 })).toBe(1);
  });
  it("is the innermost of two that cost the same", () => {
    expect(lane(matrix([1000, 10]), { scattered: 1 })).toBe(1);
  });
});

describe("lanes", () => {
  const possible = (body: (at: Scalar, axis: Axis) => readonly Statement[], more: Partial<LaneModel> = {}): boolean => {
    const axis = newAxis(64);
    const { axes, steps, dependence } = analysed({ axes: [axis], body: body(axisValue(axis), axis) }, more);
    return canVectorize(steps, axes[0] as Axis, dependence);
  };
  const store = (index: Scalar, value: Scalar): Statement => ({ kind: "store", buffer: 9, index, value });
  it("compute elements, and float64 where the machine has lanes of it", () => {
    expect(possible((at) => [store(at, read(at))])).toBe(true);
    expect(possible((at) => [store(at, read(at, "float64"))])).toBe(false);
    expect(possible((at) => [store(at, read(at, "float64"))], { doubles: true })).toBe(true);
    expect(possible((at) => [store(at, read(int(0), "float64"))])).toBe(false);
  });
  it("compute what holds float64 inside, or as a place, only there too, unless it is one for all lanes", () => {
    const rounded = (at: Scalar): Scalar => cast(read(at, "float64"), "float32");
    expect(possible((at) => [store(at, rounded(at))])).toBe(false);
    expect(possible((at) => [store(at, rounded(at))], { doubles: true })).toBe(true);
    expect(possible((at) => [store(at, rounded(int(0)))])).toBe(true);
    expect(possible((at) => [store(cast(load(1, at, "float64"), "int32"), read(at))])).toBe(false);
  });
  it("compute sums of float64 that are one for all lanes only there as well", () => {
    const body = (at: Scalar): readonly Statement[] => {
      const inner = newAxis(200);
      const local = newLocal("float64");
      const value = read(axisValue(inner), "float64");
      return [
        { kind: "reduce", local, combine: "sum", axes: [inner], value },
        store(at, cast(localValue(local), "float32")),
      ];
    };
    expect(possible(body)).toBe(false);
    expect(possible(body, { doubles: true })).toBe(true);
  });
  it("do not run along checks", () => {
    const holds = (at: Scalar): Scalar => binary("lt", read(at, "int32"), int(5));
    const check = (at: Scalar): Statement => ({
      kind: "check",
      site: 0,
      holds: holds(at),
      axes: [],
      index: int(0),
      place: int(0),
      extent: 5,
    });
    expect(possible((at) => [check(at), store(at, read(at))])).toBe(false);
  });
  const sums =
    (dtype: ElementType) =>
    (at: Scalar): readonly Statement[] => {
      const inner = newAxis(200);
      const local = newLocal(dtype);
      const value = read(add(mul(at, int(300)), axisValue(inner)), dtype);
      return [
        { kind: "reduce", local, combine: "sum", axes: [inner], value },
        store(at, dtype === "float32" ? localValue(local) : { kind: "cast", dtype: "float32", x: localValue(local) }),
      ];
    };
  it("compute sums, of float64 where the machine has lanes of it", () => {
    expect(possible(sums("float32"))).toBe(true);
    expect(possible(sums("float64"))).toBe(false);
    expect(possible(sums("float64"), { doubles: true })).toBe(true);
  });
  it("do not run along a running sum", () => {
    const scan = (at: Scalar): readonly Statement[] => {
      const axis = newAxis(50);
      const index = add(mul(at, int(50)), axisValue(axis));
      return [{ kind: "scan", combine: "sum", axis, buffer: 9, index, value: read(index) }];
    };
    expect(possible(scan)).toBe(false);
  });
  it("do not write to places that are looked up one after another", () => {
    const walk =
      (order: "sequential" | "parallel", index: (at: Scalar, step: Scalar) => Scalar) =>
      (at: Scalar): readonly Statement[] => {
        const step = newAxis(7);
        return [{ kind: "for", axes: [step], order, body: [store(index(at, axisValue(step)), read(at))] }];
      };
    const lookedUp = (at: Scalar, step: Scalar): Scalar => add(mul(load(1, at, "int32"), int(10)), step);
    const plain = (at: Scalar, step: Scalar): Scalar => add(mul(at, int(10)), step);
    expect(possible(walk("sequential", lookedUp))).toBe(false);
    expect(possible(walk("parallel", lookedUp))).toBe(true);
    expect(possible(walk("sequential", plain))).toBe(true);
    expect(possible((at) => [store(load(1, at, "int32"), read(at))])).toBe(true);
    const within = (at: Scalar): readonly Statement[] => [
      { kind: "for", axes: [newAxis(3)], order: "sequential", body: walk("parallel", lookedUp)(at) },
    ];
    expect(possible(within)).toBe(false);
  });
});

it("a sum is one operation for each of its elements, beside what it loads", () => {
  const [row, inner] = [newAxis(10), newAxis(200)];
  const local = newLocal("float32");
  const value = read(add(mul(axisValue(row), int(300)), axisValue(inner)));
  const body: Statement[] = [
    { kind: "reduce", local, combine: "sum", axes: [inner], value },
    { kind: "store", buffer: 9, index: axisValue(row), value: unary("neg", localValue(local)) },
  ];
  const { axes, steps, dependence } = analysed({ axes: [row], body });
  // In lanes of its own: 50 · (1 + 1) for each row; then an operation and a store.
  expect(costOf(steps, undefined, dependence, axes)).toBe(10 * (50 * 2 + 1 + 1.5));
  expect(costOf(steps, { id: -1, extent: 1 }, dependence, axes)).toBe(10 * (200 * 2.5 + 1 + 1.5));
});

/** What a kernel over ten rows costs whose loops choose lanes of their own. */
const costOfRows = (body: (row: Scalar) => readonly Statement[]): number => {
  const row = newAxis(10);
  const { axes, steps, dependence } = analysed({ axes: [row], body: body(axisValue(row)) });
  return costOf(steps, undefined, dependence, axes);
};

it("running sums and checks have no lanes, and checks are searched only where they fail", () => {
  const axis = newAxis(50);
  const scan = (row: Scalar): readonly Statement[] => {
    const index = add(mul(row, int(50)), axisValue(axis));
    return [{ kind: "scan", combine: "sum", axis, buffer: 9, index, value: read(index) }];
  };
  expect(costOfRows(scan)).toBe(10 * 50 * (1.5 + 1.5));
  const check = (row: Scalar): readonly Statement[] => [
    {
      kind: "check",
      site: 0,
      holds: binary("lt", read(row, "int32"), int(5)),
      axes: [axis],
      index: read(axisValue(axis), "int32"),
      place: axisValue(axis),
      extent: 5,
    },
  ];
  expect(costOfRows(check)).toBe(10 * (1.5 + 1));
});

it("a loop inside has lanes of its own where its points are independent", () => {
  const nest =
    (order: "parallel" | "sequential") =>
    (row: Scalar): readonly Statement[] => {
      const axis = newAxis(200);
      const index = add(mul(row, int(300)), axisValue(axis));
      return [{ kind: "for", axes: [axis], order, body: [{ kind: "store", buffer: 9, index, value: read(index) }] }];
    };
  expect(costOfRows(nest("parallel"))).toBe(10 * 50 * (1 + 1));
  expect(costOfRows(nest("sequential"))).toBe(10 * 200 * (1.5 + 1.5));
});

it("what a value depends on is followed through sums, and every loop has its extent", () => {
  const [row, k, m, p, s, c] = [newAxis(10), newAxis(200), newAxis(30), newAxis(7), newAxis(5), newAxis(3)];
  const [first, second] = [newLocal("float32"), newLocal("float32")];
  const product = mul(localValue(first), read1(axisValue(m)));
  const index = add(mul(axisValue(row), int(50)), add(mul(axisValue(p), int(6)), axisValue(s)));
  const body: Statement[] = [
    {
      kind: "reduce",
      local: first,
      combine: "sum",
      axes: [k],
      value: read(add(mul(axisValue(row), int(300)), axisValue(k))),
    },
    { kind: "reduce", local: second, combine: "sum", axes: [m], value: product },
    { kind: "store", buffer: 9, index: axisValue(row), value: localValue(second) },
    {
      kind: "for",
      axes: [p],
      order: "sequential",
      body: [{ kind: "scan", combine: "sum", axis: s, buffer: 8, index, value: read(index) }],
    },
    {
      kind: "check",
      site: 0,
      holds: binary("lt", read(axisValue(row), "int32"), int(5)),
      axes: [c],
      index: int(0),
      place: int(0),
      extent: 5,
    },
  ];
  const { steps, dependence } = analysed({ axes: [row], body });
  const axesOf = (step: Step | undefined): ReadonlySet<number> | undefined =>
    step?.kind === "reduce" || step?.kind === "store" ? dependence.axesOf(step.value) : undefined;
  expect(axesOf(steps[0])).toEqual(new Set([row.id, k.id]));
  expect(axesOf(steps[1])).toEqual(new Set([row.id, m.id]));
  expect(axesOf(steps[2])).toEqual(new Set([row.id]));
  for (const axis of [row, k, m, p, s, c]) expect(dependence.points(new Set([axis.id]))).toBe(axis.extent);
  expect(dependence.points(new Set([row.id, m.id]))).toBe(300);
  expect(dependence.points(new Set())).toBe(1);
});

it("heavy are the functions of float32 that a processor has no instruction for", () => {
  const table = new ValueTable(() => ({ length: 100, stored: false }));
  const [single, double] = [table.of(read(int(0))), table.of(read(int(1), "float64"))];
  expect(isHeavy(table.unary("exp", single))).toBe(true);
  expect(isHeavy(table.binary("atan2", single, single))).toBe(true);
  expect(isHeavy(table.unary("exp", double))).toBe(false);
  expect(isHeavy(table.unary("neg", single))).toBe(false);
  expect(isHeavy(table.binary("add", single, single))).toBe(false);
  expect(isHeavy(single)).toBe(false);
});
