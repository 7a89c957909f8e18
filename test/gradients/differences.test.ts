// The gradient of every op against finite differences in float64, to second order, on the reference.
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import type { ValueCase } from "../conformance/case.ts";
import { Runner } from "../conformance/run.ts";
import { hasGradientCheck, valueCases } from "../conformance/suite.ts";
import { problem, run } from "./problem.ts";

const reference = createReferenceDevice();
afterAll(() => reference.close());

/** Central differences of fourth order: error ≈ step⁴ · f⁽⁵⁾ / 30, roundoff ≈ 1e-16 / step. A power of two survives float32. */
const step = 2 ** -10;
const relative = 1e-6;

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
