// Every op against its mathematical value, on every backend and dtype; and no op without its cases.
import { afterAll, describe, expect, it } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import { dtypes } from "../../src/graph/dtype.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { createLaterDevice } from "../asynchronous/device.ts";
import { checkCase } from "./checkCase.ts";
import { allDevices } from "./devices.ts";
import { cases, rows, valueCases } from "./suite.ts";

const devices: readonly Device[] = [...allDevices(), createLaterDevice()];
afterAll(() => {
  for (const device of devices) device.close();
});
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

describe.each(
  devices.map((device) => [device.asynchronous ? "an asynchronous device" : device.backend, device] as const),
)("%s", (_, device) => {
  for (const entry of valueCases) {
    it.each(entry.dtypes)(`${entry.op}: ${entry.name}, %s`, (dtype) => checkCase(device, entry, dtype));
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
