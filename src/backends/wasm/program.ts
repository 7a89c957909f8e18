// Emits a whole program as one module: a function for each phase of each kernel, and `run`, which calls them in order. Pure.
import { stoppedKernels } from "../../compiler/checks.ts";
import type { Instruction, Kernel, Program } from "../../compiler/kernel.ts";
import { plainKernels } from "../../compiler/lower.ts";
import { at } from "../../graph/at.ts";
import { byteSize } from "../../graph/dtype.ts";
import { type Base, type MovingSlot, movingSlots, type TableSlots } from "../analysis/arguments.ts";
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
  /** Private scratch per thread, and scratch shared by all threads, in bytes. */
  readonly scratchBytes: number;
  readonly sharedBytes: number;
  /** Whether the module has `runThread`, because some kernel is worth sharing between threads. */
  readonly shares: boolean;
}

interface EmitOptions {
  readonly threads: number;
  readonly memory: MemoryImport;
  /** Whether a long program also exports `kernel0`, `kernel1` …, to profile its kernels. A short one always does. */
  readonly profile?: boolean;
}

/**
 * Programs with more kernels emit each kernel form once. Its functions receive the buffer addresses as parameters, which is slower
 * than constants, so programs small enough to compile at once avoid it.
 */
const mostWrittenOut = 1024;

/** The most phases called by one function: compilers take long over long functions. */
const mostPhases = 1024;

export function emitProgram(program: Program, options: EmitOptions): EmittedProgram {
  const module = new ModuleBuilder(options.memory);
  const context = new ProgramContext(module, program);
  const plain = plainKernels(program.kernels);
  const isLong = plain.length > mostWrittenOut;
  const codes = isLong ? emitForms(program, context) : plain.map((kernel) => emitKernel(kernel, context));
  const kernels = runsOf(program, codes);
  const all = kernels.flat();
  const run = module.function("run", ["i32"], [], { export: true });
  inParts(run, all, module, (f, part) => callRuns(f, part, context.slots));
  const shares = options.threads > 1 && worthThreads(all, options.threads);
  if (shares) emitThreadRun(context, all);
  if (!isLong || options.profile === true) {
    kernels.forEach((kernel, place) => {
      const alone = module.function(`kernel${place}`, ["i32"], [], { export: true });
      callRuns(alone, kernel, context.slots);
    });
  }
  const { scratchBytes, sharedBytes } = context;
  return { module, kernels: codes, scratchBytes, sharedBytes, shares };
}

/** Phases, and loops over them, in execution order. */
type Run = Phase | PhaseLoop;
interface PhaseLoop {
  readonly kind: "loop";
  readonly steps: number;
  readonly reverse: boolean;
  readonly slots: readonly MovingSlot[];
  readonly body: readonly Run[];
}

const isLoop = (run: Run): run is PhaseLoop => "kind" in run;

/** The runs of each entry of the program, given the code of its kernels in order. */
function runsOf(program: Program, codes: readonly KernelCode[]): Run[][] {
  const stopped = stoppedKernels(program);
  let next = 0;
  const runs = (entry: Instruction, stops: boolean): Run[] => {
    if (entry.kind === "repeat") {
      const { steps, reverse } = entry;
      const slots = movingSlots(entry, program);
      const body = entry.body.flatMap((inner) => runs(inner, stops));
      // A loop is tested after its body, and zero steps have no rows.
      return steps === 0 ? [] : [{ kind: "loop", steps, reverse, slots, body }];
    }
    const worked = at(codes, next++).phases.filter(({ units }) => units > 0);
    return stops ? worked.map(stoppable) : worked;
  };
  return program.kernels.map((entry) => runs(entry, stopped.has(entry)));
}

const emitKernel = (kernel: Kernel, context: EmitContext): KernelCode =>
  kernel.kind === "loops" ? emitLoops(kernel, context) : emitContraction(kernel, context);

const stoppable = (phase: Phase): Phase => ({ ...phase, stopped: true });

/** The code of the kernels; kernels of one form share functions. */
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

/** Writes the runs into a function, or into several that it calls with its own parameters. */
function inParts(
  whole: FunctionBuilder,
  runs: readonly Run[],
  module: ModuleBuilder,
  write: (f: FunctionBuilder, part: readonly Run[]) => void,
): void {
  if (runs.length <= mostPhases) return write(whole, runs);
  for (let first = 0; first < runs.length; first += mostPhases) {
    const part = module.function(`${whole.name}, from ${first}`, whole.params);
    write(part, runs.slice(first, first + mostPhases));
    whole.params.forEach((_, param) => {
      whole.get(param);
    });
    whole.call(part);
  }
}

/** Minimum nanoseconds of a shared phase: a barrier costs about one microsecond. */
const sharedCost = 10_000;
const barrierCost = 1_500;
/** The cost of waking the workers, in nanoseconds. */
const wakeCost = 10_000;
/** Nanoseconds after which a call is split, because V8 replaces its initial slow code only between calls. */
const longCall = 500_000;
const mostCalls = 16;

const isShared = ({ units, cost }: Phase): boolean => units > 1 && cost >= sharedCost;

/** Whether a run has phases that are shared. */
const sharesIn = (run: Run): boolean => (isLoop(run) ? run.body.some(sharesIn) : isShared(run));

