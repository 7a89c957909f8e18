// An imported graph as a module: it runs the file's computation, and can be trained further.
import { at } from "../../../graph/at.ts";
import { HebbError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { Module } from "../../../nn/index.ts";
import type { Member } from "../../../nn/module.ts";
import { type State, Tensor } from "../../../tensor/index.ts";
import { dtypeOf, type ElementType, elementTypeOf } from "../elementTypes.ts";
import type { ValueInfoProto } from "../proto/messages.ts";
import { type Graph, runGraph } from "./graph.ts";
import { rounded } from "./rounding.ts";
import { describeValue, TensorValue, type Value } from "./values.ts";

/** An input or an output, as declared in the file. */
export interface Port {
  readonly name: string;
  readonly type: ElementType | undefined;
  /** Sizes: equal names mean equal sizes, undefined means any. Undefined as a whole: any rank. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** The port of a declaration. */
export function portOf(info: ValueInfoProto): Port {
  const name = info.name ?? "";
  const tensor = info.type?.tensorType;
  const type =
    tensor === undefined
      ? undefined
      : elementTypeOf(tensor.elemType, `the type of ${JSON.stringify(name.slice(0, 80))}`);
  const shape = tensor?.shape?.dim.map(({ dimValue, dimParam }) =>
    dimParam !== undefined && dimParam !== ""
      ? dimParam
      : dimValue !== undefined && dimValue >= 0
        ? dimValue
        : undefined,
  );
  return { name, type, shape };
}

interface Parts {
  readonly graph: Graph;
  readonly members: ReadonlyMap<string, State>;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** A model of an ONNX file. It starts in eval mode; `train()` enables dropout and batch statistics. */
export class OnnxModule extends Module<Tensor, Tensor[]> {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #graph: Graph;
  readonly #members: ReadonlyMap<string, State>;

  constructor({ graph, members, inputs, outputs }: Parts) {
    super();
    this.#graph = graph;
    this.#members = members;
    this.inputs = inputs;
    this.outputs = outputs;
    this.eval();
  }

  protected override members(): Iterable<readonly [name: string, member: Member]> {
    return this.#members ?? [];
  }

  /** The file's names stay unchanged. */
  protected override spell(name: string): string {
    return name;
  }

  /** The first output, for inputs in the file's order. */
  override forward(...inputs: Tensor[]): Tensor {
    const [first] = this.#run(inputs);
    if (first?.kind !== "tensor")
      throw new HebbError(
        `the first output of the model is ${first === undefined ? "missing" : describeValue(first)}, not a tensor; use forwardValues`,
      );
    return first.tensor;
  }

  /**
   * All outputs by name, for inputs by name: { input_ids, attention_mask }. JavaScript lists integer-like names first; `outputs` and
   * forwardValues keep the file's order.
   */
  forwardNamed(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    for (const name of Object.keys(inputs))
      if (!this.inputs.some((port) => port.name === name))
        throw new HebbError(
          `the model has no input ${JSON.stringify(name)}; it has ${this.inputs.map((port) => port.name).join(", ")}`,
        );
    const values = this.#run(this.inputs.map(({ name }) => inputs[name]));
    const named: Record<string, Tensor> = Object.create(null);
    for (const [place, { name }] of this.outputs.entries()) {
      const value = values[place];
      if (value?.kind === "tensor") named[name] = value.tensor;
    }
    return named;
  }

  /** All outputs, including sequences and texts, in the file's order. */
  forwardValues(inputs: readonly (Value | Tensor)[]): readonly Value[] {
    return this.#run(inputs);
  }

  #run(inputs: readonly (Value | Tensor | undefined)[]): Value[] {
    if (inputs.length !== this.inputs.length)
      throw new HebbError(
        `the model takes ${this.inputs.length} inputs (${this.inputs.map(({ name }) => name).join(", ")}), got ${inputs.length}`,
      );
    const sizes = new Map<string, number>();
    const values = this.inputs.map((port, place) => checkedInput(port, inputs[place], sizes));
    return runGraph(this.#graph, values, this.training).map(inDeclaredType);
  }

  override extraRepr(): string {
    const list = (ports: readonly Port[]): string => ports.map(({ name }) => name).join(", ");
    return `${list(this.inputs)} → ${list(this.outputs)}, ${this.#graph.nodes.length} nodes`;
  }
}

/** Half floats are computed in float32 and rounded to their type at the end. */
function inDeclaredType(value: Value): Value {
  if (!(value instanceof TensorValue) || (value.type !== "float16" && value.type !== "bfloat16")) return value;
  return TensorValue.of(rounded(value.tensor, value.type, false), value.type, value.constant);
}

function checkedInput(
  { name, type, shape }: Port,
  input: Value | Tensor | undefined,
  sizes: Map<string, number>,
): Value {
  const where = `the input ${JSON.stringify(name)}`;
  // 16-bit floats are computed in float32 here, too.
  const given = input instanceof Tensor && input.dtype === type ? input.to(dtypeOf(type) ?? input.dtype) : input;
  if (given === undefined) throw new HebbError(`${where} is missing`);
  const value = given instanceof Tensor ? TensorValue.of(given, type ?? "float") : given;
  if (!(value instanceof TensorValue)) return value;
  const wanted = type === undefined ? undefined : dtypeOf(type);
  if (given instanceof Tensor && wanted !== undefined && given.dtype !== wanted)
    throw new HebbError(`${where} is ${given.dtype}, the model takes ${type}; convert it with .to("${wanted}")`);
  if (shape === undefined) return value;
  const expected = `[${shape.map((size) => size ?? "?").join(", ")}]`;
  if (shape.length !== value.rank)
    throw new HebbError(`${where} has the shape ${formatShape(value.shape)}, the model takes ${expected}`);
  for (const [dim, size] of shape.entries()) {
    const own = at(value.shape, dim);
    const fixed = typeof size === "string" ? sizes.get(size) : size;
    if (typeof size === "string") sizes.set(size, own);
    if (fixed !== undefined && fixed !== own)
      throw new HebbError(
        `${where} has the shape ${formatShape(value.shape)}, the model takes ${expected}: dim ${dim} must be ${fixed}${typeof size === "string" ? ` (${size})` : ""}`,
      );
  }
  return value;
}
