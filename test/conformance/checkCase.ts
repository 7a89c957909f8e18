// Runs cases of the conformance suite on one device.
import { describe, expect, it } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import type { DType } from "../../src/graph/dtype.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import { topologicalOrder } from "../../src/graph/walk.ts";
import type { ValueCase } from "./case.ts";
import { inputNode, type Value } from "./run.ts";
import { valueCases } from "./suite.ts";
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

/** Tests of all cases on a device. `together`: the number of cases in one program, because a compiler starts slowly. */
export function describeDevice(name: string, device: Device, together = 1): void {
  const cases = valueCases.flatMap((entry) => entry.dtypes.map((dtype): TypedCase => [entry, dtype]));
  let ran: { readonly first: number; readonly results: Promise<readonly Value[]> } | undefined;
  /** The result of a case from the program that contains it. If that program fails, the case runs alone, so that only the faulty one fails. */
  const resultOf = async (place: number): Promise<Value | undefined> => {
    const first = place - (place % together);
    if (ran?.first !== first) ran = { first, results: resultsOf(device, cases.slice(first, first + together)) };
    try {
      return (await ran.results)[place - first];
    } catch (error) {
      await resultsOf(device, cases.slice(place, place + 1));
      throw error;
    }
  };
  describe(name, () => {
    for (const [place, [entry, dtype]] of cases.entries())
      it(`${entry.op}: ${entry.name}, ${dtype}`, async () => {
        expectInGraph(entry, dtype);
        expectNone(wrongIn(await resultOf(place), entry, dtype));
      });
  });
}
