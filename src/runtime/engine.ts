// The engine of one device: its memory, the cache of compiled programs, and the evaluation of lazy graphs.
import type { Device } from "../backends/backend.ts";
import { compileGraph } from "../compiler/compile.ts";
import type { Output } from "../compiler/compiled.ts";
import { nodeKey } from "../graph/key.ts";
import { type Node, sourceNode, withInputs } from "../graph/node.ts";
import { rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import { DeviceMemory } from "./deviceMemory.ts";
import { Argument, BoundProgram } from "./execution.ts";
import { ProgramCache } from "./programCache.ts";
import type { Home, Storage } from "./storage.ts";

/** Budget for cached programs of lazily evaluated graphs: hundreds of small ones, or a few of whole networks. */
const cachedProgramBytes = 64 * 2 ** 20;

export class Engine {
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly #programs = new ProgramCache(cachedProgramBytes);

  /** The reason for this device, or for not using a faster one. */
  reason: string | undefined;

  constructor(device: Device, home: Home, reason?: string) {
    this.device = device;
    this.reason = reason;
    this.memory = new DeviceMemory(device, home);
  }

  /** The values of lazy nodes, computed by one program, with these checks. */
  evaluate(nodes: readonly Node[], checks: readonly Node[], known: (node: Node) => Storage | undefined): Storage[] {
    const { key, order, leaves } = describe(nodes, checks, known);
    let program = this.#programs.get(key);
    if (program === undefined) {
      program = this.#compileLazy(nodes, checks, order, leaves);
      this.#programs.add(key, program);
    }
    return program.run([...leaves.values()]);
  }

  #compileLazy(
    nodes: readonly Node[],
    checks: readonly Node[],
    order: readonly Node[],
    leaves: ReadonlyMap<Node, Storage>,
  ): BoundProgram {
    const places = new Map<Storage, Argument>();
    let place = 0;
    const rewritten = rewriteGraph(order, [...nodes, ...checks], (node, inputs) => {
      const leaf = leaves.get(node);
      if (leaf === undefined) return withInputs(node, inputs);
      const argument = places.get(leaf) ?? new Argument(place);
      places.set(leaf, argument);
      place++;
      return sourceNode(node, argument);
    });
    const outputs = rewritten.slice(0, nodes.length).map((node): Output => ({ node }));
    const options = { checks: rewritten.slice(nodes.length) };
    return new BoundProgram(this.memory, compileGraph("eager", outputs, options), outputs, false);
  }

  get programCount(): number {
    return this.#programs.size;
  }

  close(): void {
    this.#programs.clear();
    this.memory.programs.close();
    this.memory.evacuate();
    this.device.close();
  }
}

/** The lazy graph in order, its leaves, and a text that is equal for graphs with the same structure. */
function describe(
  nodes: readonly Node[],
  checks: readonly Node[],
  known: (node: Node) => Storage | undefined,
): { key: string; order: Node[]; leaves: Map<Node, Storage> } {
  const leaves = new Map<Node, Storage>();
  const order = topologicalOrder([...nodes, ...checks], {
    inputsOf: (node) => {
      const leaf = known(node);
      if (leaf === undefined) return node.inputs;
      leaves.set(node, leaf);
      return [];
    },
  });
  const number = new Map<Node, number>();
  const storageNumber = new Map<Storage, number>();
  const parts: string[] = [];
  for (const node of order) {
    const leaf = leaves.get(node);
    if (leaf === undefined) parts.push(nodeKey(node, (input) => number.get(input)));
    else {
      const same = storageNumber.get(leaf) ?? number.size;
      storageNumber.set(leaf, same);
      parts.push(`$${same}:${node.dtype}[${node.shape.join(",")}]`);
    }
    number.set(node, number.size);
  }
  const numbers = (list: readonly Node[]): string => list.map((node) => number.get(node)).join(",");
  parts.push(`=>${numbers(nodes)}!${numbers(checks)}`);
  return { key: parts.join(";"), order, leaves };
}
