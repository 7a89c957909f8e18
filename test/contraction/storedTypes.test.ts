// Products with converted operands: every dtype in memory, as rows and as columns, along k and across it, on every backend.
import { afterAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { cast } from "../../src/graph/ops/elementwise.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { permute } from "../../src/graph/ops/movement.ts";
import { sizeOf } from "../../src/graph/shape.ts";
import { allDevices } from "../conformance/devices.ts";
import { inputNode, Runner, type Value, valueOf } from "../conformance/run.ts";

const [reference, ...devices] = allDevices();
afterAll(() => {
  for (const device of [reference, ...devices]) device.close();
});

const integers = ["int32", "int16", "int8", "uint8", "bool"] as const;
const stored = { float32: ["float32", "bfloat16", "float16", ...integers], int32: integers } as const;

/** Small whole numbers, or their wrapped values: every product and sum of them is exact in float32. */
const given = (dtype: DType, shape: readonly number[], salt: number): Value =>
  valueOf(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, (_, place) => ((7 * place + salt) % 11) - (dtype.startsWith("u") ? 0 : 4)),
  );

const cases = devices.flatMap((device) =>
  (["float32", "int32"] as const).flatMap((computed) =>
    [false, true].flatMap((aTurned) => [false, true].map((bTurned) => ({ device, computed, aTurned, bTurned }))),
  ),
);

describe("products of 7 and 33 rows, 67 columns and 65 steps", () => {
  it.each(cases)(
    "in $computed on $device.backend, transposed: $aTurned, $bTurned",
    ({ device, computed, aTurned, bTurned }) => {
      const [n, k] = [67, 65];
      const values: Value[] = [];
      const inputs: Node[] = [];
      const side = (dtype: DType, shape: readonly number[], turned: boolean): Node => {
        const value = given(dtype, turned ? [...shape].reverse() : shape, values.length);
        const input = inputNode(value);
        values.push(value);
        inputs.push(input);
        return cast(turned ? permute(input, [1, 0]) : input, computed);
      };
      const pairs = stored[computed].flatMap((dtype) => [[dtype, computed] as const, [computed, dtype] as const]);
      const outputs = [7, 33].flatMap((m) =>
        pairs.map(([a, b]) => dot(side(a, [m, k], aTurned), side(b, [k, n], bTurned), 0, 1)),
      );
      const expected = new Runner(reference, inputs, outputs, { optimize: false }).run(values);
      const runner = new Runner(device, inputs, outputs);
      const found = runner.run(values);
      runner.release();
      const wrong = expected.flatMap(({ data }, place) =>
        data.every((value, at) => found[place]?.data[at] === value) ? [] : [pairs[place % pairs.length]?.join(" · ")],
      );
      expect(wrong).toEqual([]);
    },
  );
});
