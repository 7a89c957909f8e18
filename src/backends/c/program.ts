// Writes a whole program as one C file: a function for each phase of each kernel, and `hebb_run`, which calls them in order. Pure.
import type { BufferInfo, ContractionKernel, LoopKernel, Program } from "../../compiler/kernel.ts";
import { byteSize, type DType } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import { binary } from "../../graph/scalar.ts";
import { emitContraction } from "./contraction.ts";
import { type EmitContext, type Phase, phaseParameters } from "./emitter.ts";
import { emitLoops } from "./loops.ts";
import { poolInterface } from "./pool.ts";
import type { Target } from "./target.ts";

export interface EmittedProgram {
  readonly source: string;
  /** Names of guards, by the number that a failure records. */
  readonly sites: readonly string[];
  /** Private scratch for each thread, and scratch that all share, in bytes. */
  readonly scratchBytes: number;
  readonly sharedBytes: number;
  /** Whether some kernel is worth sharing between threads. */
  readonly shares: boolean;
}

/** Places in the argument table after the arguments: the arena, the shared scratch, then the scratch of each thread. */
export const tableSlots = (program: Program): { arena: number; shared: number; scratch: number } => ({
  arena: program.argumentCount,
  shared: program.argumentCount + 1,
  scratch: program.argumentCount + 2,
});

export function emitProgram(program: Program, target: Target): EmittedProgram {
  const context = new ProgramContext(program, target);
  const kernels = program.kernels.map((kernel): Phase[] =>
    (kernel.kind === "loops" ? emitLoops(kernel, context) : emitContraction(kernel, context)).phases.filter(
      ({ units }) => units > 0,
    ),
  );
  const phases = kernels.flat();
  const functions = new SharedFunctions(phases);
  const slots = tableSlots(program);
  const shares = worthThreads(phases);
  const call = (phase: Phase): string =>
    `  ${functions.call(phase, "0", `${phase.units}`, `base + table[${slots.scratch}]`)}`;
  const source = `/* ${program.name.replaceAll("*/", "")} */
${[...context.helpers.values()].join("")}
${functions.source()}
${shares ? sharedRun(phases, functions, slots.scratch) : ""}
void hebb_run(char *base, const unsigned *table, struct pool *pool) {
${
  shares
    ? `  if (pool) pool->run(pool, run_thread, base, table, ${phases.filter(isShared).length});
  else run_thread(0, 0, base, table, 0);
`
    : phases.map(call).join("")
}}

#ifdef HEBB_PROFILE
void hebb_kernel(char *base, const unsigned *table, int kernel) {
  switch (kernel) {
${kernels.map((own, place) => `  case ${place}:\n${own.map(call).join("")}    break;\n`).join("")}  }
}
#endif
`;
  return {
    source: shares ? poolInterface + source : `struct pool;\n${source}`,
    sites: context.sites,
    scratchBytes: context.scratchBytes,
    sharedBytes: context.sharedBytes,
    shares,
  };
}

/** A phase is shared from this many nanoseconds on: a barrier costs some hundreds. */
const sharedCost = 4_000;
const barrierCost = 700;
/** Waking the workers. */
const wakeCost = 4_000;

/** Phases shorter than this may be inlined. */
const inlinedCost = 2_000;

const isShared = ({ units, cost }: Phase): boolean => units > 1 && cost >= sharedCost;

function worthThreads(phases: readonly Phase[]): boolean {
  let gain = -wakeCost;
  for (const phase of phases) if (isShared(phase)) gain += phase.cost / 2 - 2 * barrierCost;
  return gain > 0;
}

/**
 * Every thread runs it at once. Units of shared phases go to whichever thread asks; the other phases are the first thread's, and it
 * opens a shared phase when everything before it is done.
 */
function sharedRun(phases: readonly Phase[], functions: SharedFunctions, scratchSlot: number): string {
  let body = "";
  let shared = 0;
  for (const phase of phases) {
    const whole = functions.call(phase, "0", `${phase.units}`, "scratch");
    if (!isShared(phase)) {
      body += `  if (thread == 0) ${whole}`;
      continue;
    }
    // Several shares for each thread, so that a late one takes fewer.
    const share = Math.max(1, Math.floor(phase.units / 16));
    body += `  if (!pool) ${whole}  else {
    if (thread == 0) pool_open(pool, first + ${shared});
    while (pool_claim(pool, first + ${shared}, ${phase.units}, ${share}, &low, &high)) {
      ${functions.call(phase, "low", "high", "scratch")}      pool_did(pool, high - low);
    }
    if (thread == 0) pool_wait(pool, ${phase.units});
  }
`;
    shared++;
  }
  return `static void run_thread(struct pool *pool, int thread, char *base, const unsigned *table, unsigned first) {
  char *scratch = base + table[${scratchSlot} + thread];
  int low, high;
${body}}
`;
}

