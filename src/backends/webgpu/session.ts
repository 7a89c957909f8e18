// An open GPU: its memory, its shaders, its status, and the work in its queue.
import { allocate, byteSize, type ElementType, type TypedArray, viewOf } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import { mapRead, statusWords, usage } from "./flags.ts";
import { Heap } from "./heap.ts";
import { grid, type Library, Pipelines } from "./pipelines.ts";

const moveShader = (conditional: boolean, move: string): string => `
@group(0) @binding(0) var<storage, read_write> heap: array<u32>;
@group(0) @binding(1) var<storage, read> status: array<u32>;
@group(0) @binding(2) var<uniform> base: vec4<u32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = (id.y * count.x + id.x) * 64u + lane;
  if (place >= base.z${conditional ? " || status[0] != 0u" : ""}) { return; }
  ${move}
}
`;
const copyText = "heap[base.y + place] = heap[base.x + place];";
const shaders = {
  copy: moveShader(false, copyText),
  /** Skipped if a run has failed. */
  assign: moveShader(true, copyText),
  fill: moveShader(false, "heap[base.x + place] = base.y;"),
  /** Fills with two alternating words. */
  fillPairs: moveShader(false, "heap[base.x + place] = select(base.y, base.w, (place & 1u) == 1u);"),
};

const words = (bytes: number): number => Math.ceil(bytes / 4);
const moveBytes = 256;
/** Most staging buffers kept for later reads. */
const mostStaging = 32;
const smallRead = 4096;
/** Most timed passes per query set, which holds at most 4,096 queries. */
const mostTimed = 2048;

export class Session {
  readonly gpu: GPUDevice;
  readonly heap: Heap;
  readonly pipelines: Pipelines;
  readonly status: GPUBuffer;
  readonly #move: GPUBuffer;
  #moveGroup: { readonly generation: number; readonly group: GPUBindGroup } | undefined;
  readonly #staging: GPUBuffer[] = [];

  constructor(gpu: GPUDevice, library: Library, failed: (error: HebbError) => void) {
    this.gpu = gpu;
    this.heap = new Heap(gpu, failed);
    this.pipelines = new Pipelines(gpu, library);
    const bytes = 4 * statusWords.count;
    this.status = gpu.createBuffer({ size: bytes, usage: usage.storage | usage.copySource | usage.copyTarget });
    this.#move = gpu.createBuffer({ size: moveBytes, usage: usage.uniform | usage.copyTarget });
  }

  write(address: number, data: TypedArray): void {
    if (data.byteLength === 0) return;
    this.gpu.queue.writeBuffer(this.heap.buffer, address, wholeWords(data));
  }

  copy(from: number, to: number, bytes: number, kind: "copy" | "assign"): void {
    this.#carryOutMove(shaders[kind], words(bytes), [from / 4, to / 4, words(bytes), 0]);
  }

  fill(address: number, dtype: ElementType, length: number, value: number): void {
    const count = words(length * byteSize(dtype));
    const pattern = new Uint32Array(2);
    viewOf(dtype, pattern.buffer, 0, 8 / byteSize(dtype)).fill(value);
    const [low = 0, high = 0] = pattern;
    this.#carryOutMove(dtype === "float64" ? shaders.fillPairs : shaders.fill, count, [address / 4, low, count, high]);
  }

