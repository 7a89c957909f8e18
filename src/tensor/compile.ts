// compile(fn): trace once per signature, turn forward, backward and update into one program, run that from then on.
import { compileGraph } from "../compiler/compile.ts";
import type { Output } from "../compiler/compiled.ts";
import { printProgram } from "../compiler/print.ts";
import * as kind from "../graph/kinds.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { checkKind } from "../graph/options.ts";
import { printGraph } from "../graph/print.ts";
import { sameShape } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import { BoundProgram, engine, engineGeneration, type Storage } from "../runtime/index.ts";
import { ArgumentGradients, leavesKey, leavesOf, standingGradients } from "./argumentGradients.ts";
import { describeProgram } from "./explain.ts";
import type { Draws } from "./generator.ts";
import { gradEnabled } from "./gradMode.ts";
import { evaluate, flush, knownValue } from "./lazy.ts";
import { callTraced, refusePromises } from "./results.ts";
import { Tensor } from "./tensor.ts";
import { currentTrace, type Guard, guardsHold, Trace, traceGuard, withTrace } from "./trace.ts";
import { collectResult, flattenArguments, substituted, type Tree } from "./trees.ts";

interface Entry {
  readonly generation: number;
  /** Shapes and dtypes of the tensor arguments. */
  readonly tensors: readonly { readonly shape: readonly number[]; readonly dtype: string }[];
  /** The rest of the arguments, as text. */
  readonly rest: string;
  readonly guards: readonly Guard[];
  readonly program: BoundProgram;
  readonly outputs: readonly Output[];
  /** What becomes of the gradients of arguments; their values come after those of the result. */
  readonly gradients: ArgumentGradients;
  /** How many numbers a run draws, from which generators. */
  readonly draws: readonly (readonly [Draws, number])[];
  readonly afterRun: readonly (() => void)[];
  readonly resultCount: number;
  result(values: readonly Tensor[]): Tree;
}

/** Signatures kept at once; the one unused for longest goes first, and is traced again if it returns. */
const mostEntries = 64;

/** A compiled function: call it like the original. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** The graph, the kernels, bytes and FLOPs of every signature compiled so far, as text. */
  explain(): string;
  /** Nanoseconds in each kernel of one run with these arguments, slowest first, as text. Runs the step. */
  profile(...args: A): string;
  /** How many signatures have been traced. */
  signatures(): number;
}

