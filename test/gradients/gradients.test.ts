// The gradients of every op on each backend against the reference's; differences.test.ts verifies those.
import { afterAll, describe, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { ValueCase } from "../conformance/case.ts";
import { allDevices } from "../conformance/devices.ts";
import { inputNode } from "../conformance/run.ts";
import { isDifferentiable, valueCases } from "../conformance/suite.ts";
import { problem, run, wrongGradients } from "./problem.ts";

const [reference, ...others] = allDevices();
afterAll(() => {
  for (const device of [reference, ...others]) device.close();
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
