// exportOnnx: a module or a function as an ONNX model. It is traced as in compile(), and its graph is rewritten in ONNX's operators.
import { at } from "../../../graph/at.ts";
import type { DType, TypedArray } from "../../../graph/dtype.ts";
import { HebbError } from "../../../graph/errors.ts";
import * as kind from "../../../graph/kinds.ts";
import type { Node } from "../../../graph/node.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../../graph/options.ts";
import { topologicalOrder } from "../../../graph/walk.ts";
import { type AnyModule, Module } from "../../../nn/module.ts";
import type { Cell } from "../../../runtime/index.ts";
import { Tensor } from "../../../tensor/index.ts";
import { flush } from "../../../tensor/lazy.ts";
import { externalise } from "../external.ts";
import { writeOnnx } from "../files.ts";
import type { Draft, ModelProto, ValueInfoProto } from "../proto/messages.ts";
import { compositeRuleOf } from "./composites/all.ts";
import { readValues } from "./constants.ts";
import { emit } from "./dispatch.ts";
import { type DynamicDims, namedDims, traceDims } from "./dynamic.ts";
import { Emitter } from "./emitter.ts";
import { finished } from "./finish.ts";
import { formulaOf, formulaText, isFixed, type NamedDim, type Size } from "./sizes.ts";
import type { Forward, InputType, Traces } from "./traces.ts";
import { elementTypeCode } from "./writer.ts";

/** The supported opsets; `usual` is the newest that onnxruntime 1.30 runs. */
export const opsets = { oldest: 13, usual: 26, newest: 28 } as const;

export interface ExportOnnxOptions {
  /** The version of ONNX's operators, 13 to 28. Default 26, the newest that onnxruntime runs. */
  readonly opset?: number;
  /** Dims that may vary at run time, by input and axis: `{ x: { 0: "batch" } }`. Equal names mean equal sizes. Default: none. */
  readonly dynamic?: DynamicDims;
  /** Names of the results. Default: "output" for a single one, otherwise the keys or indices under which they are returned. */
  readonly outputs?: readonly string[];
  /** Export a module in training mode: with dropout and batch statistics. Default false. */
  readonly training?: boolean;
  /** Let the runtime draw its own random numbers where the function draws. Default false: refuse the export. */
  readonly random?: boolean;
  /** Store the weights in a file of this name beside the model. Default: only above 2 GB, as NAME.onnx.data. */
  readonly external?: string | boolean;
  /** The name of the graph. Default: that of the module or function. */
  readonly name?: string;
  /** Further metadata to store in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const optionKinds: OptionKinds<ExportOnnxOptions> = {
  opset: kind.number,
  dynamic: kind.anything,
  outputs: kind.listOf(kind.string),
  training: kind.boolean,
  random: kind.boolean,
  external: kind.either(kind.string, kind.boolean),
  name: kind.string,
  metadata: kind.anything,
};

/** An input: a tensor like the future ones, or its shape and dtype. */
export type OnnxInput = Tensor | { readonly shape: readonly number[]; readonly dtype?: DType };

/** An input or output of the model. A dim with a name may vary from run to run. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxExport {
  /** The file. */
  readonly bytes: Uint8Array;
  /** The weight file to store beside the model, in parts, if the weights are external. */
  readonly external: { readonly name: string; readonly parts: readonly Uint8Array[] } | undefined;
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** The number of nodes of each operator in the graph. */
  readonly operators: Readonly<Record<string, number>>;
  /** Notes on everything that the file cannot express. */
  readonly notes: readonly string[];
}

/** The file format version that introduced each operator set. */
function irVersion(opset: number): number {
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  if (opset <= 24) return 11;
  if (opset === 25) return 12;
  return opset <= 27 ? 13 : 14;
}

const mostInside = 2 ** 31 - 2 ** 20;

/**
 * The ONNX model of a module's forward, or of any function of tensors. `inputs` names the arguments in order.
 * Parameters and buffers keep their names. Plain JavaScript in the function runs once, as in compile(). Assignments to states are left out.
 * Throws HebbError that names the operation and the layer if ONNX has no equivalent. Source: the idea of torch.onnx.export.
 *
 * ```ts
 * const { bytes } = await exportOnnx(model, { x: { shape: [1, 4] } }, { dynamic: { x: { 0: "batch" } } });
 * ```
 */
