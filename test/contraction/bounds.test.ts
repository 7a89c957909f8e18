// Invariants of every plan: each product is computed once, from the elements that the kernel names, and no panel leaves its memory.
import { describe, expect, it } from "vitest";
import { extentOf } from "../../src/backends/analysis/steps.ts";
import { planContraction } from "../../src/backends/contraction/choose.ts";
import { epilogueApart, inParts, resultAxes } from "../../src/backends/contraction/kernels.ts";
import type { Machine } from "../../src/backends/contraction/machine.ts";
import { packLoops } from "../../src/backends/contraction/packLoops.ts";
import type { OuterPlan, Plan } from "../../src/backends/contraction/plan.ts";
import { type Side, usedBatch } from "../../src/backends/contraction/sides.ts";
import {
  inPanels,
  inPlace,
  layoutElements,
  type PanelLayout,
  Places,
  panelPlaces,
  type Source,
} from "../../src/backends/contraction/sources.ts";
import { kBlock, piecesOf, roundUp, tileOf, unitsOf } from "../../src/backends/contraction/tile.ts";
import { windowLoads } from "../../src/backends/contraction/windows.ts";
import type { ContractionKernel, LoopKernel } from "../../src/compiler/kernel.ts";
import { at } from "../../src/graph/at.ts";
import type { Axis, Scalar } from "../../src/graph/scalar.ts";
import {
  atEach,
  C,
  convolution,
  everyMachine,
  kernelOf,
  matrices,
  type Point,
  type Shape,
  spread,
  valueAt,
} from "./kernels.ts";

const machines = Object.entries(everyMachine);

/** Small enough to compute point by point; sizes that do not divide into tiles. */
const small: readonly (readonly [string, Shape])[] = [
  ["9 x 21 x 10", matrices(9, 21, 10)],
  ["9 x 21 x 10, tn", matrices(9, 21, 10, "tn")],
  ["31 x 5 x 16, nt", matrices(31, 5, 16, "nt")],
  ["5 x 31 x 16, nt", matrices(5, 31, 16, "nt")],
  ["17 x 37 x 3, tt", matrices(17, 37, 3, "tt")],
  ["1 x 50 x 9", matrices(1, 50, 9)],
  ["3 x 9 x 520, sums in blocks", matrices(3, 9, 520)],
  ["3 x 9 x 520, sums in blocks, tn", matrices(3, 9, 520, "tn")],
  ["17 x 18 x 520, packed in blocks", matrices(17, 18, 520, "tt")],
  ["4 batches of 6 x 7 x 8", matrices(6, 7, 8, "nn", 4)],
  [
    "rows in two axes stored in another order",
    { batch: [], m: [6, 10], n: [5, 7], k: [11], a: [110, 11, 0, 0, 1], b: [0, 0, 7, 1, 35], out: [70, 7, 420, 1, 0] },
  ],
  ["convolution", convolution(2, 3, 5, 7, 3)],
  ["convolution of larger windows, packed", convolution(2, 5, 9, 8, 4)],
  ["convolution whose rows are several tiles", convolution(1, 1, 16, 31, 3)],
  [
    "batches of two axes, packed",
    { batch: [2, 5], m: [6], n: [9], k: [4], a: [120, 24, 1, 0, 6], b: [180, 36, 0, 4, 1], out: [270, 54, 9, 1, 0] },
  ],
  ["one weight for each place of a window", { ...convolution(2, 1, 1, 20, 3) }],
];

/** Evaluates a store of loops at each of its points: the address and the value. */
function stored(loops: LoopKernel): (readonly [place: number, value: number])[] {
  const [store] = loops.body;
  if (store?.kind !== "store") throw new Error("packing is one store");
  return atEach(loops.axes, new Map(), (point) => [valueAt(store.index, point), valueAt(store.value, point)]);
}

/** An offset along steps, the first outermost. */
function along(steps: Source["outer"], index: number): number {
  let [rest, offset] = [index, 0];
  for (const { extent, stride } of [...steps].reverse()) {
    offset += (rest % extent) * stride;
    rest = Math.floor(rest / extent);
  }
  return rest === 0 ? offset : Number.NaN;
}

const sumOf = (axes: readonly Axis[], point: Point, stride: (axis: Axis) => number): number =>
  axes.reduce((sum, axis) => sum + (axis.extent === 1 ? 0 : (point.get(axis.id) ?? Number.NaN) * stride(axis)), 0);

