// Which windows and sums are computed together: each limit where it is just kept, and where it is just passed. Results are compared in ../windows.test.ts.
import { describe, expect, it } from "vitest";
import type { LoopKernel } from "../../compiler/kernel.ts";
import { type Axis, add, axisValue, int, load, localValue, mul, newAxis, newLocal } from "../../graph/scalar.ts";
import { type Step, visitSteps } from "./steps.ts";
import { ValueTable } from "./values.ts";
import { stepsInWindows, sumsAtOnce } from "./windows.ts";

const place = (axes: readonly Axis[]) =>
  axes.reduce((sum, axis) => add(mul(sum, int(axis.extent)), axisValue(axis)), int(0));

/** results[outer, taps] = Σ values[outer, of] · others[taps, of] */
function sums(outer: number, taps: number, of: number): LoopKernel {
  const [o, t, k] = [newAxis(outer), newAxis(taps), newAxis(of)];
  const local = newLocal("float32");
  const value = mul(load(0, place([o, k]), "float32"), load(1, place([t, k]), "float32"));
  return {
    kind: "loops",
    name: "sums",
    axes: [o, t],
    body: [
      { kind: "reduce", local, combine: "sum", axes: [k], value },
      { kind: "store", buffer: 2, index: place([o, t]), value: localValue(local) },
    ],
  };
}

const reductionsOf = ({ body }: LoopKernel): number => body.filter(({ kind }) => kind === "reduce").length;

describe("sums that share what they read", () => {
  it.each([
    [16, 2, 64, 2],
    [16, 12, 64, 12],
    [16, 13, 64, 1],
    [16, 1, 64, 1],
    [15, 2, 64, 1],
    [16, 2, 63, 1],
  ])("of %i × %i points over %i elements: %i at once", (outer, taps, of, expected) => {
    const kernel = sumsAtOnce(sums(outer, taps, of));
    expect(reductionsOf(kernel)).toBe(expected);
    expect(kernel.axes.map(({ extent }) => extent)).toEqual(expected === 1 ? [outer, taps] : [outer]);
  });
});

/** The largest of `high` × `wide` neighbours, in rows of 10 results; with weights, which are loaded too. */
function windows(rows: number, high: number, wide: number, weighted: boolean): LoopKernel {
  const [y, x, i, j] = [newAxis(rows), newAxis(10), newAxis(high), newAxis(wide)];
  const local = newLocal("float32");
  const at = add(mul(add(axisValue(y), axisValue(i)), int(32)), add(axisValue(x), axisValue(j)));
  const element = load(0, at, "float32");
  return {
    kind: "loops",
    name: "windows",
    axes: [y, x],
    body: [
      {
        kind: "reduce",
        local,
        combine: "sum",
        axes: [i, j],
        value: weighted ? mul(element, load(1, place([i, j]), "float32")) : element,
      },
      { kind: "store", buffer: 2, index: place([y, x]), value: localValue(local) },
    ],
  };
}

function storesOf(steps: readonly Step[]): number {
  let stores = 0;
  visitSteps(
    steps,
    () => undefined,
    () => stores++,
  );
  return stores;
}

describe("windows that overlap", () => {
  it.each([
    [8, 2, 1, false, 4],
    [10, 3, 3, false, 5],
    [9, 3, 3, false, 3],
    [14, 3, 3, false, 2],
    [49, 3, 3, false, 7],
    [11, 3, 3, false, 1],
    [8, 1, 1, false, 1],
    [8, 8, 8, false, 4],
    [8, 13, 5, false, 1],
    [8, 4, 4, true, 4],
    [8, 17, 1, true, 1],
  ])("in %i rows, of %i × %i, weighted %s: %i rows together", (rows, high, wide, weighted, expected) => {
    const table = () => new ValueTable((buffer) => ({ length: 4096, stored: buffer === 2 }));
    const { axes, steps } = stepsInWindows(windows(rows, high, wide, weighted), table);
    expect(storesOf(steps)).toBe(expected);
    expect(axes[0]?.extent).toBe(expected === 1 ? rows : rows / expected);
  });
});
