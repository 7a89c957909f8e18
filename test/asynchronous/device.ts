// A toy device unlike a processor: it has its own memory, works later, is read by promise only and reports failures late.
import type { AsynchronousDevice, Block, Executable, FailedRun } from "../../src/backends/backend.ts";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import type { FailedCheck } from "../../src/compiler/checks.ts";
import type { Program } from "../../src/compiler/kernel.ts";
import type { ElementType, TypedArray } from "../../src/graph/dtype.ts";

export const createLaterDevice = (): LaterDevice => new LaterDevice();

class LaterDevice implements AsynchronousDevice {
  readonly backend = "reference";
  readonly asynchronous = true;
  readonly description = "the reference interpreter, later";
  readonly threads = 1;
  readonly budgetBytes = 2 ** 13;
  /** The number of reads. */
  reads = 0;
  readonly #within = createReferenceDevice();
  /** Submitted work that is not done yet. */
  readonly #queue: (() => void)[] = [];
  #runs = 0;
  #failed: FailedRun | undefined;

  allocate(bytes: number): Block {
    return this.#within.allocate(bytes);
  }

  /** Work submitted earlier may still need the memory. */
  free(block: Block): void {
    this.#give(() => this.#within.free(block));
  }

  write(block: Block, data: TypedArray): void {
    const copy = data.slice();
    this.#give(() => this.#within.write(block, copy));
  }

  fill(block: Block, dtype: ElementType, length: number, value: number): void {
    this.#give(() => this.#within.fill(block, dtype, length, value));
  }

  copy(from: Block, to: Block): void {
    this.#give(() => this.#within.copy(from, to));
  }

  assign(from: Block, to: Block): void {
    this.#give(() => {
      if (this.#failed === undefined) this.#within.copy(from, to);
    });
  }

  read(block: Block, dtype: ElementType, length: number): Promise<TypedArray> {
    this.reads++;
    return new Promise((resolve, reject) => {
      this.#give(() => {
        try {
          resolve(this.#within.read(block, dtype, length));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  settle(): Promise<FailedRun | undefined> {
    return new Promise((resolve) => this.#give(() => resolve(this.#failed)));
  }

  resume(): void {
    this.#give(() => {
      this.#failed = undefined;
    });
  }

  compile(program: Program): Executable {
    const within = this.#within.compile(program);
    const run = (blocks: readonly Block[]): FailedCheck | undefined => {
      const number = this.#runs++;
      const given = [...blocks];
      this.#give(() => {
        // A run after a failed one returns nothing and assigns nothing.
        if (this.#failed !== undefined) return;
        const check = within.run(given);
        if (check !== undefined) this.#failed = { run: number, executable, check };
      });
      return undefined;
    };
    const executable: Executable = {
      bytes: within.bytes,
      takesHostBlocks: false,
      run,
      profile: () => program.kernels.map(() => 0),
      release: () => this.#give(() => within.release()),
    };
    return executable;
  }

  memory(): { readonly liveBytes: number; readonly reservedBytes: number } {
    return this.#within.memory();
  }

  close(): void {
    this.#give(() => this.#within.close());
  }

  /** Performs one piece of work at a time, each in its own turn of the event loop. */
  #give(work: () => void): void {
    this.#queue.push(work);
    if (this.#queue.length === 1) setImmediate(() => this.#next());
  }

  #next(): void {
    try {
      this.#queue[0]?.();
    } finally {
      this.#queue.shift();
      if (this.#queue.length > 0) setImmediate(() => this.#next());
    }
  }
}
