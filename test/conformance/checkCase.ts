// Cases of the conformance suite on one device.
import { describe, expect, it } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import { topologicalOrder } from "../../src/graph/walk.ts";
import type { ValueCase } from "./case.ts";
import { inputNode, type Value } from "./run.ts";
import { valueCases } from "./suite.ts";
import { wrongValues } from "./wrongValues.ts";

const registered = new Set(allOps.map((op) => op.name));

export async function checkCase(device: Device, entry: ValueCase, dtype: Value["dtype"]): Promise<void> {
  if (registered.has(entry.op)) {
    const inputs = entry.inputs.map((spec) => inputNode({ shape: spec.shape, dtype: spec.dtype ?? dtype }));
    const ops = topologicalOrder([entry.build(...inputs)]).map((node) => node.op.name);
    expect(ops, `the graph of a case of "${entry.op}" contains it`).toContain(entry.op);
  }
  const wrong = await wrongValues(device, entry, dtype);
  expect(wrong.slice(0, 5), `${wrong.length} are wrong`).toEqual([]);
}

/** Tests of all cases on a device. */
export function describeDevice(name: string, device: Device): void {
  describe(name, () => {
    for (const entry of valueCases)
      it.each(entry.dtypes)(`${entry.op}: ${entry.name}, %s`, (dtype) => checkCase(device, entry, dtype));
  });
}
