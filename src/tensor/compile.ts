// compile(fn): traces once per signature, turns forward, backward and update into one program, and runs that from then on.

import { compileGraph } from "../compiler/compile.ts";
import type { Output } from "../compiler/compiled.ts";
import { printProgram } from "../compiler/print.ts";
import { currentPrecision } from "../graph/apply.ts";
import { CompositeMover } from "../graph/compose.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { isCollective } from "../graph/ops/collective.ts";
import { checkKind } from "../graph/options.ts";
import { printGraph } from "../graph/print.ts";
import { sameShape } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import {
  BoundProgram,
  type CutProgram,
  currentWorld,
  engineGeneration,
  engineOf,
  type Home,
  type Storage,
  severalDevices,
} from "../runtime/index.ts";
import { ArgumentGradients, leavesKey, leavesOf, standingGradients } from "./argumentGradients.ts";
import { describeProgram } from "./explain.ts";
import { gradEnabled } from "./gradMode.ts";
import { evaluate, flush, knownValue, refuseWaiting } from "./lazy.ts";
import { LostHistories } from "./lostHistory.ts";
import { homeOf, joinHomes, setHome, targetOf } from "./placement.ts";
import { callTraced, refusePromises } from "./results.ts";
import { recordsHistory, recordsStep } from "./steps.ts";
import { gradientLeaves, Tensor } from "./tensor.ts";
import { type CountedDraws, currentTrace, type Guard, guardsHold, Trace, traceGuard, withTrace } from "./trace.ts";
import { collectResult, flattenArguments, substituted, type Tree } from "./trees.ts";

interface ArgumentType {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly home: Home | undefined;
}

interface Entry {
  readonly generation: number;
  /** Shapes, dtypes and devices of the tensor arguments. */
  readonly tensors: readonly ArgumentType[];
  /** The rest of the arguments, as text. */
  readonly rest: string;
  readonly guards: readonly Guard[];
  readonly program: BoundProgram | CutProgram;
  /** The device that runs the program and holds its results; undefined: the default device, and results move to where they are used. */
  readonly home: Home | undefined;
  readonly outputs: readonly Output[];
  /** How the gradients of arguments are returned; their values follow those of the result. */
  readonly gradients: ArgumentGradients;
  /** How many numbers a run draws, from which generators. */
  readonly draws: readonly (readonly [CountedDraws, number])[];
  readonly afterRun: readonly (() => void)[];
  readonly resultCount: number;
  readonly histories: LostHistories;
  result(values: readonly Tensor[]): Tree;
}

/** The nodes of the results that the function returns. */
const resultsOf = ({ outputs, resultCount }: Entry): readonly Node[] =>
  outputs.slice(0, resultCount).map(({ node }) => node);

/** What a call runs, and its inputs. */
interface Prepared extends Given {
  readonly entry: Entry;
}

/** Maximum number of cached signatures; the least recently used is evicted first, and traced again if it returns. */
const mostEntries = 64;

/** A compiled function: call it like the original. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** The graph, the kernels, bytes and FLOPs of every signature compiled so far, as text. */
  explain(): string;
  /** Nanoseconds in each kernel of one run with these arguments, slowest first, as text. Runs the step. */
  profile(...args: A): string;
  /** `profile` for any device; webgpu needs a GPU with timestamp queries. */
  profileLater(...args: A): Promise<string>;
  /** How many signatures have been traced. */
  signatures(): number;
}

