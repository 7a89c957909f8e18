// The gradient of every op against finite differences in float64, to second order; and wasm against reference.
import { afterAll, describe, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { gradients } from "../../src/graph/autodiff.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { add, mul } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import type { ValueCase } from "../conformance/case.ts";
import { allDevices } from "../conformance/devices.ts";
import { inputNode, Runner, type Value, valueOf } from "../conformance/run.ts";
import { hasGradientCheck, isDifferentiable, valueCases } from "../conformance/suite.ts";
import { agrees } from "../conformance/tolerance.ts";

const [reference, ...others] = allDevices();
afterAll(() => {
  for (const device of [reference, ...others]) device.close();
});

/** Central differences of fourth order: error ≈ step⁴ · f⁽⁵⁾ / 30, roundoff ≈ 1e-16 / step. A power of two survives float32. */
const step = 2 ** -10;
const relative = 1e-6;

/** Σ output · weights, with fixed weights that are all different: its gradient sees every output on its own. */
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

interface Problem {
  readonly values: readonly Value[];
  readonly inputs: readonly Node[];
  /** The inputs that a gradient is asked for. */
  readonly places: readonly number[];
  readonly loss: Node;
  readonly grads: readonly Node[];
}

/** The case's loss and gradients; with order 2, of a weighted sum of its first gradients. */
function problem(entry: ValueCase, dtype: "float32" | "float64", order: 1 | 2): Problem | undefined {
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

function run(device: SynchronousDevice, { inputs, values }: Problem, outputs: readonly Node[]): Value[] {
  const runner = new Runner(device, inputs, outputs);
  try {
    return runner.run(values);
  } finally {
    runner.release();
  }
}

function againstDifferences(entry: ValueCase, order: 1 | 2): void {
  const given = problem(entry, "float64", order);
  if (entry.gradient === "none") {
    expect(given?.grads ?? []).toEqual([]);
    return;
  }
  if (given === undefined || given.grads.length === 0) {
    expect(order, "a gradient").toBe(2);
    return;
  }
  const found = run(reference, given, given.grads);
  const runner = new Runner(reference, given.inputs, [given.loss]);
  const lossAt = (place: number, element: number, offset: number): number => {
    const moved = given.values.map((value, k) =>
      k === place ? { ...value, data: value.data.map((x, i) => (i === element ? x + offset : x)) } : value,
    );
    return runner.run(moved)[0]?.data[0] ?? Number.NaN;
  };
  const wrong = given.places.flatMap((place, k) => {
    const grad = found[k]?.data ?? [];
    const scale = Math.max(1e-3, ...grad.map(Math.abs));
    return grad.flatMap((actual, i) => {
      const difference =
        (8 * (lossAt(place, i, step) - lossAt(place, i, -step)) -
          (lossAt(place, i, 2 * step) - lossAt(place, i, -2 * step))) /
        (12 * step);
      return Math.abs(actual - difference) <= relative * scale
        ? []
        : [`input ${place}[${i}]: ${actual}, by differences ${difference}`];
    });
  });
  runner.release();
  expect(wrong.slice(0, 5)).toEqual([]);
}

const checked = valueCases.filter(hasGradientCheck);

describe.each([1, 2] as const)("order %i against finite differences", (order) => {
  it.each(checked.map((entry) => [`${entry.op}: ${entry.name}`, entry] as const))("%s", (_, entry) =>
    againstDifferences(entry, order),
  );
});

describe.each(
  others.flatMap((device) =>
    (["float32", "float64"] as const).map((dtype) => [device.backend, dtype, device] as const),
  ),
)("%s gradients equal the reference's, %s", (_, dtype, device) => {
  const entries = valueCases.filter((entry) => entry.dtypes.includes(dtype) && isDifferentiable(entry));
  it.each(entries.map((entry) => [`${entry.op}: ${entry.name}`, entry] as const))("%s", (_name, entry) =>
    againstReference(device, dtype, entry),
  );
});

function againstReference(device: SynchronousDevice, dtype: "float32" | "float64", entry: ValueCase): void {
  const output = entry.build(
    ...entry.inputs.map((spec) => inputNode({ shape: spec.shape, dtype: spec.dtype ?? dtype })),
  );
  if (!isFloat(output.dtype)) return;
  const given = problem(entry, dtype, 1);
  if (given === undefined || given.grads.length === 0) return;
  const expected = run(reference, given, given.grads);
  const actual = run(device, given, given.grads);
  const bound = entry.bound ?? { ulps: 0.5, terms: 1 };
  // A gradient takes a few operations after the op itself: each adds its half ulp on either side.
  const wide = { ulps: 2 * bound.ulps + 4, terms: Math.max(bound.terms, 16) };
  const wrong = expected.flatMap((value, k) => {
    const magnitude = value.data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1);
    return value.data.flatMap((x, i) => {
      const y = actual[k]?.data[i] ?? Number.NaN;
      return agrees(dtype, y, x, wide, magnitude) ? [] : [`gradient ${k}[${i}]: ${y}, reference ${x}`];
    });
  });
  expect(wrong.slice(0, 5)).toEqual([]);
}
