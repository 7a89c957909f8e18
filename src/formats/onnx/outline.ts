// The graph of an ONNX file in words: inputs and outputs, operators, FLOPs, and one line per node.

import { type ElementType, elementTypes } from "./elementTypes.ts";
import { ruleOf } from "./import/operators.ts";
import { domainOf } from "./import/prepare.ts";
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto } from "./proto/messages.ts";

type Dim = number | string;
interface Known {
  readonly type: string;
  /** Undefined: any rank. */
  readonly shape: readonly Dim[] | undefined;
}

export interface Outline {
  readonly facts: ReadonlyMap<string, string>;
  readonly graph: readonly string[];
  /** Undefined if a shape that it depends on is unknown. */
  readonly flops: number | undefined;
  readonly notes: readonly string[];
}

const shortNames: Partial<Record<ElementType, string>> = {
  float: "f32",
  double: "f64",
  float16: "f16",
  bfloat16: "bf16",
  int32: "i32",
  int64: "i64",
  int16: "i16",
  int8: "i8",
  uint8: "u8",
  uint16: "u16",
  uint32: "u32",
  uint64: "u64",
};
const typeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(elementTypes).map(([name, code]) => [code, shortNames[name as ElementType] ?? name]),
);
const typeName = (code: number | undefined): string => typeNames.get(code ?? 0) ?? `type ${code ?? 0}`;

function knownOf(type: TypeProto | undefined): Known | undefined {
  const tensor = type?.tensorType;
  if (tensor === undefined) {
    const other =
      type?.sequenceType !== undefined ? "sequence" : type?.optionalType !== undefined ? "optional" : undefined;
    return other === undefined ? undefined : { type: other, shape: undefined };
  }
  const shape = tensor.shape?.dim.map(
    ({ dimValue, dimParam }): Dim => dimValue ?? (dimParam === undefined || dimParam === "" ? "?" : dimParam),
  );
  return { type: typeName(tensor.elemType), shape };
}

const shown = ({ type, shape }: Known): string => (shape === undefined ? type : `${type}[${shape.join(", ")}]`);

function attributeText(attribute: AttributeProto): string {
  const { name = "", f, i, s, t, g, floats, ints, strings } = attribute;
  const text = (bytes: Uint8Array): string => JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 40)));
  const list = (values: readonly (number | bigint | string)[]): string =>
    `[${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}]`;
  const value =
    ints.length > 0
      ? list(ints)
      : floats.length > 0
        ? list(floats)
        : strings.length > 0
          ? list(strings.slice(0, 8).map(text))
          : t !== undefined
            ? shown({ type: typeName(t.dataType), shape: t.dims })
            : g !== undefined
              ? `graph of ${g.node.length} nodes`
              : s !== undefined
                ? text(s)
                : (i ?? (f === undefined ? "…" : Number(f.toPrecision(7))));
  return `${name}=${value}`;
}

const operatorName = ({ domain, opType = "" }: NodeProto): string =>
  domainOf(domain) === "" ? opType : `${domain}.${opType}`;

/** All nodes, including those of inner graphs. */
function* allNodes(nodes: readonly NodeProto[]): Generator<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const { g, graphs } of node.attribute)
      for (const inner of g === undefined ? graphs : [g]) yield* allNodes(inner.node);
  }
}

const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => (count === 1 ? name : `${name} × ${count}`))
    .join(", ");

function program(graph: GraphProto, known: ReadonlyMap<string, Known>): string[] {
  const numbers = new Map<string, number>();
  const numberOf = (name: string): string => {
    if (name === "") return "_";
    const number = numbers.get(name) ?? numbers.size + 1;
    numbers.set(name, number);
    return `%${number}`;
  };
  const typed = (names: readonly string[]): string => {
    const types = names.map((name) => known.get(name)).map((one) => (one === undefined ? "?" : shown(one)));
    return types.every((type) => type === "?") ? "" : ` : ${types.join(", ")}`;
  };
  const initializers = new Set(graph.initializer.map(({ name = "" }) => name));
  const inputs = graph.input.map(({ name = "" }) => name).filter((name) => !initializers.has(name));
  return [
    ...inputs.map((name) => `${numberOf(name)} = input ${JSON.stringify(name)}${typed([name])}`),
    ...[...initializers].map((name) => `${numberOf(name)} = initializer ${JSON.stringify(name)}${typed([name])}`),
    ...graph.node.map((node) => {
      const given = node.input.map(numberOf).join(", ");
      const attributes = node.attribute.map(attributeText).join(", ");
      const results = node.output.map(numberOf).join(", ");
      return `${results} = ${operatorName(node)}(${given})${attributes === "" ? "" : ` {${attributes}}`}${typed(node.output)}`;
    }),
    ...graph.output.map(({ name = "" }) => `output ${JSON.stringify(name)} = ${numberOf(name)}`),
  ];
}