/**
 * Compiles a function of tensors. It is traced once for each signature: tensor arguments by shape and dtype, others by value, and every training flag
 * it reads. State cells that it reads and assigns become part of the program. Plain JavaScript runs only while tracing. `backward` inside it fills
 * `grad` of parameters and of arguments that require a gradient. Its results have no history: `backward` outside refuses those that would need one,
 * unless they are detached. Inside another trace, and inside functions passed to grad, jvp, vmap and scan, it is inlined. Source: the idea of jax.jit
 * and torch.compile.
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R): Compiled<A, R> {
  checkKind("compile", "the function", fn, kind.func());
  let entries: Entry[] = [];
  const name = fn.name === "" ? "step" : fn.name;

  const find = (tensors: readonly Tensor[], storages: readonly Storage[], rest: string): Entry | undefined => {
    const generation = engineGeneration();
    const fits = (entry: Entry): boolean => entry.generation === generation && matches(entry, tensors, storages, rest);
    const [latest] = entries;
    if (latest !== undefined && fits(latest)) return latest;
    const place = entries.findIndex(fits);
    if (place < 0) return undefined;
    const entry = entries[place] as Entry;
    entries.splice(place, 1);
    entries.unshift(entry);
    return entry;
  };

  const prepare = (args: A): Prepared => {
    const tensors: Tensor[] = [];
    const text = flattenArguments(args, tensors);
    const leaves = leavesOf(tensors);
    const rest = leaves.length === 0 ? text : text + leavesKey(tensors, leaves);
    const storages = storagesOf(leaves.length === 0 ? tensors : [...tensors, ...standingGradients(leaves)]);
    flush();
    let entry = find(tensors, storages, rest);
    if (entry === undefined) {
      entries = entries.filter((other) => other.generation === engineGeneration());
      entry = traceEntry({ name, fn: fn as Traced["fn"] }, args, { tensors, storages, leaves }, rest);
      entries.unshift(entry);
      if (entries.length > mostEntries) entries.pop()?.program.release();
    }
    if (severalDevices()) {
      followDraws(entry);
      refuseWaiting(name, entry.program);
    }
    return { entry, tensors, storages, leaves };
  };

  const call = (...args: A): R => {
    if (currentTrace() !== undefined || recordsStep() || recordsHistory()) return fn(...args);
    const { entry, tensors, storages, leaves } = prepare(args);
    const lost = entry.histories.marks(tensors, () => resultsOf(entry));
    const values = runOnce(entry, storages).map((value, place) => {
      value.place.home = entry.home;
      return Tensor.ofResult(value, lost[place]);
    });
    for (const effect of entry.afterRun) effect();
    if (leaves.length > 0) entry.gradients.deliver(leaves, values.slice(entry.resultCount));
    // By construction, the result has the shape of R: tensors are where the traced function returned them.
    return entry.result(values) as R;
  };

  /** The step as one program, for profiling. */
  const whole = (args: A) => {
    const { entry, storages } = prepare(args);
    const { program, draws } = entry;
    if ("parts" in program)
      throw new HebbError(`${name}: collectives cut this step into several programs; profile it in one process`);
    const advance = (): void => {
      for (const [drawn, count] of draws) drawn.advance(count);
    };
    return { program, storages, advance };
  };

  return Object.assign(call, {
    explain: () =>
      entries.length === 0
        ? `${name}: not compiled yet; call it once`
        : entries
            .flatMap(({ program }) => ("parts" in program ? program.parts : [program]))
            .map(({ compiled: { graph, checks, program } }) => {
              return `${printGraph(graph, checks)}\n\n${printProgram(program)}\n\n${describeProgram(program)}`;
            })
            .join("\n\n"),
    profile: (...args: A) => {
      const { program, storages, advance } = whole(args);
      const profile = program.profile(storages);
      advance();
      return describeProgram(program.compiled.program, profile);
    },
    profileLater: async (...args: A) => {
      const { program, storages, advance } = whole(args);
      const profile = program.profileLater(storages);
      advance();
      return describeProgram(program.compiled.program, await profile);
    },
    signatures: () => entries.length,
  });
}

/** Makes draws on the program's device follow the host's counts. */
function followDraws({ program, draws }: Entry): void {
  const { runs, home } = program.memory;
  for (const [drawn] of draws) drawn.follow(home, runs?.failures ?? 0);
}

function runOnce(entry: Entry, storages: readonly Storage[]): Storage[] {
  const { program, draws } = entry;
  if (draws.length === 0) return program.run(storages);
  if (program.memory.runs !== undefined) followDraws(entry);
  try {
    const values = program.run(storages);
    for (const [drawn, count] of draws) drawn.advance(count);
    return values;
  } catch (error) {
    for (const [drawn] of draws) drawn.takeBack();
    throw error;
  }
}

