// Random graphs, compiled with every optimisation on every backend, against one kernel for each node on the reference.
import { afterAll, describe, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { allDevices } from "../conformance/devices.ts";
import { Runner, type Value } from "../conformance/run.ts";
import { difference, program } from "./compare.ts";
import { generate, type Mode } from "./generate.ts";
import { asCode, type Recipe, withoutDead } from "./recipe.ts";

/** HEBB_FUZZ=2000 runs 2,000 of each kind; HEBB_FUZZ_SEED=1000 begins with another seed. */
const count = Number(process.env["HEBB_FUZZ"] ?? 150);
const firstSeed = Number(process.env["HEBB_FUZZ_SEED"] ?? 0);

const devices = allDevices();
const [reference] = devices;
afterAll(() => {
  for (const device of devices) device.close();
});

function run(device: SynchronousDevice, recipe: Recipe, withGradients: boolean, optimize: boolean): Value[] {
  const { inputs, values, outputs } = program(recipe, withGradients);
  const runner = new Runner(device, inputs, outputs, { optimize });
  try {
    return runner.run(values);
  } finally {
    runner.release();
  }
}

/** The fault of a graph; undefined: none. */
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

/** The smallest graph that still fails: fewer outputs, and inputs in place of ops. */
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
  // The arguments of an output may replace it.
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

/** Fails with the smallest failing graph, as code. */
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

it("shrinks to the faulty op", () => {
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
