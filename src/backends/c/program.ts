// Writes a whole program as one C file: a function for each phase of each kernel, and `hebb_run`, which calls them in order. Pure.
import { stoppedKernels } from "../../compiler/checks.ts";
import type { BufferInfo, Instruction, Placement, Program } from "../../compiler/kernel.ts";
import { storedBuffers } from "../../compiler/lower.ts";
import { at } from "../../graph/at.ts";
import { byteSize, type ElementType } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import { baseOf, type MovingSlot, movingSlots, tableSlots } from "../analysis/arguments.ts";
import { type PaddedDim, paddedDims } from "../analysis/padding.ts";
import { type Address, print } from "./code.ts";
import { emitContraction } from "./contraction/emit.ts";
import { type EmitContext, type Phase, phaseParameters } from "./emitter.ts";
import { emitLoops } from "./loops.ts";
import { poolInterface } from "./pool.ts";
import type { Target } from "./target.ts";

export interface EmittedProgram {
  readonly source: string;
  /** Private scratch per thread, and scratch shared by all threads, in bytes. */
  readonly scratchBytes: number;
  readonly sharedBytes: number;
  /** Whether any kernel is worth sharing between threads. */
  readonly shares: boolean;
}

export function emitProgram(program: Program, target: Target): EmittedProgram {
  const context = new ProgramContext(program, target);
  const stopped = stoppedKernels(program);
  const phases: Phase[] = [];
  const runs = (entry: Instruction, stops: boolean): Run[] => {
    if (entry.kind === "repeat") {
      const outside = [...context.before];
      const body = entry.body.flatMap((inner) => runs(inner, stops));
      context.before = [...outside, entry];
      const { steps, reverse } = entry;
      return [{ kind: "loop", steps, reverse, slots: movingSlots(entry, program), body }];
    }
    const code = entry.kind === "loops" ? emitLoops(entry, context) : emitContraction(entry, context);
    context.before.push(entry);
    const worked = code.phases.filter(({ units }) => units > 0);
    const own = stops ? worked.map(unlessFailed) : worked;
    const from = phases.length;
    phases.push(...own);
    return own.length === 0 ? [] : [{ kind: "phases", from, to: phases.length }];
  };
  const kernels = program.kernels.map((entry) => runs(entry, stopped.has(entry)));
  const slots = tableSlots(program);
  const functions = new SharedFunctions(phases, slots.scratch);
  const shares = worthThreads(kernels.flat(), phases);
  const listed = phases.length > mostWrittenOut;
  const writer = new RunWriter(phases, functions, listed);
  const source = `/* ${program.name.replaceAll("*/", "")} */
${[...context.helpers.values()].join("")}
${functions.source()}
${listed ? listedRun(phases, functions, slots.scratch) : ""}
void hebb_run(char *base, unsigned long long *table, struct pool *pool) {
${
  shares
    ? `  if (pool) {
  pool->begin(pool);
${writer.write(kernels.flat(), true)}  pool->end(pool);
  return;
  }
`
    : ""
}${writer.write(kernels.flat(), false)}}

${stageFunction(program, kernels, (runs, shared) => writer.write(runs, shared), shares)}
#ifdef HEBB_PROFILE
void hebb_kernel(char *base, unsigned long long *table, int kernel) {
  switch (kernel) {
${kernels.map((own, place) => `  case ${place}:\n${writer.write(own, false)}    break;\n`).join("")}  }
}
#endif
`;
  return {
    source: poolInterface + source,
    scratchBytes: context.scratchBytes,
    sharedBytes: context.sharedBytes,
    shares,
  };
}

/** `hebb_stage`, which runs one stage of a staged program. */
function stageFunction(
  { stageEnds }: Program,
  kernels: readonly (readonly Run[])[],
  write: (runs: readonly Run[], shared: boolean) => string,
  shares: boolean,
): string {
  if (stageEnds === undefined) return "";
  const cases = stageEnds.map((end, stage) => {
    const own = kernels.slice(at([0, ...stageEnds], stage), end).flat();
    const alone = write(own, false);
    const all = shares
      ? `  if (pool) {\n  pool->begin(pool);\n${write(own, true)}  pool->end(pool);\n  } else {\n${alone}  }\n`
      : alone;
    return `  case ${stage}:\n${all}    break;\n`;
  });
  return `
void hebb_stage(char *base, unsigned long long *table, struct pool *pool, int stage) {
  switch (stage) {
${cases.join("")}  }
}
`;
}

/** Consecutive phases, by index, and loops, in execution order. */
type Run =
  | { readonly kind: "phases"; readonly from: number; readonly to: number }
  | {
      readonly kind: "loop";
      readonly steps: number;
      readonly reverse: boolean;
      readonly slots: readonly MovingSlot[];
      readonly body: readonly Run[];
    };

/** Writes runs as statements. */
class RunWriter {
  private readonly phases: readonly Phase[];
  private readonly functions: SharedFunctions;
  /** Whether the phases are called through a table. */
  private readonly listed: boolean;

