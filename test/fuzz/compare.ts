// Turns a random graph into a program, and bounds the difference of its results between devices.
import { gradients } from "../../src/graph/autodiff.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { add } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import type { Value } from "../conformance/run.ts";
import type { Mode } from "./generate.ts";
import { build, type Recipe } from "./recipe.ts";

/** The outputs, then the gradients of their sum for each input. */
export function program(recipe: Recipe, withGradients: boolean): { inputs: Node[]; values: Value[]; outputs: Node[] } {
  const { nodes, inputs, values } = build(recipe);
  const outputs = recipe.outputs.map((place) => nodes[place] as Node);
  if (!withGradients) return { inputs, values, outputs };
  const [first, ...rest] = outputs.filter((node) => isFloat(node.dtype)).map((node) => sum(node));
  if (first === undefined) return { inputs, values, outputs };
  const found = gradients(rest.reduce(add, first), inputs);
  return { inputs, values, outputs: [...outputs, ...found.filter((grad) => grad !== undefined)] };
}

/**
 * How far results may differ, relative to the largest number of an output. Outputs of "exact" graphs may not differ. Otherwise
 * each of at most 16 steps (32 with gradients) loses a few ulp, times a factor of about 10 for their condition.
 */
function tolerance({ dtype }: Value, mode: Mode, isGradient: boolean): number {
  if (!isFloat(dtype) || (mode === "exact" && !isGradient)) return 0;
  return dtype === "float32" ? 32 * 4 * 16 * 2 ** -24 : 32 * 4 * 16 * 2 ** -53;
}

export function difference(actual: Value, expected: Value, mode: Mode, isGradient: boolean): string | undefined {
  if (actual.shape.join() !== expected.shape.join())
    return `shape [${actual.shape.join()}], not [${expected.shape.join()}]`;
  const largest = expected.data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1);
  const limit = tolerance(expected, mode, isGradient) * largest;
  for (const [i, x] of expected.data.entries()) {
    const y = actual.data[i] ?? Number.NaN;
    if (Object.is(x, y) || x === y || Math.abs(x - y) <= limit) continue;
    return `element ${i} is ${y}, not ${x} (permitted: ${limit})`;
  }
  return undefined;
}
