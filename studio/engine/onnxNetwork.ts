// An ONNX file as a network of the page: a chain of dense layers and 3 × 3 convolutions. Anything else is refused with a message.

import { readOnnx } from "../../src/formats/onnx/files.ts";
import type { NodeProto } from "../../src/formats/onnx/proto/messages.ts";
import { readTensor } from "../../src/formats/onnx/tensors.ts";
import type { ActivationName } from "../shared/names.ts";
import type { OnnxNetwork } from "../shared/onnx.ts";
import type { SavedTensor } from "../shared/protocol.ts";
import { type Layer, mostLayers, mostUnits } from "../shared/state.ts";
import * as say from "../texts/en/onnx.ts";

interface Part {
  readonly kind: Layer["kind"];
  readonly units: number;
  activation: ActivationName;
}

interface Constant {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const plainActivations: Readonly<Record<string, ActivationName>> = {
  Relu: "relu",
  Tanh: "tanh",
  Sigmoid: "sigmoid",
  Selu: "selu",
  Mish: "mish",
  Softplus: "softplus",
  Softsign: "softsign",
  HardSwish: "hardswish",
};

/** Operators that change at most the shape of a trained network's values. */
const passing: ReadonlySet<string> = new Set(["Identity", "Dropout", "Flatten", "Reshape", "Squeeze"]);
/** At the end of the chain the page applies these itself. */
const squashing: ReadonlySet<string> = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);

const near = (a: number | undefined, b: number): boolean => a !== undefined && Math.abs(a - b) < 1e-5;

function turned({ shape, data }: Constant): Constant {
  const [rows = 1, columns = 1] = shape;
  return {
    shape: [columns, rows],
    data: Float32Array.from(data, (_, k) => data[(k % rows) * columns + Math.floor(k / rows)] ?? 0),
  };
}

class Chain {
  readonly #name: string;
  readonly #constants = new Map<string, Constant>();
  readonly #parts: Part[] = [];
  readonly #weights: SavedTensor[] = [];
  /** The name of the current value of the chain, and of the one before the last activation. */
  #at: string;
  #before = "";
  /** The shape of one row there; undefined if the file leaves it open. */
  #shape: readonly number[];

  constructor(name: string, input: string, shape: readonly number[], constants: ReadonlyMap<string, Constant>) {
    this.#name = name;
    this.#at = input;
    this.#shape = shape;
    for (const [key, value] of constants) this.#constants.set(key, value);
  }

  #refuse(why: string): never {
    throw new Error(say.thisPageShowsChainsOfDense(this.#name, why));
  }

  #constant(name: string | undefined): Constant | undefined {
    return name === undefined ? undefined : this.#constants.get(name);
  }

