// Builds the layers of PyTorch's figures as modules, with their arguments and inputs.
import { readFileSync } from "node:fs";
import { isFloat } from "../../src/graph/dtype.ts";
import * as nn from "../../src/nn/index.ts";
import { Tensor } from "../../src/tensor/index.ts";
import { type Figure, type FloatDType, type Numeral, tensorOf, weighted } from "./figures.ts";

type Argument = number | string | boolean | null | readonly Argument[] | { readonly [option: string]: Argument };

interface Spec {
  readonly layer: string;
  readonly args: readonly Argument[];
}

export interface LayerCase {
  readonly name: string;
  readonly spec: Spec;
  readonly training: boolean;
  /** The number of consecutive operations, which bounds the error of float32. */
  readonly depth: number;
  readonly state: Readonly<Record<string, Figure>>;
  readonly inputs: readonly Figure[];
  readonly call: readonly Argument[];
  readonly outputs: readonly Figure[];
  readonly inputGradients: readonly (readonly Numeral[] | null)[];
  readonly gradients: Readonly<Record<string, readonly Numeral[]>>;
  readonly after: Readonly<Record<string, readonly Numeral[]>>;
}

export const goldenLayers: { torch: string; cases: readonly LayerCase[] } = JSON.parse(
  readFileSync(new URL("layers.json", import.meta.url), "utf8"),
);
export const exportedLayers = new Map(Object.entries(nn)) as ReadonlyMap<string, unknown>;

const isTree = (value: Argument): value is { readonly [option: string]: Argument } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSpec = (value: Argument): value is Argument & Spec => isTree(value) && "layer" in value;

/** An argument of a constructor: a module where the figures describe a layer, a function where they ask for a factory. */
function made(value: Argument, float: FloatDType): unknown {
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (isSpec(value)) return build(value, float);
  if (!isTree(value)) return value;
  const { make } = value;
  if (make !== undefined && isSpec(make)) return () => build(make, float);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, made(part, float)]));
}

export type AnyModule = nn.Module<unknown, unknown[]>;

function build({ layer, args }: Spec, float: FloatDType): AnyModule {
  const Make = exportedLayers.get(layer) as (new (...args: unknown[]) => AnyModule) | undefined;
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

/** The arguments of a call, with tensors in place of `{ $: number }`. */
export function passed(value: Argument, inputs: readonly Tensor[]): unknown {
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

/** The layer of a case, with its weights. */
export function layerOf({ spec, state, training }: LayerCase, float: FloatDType): AnyModule {
  const layer = build(spec, float);
  layer.loadStateDict(
    Object.fromEntries(Object.entries(state).map(([name, figure]) => [name, tensorOf(figure, float)])),
  );
  layer.train(training);
  return layer;
}

function gradientOf(x: Tensor | undefined, name: string): Tensor {
  if (x?.grad === undefined) throw new Error(`${name} has no gradient`);
  return x.grad;
}

/** A case ready to run: its layer, and the inputs and outputs of its part of a program. */
export function prepared(entry: LayerCase, float: FloatDType) {
  const layer = layerOf(entry, float);
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
