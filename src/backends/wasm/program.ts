// Emits a whole program as one module: a function for each phase of each kernel, and `run`, which calls them in order. Pure.
import { stoppedKernels } from "../../compiler/checks.ts";
import type { Kernel, Program } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";
import type { Base, TableSlots } from "../analysis/arguments.ts";
import { formsOf, type KernelForm } from "../analysis/kernelForms.ts";
import { FormContext, ProgramContext } from "./context.ts";
import { emitContraction } from "./contraction/emit.ts";
import { type EmitContext, type KernelCode, type Phase, tableParam } from "./emitter.ts";
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
  /** Whether a long program has functions `kernel0`, `kernel1` … too, to measure its kernels by. A short one has. */
  readonly profile?: boolean;
}

/**
 * Programs of more kernels write each form of them once. The functions of a form are told where each buffer lies, which costs them
 * more than to know: what is small enough to be compiled at once is not worth it.
 */
const mostWrittenOut = 1024;

/** The most phases that one function calls: compilers take long over long functions. */
const mostPhases = 1024;

export function emitProgram(program: Program, options: EmitOptions): EmittedProgram {
  const module = new ModuleBuilder(options.memory);
  const context = new ProgramContext(module, program);
  const stopped = stoppedKernels(program);
  const isLong = program.kernels.length > mostWrittenOut;
  const codes = isLong ? emitForms(program, context) : program.kernels.map((kernel) => emitKernel(kernel, context));
  const kernels = codes.map(({ phases }, place): KernelCode => {
    const worked = phases.filter(({ units }) => units > 0);
    return { phases: stopped.has(program.kernels[place] as Kernel) ? worked.map(stoppable) : worked };
  });
  const phases = kernels.flatMap((kernel) => kernel.phases);
  const run = module.function("run", ["i32"], [], { export: true });
  inParts(run, phases, module, (f, part) => callPhases(f, part, context.slots));
  const shares = options.threads > 1 && worthThreads(phases, options.threads);
  if (shares) emitThreadRun(context, phases);
  if (!isLong || options.profile === true) {
    kernels.forEach((kernel, place) => {
      const alone = module.function(`kernel${place}`, ["i32"], [], { export: true });
      callPhases(alone, kernel.phases, context.slots);
    });
  }
  const { scratchBytes, sharedBytes } = context;
  return { module, kernels, scratchBytes, sharedBytes, shares };
}

const emitKernel = (kernel: Kernel, context: EmitContext): KernelCode =>
  kernel.kind === "loops" ? emitLoops(kernel, context) : emitContraction(kernel, context);

const stoppable = (phase: Phase): Phase => ({ ...phase, stopped: true });

/** The kernels, those of one form with the same functions. */
function emitForms(program: Program, context: ProgramContext): KernelCode[] {
  const written = new Map<KernelForm, KernelCode>();
  return formsOf(program).map(({ form, operands }): KernelCode => {
    const code = written.get(form) ?? emitKernel(form.kernel, new FormContext(context, form));
    written.set(form, code);
    const bases = operands.map(({ buffer, start }): Base => {
      const { slot, byteOffset } = context.baseOf(buffer);
      return { slot, byteOffset: byteOffset + start * byteSize(context.buffer(buffer).dtype) };
    });
    return { phases: code.phases.map((phase): Phase => ({ ...phase, operands: bases })) };
  });
}

/** Writes the phases into a function, or into several that it calls with its own parameters. */
function inParts(
  whole: FunctionBuilder,
  phases: readonly Phase[],
  module: ModuleBuilder,
  write: (f: FunctionBuilder, part: readonly Phase[]) => void,
): void {
  if (phases.length <= mostPhases) return write(whole, phases);
  for (let first = 0; first < phases.length; first += mostPhases) {
    const part = module.function(`${whole.name}, from ${first}`, whole.params);
    write(part, phases.slice(first, first + mostPhases));
    whole.params.forEach((_, param) => {
      whole.get(param);
    });
    whole.call(part);
  }
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

function pushOperands(f: FunctionBuilder, operands: readonly Base[] = []): void {
  for (const { slot, byteOffset } of operands) {
    f.get(tableParam).memory("i32.load", 4 * slot);
    if (byteOffset !== 0) f.i32(byteOffset).op("i32.add");
  }
}

/** All units of each phase, by the thread whose scratch is the first. */
function callPhases(f: FunctionBuilder, phases: readonly Phase[], slots: TableSlots): void {
  for (const { fn, units, cost, stopped, operands } of phases) {
    const calls = Math.max(1, Math.min(units, mostCalls, Math.ceil(cost / longCall)));
    const call = (): void => {
      for (let call = 0; call < calls; call++) {
        f.get(tableParam)
          .i32(Math.floor((units * call) / calls))
          .i32(Math.floor((units * (call + 1)) / calls));
        f.get(tableParam).memory("i32.load", 4 * slots.scratch);
        pushOperands(f, operands);
        f.call(fn);
      }
    };
    if (stopped) f.i32(failureAddress).memory("i32.load").op("i32.eqz").if(call);
    else call();
  }
}

/**
 * `runThread` (table, thread, threads): every thread runs it at once. Shared phases are cut evenly, the others are the
 * first thread's; there is a barrier wherever one thread may read what another wrote.
 */
function emitThreadRun(context: ProgramContext, phases: readonly Phase[]): void {
  const whole = context.module.function("runThread", ["i32", "i32", "i32"], [], { export: true });
  inParts(whole, phases, context.module, (f, part) => shareParts(context, f, part, f !== whole));
}

/** `goesOn`: other phases follow. */
function shareParts(context: ProgramContext, f: FunctionBuilder, phases: readonly Phase[], goesOn: boolean): void {
  const [thread, threads] = [1, 2];
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
      f.get(tableParam).get(low).get(high);
      f.get(tableParam)
        .get(thread)
        .i32(2)
        .op("i32.shl")
        .op("i32.add")
        .memory("i32.load", 4 * context.slots.scratch);
      pushOperands(f, phase.operands);
      f.call(phase.fn);
    });
    wait();
  }
  if (closeAlone() && goesOn) wait();
}
