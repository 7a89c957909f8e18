// Lazy evaluation: which nodes have a value, which cells are pending, which checks must hold, and how one program computes all of them.

import { HebbError } from "../graph/errors.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { seal } from "../graph/ops/cast.ts";
import { isCheck } from "../graph/ops/check.ts";
import { isCollective } from "../graph/ops/collective.ts";
import { where } from "../graph/ops/elementwise.ts";
import { topologicalOrder, visitAncestors } from "../graph/walk.ts";
import {
  type BoundProgram,
  type Cell,
  type Communicator,
  cellMemory,
  currentWorld,
  engineOf,
  type Home,
  homeOrDefault,
  nextGeneration,
  type Storage,
  severalDevices,
} from "../runtime/index.ts";
import { broughtTo, homeOf, joinHomes, movedTo } from "./placement.ts";
import { keepCheck, recordsStep, refuseInStep } from "./steps.ts";
import { currentTrace, storageOf } from "./trace.ts";
import { byHome, Transfers } from "./transfers.ts";

/** Values of nodes that were evaluated and stay in a graph because a gradient may need their history. */
const evaluated = new WeakMap<Node, Storage>();

/** A value that a cell takes at the next evaluation. */
interface Assignment {
  readonly node: Node;
  /** The time at which it was made, by the clock. */
  readonly made: number;
  /** The assignment to fall back to if a check made in between fails. */
  readonly before: Assignment | undefined;
  /** Whether anything but the cell may read the node. If not, the cell takes over its memory, and later writes need no copy. */
  shared: boolean;
}
const pending = new Map<Cell, Assignment>();
/** Checks that have not run yet, and the times at which they were made. The next evaluation runs them, whatever else it computes. */
const checks = new Map<Node, number>();
/** Counts assignments and checks: an assignment made after a check that fails never happens. */
let clock = 0;
let lastCheck = -1;
/** With this many pending checks, they run without waiting for a value to be read. */
const mostChecks = 1000;

/** The number of evaluations. */
let evaluationCount = 0;
export const evaluations = (): number => evaluationCount;

/** Losses whose gradients were requested. They are evaluated together with the next value, so that the forward pass runs once. */
let wanted: { readonly node: Node }[] = [];
const cellReads = new WeakMap<Cell, { version: number; node: Node }>();

/** The value of a node if it has one. A node of a finished trace has none and never will. */
export function knownValue(node: Node): Storage | undefined {
  const { source } = node;
  if (source === undefined) return evaluated.get(node);
  if (source.sourceKind === "value") return storageOf(node);
  if (source.sourceKind === "step")
    throw new HebbError(
      "steps of scan and functions under vmap are recorded before they run, so this tensor has no value; return it from there to read it",
    );
  throw new HebbError(
    "this tensor was made inside a compiled function and has no value outside it; return it from the function to read it",
  );
}

/** The node that reads a cell now: inside a trace the cell itself, outside its current value. */
export function cellNode(cell: Cell): Node {
  const trace = currentTrace();
  if (trace !== undefined) return trace.read(cell);
  const waiting = pending.get(cell);
  if (waiting !== undefined) {
    waiting.shared = true;
    return waiting.node;
  }
  const read = cellReads.get(cell);
  if (read !== undefined && read.version === cell.version && storageOf(read.node)?.lender === cell) return read.node;
  const node = sourceNode(cell, cellMemory(cell).lend(cell));
  cellReads.set(cell, { version: cell.version, node });
  return node;
}

/** The condition under which assignments take place; otherwise cells keep their values. */
let condition: Node | undefined;

/** Runs `body`; its assignments take place only where a truth value holds. */
export function assigningWhere<T>(holds: Node, body: () => T): T {
  const outer = condition;
  condition = holds;
  try {
    return body();
  } finally {
    condition = outer;
  }
}

const conditionFor = (holds: Node, cell: Cell, given: Node): Node =>
  severalDevices() ? broughtTo(holds, cell.home ?? homeOf(given)) : holds;

/** The cell takes the node's value: recorded in a trace, else at the next evaluation. `own`: the node was made for this and has no other reader. */
export function assignCell(cell: Cell, given: Node, { own = false } = {}): void {
  const node = condition === undefined ? given : where(conditionFor(condition, cell, given), given, cellNode(cell));
  refuseInStep("a state or parameter is assigned", "carry the value from step to step, and assign it after the loop");
  if (severalDevices()) joinHomes(cell.home, homeOf(node), `assign${cell.name === "" ? "" : ` to "${cell.name}"`}`);
  // A read before the evaluation returns this node.
  seal(node);
  const trace = currentTrace();
  if (trace !== undefined) {
    trace.writes.set(cell, node);
    return;
  }
  const waiting = pending.get(cell);
  const before = waiting !== undefined && waiting.made < lastCheck && checks.size > 0 ? waiting : waiting?.before;
  pending.set(cell, { node, made: clock++, before, shared: !own });
}

