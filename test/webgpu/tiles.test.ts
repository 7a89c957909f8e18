// Products on a card, in tiles: edges, steps that do not divide a block, operands that lie along k or across it, sums in parts.
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import type { Node } from "../../src/graph/node.ts";
import { add, relu } from "../../src/graph/ops/elementwise.ts";
import { cumsum } from "../../src/graph/ops/indexing.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { permute } from "../../src/graph/ops/movement.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { inputNode, Runner, type Value, valueOf } from "../conformance/run.ts";
import { webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
const reference = createReferenceDevice();
afterAll(() => device?.close());

const wave = (shape: readonly number[], pace: number): Value =>
  valueOf(
    "float32",
    shape,
    Array.from({ length: shape.reduce((size, extent) => size * extent, 1) }, (_, i) => Math.sin(pace * i)),
  );

async function apart(inputs: readonly Node[], output: Node, values: readonly Value[]): Promise<number> {
  if (device === undefined) throw new Error("no device");
  const [expected] = new Runner(reference, inputs, [output]).run(values);
  const runner = new Runner(device, inputs, [output]);
  const [found] = await runner.runLater(values);
  runner.release();
  const differences = expected?.data.map((value, k) => Math.abs(value - (found?.data[k] ?? Number.NaN)));
  return (differences ?? [Number.NaN]).reduce((most, other) => Math.max(most, other), 0);
}

describe.skipIf(device === undefined)("products on a card", () => {
  // 128 × 64 with a remainder of rows; one block of k and many; results that do not fill a tile; k in 8, 24 and 64 parts.
  it.each([
    [1030, 17, 1000, false, false],
    [130, 40, 70, true, false],
    [33, 272, 35, false, true],
    [5, 129, 300, true, true],
    [300, 7, 5, false, true],
    [20, 1024, 12, true, false],
    [9, 3000, 70, false, true],
    [4, 16384, 4, true, true],
  ])("m, k, n = %i, %i, %i; transposed: %s, %s", { timeout: 120_000 }, async (m, k, n, aTurned, bTurned) => {
    const input = (rows: number, columns: number, turned: boolean): Node =>
      inputNode({ shape: turned ? [columns, rows] : [rows, columns], dtype: "float32" });
    const [a, b, bias] = [input(m, k, aTurned), input(k, n, bTurned), inputNode({ shape: [n], dtype: "float32" })];
    const upright = (x: Node, turned: boolean): Node => (turned ? permute(x, [1, 0]) : x);
    const product = dot(upright(a, aTurned), upright(b, bTurned), 0, 1);
    const output = relu(add(product, bias));
    const wrong = await apart([a, b, bias], output, [wave(a.shape, 1), wave(b.shape, 3), wave([n], 2)]);
    // k rounded products in a sum of k terms of at most 1.
    expect(wrong).toBeLessThan(k * 2 ** -23);
  });

  it("long sums of few results, in parts", async () => {
    const x = inputNode({ shape: [2, 100_003], dtype: "float32" });
    expect(await apart([x], sum(x, [1]), [wave([2, 100_003], 1)])).toBeLessThan(100_003 * 2 ** -30);
  });

  it("running sums of a million floats, in parts too", async () => {
    const length = 1_000_003;
    const x = inputNode({ shape: [length], dtype: "float32" });
    const tenths = valueOf("float32", [length], new Array<number>(length).fill(0.1));
    // One at each step of the sums of 4,096, and as many again for all that is smaller.
    const roundings = (2 * length) / 64 ** 2;
    expect(await apart([x], cumsum(x, 0), [tenths])).toBeLessThan(roundings * 2 ** -24 * (length / 10));
  });
});
