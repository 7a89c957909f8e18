// Lazy evaluation: which nodes have a value already, which cells wait for one, and how both get it in one program.
import { HebbError } from "../graph/errors.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { type Cell, engine, type Storage } from "../runtime/index.ts";
import { currentTrace, storageOf } from "./trace.ts";

/** Values of nodes that were evaluated and stay in a graph because a gradient may need their history. */
const evaluated = new WeakMap<Node, Storage>();
const pending = new Map<Cell, Node>();
/** Losses whose gradients were asked for: evaluated together with whatever comes next, so that the forward pass runs once. */
let wanted: { readonly node: Node }[] = [];
const cellReads = new WeakMap<Cell, { version: number; node: Node }>();

/** The value of a node if it has one. A node of a finished trace has none and never will. */
export function knownValue(node: Node): Storage | undefined {
  const { source } = node;
  if (source === undefined) return evaluated.get(node);
  if (source.sourceKind === "value") return storageOf(node);
  throw new HebbError(
    "this tensor was made inside a compiled function and has no value outside it; return it from the function to read it",
  );
}

/** The node that reads a cell now: inside a trace the cell itself, outside its present value. */
export function cellNode(cell: Cell): Node {
  const trace = currentTrace();
  if (trace !== undefined) return trace.read(cell);
  const waiting = pending.get(cell);
  if (waiting !== undefined) return waiting;
  const read = cellReads.get(cell);
  if (read !== undefined && read.version === cell.version && storageOf(read.node)?.lender === cell) return read.node;
  const node = sourceNode(cell, engine().memory.lend(cell));
  cellReads.set(cell, { version: cell.version, node });
  return node;
}

/** The cell takes the node's value: recorded in a trace, else at the next evaluation. */
export function assignCell(cell: Cell, node: Node): void {
  const trace = currentTrace();
  if (trace !== undefined) trace.writes.set(cell, node);
  else pending.set(cell, node);
}

/** Forgets a waiting assignment that a host value replaces. */
export const dropPending = (cell: Cell): boolean => pending.delete(cell);

export function wantLater(tensor: { readonly node: Node }): void {
  if (currentTrace() === undefined) wanted.push(tensor);
}

function compute(nodes: readonly Node[]): void {
  const values = engine().evaluate(nodes, knownValue);
  nodes.forEach((node, place) => {
    evaluated.set(node, values[place] as Storage);
  });
}

/** An assignment whose value cannot be computed is forgotten, and the cell keeps its value: else every later evaluation would fail too. */
function dropImpossible(): void {
  for (const [cell, node] of [...pending]) {
    try {
      if (knownValue(node) === undefined) compute([node]);
    } catch {
      pending.delete(cell);
    }
  }
}

/** Evaluates the nodes, together with everything that waits. */
export function evaluate(nodes: readonly Node[]): Storage[] {
  const asked = new Set<Node>();
  const ask = (node: Node): void => {
    if (knownValue(node) === undefined) asked.add(node);
  };
  for (const node of nodes) ask(node);
  for (const node of pending.values()) ask(node);
  for (const { node } of wanted) ask(node);
  wanted = [];
  if (asked.size > 0) {
    try {
      compute([...asked]);
    } catch (error) {
      dropImpossible();
      throw error;
    }
  }
  const results = nodes.map((node) => knownValue(node) as Storage);
  if (pending.size > 0) {
    const waiting = [...pending];
    pending.clear();
    for (const [cell, node] of waiting) engine().memory.adopt(cell, knownValue(node) as Storage);
  }
  return results;
}

/** Carries out all waiting assignments to state cells. Inside a trace there are none. */
export function flush(): void {
  if (currentTrace() === undefined && pending.size > 0) evaluate([]);
}
