// Turns the graphs of a file into executable ones: every name, operator and attribute is checked before anything is computed.
import { HebbError } from "../../../graph/errors.ts";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
} from "../proto/messages.ts";
import { type ExternalData, readTensor } from "../tensors.ts";
import { type AttributeReader, readAttributes } from "./attributes.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { newestOpset, ruleOf } from "./operators.ts";
import type { Rule } from "./rule.ts";
import { type Value, valueOf } from "./values.ts";

/** Function calls are expanded inline. A function that calls another twice, over many levels, would never end. */
const maxNodes = 200_000;
const maxDepth = 30;

/** Versions of operator sets by domain, "" for ai.onnx. */
type Opsets = ReadonlyMap<string, number>;
type Attributes = ReadonlyMap<string, AttributeProto>;

export const domainOf = (domain: string | undefined): string => (domain === "ai.onnx" ? "" : (domain ?? ""));

export function opsetsOf(imports: ModelProto["opsetImport"], where: string): Opsets {
  const found = new Map<string, number>();
  for (const { domain, version = 0 } of imports) found.set(domainOf(domain), version);
  const version = found.get("");
  if (version !== undefined && (version < 1 || version > newestOpset))
    throw new HebbError(`${where} uses version ${version} of the operators; versions 1 to ${newestOpset} are known`);
  return found;
}

const quote = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

/** `node "fc1" (Gemm)` */
function placeOf(node: NodeProto, index: number): string {
  return `node ${quote(node.name === undefined || node.name === "" ? `${index}` : node.name)} (${node.opType ?? ""})`;
}

