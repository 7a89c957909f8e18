// Lazy evaluation: which nodes have a value, which cells are pending, which checks must hold, and how one program computes all of it.
import { HebbError } from "../graph/errors.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { isCheck } from "../graph/ops/check.ts";
import { type Cell, engine, type Storage } from "../runtime/index.ts";
import { recordsStep, refuseInStep } from "./steps.ts";
import { currentTrace, storageOf } from "./trace.ts";

/** Values of nodes that were evaluated and stay in a graph because a gradient may need their history. */
const evaluated = new WeakMap<Node, Storage>();

/** A value that a cell takes at the next evaluation. */
interface Assignment {
  readonly node: Node;
  /** When it was made, by the clock. */
  readonly made: number;
  /** What the cell takes instead if a check fails that was made in between. */
  readonly before: Assignment | undefined;
}
const pending = new Map<Cell, Assignment>();
/** Checks that have not run yet, and when they were made. The next evaluation runs them, whatever it was asked for. */
const checks = new Map<Node, number>();
/** Counts assignments and checks: an assignment made after a check that fails never happens. */
let clock = 0;
let lastCheck = -1;
/** With this many pending checks, they run without waiting for a value to be read. */
const mostChecks = 1000;

/** Losses whose gradients were asked for: evaluated together with whatever comes next, so that the forward pass runs once. */
let wanted: { readonly node: Node }[] = [];
const cellReads = new WeakMap<Cell, { version: number; node: Node }>();

/** The value of a node if it has one. A node of a finished trace has none and never will. */
export function knownValue(node: Node): Storage | undefined {
  const { source } = node;
  if (source === undefined) return evaluated.get(node);
  if (source.sourceKind === "value") return storageOf(node);
  if (source.sourceKind === "step")
    throw new HebbError(
      "this tensor was made inside a step of scan, which is recorded before it runs, and has no value of its own; return it from the step, as a carried value or an output",
    );
  throw new HebbError(
    "this tensor was made inside a compiled function and has no value outside it; return it from the function to read it",
  );
}

/** The node that reads a cell now: inside a trace the cell itself, outside its present value. */
export function cellNode(cell: Cell): Node {
  const trace = currentTrace();
  if (trace !== undefined) return trace.read(cell);
  const waiting = pending.get(cell);
  if (waiting !== undefined) return waiting.node;
  const read = cellReads.get(cell);
  if (read !== undefined && read.version === cell.version && storageOf(read.node)?.lender === cell) return read.node;
  const node = sourceNode(cell, engine().memory.lend(cell));
  cellReads.set(cell, { version: cell.version, node });
  return node;
}

/** The cell takes the node's value: recorded in a trace, else at the next evaluation. */
export function assignCell(cell: Cell, node: Node): void {
  refuseInStep("a state or parameter is assigned", "carry the value from step to step, and assign it after the loop");
  const trace = currentTrace();
  if (trace !== undefined) {
    trace.writes.set(cell, node);
    return;
  }
  const waiting = pending.get(cell);
  const before = waiting !== undefined && waiting.made < lastCheck && checks.size > 0 ? waiting : waiting?.before;
  pending.set(cell, { node, made: clock++, before });
}

/** Makes way for a value of the host: checks run first, and an assignment that waits is forgotten. */
export function overwriteCell(cell: Cell): void {
  if (checks.size > 0) evaluate([]);
  pending.delete(cell);
}

/** The check must hold: part of the program in a trace, else of the next evaluation. */
export function requireCheck(check: Node): void {
  // The loop checks at every step what its values depend on.
  if (recordsStep()) return;
  const trace = currentTrace();
  if (trace !== undefined) trace.checks.push(check);
  else if (!evaluated.has(check) && !checks.has(check)) {
    if (checks.size >= mostChecks) evaluate([]);
    lastCheck = clock++;
    checks.set(check, lastCheck);
  }
}

/** Notes the checks that a node looks its positions up through. */
export function withChecks(node: Node): Node {
  for (const input of node.inputs) if (isCheck(input)) requireCheck(input);
  return node;
}

export function wantLater(tensor: { readonly node: Node }): void {
  if (currentTrace() === undefined) wanted.push(tensor);
}

function compute(nodes: readonly Node[], due: readonly Node[]): void {
  const values = engine().evaluate(nodes, due, knownValue);
  nodes.forEach((node, place) => {
    evaluated.set(node, values[place] as Storage);
  });
  for (const check of due) {
    checks.delete(check);
    // The value of a check is that of its index: if that is known, the check is not run again.
    const value = knownValue(check.inputs[0] as Node);
    if (value !== undefined) evaluated.set(check, value);
  }
}

/** Finds the first check that fails, forgets what was to happen after it, and returns its error; else the error given. */
function recover(error: unknown): unknown {
  for (const [check, made] of [...checks]) {
    try {
      compute([], [check]);
    } catch (reason) {
      forgetSince(made);
      return reason;
    }
  }
  dropImpossible();
  return error;
}

function forgetSince(time: number): void {
  for (const [cell, last] of [...pending]) {
    let kept: Assignment | undefined = last;
    while (kept !== undefined && kept.made > time) kept = kept.before;
    if (kept === undefined) pending.delete(cell);
    else pending.set(cell, kept);
  }
  for (const [check, made] of [...checks]) if (made >= time) checks.delete(check);
}

/** An assignment whose value cannot be computed is forgotten, and the cell keeps its value: else every later evaluation would fail too. */
function dropImpossible(): void {
  for (const [cell, { node }] of [...pending]) {
    try {
      if (knownValue(node) === undefined) compute([node], []);
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
  for (const { node } of pending.values()) ask(node);
  for (const { node } of wanted) ask(node);
  wanted = [];
  if (asked.size > 0 || checks.size > 0) {
    try {
      compute([...asked], [...checks.keys()]);
    } catch (error) {
      throw recover(error);
    }
  }
  const results = nodes.map((node) => knownValue(node) as Storage);
  if (pending.size > 0) {
    const waiting = [...pending];
    pending.clear();
    for (const [cell, { node }] of waiting) engine().memory.adopt(cell, knownValue(node) as Storage);
  }
  return results;
}

/** Carries out all waiting assignments to state cells, and all checks. Inside a trace there are none. */
export function flush(): void {
  if (currentTrace() === undefined && (pending.size > 0 || checks.size > 0)) evaluate([]);
}
