// The kernels for a software driver, which share nothing: products, sums, windows and loops against their values, and random graphs.
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { createWebgpuDevice } from "../../src/backends/webgpu/index.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { contractionCases } from "../conformance/cases/contractions.ts";
import { loopCases } from "../conformance/cases/loops.ts";
import { reductionCases } from "../conformance/cases/reductions.ts";
import { windowCases } from "../conformance/cases/windows.ts";
import { checkCase } from "../conformance/checkCase.ts";
import { inputNode, Runner, type Value, valueOf } from "../conformance/run.ts";
import { gives } from "../conformance/wrongValues.ts";
import { difference, program } from "../fuzz/compare.ts";
import { generate } from "../fuzz/generate.ts";
import { webgpuDevice } from "./dawn.ts";

const card = await webgpuDevice();
card?.close();
const device = card === undefined ? undefined : createWebgpuDevice();
await device?.started;
const reference = createReferenceDevice();
afterAll(() => device?.close());

const long = process.env["HEBB_LONG"] === "1";
const software = device?.description.endsWith("computing on the processor") === true;
if (!software) console.warn("skipped: the kernels of a processor, for this machine has a card");

/** The first case of each op, all with HEBB_LONG=1. */
function chosen() {
  const seen = new Set<string>();
  return [...contractionCases, ...reductionCases, ...windowCases, ...loopCases]
    .flatMap((entry) => (entry.kind === "forward" && entry.dtypes.includes("float32") ? [entry] : []))
    .filter((entry) => gives(entry, "float32") !== "float64")
    .filter(({ op }) => long || (!seen.has(op) && seen.add(op)));
}

describe.skipIf(!software)("kernels of a processor", () => {
  if (device === undefined) return;

  it.each(chosen().map((entry) => [`${entry.op}: ${entry.name}`, entry] as const))("%s", async (_, entry) => {
    await checkCase(device, entry, "float32");
  });

  // Edges of blocks; sums in parts, with and without a remainder; steps of 8, 4, 2 and 1.
  it.each([
    [33, 272, 35],
    [17, 260, 9],
    [4, 129, 40],
    [40, 14, 4],
  ])("products: m, k, n = %i, %i, %i", async (m, k, n) => {
    const values = [
      valueOf(
        "float32",
        [m, k],
        Array.from({ length: m * k }, (_, i) => Math.sin(i)),
      ),
      valueOf(
        "float32",
        [k, n],
        Array.from({ length: k * n }, (_, i) => Math.cos(3 * i)),
      ),
    ];
    const [a, b] = [inputNode({ shape: [m, k], dtype: "float32" }), inputNode({ shape: [k, n], dtype: "float32" })];
    const outputs = [dot(a, b, 0, 1)];
    const [expected] = new Runner(reference, [a, b], outputs).run(values);
    const runner = new Runner(device, [a, b], outputs);
    const [found] = await runner.runLater(values);
    runner.release();
    const apart = expected?.data.map((value, place) => Math.abs(value - (found?.data[place] ?? Number.NaN)));
    // k rounded products in a sum of k terms of at most 1.
    expect(Math.max(...(apart ?? [Number.NaN]))).toBeLessThan(k * 2 ** -23);
  });

  it.each(["exact", "smooth"] as const)("random %s graphs and their gradients", { timeout: 600_000 }, async (mode) => {
    for (let seed = 100; seed < (long ? 125 : 103); seed++) {
      const recipe = generate(seed, mode);
      const { inputs, values, outputs } = program(recipe, true);
      const expected = new Runner(reference, inputs, outputs, { optimize: false }).run(values);
      let found: Value[];
      try {
        const runner = new Runner(device, inputs, outputs);
        found = await runner.runLater(values);
        runner.release();
      } catch (error) {
        expect(error instanceof Error ? error.message : error, `seed ${seed}`).toMatch(/webgpu has no float64 tensors/);
        continue;
      }
      for (const [k, value] of expected.entries()) {
        const result = found[k];
        const wrong = result === undefined ? "missing" : difference(result, value, mode, k >= recipe.outputs.length);
        expect(wrong, `seed ${seed}, output ${k}`).toBeUndefined();
      }
    }
  });
});
