// Graph walks. None recurses, because a graph may be a hundred thousand nodes deep.
import { type Node, withInputs } from "./node.ts";

export interface OrderOptions {
  /** The dependencies of a node. Default: its inputs. */
  readonly inputsOf?: (node: Node) => readonly Node[];
  /** Visits the inputs of a node from the last to the first. Default: from the first. */
  readonly lastInputFirst?: boolean;
}

/** Nodes reachable from the roots, inputs before users, in depth-first order. */
export function topologicalOrder(roots: readonly Node[], options: OrderOptions = {}): Node[] {
  const { inputsOf = (node: Node) => node.inputs, lastInputFirst = false } = options;
  const order: Node[] = [];
  const opened = new Set<Node>();
  const done = new Set<Node>();
  for (const root of roots) {
    const stack: Node[] = [root];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      if (opened.has(node)) {
        stack.pop();
        if (done.has(node)) continue;
        done.add(node);
        order.push(node);
        continue;
      }
      opened.add(node);
      const inputs = inputsOf(node);
      for (let k = 0; k < inputs.length; k++) {
        const input = inputs[lastInputFirst ? k : inputs.length - 1 - k] as Node;
        if (!opened.has(input)) stack.push(input);
      }
    }
  }
  return order;
}

/** The users of each node, in order; a user that reads the node twice is listed twice. Nodes without users are absent. */
export function usersOf(
  order: readonly Node[],
  inputsOf: (node: Node) => readonly Node[] = (node) => node.inputs,
): ReadonlyMap<Node, readonly Node[]> {
  const users = new Map<Node, Node[]>();
  for (const node of order) {
    for (const input of inputsOf(node)) {
      const known = users.get(input);
      if (known === undefined) users.set(input, [node]);
      else known.push(node);
    }
  }
  return users;
}

/** The nodes of an order that are targets or depend on one. */
export function dependents(
  order: readonly Node[],
  targets: ReadonlySet<Node>,
  inputsOf: (node: Node) => readonly Node[] = (node) => node.inputs,
): Set<Node> {
  const found = new Set<Node>();
  for (const node of order) if (targets.has(node) || inputsOf(node).some((input) => found.has(input))) found.add(node);
  return found;
}

/** Visits the starts and their dependencies, each once, in no particular order; `visit` returns whether to continue to the inputs. */
export function visitAncestors(starts: readonly Node[], visit: (node: Node) => boolean): void {
  const seen = new Set<Node>(starts);
  const stack = [...seen];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (!visit(node)) continue;
    for (const input of node.inputs) {
      if (seen.has(input)) continue;
      seen.add(input);
      stack.push(input);
    }
  }
}

/** The replacements of the roots when `rewrite` replaces every node of an order, given the replacements of its inputs. */
export function rewriteGraph(
  order: readonly Node[],
  roots: readonly Node[],
  rewrite: (node: Node, inputs: readonly Node[], standIn: (node: Node) => Node) => Node,
): Node[] {
  const replacement = new Map<Node, Node>();
  const standIn = (node: Node): Node => replacement.get(node) ?? node;
  for (const node of order) replacement.set(node, rewrite(node, node.inputs.map(standIn), standIn));
  return roots.map(standIn);
}

/** The node with these inputs: the node itself if they are its own. */
export const overInputs = (node: Node, inputs: readonly Node[]): Node =>
  inputs.some((input, k) => input !== node.inputs[k]) ? withInputs(node, inputs) : node;