function worthThreads(runs: readonly Run[], threads: number): boolean {
  const gainOf = (run: Run): number => {
    if (isLoop(run)) return run.steps * run.body.reduce((gain, inner) => gain + gainOf(inner), 0);
    return isShared(run) ? run.cost * (1 - 1 / threads) - 2 * barrierCost : 0;
  };
  return runs.reduce((gain, run) => gain + gainOf(run), -wakeCost) > 0;
}

function pushOperands(f: FunctionBuilder, operands: readonly Base[] = []): void {
  for (const { slot, byteOffset } of operands) {
    f.get(tableParam).memory("i32.load", 4 * slot);
    if (byteOffset !== 0) f.i32(byteOffset).op("i32.add");
  }
}

/** Runs everything on the thread with the first scratch. */
function callRuns(f: FunctionBuilder, runs: readonly Run[], slots: TableSlots): void {
  for (const run of runs) {
    if (!isLoop(run)) callPhase(f, run, slots);
    else
      overSteps(f, run, (t) => {
        moveSlots(f, run, t);
        callRuns(f, run.body, slots);
      });
  }
}

/** Runs all units of a phase. */
function callPhase(f: FunctionBuilder, { fn, units, cost, stopped, operands }: Phase, slots: TableSlots): void {
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

/** Runs the body once per step, with a local that holds the step. */
function overSteps(f: FunctionBuilder, { steps, reverse }: PhaseLoop, body: (t: number) => void): void {
  const t = f.local("i32");
  f.i32(reverse ? steps - 1 : 0).set(t);
  f.loop((again) => {
    body(t);
    f.get(t)
      .i32(reverse ? -1 : 1)
      .op("i32.add")
      .tee(t);
    f.i32(reverse ? 0 : steps)
      .op(reverse ? "i32.ge_s" : "i32.lt_s")
      .brIf(again);
  });
  f.release(t);
}

/** Moves the windows of a loop to the rows of this step. */
function moveSlots(f: FunctionBuilder, { slots }: PhaseLoop, t: number): void {
  for (const { slot, first, rowBytes, shift, rows } of slots) {
    f.get(tableParam);
    f.get(tableParam).memory("i32.load", 4 * first.slot);
    f.get(t);
    if (shift !== 0) f.i32(shift).op("i32.add");
    if (rows !== undefined) f.i32(rows).op("i32.rem_u");
    f.i32(rowBytes).op("i32.mul").op("i32.add");
    if (first.byteOffset !== 0) f.i32(first.byteOffset).op("i32.add");
    f.memory("i32.store", 4 * slot);
  }
}

/**
 * `runThread` (table, thread, threads): all threads run it at the same time. Shared phases are split evenly; the others run on the
 * first thread. There is a barrier wherever one thread may read what another wrote.
 */
function emitThreadRun(context: ProgramContext, runs: readonly Run[]): void {
  const whole = context.module.function("runThread", ["i32", "i32", "i32"], [], { export: true });
  inParts(whole, runs, context.module, (f, part) => new ThreadShare(context, f).write(part, f !== whole));
}

const [threadParam, threadsParam] = [1, 2];

/** Writes the share of one thread in some runs. */
class ThreadShare {
  readonly #context: ProgramContext;
  readonly #f: FunctionBuilder;
  readonly #low: number;
  readonly #high: number;

  constructor(context: ProgramContext, f: FunctionBuilder) {
    this.#context = context;
    this.#f = f;
    this.#low = f.local("i32");
    this.#high = f.local("i32");
  }

  /** `goesOn`: more runs follow. When a thread reaches the first run, everything before it is done. */
  write(runs: readonly Run[], goesOn: boolean): void {
    let alone: Run[] = [];
    const closeAlone = (): void => {
      if (alone.length > 0) this.#byFirst(() => callRuns(this.#f, alone, this.#context.slots));
      alone = [];
    };
    for (const run of runs) {
      if (!sharesIn(run)) {
        alone.push(run);
        continue;
      }
      if (alone.length > 0) {
        closeAlone();
        this.#wait();
      }
      if (isLoop(run)) this.#loop(run);
      else this.#phase(run);
    }
    if (alone.length > 0) {
      closeAlone();
      if (goesOn) this.#wait();
    }
  }

  #loop(loop: PhaseLoop): void {
    overSteps(this.#f, loop, (t) => {
      this.#byFirst(() => moveSlots(this.#f, loop, t));
      this.#wait();
      this.write(loop.body, true);
    });
  }

  #phase(phase: Phase): void {
    const f = this.#f;
    const low = this.#low;
    const high = this.#high;
    const context = this.#context;
    f.get(threadParam).i32(phase.units).op("i32.mul").get(threadsParam).op("i32.div_u").set(low);
    f.get(threadParam).i32(1).op("i32.add").i32(phase.units).op("i32.mul").get(threadsParam).op("i32.div_u").set(high);
    f.get(low).get(high).op("i32.lt_u");
    if (phase.stopped) f.i32(failureAddress).memory("i32.load").op("i32.eqz").op("i32.and");
    f.if(() => {
      f.get(tableParam).get(low).get(high);
      f.get(tableParam)
        .get(threadParam)
        .i32(2)
        .op("i32.shl")
        .op("i32.add")
        .memory("i32.load", 4 * context.slots.scratch);
      pushOperands(f, phase.operands);
      f.call(phase.fn);
    });
    this.#wait();
  }

  #byFirst(body: () => void): void {
    this.#f.get(threadParam).op("i32.eqz").if(body);
  }

  #wait(): void {
    this.#f.get(threadParam).get(threadsParam).call(barrier(this.#context));
  }
}
