// The order of kernels: kernels that share memory stay in order, and an update follows its gradient.
import { describe, expect, it } from "vitest";
import { add, constant, int, load } from "../graph/scalar.ts";
import type { Instruction, Kernel, LoopKernel } from "./kernel.ts";
import { loadedBuffers, storedBuffers } from "./lower.ts";
import { orderKernels } from "./order.ts";

/** A kernel that reads some buffers and writes others. */
const kernel = (name: string, loads: readonly number[], stores: readonly number[]): LoopKernel => ({
  kind: "loops",
  name,
  axes: [],
  body: stores.map((buffer) => ({
    kind: "store",
    buffer,
    index: int(0),
    value: loads.map((from) => load(from, int(0), "float32")).reduce(add, constant(0, "float32")),
  })),
});

/** A kernel that checks an index it reads. */
const check = (name: string, from: number): LoopKernel => ({
  kind: "loops",
  name,
  axes: [],
  body: [
    {
      kind: "check",
      site: 0,
      holds: constant(1, "bool"),
      axes: [],
      index: load(from, int(0), "int32"),
      place: int(0),
      extent: 3,
    },
  ],
});

/** Whether two kernels must stay in order: one writes what the other accesses. */
function conflict(a: Kernel, b: Kernel): boolean {
  const touches = (one: Kernel, buffer: number): boolean =>
    loadedBuffers(one).has(buffer) || storedBuffers(one).has(buffer);
  return (
    [...storedBuffers(a)].some((buffer) => touches(b, buffer)) ||
    [...storedBuffers(b)].some((buffer) => touches(a, buffer))
  );
}

/** Peak bytes in use. */
function peakBytes(kernels: readonly Instruction[], bytesOf: (buffer: number) => number): number {
  const touched = kernels.map((one) => new Set([...loadedBuffers(one), ...storedBuffers(one)]));
  const first = (buffer: number): number => touched.findIndex((one) => one.has(buffer));
  const last = (buffer: number): number => touched.findLastIndex((one) => one.has(buffer));
  const all = new Set(touched.flatMap((one) => [...one]));
  return Math.max(
    ...kernels.map((_, at) =>
      [...all].reduce((sum, buffer) => (first(buffer) <= at && at <= last(buffer) ? sum + bytesOf(buffer) : sum), 0),
    ),
  );
}

describe("orderKernels", () => {
  it("reorders 300 random programs without changing their results", () => {
    let state = 11;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const some = (most: number): number[] => Array.from({ length: random(most + 1) }, () => random(12));
    for (let round = 0; round < 300; round++) {
      const kernels = Array.from({ length: 1 + random(25) }, (_, i) =>
        kernel(`k${i}`, some(3), [random(12), ...some(1)]),
      );
      const ordered = orderKernels(kernels, (buffer) => (buffer % 3) * 100);
      expect(new Set(ordered)).toEqual(new Set(kernels));
      const place = new Map(ordered.map((one, at) => [one, at]));
      kernels.forEach((a, i) => {
        for (const b of kernels.slice(i + 1))
          if (conflict(a, b) && (place.get(a) ?? 0) > (place.get(b) ?? 0))
            throw new Error(`round ${round}: ${a.name} reads or writes what ${b.name} does, and came after it`);
      });
    }
  });

  it("updates a layer's weight as soon as nothing reads the old one, to free its gradient", () => {
    // Layers x → h1 → … → h4, gradients in reverse, all updates requested at the end. Weights are buffers below 10.
    const depth = 4;
    const [h, g] = [(layer: number): number => 10 + layer, (layer: number): number => 20 + layer];
    const layers = Array.from({ length: depth }, (_, layer) => layer);
    const kernels = [
      ...layers.map((layer) => kernel(`forward ${layer}`, [layer, h(layer)], [h(layer + 1)])),
      kernel("loss", [h(depth)], [g(depth)]),
      ...layers.toReversed().map((layer) => kernel(`backward ${layer}`, [layer, g(layer + 1)], [g(layer)])),
      ...layers.map((layer) => kernel(`update ${layer}`, [layer, h(layer), g(layer + 1)], [layer])),
    ];
    const bytesOf = (buffer: number): number => (buffer < 10 ? 0 : 1000);
    const ordered = orderKernels(kernels, bytesOf);
    expect(ordered.slice(depth + 1).map(({ name }) => name)).toEqual(
      layers.toReversed().flatMap((layer) => [`backward ${layer}`, `update ${layer}`]),
    );
    expect(peakBytes(ordered, bytesOf)).toBeLessThan(peakBytes(kernels, bytesOf));
  });

  it("keeps a list of independent kernels in order", () => {
    const kernels = Array.from({ length: 1000 }, (_, i) => kernel(`k${i}`, [], [i]));
    expect(orderKernels(kernels, () => 0)).toEqual(kernels);
  });

  const names = (kernels: readonly Instruction[], bytesOf: (buffer: number) => number | undefined): string[] =>
    orderKernels(kernels, bytesOf).map(({ name }) => name);

  it("checks before any assignment, and first computes what a check needs", () => {
    // Buffers from 10 on outlive the program.
    const kernels = [
      kernel("assigns", [0], [10]),
      kernel("computes", [0], [1]),
      kernel("uses", [1], [11]),
      kernel("far", [0], [2]),
      kernel("near", [2], [3]),
      check("second", 3),
      check("first", 0),
    ];
    const found = names(kernels, (buffer) => (buffer < 10 ? 100 : undefined));
    expect(found[0]).toBe("first");
    expect(found.indexOf("second")).toBeLessThan(found.indexOf("assigns"));
    expect(found.indexOf("second")).toBeLessThan(found.indexOf("uses"));
    // Kernels that assign nothing need not wait.
    expect(found).toEqual(["first", "computes", "far", "near", "second", "assigns", "uses"]);
  });

  it("lets a state be written before a check that reads it", () => {
    const kernels = [kernel("writes", [0], [10]), kernel("other", [0], [11]), check("check", 10)];
    expect(names(kernels, (buffer) => (buffer < 10 ? 100 : undefined))).toEqual(["writes", "check", "other"]);
  });

  it("prefers the kernel that frees most or allocates least, and on a tie the earliest", () => {
    const bytesOf = (buffer: number): number => [0, 100, 300, 200, 50][buffer] ?? 0;
    // Large 2 comes first, as nothing else is ready; then the kernel that frees it, before those that only allocate.
    const kernels = [
      kernel("make 2", [], [2]),
      kernel("make 3", [], [3]),
      kernel("make 1", [], [1]),
      kernel("2 to 4", [2], [4]),
      kernel("all", [1, 3, 4], [0]),
    ];
    expect(names(kernels, bytesOf)).toEqual(["make 1", "make 3", "make 2", "2 to 4", "all"]);
    expect(names([...kernels.slice(0, 1), ...kernels.slice(2)], bytesOf)).toEqual([
      "make 1",
      "make 2",
      "2 to 4",
      "all",
    ]);
    // A value that nothing reads occupies no memory.
    const idle = [kernel("make 1", [], [1]), kernel("unread", [], [2]), kernel("read 1", [1], [0])];
    expect(names(idle, bytesOf)).toEqual(["unread", "make 1", "read 1"]);
    // A buffer that is written twice lives to the end.
    const twice = [kernel("a", [], [1]), kernel("b", [], [3]), kernel("b again", [], [3]), kernel("read a", [1], [0])];
    expect(names(twice, bytesOf)).toEqual(["a", "read a", "b", "b again"]);
  });
});
