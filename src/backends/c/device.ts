// The C device: programs compiled by the machine's C compiler, over the memory of a WebAssembly device. That device also runs
// the programs that are not worth compiling.
import type { FailedCheck } from "../../compiler/checks.ts";
import type { Program } from "../../compiler/kernel.ts";
import { byteSize, type ElementType, type TypedArray, viewOf } from "../../graph/dtype.ts";
import { HebbError, InternalError } from "../../graph/errors.ts";
import { argumentBytes, tableSlots, type WorkspaceLayout, workspaceLayout } from "../analysis/arguments.ts";
import {
  type Block,
  type CompileOptions,
  type Executable,
  type HostBlock,
  isHostBlock,
  type SynchronousDevice,
  type Warning,
} from "../backend.ts";
import { mustBeGiven } from "../fits.ts";
import { failureAddress } from "../wasm/failure.ts";
import { createWasmDevice, type WasmDevice } from "../wasm/index.ts";
import { availableThreads } from "../wasm/threads.ts";
import { type Claim, Workspace } from "../workspace.ts";
import { loadLibrary } from "./library.ts";
import { koffi, type Library, type NativeFunction } from "./native.ts";
import { reason } from "./node.ts";
import { poolSource } from "./pool.ts";
import { type EmittedProgram, emitProgram } from "./program.ts";
import { type Sanitizer, sanitizer } from "./sanitizer.ts";
import { Toolchain } from "./toolchain.ts";
import { workOf } from "./work.ts";

const mostThreads = 64;
const cacheLine = 64;
const systemPage = 4096;
/** MADV_HUGEPAGE. */
const hugePages = 14;
/** M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc with their values: 64 MB of freed memory and blocks below 32 MB stay in the process. */
const trimThreshold = [-1, 64 * 2 ** 20] as const;
const mapThreshold = [-3, 32 * 2 ** 20] as const;
/** Minimum work of a program that runs once, to be compiled. WebAssembly finishes less work before a compiler has even started. */
const worthCompiling = 1e8;
/** Minimum work to compile a program that runs many times, if c was not requested by name. Below it, a fast start matters more than microseconds. */
const worthLasting = 2e6;

/** A profile is the minimum of this many runs, because other programs on the machine interfere. */
const profileRounds = 5;

export interface CDeviceOptions {
  readonly threads?: number | "auto";
  /** Compiles every program, even those that run once: for tests of the emitted code. Default: false. */
  readonly always?: boolean;
  /** Runs small programs on WebAssembly even if they run many times: c was not requested by name. Default: false. */
  readonly sparing?: boolean;
}

/**
 * A device on this machine's C compiler. Threads: as many as the machine has ("auto", the default) or as given. Results do not
 * depend on the number of threads. Throws a HebbError with the reason if there is no compiler, or no way to call its output.
 */
export function createCDevice(options: CDeviceOptions = {}): SynchronousDevice {
  const asked = options.threads ?? "auto";
  if (asked !== "auto" && (!Number.isInteger(asked) || asked < 1)) {
    throw new HebbError(`${asked} is not a valid thread count; use a whole number of at least 1, or "auto"`);
  }
  const threads = Math.min(asked === "auto" ? availableThreads() : asked, mostThreads);
  try {
    return new CDevice(threads, options.always === true, options.sparing === true);
  } catch (error) {
    // Errors from the system (Node: a code; Deno: NotCapable) become the reason the C backend is missing.
    throw error instanceof Error && ("code" in error || error.name === "NotCapable")
      ? new HebbError(`the C backend is not available: ${reason(error)}`)
      : error;
  }
}

