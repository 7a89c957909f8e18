// An executable graph: nodes with their rules and attributes, independent of the file they came from.
import { HebbError, InternalError } from "../../../graph/errors.ts";
import { withScope } from "../../../graph/node.ts";
import type { Subgraph } from "./attributes.ts";
import { Call, outputsOf, type Rule } from "./rule.ts";
import type { Value } from "./values.ts";

export interface GraphNode {
  /** `node "fc1" (Gemm)`, for messages. */
  readonly where: string;
  /** The scope name of its operations. */
  readonly scope: string;
  /** A rule, or the body of a function. */
  readonly work: Rule | Graph;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly opset: number;
}

export interface Graph extends Subgraph {
  readonly nodes: readonly GraphNode[];
  /** The graph's constants. */
  readonly constants: ReadonlyMap<string, Value>;
  /** Whether it is a function body, which has no access to outer names. */
  readonly closed: boolean;
}

const isGraph = (work: Rule | Subgraph): work is Graph => "nodes" in work;

/** Names and their values, nested in those of the outer graph. */
class Scope {
  readonly #values = new Map<string, Value>();
  readonly #around: Scope | undefined;

  constructor(around: Scope | undefined) {
    this.#around = around;
  }

  get(name: string): Value | undefined {
    return this.#values.get(name) ?? this.#around?.get(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** Adds the node to an error. */
function named(error: unknown, where: string): unknown {
  if (!(error instanceof HebbError) || error.message.includes(where)) return error;
  return new HebbError(`${where}: ${error.message}`, { cause: error });
}

function runNode(node: GraphNode, scope: Scope, training: boolean): void {
  const { where, work, attributes, opset } = node;
  const inputs = node.inputs.map((name) => {
    if (name === "") return undefined;
    const value = scope.get(name);
    if (value === undefined) throw new HebbError(`${where}: its input ${JSON.stringify(name)} has no value`);
    return value;
  });
  const outputs = isGraph(work)
    ? runGraph(work, inputs, training)
    : outputsOf(
        work.compute(
          new Call(attributes, {
            inputs,
            outputs: node.outputs,
            graph: { opset, training, run: (inner, given) => runInner(inner, given, training, scope) },
            where,
          }),
        ),
        inputs,
        work.varies,
      );
  node.outputs.forEach((name, place) => {
    if (name === "") return;
    const value = outputs[place];
    if (value === undefined)
      throw new HebbError(`${where}: it gives no output ${place}, which ${JSON.stringify(name)} names`);
    scope.set(name, value);
  });
}

/** Runs the graph of an attribute, which has access to outer names. */
function runInner(inner: Subgraph, given: readonly Value[], training: boolean, scope: Scope): Value[] {
  if (!isGraph(inner)) throw new InternalError("a graph of an attribute was not prepared");
  return runGraph(inner, given, training, scope);
}

/** The outputs of a graph for the given inputs; the inputs of a function may be omitted. */
export function runGraph(
  graph: Graph,
  inputs: readonly (Value | undefined)[],
  training: boolean,
  around?: Scope,
): Value[] {
  const scope = new Scope(graph.closed ? undefined : around);
  for (const [name, value] of graph.constants) scope.set(name, value);
  const absent = new Set<string>();
  graph.inputs.forEach((name, place) => {
    const value = inputs[place];
    if (value !== undefined) scope.set(name, value);
    else absent.add(name);
  });
  for (const node of graph.nodes) {
    const seen =
      absent.size === 0 ? node : { ...node, inputs: node.inputs.map((name) => (absent.has(name) ? "" : name)) };
    try {
      withScope(node.scope, () => runNode(seen, scope, training));
    } catch (error) {
      throw named(error, node.where);
    }
  }
  return graph.outputs.map((name) => {
    const value = scope.get(name);
    if (value === undefined) throw new HebbError(`the output ${JSON.stringify(name)} has no value`);
    return value;
  });
}
