// Random graphs compute the same on the reference with every optimisation and with one kernel per node. test/fuzz tests more, on every backend.
import { afterAll, expect, it } from "vitest";
import { Runner, type Value } from "../../test/conformance/run.ts";
import { difference, program } from "../../test/fuzz/compare.ts";
import { generate } from "../../test/fuzz/generate.ts";
import { createReferenceDevice } from "../backends/reference/index.ts";

const reference = createReferenceDevice();
afterAll(() => reference.close());

const count = 120;

it.each([
  ["exact", false],
  ["exact", true],
  ["smooth", true],
] as const)("%s graphs, gradients %s", (mode, withGradients) => {
  for (let seed = 0; seed < count; seed++) {
    const recipe = generate(5000 + seed, mode);
    const results = [false, true].map((optimize): readonly Value[] => {
      const { inputs, values, outputs } = program(recipe, withGradients);
      const runner = new Runner(reference, inputs, outputs, { optimize });
      const found = runner.run(values);
      runner.release();
      return found;
    });
    const [expected = [], actual = []] = results;
    expected.forEach((value, k) => {
      const own = actual[k];
      const wrong = own === undefined ? "missing" : difference(own, value, mode, k >= recipe.outputs.length);
      expect(wrong, `seed ${5000 + seed}, result ${k}`).toBeUndefined();
    });
  }
});