class CDevice implements SynchronousDevice {
  readonly backend = "c";
  readonly asynchronous = false;
  readonly threads: number;
  readonly toolchain: Toolchain;
  readonly host: WasmDevice;
  readonly workspace: Workspace;
  private readonly always: boolean;
  private readonly sparing: boolean;
  private readonly pool: Pool | undefined;
  private readonly sanitizer: Sanitizer | undefined;
  private warned = false;
  /** Growth count of the host memory when its address was last queried. */
  private growths = -1;
  private address = 0;
  private words32: Int32Array = new Int32Array(0);
  private advise: NativeFunction | undefined;
  /** Bytes registered with the sanitizer; views of memory that has since grown have none. */
  private covered = 0;

  constructor(threads: number, always: boolean, sparing: boolean) {
    this.toolchain = new Toolchain();
    this.pool = threads > 1 ? new Pool(this.toolchain, threads) : undefined;
    if (this.pool === undefined) koffi();
    this.threads = this.pool?.threads ?? 1;
    this.always = always;
    this.sparing = sparing;
    this.sanitizer = sanitizer();
    this.host = createWasmDevice({ threads: 1 });
    this.workspace = new Workspace(this);
    this.host.workspace = this.workspace;
    keepFreedMemory();
  }

  get description(): string {
    const rest = this.sparing ? "; small programs on wasm" : "";
    return `c, ${this.toolchain.description}, ${this.threads} thread${this.threads === 1 ? "" : "s"}${rest}`;
  }

  get warning(): Warning | undefined {
    return this.toolchain.warning;
  }

  /** The address of the memory; it may move when it grows. */
  get base(): number {
    this.refresh();
    return this.address;
  }

  get words(): Int32Array {
    this.refresh();
    return this.words32;
  }

  get poolAddress(): number {
    return this.pool?.address ?? 0;
  }

  private refresh(): void {
    if (this.host.growths === this.growths) return;
    this.growths = this.host.growths;
    const { buffer } = this.host.memoryObject;
    this.address = Number(koffi().address(new Uint8Array(buffer)));
    this.words32 = new Int32Array(buffer);
    this.askForHugePages(buffer.byteLength);
    this.sanitizer?.cover(this.address, this.covered, buffer.byteLength);
    this.covered = buffer.byteLength;
  }

  /** On Linux, 2 MB pages: matrix rows then share TLB entries. A refusal changes no result. */
  private askForHugePages(bytes: number): void {
    if (process.platform !== "linux" || this.address % systemPage !== 0) return;
    this.advise ??= koffi().load(null).func("int madvise(uint64_t address, uint64_t bytes, int advice)");
    this.advise(this.address, bytes, hugePages);
  }

  allocate(bytes: number): Block {
    const block = this.host.allocate(bytes);
    this.sanitizer?.open(this.base + block.address, bytes);
    return block;
  }

  free(block: Block): void {
    this.sanitizer?.close(this.base + block.address, block.bytes);
    this.host.free(block);
  }

  /** Memory without the zero fill of a typed array, aligned to cache lines. */
  hostBlock(dtype: ElementType, length: number): HostBlock {
    const bytes = length * byteSize(dtype);
    const memory = unset(bytes + cacheLine);
    const start = Number(koffi().address(memory));
    const skipped = (cacheLine - (start % cacheLine)) % cacheLine;
    return {
      address: start + skipped,
      bytes,
      array: viewOf(dtype, memory.buffer, memory.byteOffset + skipped, length),
    };
  }