/**
 * The functions of the phases. Phases that differ in their buffers alone, as the layers of a deep network do, share one, so
 * that the compiler has less to read: addresses are its operands.
 */
class SharedFunctions {
  private readonly byText = new Map<string, { readonly name: string; readonly source: string }>();
  private readonly calls = new Map<Phase, { readonly name: string; readonly addresses: readonly string[] }>();

  constructor(phases: readonly Phase[]) {
    for (const phase of phases) {
      const addresses: string[] = [];
      const body = phase.source.replaceAll(/base \+ table\[\d+\] \+ \d+u/g, (address) => {
        const known = addresses.indexOf(address);
        return `a${known >= 0 ? known : addresses.push(address) - 1}`;
      });
      const operands = addresses.map((_, place) => `, char *a${place}`).join("");
      const text = body.replace(phase.name, "").replace(phaseParameters, `${phaseParameters}${operands}`);
      let shared = this.byText.get(text);
      if (shared === undefined) {
        // A function worth its call stays one: in one large function the compiler would lose its way, and time.
        const alone = phase.cost >= inlinedCost ? "__attribute__((noinline)) " : "";
        shared = { name: phase.name, source: text.replace("static void ", `static ${alone}void ${phase.name}`) };
        this.byText.set(text, shared);
      }
      this.calls.set(phase, { name: shared.name, addresses });
    }
  }

  source(): string {
    return [...this.byText.values()].map(({ source }) => source).join("\n");
  }

  call(phase: Phase, low: string, high: string, scratch: string): string {
    const { name, addresses } = this.calls.get(phase) ?? { name: phase.name, addresses: [] };
    return `${name}(${["base", "table", low, high, scratch, ...addresses].join(", ")});\n`;
  }
}

class ProgramContext implements EmitContext {
  readonly target: Target;
  readonly sites: string[] = [];
  readonly helpers = new Map<string, string>();
  scratchBytes = 0;
  sharedBytes = 0;
  private readonly program: Program;
  private readonly extra: BufferInfo[] = [];
  private phases = 0;

  constructor(program: Program, target: Target) {
    this.program = program;
    this.target = target;
  }

  buffer(id: number): BufferInfo {
    const info = this.program.buffers[id] ?? this.extra[id - this.program.buffers.length];
    if (info === undefined) throw new InternalError(`program ${this.program.name} has no buffer ${id}`);
    return info;
  }

  address(id: number, element = 0): string {
    const { placement, dtype } = this.buffer(id);
    const bytes = element * byteSize(dtype);
    const slot = placement.kind === "argument" ? placement.slot : tableSlots(this.program).arena;
    return `base + table[${slot}] + ${bytes + (placement.kind === "argument" ? 0 : placement.byteOffset)}u`;
  }

  phaseName(kernel: string): string {
    return `p${this.phases++}_${kernel.replaceAll(/[^A-Za-z0-9]+/g, "_").slice(0, 40)}`;
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

  sharedBuffer(dtype: DType): number {
    const first = this.program.buffers.length;
    const known = this.extra.findIndex((buffer) => buffer.dtype === dtype);
    if (known >= 0) return first + known;
    const id = first + this.extra.length;
    const slot = tableSlots(this.program).shared;
    this.extra.push({ id, name: "shared scratch", dtype, length: 2 ** 30, placement: { kind: "argument", slot } });
    return id;
  }

  helper(name: string, make: () => string): void {
    if (this.helpers.has(name)) return;
    // What a helper needs stands before it.
    const text = make();
    this.helpers.set(name, text);
  }
}

/** A contraction as the loops it stands for. */
export function asLoops(kernel: ContractionKernel): LoopKernel {
  return {
    kind: "loops",
    name: kernel.name,
    axes: [...kernel.batch, ...kernel.m, ...kernel.n],
    body: [
      {
        kind: "reduce",
        local: kernel.result,
        combine: "sum",
        axes: kernel.k,
        value: binary("mul", kernel.a, kernel.b),
      },
      ...kernel.epilogue,
    ],
  };
}
