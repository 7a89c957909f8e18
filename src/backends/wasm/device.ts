// The WebAssembly device: a single memory, and one module per program.
import type { FailedCheck } from "../../compiler/checks.ts";
import type { Program } from "../../compiler/kernel.ts";
import { byteSize, type ElementType, type TypedArray, viewOf } from "../../graph/dtype.ts";
import { HebbError, InternalError } from "../../graph/errors.ts";
import { Allocator } from "../allocator.ts";
import { argumentBytes, tableSlots, type WorkspaceLayout, workspaceLayout } from "../analysis/arguments.ts";
import type { Block, Executable, SynchronousDevice } from "../backend.ts";
import { elementsMustFit, gone, mustBeGiven, mustBeSize, mustFit } from "../fits.ts";
import { type Claim, Workspace } from "../workspace.ts";
import { failureAddress } from "./failure.ts";
import { type EmittedProgram, emitProgram } from "./program.ts";
import { wasmMissing } from "./support.ts";
import { availableThreads, ThreadPool, threadsMissing } from "./threads.ts";

const pageBytes = 65536;
const mostPages = 65536;
const mostBytes = mostPages * pageBytes;
const firstPages = 64;
/** Low memory holds the failure record and tables; reads of lanes not taken may touch it. */
const reservedBytes = 4096;
/** Vectors may read slightly past the last element, so the end of the memory is never allocated. */
const slackBytes = 256;
const mostThreads = 64;
/** Most floats that are read one by one. */
const mostReadSingly = 16;

export interface WasmDevice extends SynchronousDevice {
  readonly backend: "wasm";
  /** The memory of the device. A block's address is its offset in it. */
  readonly memoryObject: WebAssembly.Memory;
  /** Growth count of the memory. Each growth changes its buffer, and possibly its address. */
  readonly growths: number;
  /** The workspace of its programs. A device built on this one replaces it with its own, so that there is only one. */
  workspace: Workspace;
}

/**
 * A device on this machine's WebAssembly. Threads: as many as the machine has ("auto", the default) or as given, if memory can be
 * shared and workers exist; otherwise one, and the description says why. Results do not depend on the number of threads. Throws a
 * HebbError with the reason if WebAssembly is not available.
 */
export function createWasmDevice(options: { readonly threads?: number | "auto" } = {}): WasmDevice {
  const asked = options.threads ?? "auto";
  if (asked !== "auto" && (!Number.isInteger(asked) || asked < 1)) {
    throw new HebbError(`${asked} is not a valid thread count; use a whole number of at least 1, or "auto"`);
  }
  const missing = wasmMissing();
  if (missing !== undefined)
    throw new HebbError(`the wasm backend is not available: ${missing}; the reference backend works everywhere`);
  const wanted = Math.min(asked === "auto" ? availableThreads() : asked, mostThreads);
  return new Wasm(wanted, wanted > 1 ? threadsMissing() : undefined);
}

class Wasm implements WasmDevice {
  readonly backend = "wasm";
  readonly asynchronous = false;
  /** Threads that programs are split for. */
  readonly parts: number;
  readonly memoryObject: WebAssembly.Memory;
  readonly shared: boolean;
  readonly pool: ThreadPool | undefined;
  workspace = new Workspace(this);
  readonly #reason: string | undefined;
  readonly #allocator: Allocator;
  readonly #live = new Map<number, number>();
  #liveBytes = 0;
  growths = 0;
  bytes: Uint8Array;
  words: Int32Array;
  #floats: Float32Array;

  constructor(threads: number, reason: string | undefined) {
    this.parts = reason === undefined ? threads : 1;
    this.#reason = reason;
    this.shared = this.parts > 1;
    this.memoryObject = makeMemory(this.shared);
    this.pool = this.shared ? new ThreadPool(this.memoryObject, this.parts) : undefined;
    const { buffer } = this.memoryObject;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.#floats = new Float32Array(buffer);
    this.#allocator = new Allocator(reservedBytes, firstPages * pageBytes - slackBytes, (end) => this.#growTo(end));
  }

  /** Threads currently computing. */
  get threads(): number {
    return this.pool?.working ?? 1;
  }

  get description(): string {
    if (this.pool !== undefined) return `wasm, SIMD, ${this.pool.state}`;
    return `wasm, SIMD, 1 thread${this.#reason === undefined ? "" : ` (${this.#reason})`}`;
  }

  #growTo(end: number): number {
    const have = this.memoryObject.buffer.byteLength;
    // Growing is slow if the memory must be copied, so the steps increase.
    const need = Math.ceil((end + slackBytes - have) / pageBytes);
    const comfortable = Math.min(Math.max(need, Math.ceil(have / pageBytes / 2)), mostPages - have / pageBytes);
    for (const pages of [comfortable, need]) {
      if (pages < need) continue;
      try {
        this.memoryObject.grow(pages);
        return this.#grown() - slackBytes;
      } catch {
        // Try the smaller step.
      }
    }
    throw outOfMemory(end);
  }

  /** Replaces the views. Reading the memory's buffer on every access would cost as much as a small program. */
  #grown(): number {
    const { buffer } = this.memoryObject;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.#floats = new Float32Array(buffer);
    this.growths++;
    return buffer.byteLength;
  }

