// How loops are laid out: units of work, blocks of long rows, and tiles of a transpose, at each limit.
import { describe, expect, it } from "vitest";
import type { LoopKernel } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
  unary,
} from "../../graph/scalar.ts";
import { Dependence, type LaneModel } from "./cost.ts";
import { planLoops } from "./loopPlan.ts";
import { stepsOf } from "./steps.ts";
import { ValueTable } from "./values.ts";

const model: LaneModel = { lanes: 4, doubles: false, masked: false, halves: true, scattered: 10 };

interface Made {
  /** How far apart in memory the rows and the columns are that are read. Rows are 2²⁰ apart where they are stored: nothing merges. */
  readonly read?: readonly [number, number];
  readonly stores?: number;
  /** Elements of an inner sum. */
  readonly summed?: number;
}

function plan(rows: number, columns: number, { read = [1 << 20, 1], stores = 1, summed }: Made = {}) {
  const [row, column] = [newAxis(rows), newAxis(columns)];
  const place = (by: number, across: number) => add(mul(axisValue(row), int(by)), mul(axisValue(column), int(across)));
  const element = load(0, place(...read), "float32");
  const local = newLocal("float32");
  const inner: Axis = newAxis(summed ?? 1);
  const body: LoopKernel["body"] = [
    ...(summed === undefined
      ? []
      : [
          {
            kind: "reduce",
            local,
            combine: "sum",
            axes: [inner],
            value: mul(element, load(1, axisValue(inner), "float32")),
          } as const,
        ]),
    ...Array.from({ length: stores }, (_, k) => ({
      kind: "store" as const,
      buffer: 2 + k,
      index: place(1 << 20, 1),
      value: summed === undefined ? element : localValue(local),
    })),
  ];
  const kernel: LoopKernel = { kind: "loops", name: "kernel", axes: [row, column], body };
  const { axes, steps } = stepsOf(kernel, () => new ValueTable(() => ({ length: 2 ** 31, stored: false })));
  const { blocks, block, units, unitAxes } = planLoops(axes, steps, new Dependence(axes, steps, model));
  return { blocks, block, units, rows: unitAxes.length };
}

