// Figures of programs: kernels, memory, and the code of the backends, for the tests that keep them as text.
import { createHash } from "node:crypto";
import { emitProgram as emitC } from "../../src/backends/c/program.ts";
import { targets, type VectorSet } from "../../src/backends/c/target.ts";
import { emitProgram as emitWasm } from "../../src/backends/wasm/program.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/compiler/kernel.ts";
import { plainKernels } from "../../src/compiler/lower.ts";
import { printProgram } from "../../src/compiler/print.ts";
import type { Node } from "../../src/graph/node.ts";
import { newAxis } from "../../src/graph/scalar.ts";

// Terms of an index are sorted by their names as text. With equally long numbers the order does not depend on the graphs built before.
while (newAxis(1).id < 1e6);

/** A hash of the code. If only the hash changes, the code does something else at the same length. */
const digest = (code: string | Uint8Array): number => createHash("sha256").update(code).digest().readUIntBE(0, 4);

const memory = { module: "hebb", name: "memory", minPages: 1, maxPages: 65536, shared: true };

export type Figures = Readonly<Record<string, number>>;

const multiplies = ({ kernels }: Program): boolean => plainKernels(kernels).some(({ kind }) => kind === "contraction");

function figuresInC(program: Program, vectors: VectorSet): Figures {
  const { source, sharedBytes, scratchBytes } = emitC(program, targets[vectors]);
  return {
    [`c ${vectors}`]: source.length,
    [`c digest ${vectors}`]: digest(source),
    [`shared ${vectors}`]: sharedBytes,
    [`scratch ${vectors}`]: scratchBytes,
  };
}

/** Figures of a program before any backend compiles it. */
export function listingFigures(program: Program): Figures {
  const listing = printProgram(program);
  return {
    kernels: plainKernels(program.kernels).length,
    characters: listing.length,
    digest: digest(listing),
    arena: program.arenaBytes,
  };
}

/**
 * Figures of one program by name. `c`: the targets for which it is also emitted in C; by default the widest one if the program multiplies matrices.
 */
export function figuresOf(program: Program, c: readonly VectorSet[] = multiplies(program) ? ["avx512"] : []): Figures {
  const wasm = emitWasm(program, { threads: 4, memory });
  const phases = wasm.kernels.flatMap(({ phases: own }) => own);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const code = wasm.module.encode();
  return {
    ...listingFigures(program),
    "wasm bytes": code.length,
    "wasm digest": digest(code),
    units: sum(phases.map(({ units }) => units)),
    ns: sum(phases.map(({ cost }) => Math.round(cost))),
    shared: wasm.sharedBytes,
    scratch: wasm.scratchBytes,
    ...Object.assign({}, ...c.map((vectors) => figuresInC(program, vectors))),
  };
}

export const programOf = (outputs: readonly Node[]): Program =>
  compileGraph(
    "test",
    outputs.map((node) => ({ node })),
  ).program;

export const lineOf = (name: string, figures: Figures): string =>
  `${name}: ${Object.entries(figures)
    .map(([figure, value]) => `${figure} ${value}`)
    .join(", ")}`;

export const added = (a: Figures, b: Figures): Figures =>
  Object.fromEntries(Object.keys({ ...a, ...b }).map((figure) => [figure, (a[figure] ?? 0) + (b[figure] ?? 0)]));