export async function exportOnnx(
  model: AnyModule | ((...inputs: never[]) => unknown),
  inputs: Readonly<Record<string, OnnxInput>>,
  options: ExportOnnxOptions = {},
): Promise<OnnxExport> {
  const isModule = model instanceof Module;
  if (!isModule) checkKind("exportOnnx", "the model", model, kind.func());
  const checked = checkOptions("exportOnnx", options, optionKinds);
  const { opset = opsets.usual, training = false, random = false } = checked;
  if (!(Number.isInteger(opset) && opset >= opsets.oldest && opset <= opsets.newest))
    throw new HebbError(
      `exportOnnx: opset must be a whole number from ${opsets.oldest} to ${opsets.newest}, got ${opset}`,
    );
  const types = inputTypes(inputs);
  const asked = namedDims(checked.dynamic ?? {}, types);
  flush();
  const fn = (isModule ? (...given: Tensor[]) => model.forward(...given) : model) as Forward;
  const { traces, dims, multipleOf } = inMode(isModule ? model : undefined, training, () =>
    traceDims(fn, types, asked),
  );
  const { folded, progressions, cells } = await readValues(traces);
  const stacks = stacksRead(traces.first.outputs);
  const notes = new Set<string>();
  if (traces.first.writes.some((name) => !name.startsWith("random.")))
    notes.add("Assignments to states, such as running statistics, are left out: the file computes the results alone.");
  if (multipleOf > 1)
    notes.add(`The function takes multiples of some size: the file was made for multiples of ${multipleOf}.`);
  const out = new Emitter({
    traces,
    opset,
    dims,
    random,
    folded,
    progressions,
    notes,
    emit,
    stacksOf: (loop) => stacks.get(loop) ?? [],
  });
  types.forEach(({ name }, place) => {
    out.define(at(traces.first.inputs, place), out.writer.names.unique(name));
  });
  const names = outputNames(traces, checked.outputs, types);
  for (const name of names) out.writer.names.unique(name);
  defineStates(out, cells, isModule ? model : undefined);
  emitAll(out, traces);
  const results = traces.first.outputs.map((node) => out.value(node));
  const graphName = checked.name ?? nameOf(model);
  const shapes = {
    inputs: types.map((type, place) => valueOf(type.name, at(traces.first.inputs, place), out, dims)),
    outputs: traces.first.outputs.map((node, place) => valueOf(at(names, place), node, out, dims)),
  };
  const { nodes, initializers } = finished(out, results, names);
  const draft: Draft<ModelProto> = {
    irVersion: irVersion(opset),
    producerName: "hebb",
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: graphName,
      node: nodes,
      initializer: initializers,
      input: shapes.inputs.map(infoOf),
      output: shapes.outputs.map(infoOf),
    },
    metadataProps: Object.entries(checked.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
  const operators: Record<string, number> = {};
  for (const { opType = "" } of nodes) {
    const count = operators[opType];
    operators[opType] = count === undefined ? 1 : count + 1;
  }
  return { ...written(draft, checked.external), opset, ...shapes, operators, notes: [...notes] };
}

function written(
  draft: Draft<ModelProto>,
  external: string | boolean | undefined,
): Pick<OnnxExport, "bytes" | "external"> {
  const total = (draft.graph?.initializer ?? []).reduce((sum, { rawData }) => sum + (rawData?.byteLength ?? 0), 0);
  const outside = external === undefined ? total > mostInside : external !== false;
  if (!outside) return { bytes: writeOnnx(draft), external: undefined };
  const name = typeof external === "string" ? external : `${draft.graph?.name ?? "model"}.onnx.data`;
  const { model, parts } = externalise(draft, name);
  return { bytes: writeOnnx(model), external: { name, parts } };
}

function inputTypes(inputs: Readonly<Record<string, OnnxInput>>): InputType[] {
  if (typeof inputs !== "object" || inputs === null || inputs instanceof Tensor || Array.isArray(inputs))
    throw new HebbError(
      `exportOnnx: the inputs must be named, such as { x: { shape: [1, 4] } }, got ${kind.describe(inputs)}`,
    );
  return Object.entries(inputs).map(([name, input]) => {
    const { shape, dtype = "float32" } = input ?? {};
    checkKind("exportOnnx", `the shape of ${name}`, shape, kind.numbers);
    checkKind("exportOnnx", `the dtype of ${name}`, dtype, kind.dtype);
    return { name, shape, dtype };
  });
}

/** Runs `body` with the module in the given mode, then restores the mode. */
function inMode<T>(model: AnyModule | undefined, training: boolean, body: () => T): T {
  if (model === undefined) return body();
  const modes = model.modules().map((module) => [module, module.training] as const);
  model.train(training);
  try {
    return body();
  } finally {
    // From the outermost in, because train() also sets the modules below.
    for (const [module, mode] of modes) module.train(mode);
  }
}

/** The body values of each loop that are read as stacks, by their index in the body. */
function stacksRead(outputs: readonly Node[]): Map<Node, number[]> {
  const found = new Map<Node, number[]>();
  const open = [...outputs];
  const seen = new Set<Node>();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...node.inputs, ...(node.body?.order ?? []));
    if (node.op.name !== "scanStack") continue;
    const loop = node.inputs[0] as Node;
    found.set(loop, [...new Set([...(found.get(loop) ?? []), Number(node.attributes.value)])]);
  }
  return found;
}

