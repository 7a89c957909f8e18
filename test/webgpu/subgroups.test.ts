// Reductions within subgroups: used where the driver's subgroups are in order, and equal to the reference for every way to combine.
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import type { Node } from "../../src/graph/node.ts";
import { all, amax, amin, prod, sum } from "../../src/graph/ops/reduce.ts";
import { inputNode, Runner, valueOf } from "../conformance/run.ts";
import { takeForCards, webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
const reference = createReferenceDevice();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("subgroups", () => {
  if (device === undefined) return;

  it("are found in order on this driver", async () => {
    const { openCard } = await import("../../src/backends/webgpu/card.ts");
    const end = takeForCards();
    const { session, target } = await openCard("any", () => undefined).finally(end);
    expect(target).toMatchObject({ kind: "card", subgroups: session.gpu.features.has("subgroups") });
    session.close();
  });

  const rows = [3, 100] as const;
  const values = Array.from({ length: 300 }, (_, i) => Math.cos(i) + 1.2);
  const holed = values.map((value, i) => (i === 157 ? Number.NaN : value));
  const whole = values.map((value) => Math.round(100 * value));
  it.each<[string, (x: Node) => Node, "float32" | "int32" | "bool", readonly number[]]>([
    ["sum", (x) => sum(x, [1]), "float32", values],
    ["prod", (x) => prod(x, [1]), "float32", values],
    ["amax with a NaN", (x) => amax(x, [1]), "float32", holed],
    ["amin with a NaN", (x) => amin(x, [1]), "float32", holed],
    ["sum of whole numbers", (x) => sum(x, [1]), "int32", whole],
    ["amax of whole numbers", (x) => amax(x, [1]), "int32", whole],
    ["all", (x) => all(x, [1]), "bool", values.map((_, i) => (i === 42 ? 0 : 1))],
  ])("%s", async (_, reduce, dtype, data) => {
    const x = inputNode({ shape: rows, dtype });
    const outputs = [reduce(x)];
    const given = [valueOf(dtype, rows, data)];
    const [expected] = new Runner(reference, [x], outputs).run(given);
    const runner = new Runner(device, [x], outputs);
    const [found] = await runner.runLater(given);
    runner.release();
    // 100 rounded terms or factors.
    expected?.data.forEach((value, k) => {
      const other = found?.data[k] ?? Number.NEGATIVE_INFINITY;
      if (Number.isNaN(value)) expect(other).toBeNaN();
      else expect(Math.abs(other - value)).toBeLessThanOrEqual(100 * 2 ** -24 * Math.abs(value));
    });
  });
});
