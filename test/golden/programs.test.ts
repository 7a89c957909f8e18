// What becomes of every operation and of graphs as large as those in use, in figures: kernels, memory, and the code of the backends. A change here is a change of what runs.
import { describe, expect, it } from "vitest";
import { emitProgram as emitC } from "../../src/backends/c/program.ts";
import { targets } from "../../src/backends/c/target.ts";
import { emitProgram as emitWasm } from "../../src/backends/wasm/program.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/compiler/kernel.ts";
import { plainKernels } from "../../src/compiler/lower.ts";
import { printProgram } from "../../src/compiler/print.ts";
import type { Node } from "../../src/graph/node.ts";
import { inputNode } from "../conformance/run.ts";
import { hasGradientCheck, isDifferentiable, valueCases } from "../conformance/suite.ts";
import { problem } from "../gradients/problem.ts";
import { graphs } from "./programGraphs.ts";

const memory = { module: "hebb", name: "memory", minPages: 1, maxPages: 65536, shared: true };

/** Figures of one program, each under its name. */
function figuresOf(program: Program, isLarge: boolean): Record<string, number> {
  const wasm = emitWasm(program, { threads: 4, memory });
  const phases = wasm.kernels.flatMap(({ phases: own }) => own);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const wide = emitC(program, targets.avx512);
  return {
    kernels: plainKernels(program.kernels).length,
    characters: printProgram(program).length,
    arena: program.arenaBytes,
    "wasm bytes": wasm.module.encode().length,
    units: sum(phases.map(({ units }) => units)),
    ns: sum(phases.map(({ cost }) => Math.round(cost))),
    shared: wasm.sharedBytes,
    scratch: wasm.scratchBytes,
    "c avx512": wide.source.length,
    shared512: wide.sharedBytes,
    scratch512: wide.scratchBytes,
    ...(isLarge ? { "c portable": emitC(program, targets.portable).source.length } : {}),
  };
}

const programOf = (outputs: readonly Node[]): Program =>
  compileGraph(
    "test",
    outputs.map((node) => ({ node })),
  ).program;

const lineOf = (name: string, figures: Readonly<Record<string, number>>): string =>
  `${name}: ${Object.entries(figures)
    .map(([figure, value]) => `${figure} ${value}`)
    .join(", ")}`;

describe("figures of", () => {
  it("every operation with its gradients, of all its cases together", async () => {
    const sums = new Map<string, Record<string, number>>();
    for (const entry of valueCases) {
      const learned = isDifferentiable(entry) && hasGradientCheck(entry) ? problem(entry, "float32", 1) : undefined;
      const inputs = entry.inputs.map(({ shape, dtype = entry.dtypes[0] ?? "float32" }) => inputNode({ shape, dtype }));
      const outputs = learned === undefined ? [entry.build(...inputs)] : [learned.loss, ...learned.grads];
      const own = sums.get(entry.op) ?? {};
      for (const [name, value] of Object.entries(figuresOf(programOf(outputs), false)))
        own[name] = (own[name] ?? 0) + value;
      sums.set(entry.op, own);
    }
    const lines = [...sums].map(([op, figures]) => lineOf(op, figures));
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/operations.txt");
  });

  it("graphs as large as those in use", async () => {
    const lines = Object.entries(graphs).map(([name, build]) => lineOf(name, figuresOf(programOf(build()), true)));
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/graphs.txt");
  });
});
