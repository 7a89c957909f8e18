// Random calls with random shapes and options against PyTorch: float64 to 1e-10, float32 within a few times the error of PyTorch's own float32.
// On every backend; float64 on c with HEBB_LONG=1 (figures.ts).
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { isFloat } from "../../src/graph/dtype.ts";
import { type Argument, called } from "./calls.ts";
import { everywhere, type Figure, type FloatDType, numbers, tensorOf, weighted } from "./figures.ts";

interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Figure[];
  readonly outputs: readonly Figure[];
  readonly gradients: readonly (readonly number[] | null)[];
  /** PyTorch's error in float32, relative to the largest number. */
  readonly float32Error: number;
}

const golden: { readonly torch: string; readonly seed: number; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("randomCalls.json", import.meta.url), "utf8"),
);

/** The rounding of inputs and outputs, and a dozen operations in between: 64 u. */
const leastError = 64 * 2 ** -24;
const timesTheirs = 8;

function errorOf(found: ArrayLike<number>, expected: readonly number[]): number {
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  return expected.reduce((worst, value, place) => {
    const error = Math.abs((found[place] ?? Number.NaN) - value);
    return error <= worst * largest ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / largest;
  }, 0);
}

everywhere(`random calls of PyTorch ${golden.torch}, seed ${golden.seed}`, (float: FloatDType, start) => {
  beforeAll(start);
  const names = golden.cases.map(
    (entry, place) => [`${place}: ${entry.call} ${JSON.stringify(entry.args)}`, entry] as const,
  );
  it.each(names)("%s", (_, entry) => {
    const inputs = entry.inputs.map((figure) => tensorOf(figure, float, isFloat(figure.dtype)));
    const outputs = called(entry.call, entry.args, inputs);
    expect(outputs.map(({ shape }) => shape)).toEqual(entry.outputs.map(({ shape }) => shape));
    const bound = float === "float64" ? 1e-9 : Math.max(leastError, timesTheirs * entry.float32Error);
    for (const [place, { data }] of entry.outputs.entries())
      expect(errorOf(outputs[place]?.dataSync() ?? [], numbers(data)), `output ${place}`).toBeLessThanOrEqual(bound);
    const parts = outputs.filter(({ requiresGrad }) => requiresGrad).map(weighted);
    if (parts.length > 0) parts.reduce((sum, part) => sum.add(part)).backward();
    for (const [place, expected] of entry.gradients.entries()) {
      if (expected === null) continue;
      const found = inputs[place]?.grad?.dataSync() ?? new Float64Array(expected.length);
      expect(errorOf(found, expected), `gradient ${place}`).toBeLessThanOrEqual(bound);
    }
  });
});
