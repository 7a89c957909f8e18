// Every layer and activation, in training and evaluation, forward and backward, against figures of PyTorch.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { isFloat } from "../../src/graph/dtype.ts";
import * as nn from "../../src/nn/index.ts";
import {
  everywhere,
  expectClose,
  expectGradient,
  type Figure,
  type FloatDType,
  numbers,
  tensorOf,
  weighted,
} from "./figures.ts";

type Argument = number | string | boolean | null | readonly number[] | { readonly [option: string]: unknown };

interface Spec {
  readonly layer: string;
  readonly args: readonly (Argument | Spec)[];
}

interface Case {
  readonly name: string;
  readonly spec: Spec;
  readonly training: boolean;
  readonly state: Readonly<Record<string, Figure>>;
  readonly input: Figure;
  readonly output: Figure;
  readonly inputGradient: readonly number[] | null;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly after: Readonly<Record<string, readonly number[]>>;
}

const golden: { torch: string; cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("layers.json", import.meta.url), "utf8"),
);
const exported = new Map(Object.entries(nn)) as ReadonlyMap<string, unknown>;

/** Layers with parameters take a dtype in their options. */
const parametrised = new Set([
  "Linear",
  "Conv1d",
  "Conv2d",
  "ConvTranspose2d",
  "BatchNorm1d",
  "BatchNorm2d",
  "LayerNorm",
  "Embedding",
  "PReLU",
]);

function isSpec(value: Argument | Spec): value is Spec {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "layer" in value;
}

function build({ layer, args }: Spec, float: FloatDType): nn.Module {
  const Make = exported.get(layer) as (new (...args: unknown[]) => nn.Module) | undefined;
  if (Make === undefined) throw new Error(`there is no layer ${layer}`);
  const made: unknown[] = args.map((arg) => (isSpec(arg) ? build(arg, float) : arg));
  if (!parametrised.has(layer)) return new Make(...made);
  const last = args.at(-1);
  const options = typeof last === "object" && last !== null && !Array.isArray(last) ? made.pop() : {};
  return new Make(...made, { ...(options as object), dtype: float });
}

everywhere(`layers of PyTorch ${golden.torch}`, (float, start) => {
  beforeAll(start);
  it.each(golden.cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    const layer = build(entry.spec, float);
    expect(Object.keys(layer.stateDict())).toEqual(Object.keys(entry.state));
    layer.loadStateDict(
      Object.fromEntries(Object.entries(entry.state).map(([name, figure]) => [name, tensorOf(figure, float)])),
    );
    layer.train(entry.training);
    const input = tensorOf(entry.input, float, isFloat(entry.input.dtype));
    const output = layer.forward(input);
    expect(output.shape).toEqual(entry.output.shape);
    expectClose("output", output.dataSync(), numbers(entry.output.data), float);
    if (output.requiresGrad) weighted(output).backward();
    if (entry.inputGradient !== null) expectGradient("gradient of the input", input.grad, entry.inputGradient, float);
    const parameters = new Map(layer.namedParameters());
    for (const [name, gradient] of Object.entries(entry.gradients))
      expectGradient(`gradient of ${name}`, parameters.get(name)?.grad, gradient, float);
    const buffers = new Map(layer.namedBuffers());
    for (const [name, value] of Object.entries(entry.after))
      expectClose(`buffer ${name}`, buffers.get(name)?.dataSync() ?? [], value, float);
  });
});

it("has figures for every layer", () => {
  const layers = [...exported]
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof nn.Module)
    .map(([name]) => name);
  const used = JSON.stringify(golden.cases.map(({ spec }) => spec));
  const missing = layers.filter((name) => !name.endsWith("Loss") && !used.includes(`"${name}"`));
  // A list has no forward; the perceptron is not PyTorch's.
  expect(missing).toEqual(["ModuleList", "Perceptron"]);
});