/** Prepares for a value from the host: pending checks run first, and a pending assignment is dropped. */
export function overwriteCell(cell: Cell): void {
  if (checks.size > 0) evaluate([]);
  pending.delete(cell);
}

/** The check must hold: part of the program in a trace, else of the next evaluation. */
export function requireCheck(check: Node): void {
  // The loop itself checks its values at every step.
  if (keepCheck(check) || recordsStep()) return;
  const trace = currentTrace();
  if (trace !== undefined) trace.checks.push(check);
  else if (!evaluated.has(check) && !checks.has(check)) {
    if (checks.size >= mostChecks) evaluate([]);
    lastCheck = clock++;
    checks.set(check, lastCheck);
  }
}

/** Requires the checks that a node reads its positions through. */
export function withChecks(node: Node): Node {
  for (const input of node.inputs) if (isCheck(input)) requireCheck(input);
  return node;
}

/** Requires every check on the way from `inputs` to the node. */
export function withChecksSince(node: Node, inputs: readonly Node[]): Node {
  const known = new Set(inputs);
  visitAncestors([node], (next) => {
    if (known.has(next)) return false;
    if (isCheck(next)) requireCheck(next);
    return true;
  });
  return node;
}

export function wantLater(tensor: { readonly node: Node }): void {
  if (currentTrace() === undefined) wanted.push(tensor);
}

/** Transfers between devices. */
const transfers = new Transfers({
  known: knownValue,
  home: deviceFor,
  give: (node, value) => void evaluated.set(node, value),
  compute: (nodes) => compute(nodes, []),
});

const nobody: ReadonlyMap<Node, Home | undefined> = new Map();
/** During an evaluation: the devices that read values which any device may compute. */
let takers = nobody;

/** The readers of values: cells that take them, and operations that use checked positions. */
function takersOf(asked: readonly Node[]): ReadonlyMap<Node, Home | undefined> {
  const found = new Map([...pending].map(([cell, { node }]) => [node, cell.home ?? cell.at]));
  if (checks.size === 0) return found;
  for (const node of topologicalOrder(asked, { inputsOf: unknownInputs }).reverse()) {
    const home = homeOf(node) ?? found.get(node);
    if (home !== undefined) for (const input of node.inputs) if (!found.has(input)) found.set(input, home);
  }
  return found;
}

const unknownInputs = (node: Node): readonly Node[] => (knownValue(node) === undefined ? node.inputs : []);

/** The device that computes a node: the required one, else that of a reader. */
function deviceFor(node: Node): Home {
  return homeOrDefault(homeOf(node) ?? takers.get(node));
}

function compute(nodes: readonly Node[], due: readonly Node[]): void {
  const world = currentWorld();
  if (world !== undefined) computeTogether(world, [...nodes, ...due]);
  if (!severalDevices()) {
    computeOn(undefined, nodes, due);
    return;
  }
  const parts = byHome(nodes, deviceFor);
  const checksOf = byHome(due, deviceFor);
  for (const home of new Set([...parts.keys(), ...checksOf.keys()]))
    computeOn(home, parts.get(home) ?? [], checksOf.get(home) ?? []);
}

/** Computes the collectives that these nodes depend on, in the same order on all ranks. */
function computeTogether(world: Communicator, nodes: readonly Node[]): void {
  for (const node of topologicalOrder(nodes, { inputsOf: unknownInputs })) {
    if (!isCollective(node) || knownValue(node) !== undefined) continue;
    const input = node.inputs[0] as Node;
    if (knownValue(input) === undefined) computeOn(homeOf(input), [input], []);
    evaluated.set(node, world.together.value(world, node, knownValue(input) as Storage));
  }
}

function computeOn(home: Home | undefined, nodes: readonly Node[], due: readonly Node[]): void {
  const values = engineOf(home).evaluate(nodes, due, knownValue);
  nodes.forEach((node, place) => {
    const value = values[place] as Storage;
    if (severalDevices()) value.place.home = homeOf(node);
    evaluated.set(node, value);
  });
  for (const check of due) {
    checks.delete(check);
    // A check has the value of its index: if that is known, the check does not run again.
    const value = knownValue(check.inputs[0] as Node);
    if (value !== undefined) evaluated.set(check, value);
  }
}

