// The one running engine: which backend is in use and why, the cache of compiled programs, and the evaluation of lazy graphs.
import { type BackendName, backendNames, type Device, type Warning } from "../backends/backend.ts";
import { createCDevice } from "../backends/c/index.ts";
import { createReferenceDevice } from "../backends/reference/index.ts";
import { availableThreads, createWasmDevice, wasmMissing } from "../backends/wasm/index.ts";
import { compileGraph } from "../compiler/compile.ts";
import type { Output } from "../compiler/compiled.ts";
import { HebbError } from "../graph/errors.ts";
import { nodeKey } from "../graph/key.ts";
import * as kind from "../graph/kinds.ts";
import { type Node, sourceNode, withInputs } from "../graph/node.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import { DeviceMemory } from "./deviceMemory.ts";
import { Argument, BoundProgram } from "./execution.ts";
import { ProgramCache } from "./programCache.ts";
import type { Storage } from "./storage.ts";

export interface BackendOptions {
  /** "auto" takes the fastest that works here. Default: HEBB_BACKEND, else "auto". */
  readonly backend?: BackendName | "auto";
  /** Threads of the c and wasm backends. Default: HEBB_THREADS, else one for each processor. */
  readonly threads?: number | "auto";
}

export interface BackendInfo {
  readonly backend: BackendName;
  readonly threads: number;
  /** What it is using and why, one line. */
  readonly description: string;
  readonly warning?: Warning;
}

/** Programs of lazily evaluated graphs kept at once: hundreds of small ones, or a few of whole networks. */
const cachedProgramBytes = 64 * 2 ** 20;

class Engine {
  readonly device: Device;
  readonly memory: DeviceMemory;
  private readonly programs = new ProgramCache(cachedProgramBytes);

  /** Why it is not a faster device. */
  readonly reason: string | undefined;

  constructor(device: Device, reason: string | undefined) {
    this.device = device;
    this.reason = reason;
    this.memory = new DeviceMemory(device);
  }

  /** The values of lazy nodes, all in one program, in which these checks must hold. */
  evaluate(nodes: readonly Node[], checks: readonly Node[], known: (node: Node) => Storage | undefined): Storage[] {
    const { key, order, leaves } = describe(nodes, checks, known);
    let program = this.programs.get(key);
    if (program === undefined) {
      program = this.compileLazy(nodes, checks, order, leaves);
      this.programs.add(key, program);
    }
    return program.run([...leaves.values()]);
  }

  private compileLazy(
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
    return this.programs.size;
  }

  close(): void {
    this.programs.clear();
    this.memory.programs.close();
    this.memory.evacuate();
    this.device.close();
  }
}

/** The lazy graph in order, its leaves, and a text that is equal for graphs of the same structure. */
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

let current: Engine | undefined;
let requested: BackendOptions = {};
let generation = 0;

/** A variable of the environment; one that is empty counts as not set. */
function environment(name: string): string | undefined {
  const value = typeof process === "undefined" ? undefined : process.env?.[name];
  return value === "" ? undefined : value;
}

/** What a backend may be asked for by. */
const choices = ["auto", ...backendNames] as const;
const isBackend = (name: string): name is (typeof choices)[number] => choices.some((known) => known === name);

type Choice = BackendOptions & Partial<Pick<BackendInfo, "description" | "warning">>;

/** What `backendInfo` gave is accepted, so that a program can return to it. */
const backendKinds: OptionKinds<Choice> = {
  backend: kind.oneOf(...choices),
  threads: kind.either(kind.oneOf("auto"), kind.number),
  description: kind.string,
  warning: kind.anything,
};

function chosenOptions(options: BackendOptions): { backend: BackendName | "auto"; threads: number | "auto" } {
  checkOptions<Choice>("useBackend", options, backendKinds);
  const backend = options.backend ?? environment("HEBB_BACKEND") ?? "auto";
  if (!isBackend(backend)) {
    throw new HebbError(
      `${options.backend === undefined ? "HEBB_BACKEND: " : ""}backend "${backend}" does not exist; use ${choices.map((name) => `"${name}"`).join(", ")}`,
    );
  }
  const threads = options.threads ?? environment("HEBB_THREADS") ?? "auto";
  const count = threads === "auto" ? threads : Number(threads);
  if (count !== "auto" && !(Number.isInteger(count) && count >= 1 && count <= 256)) {
    throw new HebbError(
      `${options.threads === undefined ? "HEBB_THREADS" : "threads"} must be a whole number from 1 to 256 or "auto", got "${threads}"`,
    );
  }
  return { backend, threads: count };
}