/** Multiplications and additions of matrix products and convolutions, with named sizes taken as 1. */
function flopsOf(graph: GraphProto, known: ReadonlyMap<string, Known>): number | undefined {
  const sizes = (name: string | undefined): number[] | undefined =>
    known.get(name ?? "")?.shape?.map((dim) => (typeof dim === "number" ? dim : 1));
  const product = (values: readonly number[]): number => values.reduce((all, one) => all * one, 1);
  let total = 0;
  for (const { opType = "", input, output, attribute } of graph.node) {
    if (!["Conv", "ConvTranspose", "Gemm", "MatMul"].includes(opType)) continue;
    const [first, second, result] = [sizes(input[0]), sizes(input[1]), sizes(output[0])];
    if (first === undefined || second === undefined) return undefined;
    if (opType === "ConvTranspose") total += 2 * product(first) * product(second.slice(1));
    else if (result === undefined) return undefined;
    else if (opType === "Conv") total += 2 * product(result) * product(second.slice(1));
    else {
      const turned = opType === "Gemm" && attribute.some(({ name, i }) => name === "transA" && i === 1n);
      total += 2 * product(result) * (first.at(turned ? 0 : -1) ?? 1);
    }
  }
  return total;
}

export function describeGraph(model: ModelProto): Outline {
  const graph = model.graph;
  if (graph === undefined) return { facts: new Map(), graph: [], flops: undefined, notes: [] };
  const known = new Map<string, Known>();
  const infos: readonly ValueInfoProto[] = [...graph.valueInfo, ...graph.output, ...graph.input];
  for (const { name = "", type } of infos) {
    const found = knownOf(type);
    if (found !== undefined) known.set(name, found);
  }
  for (const { name = "", dataType, dims } of graph.initializer)
    known.set(name, { type: typeName(dataType), shape: dims });
  const opsets = new Map(model.opsetImport.map(({ domain, version = 0 }) => [domainOf(domain), version]));
  const local = new Set(model.functions.map(({ domain, name }) => `${domainOf(domain)}:${name}`));
  const [counts, unknown] = [new Map<string, number>(), new Map<string, number>()];
  const bodies = [graph.node, ...model.functions.map(({ node }) => node)];
  for (const node of bodies.flatMap((nodes) => [...allNodes(nodes)])) {
    const [name, domain] = [operatorName(node), domainOf(node.domain)];
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (local.has(`${domain}:${node.opType}`)) continue;
    if (ruleOf(domain, node.opType ?? "", opsets.get(domain) ?? 1) === undefined)
      unknown.set(name, (unknown.get(name) ?? 0) + 1);
  }
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const ports = (list: readonly ValueInfoProto[]): string =>
    list.map(({ name = "" }) => `${name} ${shown(known.get(name) ?? { type: "?", shape: undefined })}`).join("; ");
  const facts = new Map([
    ["producer", [model.producerName ?? "unknown", model.producerVersion ?? ""].join(" ").trim()],
    ["opsets", [...opsets].map(([domain, version]) => `${domain === "" ? "ai.onnx" : domain} ${version}`).join(", ")],
    ["inputs", ports(graph.input.filter(({ name }) => !initializers.has(name)))],
    ["outputs", ports(graph.output)],
    ["operators", counted(counts)],
  ]);
  if (unknown.size > 0) facts.set("operators that hebb does not know", counted(unknown));
  const flops = flopsOf(graph, known);
  const names = new Set(
    graph.input.flatMap(({ name = "" }) => known.get(name)?.shape ?? []).filter((dim) => typeof dim === "string"),
  );
  const notes = flops === undefined || names.size === 0 ? [] : [`FLOPs with ${[...names].join(", ")} = 1`];
  return { facts, graph: program(graph, known), flops, notes };
}
