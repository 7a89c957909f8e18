// A case's loss with its gradients, and the tolerance between two devices.
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { gradients } from "../../src/graph/autodiff.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { add, mul } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import type { ValueCase } from "../conformance/case.ts";
import { inputNode, Runner, type Value, valueOf } from "../conformance/run.ts";
import { agrees } from "../conformance/tolerance.ts";

/** Σ output · weights, with fixed weights that are all different: its gradient depends on every output separately. */
function weighted(output: Node, weights: Node): Node {
  return sum(mul(output, weights), undefined, false);
}

const weightsFor = (dtype: Value["dtype"], shape: readonly number[], phase: number): Value => {
  const size = shape.reduce((a, b) => a * b, 1);
  return valueOf(
    dtype,
    shape,
    Array.from({ length: size }, (_, i) => Math.round(Math.cos(i * 1.7 + phase) * 64) / 64),
  );
};

export interface Problem {
  readonly values: readonly Value[];
  readonly inputs: readonly Node[];
  /** The inputs with gradients. */
  readonly places: readonly number[];
  readonly loss: Node;
  readonly grads: readonly Node[];
}

/** The case's loss and gradients; with order 2, of a weighted sum of its first gradients. */
export function problem(entry: ValueCase, dtype: "float32" | "float64", order: 1 | 2): Problem | undefined {
  const values = entry.inputs.map((spec) => valueOf(spec.dtype ?? dtype, spec.shape, spec.data));
  const inputs = values.map(inputNode);
  const places = values.flatMap((value, place) => (isFloat(value.dtype) ? [place] : []));
  const leaves = places.map((place) => inputs[place] as Node);
  const addInput = (shape: readonly number[], phase: number, of: Value["dtype"]): Node => {
    const value = weightsFor(of, shape, phase);
    values.push(value);
    const node = inputNode(value);
    inputs.push(node);
    return node;
  };
  const output = entry.build(...inputs);
  let loss = weighted(output, addInput(output.shape, 0.3, output.dtype));
  let found = gradients(loss, leaves);
  if (order === 2) {
    const parts = found.flatMap((grad, place) =>
      grad === undefined ? [] : [weighted(grad, addInput(grad.shape, place + 1, grad.dtype))],
    );
    const [first, ...rest] = parts;
    if (first === undefined) return undefined;
    loss = rest.reduce(add, first);
    found = gradients(loss, leaves);
  }
  const kept = places.filter((_, k) => found[k] !== undefined);
  return { values, inputs, places: kept, loss, grads: found.filter((grad) => grad !== undefined) };
}

export function run(
  device: SynchronousDevice,
  { inputs, values }: Pick<Problem, "inputs" | "values">,
  outputs: readonly Node[],
): Value[] {
  const runner = new Runner(device, inputs, outputs);
  try {
    return runner.run(values);
  } finally {
    runner.release();
  }
}

/** The gradients that differ from the reference's by more than roundoff. */
export function wrongGradients(
  entry: ValueCase,
  dtype: "float32" | "float64",
  expected: readonly Value[],
  actual: readonly Value[],
): string[] {
  const bound = entry.bound ?? { ulps: 0.5, terms: 1 };
  // A gradient takes a few more operations than the op itself: each adds its half ulp on either side.
  const wide = { ulps: 2 * bound.ulps + 4, terms: Math.max(bound.terms, 16) };
  return expected.flatMap((value, k) => {
    const magnitude = value.data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1);
    return value.data.flatMap((x, i) => {
      const y = actual[k]?.data[i] ?? Number.NaN;
      return agrees(dtype, y, x, wide, magnitude) ? [] : [`gradient ${k}[${i}]: ${y}, reference ${x}`];
    });
  });
}
