// Finds the wrong values of a device in one case of the suite. Runs in browsers too.
import type { Device } from "../../src/backends/backend.ts";
import type { DType } from "../../src/graph/dtype.ts";
import type { ValueCase } from "./case.ts";
import { inputNode, Runner, type Value, valueOf } from "./run.ts";
import { agrees } from "./tolerance.ts";

/** The dtype of a case's result. */
export const gives = (entry: ValueCase, dtype: DType): DType =>
  entry.build(...entry.inputs.map((spec) => inputNode({ shape: spec.shape, dtype: spec.dtype ?? dtype }))).dtype;

/** A case in one of its dtypes. */
export type TypedCase = readonly [entry: ValueCase, dtype: DType];

const valuesOf = ([entry, dtype]: TypedCase): Value[] =>
  entry.inputs.map((spec) => valueOf(spec.dtype ?? dtype, spec.shape, spec.data));

/** The results of a device for each of these cases, as one program. */
export async function resultsOf(device: Device, cases: readonly TypedCase[]): Promise<Value[]> {
  const values = cases.map(valuesOf);
  const inputs = values.map((own) => own.map(inputNode));
  const outputs = cases.map(([entry], place) => entry.build(...(inputs[place] ?? [])));
  const runner = new Runner(device, inputs.flat(), outputs);
  try {
    return await runner.runLater(values.flat());
  } finally {
    runner.release();
  }
}

/** The elements whose error exceeds the case's tolerance. */
export async function wrongValues(device: Device, entry: ValueCase, dtype: DType): Promise<readonly string[]> {
  const [result] = await resultsOf(device, [[entry, dtype]]);
  return wrongIn(result, entry, dtype);
}

/** The same, from values that a device has already computed. */
export function wrongIn(result: Value | undefined, entry: ValueCase, dtype: DType): readonly string[] {
  const values = valuesOf([entry, dtype]);
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