/** The scope name of a node's operations: its name as a path, or the operator. */
const scopeOf = ({ name = "", opType = "" }: NodeProto): string =>
  (name === "" ? opType : name).replace(/^\//, "").replaceAll("/", ".").slice(0, 200);

const functionKey = (domain: string | undefined, name: string | undefined, overload: string | undefined): string =>
  `${domainOf(domain)}:${name ?? ""}:${overload ?? ""}`;

/** The operators of a model without a rule, and the nodes that use them. */
export class Missing {
  readonly #nodes = new Map<string, string[]>();

  add(operator: string, where: string): void {
    const nodes = this.#nodes.get(operator);
    if (nodes === undefined) this.#nodes.set(operator, [where]);
    else nodes.push(where);
  }

  get operators(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Throws an error that lists all of them, if there are any. */
  refuse(name: string): void {
    if (this.#nodes.size === 0) return;
    const lines = [...this.#nodes].map(([operator, nodes]) => {
      const shown = nodes.slice(0, 5).join(", ");
      return `${operator} (${shown}${nodes.length > 5 ? ` and ${nodes.length - 5} more` : ""})`;
    });
    throw new HebbError(
      `${name} uses ${this.#nodes.size === 1 ? "an operator that is" : "operators that are"} not known: ${lines.join("; ")}`,
    );
  }
}

/** The model-wide state of the preparation. */
export class Preparation {
  readonly missing = new Missing();
  readonly #functions = new Map<string, FunctionProto>();
  readonly #external: ExternalData | undefined;
  readonly #sizes = new Map<FunctionProto, number>();
  #nodes = 0;

  constructor(model: ModelProto, external: ExternalData | undefined) {
    this.#external = external;
    for (const one of model.functions) {
      const key = functionKey(one.domain, one.name, one.overload);
      if (this.#functions.has(key)) throw new HebbError(`the function ${quote(one.name ?? "")} is defined twice`);
      this.#functions.set(key, one);
    }
  }

  tensor(tensor: TensorProto, where: string): Value {
    return valueOf(readTensor(tensor, where, this.#external), where);
  }

  functionOf(node: NodeProto): FunctionProto | undefined {
    return this.#functions.get(functionKey(node.domain, node.opType, node.overload));
  }

  /** The number of nodes of a function with all calls expanded, counted without expanding it. */
  expanded(body: FunctionProto, open: readonly FunctionProto[] = []): number {
    const known = this.#sizes.get(body);
    if (known !== undefined) return known;
    if (open.includes(body)) throw new HebbError(`the function ${quote(body.name ?? "")} calls itself`);
    if (open.length >= maxDepth) throw new HebbError(`functions are nested more than ${maxDepth} deep`);
    const inNodes = (nodes: readonly NodeProto[]): number =>
      nodes.reduce((sum, node) => {
        const local = this.functionOf(node);
        const own = local === undefined ? 1 : this.expanded(local, [...open, body]);
        return sum + own + node.attribute.reduce((inner, { g }) => inner + (g === undefined ? 0 : inNodes(g.node)), 0);
      }, 0);
    const size = inNodes(body.node);
    this.#sizes.set(body, size);
    return size;
  }

  count(where: string): void {
    if (++this.#nodes > maxNodes)
      throw new HebbError(`${where}: the model has more than ${maxNodes} nodes, functions expanded`);
  }
}

/** The context of a graph. */
interface Place {
  readonly opsets: Opsets;
  /** Attributes of the enclosing function's call. */
  readonly attributes: Attributes;
  readonly depth: number;
  /** Names of the outer graphs. */
  readonly visible: ReadonlySet<string>;
}

/** The outermost context. */
export const outermost = (opsets: Opsets): Place => ({
  opsets,
  attributes: new Map(),
  depth: 0,
  visible: new Set(),
});

/** Defined names, each once. */
class Names {
  readonly #own = new Set<string>();
  readonly #around: ReadonlySet<string>;

  constructor(around: ReadonlySet<string>) {
    this.#around = around;
  }

  define(name: string, where: string): void {
    if (name === "") return;
    if (this.#own.has(name)) throw new HebbError(`${where}: the name ${quote(name)} is defined twice`);
    this.#own.add(name);
  }

  has(name: string): boolean {
    return this.#own.has(name) || this.#around.has(name);
  }

  all(): ReadonlySet<string> {
    return new Set([...this.#around, ...this.#own]);
  }
}

/** An attribute in a function body whose value comes from the call. */
function bound(attribute: AttributeProto, given: Attributes): AttributeProto | undefined {
  if (attribute.refAttrName === undefined || attribute.refAttrName === "") return attribute;
  const value = given.get(attribute.refAttrName);
  if (value === undefined) return undefined;
  const { refAttrName: _, ...rest } = value;
  return { ...rest, ...(attribute.name === undefined ? {} : { name: attribute.name }) };
}

function prepareNode(
  preparation: Preparation,
  node: NodeProto,
  index: number,
  names: Names,
  place: Place,
): GraphNode | undefined {
  const where = placeOf(node, index);
  preparation.count(where);
  const domain = domainOf(node.domain);
  for (const name of node.input)
    if (name !== "" && !names.has(name))
      throw new HebbError(
        `${where}: its input ${quote(name)} is not defined before it: it is absent, or the graph has a cycle`,
      );
  const attributes = node.attribute.map((one) => bound(one, place.attributes)).filter((one) => one !== undefined);
  const common = { where, scope: scopeOf(node), inputs: node.input, outputs: node.output };
  const local = preparation.functionOf(node);
  if (local !== undefined) {
    const body = prepareFunction(preparation, local, attributes, where, place);
    return { ...common, work: body, attributes: {}, opset: 0 };
  }
  const opset = place.opsets.get(domain) ?? (domain === "" ? newestOpset : 1);
  const rule: Rule | undefined = ruleOf(domain, node.opType ?? "", opset);
  if (rule === undefined) {
    preparation.missing.add(domain === "" ? (node.opType ?? "") : `${domain}.${node.opType ?? ""}`, where);
    for (const { g, graphs } of attributes)
      for (const inner of g === undefined ? graphs : [g]) prepareGraph(preparation, inner, within(place, names));
    return undefined;
  }
  const reader: AttributeReader = {
    tensor: (tensor, what) => preparation.tensor(tensor, what),
    graph: (graph) => prepareGraph(preparation, graph, within(place, names)),
  };
  return { ...common, work: rule, attributes: readAttributes(rule.kinds, attributes, where, reader), opset };
}

function within(place: Place, names: Names): Place {
  if (place.depth >= maxDepth) throw new HebbError(`graphs are nested more than ${maxDepth} deep`);
  return { ...place, depth: place.depth + 1, visible: names.all() };
}

function prepareNodes(preparation: Preparation, nodes: readonly NodeProto[], names: Names, place: Place): GraphNode[] {
  const prepared: GraphNode[] = [];
  for (const [index, node] of nodes.entries()) {
    const one = prepareNode(preparation, node, index, names, place);
    if (one !== undefined) prepared.push(one);
    for (const name of node.output) names.define(name, placeOf(node, index));
  }
  return prepared;
}

function prepareFunction(
  preparation: Preparation,
  body: FunctionProto,
  given: readonly AttributeProto[],
  where: string,
  place: Place,
): Graph {
  const size = preparation.expanded(body);
  if (size > maxNodes)
    throw new HebbError(
      `${where}: its function has ${size} nodes when what it calls is written out; at most ${maxNodes} are`,
    );
  const attributes = new Map<string, AttributeProto>();
  for (const attribute of [...body.attributeProto, ...given]) attributes.set(attribute.name ?? "", attribute);
  const known = new Set([...body.attribute, ...body.attributeProto.map(({ name }) => name ?? "")]);
  for (const name of attributes.keys())
    if (!known.has(name)) throw new HebbError(`${where}: its function takes no attribute ${quote(name)}`);
  const names = new Names(new Set());
  for (const name of body.input) names.define(name, where);
  const opsets = new Map([...place.opsets, ...opsetsOf(body.opsetImport, where)]);
  const inner: Place = {
    opsets,
    attributes,
    depth: place.depth,
    visible: new Set(),
  };
  const nodes = prepareNodes(preparation, body.node, names, inner);
  checkOutputs(body.output, names, where);
  return { inputs: body.input, outputs: body.output, nodes, constants: new Map(), closed: true };
}

function checkOutputs(outputs: readonly string[], names: Names, where: string): void {
  for (const name of outputs)
    if (!names.has(name)) throw new HebbError(`${where}: its output ${quote(name)} is not defined`);
}

/** A graph with its initializers as constants, except those already in `weights`. */
export function prepareGraph(
  preparation: Preparation,
  graph: GraphProto,
  place: Place,
  weights?: ReadonlyMap<string, Value>,
): Graph {
  const where = `the graph ${quote(graph.name ?? "")}`;
  const names = new Names(place.visible);
  const constants = new Map<string, Value>(weights);
  for (const { values } of graph.sparseInitializer)
    throw new HebbError(
      `${where}: the initializer ${quote(values?.name ?? "")} is sparse; make it dense before it is imported`,
    );
  for (const tensor of graph.initializer) {
    const name = tensor.name ?? "";
    if (name === "") throw new HebbError(`${where}: an initializer has no name`);
    names.define(name, where);
    if (weights === undefined) constants.set(name, preparation.tensor(tensor, `the initializer ${quote(name)}`));
  }
  const inputs: string[] = [];
  for (const { name = "" } of graph.input) {
    if (name === "") throw new HebbError(`${where}: an input has no name`);
    // Files of the first versions list initializers among the inputs.
    if (constants.has(name)) continue;
    names.define(name, where);
    inputs.push(name);
  }
  const nodes = prepareNodes(preparation, graph.node, names, place);
  const outputs = graph.output.map(({ name = "" }) => name);
  checkOutputs(outputs, names, where);
  return { inputs, outputs, nodes, constants, closed: false };
}
