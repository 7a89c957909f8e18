// Every layer and activation, in training and evaluation, forward and backward, against figures of PyTorch.
import { beforeAll, expect, it } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { compile, Tensor } from "../../src/tensor/index.ts";
import { everywhere, expectClose, type Numeral, numbers } from "./figures.ts";
import { type AnyModule, exportedLayers, goldenLayers, type LayerCase, prepared } from "./layerCases.ts";

/** Cases in one program, forward and backward: the compiler runs once for all of them. */
const together = 16;

everywhere(`layers of PyTorch ${goldenLayers.torch}`, (float, start) => {
  beforeAll(start);
  const results = new Map<LayerCase, { layer: AnyModule; result: ReturnType<ReturnType<typeof prepared>["pass"]> }>();
  const resultOf = (entry: LayerCase) => {
    const known = results.get(entry);
    if (known !== undefined) return known;
    results.clear();
    const first = goldenLayers.cases.indexOf(entry);
    const cases = goldenLayers.cases.slice(first, first + together);
    const ready = cases.map((each) => prepared(each, float));
    const run = compile((...given: Tensor[][]) => ready.map(({ pass }, place) => pass(given[place] ?? [])));
    const found = run(...ready.map(({ inputs }) => inputs));
    for (const [place, each] of cases.entries()) {
      const [own, result] = [ready[place], found[place]];
      if (own !== undefined && result !== undefined) results.set(each, { layer: own.layer, result });
    }
    const made = results.get(entry);
    if (made === undefined) throw new Error(`no result for ${entry.name}`);
    return made;
  };
  it.each(goldenLayers.cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    const { depth } = entry;
    const { layer, result } = resultOf(entry);
    expect(Object.keys(layer.stateDict())).toEqual(Object.keys(entry.state));
    expect(result.outputs.map(({ shape }) => shape)).toEqual(entry.outputs.map(({ shape }) => shape));
    const compare = (what: string, actual: Tensor | undefined, figures: readonly Numeral[], operations: number): void =>
      expectClose(what, actual?.dataSync() ?? [], numbers(figures), float, operations);
    for (const [place, output] of result.outputs.entries())
      compare(`output ${place}`, output, entry.outputs[place]?.data ?? [], depth);
    for (const [place, gradient] of result.inputGradients.entries()) {
      if (gradient instanceof Tensor)
        compare(`gradient of input ${place}`, gradient, entry.inputGradients[place] ?? [], 2 * depth);
    }
    for (const [place, [name, figures]] of Object.entries(entry.gradients).entries())
      compare(`gradient of ${name}`, result.gradients[place], figures, 2 * depth);
    const after = layer.stateDict();
    for (const [name, value] of Object.entries(entry.after)) compare(`${name} afterwards`, after[name], value, depth);
  });
});

it("has figures for every layer", () => {
  const layers = [...exportedLayers]
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof nn.Module)
    .map(([name]) => name);
  const used = JSON.stringify(goldenLayers.cases.map(({ spec }) => spec));
  const missing = layers.filter((name) => !name.endsWith("Loss") && !used.includes(`"${name}"`));
  // Lists and names have no forward; the perceptron is not PyTorch's; PyTorch's SyncBatchNorm needs CUDA, and test/distributed compares ours with BatchNorm.
  expect(missing.sort()).toEqual(["ModuleDict", "ModuleList", "Perceptron", "SyncBatchNorm"]);
});
