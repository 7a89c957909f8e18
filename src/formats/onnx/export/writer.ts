// Writes the nodes of one ONNX graph: names, constants, and the removal of unused values.
import type { DType, TypedArray } from "../../../graph/dtype.ts";
import { attributeTypes } from "../attributeTypes.ts";
import { elementTypeFor, elementTypes } from "../elementTypes.ts";
import type { AttributeProto, Draft, GraphProto, NodeProto, TensorProto } from "../proto/messages.ts";
import { tensorProto } from "../tensors.ts";

/** A float attribute; plain numbers are integers. */
export interface Float {
  readonly float: number;
}
export const float = (value: number): Float => ({ float: value });

export type AttributeValue =
  | number
  | string
  | Float
  | readonly number[]
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly graph: Draft<GraphProto> };
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

const text = new TextEncoder();

function attribute(name: string, value: AttributeValue): Draft<AttributeProto> {
  if (typeof value === "number") return { name, type: attributeTypes.int, i: value };
  if (typeof value === "string") return { name, type: attributeTypes.string, s: text.encode(value) };
  if ("float" in value) return { name, type: attributeTypes.float, f: value.float };
  if ("floats" in value) return { name, type: attributeTypes.floats, floats: value.floats };
  if ("strings" in value)
    return { name, type: attributeTypes.strings, strings: value.strings.map((one) => text.encode(one)) };
  if ("graph" in value) return { name, type: attributeTypes.graph, g: value.graph };
  return { name, type: attributeTypes.ints, ints: value };
}

/** Names in use in the file, each once. */
export class Names {
  readonly #used = new Map<string, number>();

  /** The name, with a number appended if it is taken. */
  unique(name: string): string {
    const count = this.#used.get(name);
    if (count === undefined) {
      this.#used.set(name, 1);
      return name;
    }
    this.#used.set(name, count + 1);
    return this.unique(`${name}_${count}`);
  }
}

/** The nodes of one graph, in order. The body of a loop has its own writer, which shares names and constants. */
export class GraphWriter {
  readonly names: Names;
  readonly nodes: Draft<NodeProto>[] = [];
  readonly initializers: Map<string, Draft<TensorProto>>;
  readonly #constants: Map<string, string>;

  constructor(outer?: GraphWriter) {
    this.names = outer?.names ?? new Names();
    this.initializers = outer?.initializers ?? new Map<string, Draft<TensorProto>>();
    this.#constants = outer?.constants ?? new Map<string, string>();
  }

  private get constants(): Map<string, string> {
    return this.#constants;
  }

  /** Adds a node with this many results, and returns their names. */
  results(
    scope: string,
    type: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
  ): string[] {
    const name = this.names.unique(`${scope === "" ? "" : `/${scope.replaceAll(".", "/")}`}/${type}`);
    const output = Array.from({ length: count }, (_, place) => this.names.unique(`${name}_output_${place}`));
    const given = Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [attribute(key, value)],
    );
    this.nodes.push({ name, opType: type, input: inputs, output, attribute: given });
    return output;
  }

  /** A tensor of the file under a unique name. */
  initializer(name: string, data: TypedArray, shape: readonly number[], dtype: DType): string {
    const unique = this.names.unique(name);
    this.initializers.set(unique, tensorProto(unique, { data, shape, dtype }));
    return unique;
  }

  /** A small constant; equal ones are stored once. */
  constant(data: TypedArray, shape: readonly number[], dtype: DType): string {
    const key = `${dtype}[${shape.join(",")}] ${Array.from(data, (value) => (Object.is(value, -0) ? "-0" : String(value))).join(",")}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.initializer(constantName(data, shape, dtype), data, shape, dtype);
      this.#constants.set(key, name);
    }
    return name;
  }

  /** Whole numbers as int64: shapes, axes, positions. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const key = `int64[${shape.join(",")}] ${values.join(",")}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.names.unique(`int64_${values.length > 6 ? "list" : values.join("_")}`);
      const data = Float64Array.from(values);
      this.initializers.set(name, tensorProto(name, { data, shape, dtype: "float64" }, "int64"));
      this.#constants.set(key, name);
    }
    return name;
  }

  /** The nodes that the results depend on; unused nodes are left out. */
  needed(results: readonly string[]): Draft<NodeProto>[] {
    const read = new Set(results);
    const kept: Draft<NodeProto>[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!(node.output ?? []).some((name) => read.has(name))) continue;
      kept.push(node);
      for (const name of namesRead(node)) read.add(name);
    }
    return kept.reverse();
  }
}

/** The names that a node reads, including outer names in its bodies. */
export function namesRead(node: Draft<NodeProto>): readonly string[] {
  const inner = (node.attribute ?? []).flatMap(({ g }) =>
    g === undefined ? [] : [...(g.node ?? []).flatMap(namesRead), ...(g.output ?? []).map(({ name }) => name ?? "")],
  );
  return [...(node.input ?? []), ...inner];
}

function constantName(data: TypedArray, shape: readonly number[], dtype: DType): string {
  const [value] = data;
  if (shape.length > 0 || value === undefined) return `${dtype}_constant`;
  return `${dtype}_${Number(value.toPrecision(6))}`;
}

/** The code of a dtype in the file. */
export const elementTypeCode = (dtype: DType): number => elementTypes[elementTypeFor(dtype)];