  #carryOutMove(code: string, count: number, parameters: readonly number[]): void {
    if (count === 0) return;
    const { gpu, heap, pipelines } = this;
    gpu.queue.writeBuffer(this.#move, 0, Uint32Array.from(parameters));
    if (this.#moveGroup?.generation !== heap.generation)
      this.#moveGroup = {
        generation: heap.generation,
        group: pipelines.bindGroup("plain", heap.buffer, this.status, this.#move, moveBytes),
      };
    const { group } = this.#moveGroup;
    this.submit((pass) => {
      pass.setPipeline(pipelines.take(code, "plain"));
      pass.setBindGroup(0, group, [0]);
      pass.dispatchWorkgroups(...grid(Math.ceil(count / 64)));
    });
  }

  /** Throws if the card has no timestamps. */
  mustTellTime(): void {
    if (!this.gpu.features.has("timestamp-query"))
      throw new HebbError(
        'this graphics card does not tell how long its kernels take (no "timestamp-query"); profile with the backend "c" or "wasm"',
      );
  }

  /** Resolves with the reason when the GPU is lost. */
  get lost(): Promise<HebbError> {
    return this.gpu.lost.then(
      ({ message }) =>
        new HebbError(
          `the GPU was lost (${message || "no reason given"}), and what was on it is gone; start again from the last checkpoint`,
        ),
    );
  }

  /** Nanoseconds of each of `count` passes, submitted in groups of about 2,000. */
  async timed(count: number, fill: (pass: GPUComputePassEncoder, place: number) => void): Promise<readonly number[]> {
    const { gpu } = this;
    const found: number[] = [];
    for (let first = 0; first < count; first += mostTimed) {
      const some = Math.min(mostTimed, count - first);
      const querySet = gpu.createQuerySet({ type: "timestamp", count: 2 * some });
      const times = gpu.createBuffer({ size: 16 * some, usage: usage.queryResults | usage.copySource });
      const encoder = gpu.createCommandEncoder();
      for (let place = 0; place < some; place++) {
        const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * place, endOfPassWriteIndex: 2 * place + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        fill(pass, first + place);
        pass.end();
      }
      encoder.resolveQuerySet(querySet, 0, 2 * some, times, 0);
      gpu.queue.submit([encoder.finish()]);
      const read = new DataView(await this.#readBuffer(times, 0, 16 * some));
      for (let pass = 0; pass < 16 * some; pass += 16)
        found.push(Math.max(0, Number(read.getBigUint64(pass + 8, true) - read.getBigUint64(pass, true))));
      querySet.destroy();
      times.destroy();
    }
    return found;
  }

  /** Submits a single pass. */
  submit(fill: (pass: GPUComputePassEncoder) => void): void {
    const encoder = this.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    fill(pass);
    pass.end();
    this.gpu.queue.submit([encoder.finish()]);
  }

  async read(address: number, dtype: ElementType, length: number): Promise<TypedArray> {
    const bytes = length * byteSize(dtype);
    const value = allocate(dtype, length);
    if (bytes === 0) return value;
    const copy = await this.#readBuffer(this.heap.buffer, address, 4 * words(bytes));
    new Uint8Array(value.buffer).set(new Uint8Array(copy, 0, bytes));
    return value;
  }

  async readStatus(): Promise<Uint32Array> {
    return new Uint32Array(await this.#readBuffer(this.status, 0, 4 * statusWords.count));
  }

  async #readBuffer(from: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const { gpu } = this;
    const small = bytes <= smallRead;
    const staging =
      (small ? this.#staging.pop() : undefined) ??
      gpu.createBuffer({ size: small ? smallRead : bytes, usage: usage.mapRead | usage.copyTarget });
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from, offset, staging, 0, bytes);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(mapRead, 0, bytes);
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    if (small && this.#staging.length < mostStaging) this.#staging.push(staging);
    else staging.destroy();
    return copy;
  }

  /** Sets the current run number for checks. */
  writePresent(run: number): void {
    this.gpu.queue.writeBuffer(this.status, 4 * statusWords.present, Uint32Array.of(run));
  }

  clearFailure(): void {
    this.gpu.queue.writeBuffer(this.status, 0, Uint32Array.of(0));
  }

  close(): void {
    this.heap.buffer.destroy();
    this.status.destroy();
    this.#move.destroy();
    for (const buffer of this.#staging) buffer.destroy();
    this.gpu.destroy();
  }
}

/** The bytes as WebGPU accepts them: a multiple of four, and not in shared memory. */
function wholeWords(data: TypedArray): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = data;
  if (buffer instanceof ArrayBuffer && byteLength % 4 === 0) return new Uint8Array(buffer, byteOffset, byteLength);
  const copy = new Uint8Array(4 * words(byteLength));
  copy.set(new Uint8Array(buffer, byteOffset, byteLength));
  return copy;
}