/** For each position of a packed side, the position of its element in the operand. */
function packed(kernel: ContractionKernel, side: Side, layout: PanelLayout, rest: "zeros" | "anything") {
  const memory = new Map<number, number>();
  for (const loops of packLoops({ kernel, side, layout }, C, rest)) {
    for (const [place, value] of stored(loops)) {
      if (memory.has(place)) throw new Error(`place ${place} is packed twice`);
      memory.set(place, value);
    }
  }
  const places = [...memory.keys()];
  expect(Math.min(...places)).toBeGreaterThanOrEqual(layout.place);
  expect(Math.max(...places)).toBeLessThan(layout.place + layoutElements(layout));
  if (rest === "zeros") expect(memory.size).toBe(layoutElements(layout));
  return memory;
}

/** The position in the operand that tiles read at a point. */
type Reader = (batch: Point, index: number, k: Point) => number;

function readerOf(kernel: ContractionKernel, plan: OuterPlan, which: "a" | "b", interrupted: boolean): Reader {
  const side = plan[which];
  const width = which === "a" ? plan.mr : plan.nr;
  const isPacked = which === "a" ? plan.packA : plan.packB !== "no";
  const read = (source: Source, memory: (place: number) => number): Reader => {
    return (batch, index, k) =>
      memory(
        source.offset +
          sumOf(plan.batch, batch, (axis) => source.batchStride(axis)) +
          along(source.outer, index) +
          // The blocks of a packed side are stored separately.
          kOffset(kernel, source, k, plan.kc, interrupted),
      );
  };
  if (!isPacked) {
    const source = inPlace(side, kernel, plan.kc);
    const reader = read(source, (place) => place);
    // WebAssembly reads rows at any address, by their strides.
    if (interrupted) return reader;
    const { within, stride, apart, offsets } = panelPlaces(side, width);
    return (batch, index, k) => {
      const panel = Math.floor(index / width);
      const first = Number.isFinite(within)
        ? Math.floor(panel / within) * apart + (panel % within) * stride
        : panel * stride;
      // Panels are stored where their rows are.
      return first + at(offsets, index % width) === along(source.outer, index) ? reader(batch, index, k) : Number.NaN;
    };
  }
  const blocks = interrupted ? Math.ceil(extentOf(kernel.k) / plan.kc) : 1;
  const draft = {
    width,
    count: Math.ceil(side.group.merged.extent / width),
    kc: interrupted ? plan.kc : extentOf(kernel.k),
    blocks,
    batch: usedBatch(side, plan.batch),
  };
  const layout = { ...draft, place: 5 };
  const memory = packed(kernel, side, layout, interrupted ? "anything" : "zeros");
  return read(inPanels(C, layout, kernel.k), (place) => memory.get(place) ?? Number.NaN);
}

function kOffset(kernel: ContractionKernel, source: Source, k: Point, kc: number, interrupted: boolean): number {
  if (!interrupted) return sumOf(kernel.k, k, (axis) => source.kStride(axis));
  const flat = kernel.k.reduce((place, axis) => place * axis.extent + (k.get(axis.id) ?? 0), 0);
  if (extentOf(kernel.k) <= kc) return sumOf(kernel.k, k, (axis) => source.kStride(axis));
  const within = spread(kernel.k, flat % kc);
  return Math.floor(flat / kc) * source.block + sumOf(kernel.k, within, (axis) => source.kStride(axis));
}

/** Rows and columns of a tile, unit by unit, as both emitters count them. */
function* tilesOf(
  plan: Plan,
  machine: Machine,
): Generator<{ readonly batch: Point; readonly rows: number[]; readonly columns: number[] }> {
  const { m, n, mr, nr, batch } = plan;
  const [rowPanels, columnPanels] = [piecesOf(m.extent, mr), piecesOf(n.extent, nr)];
  const units = unitsOf(
    {
      points: extentOf(batch),
      rowPanels: rowPanels.count,
      columnPanels: columnPanels.count,
      mr,
      nr,
      allRows: plan.kind === "outer" && plan.packB === "inUnit",
      // As many units as possible.
      nanoseconds: 1e9,
    },
    machine.units,
  );
  const panel = (place: number, size: number, { count, last }: ReturnType<typeof piecesOf>): number[] =>
    Array.from({ length: place === count - 1 ? last : size }, (_, i) => place * size + i);
  for (let unit = 0; unit < units.count; unit++) {
    const c0 = (unit % units.columnUnits) * units.columns;
    const r0 = (Math.floor(unit / units.columnUnits) % units.rowUnits) * units.rows;
    const point = spread(batch, Math.floor(unit / (units.rowUnits * units.columnUnits)));
    for (let c = c0; c < Math.min(c0 + units.columns, columnPanels.count); c++)
      for (let r = r0; r < Math.min(r0 + units.rows, rowPanels.count); r++)
        yield { batch: point, rows: panel(r, mr, rowPanels), columns: panel(c, nr, columnPanels) };
  }
}