function matches(entry: Entry, tensors: readonly Tensor[], storages: readonly Storage[], rest: string): boolean {
  if (entry.tensors.length !== tensors.length || entry.rest !== rest) return false;
  const anywhere = !severalDevices();
  for (let place = 0; place < tensors.length; place++) {
    const known = entry.tensors[place] as Entry["tensors"][number];
    const tensor = tensors[place] as Tensor;
    if (known.dtype !== tensor.dtype || !sameShape(known.shape, tensor.shape)) return false;
    if (!anywhere && known.home !== storages[place]?.place.home) return false;
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

/** The tensor arguments of a call: their values, and those that require a gradient. */
interface Given {
  readonly tensors: readonly Tensor[];
  readonly storages: readonly Storage[];
  readonly leaves: readonly Tensor[];
}

function traceEntry(
  { name, fn }: Traced,
  args: readonly unknown[],
  { tensors, storages, leaves }: Given,
  rest: string,
): Entry {
  const trace = new Trace();
  const stand = tensors.map((tensor) => Tensor.of(trace.argument(tensor)));
  const gradients = new ArgumentGradients(trace, tensors, leaves, stand);
  for (const [place, node] of trace.argumentNodes.entries()) setHome(node, storages[place]?.place.home);
  const outputs: Output[] = [];
  let resultCount = 0;
  let shape: (values: readonly Tensor[]) => Tree = () => undefined;
  const histories = withTrace(trace, () => {
    traceGuard(gradEnabled);
    traceGuard(currentPrecision);
    const result = callTraced("compile", fn, substituted(args, stand));
    refusePromises("compile", result);
    for (const finish of trace.finishers) finish();
    const returned: Tensor[] = [];
    shape = collectResult(result, returned);
    resultCount = returned.length;
    for (const { node } of returned) outputs.push({ node });
    for (const node of gradients.results()) outputs.push({ node });
    for (const [cell, node] of trace.writes) outputs.push({ node, updates: cell });
    return new LostHistories(fn.name, returned, (node) => {
      const owner = gradientLeaves.get(node);
      return owner?.requiresGrad === true && (gradients.has(owner) || !trace.leaves.has(owner));
    });
  });
  const roots = [...outputs.map((output) => output.node), ...trace.checks];
  // Values moved between devices are computed first and enter the program as values.
  if (severalDevices()) evaluate(topologicalOrder(roots).filter((node) => targetOf(node) !== undefined));
  const nodes = withKnownValues(roots);
  const checks = nodes.slice(outputs.length);
  const settled = outputs.map((output, place): Output => ({ ...output, node: nodes[place] as Node }));
  const home = severalDevices() ? commonHome(name, nodes, trace) : undefined;
  return {
    generation: engineGeneration(),
    tensors: tensors.map(({ shape: extents, dtype }, place) => ({
      shape: extents,
      dtype,
      home: storages[place]?.place.home,
    })),
    rest,
    guards: trace.guards,
    program: programOf(name, settled, { checks, argumentCount: tensors.length, home }),
    home,
    outputs: settled,
    gradients,
    resultCount,
    histories,
    draws: [...trace.draws],
    afterRun: trace.afterRun,
    result: shape,
  };
}

interface ProgramOptions {
  readonly checks: readonly Node[];
  readonly argumentCount: number;
  readonly home: Home | undefined;
}

/** One program, or several if ranks communicate in it. */
function programOf(
  name: string,
  outputs: readonly Output[],
  { checks, argumentCount, home }: ProgramOptions,
): BoundProgram | CutProgram {
  const { memory } = engineOf(home);
  const world = currentWorld();
  const roots = [...outputs.map(({ node }) => node), ...checks];
  if (world !== undefined && topologicalOrder(roots).some(isCollective))
    return world.together.cut(world, name, outputs, { checks, argumentCount, memory });
  return new BoundProgram(memory, compileGraph(name, outputs, { checks }), outputs, true);
}

/** The one device that everything in a program uses. */
function commonHome(name: string, nodes: readonly Node[], trace: Trace): Home | undefined {
  let home: Home | undefined;
  for (const node of nodes) home = joinHomes(home, homeOf(node), name);
  for (const cell of trace.writes.keys()) home = joinHomes(home, cell.home, name);
  return home;
}

/** Lazy tensors from outside the trace that have been evaluated enter as values, not as work to repeat. */
function withKnownValues(outputs: readonly Node[]): Node[] {
  const composites = new CompositeMover();
  return rewriteGraph(topologicalOrder(outputs), outputs, (node, inputs, standIn) => {
    const value = node.source === undefined ? knownValue(node) : undefined;
    return value === undefined ? composites.move(node, overInputs(node, inputs), standIn) : sourceNode(node, value);
  });
}
