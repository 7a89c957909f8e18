// The type of an operator's rule: the attributes it takes, and its outputs for given inputs.
import { HebbError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { Tensor } from "../../../tensor/index.ts";
import { dtypeOf, type ElementType } from "../elementTypes.ts";
import type { AttributeKinds, AttributesOf, Subgraph } from "./attributes.ts";
import { describeValue, type Host, type SequenceValue, TensorValue, type Value } from "./values.ts";

/** An output of a rule; a tensor takes the type of the first input if its dtype allows. */
export type Output = Tensor | Value | undefined;

/** The services of the enclosing graph. */
export interface Surroundings {
  /** The version of the operator set in use. */
  readonly opset: number;
  /** Whether the module is in training mode: dropout is active, batches are normalised by their own moments. */
  readonly training: boolean;
  /** Runs a subgraph of the node with these inputs, and returns its outputs. */
  run(graph: Subgraph, inputs: readonly Value[]): readonly Value[];
}

/** Maximum elements that one operator may create from numbers: 256 MB of float32. */
const mostMade = 2 ** 26;

/** One execution of a node. */
export class Call<A> {
  readonly attributes: A;
  readonly inputs: readonly (Value | undefined)[];
  /** The names of the outputs; "" means unused. */
  readonly outputs: readonly string[];
  readonly graph: Surroundings;
  /** `node "fc1" (Gemm)`, for messages. */
  readonly where: string;

  constructor(attributes: A, node: Pick<Call<A>, "inputs" | "outputs" | "graph" | "where">) {
    this.attributes = attributes;
    this.inputs = node.inputs;
    this.outputs = node.outputs;
    this.graph = node.graph;
    this.where = node.where;
  }

  get opset(): number {
    return this.graph.opset;
  }

  fail(problem: string): HebbError {
    return new HebbError(`${this.where}: ${problem}`);
  }

  has(place: number): boolean {
    return this.inputs[place] !== undefined;
  }

  any(place: number): Value {
    const value = this.inputs[place];
    if (value === undefined) throw this.fail(`input ${place} is missing`);
    return value;
  }

  value(place: number): TensorValue {
    const value = this.any(place);
    if (value.kind !== "tensor") throw this.fail(`input ${place} is ${describeValue(value)}, not a tensor`);
    return value;
  }

  maybeValue(place: number): TensorValue | undefined {
    return this.has(place) ? this.value(place) : undefined;
  }

  tensor(place: number): Tensor {
    return this.value(place).tensor;
  }

  maybe(place: number): Tensor | undefined {
    return this.maybeValue(place)?.tensor;
  }

  sequence(place: number): SequenceValue {
    const value = this.any(place);
    if (value.kind !== "sequence") throw this.fail(`input ${place} is ${describeValue(value)}, not a sequence`);
    return value;
  }

  /** The values of an input that must be known while the graph is built. */
  host(place: number): Host {
    return this.value(place).host(`${this.where}: input ${place}`);
  }

  numbers(place: number): number[] {
    return Array.from(this.host(place));
  }

  maybeNumbers(place: number): number[] | undefined {
    return this.has(place) ? this.numbers(place) : undefined;
  }

  /** One known number. */
  number(place: number): number {
    const host = this.host(place);
    const [first] = Array.from({ length: Math.min(1, host.length) }, (_, at) => host[at]);
    if (host.length !== 1 || first === undefined)
      throw this.fail(`input ${place} of shape ${formatShape(this.value(place).shape)} must be one number`);
    return first;
  }

  maybeNumber(place: number): number | undefined {
    return this.has(place) ? this.number(place) : undefined;
  }

  /** A dim counted from the front. */
  axis(axis: number, rank: number): number {
    const from = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(from) || from < 0 || from >= rank)
      throw this.fail(`the axis ${axis} is not one of a tensor with ${rank} dims`);
    return from;
  }

  axes(axes: readonly number[], rank: number): number[] {
    const found = axes.map((axis) => this.axis(axis, rank));
    if (new Set(found).size !== found.length) throw this.fail(`the axes [${axes.join(", ")}] name one twice`);
    return found;
  }

  /** Checks the number of elements that the operator creates from numbers alone; refuses implausible ones. */
  size(count: number): number {
    if (!Number.isInteger(count) || count < 0 || count > mostMade)
      throw this.fail(`it makes ${count} elements; a whole number up to ${mostMade} is read`);
    return count;
  }

  wants(place: number): boolean {
    return (this.outputs[place] ?? "") !== "";
  }
}

