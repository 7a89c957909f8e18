// How loops are laid out: units of work, blocks of long rows, and tiles of a transpose, at each limit.
import { describe, expect, it } from "vitest";
import type { LoopKernel } from "../../compiler/kernel.ts";
import { type Axis, add, axisValue, int, load, localValue, mul, newAxis, newLocal } from "../../graph/scalar.ts";
import { Dependence } from "./cost.ts";
import { planLoops } from "./loopPlan.ts";
import { stepsOf } from "./steps.ts";
import { ValueTable } from "./values.ts";

const model = { lanes: 4, doubles: false, masked: false, halves: true, scattered: 10 };

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