  constructor(phases: readonly Phase[], functions: SharedFunctions, listed: boolean) {
    this.phases = phases;
    this.functions = functions;
    this.listed = listed;
  }

  /** `shared`: worthwhile phases run on all threads if there is a pool. `level`: number of enclosing loops. */
  write(runs: readonly Run[], shared: boolean, level = 0): string {
    return joined(runs)
      .map((run) => {
        if (run.kind === "phases") return this.calls(run.from, run.to, shared);
        const t = `t${level}`;
        const { steps, reverse, slots, body } = run;
        const head = reverse
          ? `for (unsigned long long ${t} = ${steps}; ${t}-- > 0;)`
          : `for (unsigned long long ${t} = 0; ${t} < ${steps}; ${t}++)`;
        const moves = slots.map((slot) => moveSlot(slot, t)).join("");
        return `  ${head} {\n${moves}${this.write(body, shared, level + 1)}  }\n`;
      })
      .join("");
  }

  private calls(from: number, to: number, shared: boolean): string {
    if (this.listed) return `  run_listed(${shared ? "pool" : "0"}, base, table, ${from}, ${to});\n`;
    return this.phases
      .slice(from, to)
      .map((phase) => `  ${shared && isShared(phase) ? this.functions.share(phase) : this.functions.call(phase)}`)
      .join("");
  }
}

/** The same runs, with consecutive phases merged. */
function joined(runs: readonly Run[]): Run[] {
  const all: Run[] = [];
  for (const run of runs) {
    const last = all.at(-1);
    if (run.kind === "phases" && last?.kind === "phases") all[all.length - 1] = { ...last, to: run.to };
    else all.push(run);
  }
  return all;
}

/** Moves a window of a loop to the row of this step. */
function moveSlot({ slot, first, rowBytes, shift, rows }: MovingSlot, t: string): string {
  const step = shift === 0 ? t : `(${t} + ${shift})`;
  const row = rows === undefined ? step : `${step} % ${rows}`;
  return `  table[${slot}] = table[${first.slot}] + ${first.byteOffset}u + ${row} * ${rowBytes}u;\n`;
}

/** The phase, made a no-op once a check has failed. */
const unlessFailed = (phase: Phase): Phase => ({
  ...phase,
  body: ["  if (has_failed(base)) return;\n", ...phase.body],
});

/** Programs with more phases loop over a table: a compiler parses a table much faster than as many calls. */
const mostWrittenOut = 40;

/** Minimum nanoseconds of a shared phase: a barrier costs several hundred. */
const sharedCost = 4_000;
const barrierCost = 700;
/** The cost of waking the workers, in nanoseconds. */
const wakeCost = 4_000;

/** Phases shorter than this may be inlined. */
const inlinedCost = 2_000;

const isShared = ({ units, cost }: Phase): boolean => units > 1 && cost >= sharedCost;

function worthThreads(runs: readonly Run[], phases: readonly Phase[]): boolean {
  const gainOf = (run: Run): number => {
    if (run.kind === "loop") return run.steps * run.body.reduce((gain, inner) => gain + gainOf(inner), 0);
    const shared = phases.slice(run.from, run.to).filter(isShared);
    return shared.reduce((gain, { cost }) => gain + cost / 2 - 2 * barrierCost, 0);
  };
  return runs.reduce((gain, run) => gain + gainOf(run), -wakeCost) > 0;
}

/** Units claimed at once; 0: the phase is not shared. Each thread claims several times, so that a late one claims fewer. */
const takeOf = (phase: Phase): number => (isShared(phase) ? Math.max(1, Math.floor(phase.units / 16)) : 0);

/** The table of the phases, and the loop that runs a range of it, alone or with a pool. */
function listedRun(phases: readonly Phase[], functions: SharedFunctions, scratchSlot: number): string {
  const entries = phases.map(
    (phase) => `  {${functions.nameOf(phase)}, ${phase.units}, ${takeOf(phase)}, ${functions.operandsOf(phase)}},\n`,
  );
  return `static const struct phase {
  phase_function *run;
  int units, take;
  const unsigned *operands;
} phases[] = {
${entries.join("")}};
static void run_listed(struct pool *pool, char *base, const unsigned long long *table, int from, int to) {
  for (const struct phase *p = phases + from; p < phases + to; p++) {
    if (pool && p->take) pool->share(pool, p->run, base, table, ${scratchSlot}, p->units, p->take, p->operands);
    else p->run(base, table, 0, p->units, base + table[${scratchSlot}], p->operands);
  }
}
`;
}

/**
 * The functions of the phases. Phases that differ only in their buffers, like the layers of a deep network, share one, so that
 * the compiler reads less. Their addresses are operands: pairs of a table slot and an offset.
 */
class SharedFunctions {
  private readonly byText = new Map<string, { readonly name: string; readonly source: string }>();
  private readonly calls = new Map<Phase, { readonly name: string; readonly operands: string }>();
  private readonly lists = new Map<string, string>();
  /** The slot of the first thread's scratch. */
  private readonly scratchSlot: number;

