// Plans of products and convolutions of every size, counted and summed by machine and layout: if a choice moves to another size, a sum changes.
import { expect, it } from "vitest";
import { extentOf } from "../../src/backends/analysis/steps.ts";
import { planContraction } from "../../src/backends/contraction/choose.ts";
import { inParts } from "../../src/backends/contraction/kernels.ts";
import type { Machine } from "../../src/backends/contraction/machine.ts";
import { Places } from "../../src/backends/contraction/sources.ts";
import type { ContractionKernel } from "../../src/compiler/kernel.ts";
import { unary } from "../../src/graph/scalar.ts";
import { C, convolution, everyMachine, kernelOf, type Layout, matrices, type Shape, workOf } from "./kernels.ts";

const [rows, columns, steps] = [
  [1, 3, 4, 8, 14, 32, 320, 321],
  [1, 4, 15, 16, 17, 65, 1024],
  [3, 8, 16, 100, 512, 513, 4096],
] as const;

/** One weight for each row of channels, as depthwise convolutions have. */
const depthwise = (channels: number, size: number, window: number): Shape => {
  const out = size - window + 1;
  return {
    batch: [channels],
    m: [],
    n: [out, out],
    k: [window, window],
    a: [window * window, 0, 0, window, 1],
    b: [size * size, size, 1, size, 1],
    out: [out * out, out, 1, 0, 0],
  };
};

const families: Readonly<Record<string, readonly Shape[]>> = {
  ...Object.fromEntries(
    (["nn", "nt", "tn", "tt"] as const).map((layout: Layout) => [
      layout,
      rows.flatMap((m) => columns.flatMap((n) => steps.map((k) => matrices(m, n, k, layout)))),
    ]),
  ),
  batches: [2, 16, 500].flatMap((batch) =>
    [3, 8, 20].flatMap((m) =>
      [4, 9, 33].flatMap((k) => [matrices(m, m, k, "nn", batch), matrices(m, 5, k, "nt", batch)]),
    ),
  ),
  convolutions: [1, 3, 8, 33].flatMap((channels) =>
    [5, 7, 14, 28, 33].flatMap((size) =>
      [1, 3, 5].flatMap((window) => [4, 17, 64].map((outputs) => convolution(2, channels, outputs, size, window))),
    ),
  ),
  depthwise: [1, 8, 64].flatMap((channels) =>
    [3, 6, 7, 8, 14, 28, 31, 60].flatMap((size) => [1, 2, 3].map((window) => depthwise(channels, size, window))),
  ),
  halves: [1, 8, 100].flatMap((m) =>
    [16, 128, 1000].flatMap((n) =>
      [64, 1024].flatMap((k) => [
        { ...matrices(m, n, k), stored: "bfloat16" as const },
        { ...matrices(m, n, k, "nt"), stored: "float16" as const },
      ]),
    ),
  ),
};

type Sums = Record<string, number>;

function count(sums: Sums, name: string, by = 1): void {
  sums[name] = (sums[name] ?? 0) + by;
}

/** Computed operands, which tiles cannot read in place: the first, the second, both. */
const computed = (shape: Shape): readonly ContractionKernel[] => {
  const kernel = kernelOf(shape);
  const [a, b] = [unary("exp", kernel.a), unary("exp", kernel.b)];
  return [
    { ...kernel, a },
    { ...kernel, b },
    { ...kernel, a, b },
  ];
};

function addPlan(sums: Sums, kernel: ContractionKernel, machine: Machine): void {
  const cut = inParts(kernel, machine.parts, { buffer: C, reserve: (elements) => new Places(4).reserve(elements) });
  if (cut !== undefined) {
    count(sums, "cut");
    count(sums, "parts", extentOf(cut.first.batch) / extentOf(kernel.batch));
  }
  const plan = planContraction(kernel, machine, () => undefined);
  const { kind, mr, nr, kc, lanes, epilogueLanes } = plan;
  const { nanoseconds, units } = workOf(plan, machine);
  count(sums, kind);
  if (kind === "outer") {
    count(sums, "packs A", Number(plan.packA));
    count(sums, `B ${plan.packB}`);
  }
  count(sums, `epilogue ${epilogueLanes}`);
  for (const [name, value] of Object.entries({ mr, nr, kc, lanes, units: units.count })) count(sums, name, value);
  count(sums, "rows of units", units.rows);
  count(sums, "ns", nanoseconds);
}

it("plans of every size are as they were", async () => {
  const lines = Object.entries(everyMachine).flatMap(([name, machine]) =>
    Object.entries(families)
      .filter(([, [shape]]) => name !== "wasm" || shape?.stored === undefined)
      .map(([family, shapes]) => {
        const sums: Sums = {};
        for (const shape of shapes)
          for (const kernel of [kernelOf(shape), ...(family === "batches" ? computed(shape) : [])])
            addPlan(sums, kernel, machine);
        const figures = Object.entries(sums).map(([figure, value]) => `${figure} ${Number(value.toPrecision(9))}`);
        return `${name}, ${family}: ${figures.join(", ")}`;
      }),
  );
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("everySize.txt");
});