describe("units of work", () => {
  it.each([
    ["16 rows are whole", plan(16, 8192), { blocks: 1, block: 4096, units: 16, rows: 1 }],
    ["15 rows are cut", plan(15, 8192), { blocks: 2, block: 4096, units: 30, rows: 1 }],
    ["one row, a little more than two blocks", plan(1, 8193), { blocks: 3, block: 4096, units: 3, rows: 0 }],
    ["of seven stores", plan(15, 8192, { stores: 7 }), { blocks: 2, block: 4096, units: 30, rows: 1 }],
    ["of eight stores", plan(15, 8192, { stores: 8 }), { blocks: 32, block: 256, units: 480, rows: 1 }],
    ["with a sum inside", plan(15, 8192, { summed: 100 }), { blocks: 128, block: 64, units: 1920, rows: 1 }],
  ])("%s", (_, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe("a transpose", () => {
  it.each([
    [
      "of 16 columns goes along them within 16 rows",
      plan(64, 16, { read: [1, 64] }),
      { blocks: 4, block: 16, units: 4 },
    ],
    ["of 15 columns goes along whole rows", plan(64, 15, { read: [1, 64] }), { blocks: 1, block: 4096, units: 15 }],
  ])("%s", (_, { blocks, block, units }, expected) => {
    expect({ blocks, block, units }).toEqual(expected);
  });
});

interface Copied {
  /** Steps through memory along each axis, and where they begin. */
  readonly reads?: readonly number[];
  readonly writes?: readonly number[];
  readonly from?: number;
  readonly dtype?: ElementType;
  /** What is read is computed before it is stored: a store might change it. */
  readonly forced?: true;
  /** Each point is a sum over so many elements. */
  readonly summed?: number;
}

/** How elements are copied, by the places of the axes. Nothing merges: what is written lies apart. float64 has no lanes. */
function copied(extents: readonly number[], made: Copied = {}, more: Partial<LaneModel> = {}) {
  const { dtype = "float64", forced, summed, from = 0 } = made;
  const given = extents.map(newAxis);
  const apart = extents.map((_, k) => (k === extents.length - 1 ? 1 : (k + 2) << (26 - 8 * k)));
  const place = (strides: readonly number[], start: number): Scalar =>
    given.reduce((sum, axis, k) => add(sum, mul(axisValue(axis), int(strides[k] ?? 0))), int(start));
  const index = place(made.writes ?? apart, 0);
  const element = unary("neg", load(forced ? 9 : 0, place(made.reads ?? made.writes ?? apart, from), dtype));
  const [local, inner] = [newLocal(dtype), newAxis(summed ?? 1)];
  const value = mul(element, load(1, axisValue(inner), dtype));
  const body: LoopKernel["body"] = [
    ...(summed === undefined ? [] : [{ kind: "reduce", local, combine: "sum", axes: [inner], value } as const]),
    ...(forced ? [{ kind: "let", local, value: element } as const] : []),
    { kind: "store", buffer: 9, index, value: summed === undefined && !forced ? element : localValue(local) },
  ];
  const facts = (buffer: number) => ({ length: 2 ** 31, stored: buffer === 9 });
  const kernel: LoopKernel = { kind: "loops", name: "copy", axes: given, body };
  const { axes, steps } = stepsOf(kernel, () => new ValueTable(facts));
  const found = planLoops(axes, steps, new Dependence(axes, steps, { ...model, ...more }));
  const at = (axis: Axis): number => axes.indexOf(axis);
  return {
    inner: found.inner && at(found.inner),
    lanes: found.lanes,
    units: [found.unitAxes.map(at), found.units],
    loops: found.loopAxes.map(at),
    blocks: [found.blocks, found.block],
  };
}

describe("the innermost axis", () => {
  it("has lanes along it where they pay and are possible, from four elements on", () => {
    expect(copied([20, 100], { dtype: "float32" })).toMatchObject({ inner: 1, lanes: true });
    expect(copied([20, 100])).toMatchObject({ inner: 1, lanes: false });
    expect(copied([20, 4], { dtype: "float32" }, { masked: true })).toMatchObject({ inner: 1, lanes: true });
    expect(copied([20, 3], { dtype: "float32" }, { masked: true })).toMatchObject({ inner: 1, lanes: false });
  });
  it("is another than the last where lanes are cheaper along that, the last of two that cost the same", () => {
    const strides = { dtype: "float32", writes: [1, 1 << 12] } as const;
    expect(copied([64, 64], strides)).toMatchObject({ inner: 0, lanes: true, units: [[1], 64] });
    expect(copied([64, 64], { dtype: "float32", writes: [1 << 14, 5] }, { scattered: 1 })).toMatchObject({ inner: 1 });
  });
  it("is none where points have loops of their own without lanes, and the last where values are only computed early", () => {
    const sums = { inner: undefined, lanes: false, units: [[0], 5], loops: [], blocks: [1, 64] };
    expect(copied([5], { summed: 100 })).toEqual(sums);
    expect(copied([5000], { forced: true })).toMatchObject({ inner: 0, lanes: false, blocks: [2, 4096] });
  });
});

describe("units are the points of the first axes", () => {
  it.each([
    ["64 of them are enough", [64, 10, 20], [[0], 64], [1], [1, 4096]],
    ["63 are not", [63, 10, 20], [[0, 1], 630], [], [1, 4096]],
    ["few, of rows in one block", [3, 5, 100], [[0, 1], 15], [], [1, 4096]],
    ["few, of rows in two", [3, 5, 5000], [[0, 1], 30], [], [2, 4096]],
    ["of nothing", [3, 0], [[0], 3], [], [1, 4096]],
  ] as const)("%s", (_, extents, units, loops, blocks) => {
    expect(copied(extents)).toEqual({ inner: extents.length - 1, lanes: false, units, loops, blocks });
  });
});

describe("a transpose goes along the other axis in each block", () => {
  const across = (extents: readonly number[], made: Copied): string => {
    const { units, loops, blocks } = copied(extents, made);
    return `${units.flat().join()}; ${loops.join()}; ${blocks.join()}`;
  };
  const plain = "0,64; ; 1,4096";
  it("where a line has 16 elements or more between neighbours", () => {
    expect(across([64, 64], { reads: [1, 16] })).toBe("4; 0; 4,16");
    expect(across([64, 64], { reads: [1, 15] })).toBe(plain);
    expect(across([64, 64], { reads: [-1, -16], from: 5000 })).toBe("4; 0; 4,16");
    expect(across([64, 64], { reads: [1, 1] })).toBe(plain);
    expect(across([64, 64], { reads: [2, 16] })).toBe(plain);
  });
  it("and the other axis has 16 elements", () => {
    expect(across([16, 64], { reads: [1, 16] })).toBe("4; 0; 4,16");
    expect(across([15, 64], { reads: [1, 16] })).toBe("0,15; ; 1,4096");
  });
  it("whether it is read or written so", () => {
    expect(across([64, 64], { reads: [1 << 20, 1], writes: [1, 64] })).toBe("4; 0; 4,16");
  });
  it("with further axes around", () => {
    expect(across([20, 64, 64], { reads: [1 << 14, 1, 64] })).toBe("0,80; 1; 4,16");
    expect(across([64, 20, 64], { reads: [1, 1 << 14, 64] })).toBe("1,80; 0; 4,16");
    expect(across([3, 64, 5, 64], { reads: [1 << 22, 1, 1 << 14, 64] })).toBe("0,2,60; 1; 4,16");
    expect(across([70, 64, 5, 64], { reads: [1 << 22, 1, 1 << 14, 64] })).toBe("0,280; 2,1; 4,16");
  });
});
