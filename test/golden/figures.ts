// Shared by the golden tests of losses, layers and optimizers: reading figures, backends, and tolerances.
import { afterAll, describe, expect } from "vitest";
import type { BackendName } from "../../src/backends/backend.ts";
import { allocate, type DType, isFloat } from "../../src/graph/dtype.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { Tensor, tensor } from "../../src/tensor/index.ts";
import { allDevices } from "../conformance/devices.ts";

export type FloatDType = "float32" | "float64";

/** A tensor of PyTorch. Numbers that JSON lacks are strings. */
export interface Figure {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: readonly Numeral[];
}

/** A number, or "NaN", "Infinity", "-Infinity". */
export type Numeral = number | string;

export const numbers = (data: readonly Numeral[]): number[] => data.map(Number);

/** The figure as a tensor; floats in the dtype under test. */
export function tensorOf({ shape, dtype, data }: Figure, float: FloatDType, requiresGrad = false): Tensor {
  const held = isFloat(dtype) ? float : dtype;
  const values = allocate(held, data.length);
  values.set(numbers(data));
  return tensor(values, { shape, dtype: held, requiresGrad });
}

/** Σ output · cos(i + 1): its gradient depends on every output separately. The scripts that make the figures use the same weights. */
export function weighted(output: Tensor): Tensor {
  const weights = allocate(output.dtype, output.size);
  for (let place = 0; place < weights.length; place++) weights[place] = Math.cos(place + 1);
  return output.mul(tensor(weights, { shape: output.shape, dtype: output.dtype })).sum();
}

// The tests compile hundreds of programs, and full optimisation takes twice as long for each. The suites of conformance, contractions, gradients and
// fuzz test its effect on single kernels; HEBB_LONG=1 tests it here too.
if (process.env["HEBB_LONG"] !== "1") process.env["HEBB_CFLAGS"] ??= "-Og";

/** The backends of the conformance suite. */
export const backends: readonly BackendName[] = allDevices().map((device) => {
  device.close();
  return device.backend;
});
export const floats: readonly FloatDType[] = ["float64", "float32"];

/** The largest errors so far, by dtype and backend: HEBB_GOLDEN=1 prints them when a suite is done. */
let suite: { readonly float: FloatDType; largest: number; numbers: number } | undefined;

/** Runs the tests once on every backend, in every float dtype. */
export function everywhere(name: string, tests: (float: FloatDType, start: () => void) => void): void {
  for (const backend of backends) {
    for (const float of floats) {
      // Compiling is slow: float64 on c, whose operations the conformance suite covers, runs only with HEBB_LONG=1.
      if (backend === "c" && float === "float64" && process.env["HEBB_LONG"] !== "1") continue;
      describe(`${name}, ${float} on ${backend}`, () => {
        tests(float, () => {
          useBackend({ backend, threads: 1 });
          suite = { float, largest: 0, numbers: 0 };
        });
        afterAll(() => {
          if (process.env["HEBB_GOLDEN"] === undefined || suite === undefined) return;
          console.info(
            `${name}, ${float} on ${backend}: ${suite.numbers} numbers, largest error ${suite.largest.toExponential(2)}`,
          );
        });
      });
    }
  }
}

/**
 * float64: 1e-10 of each number; numbers below a thousandth of the largest are measured against that, because they are the
 * remainder of larger ones. float32: inputs are rounded once (u = 2^-24), and each of `operations` consecutive ones adds
 * at most 2 ulp = 4u of the largest number.
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: readonly number[],
  float: FloatDType,
  operations = 32,
): void {
  const finite = expected.filter(Number.isFinite).map(Math.abs);
  const largest = Math.max(1e-3, ...finite);
  const wrong = expected.flatMap((value, place) => {
    const found = actual[place] ?? Number.NaN;
    if (Object.is(found, value) || found === value) return [];
    const scale = float === "float64" ? Math.max(Math.abs(value), 1e-3 * largest) : largest;
    if (!Number.isFinite(value)) return [`[${place}] is ${found}, not ${value}`];
    const bound = (float === "float64" ? 1e-10 : 4 * operations * 2 ** -24) * scale;
    if (suite?.float === float) suite.largest = Math.max(suite.largest, Math.abs(found - value) / scale);
    return Math.abs(found - value) <= bound ? [] : [`[${place}] is ${found}, not ${value}`];
  });
  if (suite?.float === float) suite.numbers += expected.length;
  expect(wrong, what).toEqual([]);
  expect(actual.length, `${what}: elements`).toBe(expected.length);
}

/** Expects a gradient wherever PyTorch has one. */
export function expectGradient(
  what: string,
  grad: Tensor | undefined,
  expected: readonly number[],
  float: FloatDType,
  operations?: number,
): void {
  expect(grad, `${what}: a gradient`).toBeInstanceOf(Tensor);
  if (grad !== undefined) expectClose(what, grad.dataSync(), expected, float, operations);
}
