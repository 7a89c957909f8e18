// The verdicts on contractions: each form against its own target, and losses are marked.
import { expect, it } from "vitest";
import { compared, contractionReport, type Measured } from "./contractionReport.ts";
import { flopsOf, type Shape, shapes } from "./shapes.ts";

const shapeOf = (id: string): Shape => {
  const found = shapes.find((shape) => shape.id === id);
  if (found === undefined) throw new Error(`no shape is called ${id}`);
  return found;
};
const measured = (
  id: string,
  seconds: Readonly<Record<string, number>>,
  checks: Record<string, number> = {},
): Measured => ({
  id,
  threads: 1,
  load: 0,
  peak: 200,
  figures: Object.entries(seconds).map(([peer, median]) => ({ peer, median, check: checks[peer] ?? 1 })),
});

it("gives every workload a unique name", () => {
  expect(new Set(shapes.map(({ id }) => id)).size).toBe(shapes.length);
});

it("counts the arithmetic of products and convolutions", () => {
  expect(flopsOf(shapeOf("product-300-77-13-nn"))).toBe(2 * 300 * 77 * 13);
  expect(flopsOf(shapeOf("product-64-64-64-64-nn"))).toBe(2 * 64 ** 4);
  // 32×32 with 5×5 windows, stride 2 and padding 2: 16×16 positions.
  const strided = 2 * 16 * 32 * 16 * 16 * 16 * 25;
  expect(flopsOf(shapeOf("conv-5×5-stride-2-forward"))).toBe(strided);
  expect(flopsOf(shapeOf("conv-5×5-stride-2-weight-gradient"))).toBe(strided);
  expect(flopsOf(shapeOf("conv-dilated-3×3-forward"))).toBe(2 * 16 * 32 * 28 * 28 * 32 * 9);
});

it("judges each form by its own target", () => {
  const times = { "hebb c": 10e-6, "PyTorch 2": 12e-6, JAX: 8.5e-6 };
  const square = compared(shapeOf("product-512-512-512-nn"), measured("product-512-512-512-nn", times));
  expect(square).toMatchObject({ kept: false, rival: { peer: "JAX" } });
  expect(square?.ratio).toBeCloseTo(0.85);
  expect(compared(shapeOf("product-127-127-127-nn"), measured("product-127-127-127-nn", times))?.kept).toBe(true);
  const conv = compared(shapeOf("conv-1×1-forward"), measured("conv-1×1-forward", times));
  expect(conv).toMatchObject({ kept: true, rival: { peer: "PyTorch 2" } });
  expect(compared(shapeOf("net-lstm"), measured("net-lstm", times))?.kept).toBe(false);
  expect(compared(shapeOf("net-lstm"), measured("net-lstm", { "hebb c": 1e-3 }))).toBeUndefined();
});

it("shows shares of the peak, losses in bold, failures in words and different results as disagreements", () => {
  const flops = flopsOf(shapeOf("product-512-512-512-nn")) ?? 0;
  const text = contractionReport("a machine", "medians", [
    measured("product-512-512-512-nn", { "hebb c": flops / 100e9, "PyTorch 1.13": flops / 160e9 }),
    measured("net-gru", { "hebb c": 1e-3, "PyTorch 2": 2e-3 }, { "PyTorch 2": 1.5 }),
    { ...measured("net-rnn", { "PyTorch 2": 1e-3 }), figures: [{ peer: "hebb c", error: "no room" }] },
  ]);
  expect(text).toContain("| 100 (50 %) | 160 PyTorch 1.13 | **0.63 ×** |");
  expect(text).toContain("2.00 ×");
  expect(text).toContain("0 of 1 promises kept");
  expect(text).toContain("cannot: no room");
  expect(text).toContain("net-gru, 1 threads: PyTorch 2 has 1.50000");
});
