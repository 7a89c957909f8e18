// What a device computes wrong in one case of the suite. Runs in browsers too.
import type { Device } from "../../src/backends/backend.ts";
import type { DType } from "../../src/graph/dtype.ts";
import type { ValueCase } from "./case.ts";
import { inputNode, Runner, type Value, valueOf } from "./run.ts";
import { agrees } from "./tolerance.ts";

/** The dtype of what a case gives. */
export const gives = (entry: ValueCase, dtype: DType): DType =>
  entry.build(...entry.inputs.map((spec) => inputNode({ shape: spec.shape, dtype: spec.dtype ?? dtype }))).dtype;

/** The elements that are off by more than the case allows. */
export async function wrongValues(device: Device, entry: ValueCase, dtype: Value["dtype"]): Promise<readonly string[]> {
  const values = entry.inputs.map((spec) => valueOf(spec.dtype ?? dtype, spec.shape, spec.data));
  const inputs = values.map(inputNode);
  const runner = new Runner(device, inputs, [entry.build(...inputs)]);
  const [result] = await runner.runLater(values);
  runner.release();
  const truth = entry.truth(...values);
  const magnitude = entry.magnitude?.(...values) ?? truth.map(Math.abs);
  const bound = entry.bound ?? { ulps: 0.5, terms: 1 };
  if (result === undefined) throw new Error("no result");
  if (result.data.length !== truth.length) return [`${result.data.length} elements, not ${truth.length}`];
  const exact =
    result.dtype === "float32" || result.dtype === "float64"
      ? truth
      : valueOf(result.dtype, [truth.length], truth).data;
  return result.data.flatMap((actual, i) =>
    agrees(result.dtype, actual, exact[i] ?? Number.NaN, bound, magnitude[i] ?? 0, entry.signedZero)
      ? []
      : [`[${i}] is ${actual}, not ${exact[i]}`],
  );
}
