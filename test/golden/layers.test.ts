// Every layer and activation, in training and evaluation, forward and backward, against figures of PyTorch.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { isFloat } from "../../src/graph/dtype.ts";
import * as nn from "../../src/nn/index.ts";
import { compile, Tensor } from "../../src/tensor/index.ts";
import {
  everywhere,
  expectClose,
  type Figure,
  type FloatDType,
  type Numeral,
  numbers,
  tensorOf,
  weighted,
} from "./figures.ts";

type Argument = number | string | boolean | null | readonly Argument[] | { readonly [option: string]: Argument };

interface Spec {
  readonly layer: string;
  readonly args: readonly Argument[];
}

interface Case {
  readonly name: string;
  readonly spec: Spec;
  readonly training: boolean;
  /** How many operations follow one another: what float32 may lose. */
  readonly depth: number;
  readonly state: Readonly<Record<string, Figure>>;
  readonly inputs: readonly Figure[];
  readonly call: readonly Argument[];
  readonly outputs: readonly Figure[];
  readonly inputGradients: readonly (readonly Numeral[] | null)[];
  readonly gradients: Readonly<Record<string, readonly Numeral[]>>;
  readonly after: Readonly<Record<string, readonly Numeral[]>>;
}

const golden: { torch: string; cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("layers.json", import.meta.url), "utf8"),
);
const exported = new Map(Object.entries(nn)) as ReadonlyMap<string, unknown>;

const isTree = (value: Argument): value is { readonly [option: string]: Argument } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSpec = (value: Argument): value is Argument & Spec => isTree(value) && "layer" in value;

/** An argument of a constructor: a module where a layer is described, a function where one is to be made. */
function made(value: Argument, float: FloatDType): unknown {
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (isSpec(value)) return build(value, float);
  if (!isTree(value)) return value;
  const { make } = value;
  if (make !== undefined && isSpec(make)) return () => build(make, float);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, made(part, float)]));
}

type AnyModule = nn.Module<unknown, unknown[]>;

function build({ layer, args }: Spec, float: FloatDType): AnyModule {
  const Make = exported.get(layer) as (new (...args: unknown[]) => AnyModule) | undefined;
  if (Make === undefined) throw new Error(`there is no layer ${layer}`);
  const list = args.map((arg) => made(arg, float));
  const plain = new Make(...list);
  const isContainer = JSON.stringify(args).includes('"layer"');
  if (isContainer || plain.parameters().length + plain.buffers().length === 0) return plain;
  // Layers with parameters take a dtype in their options.
  const last = args.at(-1);
  const options = last !== undefined && isTree(last) ? list.pop() : {};
  return new Make(...list, { ...(options as object), dtype: float });
}

function gradientOf(x: Tensor | undefined, name: string): Tensor {
  if (x?.grad === undefined) throw new Error(`${name} has no gradient`);
  return x.grad;
}

/** The arguments of a call: tensors in the places of `{ $: number }`. */
function passed(value: Argument, inputs: readonly Tensor[]): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return (value as readonly Argument[]).map((part) => passed(part, inputs));
  if (!isTree(value)) return value;
  const { $: place } = value;
  if (typeof place === "number") return inputs[place];
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, passed(part, inputs)]));
}

function tensorsIn(output: unknown): Tensor[] {
  if (output instanceof Tensor) return [output];
  return Array.isArray(output) ? output.flatMap(tensorsIn) : [];
}

/** A case as it is run: its layer, and what its part of a program takes and gives. */
function prepared(entry: Case, float: FloatDType) {
  const layer = build(entry.spec, float);
  layer.loadStateDict(
    Object.fromEntries(Object.entries(entry.state).map(([name, figure]) => [name, tensorOf(figure, float)])),
  );
  layer.train(entry.training);
  const wanted = entry.inputs.map(({ dtype }, place) => isFloat(dtype) && entry.inputGradients[place] !== null);
  const parameters = new Map(layer.namedParameters());
  const pass = (given: readonly Tensor[]) => {
    for (const [place, input] of given.entries()) input.requiresGrad = wanted[place] ?? false;
    const outputs = tensorsIn(layer.forward(...entry.call.map((argument) => passed(argument, given))));
    const total = outputs.map(weighted).reduce((sum, part) => sum.add(part));
    if (total.requiresGrad) total.backward();
    return {
      outputs,
      inputGradients: given.map((input, place) => (wanted[place] ? gradientOf(input, `input ${place}`) : [])),
      gradients: Object.keys(entry.gradients).map((name) => gradientOf(parameters.get(name), name)),
    };
  };
  return { layer, pass, inputs: entry.inputs.map((figure) => tensorOf(figure, float)) };
}

/** Cases that run as one program, forward and backward: a compiler is called once for all of them. */
const together = 4;

everywhere(`layers of PyTorch ${golden.torch}`, (float, start) => {
  beforeAll(start);
  const results = new Map<Case, { layer: AnyModule; result: ReturnType<ReturnType<typeof prepared>["pass"]> }>();
  const resultOf = (entry: Case) => {
    const known = results.get(entry);
    if (known !== undefined) return known;
    results.clear();
    const first = golden.cases.indexOf(entry);
    const cases = golden.cases.slice(first, first + together);
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
  it.each(golden.cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
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
  const layers = [...exported]
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof nn.Module)
    .map(([name]) => name);
  const used = JSON.stringify(golden.cases.map(({ spec }) => spec));
  const missing = layers.filter((name) => !name.endsWith("Loss") && !used.includes(`"${name}"`));
  // Lists and names have no forward; the perceptron is not PyTorch's.
  expect(missing.sort()).toEqual(["ModuleDict", "ModuleList", "Perceptron"]);
});
