// Every op against its mathematical value on the reference, which defines what programs mean. No op is without cases.
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { dtypes } from "../../src/graph/dtype.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { describeDevice } from "./checkCase.ts";
import { cases, rows } from "./suite.ts";

const device = createReferenceDevice();
afterAll(() => device.close());
describeDevice(device.backend, device);

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
