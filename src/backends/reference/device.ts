// The reference backend: interprets programs slowly and simply, and thereby defines their meaning.
import { type FailedCheck, stoppedKernels } from "../../compiler/checks.ts";
import type { BufferInfo, Instruction, Program, Window } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { allocate, byteSize, type ElementType, type TypedArray, viewOf } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import type { Block, Executable, SynchronousDevice } from "../backend.ts";
import { elementsMustFit, gone, mustBeGiven, mustBeSize, mustFit } from "../fits.ts";
import { type Claim, Workspace } from "../workspace.ts";
import { interpret, type Memory } from "./interpret.ts";

/**
 * A device without hardware: plain buffers and closures. Float values are rounded to their dtype after each operation;
 * transcendental functions, sums and contractions are computed in double and rounded once.
 */
export function createReferenceDevice(): SynchronousDevice {
  return new ReferenceDevice();
}

class ReferenceDevice implements SynchronousDevice {
  readonly backend = "reference";
  readonly description = "reference interpreter, 1 thread";
  readonly asynchronous = false;
  readonly threads = 1;
  readonly workspace = new Workspace(this);
  readonly #heap = new Map<number, ArrayBuffer>();
  #nextAddress = 1;
  #liveBytes = 0;

  allocate(bytes: number): Block {
    mustBeSize(bytes);
    const address = this.#nextAddress++;
    // Views with 8-byte elements need a multiple of 8 bytes.
    this.#heap.set(address, new ArrayBuffer(Math.ceil(bytes / 8) * 8));
    this.#liveBytes += bytes;
    return { address, bytes };
  }

  free(block: Block): void {
    this.bytes(block);
    this.#heap.delete(block.address);
    this.#liveBytes -= block.bytes;
  }

  write(block: Block, data: TypedArray, start = 0): void {
    const from = start * data.BYTES_PER_ELEMENT;
    mustFit(from + data.byteLength, block);
    new Uint8Array(this.bytes(block)).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), from);
  }

  read(block: Block, dtype: ElementType, length: number, start = 0): TypedArray {
    elementsMustFit(start + length, dtype, block);
    return viewOf(dtype, this.bytes(block), start * byteSize(dtype), length).slice();
  }

  fill(block: Block, dtype: ElementType, length: number, value: number): void {
    elementsMustFit(length, dtype, block);
    viewOf(dtype, this.bytes(block), 0, length).fill(value);
  }

  copy(from: Block, to: Block): void {
    mustFit(from.bytes, to);
    new Uint8Array(this.bytes(to)).set(new Uint8Array(this.bytes(from), 0, from.bytes));
  }

  compile(program: Program): Executable {
    return new ReferenceExecutable(this, program);
  }

  memory(): { readonly liveBytes: number; readonly reservedBytes: number } {
    return { liveBytes: this.#liveBytes, reservedBytes: this.#liveBytes };
  }

  close(): void {
    this.#heap.clear();
    this.#liveBytes = 0;
  }

  /** The memory behind a block. */
  bytes(block: Block): ArrayBuffer {
    const buffer = this.#heap.get(block.address);
    if (buffer === undefined) throw gone(block);
    return buffer;
  }
}

class ReferenceExecutable implements Executable {
  readonly takesHostBlocks = false;
  readonly bytes = 0;
  readonly #device: ReferenceDevice;
  readonly #program: Program;
  readonly #claim: Claim;
  readonly #memory: Memory = { views: [], failure: undefined };
  readonly #kernels: readonly (() => void)[];

  constructor(device: ReferenceDevice, program: Program) {
    this.#device = device;
    this.#program = program;
    this.#claim = device.workspace.claim(program.arenaBytes);
    const stopped = stoppedKernels(program);
    this.#kernels = program.kernels.map((kernel) => {
      const run = this.#runnerOf(kernel);
      return () => {
        if (this.#memory.failure === undefined || !stopped.has(kernel)) run();
      };
    });
  }

  #runnerOf(kernel: Instruction): () => void {
    if (kernel.kind !== "repeat") return interpret(kernel, this.#memory);
    const { steps, reverse, windows, body } = kernel;
    const runners = body.map((inner) => this.#runnerOf(inner));
    return () => {
      for (let step = 0; step < steps; step++) {
        const t = reverse ? steps - 1 - step : step;
        for (const window of windows) this.#show(window, t);
        for (const run of runners) run();
      }
    };
  }

  /** Moves a window to its row. */
  #show({ buffer, whole, start, shift, rows = Number.POSITIVE_INFINITY }: Window, t: number): void {
    const { views } = this.#memory;
    const all = at(views, whole);
    const { length } = at(this.#program.buffers, buffer);
    const first = start + ((t + shift) % rows) * length;
    views[buffer] = all.subarray(first, first + length);
  }

  run(blocks: readonly Block[]): FailedCheck | undefined {
    this.#bind(blocks);
    for (const kernel of this.#kernels) kernel();
    return this.#memory.failure;
  }

  profile(blocks: readonly Block[]): readonly number[] {
    this.#bind(blocks);
    return this.#kernels.map((kernel) => {
      const start = performance.now();
      kernel();
      return (performance.now() - start) * 1e6;
    });
  }

  release(): void {
    this.#device.workspace.release(this.#claim);
  }

  #bind(blocks: readonly Block[]): void {
    mustBeGiven(this.#program.argumentCount, blocks.length, this.#program);
    const arena = this.#device.workspace.block(this.#claim);
    this.#memory.views = this.#program.buffers.map((buffer) => this.#viewOf(buffer, blocks, arena));
    this.#memory.failure = undefined;
  }

  #viewOf({ name, dtype, length, placement }: BufferInfo, blocks: readonly Block[], arena: Block): TypedArray {
    // A loop sets it later.
    if (placement.kind === "window") return allocate(dtype, 0);
    const block = placement.kind === "arena" ? arena : blocks[placement.slot];
    const offset = placement.kind === "arena" ? placement.byteOffset : 0;
    const bytes = placement.kind === "arena" ? this.#program.arenaBytes : (block?.bytes ?? 0);
    if (block === undefined || offset + length * byteSize(dtype) > bytes) {
      // A value that never leaves a kernel has no place in the arena; touching it there is an error.
      if (placement.kind === "arena") return allocate(dtype, 0);
      throw new InternalError(`buffer ${name} of ${length} ${dtype} elements does not fit argument ${placement.slot}`);
    }
    return viewOf(dtype, this.#device.bytes(block), offset, length);
  }
}