  hostBlockOver(array: TypedArray): HostBlock | undefined {
    const address = Number(koffi().address(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)));
    return address % cacheLine === 0 ? { address, bytes: array.byteLength, array } : undefined;
  }

  write(block: Block, data: TypedArray, start?: number): void {
    this.host.write(block, data, start);
  }

  read(block: Block, dtype: ElementType, length: number, start?: number): TypedArray {
    return this.host.read(block, dtype, length, start);
  }

  fill(block: Block, dtype: ElementType, length: number, value: number): void {
    this.host.fill(block, dtype, length, value);
  }

  copy(from: Block, to: Block): void {
    this.host.copy(from, to);
  }

  compile(program: Program, options: CompileOptions = {}): Executable {
    const least = options.lasting === false ? worthCompiling : this.sparing ? worthLasting : 0;
    const pays = workOf(program) >= least;
    if (!pays && !this.always) return this.host.compile(program, options);
    try {
      return new CExecutable(this, program);
    } catch (error) {
      if (!(error instanceof HebbError) || error instanceof InternalError || this.always) throw error;
      if (!this.warned) process.emitWarning(`${error.message}; this program runs on WebAssembly instead`);
      this.warned = true;
      return this.host.compile(program, options);
    }
  }

  memory(): { readonly liveBytes: number; readonly reservedBytes: number } {
    return this.host.memory();
  }

  close(): void {
    this.pool?.close();
    this.host.close();
  }
}

let keptFreedMemory = false;

/**
 * Garbage collection frees many results at once. glibc would return their memory to the system and then get it back page by page.
 * Other C libraries have no such setting.
 */
function keepFreedMemory(): void {
  if (keptFreedMemory || process.platform !== "linux") return;
  keptFreedMemory = true;
  let set: NativeFunction;
  try {
    set = koffi().load(null).func("int mallopt(int parameter, int value)");
  } catch {
    return;
  }
  set(...trimThreshold);
  set(...mapThreshold);
}

/** Programs count offsets within an argument in 32 bits; some versions of Node allow no larger arrays either. */
const mostHostBytes = 2 ** 32;

