// The memory of the device: one growing buffer that holds every block. Offsets stay valid when it grows.
import { HebbError } from "../../graph/errors.ts";
import { megabytes, usage } from "./flags.ts";

const first = 2 ** 20;
const step = 2 ** 16;
/** The largest reserve of a growing heap; smaller heaps double. */
const mostReserve = 256 * 2 ** 20;

const sizeExactly = (bytes: number): number => Math.ceil(bytes / step) * step;

/** The size of a heap that must hold this many bytes. */
export function sizeFor(bytes: number, most: number): number {
  const wish = Math.max(first, bytes + Math.min(bytes, mostReserve));
  return Math.min(most, sizeExactly(wish));
}

export class Heap {
  readonly most: number;
  readonly #gpu: GPUDevice;
  #current: GPUBuffer;
  /** Counts buffers: references to an earlier one must be recreated. */
  generation = 0;

  constructor(gpu: GPUDevice, failed: (error: HebbError) => void) {
    this.#gpu = gpu;
    this.most = Math.floor(Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize) / step) * step;
    const size = sizeFor(0, this.most);
    const { buffer, present } = this.#make(size);
    this.#current = buffer;
    void present.then((there) => {
      if (!there) failed(outOfMemory(size));
    });
  }

  get buffer(): GPUBuffer {
    return this.#current;
  }

  get bytes(): number {
    return this.#current.size;
  }

  /**
   * Ensures this many bytes. If the heap must grow, returns a promise that resolves when it has: only then is it known whether the card
   * has the memory. One growth at a time.
   */
  ensure(bytes: number): Promise<void> | undefined {
    if (bytes <= this.#current.size) return undefined;
    if (bytes > this.most) throw this.tooLarge(bytes);
    return this.#grow(bytes);
  }

  /** Grows with a reserve, or without one if the card lacks the memory. */
  async #grow(bytes: number): Promise<void> {
    const exact = sizeExactly(bytes);
    const next = (await this.#made(sizeFor(bytes, this.most))) ?? (await this.#made(exact));
    if (next === undefined) throw outOfMemory(exact);
    const current = this.#current;
    const encoder = this.#gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(current, 0, next, 0, current.size);
    this.#gpu.queue.submit([encoder.finish()]);
    current.destroy();
    this.#current = next;
    this.generation++;
  }

  tooLarge(bytes: number): HebbError {
    return new HebbError(
      `out of memory on the GPU: ${megabytes(bytes)} are needed, and its largest buffer is ${megabytes(this.most)}; use a smaller batch or model, or the backend "c" or "wasm"`,
    );
  }

  async #made(size: number): Promise<GPUBuffer | undefined> {
    const { buffer, present } = this.#make(size);
    if (await present) return buffer;
    buffer.destroy();
    return undefined;
  }

  #make(size: number): { readonly buffer: GPUBuffer; readonly present: Promise<boolean> } {
    this.#gpu.pushErrorScope("out-of-memory");
    const buffer = this.#gpu.createBuffer({
      size,
      usage: usage.storage | usage.copySource | usage.copyTarget,
    });
    // A lost card does not answer; the loss is reported elsewhere.
    const present = this.#gpu.popErrorScope().then(
      (error) => error === null,
      () => true,
    );
    return { buffer, present };
  }
}

const outOfMemory = (size: number): HebbError =>
  new HebbError(
    `out of memory on the GPU: it has no ${megabytes(size)}; use a smaller batch or model, or the backend "c" or "wasm"`,
  );
