// Contractions for the tests of their plans, and the memory addresses that their expressions read.

import { extentOf } from "../../src/backends/analysis/steps.ts";
import { machines } from "../../src/backends/c/contraction/machine.ts";
import type { Machine } from "../../src/backends/contraction/machine.ts";
import type { Plan } from "../../src/backends/contraction/plan.ts";
import { unitsOf } from "../../src/backends/contraction/tile.ts";
import { machine as wasm } from "../../src/backends/wasm/contraction/machine.ts";
import type { ContractionKernel } from "../../src/compiler/kernel.ts";
import type { DType } from "../../src/graph/dtype.ts";
import { loadElement } from "../../src/graph/halves.ts";
import {
  type Axis,
  add,
  axisValue,
  int,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
} from "../../src/graph/scalar.ts";

export const everyMachine: Readonly<Record<string, Machine>> = { ...machines, wasm };

/** Extents of the axes, and the strides of each operand along them: batch, m, n, k in this order. */
export interface Shape {
  readonly batch: readonly number[];
  readonly m: readonly number[];
  readonly n: readonly number[];
  readonly k: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly out: readonly number[];
  /** The offset of the first element of `a`. */
  readonly aOffset?: number;
  /** The dtype of both operands in memory; default: float32. */
  readonly stored?: DType;
}

export type Layout = "nn" | "nt" | "tn" | "tt";

export function matrices(m: number, n: number, k: number, layout: Layout = "nn", batch = 1): Shape {
  return {
    batch: [batch],
    m: [m],
    n: [n],
    k: [k],
    a: [m * k, ...(layout[0] === "n" ? [k, 0, 1] : [1, 0, m])],
    b: [n * k, 0, ...(layout[1] === "n" ? [1, n] : [k, 1])],
    out: [m * n, n, 1, 0],
  };
}

/** A convolution of images [count, channels, size, size], without padding. */
export function convolution(count: number, channels: number, outputs: number, size: number, window: number): Shape {
  const [out, area] = [size - window + 1, window ** 2];
  return {
    batch: [],
    m: [outputs],
    n: [count, out, out],
    k: [channels, window, window],
    a: [channels * area, 0, 0, 0, area, window, 1],
    b: [0, channels * size * size, size, 1, size * size, size, 1],
    out: [out * out, outputs * out * out, out, 1, 0, 0, 0],
  };
}

export const [A, B, C] = [0, 1, 2] as const;

/** A position in memory, from the strides of each axis. */
export const placeOf = (axes: readonly Axis[], strides: readonly number[], offset = 0): Scalar =>
  axes.reduce<Scalar>((sum, axis, i) => add(sum, mul(axisValue(axis), int(strides[i] ?? 0))), int(offset));

export function kernelOf(shape: Shape): ContractionKernel {
  const [batch, m, n, k] = [shape.batch, shape.m, shape.n, shape.k].map((extents) => extents.map(newAxis));
  if (batch === undefined || m === undefined || n === undefined || k === undefined) throw new Error("four groups");
  const axes = [...batch, ...m, ...n, ...k];
  const place = (strides: readonly number[], offset?: number): Scalar => placeOf(axes, strides, offset);
  const result = newLocal("float32");
  const epilogue = [{ kind: "store", buffer: C, index: place(shape.out), value: localValue(result) }] as const;
  const { stored = "float32" } = shape;
  const [a, b] = [loadElement(A, place(shape.a, shape.aOffset), stored), loadElement(B, place(shape.b), stored)];
  return { kind: "contraction", name: "product", dtype: "float32", batch, m, n, k, a, b, result, epilogue };
}

export type Point = ReadonlyMap<number, number>;

/** The values of a function at all points of the axes, the first outermost. The point is one map, which is modified. */
export function atEach<T>(axes: readonly Axis[], from: Point, of: (point: Point) => T): T[] {
  const point = new Map(from);
  const results: T[] = [];
  const walk = (place: number): void => {
    const axis = axes[place];
    if (axis === undefined) {
      results.push(of(point));
      return;
    }
    for (let i = 0; i < axis.extent; i++) {
      point.set(axis.id, i);
      walk(place + 1);
    }
  };
  walk(0);
  return results;
}