function unset(bytes: number): Buffer {
  try {
    if (bytes <= mostHostBytes) return Buffer.allocUnsafeSlow(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new HebbError(
    `out of memory: cannot allocate a result of ${bytes} bytes${bytes > mostHostBytes ? `; the limit is ${mostHostBytes}` : ""}; use a smaller batch or a smaller model`,
  );
}

/** The workers, in a library of their own. */
class Pool {
  readonly address: number;
  readonly threads: number;
  private readonly closePool: (pool: number) => unknown;

  constructor(toolchain: Toolchain, threads: number) {
    const library = loadLibrary(toolchain, () => toolchain.build(poolSource, { threads: true }));
    this.address = Number(library.func("uint64_t hebb_pool(int threads)")(threads));
    if (this.address === 0)
      throw new HebbError(`this system cannot start ${threads} threads; set HEBB_THREADS to fewer`);
    this.threads = Number(library.func("int hebb_pool_threads(uint64_t pool)")(this.address));
    this.closePool = library.func("void hebb_pool_close(uint64_t pool)");
  }

  close(): void {
    this.closePool(this.address);
  }
}

class CExecutable implements Executable {
  readonly takesHostBlocks = true;
  readonly bytes: number;
  private readonly device: CDevice;
  private readonly program: Program;
  private readonly table: Block;
  private readonly layout: WorkspaceLayout;
  private readonly claim: Claim;
  private readonly library: Library;
  private readonly runNative: (base: number, table: number, pool: number) => unknown;
  /** The addresses now in the table, and the base address at that time. Host memory is addressed relative to the base. */
  private readonly bound: number[];
  private boundBase = 0;
  private boundWorkspace = -1;
  private readonly argumentBytes: readonly number[];
  readonly runStage?: (blocks: readonly (Block | undefined)[], stage: number) => FailedCheck | undefined;

  constructor(device: CDevice, program: Program) {
    this.device = device;
    this.program = program;
    const { toolchain } = device;
    const emitted = emitProgram(program, toolchain.target);
    this.layout = workspaceLayout(program, emitted, device.threads);
    this.library = loadLibrary(toolchain, () => toolchain.build(emitted.source));
    this.runNative = this.library.func("void hebb_run(uint64_t base, uint64_t table, uint64_t pool)");
    if (program.stageEnds !== undefined) {
      const stages = "void hebb_stage(uint64_t base, uint64_t table, uint64_t pool, int stage)";
      const runNative = this.library.func(stages);
      this.runStage = (blocks, stage) => {
        this.bind(blocks);
        const { base, poolAddress } = device;
        runNative(base, base + this.table.address, poolAddress, stage);
        return this.failure();
      };
    }
    this.argumentBytes = argumentBytes(program);
    this.bound = new Array<number>(program.argumentCount).fill(-1);
    this.claim = device.workspace.claim(this.layout.bytes);
    this.table = device.allocate(8 * (tableSlots(program).scratch + device.threads));
    // Machine code is about as long as its source.
    this.bytes = emitted.source.length + this.table.bytes;
  }

  /** Sets a table entry: 64 bits, relative to the start of the memory. */
  private enter(slot: number, offset: number): void {
    const { words } = this.device;
    const place = this.table.address / 4 + 2 * slot;
    words[place] = offset;
    words[place + 1] = Math.floor(offset / 2 ** 32);
  }

  private emit(): EmittedProgram {
    return emitProgram(this.program, this.device.toolchain.target);
  }

  run(blocks: readonly Block[]): FailedCheck | undefined {
    this.bind(blocks);
    const { base, poolAddress } = this.device;
    this.runNative(base, base + this.table.address, poolAddress);
    return this.failure();
  }

  profile(blocks: readonly Block[]): readonly number[] {
    const { toolchain } = this.device;
    const { source } = this.emit();
    const library = loadLibrary(toolchain, () => toolchain.build(source, { define: "HEBB_PROFILE" }));
    this.bind(blocks);
    const { base } = this.device;
    const kernel = library.func("void hebb_kernel(uint64_t base, uint64_t table, int kernel)");
    const times = this.program.kernels.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < profileRounds; round++) {
      for (let place = 0; place < times.length; place++) {
        const start = performance.now();
        kernel(base, base + this.table.address, place);
        times[place] = Math.min(times[place] ?? 0, (performance.now() - start) * 1e6);
      }
    }
    library.unload();
    this.failure();
    return times;
  }

  release(): void {
    this.device.workspace.release(this.claim);
    this.device.free(this.table);
    this.library.unload();
  }

  private bind(blocks: readonly (Block | undefined)[]): void {
    const { bound, device } = this;
    mustBeGiven(bound.length, blocks.length, this.program);
    // Allocating the workspace may move the memory, so it comes first.
    const { address } = device.workspace.block(this.claim);
    const { base } = device;
    if (base !== this.boundBase) {
      this.boundBase = base;
      bound.fill(-1);
    }
    for (let slot = 0; slot < bound.length; slot++) {
      const block = blocks[slot];
      if (block === undefined || block.address === bound[slot]) continue;
      const need = this.argumentBytes[slot] ?? 0;
      if (block.bytes < need) {
        throw new InternalError(
          `argument ${slot} of ${this.program.name} needs ${need} bytes; its block has ${block.bytes}`,
        );
      }
      bound[slot] = block.address;
      this.enter(slot, isHostBlock(block) ? block.address - base : block.address);
    }
    if (address !== this.boundWorkspace) this.bindWorkspace(address);
  }

  private bindWorkspace(address: number): void {
    this.boundWorkspace = address;
    const { shared, scratch, perThread } = this.layout;
    const slots = tableSlots(this.program);
    this.enter(slots.arena, address);
    this.enter(slots.shared, address + shared);
    for (let thread = 0; thread < this.device.threads; thread++) {
      this.enter(slots.scratch + thread, address + scratch + perThread * thread);
    }
  }

  /** Returns the recorded failure and clears it. */
  private failure(): FailedCheck | undefined {
    const { words } = this.device;
    const place = failureAddress / 4;
    const site = words[place] ?? 0;
    if (site === 0) return undefined;
    words[place] = 0;
    return { site: site - 1, index: words[place + 1] ?? 0, place: words[place + 2] ?? 0 };
  }
}