/** Finds the first failing check, drops everything made after it, and returns its error; without one, the given error. */
function recover(error: unknown): unknown {
  for (const [check, made] of [...checks]) {
    try {
      if (!transfers.begin([check]).has(check)) compute([], [check]);
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

/** Drops assignments whose value cannot be computed; the cells keep their values. Otherwise every later evaluation would fail too. */
function dropImpossible(): void {
  for (const [cell, { node }] of [...pending]) {
    try {
      if (knownValue(node) === undefined && !transfers.begin([node]).has(node)) compute([node], []);
    } catch {
      pending.delete(cell);
    }
  }
}

/** Evaluates the nodes together with all pending work, as far as it can be computed at once. */
function carryOut(nodes: readonly Node[]): void {
  evaluationCount++;
  const asked = new Set<Node>();
  const ask = (node: Node): void => {
    if (knownValue(node) === undefined) asked.add(node);
  };
  for (const node of nodes) ask(node);
  for (const { node } of pending.values()) ask(node);
  for (const { node } of wanted) ask(node);
  wanted = [];
  /** Assignments made after this time must wait for a check. */
  let until = Number.POSITIVE_INFINITY;
  if (asked.size > 0 || checks.size > 0) {
    try {
      const due = [...checks.keys()];
      if (!severalDevices()) compute([...asked], due);
      else {
        takers = takersOf([...asked]);
        const late = transfers.begin([...asked, ...due]);
        const now = (node: Node): boolean => !late.has(node);
        compute([...asked].filter(now), due.filter(now));
        until = Math.min(until, ...checks.values());
      }
    } catch (error) {
      throw recover(error);
    } finally {
      takers = nobody;
    }
  }
  for (const [cell, assignment] of [...pending]) {
    const value = knownValue(assignment.node);
    if (value === undefined || assignment.made > until) continue;
    const home = cell.home ?? value.place.home ?? value.place.at ?? cell.at;
    pending.delete(cell);
    if (severalDevices() && transfers.fetch(value, homeOrDefault(home))) pending.set(cell, assignment);
    else {
      const { memory } = engineOf(home);
      // On asynchronous or several devices, a run that fails later may still need the value.
      const spent = !assignment.shared && !memory.device.asynchronous && !severalDevices();
      memory.adopt(cell, value, { spent });
    }
  }
}

const resultsOf = (nodes: readonly Node[]): Storage[] =>
  nodes.map((node) => {
    const value = knownValue(node);
    if (value === undefined) throw transfers.notHere(node);
    return value;
  });

/** Evaluates the nodes together with all pending work. */
export function evaluate(nodes: readonly Node[]): Storage[] {
  carryOut(nodes);
  return resultsOf(nodes);
}

/** evaluate, after values in transit from other devices have arrived. */
export async function evaluateLater(nodes: readonly Node[]): Promise<Storage[]> {
  carryOut(nodes);
  const waits = (): boolean =>
    nodes.length === 0 ? pending.size > 0 || checks.size > 0 : nodes.some((node) => knownValue(node) === undefined);
  while (waits()) {
    try {
      await transfers.arrival();
    } catch (error) {
      throw recover(error);
    }
    carryOut(nodes);
  }
  return resultsOf(nodes);
}

/** Carries out all pending assignments to state cells, and all checks. A trace has none. */
export function flush(): void {
  if (currentTrace() === undefined && (pending.size > 0 || checks.size > 0)) evaluate([]);
}

/** flush, after values in transit from other devices have arrived. */
export async function flushLater(): Promise<void> {
  flush();
  if (pending.size > 0 || checks.size > 0) await evaluateLater([]);
}

/** Whether the cell has a pending assignment whose value has not arrived yet. */
export const waits = (cell: Cell): boolean => pending.has(cell);

/** Refuses to run a program before the pending values of its cells have arrived on its device. */
export function refuseWaiting(where: string, { cells, memory }: Pick<BoundProgram, "cells" | "memory">): void {
  for (const cell of cells) {
    const leaves = cell.at !== undefined && cell.at !== memory.home && cell.written === undefined;
    if (leaves && cellMemory(cell).device.asynchronous) takeLater(cell, movedTo(cellNode(cell), memory.home));
  }
  if (pending.size === 0) return;
  const cell = cells.find((each) => pending.has(each));
  if (cell === undefined) return;
  const name = cell.name === "" ? "a state" : `"${cell.name}"`;
  throw new HebbError(
    `${where}: the value of ${name} is still being copied from another device; await flushLater() first`,
  );
}

function takeLater(cell: Cell, node: Node): void {
  pending.set(cell, { node, made: clock++, before: undefined, shared: true });
  flush();
}

/** Assigns the cell to this device. Its value follows, at once if possible. */
export function moveCell(cell: Cell, home: Home): void {
  flush();
  if (cell.home === home) return;
  if (pending.has(cell) || (cell.at !== undefined && cellMemory(cell).device.asynchronous)) {
    const node = movedTo(cellNode(cell), home);
    cell.home = home;
    takeLater(cell, node);
  } else {
    cell.at?.cellToHost(cell);
    cell.home = home;
  }
  nextGeneration();
}