  constructor(phases: readonly Phase[], scratchSlot: number) {
    this.scratchSlot = scratchSlot;
    for (const phase of phases) {
      const pairs: string[] = [];
      const body = print(phase.body, ({ slot, byteOffset }) => {
        const pair = `${slot}, ${byteOffset}u`;
        const known = pairs.indexOf(pair);
        const place = 2 * (known >= 0 ? known : pairs.push(pair) - 1);
        return `base + table[a[${place}]] + a[${place + 1}]`;
      });
      let shared = this.byText.get(body);
      if (shared === undefined) {
        // Functions worth a call are not inlined: compilers take long over one large function, and optimise it badly.
        const alone = phase.cost >= inlinedCost ? "__attribute__((noinline)) " : "";
        const head = `static ${alone}void ${phase.name}(${phaseParameters}, const unsigned *a)`;
        shared = { name: phase.name, source: `${head} {\n${body}}\n` };
        this.byText.set(body, shared);
      }
      const list = pairs.join(", ");
      const operands = this.lists.get(list) ?? `operands${this.lists.size}`;
      this.lists.set(list, operands);
      this.calls.set(phase, { name: shared.name, operands });
    }
  }

  source(): string {
    const lists = [...this.lists].map(([list, name]) => `static const unsigned ${name}[] = {${list || "0"}};\n`);
    return [...[...this.byText.values()].map(({ source }) => source), lists.join("")].join("\n");
  }

  nameOf(phase: Phase): string {
    return this.calls.get(phase)?.name ?? phase.name;
  }

  operandsOf(phase: Phase): string {
    return this.calls.get(phase)?.operands ?? "0";
  }

  /** Runs the whole phase on the first thread. */
  call(phase: Phase): string {
    const scratch = `base + table[${this.scratchSlot}]`;
    return `${this.nameOf(phase)}(base, table, 0, ${phase.units}, ${scratch}, ${this.operandsOf(phase)});\n`;
  }

  /** Runs the phase on every thread of the pool. */
  share(phase: Phase): string {
    const operands = [this.nameOf(phase), "base", "table", this.scratchSlot, phase.units, takeOf(phase)].join(", ");
    return `pool->share(pool, ${operands}, ${this.operandsOf(phase)});\n`;
  }
}

class ProgramContext implements EmitContext {
  readonly target: Target;
  /** The instructions before the kernel being emitted. */
  before: Instruction[] = [];
  readonly helpers = new Map<string, string>();
  /** Names of helper functions, by their text. */
  private readonly functions = new Map<string, string>();
  private readonly counts = new Map<string, number>();
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

  readonly paddingOf = (buffer: number): readonly PaddedDim[] | undefined => {
    const writer = this.before.findLast((entry) => storedBuffers(entry).has(buffer));
    return writer === undefined || writer.kind === "repeat"
      ? undefined
      : paddedDims(writer, buffer, this.buffer(buffer).length);
  };

  address(id: number, element = 0): Address {
    const { placement, dtype } = this.buffer(id);
    const { slot, byteOffset } = baseOf(placement, tableSlots(this.program));
    return { slot, byteOffset: byteOffset + element * byteSize(dtype) };
  }

  phaseName(kernel: string): string {
    return `p${this.phases++}_${kernel.replaceAll(/[^A-Za-z0-9]+/g, "_").slice(0, 40)}`;
  }

  needScratch(bytes: number): void {
    this.scratchBytes = Math.max(this.scratchBytes, bytes);
  }

  needShared(bytes: number): void {
    this.sharedBytes = Math.max(this.sharedBytes, bytes);
  }

  sharedBuffer(dtype: ElementType): number {
    const slot = tableSlots(this.program).shared;
    return this.extraBuffer(`shared scratch, ${dtype}`, dtype, { kind: "argument", slot }, 2 ** 30);
  }

  wordsOf(buffer: number): number {
    const { placement, length, dtype } = this.buffer(buffer);
    return this.extraBuffer(`words of ${buffer}`, "int32", placement, Math.floor((length * byteSize(dtype)) / 4));
  }

  /** A view of memory with another dtype or length than in the program. */
  private extraBuffer(name: string, dtype: ElementType, placement: Placement, length: number): number {
    const first = this.program.buffers.length;
    const known = this.extra.findIndex((buffer) => buffer.name === name);
    if (known >= 0) return first + known;
    const id = first + this.extra.length;
    this.extra.push({ id, name, dtype, length, placement });
    return id;
  }

  helper(name: string, make: () => string): void {
    if (this.helpers.has(name)) return;
    // Helpers are emitted after their dependencies.
    const text = make();
    this.helpers.set(name, text);
  }

  function(name: string, text: string): string {
    const key = `${name}${text}`;
    const known = this.functions.get(key);
    if (known !== undefined) return known;
    const same = this.counts.get(name) ?? 0;
    this.counts.set(name, same + 1);
    const own = `${name}__${same}`;
    this.functions.set(key, own);
    this.helpers.set(own, `static __attribute__((noinline)) void ${own}${text}`);
    return own;
  }
}
