// Every op on WebGPU against its mathematical value, gradients against the reference, and random graphs.
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import type { ValueCase } from "../conformance/case.ts";
import { checkCase } from "../conformance/checkCase.ts";
import { Runner, type Value } from "../conformance/run.ts";
import { isDifferentiable, valueCases } from "../conformance/suite.ts";
import { gives } from "../conformance/wrongValues.ts";
import { difference, program } from "../fuzz/compare.ts";
import { generate } from "../fuzz/generate.ts";
import { problem, wrongGradients } from "../gradients/problem.ts";
import { webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
const reference = createReferenceDevice();
afterAll(() => device?.close());

/** HEBB_LONG=1 runs every case. Otherwise each op has one, because a software driver is slow. */
const long = process.env["HEBB_LONG"] === "1";
/** HEBB_FUZZ=2000 runs 2,000 graphs of each kind. */
const graphs = Number(process.env["HEBB_FUZZ"] ?? (long ? 25 : 4));

/** A software driver takes as long to compile its thousand float64 operations as the shaders of all other ops. */
const slow = "erfinv";

/** The first case of each op. */
function chosen(cases: readonly ValueCase[]): readonly ValueCase[] {
  if (long) return cases;
  const seen = new Set<string>([slow]);
  return cases.filter(({ op }) => !seen.has(op) && seen.add(op));
}

const noDoubles = /webgpu has no float64 tensors.*convert.*\.to\("float32"\)/;

describe.skipIf(device === undefined)("webgpu", () => {
  if (device === undefined) return;

  for (const entry of chosen(valueCases)) {
    it.each(long ? entry.dtypes : entry.dtypes.filter((dtype) => dtype !== "float64"))(
      `${entry.op}: ${entry.name}, %s`,
      async (dtype) => {
        const doubles = dtype === "float64" || gives(entry, dtype) === "float64";
        try {
          await checkCase(device, entry, dtype);
        } catch (error) {
          // Single numbers are computed, tensors are refused.
          if (!doubles) throw error;
          expect(error instanceof Error ? error.message : error).toMatch(noDoubles);
        }
      },
    );
  }

  // Gradients consist of the same kernels: without HEBB_LONG=1, those of every sixth op.
  const differentiable = chosen(
    valueCases.filter((entry) => entry.dtypes.includes("float32") && isDifferentiable(entry)),
  ).filter((_, place) => long || place % 6 === 0);
  it.each(differentiable.map((entry) => [`${entry.op}: ${entry.name}`, entry] as const))(
    "gradients equal the reference's: %s",
    async (_, entry) => {
      if (gives(entry, "float32") !== "float32") return;
      const given = problem(entry, "float32", 1);
      if (given === undefined || given.grads.length === 0) return;
      const expected = new Runner(reference, given.inputs, given.grads).run(given.values);
      const runner = new Runner(device, given.inputs, given.grads);
      const found = await runner.runLater(given.values);
      runner.release();
      expect(wrongGradients(entry, "float32", expected, found).slice(0, 5)).toEqual([]);
    },
  );

  it.each([
    ["exact", false],
    ["exact", true],
    ["smooth", false],
    ["smooth", true],
  ] as const)("random %s graphs, gradients %s", { timeout: 600_000 }, async (mode, withGradients) => {
    for (let seed = 0; seed < graphs; seed++) {
      const recipe = generate(seed, mode);
      const { inputs, values, outputs } = program(recipe, withGradients);
      const expected = new Runner(reference, inputs, outputs, { optimize: false }).run(values);
      let found: Value[];
      try {
        const runner = new Runner(device, inputs, outputs);
        found = await runner.runLater(values);
        runner.release();
      } catch (error) {
        expect(error instanceof Error ? error.message : error, `seed ${seed}`).toMatch(noDoubles);
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
