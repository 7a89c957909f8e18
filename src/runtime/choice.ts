// Chooses the device from the options, the environment, and what is available here.
import { type BackendName, backendNames, type Device, type Warning } from "../backends/backend.ts";
import { createCDevice, unusedCompiler } from "../backends/c/index.ts";
import { createReferenceDevice } from "../backends/reference/index.ts";
import { availableThreads, createWasmDevice, wasmMissing } from "../backends/wasm/index.ts";
import { createWebgpuDevice } from "../backends/webgpu/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";

export interface BackendOptions {
  /** "auto" takes the fastest backend that works here. Default: HEBB_BACKEND, else "auto". */
  readonly backend?: BackendName | "auto";
  /** Threads of the c and wasm backends. Default: HEBB_THREADS, else one per processor. */
  readonly threads?: number | "auto";
}

export interface BackendInfo {
  readonly backend: BackendName;
  readonly threads: number;
  /** The configuration and the reason for it, in one line. */
  readonly description: string;
  readonly warning?: Warning | undefined;
}

/** An environment variable. An empty one, or one that the program may not read (Deno asks), counts as unset. */
function environment(name: string): string | undefined {
  try {
    const value = typeof process === "undefined" ? undefined : process.env?.[name];
    return value === "" ? undefined : value;
  } catch {
    return undefined;
  }
}

/** The names of the backends that can be requested. */
const choices = ["auto", ...backendNames] as const;
const isBackend = (name: string): name is (typeof choices)[number] => choices.some((known) => known === name);

type Choice = BackendOptions & Partial<Pick<BackendInfo, "description" | "warning">>;

/** The fields of `backendInfo` are accepted too, so that a program can restore an earlier backend. */
const backendKinds: OptionKinds<Choice> = {
  backend: kind.oneOf(...choices),
  threads: kind.either(kind.oneOf("auto"), kind.number),
  description: kind.string,
  warning: kind.anything,
};

/** The checked options; omitted ones come from the environment. */
export function chosenOptions(
  where: string,
  options: BackendOptions,
): { backend: BackendName | "auto"; threads: number | "auto" } {
  checkOptions<Choice>(where, options, backendKinds);
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

/** A started device, and the reason it is not a faster one. */
export interface Started {
  readonly device: Device;
  readonly reason?: string | undefined;
}

export function startDevice(where: string, options: BackendOptions): Started {
  const { backend, threads } = chosenOptions(where, options);
  switch (backend) {
    case "reference":
      return { device: createReferenceDevice() };
    case "wasm":
      return { device: createWasmDevice({ threads }) };
    case "c":
      return { device: createCDevice({ threads }) };
    case "webgpu":
      return { device: createWebgpuDevice() };
    case "auto":
      return fastestDevice(threads);
  }
}

/** Without c and WebAssembly, the reference backend computes: slowly, but everywhere. */
function fastestDevice(threads: number | "auto"): Started {
  try {
    return { device: createCDevice({ threads, sparing: true }) };
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    const missing = wasmMissing();
    if (missing === undefined) return { device: createWasmDevice({ threads }), reason: `not c: ${error.message}` };
    return { device: createReferenceDevice(), reason: `not wasm: ${missing}` };
  }
}

/** Describes the device and why it was chosen, given the requested options. */
export function describeDevice({ device, reason }: Started, requested: BackendOptions): BackendInfo {
  const { backend, threads } = device;
  const wish = unmet(device, requested);
  const remarks = [reason, wish?.what].filter((remark) => remark !== undefined);
  const description = remarks.length === 0 ? device.description : `${device.description} (${remarks.join("; ")})`;
  const warning = device.warning ?? wish;
  return { backend, threads, description, ...(warning === undefined ? {} : { warning }) };
}

/** A request in the environment that is not met, or that slows the program down. */
function unmet({ backend, threads }: Device, requested: BackendOptions): Warning | undefined {
  const automatic = (requested.backend ?? environment("HEBB_BACKEND") ?? "auto") === "auto";
  const unused = backend !== "c" && automatic ? unusedCompiler(environment) : undefined;
  if (unused !== undefined) return unused;
  const processors = availableThreads();
  if (backend === "reference" || threads <= processors) return undefined;
  return {
    what: `${threads} threads share ${processors} processors and wait for each other`,
    fix: `${requested.threads === undefined ? "set HEBB_THREADS" : "set threads"} to at most ${processors}, or leave the number out`,
  };
}
