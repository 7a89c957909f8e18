// One case of the conformance suite on one device.
import { expect } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import { topologicalOrder } from "../../src/graph/walk.ts";
import type { ValueCase } from "./case.ts";
import { inputNode, type Value } from "./run.ts";
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
