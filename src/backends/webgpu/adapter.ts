// Finds the GPU: the browser's WebGPU, or in Node the package webgpu, which is loaded on first use.
import { HebbError } from "../../graph/errors.ts";
import { float16Feature, matrixFeature } from "./halves.ts";
import { subgroupFeature } from "./subgroups.ts";

/** The requested adapter. "real": not one that computes on the CPU. */
export type Wanted = "any" | "real";

export interface Adapter {
  readonly adapter: GPUAdapter;
  /** Vendor and architecture, or the driver's own name. */
  readonly name: string;
  /** Whether it computes on the CPU. */
  readonly software: boolean;
}

interface Dawn {
  create(options: readonly string[]): GPU;
}

/** One per process: Dawn allows no second. */
let dawn: GPU | undefined;

function gpuOf(): GPU {
  if (typeof navigator !== "undefined" && "gpu" in navigator && navigator.gpu) return navigator.gpu;
  const get = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  if (get === undefined)
    throw new HebbError('this browser has no WebGPU; use useBackend({ backend: "wasm" }), or a browser that has it');
  if (dawn !== undefined) return dawn;
  try {
    const load = get("node:module").createRequire(import.meta.url);
    const asked = process.env["HEBB_DAWN_FEATURES"];
    dawn = (load("webgpu") as Dawn).create(asked ? [`enable-dawn-features=${asked}`] : []);
    return dawn;
  } catch (error) {
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    // The package may be installed without its part for this machine.
    const missing = why.includes("Cannot find module 'webgpu'");
    throw new HebbError(
      missing
        ? "the backend webgpu needs the package webgpu in Node; install it with npm install webgpu"
        : `the package webgpu cannot be loaded (${why}); use another backend`,
    );
  }
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/** The adapter, or a HebbError with the reason there is none. */
export async function findAdapter(wanted: Wanted): Promise<Adapter> {
  const adapter = await gpuOf().requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null)
    throw new HebbError(
      'no graphics card that WebGPU can use was found; install its driver (on Linux with the Vulkan loader, libvulkan1), or use the backend "c" or "wasm"',
    );
  const { info } = adapter;
  const name = info.description || [info.vendor, info.architecture].filter((part) => part !== "").join(" ") || "a GPU";
  const software =
    info.isFallbackAdapter || [name, info.vendor, info.architecture].some((part) => softwareNames.test(part));
  if (wanted === "real" && software)
    throw new HebbError(`WebGPU has only ${name} here, which computes on the processor; "c" and "wasm" are faster`);
  return { adapter, name, software };
}

/** The device, with the adapter's full memory limits. */
export async function openDevice({ adapter, name }: Adapter): Promise<GPUDevice> {
  const optional = ["timestamp-query", subgroupFeature, float16Feature, matrixFeature] as const;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  try {
    return await adapter.requestDevice({
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
      // Profiling needs the first; the others speed up reductions and float16 products.
      requiredFeatures: optional.filter((feature) => adapter.features.has(feature)),
    });
  } catch (error) {
    throw new HebbError(
      `${name} cannot be used (${error instanceof Error ? error.message : error}); use another backend`,
    );
  }
}

/** A description of the card that `webgpu` would use, or of the reason it would not. */
export async function describeCard(): Promise<{ readonly usable: boolean; readonly text: string }> {
  try {
    const { name, software } = await findAdapter("any");
    const text = software
      ? `${name}, which computes on the processor`
      : `${name}; --backend webgpu takes it, and auto for training steps of at least 1 GFLOP`;
    return { usable: true, text };
  } catch (error) {
    return { usable: false, text: error instanceof Error ? error.message : String(error) };
  }
}