/** The positions of a and b along k that the kernel itself reads for each result, by the position of the result. */
function wanted(kernel: ContractionKernel): Map<number, string> {
  const results = new Map<number, string>();
  const [store] = kernel.epilogue;
  if (store?.kind !== "store") throw new Error("the epilogue is one store");
  atEach(resultAxes(kernel), new Map(), (point) =>
    results.set(valueAt(store.index, point), products(kernel.k, point, kernel.a, kernel.b)),
  );
  return results;
}

const products = (k: readonly Axis[], point: Point, a: Scalar, b: Scalar): string =>
  atEach(k, point, (full) => `${valueAt(a, full)}*${valueAt(b, full)}`).join(" ");

describe.each(machines)("on %s", (name, machine) => {
  const interrupted = name === "wasm";

  it.each(small)("each product of %s is computed once, from what the kernel names", (_, shape) => {
    const kernel = kernelOf(shape);
    const plan = planContraction(kernel, machine, () => undefined);
    const results = new Map<number, string>();
    const [store] = plan.epilogue;
    if (store?.kind !== "store") throw new Error("the epilogue is one store");
    const swapped = plan.a.value !== kernel.a;
    const readers =
      plan.kind === "outer"
        ? { a: readerOf(kernel, plan, "a", interrupted), b: readerOf(kernel, plan, "b", interrupted) }
        : undefined;
    for (const { batch, rows, columns } of tilesOf(plan, machine))
      for (const row of rows)
        for (const column of columns) {
          const point = new Map([...batch, [plan.m.id, row], [plan.n.id, column]]);
          const place = valueAt(store.index, point);
          if (results.has(place)) throw new Error(`result ${place} is computed twice`);
          const inner = new Map([...batch, ...spread(plan.a.group.inner, row), ...spread(plan.b.group.inner, column)]);
          const text = atEach(kernel.k, inner, (full) => {
            const a = readers ? readers.a(batch, row, full) : valueAt(plan.a.value, full);
            const b = readers ? readers.b(batch, column, full) : valueAt(plan.b.value, full);
            return swapped ? `${b}*${a}` : `${a}*${b}`;
          }).join(" ");
          results.set(place, text);
        }
    const expected = wanted(kernel);
    expect(results.size).toBe(expected.size);
    for (const [place, text] of results)
      if (text !== expected.get(place)) expect(`${place}: ${text}`).toBe(expected.get(place));
  });

  it("tiles fit the registers, and panels cover the whole extent", () => {
    const { tile } = machine;
    for (let rows = 1; rows <= 60; rows++)
      for (let vectors = 1; vectors <= 20; vectors++) {
        const { mr, vectors: wide } = tileOf(rows, vectors, tile);
        const tiles = Math.ceil(rows / mr);
        const fits = mr * wide <= tile.sums && mr <= tile.tallest[wide === 1 ? 0 : 1];
        const isSome = mr >= 1 && mr <= rows && wide >= 1 && wide <= vectors;
        // Even tiles leave at most one row of each tile empty.
        const isEven = !tile.even || tiles * mr - rows < tiles;
        if (!(fits && isSome && isEven)) expect.fail(`${rows} x ${vectors} are shared out in tiles of ${mr} x ${wide}`);
      }
  });

  it("blocks of k cover it, and none is empty", () => {
    const { kBlocks } = machine;
    for (let k = 1; k <= 5000; k++) {
      const kc = kBlock(k, kBlocks);
      const { count, last } = piecesOf(k, kc);
      const covers = last > 0 && last <= kc && kc <= kBlocks.longest;
      const most = Math.max(Math.ceil(k / kBlocks.longest), Math.round(k / kBlocks.wanted));
      const isCut = k <= kBlocks.longest ? count === 1 : count > 1 && count <= most && kc % kBlocks.multiple === 0;
      if (!(covers && isCut)) expect.fail(`${k} steps are cut into ${count} blocks of ${kc}`);
    }
  });

  it("units hold each panel once, and there are no more units than needed", () => {
    for (const [rowPanels, columnPanels] of [
      [1, 1],
      [5, 1],
      [1, 9],
      [7, 13],
      [64, 33],
      [200, 3],
    ] as const)
      for (const allRows of [false, true])
        for (const nanoseconds of [0, 1e4, 1e5, 1e9]) {
          const work = { points: 3, rowPanels, columnPanels, mr: 4, nr: 8, allRows, nanoseconds };
          const { rows, columns, rowUnits, columnUnits, count } = unitsOf(work, machine.units);
          expect(piecesOf(rowPanels, rows).count).toBe(rowUnits);
          expect(piecesOf(columnPanels, columns).count).toBe(columnUnits);
          expect(count).toBe(3 * rowUnits * columnUnits);
          if (allRows) expect(rowUnits).toBe(1);
        }
  });

  it.each([
    ["2 x 3 x 6000", matrices(2, 3, 6000)],
    ["2 x 3 x 4999, a prime", matrices(2, 3, 4999)],
    [
      "sums over images",
      { batch: [], m: [3], n: [2], k: [64, 9, 9], a: [81, 0, 243, 9, 1], b: [0, 81, 162, 9, 1], out: [2, 1, 0, 0, 0] },
    ],
    ["4 x 6 x 2047, short", matrices(4, 6, 2047)],
  ] as const)("the parts of the sums of %s cover them completely", (_, shape) => {
    const kernel = kernelOf(shape);
    const places = new Places(4);
    const scratch = { buffer: C, reserve: (elements: number) => places.reserve(elements) };
    const parts = inParts(kernel, machine.parts, scratch);
    if (parts === undefined) return expect(places.bytes).toBe(0);
    const { first, finish } = parts;
    const [store] = first.epilogue;
    const [sum] = finish.body;
    if (store?.kind !== "store" || sum?.kind !== "reduce") throw new Error("partial sums are stored, then added up");
    const partial = new Map<number, string>();
    atEach(resultAxes(first), new Map(), (point) => {
      const place = valueAt(store.index, point);
      expect(partial.has(place)).toBe(false);
      expect(4 * place).toBeLessThan(places.bytes);
      partial.set(place, products(first.k, point, first.a, first.b));
    });
    atEach(finish.axes, new Map(), (point) => {
      const parts = atEach(sum.axes, point, (full) => partial.get(valueAt(sum.value, full)) ?? "nothing");
      const whole = parts.join(" ").split(" ").sort().join(" ");
      const isWhole = whole === products(kernel.k, point, kernel.a, kernel.b).split(" ").sort().join(" ");
      expect(isWhole).toBe(true);
    });
  });
});

