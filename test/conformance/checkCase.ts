// Runs cases of the conformance suite on one device.
import { describe, expect, it } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import type { DType } from "../../src/graph/dtype.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import { topologicalOrder } from "../../src/graph/walk.ts";
import type { ValueCase } from "./case.ts";
import { inputNode } from "./run.ts";
import { valueCases } from "./suite.ts";
import { together } from "./together.ts";
import { resultsOf, type TypedCase, wrongIn, wrongValues } from "./wrongValues.ts";

const registered = new Set(allOps.map((op) => op.name));

export async function checkCase(device: Device, entry: ValueCase, dtype: DType): Promise<void> {
  expectInGraph(entry, dtype);
  expectNone(await wrongValues(device, entry, dtype));
}

/** Expects the graph of an op's case to contain the op. */
function expectInGraph(entry: ValueCase, dtype: DType): void {
  if (!registered.has(entry.op)) return;
  const inputs = entry.inputs.map((spec) => inputNode({ shape: spec.shape, dtype: spec.dtype ?? dtype }));
  const ops = topologicalOrder([entry.build(...inputs)]).map((node) => node.op.name);
  expect(ops, `the graph of a case of "${entry.op}" contains it`).toContain(entry.op);
}

const expectNone = (wrong: readonly string[]): void =>
  expect(wrong.slice(0, 5), `${wrong.length} are wrong`).toEqual([]);

/** Tests of all cases on a device, so many of them as one program. */
export function describeDevice(name: string, device: Device, size = 1): void {
  const cases = valueCases.flatMap((entry) => entry.dtypes.map((dtype): TypedCase => [entry, dtype]));
  const resultOf = together(size, (from, to) => resultsOf(device, cases.slice(from, to)));
  describe(name, () => {
    for (const [place, [entry, dtype]] of cases.entries())
      it(`${entry.op}: ${entry.name}, ${dtype}`, async () => {
        expectInGraph(entry, dtype);
        expectNone(wrongIn(await resultOf(place), entry, dtype));
      });
  });
}
