// Emits a whole program as one module: a function for each phase of each kernel, and `run`, which calls them in order. Pure.
import { stoppedKernels } from "../../compiler/checks.ts";
import type { BufferInfo, Program } from "../../compiler/kernel.ts";
import type { DType } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import { type TableSlots, tableSlots } from "../analysis/arguments.ts";
import { emitContraction } from "./contraction.ts";
import type { EmitContext, KernelCode, Phase } from "./emitter.ts";
import { failureAddress } from "./failure.ts";
import { emitLoops } from "./loops.ts";
import { type FunctionBuilder, type MemoryImport, ModuleBuilder } from "./module.ts";
import { barrier } from "./threads.ts";

export interface EmittedProgram {
  readonly module: ModuleBuilder;
  readonly kernels: readonly KernelCode[];
  /** Private scratch for each thread, and scratch that all share, in bytes. */
  readonly scratchBytes: number;
  readonly sharedBytes: number;
  /** Whether the module has `runThread`, because some kernel is worth sharing between threads. */
  readonly shares: boolean;
}

export interface EmitOptions {
  readonly threads: number;
  readonly memory: MemoryImport;
}

export function emitProgram(program: Program, options: EmitOptions): EmittedProgram {
  const module = new ModuleBuilder(options.memory);
  const context = new ProgramContext(module, program);
  const stopped = stoppedKernels(program);
  const kernels = program.kernels.map((kernel): KernelCode => {
    const code = kernel.kind === "loops" ? emitLoops(kernel, context) : emitContraction(kernel, context);
    return stopped.has(kernel) ? { phases: code.phases.map((phase) => ({ ...phase, stopped: true })) } : code;
  });
  const phases = kernels.flatMap((kernel) => kernel.phases.filter(({ units }) => units > 0));
  const run = module.function("run", ["i32"], [], { export: true });
  callPhases(run, phases, context.slots);
  const shares = options.threads > 1 && worthThreads(phases, options.threads);
  if (shares) emitThreadRun(context, phases);
  kernels.forEach(({ phases }, place) => {
    const alone = module.function(`kernel${place}`, ["i32"], [], { export: true });
    callPhases(alone, phases, context.slots);
  });
  const { scratchBytes, sharedBytes } = context;
  return { module, kernels, scratchBytes, sharedBytes, shares };
}

/** A phase is shared from this many nanoseconds on: a barrier costs about one microsecond. */
const sharedCost = 10_000;
const barrierCost = 1_500;
/** Waking the workers. */
const wakeCost = 10_000;
/** A long call is cut, because V8 replaces its first, slow code only between calls. */
const longCall = 500_000;
const mostCalls = 16;

const isShared = ({ units, cost }: Phase): boolean => units > 1 && cost >= sharedCost;

function worthThreads(phases: readonly Phase[], threads: number): boolean {
  let gain = -wakeCost;
  for (const phase of phases) if (isShared(phase)) gain += phase.cost * (1 - 1 / threads) - 2 * barrierCost;
  return gain > 0;
}

/** All units of each phase, by the thread whose scratch is the first. */
function callPhases(f: FunctionBuilder, phases: readonly Phase[], slots: TableSlots): void {
  for (const { fn, units, cost, stopped } of phases) {
    if (units === 0) continue;
    const calls = Math.max(1, Math.min(units, mostCalls, Math.ceil(cost / longCall)));
    const call = (): void => {
      for (let call = 0; call < calls; call++) {
        f.get(0)
          .i32(Math.floor((units * call) / calls))
          .i32(Math.floor((units * (call + 1)) / calls));
        f.get(0)
          .memory("i32.load", 4 * slots.scratch)
          .call(fn);
      }
    };
    if (stopped) f.i32(failureAddress).memory("i32.load").op("i32.eqz").if(call);
    else call();
  }
}

/**
 * `runThread` (table, thread, threads): every thread runs it at once. Shared phases are cut evenly, the others are the
 * first thread's; a barrier stands wherever one thread may read what another wrote.
 */
function emitThreadRun(context: ProgramContext, phases: readonly Phase[]): void {
  const f = context.module.function("runThread", ["i32", "i32", "i32"], [], { export: true });
  const [table, thread, threads] = [0, 1, 2];
  const low = f.local("i32");
  const high = f.local("i32");
  const wait = (): void => {
    f.get(thread).get(threads).call(barrier(context));
  };
  let alone: Phase[] = [];
  const closeAlone = (): boolean => {
    if (alone.length === 0) return false;
    f.get(thread)
      .op("i32.eqz")
      .if(() => callPhases(f, alone, context.slots));
    alone = [];
    return true;
  };
  for (const phase of phases) {
    if (!isShared(phase)) {
      alone.push(phase);
      continue;
    }
    if (closeAlone()) wait();
    f.get(thread).i32(phase.units).op("i32.mul").get(threads).op("i32.div_u").set(low);
    f.get(thread).i32(1).op("i32.add").i32(phase.units).op("i32.mul").get(threads).op("i32.div_u").set(high);
    f.get(low).get(high).op("i32.lt_u");
    if (phase.stopped) f.i32(failureAddress).memory("i32.load").op("i32.eqz").op("i32.and");
    f.if(() => {
      f.get(table).get(low).get(high);
      f.get(table)
        .get(thread)
        .i32(2)
        .op("i32.shl")
        .op("i32.add")
        .memory("i32.load", 4 * context.slots.scratch);
      f.call(phase.fn);
    });
    wait();
  }
  closeAlone();
}

class ProgramContext implements EmitContext {
  readonly module: ModuleBuilder;
  readonly program: Program;
  readonly slots: TableSlots;
  scratchBytes = 0;
  sharedBytes = 0;
  private readonly extra: BufferInfo[] = [];
  private readonly helpers = new Map<string, FunctionBuilder>();

  constructor(module: ModuleBuilder, program: Program) {
    this.module = module;
    this.program = program;
    this.slots = tableSlots(program);
  }

  buffer(id: number): BufferInfo {
    const info = this.program.buffers[id] ?? this.extra[id - this.program.buffers.length];
    if (info === undefined) throw new InternalError(`program ${this.program.name} has no buffer ${id}`);
    return info;
  }

  sharedBuffer(dtype: DType): number {
    const first = this.program.buffers.length;
    const known = this.extra.findIndex((buffer) => buffer.dtype === dtype);
    if (known >= 0) return first + known;
    const id = first + this.extra.length;
    this.extra.push({
      id,
      name: "shared scratch",
      dtype,
      length: 2 ** 30,
      placement: { kind: "argument", slot: this.slots.shared },
    });
    return id;
  }

  needScratch(bytes: number): void {
    this.scratchBytes = Math.max(this.scratchBytes, bytes);
  }

  needShared(bytes: number): void {
    this.sharedBytes = Math.max(this.sharedBytes, bytes);
  }

  helper(name: string, make: () => FunctionBuilder): FunctionBuilder {
    const known = this.helpers.get(name);
    if (known) return known;
    const made = make();
    this.helpers.set(name, made);
    return made;
  }
}
