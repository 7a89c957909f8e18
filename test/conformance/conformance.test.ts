// Every op against its mathematical value, on every backend and dtype; and no op without its cases.
import { afterAll, describe, expect, it } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import { dtypes } from "../../src/graph/dtype.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import { topologicalOrder } from "../../src/graph/walk.ts";
import { createLaterDevice } from "../asynchronous/device.ts";
import type { ValueCase } from "./case.ts";
import { allDevices } from "./devices.ts";
import { inputNode, Runner, type Value, valueOf } from "./run.ts";
import { cases, rows, valueCases } from "./suite.ts";
import { agrees } from "./tolerance.ts";

const devices: readonly Device[] = [...allDevices(), createLaterDevice()];
afterAll(() => {
  for (const device of devices) device.close();
});
const registered = new Set(allOps.map((op) => op.name));

describe("coverage", () => {
  it.each(rows().filter((row) => row.op !== undefined))(
    "$name has a forward, a gradient or its reason, an edge and an error case",
    (row) => {
      expect.soft(row.forward, "forward cases").toBeGreaterThan(0);
      expect.soft(row.edge, "edge cases").toBeGreaterThan(0);
      expect.soft(row.error, "error cases").toBeGreaterThan(0);
      if (row.reason !== undefined) expect.soft(row.reason.length, "the reason").toBeGreaterThan(10);
      else expect.soft(row.gradient, "gradient cases").toBeGreaterThan(0);
    },
  );
});

async function check(device: Device, entry: ValueCase, dtype: Value["dtype"]): Promise<void> {
  const values = entry.inputs.map((spec) => valueOf(spec.dtype ?? dtype, spec.shape, spec.data));
  const inputs = values.map(inputNode);
  const output = entry.build(...inputs);
  if (registered.has(entry.op)) {
    const ops = topologicalOrder([output]).map((node) => node.op.name);
    expect(ops, `the graph of a case of "${entry.op}" contains it`).toContain(entry.op);
  }
  const runner = new Runner(device, inputs, [output]);
  const [result] = await runner.runLater(values);
  runner.release();
  const truth = entry.truth(...values);
  const magnitude = entry.magnitude?.(...values) ?? truth.map(Math.abs);
  const bound = entry.bound ?? { ulps: 0.5, terms: 1 };
  if (result === undefined) throw new Error("no result");
  expect(result.data.length).toBe(truth.length);
  const exact =
    result.dtype === "float32" || result.dtype === "float64"
      ? truth
      : valueOf(result.dtype, [truth.length], truth).data;
  const wrong = result.data.flatMap((actual, i) =>
    agrees(result.dtype, actual, exact[i] ?? Number.NaN, bound, magnitude[i] ?? 0, entry.signedZero)
      ? []
      : [`[${i}] is ${actual}, not ${exact[i]}`],
  );
  expect(wrong.slice(0, 5), `${wrong.length} of ${truth.length} are wrong`).toEqual([]);
}

describe.each(
  devices.map((device) => [device.asynchronous ? "an asynchronous device" : device.backend, device] as const),
)("%s", (_, device) => {
  for (const entry of valueCases) {
    it.each(entry.dtypes)(`${entry.op}: ${entry.name}, %s`, (dtype) => check(device, entry, dtype));
  }
});

describe("errors", () => {
  for (const entry of cases) {
    if (entry.kind === "total") it.each(dtypes)(`${entry.op}: ${entry.name}, %s`, (dtype) => void entry.build(dtype));
    if (entry.kind !== "error") continue;
    it(`${entry.op}: ${entry.name}`, () => {
      expect(entry.build).toThrow(HebbError);
      expect(entry.build).toThrow(entry.message);
    });
  }
});