function defineStates(
  out: Emitter,
  cells: ReadonlyMap<Cell, { node: Node; data: TypedArray }>,
  model: AnyModule | undefined,
): void {
  const paths = new Map<Cell, string>();
  for (const [path, state] of model === undefined ? [] : [...model.namedParameters(), ...model.namedBuffers()])
    paths.set(state.cell, path);
  for (const [cell, { node, data }] of cells) {
    const name = paths.get(cell) ?? (cell.name === "" ? "state" : cell.name);
    out.define(node, out.writer.initializer(name, data, cell.shape, cell.dtype));
  }
}

/** Emits every node that the results need, inputs first, so that rules recurse by at most one node. */
function emitAll(out: Emitter, traces: Traces): void {
  const order = topologicalOrder(traces.first.outputs, {
    inputsOf: (node) => {
      if (out.known(node) !== undefined || out.context.folded.has(node)) return [];
      return compositeRuleOf(node, out)?.inputs ?? node.inputs;
    },
  });
  for (const node of order) {
    // A constant is written at its use.
    if (node.op.rule.kind === "loop" || out.context.folded.has(node)) continue;
    out.value(node);
  }
}

function outputNames(
  traces: Traces,
  given: readonly string[] | undefined,
  inputs: readonly InputType[],
): readonly string[] {
  const { paths } = traces.first;
  if (given !== undefined && given.length !== paths.length)
    throw new HebbError(`exportOnnx: outputs names ${given.length} results, and the function returns ${paths.length}`);
  const names =
    given ??
    (paths.length === 1
      ? ["output"]
      : paths.map((path) => {
          const own = path
            .replace("the result", "")
            .replaceAll(/[[\].]+/g, "_")
            .replaceAll(/^_|_$/g, "");
          return /^\d/.test(own) || own === "" ? `output_${own}` : own;
        }));
  const taken = new Set(inputs.map(({ name }) => name));
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new HebbError(`exportOnnx: two results are called "${twice}"; name them by outputs`);
  return names.map((name) => (given === undefined && taken.has(name) ? `${name}_output` : name));
}

const nameOf = (model: AnyModule | ((...inputs: never[]) => unknown)): string =>
  model instanceof Module ? model.constructor.name : model.name === "" ? "hebb" : model.name;

function valueOf(name: string, node: Node, out: Emitter, dims: readonly NamedDim[]): OnnxValue {
  const sizeName = (size: Size): number | string => {
    if (isFixed(size)) return size;
    const terms = formulaOf(size, dims);
    return terms === undefined ? "" : formulaText(terms);
  };
  return { name, dtype: node.dtype, shape: out.shape(node).map(sizeName) };
}

const infoOf = ({ name, dtype, shape }: OnnxValue): Draft<ValueInfoProto> => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypeCode(dtype),
      shape: {
        dim: shape.map((size) =>
          typeof size === "number" ? { dimValue: size } : size === "" ? {} : { dimParam: size },
        ),
      },
    },
  },
});
