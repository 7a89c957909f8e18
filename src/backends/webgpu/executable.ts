// A compiled program on a GPU: its shaders, and the table of memory offsets for each launch.
import type { BufferInfo, Program } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { byteSize } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import type { KernelForm } from "../analysis/kernelForms.ts";
import { type Launch, scheduleOf } from "../gpu/launches.ts";
import { mapKernel, type Target } from "../gpu/mapping.ts";
import { phasesOf } from "../gpu/phases.ts";
import { usage } from "./flags.ts";
import { grid, type Role } from "./pipelines.ts";
import type { Session } from "./session.ts";
import { shaderOf } from "./wgsl/shader.ts";

/** Launch tables start at multiples of this: the largest `minUniformBufferOffsetAlignment` that WebGPU allows. */
const alignment = 256;

/** Most launches per submission: drivers reset a card that is busy for seconds, and a loop over time may have 100,000 launches. */
const mostTogether = 1024;

interface Shader {
  readonly code: string;
  readonly role: Role;
  readonly groups: number;
  /** The launch's buffers, followed by the scratch, possibly once per dtype. */
  readonly buffers: readonly BufferInfo[];
}

/** The compiled form of a program: pure, without a device. */
export interface Emitted {
  readonly name: string;
  readonly launches: readonly { readonly shader: Shader; readonly launch: Launch }[];
  readonly shaders: readonly Shader[];
  /** The number of instructions in the program. Each launch belongs to one. */
  readonly instructions: number;
  /** Bytes of one launch's table. */
  readonly stride: number;
  /** Bytes that pass results from one launch to the next. */
  readonly scratchBytes: number;
}

/** Writes the shaders for all launches of a program's run. */
export function emitProgram(program: Program, target: Target): Emitted {
  const schedule = scheduleOf(program);
  const shaders = new Map<KernelForm, readonly Shader[]>();
  let scratchBytes = 0;
  const shadersFor = (form: KernelForm): readonly Shader[] => {
    const known = shaders.get(form);
    if (known !== undefined) return known;
    const phases = phasesOf(form, target);
    scratchBytes = Math.max(scratchBytes, phases.scratchBytes);
    const made = phases.forms.map((phase) => shaderFor(phase, target)).filter(({ groups }) => groups > 0);
    shaders.set(form, made);
    return made;
  };
  const launches = schedule.launches.flatMap((launch) => shadersFor(launch.form).map((shader) => ({ launch, shader })));
  // A loop over time can have more launches than a call can have arguments.
  const most = launches.reduce((highest, { shader }) => Math.max(highest, shader.buffers.length), 1);
  return {
    name: program.name,
    launches,
    shaders: [...shaders.values()].flat(),
    instructions: program.kernels.length,
    stride: Math.ceil((4 * most) / alignment) * alignment,
    scratchBytes,
  };
}

function shaderFor(form: KernelForm, target: Target): Shader {
  const { kernel, buffers } = form;
  const mapping = mapKernel(kernel, target);
  const checks = kernel.kind === "loops" && kernel.body.some(({ kind }) => kind === "check");
  const code = mapping.groups === 0 ? "" : shaderOf(form, mapping);
  return { code, role: checks ? "check" : "plain", groups: mapping.groups, buffers };
}

/** The program on an open device. */
export class LoadedProgram {
  readonly #session: Session;
  readonly #emitted: Emitted;
  readonly #pipelines: ReadonlyMap<Shader, GPUComputePipeline>;
  readonly #table: Uint32Array<ArrayBuffer>;
  readonly #base: GPUBuffer;
  #written = false;
  #groups: { readonly generation: number; readonly of: Readonly<Record<Role, GPUBindGroup>> } | undefined;

  constructor(session: Session, emitted: Emitted) {
    this.#session = session;
    this.#emitted = emitted;
    this.#pipelines = new Map(
      emitted.shaders.map((shader) => [shader, session.pipelines.take(shader.code, shader.role)]),
    );
    const bytes = Math.max(1, emitted.launches.length) * emitted.stride;
    this.#table = new Uint32Array(bytes / 4);
    this.#base = session.gpu.createBuffer({ size: bytes, usage: usage.uniform | usage.copyTarget });
  }

  get scratchBytes(): number {
    return this.#emitted.scratchBytes;
  }

  /** Enqueues the launches. The addresses are those of the arguments, then the arena. */
  run(addresses: readonly number[], scratch: number): void {
    const launch = this.#prepared(addresses, scratch);
    const { length } = this.#emitted.launches;
    for (let from = 0; from < length; from += mostTogether)
      this.#session.submit((pass) => {
        for (let place = from; place < Math.min(length, from + mostTogether); place++) launch(pass, place);
      });
  }

  /** Runs the program; returns the nanoseconds of each of its instructions. */
  async runTimed(addresses: readonly number[], scratch: number): Promise<readonly number[]> {
    const { launches, instructions } = this.#emitted;
    const times = await this.#session.timed(launches.length, this.#prepared(addresses, scratch));
    const sums = new Array<number>(instructions).fill(0);
    for (const [place, { launch }] of launches.entries())
      sums[launch.instruction] = at(sums, launch.instruction) + at(times, place);
    return sums;
  }

  /** Writes the table; returns a function that encodes a launch into a pass. */
  #prepared(addresses: readonly number[], scratch: number): (pass: GPUComputePassEncoder, place: number) => void {
    const session = this.#session;
    const emitted = this.#emitted;
    const pipelines = this.#pipelines;
    if (this.#fillTable(addresses, scratch) || !this.#written) {
      session.gpu.queue.writeBuffer(this.#base, 0, this.#table);
      this.#written = true;
    }
    const groups = this.#bindGroups();
    return (pass, place) => {
      const { shader } = at(emitted.launches, place);
      const pipeline = pipelines.get(shader);
      if (pipeline === undefined) throw new InternalError(`${emitted.name} was released`);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, groups[shader.role], [place * emitted.stride]);
      pass.dispatchWorkgroups(...grid(shader.groups));
    };
  }

  /** Fills the table; returns whether an entry changed. */
  #fillTable(addresses: readonly number[], scratch: number): boolean {
    const table = this.#table;
    const emitted = this.#emitted;
    let changed = false;
    let row = 0;
    for (const { launch, shader } of emitted.launches) {
      for (const [place, { dtype }] of shader.buffers.entries()) {
        const operand = launch.operands[place];
        const address = operand === undefined ? scratch : at(addresses, operand.slot) + operand.byteOffset;
        const unit = address / Math.min(byteSize(dtype), 4);
        if (table[row + place] === unit) continue;
        table[row + place] = unit;
        changed = true;
      }
      row += emitted.stride / 4;
    }
    return changed;
  }

  #bindGroups(): Readonly<Record<Role, GPUBindGroup>> {
    const { heap, pipelines, status } = this.#session;
    if (this.#groups?.generation !== heap.generation) {
      const group = (role: Role): GPUBindGroup =>
        pipelines.bindGroup(role, heap.buffer, status, this.#base, this.#emitted.stride);
      this.#groups = { generation: heap.generation, of: { plain: group("plain"), check: group("check") } };
    }
    return this.#groups.of;
  }

  release(): void {
    for (const { code } of this.#emitted.shaders) this.#session.pipelines.release(code);
    this.#base.destroy();
  }
}
