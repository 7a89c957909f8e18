// Emits a whole program as one module: a function for each phase of each kernel, and `run`, which calls them in order. Pure.
import type { BufferInfo, ContractionKernel, LoopKernel, Program } from "../../compiler/kernel.ts";
import { InternalError } from "../../graph/errors.ts";
import { binary } from "../../graph/scalar.ts";
import type { EmitContext, KernelCode, Phase } from "./emitter.ts";
import { emitLoops } from "./loops.ts";
import { type FunctionBuilder, type MemoryImport, ModuleBuilder } from "./module.ts";

export interface EmittedProgram {
  readonly module: ModuleBuilder;
  readonly kernels: readonly KernelCode[];
  /** Names of guards, by the number that a failure records. */
  readonly sites: readonly string[];
  /** Private scratch for each thread, and scratch that all share, in bytes. */
  readonly scratchBytes: number;
  readonly sharedBytes: number;
  /** Addresses in the argument table after the arguments: the shared scratch, then the scratch of each thread. */
  readonly sharedSlot: number;
}

export interface EmitOptions {
  readonly memory: MemoryImport;
  readonly arenaBase: number;
}

export function emitProgram(program: Program, options: EmitOptions): EmittedProgram {
  const module = new ModuleBuilder(options.memory);
  const context = new ProgramContext(module, program, options.arenaBase);
  const kernels = program.kernels.map((kernel) => emitLoops(kernel.kind === "loops" ? kernel : asLoops(kernel), context));
  const run = module.function("run", ["i32"], [], { export: true });
  for (const { phases } of kernels) callPhases(run, phases, context.sharedSlot);
  kernels.forEach(({ phases }, place) => {
    const alone = module.function(`kernel${place}`, ["i32"], [], { export: true });
    callPhases(alone, phases, context.sharedSlot);
  });
  const { sites, scratchBytes, sharedBytes, sharedSlot } = context;
  return { module, kernels, sites, scratchBytes, sharedBytes, sharedSlot };
}

/** All units of each phase, by the thread whose scratch is the first. */
function callPhases(f: FunctionBuilder, phases: readonly Phase[], sharedSlot: number): void {
  for (const { fn, units } of phases) {
    if (units > 0) f.get(0).i32(0).i32(units).get(0).memory("i32.load", 4 * (sharedSlot + 1)).call(fn);
  }
}

class ProgramContext implements EmitContext {
  readonly module: ModuleBuilder;
  readonly program: Program;
  readonly arenaBase: number;
  readonly sharedSlot: number;
  readonly sites: string[] = [];
  scratchBytes = 0;
  sharedBytes = 0;
  private readonly helpers = new Map<string, FunctionBuilder>();

  constructor(module: ModuleBuilder, program: Program, arenaBase: number) {
    this.module = module;
    this.program = program;
    this.arenaBase = arenaBase;
    this.sharedSlot = program.argumentCount;
  }

  buffer(id: number): BufferInfo {
    const info = this.program.buffers[id];
    if (info === undefined) throw new InternalError(`program ${this.program.name} has no buffer ${id}`);
    return info;
  }

  site(name: string): number {
    const known = this.sites.indexOf(name);
    return known >= 0 ? known : this.sites.push(name) - 1;
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

/** A contraction as the loops it stands for. */
export function asLoops(kernel: ContractionKernel): LoopKernel {
  return {
    kind: "loops",
    name: kernel.name,
    axes: [...kernel.batch, ...kernel.m, ...kernel.n],
    body: [
      { kind: "reduce", local: kernel.result, combine: "sum", axes: kernel.k, value: binary("mul", kernel.a, kernel.b) },
      ...kernel.epilogue,
    ],
  };
}