/** The engine in use, started at the first value asked for. */
export function engine(): Engine {
  if (current === undefined) {
    const { backend, threads } = chosenOptions(requested);
    const { device, reason } = deviceFor(backend, threads);
    current = new Engine(device, reason);
  }
  return current;
}

/** The device, and why it is not a faster one. */
function deviceFor(
  backend: BackendName | "auto",
  threads: number | "auto",
): { readonly device: Device; readonly reason?: string } {
  switch (backend) {
    case "reference":
      return { device: createReferenceDevice() };
    case "wasm":
      return { device: createWasmDevice({ threads }) };
    case "c":
      return { device: createCDevice({ threads }) };
    case "auto":
      return fastestDevice(threads);
  }
}

/** Where c and WebAssembly are missing, the reference computes: slowly, everywhere. */
function fastestDevice(threads: number | "auto"): { readonly device: Device; readonly reason?: string } {
  try {
    return { device: createCDevice({ threads, sparing: true }) };
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    const missing = wasmMissing();
    if (missing === undefined) return { device: createWasmDevice({ threads }), reason: `not c: ${error.message}` };
    return { device: createReferenceDevice(), reason: `not wasm: ${missing}` };
  }
}

/** Changes with every switch of backend: programs compiled before it must be compiled again. */
export const engineGeneration = (): number => generation;

/** Chooses the backend for everything from here on. Values move with it. */
export function useBackend(options: BackendOptions): BackendInfo {
  chosenOptions(options);
  current?.close();
  current = undefined;
  requested = options;
  generation++;
  return backendInfo();
}

/** Moves all values to the host, so that another device can take over from one that gives them later. */
export async function moveToHost(): Promise<void> {
  await current?.memory.evacuateLater();
}

/** Puts a device to use that was made elsewhere. Values move to it; from an asynchronous one after `moveToHost`. */
export function useDevice(device: Device): void {
  current?.close();
  current = new Engine(device, undefined);
  generation++;
}

/** Which backend runs, with how many threads, and why. */
export function backendInfo(): BackendInfo {
  const { device, reason } = engine();
  const { backend, threads } = device;
  const wish = unmet(backend, threads);
  const remarks = [reason, wish?.what].filter((remark) => remark !== undefined);
  const description = remarks.length === 0 ? device.description : `${device.description} (${remarks.join("; ")})`;
  const warning = device.warning ?? wish;
  return { backend, threads, description, ...(warning === undefined ? {} : { warning }) };
}

/** What the environment asks for and does not get, or gets to its harm. */
function unmet(backend: BackendName, threads: number): Warning | undefined {
  const asked = ["HEBB_CC", "HEBB_CFLAGS"].filter((name) => environment(name) !== undefined);
  const automatic = (requested.backend ?? environment("HEBB_BACKEND") ?? "auto") === "auto";
  if (backend !== "c" && automatic && asked.length > 0)
    return {
      what: `${asked.join(" and ")} ask${asked.length === 1 ? "s" : ""} for a C compiler, which does not work`,
      fix: `correct or unset ${asked.length === 1 ? "it" : "them"}; HEBB_BACKEND=c says what is wrong`,
    };
  const processors = availableThreads();
  if (backend === "reference" || threads <= processors) return undefined;
  return {
    what: `${threads} threads share ${processors} processors and wait for each other`,
    fix: `${requested.threads === undefined ? "set HEBB_THREADS" : "set threads"} to at most ${processors}, or leave the number out`,
  };
}

/** Device memory in use and obtained, in bytes, and the number of cached eager programs. */
export function memoryInfo(): { liveBytes: number; reservedBytes: number; programs: number } {
  const running = engine();
  return { ...running.device.memory(), programs: running.programCount };
}
