// The gradients of every op on each backend against the reference's; differences.test.ts verifies those.
import { afterAll, describe, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { ValueCase } from "../conformance/case.ts";
import { allDevices } from "../conformance/devices.ts";
import { isDifferentiable, valueCases } from "../conformance/suite.ts";
import { casesTogether, together } from "../conformance/together.ts";
import { gives } from "../conformance/wrongValues.ts";
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
  const wrongOf = together(device.backend === "c" ? casesTogether : 1, async (from, to) =>
    wrongGradientsOf(device, dtype, entries.slice(from, to)),
  );
  it.each(entries.map((entry, place) => [`${entry.op}: ${entry.name}`, place] as const))("%s", async (_name, place) =>
    expect((await wrongOf(place)).slice(0, 5)).toEqual([]),
  );
});

/** What is wrong with the gradients of each case, which the device computes as one program. */
function wrongGradientsOf(
  device: SynchronousDevice,
  dtype: "float32" | "float64",
  entries: readonly ValueCase[],
): string[][] {
  const problems = entries.map((entry) => (isFloat(gives(entry, dtype)) ? problem(entry, dtype, 1) : undefined));
  const all = problems.flatMap((given) => (given === undefined || given.grads.length === 0 ? [] : [given]));
  const inputs = all.flatMap((given) => given.inputs);
  const values = all.flatMap((given) => given.values);
  const grads = all.flatMap((given) => given.grads);
  const actual = grads.length === 0 ? [] : run(device, { inputs, values }, grads);
  return entries.map((entry, place) => {
    const given = problems[place];
    if (given === undefined || given.grads.length === 0) return [];
    const expected = run(reference, given, given.grads);
    return wrongGradients(entry, dtype, expected, actual.splice(0, given.grads.length));
  });
}
