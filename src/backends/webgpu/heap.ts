// The memory of the device: one growing buffer, of which every block is a range. Offsets stay valid when it grows.
import { HebbError } from "../../graph/errors.ts";
import { megabytes, usage } from "./flags.ts";

const first = 2 ** 20;
const step = 2 ** 16;
/** A heap that is larger grows by this much at least, a smaller one doubles. */
const mostReserve = 256 * 2 ** 20;

/** How large a heap is made that must have so many bytes. */
export function sizeFor(bytes: number, most: number): number {
  const wish = Math.max(first, bytes + Math.min(bytes, mostReserve));
  return Math.min(most, Math.ceil(wish / step) * step);
}

export class Heap {
  readonly most: number;
  readonly #gpu: GPUDevice;
  readonly #failed: (error: HebbError) => void;
  #current: GPUBuffer;
  /** Counts buffers: what refers to an earlier one must be made again. */
  generation = 0;

  constructor(gpu: GPUDevice, failed: (error: HebbError) => void) {
    this.#gpu = gpu;
    this.#failed = failed;
    this.most = Math.floor(Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize) / step) * step;
    this.#current = this.#make(sizeFor(0, this.most));
  }

  get buffer(): GPUBuffer {
    return this.#current;
  }

  get bytes(): number {
    return this.#current.size;
  }

  /** Makes sure that there are so many bytes. */
  ensure(bytes: number): void {
    const current = this.#current;
    if (bytes <= current.size) return;
    if (bytes > this.most) throw this.tooLarge(bytes);
    const next = this.#make(sizeFor(bytes, this.most));
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

  #make(size: number): GPUBuffer {
    this.#gpu.pushErrorScope("out-of-memory");
    const buffer = this.#gpu.createBuffer({
      size,
      usage: usage.storage | usage.copySource | usage.copyTarget,
    });
    void this.#gpu.popErrorScope().then((error) => {
      if (error !== null)
        this.#failed(
          new HebbError(
            `out of memory on the GPU: it has no ${megabytes(size)}; use a smaller batch or model, or the backend "c" or "wasm"`,
          ),
        );
    });
    return buffer;
  }
}