/** The value of an integer expression at a point. A load returns its index, as if memory held its own addresses. */
export function valueAt(x: Scalar, point: Point): number {
  switch (x.kind) {
    case "const":
      return x.value;
    case "axis":
      return point.get(x.axis.id) ?? Number.NaN;
    case "load":
      return valueAt(x.index, point);
    case "cast":
      return valueAt(x.x, point);
    case "select":
      return valueAt(x.condition, point) !== 0 ? valueAt(x.a, point) : valueAt(x.b, point);
    case "binary": {
      const [a, b] = [valueAt(x.a, point), valueAt(x.b, point)];
      const of: Partial<Record<typeof x.fn, number>> = {
        add: a + b,
        sub: a - b,
        mul: a * b,
        div: Math.floor(a / b),
        mod: a % b,
        lt: Number(a < b),
      };
      return of[x.fn] ?? Number.NaN;
    }
    default:
      return Number.NaN;
  }
}

/** The point of the original axes for a position along the merged axis. */
export function spread(axes: readonly Axis[], flat: number): Point {
  const point = new Map<number, number>();
  let rest = flat;
  for (const axis of [...axes].reverse()) {
    point.set(axis.id, rest % axis.extent);
    rest = Math.floor(rest / axis.extent);
  }
  return point;
}

/** The shapes to plan: every layout, sums that are short, long and uneven, few rows, heads, images. */
export const shapes: readonly (readonly [string, Shape])[] = [
  ["512 x 512 x 512", matrices(512, 512, 512)],
  ["512 x 512 x 512, tn", matrices(512, 512, 512, "tn")],
  ["512 x 512 x 512, nt", matrices(512, 512, 512, "nt")],
  ["127 x 127 x 127, tt", matrices(127, 127, 127, "tt")],
  ["300 x 13 x 77", matrices(300, 13, 77)],
  ["1 x 128 x 784, nt", matrices(1, 128, 784, "nt")],
  ["64 x 128 x 3136", matrices(64, 128, 3136)],
  ["33 x 1023 x 65", matrices(33, 1023, 65)],
  ["1025 x 17 x 31, nt", matrices(1025, 17, 31, "nt")],
  ["48 batches of 37 x 53 x 19", matrices(37, 53, 19, "nn", 48)],
  ["512 batches of 8 x 8 x 8", matrices(8, 8, 8, "nn", 512)],
  [
    "heads, 2 x 3 of 12 x 12 x 16",
    {
      batch: [2, 3],
      m: [12],
      n: [12],
      k: [16],
      a: [576, 16, 48, 0, 1],
      b: [576, 16, 0, 48, 1],
      out: [432, 144, 12, 1, 0],
    },
  ],
  ["convolution 3 x 3", convolution(4, 8, 16, 14, 3)],
  ["convolution 1 x 1", convolution(2, 24, 40, 9, 1)],
  ...(["bfloat16", "float16"] as const).flatMap((stored): (readonly [string, Shape])[] => [
    [`512 x 512 x 512 of ${stored}`, { ...matrices(512, 512, 512), stored }],
    [`1 x 4096 x 1024 of ${stored}, nt`, { ...matrices(1, 4096, 1024, "nt"), stored }],
    [`8 x 4096 x 1024 of ${stored}, nt`, { ...matrices(8, 4096, 1024, "nt"), stored }],
    [`1 x 4096 x 1024 of ${stored}`, { ...matrices(1, 4096, 1024), stored }],
  ]),
];

/** The estimated time of a plan, and the units of work that it is split into. */
export function workOf(
  plan: Plan,
  machine: Machine,
): { readonly nanoseconds: number; readonly units: ReturnType<typeof unitsOf> } {
  const { m, n, mr, nr, batch, cycles } = plan;
  const nanoseconds = cycles * machine.costs.nanosecondsPerCycle;
  const draft = {
    points: extentOf(batch),
    rowPanels: Math.ceil(m.extent / mr),
    columnPanels: Math.ceil(n.extent / nr),
    mr,
    nr,
    allRows: plan.kind === "outer" && plan.packB === "inUnit",
    nanoseconds,
  };
  return { nanoseconds, units: unitsOf(draft, machine.units) };
}