/**
 * Compiles a function of tensors. It is traced once for each signature: tensor arguments by shape and dtype, others by
 * value, and every training flag it reads. What it reads and assigns of state cells becomes part of the one program. Plain
 * JavaScript runs while tracing only. `backward` inside it fills `grad` of parameters and of arguments that require a
 * gradient; its results have no history. Inside another trace it is inlined. Source: the idea of jax.jit and torch.compile.
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R): Compiled<A, R> {
  checkKind("compile", "the function", fn, kind.func());
  let entries: Entry[] = [];
  const name = fn.name === "" ? "step" : fn.name;

  const find = (tensors: readonly Tensor[], rest: string): Entry | undefined => {
    const generation = engineGeneration();
    const place = entries.findIndex((entry) => entry.generation === generation && matches(entry, tensors, rest));
    if (place < 0) return undefined;
    const entry = entries[place] as Entry;
    if (place > 0) {
      entries.splice(place, 1);
      entries.unshift(entry);
    }
    return entry;
  };

  const prepare = (args: A): { entry: Entry; storages: Storage[]; leaves: readonly Tensor[] } => {
    const tensors: Tensor[] = [];
    const text = flattenArguments(args, tensors);
    const leaves = leavesOf(tensors);
    const rest = leaves.length === 0 ? text : text + leavesKey(tensors, leaves);
    const storages = storagesOf(leaves.length === 0 ? tensors : [...tensors, ...standingGradients(leaves)]);
    flush();
    let entry = find(tensors, rest);
    if (entry === undefined) {
      entries = entries.filter((other) => other.generation === engineGeneration());
      entry = traceEntry({ name, fn: fn as Traced["fn"] }, args, tensors, leaves, rest);
      entries.unshift(entry);
      if (entries.length > mostEntries) entries.pop()?.program.release();
    }
    return { entry, storages, leaves };
  };

  const call = (...args: A): R => {
    if (currentTrace() !== undefined) return fn(...args);
    const { entry, storages, leaves } = prepare(args);
    const values = runOnce(entry, storages).map((value) => Tensor.of(sourceNode(value, value)));
    for (const effect of entry.afterRun) effect();
    if (leaves.length > 0) entry.gradients.deliver(leaves, values.slice(entry.resultCount));
    // The traced function's result has the shape of R by construction: tensors are where the trace returned them.
    return entry.result(values) as R;
  };

  return Object.assign(call, {
    explain: () =>
      entries.length === 0
        ? `${name}: not compiled yet; call it once`
        : entries
            .map(({ program: { compiled } }) => {
              const { graph, checks, program } = compiled;
              return `${printGraph(graph, checks)}\n\n${printProgram(program)}\n\n${describeProgram(program)}`;
            })
            .join("\n\n"),
    profile: (...args: A) => {
      const { entry, storages } = prepare(args);
      const { program } = entry.program.compiled;
      const profile = entry.program.profile(storages);
      for (const [drawn, count] of entry.draws) drawn.advance(count);
      return describeProgram(program, profile);
    },
    signatures: () => entries.length,
  });
}

function runOnce({ program, draws }: Entry, storages: readonly Storage[]): Storage[] {
  if (draws.length === 0) return program.run(storages);
  const { runs } = engine().memory;
  if (runs !== undefined) for (const [drawn] of draws) drawn.follow(runs.failures);
  try {
    const values = program.run(storages);
    for (const [drawn, count] of draws) drawn.advance(count);
    return values;
  } catch (error) {
    for (const [drawn] of draws) drawn.takeBack();
    throw error;
  }
}

function matches(entry: Entry, tensors: readonly Tensor[], rest: string): boolean {
  if (entry.tensors.length !== tensors.length || entry.rest !== rest) return false;
  for (let place = 0; place < tensors.length; place++) {
    const known = entry.tensors[place] as Entry["tensors"][number];
    const tensor = tensors[place] as Tensor;
    if (known.dtype !== tensor.dtype || !sameShape(known.shape, tensor.shape)) return false;
  }
  return guardsHold(entry.guards);
}

function storagesOf(tensors: readonly Tensor[]): Storage[] {
  const storages: Storage[] = [];
  for (const { node } of tensors) {
    const storage = knownValue(node);
    if (storage === undefined) return evaluate(tensors.map((tensor) => tensor.node));
    storages.push(storage);
  }
  return storages;
}

interface Traced {
  readonly name: string;
  readonly fn: (...args: readonly unknown[]) => unknown;
}

function traceEntry(
  { name, fn }: Traced,
  args: readonly unknown[],
  tensors: readonly Tensor[],
  leaves: readonly Tensor[],
  rest: string,
): Entry {
  const trace = new Trace();
  const stand = tensors.map((tensor) => Tensor.of(trace.argument(tensor)));
  const gradients = new ArgumentGradients(trace, tensors, leaves, stand);
  const outputs: Output[] = [];
  let resultCount = 0;
  let shape: (values: readonly Tensor[]) => Tree = () => undefined;
  withTrace(trace, () => {
    traceGuard(gradEnabled);
    const result = callTraced("compile", fn, substituted(args, stand));
    refusePromises("compile", result);
    for (const finish of trace.finishers) finish();
    const returned: Tensor[] = [];
    shape = collectResult(result, returned);
    resultCount = returned.length;
    for (const { node } of returned) outputs.push({ node });
    for (const node of gradients.results()) outputs.push({ node });
    for (const [cell, node] of trace.writes) outputs.push({ node, updates: cell });
  });
  const nodes = withKnownValues([...outputs.map((output) => output.node), ...trace.checks]);
  const checks = nodes.slice(outputs.length);
  const settled = outputs.map((output, place): Output => ({ ...output, node: nodes[place] as Node }));
  return {
    generation: engineGeneration(),
    tensors: tensors.map(({ shape: extents, dtype }) => ({ shape: extents, dtype })),
    rest,
    guards: trace.guards,
    program: new BoundProgram(engine().memory, compileGraph(name, settled, { checks }), settled, true),
    outputs: settled,
    gradients,
    resultCount,
    draws: [...trace.draws],
    afterRun: trace.afterRun,
    result: shape,
  };
}

/** Lazy tensors from outside the trace that have been evaluated enter as values, not as work to repeat. */
function withKnownValues(outputs: readonly Node[]): Node[] {
  return rewriteGraph(topologicalOrder(outputs), outputs, (node, inputs) => {
    const value = node.source === undefined ? knownValue(node) : undefined;
    return value === undefined ? overInputs(node, inputs) : sourceNode(node, value);
  });
}
