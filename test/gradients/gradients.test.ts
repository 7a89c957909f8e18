// The gradient of every op against finite differences in float64, to second order; and wasm against reference.
import { afterAll, describe, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import type { ValueCase } from "../conformance/case.ts";
import { allDevices } from "../conformance/devices.ts";
import { inputNode, Runner, type Value } from "../conformance/run.ts";
import { hasGradientCheck, isDifferentiable, valueCases } from "../conformance/suite.ts";
import { type Problem, problem, wrongGradients } from "./problem.ts";

const [reference, ...others] = allDevices();
afterAll(() => {
  for (const device of [reference, ...others]) device.close();
});

/** Central differences of fourth order: error ≈ step⁴ · f⁽⁵⁾ / 30, roundoff ≈ 1e-16 / step. A power of two survives float32. */
const step = 2 ** -10;
const relative = 1e-6;

function run(device: SynchronousDevice, { inputs, values }: Problem, outputs: readonly Node[]): Value[] {
  const runner = new Runner(device, inputs, outputs);
  try {
    return runner.run(values);
  } finally {
    runner.release();
  }
}

function againstDifferences(entry: ValueCase, order: 1 | 2): void {
  const given = problem(entry, "float64", order);
  if (entry.gradient === "none") {
    expect(given?.grads ?? []).toEqual([]);
    return;
  }
  if (given === undefined || given.grads.length === 0) {
    expect(order, "a gradient").toBe(2);
    return;
  }
  const found = run(reference, given, given.grads);
  const runner = new Runner(reference, given.inputs, [given.loss]);
  const lossAt = (place: number, element: number, offset: number): number => {
    const moved = given.values.map((value, k) =>
      k === place ? { ...value, data: value.data.map((x, i) => (i === element ? x + offset : x)) } : value,
    );
    return runner.run(moved)[0]?.data[0] ?? Number.NaN;
  };
  const wrong = given.places.flatMap((place, k) => {
    const grad = found[k]?.data ?? [];
    const scale = Math.max(1e-3, ...grad.map(Math.abs));
    return grad.flatMap((actual, i) => {
      const difference =
        (8 * (lossAt(place, i, step) - lossAt(place, i, -step)) -
          (lossAt(place, i, 2 * step) - lossAt(place, i, -2 * step))) /
        (12 * step);
      return Math.abs(actual - difference) <= relative * scale
        ? []
        : [`input ${place}[${i}]: ${actual}, by differences ${difference}`];
    });
  });
  runner.release();
  expect(wrong.slice(0, 5)).toEqual([]);
}

const checked = valueCases.filter(hasGradientCheck);

describe.each([1, 2] as const)("order %i against finite differences", (order) => {
  it.each(checked.map((entry) => [`${entry.op}: ${entry.name}`, entry] as const))("%s", (_, entry) =>
    againstDifferences(entry, order),
  );
});

describe.each(
  others.flatMap((device) =>
    (["float32", "float64"] as const).map((dtype) => [device.backend, dtype, device] as const),
  ),
)("%s gradients equal the reference's, %s", (_, dtype, device) => {
  const entries = valueCases.filter((entry) => entry.dtypes.includes(dtype) && isDifferentiable(entry));
  it.each(entries.map((entry) => [`${entry.op}: ${entry.name}`, entry] as const))("%s", (_name, entry) =>
    againstReference(device, dtype, entry),
  );
});

function againstReference(device: SynchronousDevice, dtype: "float32" | "float64", entry: ValueCase): void {
  const output = entry.build(
    ...entry.inputs.map((spec) => inputNode({ shape: spec.shape, dtype: spec.dtype ?? dtype })),
  );
  if (!isFloat(output.dtype)) return;
  const given = problem(entry, dtype, 1);
  if (given === undefined || given.grads.length === 0) return;
  const expected = run(reference, given, given.grads);
  const actual = run(device, given, given.grads);
  expect(wrongGradients(entry, dtype, expected, actual).slice(0, 5)).toEqual([]);
}
