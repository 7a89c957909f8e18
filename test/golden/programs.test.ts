// What becomes of every operation and of graphs as large as those in use, in figures: kernels, memory, and the code of the backends. A change here is a change of what runs.
import { describe, expect, it } from "vitest";
import { emitProgram as emitC } from "../../src/backends/c/program.ts";
import { targets, type VectorSet } from "../../src/backends/c/target.ts";
import { emitProgram as emitWasm } from "../../src/backends/wasm/program.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/compiler/kernel.ts";
import { plainKernels } from "../../src/compiler/lower.ts";
import { printProgram } from "../../src/compiler/print.ts";
import type { Node } from "../../src/graph/node.ts";
import { inputNode } from "../conformance/run.ts";
import { hasGradientCheck, isDifferentiable, valueCases } from "../conformance/suite.ts";
import { problem } from "../gradients/problem.ts";
import { families, graphs, sizes } from "./programGraphs.ts";

const memory = { module: "hebb", name: "memory", minPages: 1, maxPages: 65536, shared: true };

type Figures = Readonly<Record<string, number>>;

const multiplies = ({ kernels }: Program): boolean => plainKernels(kernels).some(({ kind }) => kind === "contraction");

function figuresInC(program: Program, vectors: VectorSet): Figures {
  const { source, sharedBytes, scratchBytes } = emitC(program, targets[vectors]);
  return { [`c ${vectors}`]: source.length, [`shared ${vectors}`]: sharedBytes, [`scratch ${vectors}`]: scratchBytes };
}

/** Figures of one program, each under its name. `c`: for which targets it is written in C too; by default where it multiplies matrices, for the widest. */
function figuresOf(program: Program, c: readonly VectorSet[] = multiplies(program) ? ["avx512"] : []): Figures {
  const wasm = emitWasm(program, { threads: 4, memory });
  const phases = wasm.kernels.flatMap(({ phases: own }) => own);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    kernels: plainKernels(program.kernels).length,
    characters: printProgram(program).length,
    arena: program.arenaBytes,
    "wasm bytes": wasm.module.encode().length,
    units: sum(phases.map(({ units }) => units)),
    ns: sum(phases.map(({ cost }) => Math.round(cost))),
    shared: wasm.sharedBytes,
    scratch: wasm.scratchBytes,
    ...Object.assign({}, ...c.map((vectors) => figuresInC(program, vectors))),
  };
}

const programOf = (outputs: readonly Node[]): Program =>
  compileGraph(
    "test",
    outputs.map((node) => ({ node })),
  ).program;

const lineOf = (name: string, figures: Figures): string =>
  `${name}: ${Object.entries(figures)
    .map(([figure, value]) => `${figure} ${value}`)
    .join(", ")}`;

const added = (a: Figures, b: Figures): Figures =>
  Object.fromEntries(Object.keys({ ...a, ...b }).map((figure) => [figure, (a[figure] ?? 0) + (b[figure] ?? 0)]));

describe("figures of", () => {
  it("graphs as large as those in use", async () => {
    const lines = Object.entries(graphs).map(([name, build]) =>
      lineOf(name, figuresOf(programOf(build()), ["avx512", "portable"])),
    );
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/graphs.txt");
  });

  it("graphs of every size, of all sizes together", async () => {
    const lines = families.map(([name, most, build]) => {
      const own = sizes.filter((size) => size <= most);
      const all = own.map((size) => figuresOf(programOf(build(size)))).reduce(added);
      return lineOf(`${name} up to ${most}`, all);
    });
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/sizes.txt");
  });

  it("every operation with its gradients, of all its cases together", async () => {
    const sums = new Map<string, Figures>();
    for (const entry of valueCases) {
      const learned = isDifferentiable(entry) && hasGradientCheck(entry) ? problem(entry, "float32", 1) : undefined;
      const inputs = entry.inputs.map(({ shape, dtype = entry.dtypes[0] ?? "float32" }) => inputNode({ shape, dtype }));
      const outputs = learned === undefined ? [entry.build(...inputs)] : [learned.loss, ...learned.grads];
      sums.set(entry.op, added(sums.get(entry.op) ?? {}, figuresOf(programOf(outputs))));
    }
    const lines = [...sums].map(([op, figures]) => lineOf(op, figures));
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/operations.txt");
  });
});
