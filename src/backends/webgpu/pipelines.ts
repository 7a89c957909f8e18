// Compiled shaders, one per text, shared by all programs and kept for a while after their last use.
import { computeStage } from "./flags.ts";

/** A check writes the device's status; everything else reads from it whether a run failed. */
export type Role = "plain" | "check";

/** Returns the declarations that a shader needs: wgsl/library.ts, which is loaded when a device is opened. */
export type Library = (code: string) => string;

interface Entry {
  readonly pipeline: GPUComputePipeline;
  users: number;
}

/** Most unused shaders to keep. */
const mostUnused = 500;

export class Pipelines {
  readonly #gpu: GPUDevice;
  readonly #entries = new Map<string, Entry>();
  readonly #layouts: Readonly<Record<Role, GPUBindGroupLayout>>;
  #unused = 0;
  readonly #declarationsFor: Library;

  constructor(gpu: GPUDevice, declarationsFor: Library) {
    this.#gpu = gpu;
    this.#declarationsFor = declarationsFor;
    const layout = (status: "read-only-storage" | "storage"): GPUBindGroupLayout =>
      gpu.createBindGroupLayout({
        entries: [
          { binding: 0, visibility: computeStage, buffer: { type: "storage" } },
          { binding: 1, visibility: computeStage, buffer: { type: status } },
          { binding: 2, visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } },
        ],
      });
    this.#layouts = { plain: layout("read-only-storage"), check: layout("storage") };
  }

  /** The pipeline of a shader, until `release`. */
  take(code: string, role: Role): GPUComputePipeline {
    let entry = this.#entries.get(code);
    if (entry === undefined) {
      entry = { pipeline: this.#compile(code, role), users: 0 };
      this.#unused++;
    } else this.#entries.delete(code);
    this.#entries.set(code, entry);
    if (entry.users++ === 0) this.#unused--;
    return entry.pipeline;
  }

  release(code: string): void {
    const entry = this.#entries.get(code);
    if (entry === undefined || --entry.users > 0) return;
    this.#unused++;
    if (this.#unused <= mostUnused) return;
    for (const [old, { users }] of this.#entries) {
      if (users > 0) continue;
      this.#entries.delete(old);
      this.#unused--;
      return;
    }
  }

  bindGroup(role: Role, heap: GPUBuffer, status: GPUBuffer, base: GPUBuffer, baseBytes: number): GPUBindGroup {
    return this.#gpu.createBindGroup({
      layout: this.#layouts[role],
      entries: [
        { binding: 0, resource: { buffer: heap } },
        { binding: 1, resource: { buffer: status } },
        { binding: 2, resource: { buffer: base, offset: 0, size: baseBytes } },
      ],
    });
  }

  #compile(code: string, role: Role): GPUComputePipeline {
    const layout = this.#gpu.createPipelineLayout({ bindGroupLayouts: [this.#layouts[role]] });
    const module = this.#gpu.createShaderModule({ code: `${code}\n${this.#declarationsFor(code)}` });
    return this.#gpu.createComputePipeline({ layout, compute: { module, entryPoint: "main" } });
  }
}

/** Workgroups in two dims, with at most 65,535 in each. */
export function grid(groups: number): readonly [number, number] {
  const most = 65535;
  return groups <= most ? [groups, 1] : [most, Math.ceil(groups / most)];
}