it("long sums of few results are split, according to the machine's parameters", () => {
  const count = (name: string, shape: Shape): number | undefined => {
    const machine = everyMachine[name];
    const places = new Places(4);
    return (
      machine &&
      inParts(kernelOf(shape), machine.parts, { buffer: C, reserve: (n) => places.reserve(n) })?.first.batch[0]?.extent
    );
  };
  expect(count("avx512", matrices(4, 6, 16384))).toBe(8);
  expect(count("wasm", matrices(4, 6, 16384))).toBe(16);
  expect(count("avx512", matrices(4, 6, 2047))).toBeUndefined();
  expect(count("wasm", matrices(4, 6, 2047))).toBeUndefined();
  expect(count("avx512", matrices(256, 129, 16384))).toBeUndefined();
});

it("a separate epilogue reads what is stored for it", () => {
  const kernel = kernelOf(matrices(5, 7, 3));
  const places = new Places(4);
  places.reserve(3);
  const { first, finish } = epilogueApart(kernel, { buffer: C, reserve: (n) => places.reserve(n) });
  const [store] = first.epilogue;
  const [read] = finish.body;
  if (store?.kind !== "store" || read?.kind !== "let") throw new Error("results are stored, then read");
  atEach(finish.axes, new Map(), (point) => {
    expect(valueAt(read.value, point)).toBe(valueAt(store.index, point));
    expect(valueAt(store.index, point)).toBeGreaterThanOrEqual(16);
    expect(4 * valueAt(store.index, point)).toBeLessThan(places.bytes);
  });
});

it("places begin at a cache line and do not overlap", () => {
  for (const bytes of [4, 8]) {
    const places = new Places(bytes);
    let end = 0;
    for (const elements of [1, 16, 17, 3, 1000]) {
      const place = places.reserve(elements);
      expect((place * bytes) % 64).toBe(0);
      expect(place).toBeGreaterThanOrEqual(end);
      end = place + elements;
      expect(end * bytes).toBeLessThanOrEqual(places.bytes);
    }
  }
  expect(roundUp(65, 64)).toBe(128);
});

it("windows load each vector once and use it for every product that needs it", () => {
  const kernel = kernelOf(convolution(2, 1, 1, 20, 3));
  const plan = planContraction(kernel, everyMachine["avx512"] as Machine, () => undefined);
  if (plan.kind !== "window") throw new Error("one weight for each place of a window is a window");
  const loads = windowLoads(plan.windows, plan.mr);
  const uses = [...loads].flatMap(([from, rows]) => rows.map(({ row, weight }) => `${from} ${row} ${weight}`));
  const expected = Array.from({ length: plan.mr }, (_, row) =>
    plan.windows.products.map(
      ({ at: place, weight }) => `${place + row * plan.windows.image.strideOf(plan.windows.row)} ${row} ${weight}`,
    ),
  ).flat();
  expect(uses.sort()).toEqual(expected.sort());
  expect(loads.size).toBeLessThan(expected.length);
});
