// Random graphs, compiled with every optimisation on every backend, against one kernel for each node on the reference.
import { afterAll, describe, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { gradients } from "../../src/graph/autodiff.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { add } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { allDevices } from "../conformance/devices.ts";
import { Runner, type Value } from "../conformance/run.ts";
import { generate, type Mode } from "./generate.ts";
import { asCode, build, type Recipe, withoutDead } from "./recipe.ts";

/** HEBB_FUZZ=2000 tries that many of each kind; HEBB_FUZZ_SEED=1000 begins with another seed. */
const count = Number(process.env["HEBB_FUZZ"] ?? 150);
const firstSeed = Number(process.env["HEBB_FUZZ_SEED"] ?? 0);

const devices = allDevices();
const [reference] = devices;
afterAll(() => {
  for (const device of devices) device.close();
});

/** The outputs, then the gradients of their sum for each input. */
function program(recipe: Recipe, withGradients: boolean): { inputs: Node[]; values: Value[]; outputs: Node[] } {
  const { nodes, inputs, values } = build(recipe);
  const outputs = recipe.outputs.map((place) => nodes[place] as Node);
  if (!withGradients) return { inputs, values, outputs };
  const [first, ...rest] = outputs.filter((node) => isFloat(node.dtype)).map((node) => sum(node));
  if (first === undefined) return { inputs, values, outputs };
  const found = gradients(rest.reduce(add, first), inputs);
  return { inputs, values, outputs: [...outputs, ...found.filter((grad) => grad !== undefined)] };
}

function run(device: SynchronousDevice, recipe: Recipe, withGradients: boolean, optimize: boolean): Value[] {
  const { inputs, values, outputs } = program(recipe, withGradients);
  const runner = new Runner(device, inputs, outputs, { optimize });
  try {
    return runner.run(values);
  } finally {
    runner.release();
  }
}

/**
 * How far results may differ, as a part of the largest number of an output. Outputs of "exact" graphs may not differ. Else
 * each of at most 16 steps (32 with gradients) loses a few ulp, and a factor of some 10 for their condition.
 */
function tolerance({ dtype }: Value, mode: Mode, isGradient: boolean): number {
  if (!isFloat(dtype) || (mode === "exact" && !isGradient)) return 0;
  return dtype === "float32" ? 32 * 4 * 16 * 2 ** -24 : 32 * 4 * 16 * 2 ** -53;
}

function difference(actual: Value, expected: Value, mode: Mode, isGradient: boolean): string | undefined {
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

/** What is wrong with a graph; undefined: nothing. */
function fault(recipe: Recipe, mode: Mode, withGradients: boolean): string | undefined {
  const expected = run(reference, recipe, withGradients, false);
  for (const device of devices) {
    let actual: Value[];
    try {
      actual = run(device, recipe, withGradients, true);
    } catch (error) {
      return `${device.backend}: ${error instanceof Error ? error.message : String(error)}`;
    }
    for (const [k, value] of expected.entries()) {
      const result = actual[k];
      const wrong = result === undefined ? "missing" : difference(result, value, mode, k >= recipe.outputs.length);
      if (wrong !== undefined)
        return `${device.backend}: ${k < recipe.outputs.length ? "output" : "gradient"} ${k}: ${wrong}`;
    }
  }
  return undefined;
}

/** The smallest graph that is still wrong: fewer outputs, and inputs in the place of ops. */
function shrink(recipe: Recipe, isWrong: (candidate: Recipe) => boolean): Recipe {
  let smallest = withoutDead(recipe);
  for (let changed = true; changed; ) {
    changed = false;
    for (const candidate of simpler(smallest)) {
      if (!isWrong(candidate)) continue;
      smallest = candidate;
      changed = true;
      break;
    }
  }
  return smallest;
}

function* simpler(recipe: Recipe): Generator<Recipe> {
  if (recipe.outputs.length > 1) {
    for (const output of recipe.outputs) yield withoutDead({ ...recipe, outputs: [output] });
  }
  // The arguments of an output may do in its place.
  for (const output of recipe.outputs) {
    const entry = recipe.entries[output];
    if (entry?.kind !== "op") continue;
    for (const arg of entry.args)
      if (recipe.entries[arg]?.kind === "op") yield withoutDead({ ...recipe, outputs: [arg] });
  }
  const places = recipe.entries.flatMap((entry, place) =>
    entry.kind === "op" && !recipe.outputs.includes(place) ? [place] : [],
  );
  for (const place of places) {
    const [value] = run(reference, { ...recipe, outputs: [place] }, false, false);
    if (value === undefined) continue;
    const entries = recipe.entries.map((entry, k) => (k === place ? { kind: "input" as const, ...value } : entry));
    yield withoutDead({ ...recipe, entries });
  }
}

/** Fails with the smallest wrong graph, as code. */
function check(recipe: Recipe, withGradients: boolean, mode: Mode): void {
  if (fault(recipe, mode, withGradients) === undefined) return;
  const smallest = shrink(recipe, (candidate) => {
    try {
      return fault(candidate, mode, withGradients) !== undefined;
    } catch {
      return false;
    }
  });
  expect.fail(`${fault(smallest, mode, withGradients)}\n\n${asCode(smallest, withGradients, mode)}`);
}

describe.each([
  ["exact", false],
  ["exact", true],
  ["smooth", false],
  ["smooth", true],
] as const)("%s graphs, gradients %s", (mode, withGradients) => {
  it(`${count} graphs from seed ${firstSeed}`, { timeout: 600_000 }, () => {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) check(generate(seed, mode), withGradients, mode);
  });
});

it("shrinks to the op that is wrong", () => {
  const contains = (recipe: Recipe): boolean =>
    recipe.entries.some((entry) => entry.kind === "op" && entry.op === "square");
  const found = Array.from({ length: 50 }, (_, seed) => withoutDead(generate(seed, "exact"))).filter(contains);
  expect(found.length).toBeGreaterThan(3);
  for (const recipe of found) {
    const smallest = shrink(recipe, contains);
    expect(smallest.entries.filter((entry) => entry.kind === "op").length).toBeLessThanOrEqual(2);
    expect(asCode(smallest, false, "exact")).toContain('"op":"square"');
  }
});