/** The implementation of an operator. */
export interface Rule {
  readonly kinds: AttributeKinds;
  /** Inputs whose values determine shapes or branches: constants there are not trained. */
  readonly fixed: readonly number[];
  /** Inputs that training updates without a gradient: running statistics. */
  readonly running: readonly number[];
  /** Whether the outputs depend on more than the inputs: random numbers, outer values of a graph. */
  readonly varies: boolean;
  readonly compute: (call: Call<Readonly<Record<string, unknown>>>) => Output | readonly Output[];
}

/** The roles of inputs that are not values to learn. */
interface RuleOptions {
  readonly fixed?: readonly number[];
  readonly running?: readonly number[];
  readonly varies?: boolean;
}

/** A rule, with its attributes typed by their kinds. */
export function rule<K extends AttributeKinds>(
  kinds: K,
  compute: (call: Call<AttributesOf<K>>) => Output | readonly Output[],
  { fixed = [], running = [], varies = false }: RuleOptions = {},
): Rule {
  return {
    kinds,
    fixed,
    running,
    varies,
    compute: (call) => compute(new Call(call.attributes as AttributesOf<K>, call)),
  };
}

/** Rules of operators, by name. An operator whose meaning changed has one rule per change. */
export type Operators = Readonly<Record<string, Rule | Versions>>;

/** Rules by the operator-set version that introduced each. */
export interface Versions {
  readonly since: Readonly<Record<number, Rule>>;
}
export const versions = (since: Readonly<Record<number, Rule>>): Versions => ({ since });

/** A tensor with an element type that its dtype does not determine. */
export const typed = (tensor: Tensor, type: ElementType): TensorValue => TensorValue.of(tensor, type);

/** The type of an untyped tensor: that of the first input if the dtype fits. */
function typeFor(tensor: Tensor, inputs: readonly (Value | undefined)[]): ElementType {
  for (const input of inputs) if (input?.kind === "tensor" && dtypeOf(input.type) === tensor.dtype) return input.type;
  switch (tensor.dtype) {
    case "float32":
      return "float";
    case "float64":
      return "double";
    case "int32":
      return "int64";
    case "float16":
    case "bfloat16":
    case "int16":
    case "int8":
    case "uint8":
    case "bool":
      return tensor.dtype;
  }
}

/** The outputs of a node as values. Results of constants alone are constant. */
export function outputsOf(
  result: Output | readonly Output[],
  inputs: readonly (Value | undefined)[],
  varies: boolean,
): (Value | undefined)[] {
  const constant = !varies && inputs.every((input) => input === undefined || isConstant(input));
  const list: readonly Output[] = isList(result) ? result : [result];
  return list.map((output) => {
    const value = output instanceof Tensor ? TensorValue.of(output, typeFor(output, inputs), constant) : output;
    if (!(value instanceof TensorValue)) return value;
    return constant && !value.constant ? TensorValue.of(value.tensor, value.type, true) : value;
  });
}

const isList = (result: Output | readonly Output[]): result is readonly Output[] => Array.isArray(result);

function isConstant(value: Value): boolean {
  switch (value.kind) {
    case "tensor":
      return value.constant;
    case "sequence":
      return value.items.every(isConstant);
    case "text":
    case "nothing":
      return true;
  }
}