  #add(kind: Layer["kind"], weight: Constant, bias: Constant | undefined): void {
    const [units = 0] = weight.shape;
    if (units < 1 || units > mostUnits) this.#refuse(say.hasALayerOfUnitsAnd(units, mostUnits));
    const place = this.#parts.length;
    this.#parts.push({ kind, units, activation: "identity" });
    this.#weights.push(
      { name: `${place}.weight`, shape: weight.shape, data: weight.data },
      { name: `${place}.bias`, shape: [units], data: bias?.data ?? new Float32Array(units) },
    );
  }

  #dense(weight: Constant, bias: Constant | undefined): void {
    const [units = 0, inputs = 0] = weight.shape;
    const size = this.#shape.reduce((a, b) => a * b, 1);
    if (weight.shape.length !== 2 || size !== inputs) this.#refuse(say.hasADenseLayerOfInputs(inputs, size));
    this.#add("dense", weight, bias);
    this.#shape = [units];
  }

  #convolution(weight: Constant, bias: Constant | undefined, numbers: (name: string) => number[]): void {
    const [units = 0, channels, height, width] = weight.shape;
    const all = (name: string, wanted: number): boolean => numbers(name).every((one) => one === wanted);
    const fits =
      weight.shape.length === 4 && height === 3 && width === 3 && all("pads", 1) && numbers("pads").length === 4;
    if (!fits || !all("strides", 1) || !all("dilations", 1) || !all("group", 1) || channels !== this.#shape[0])
      this.#refuse(say.hasAConvolutionWithAKernel(weight.shape.join(", ")));
    if (this.#parts.some(({ kind }) => kind === "dense")) this.#refuse(say.hasAConvolutionAfterADense);
    this.#add("conv", weight, bias);
    this.#shape = [units, ...this.#shape.slice(1)];
  }

  #activate(name: ActivationName, node: NodeProto): void {
    const part = this.#parts.at(-1);
    if (part === undefined) this.#refuse(say.beginsWithBeforeAnyLayer(node.opType ?? "?"));
    if (part.activation !== "identity") this.#refuse(say.hasTwoActivationsOneAfterThe);
    part.activation = name;
  }

  /** Reads the next node of the chain; `last` is the end of the graph. */
  take(node: NodeProto, last: boolean): void {
    const { opType: op = "", input, output } = node;
    const attribute = (name: string) => node.attribute.find((one) => one.name === name);
    const numbers = (name: string): number[] => {
      const own = attribute(name);
      return own === undefined ? [] : own.ints.length > 0 ? own.ints.map(Number) : [Number(own.i ?? 0)];
    };
    const real = (name: string): number | undefined => attribute(name)?.f;
    if (op === "Constant") return;
    const silu = op === "Mul" && input.includes(this.#at) && input.includes(this.#before);
    if (silu) {
      const part = this.#parts.at(-1);
      if (part?.activation !== "sigmoid") this.#refuse(say.multipliesTwoOfItsValues);
      part.activation = "silu";
    } else {
      const others = input.filter((one) => one !== "" && one !== this.#at);
      if (!input.includes(this.#at) || others.some((one) => !this.#constants.has(one)))
        this.#refuse(say.isNotAChainJoinsOr(op));
      this.#operate(op, node, last, { attribute: real, numbers });
    }
    this.#before = silu ? "" : this.#at;
    this.#at = output[0] ?? "";
  }

  #operate(
    op: string,
    node: NodeProto,
    last: boolean,
    { attribute, numbers }: { attribute: (name: string) => number | undefined; numbers: (name: string) => number[] },
  ): void {
    const { input } = node;
    const [weight, bias] = [this.#constant(input[1]), this.#constant(input[2])];
    if (passing.has(op)) return;
    if (last && squashing.has(op) && this.#parts.length > 0) return;
    const plain = plainActivations[op];
    if (plain !== undefined) return this.#activate(plain, node);
    switch (op) {
      case "Gemm":
        if (weight === undefined || (attribute("alpha") ?? 1) !== 1 || (attribute("beta") ?? 1) !== 1)
          this.#refuse(say.hasAGemmThatScalesIts);
        if (numbers("transA")[0] === 1) this.#refuse(say.hasAGemmWithItsInput);
        return this.#dense(numbers("transB")[0] === 1 ? weight : turned(weight), bias);
      case "MatMul":
        if (weight === undefined || weight.shape.length !== 2) this.#refuse(say.multipliesBySomethingThatIsNot);
        return this.#dense(turned(weight), undefined);
      case "Add": {
        const [added] = input.flatMap((one) => this.#constant(one) ?? []);
        const stored = this.#weights.at(-1);
        const part = this.#parts.at(-1);
        if (added === undefined || stored === undefined || part?.activation !== "identity" || part.kind === "conv")
          this.#refuse(say.addsSomethingThatIsNotThe);
        if (added.data.length !== part.units || stored.data.some((value) => value !== 0))
          this.#refuse(say.addsASecondBiasToA);
        this.#weights[this.#weights.length - 1] = { ...stored, data: added.data };
        return;
      }
      case "Conv":
        if (weight === undefined) this.#refuse(say.hasAConvolutionWithoutAStored);
        return this.#convolution(weight, bias, numbers);
      case "MaxPool": {
        const [, height = 0, width = 0] = this.#shape;
        const by = (name: string, wanted: number): boolean => numbers(name).every((one) => one === wanted);
        if (
          this.#parts.at(-1)?.kind !== "conv" ||
          Math.min(height, width) < 4 ||
          !by("kernel_shape", 2) ||
          !by("strides", 2) ||
          !by("pads", 0)
        )
          this.#refuse(say.poolsOtherwiseThanBySquaresOf);
        this.#shape = [this.#shape[0] ?? 1, Math.floor(height / 2), Math.floor(width / 2)];
        return;
      }
      case "LeakyRelu":
        return near(attribute("alpha") ?? 0.01, 0.01)
          ? this.#activate("leakyRelu", node)
          : this.#refuse(say.hasALeakyReluWithAnotherSlope);
      case "Elu":
        return near(attribute("alpha") ?? 1, 1)
          ? this.#activate("elu", node)
          : this.#refuse(say.hasAnEluWithAnotherThan);
      case "Gelu":
        return this.#activate("gelu", node);
      case "HardSigmoid":
        return near(attribute("alpha") ?? 0.2, 1 / 6)
          ? this.#activate("hardsigmoid", node)
          : this.#refuse(say.hasAHardSigmoidWithAnotherSlope);
      case "Clip": {
        const [low, high] = [this.#constant(input[1])?.data[0], this.#constant(input[2])?.data[0]];
        if (near(low, -1) && near(high, 1)) return this.#activate("hardtanh", node);
        if (near(low, 0) && near(high, 6)) return this.#activate("relu6", node);
        return this.#refuse(say.clipsItsValuesTo(low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY));
      }
      default:
        return this.#refuse(say.hasTheOperator(op));
    }
  }

  finish(inputs: readonly number[], end: string | undefined): OnnxNetwork {
    const last = this.#parts.at(-1);
    if (last === undefined || last.kind !== "dense") this.#refuse(say.doesNotEndInADense);
    if (last.activation !== "identity") this.#refuse(say.endsIn(last.activation));
    if (end !== this.#at) this.#refuse(say.givesMoreThanTheEndOf);
    if (this.#parts.length - 1 > mostLayers)
      this.#refuse(say.hasHiddenLayersAndThePage(this.#parts.length - 1, mostLayers));
    return { inputs, layers: this.#parts.slice(0, -1), outputs: last.units, weights: this.#weights };
  }
}

/** The network in an ONNX file. Throws a message for one that the page cannot show. */
export function networkOf(name: string, bytes: Uint8Array): OnnxNetwork {
  const { graph } = readOnnx(bytes, { name });
  if (graph === undefined) throw new Error(say.hasNoGraph(name));
  const constants = new Map<string, Constant>();
  const keep = (key: string | undefined, tensor: Parameters<typeof readTensor>[0]): void => {
    const { shape, array } = readTensor(tensor, `${name}, ${key}`);
    if (key !== undefined && array !== undefined)
      constants.set(key, { shape, data: Float32Array.from(array.data, Number) });
  };
  for (const tensor of graph.initializer) keep(tensor.name, tensor);
  for (const { opType, output, attribute } of graph.node) {
    const value = attribute.find((one) => one.name === "value")?.t;
    if (opType === "Constant" && value !== undefined) keep(output[0], value);
  }
  const open = graph.input.filter((one) => !constants.has(one.name ?? ""));
  const [input] = open;
  if (open.length !== 1 || input?.name === undefined)
    throw new Error(say.takesInputsThisPageShowsNetworks(name, open.length));
  const dims = input.type?.tensorType?.shape?.dim.slice(1).map(({ dimValue }) => Number(dimValue ?? 0)) ?? [];
  if (dims.length === 0 || dims.some((one) => one < 1)) throw new Error(say.leavesTheShapeOfItsInputs(name));
  const chain = new Chain(name, input.name, dims, constants);
  for (const [place, node] of graph.node.entries()) chain.take(node, place === graph.node.length - 1);
  return chain.finish(dims, graph.output[0]?.name);
}
