// Programs that run without the engine: one function traced at several sizes, as WebAssembly over a single planned memory.
import { argumentBytes, tableSlots, workspaceLayout } from "../backends/analysis/arguments.ts";
import { emitProgram } from "../backends/wasm/program.ts";
import { compileGraph } from "../compiler/compile.ts";
import { printProgram } from "../compiler/print.ts";
import { at } from "../graph/at.ts";
import type { Node, Source } from "../graph/node.ts";
import { Argument } from "./execution.ts";

/** A graph to compile: one argument, one output. */
export interface StandaloneGraph {
  readonly name: string;
  readonly output: Node;
}

export interface StandaloneProgram {
  readonly code: Uint8Array<ArrayBuffer>;
  readonly listing: string;
  /** The argument of `run`, and the words that must be at that address. */
  readonly table: number;
  readonly words: readonly number[];
}

export interface Standalone {
  readonly programs: readonly StandaloneProgram[];
  /** The sources that must be in memory before a program runs, with their addresses. */
  readonly values: readonly { readonly source: Source; readonly address: number; readonly bytes: number }[];
  readonly input: number;
  readonly output: number;
  readonly pages: number;
}

const pageBytes = 65536;
/** Low memory holds the failure record. */
const reservedBytes = 4096;
/** Vectors may read slightly past the last element. */
const slackBytes = 256;
const alignment = 64;

/** Compiles the graphs for one thread, sharing values, argument and output. */
export function compileStandalone(graphs: readonly StandaloneGraph[]): Standalone {
  const compiled = graphs.map(({ name, output }) => compileGraph(name, [{ node: output }]));
  let end = reservedBytes;
  const take = (bytes: number): number => {
    const address = end;
    end += Math.ceil(bytes / alignment) * alignment;
    return address;
  };
  const tables = compiled.map(({ program }) => take(4 * (tableSlots(program).scratch + 1)));
  const values = new Map<Source, { source: Source; address: number; bytes: number }>();
  let [inputBytes, outputBytes] = [0, 0];
  for (const { program, slots } of compiled) {
    const sizes = argumentBytes(program);
    for (const [place, slot] of slots.entries()) {
      const bytes = at(sizes, place);
      if (slot.kind === "output") outputBytes = Math.max(outputBytes, bytes);
      else if (slot.source instanceof Argument) inputBytes = Math.max(inputBytes, bytes);
      else if (!values.has(slot.source)) values.set(slot.source, { source: slot.source, address: take(bytes), bytes });
    }
  }
  const [input, output] = [take(inputBytes), take(outputBytes)];
  const workspace = end;
  const memory = { module: "hebb", name: "memory", minPages: 1, maxPages: 65536, shared: false };
  const emitted = compiled.map(({ program }) => emitProgram(program, { threads: 1, memory }));
  let workspaceBytes = 0;
  const programs = compiled.map(({ program, slots }, place): StandaloneProgram => {
    const own = at(emitted, place);
    const layout = workspaceLayout(program, own, 1);
    workspaceBytes = Math.max(workspaceBytes, layout.bytes);
    const addresses = slots.map((slot) => {
      if (slot.kind === "output") return output;
      return slot.source instanceof Argument ? input : (values.get(slot.source)?.address ?? 0);
    });
    const windows = new Array<number>(program.windowCount).fill(0);
    return {
      code: own.module.encode(),
      listing: printProgram(program),
      table: at(tables, place),
      words: [...addresses, ...windows, workspace, workspace + layout.shared, workspace + layout.scratch],
    };
  });
  const pages = Math.ceil((workspace + workspaceBytes + slackBytes) / pageBytes);
  return { programs, values: [...values.values()], input, output, pages };
}
