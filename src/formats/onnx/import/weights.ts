// Decides which initializers of a graph are parameters, buffers or constants, and names them.
import { at } from "../../../graph/at.ts";
import { isFloat } from "../../../graph/dtype.ts";
import { Parameter, State } from "../../../tensor/index.ts";
import { dtypeOf, elementTypeOf } from "../elementTypes.ts";
import type { GraphProto, NodeProto } from "../proto/messages.ts";
import { ruleOf } from "./operators.ts";
import { domainOf, type Preparation } from "./prepare.ts";
import { TensorValue, type Value } from "./values.ts";

/** Weights by their names in the module, and the values of all initializers by their names in the graph. */
export interface Weights {
  readonly members: ReadonlyMap<string, State>;
  readonly values: ReadonlyMap<string, Value>;
}

/** The uses of a value by nodes. */
interface Uses {
  /** Whether a node computes with it. */
  computed: boolean;
  running: boolean;
  /** The first node that uses it, and the input's index. */
  readonly node: NodeProto;
  readonly place: number;
}

function findUses(
  graph: GraphProto,
  opsets: ReadonlyMap<string, number>,
  uses = new Map<string, Uses>(),
): Map<string, Uses> {
  for (const node of graph.node) {
    const domain = domainOf(node.domain);
    const rule = ruleOf(domain, node.opType ?? "", opsets.get(domain) ?? 1);
    for (const [place, name] of node.input.entries()) {
      const known = uses.get(name) ?? { computed: false, running: false, node, place };
      if (rule?.running.includes(place)) known.running = true;
      else if (!rule?.fixed.includes(place)) known.computed = true;
      uses.set(name, known);
    }
    for (const { g, graphs } of node.attribute)
      for (const inner of g === undefined ? graphs : [g]) findUses(inner, opsets, uses);
  }
  return uses;
}

/** The caller's choice of trainable values. */
export type Trainable = (name: string, shape: readonly number[]) => boolean;

/** A learned weight has dims and moderate values: a scalar is a setting, and a mask contains infinities. */
function looksLearned(value: TensorValue): boolean {
  if (value.rank === 0) return false;
  const host = value.host("a weight");
  for (let place = 0; place < host.length; place++) {
    const one = at(host, place);
    if (!(one > -1e4 && one < 1e30)) return false;
  }
  return true;
}

const roles = ["input", "weight", "bias"];

/** The name in the file. If the exporter only numbered it, the node's name and the input's role instead. */
function nameOf(name: string, uses: Uses | undefined): string {
  const numbered = /^(onnx::|_?val_|\d*$)/.test(name);
  if (!numbered || uses === undefined) return name;
  const { node, place } = uses;
  const path = (node.name ?? "").replace(/^\/+|\/+$/g, "").replaceAll(/\/+/g, ".");
  return `${path === "" ? (node.opType ?? "") : path}.${roles[place] ?? `input_${place}`}`;
}

/** Sorts the initializers of the outermost graph. */
export function readWeights(
  graph: GraphProto,
  preparation: Preparation,
  opsets: ReadonlyMap<string, number>,
  trainable: Trainable | undefined,
): Weights {
  const uses = findUses(graph, opsets);
  const members = new Map<string, State>();
  const values = new Map<string, Value>();
  for (const tensor of graph.initializer) {
    const name = tensor.name ?? "";
    const where = `the initializer ${JSON.stringify(name.slice(0, 80))}`;
    const value = preparation.tensor(tensor, where);
    values.set(name, value);
    if (value.kind !== "tensor") continue;
    const dtype = dtypeOf(elementTypeOf(tensor.dataType, where));
    const use = uses.get(name);
    if (dtype === undefined || !isFloat(dtype) || use === undefined) continue;
    const learned = trainable?.(name, value.shape) ?? (use.computed && looksLearned(value));
    if (!learned && !use.running) continue;
    const own = nameOf(name, use);
    let path = own;
    for (let copy = 2; members.has(path); copy++) path = `${own}_${copy}`;
    const options = { name: path };
    const state = learned && !use.running ? new Parameter(value.tensor, options) : new State(value.tensor, options);
    members.set(path, state);
    values.set(name, TensorValue.ofState(state, value.type));
  }
  return { members, values };
}