  allocate(bytes: number): Block {
    mustBeSize(bytes);
    const address = this.#allocator.allocate(bytes);
    this.#live.set(address, bytes);
    this.#liveBytes += bytes;
    return { address, bytes };
  }

  free(block: Block): void {
    this.#check(block);
    this.#live.delete(block.address);
    this.#allocator.free(block.address, block.bytes);
    this.#liveBytes -= block.bytes;
  }

  #check(block: Block): void {
    if (this.#live.get(block.address) !== block.bytes) throw gone(block);
  }

  write(block: Block, data: TypedArray, start = 0): void {
    this.#check(block);
    const from = start * data.BYTES_PER_ELEMENT;
    mustFit(from + data.byteLength, block);
    this.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), block.address + from);
  }

  read(block: Block, dtype: ElementType, length: number, start = 0): TypedArray {
    this.#check(block);
    elementsMustFit(start + length, dtype, block);
    if (dtype === "float32") return this.#readFloats(block.address / 4 + start, length);
    return viewOf(dtype, this.bytes.buffer, block.address + start * byteSize(dtype), length).slice();
  }

  /** Reads a loss or a few outputs without an array copy, which would cost more than the step of a small network. */
  #readFloats(start: number, length: number): Float32Array {
    const floats = this.#floats;
    if (length > mostReadSingly) return floats.slice(start, start + length);
    const read = new Float32Array(length);
    for (let i = 0; i < length; i++) read[i] = floats[start + i] as number;
    return read;
  }

  fill(block: Block, dtype: ElementType, length: number, value: number): void {
    this.#check(block);
    elementsMustFit(length, dtype, block);
    viewOf(dtype, this.bytes.buffer, block.address, length).fill(value);
  }

  copy(from: Block, to: Block): void {
    this.#check(from);
    this.#check(to);
    mustFit(from.bytes, to);
    this.bytes.copyWithin(to.address, from.address, from.address + from.bytes);
  }

  compile(program: Program): Executable {
    return new WasmExecutable(this, program);
  }

  memory(): { readonly liveBytes: number; readonly reservedBytes: number } {
    return { liveBytes: this.#liveBytes, reservedBytes: this.memoryObject.buffer.byteLength };
  }

  close(): void {
    this.pool?.close();
    this.#live.clear();
    this.#liveBytes = 0;
  }
}

const outOfMemory = (bytes: number): HebbError =>
  new HebbError(
    `out of memory: ${bytes} bytes are needed and WebAssembly can hold ${mostBytes}; use a smaller batch or a smaller model`,
  );

/** Some browsers reserve the maximum immediately and refuse a large one. */
function makeMemory(shared: boolean): WebAssembly.Memory {
  for (const maximum of [mostPages, mostPages / 4]) {
    try {
      return new WebAssembly.Memory({ initial: firstPages, maximum, shared });
    } catch {
      // Try the smaller one.
    }
  }
  throw new HebbError("WebAssembly memory is not available; free some memory");
}

const emitFor = (program: Program, { parts, shared }: Wasm, profile = false): EmittedProgram =>
  emitProgram(program, {
    threads: parts,
    profile,
    memory: { module: "hebb", name: "memory", minPages: 1, maxPages: mostPages, shared },
  });

const instantiate = (code: Uint8Array<ArrayBuffer>, { memoryObject }: Wasm): WebAssembly.Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(code), { hebb: { memory: memoryObject } }).exports;

type Entry = (table: number, thread?: number, threads?: number) => void;

class WasmExecutable implements Executable {
  readonly takesHostBlocks = false;
  readonly bytes: number;
  readonly #device: Wasm;
  readonly #program: Program;
  readonly #table: Block;
  private readonly workspace: Workspace;
  readonly #layout: WorkspaceLayout;
  readonly #claim: Claim;
  #exports: WebAssembly.Exports;
  readonly #entry: Entry;
  /** The entry for threads, if the program is worth sharing. */
  readonly #shareEntry: Entry | undefined;
  #poolProgram = 0;
  #poolReady = false;
  /** The addresses now in the table. */
  readonly #bound: number[];
  #boundWorkspace = -1;
  /** Minimum bytes of each argument. */
  readonly #argumentBytes: number[];

  constructor(device: Wasm, program: Program) {
    this.#device = device;
    this.#program = program;
    this.#argumentBytes = argumentBytes(program);
    // Addresses have 32 bits. Larger code would not load, and the engine's own error would not mention memory.
    const largest = this.#argumentBytes.reduce((most, bytes) => Math.max(most, bytes), program.arenaBytes);
    if (largest > mostBytes) throw outOfMemory(largest);
    const emitted = emitFor(program, device);
    this.workspace = device.workspace;
    this.#layout = workspaceLayout(program, emitted, device.parts);
    const code = emitted.module.encode();
    this.#exports = instantiate(code, device);
    this.#entry = entryOf(this.#exports, "run");
    this.#bound = new Array<number>(program.argumentCount).fill(-1);
    this.#claim = this.workspace.claim(this.#layout.bytes);
    this.#table = device.allocate(4 * (tableSlots(program).scratch + device.parts));
    this.bytes = code.byteLength + this.#table.bytes;
    const { pool } = device;
    if (pool !== undefined && emitted.shares) {
      this.#shareEntry = entryOf(this.#exports, "runThread");
      // Workers compile the module from shared memory; the copy is freed when all have done so.
      const copy = device.allocate(code.byteLength);
      device.write(copy, code);
      this.#poolProgram = pool.load(copy.address, code.byteLength, () => {
        device.free(copy);
        this.#poolReady = true;
      });
    }
  }

  run(blocks: readonly Block[]): FailedCheck | undefined {
    this.#bind(blocks);
    const shareEntry = this.#shareEntry;
    const { pool } = this.#device;
    // Until the workers are up, the main thread runs alone; the bits are the same.
    if (shareEntry !== undefined && pool?.idle() && this.#poolReady) {
      pool.run(this.#poolProgram, this.#table.address);
      try {
        shareEntry(this.#table.address, 0, pool.threads);
      } catch (error) {
        pool.abandon();
        throw error;
      }
    } else {
      this.#entry(this.#table.address);
    }
    return this.#failure();
  }

  profile(blocks: readonly Block[]): readonly number[] {
    this.#bind(blocks);
    if (!("kernel0" in this.#exports))
      this.#exports = instantiate(emitFor(this.#program, this.#device, true).module.encode(), this.#device);
    const times = this.#program.kernels.map((_, place) => {
      const kernel = entryOf(this.#exports, `kernel${place}`);
      const start = performance.now();
      kernel(this.#table.address);
      return (performance.now() - start) * 1e6;
    });
    this.#failure();
    return times;
  }

  release(): void {
    if (this.#shareEntry !== undefined) this.#device.pool?.forget(this.#poolProgram);
    this.workspace.release(this.#claim);
    this.#device.free(this.#table);
  }

  #bind(blocks: readonly Block[]): void {
    const bound = this.#bound;
    const argumentBytes = this.#argumentBytes;
    mustBeGiven(bound.length, blocks.length, this.#program);
    for (let slot = 0; slot < bound.length; slot++) {
      const block = blocks[slot];
      if (block === undefined || block.address === bound[slot]) continue;
      const need = argumentBytes[slot] ?? 0;
      if (block.bytes < need) {
        throw new InternalError(
          `argument ${slot} of ${this.#program.name} needs ${need} bytes; its block has ${block.bytes}`,
        );
      }
      bound[slot] = block.address;
      this.#device.words[this.#table.address / 4 + slot] = block.address;
    }
    const { address } = this.workspace.block(this.#claim);
    if (address !== this.#boundWorkspace) this.#bindWorkspace(address);
  }

  #bindWorkspace(address: number): void {
    this.#boundWorkspace = address;
    const { words, parts } = this.#device;
    const { shared, scratch, perThread } = this.#layout;
    const slots = tableSlots(this.#program);
    const first = this.#table.address / 4;
    words[first + slots.arena] = address;
    words[first + slots.shared] = address + shared;
    for (let thread = 0; thread < parts; thread++) {
      words[first + slots.scratch + thread] = address + scratch + perThread * thread;
    }
  }

  /** Returns the recorded failure and clears it. */
  #failure(): FailedCheck | undefined {
    const { words } = this.#device;
    const place = failureAddress / 4;
    const site = words[place] ?? 0;
    if (site === 0) return undefined;
    words[place] = 0;
    return { site: site - 1, index: words[place + 1] ?? 0, place: words[place + 2] ?? 0 };
  }
}

function entryOf(exports: WebAssembly.Exports, name: string): Entry {
  const entry = exports[name];
  if (typeof entry !== "function") throw new InternalError(`the module has no function ${name}`);
  return entry as Entry;
}
