// The contract of a backend: a device that holds memory and runs programs. `emit` is pure, the device is not.
import type { FailedCheck } from "../compiler/checks.ts";
import type { Program } from "../compiler/kernel.ts";
import type { ElementType, TypedArray } from "../graph/dtype.ts";

/** Fastest first. */
export const backendNames = ["c", "wasm", "reference", "webgpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** A piece of device memory. `address` has a meaning only on its device. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** Host memory that the device's programs can use in place; freed by the garbage collector. */
export interface HostBlock extends Block {
  readonly array: TypedArray;
}

export const isHostBlock = (block: Block): block is HostBlock => "array" in block;

export interface Executable {
  /** Bytes that the loaded program occupies: its code and its tables. Its arena is the device's workspace, which all programs share. */
  readonly bytes: number;
  /** Whether arguments may be blocks of host memory. */
  readonly takesHostBlocks: boolean;
  /**
   * Runs with one block per argument slot. Returns the first check that failed, if any; the kernels in `stoppedKernels` were then
   * skipped. An asynchronous device only enqueues the run and reports a failure when it settles.
   */
  run(blocks: readonly Block[]): FailedCheck | undefined;
  /** Runs one stage of a staged program. Stages run in order. Arguments that only later stages touch need no block yet. */
  runStage?(blocks: readonly (Block | undefined)[], stage: number): FailedCheck | undefined;
  /** Nanoseconds spent in each kernel during one run with these blocks, or the minimum over a few runs. */
  profile(blocks: readonly Block[]): readonly number[];
  /** The same on an asynchronous device, whose `profile` throws. */
  profileLater?(blocks: readonly Block[]): Promise<readonly number[]>;
  /** Unloads the code and releases its claim on the workspace. */
  release(): void;
}

export interface CompileOptions {
  /** Whether the program will run many times, so that a slow compiler pays off. Default: true. */
  readonly lasting?: boolean;
}

/** A problem that does not stop anything from working. */
export interface Warning {
  readonly what: string;
  /** What to do. */
  readonly fix: string;
}

/** Memory and execution. A device executes its calls in order. */
interface AnyDevice {
  readonly backend: BackendName;
  /** The configuration and the reason for it, in one line: "wasm, SIMD, 2 threads". */
  readonly description: string;
  readonly warning?: Warning | undefined;
  readonly threads: number;
  /** Maximum bytes of values to keep besides weights and programs; by default the host decides. */
  readonly budgetBytes?: number;
  allocate(bytes: number): Block;
  free(block: Block): void;
  /** Uninitialised host memory for a large result, if programs can use it. */
  hostBlock?(dtype: ElementType, length: number): HostBlock;
  /** Existing host memory of a value, if programs can use it; undefined if it is not 64-byte aligned. */
  hostBlockOver?(array: TypedArray): HostBlock | undefined;
  write(block: Block, data: TypedArray): void;
  /** Sets the first `length` elements to one value. */
  fill(block: Block, dtype: ElementType, length: number, value: number): void;
  copy(from: Block, to: Block): void;
  compile(program: Program, options?: CompileOptions): Executable;
  /** Bytes in live blocks plus the workspace, and bytes obtained from the system. */
  memory(): { readonly liveBytes: number; readonly reservedBytes: number };
  close(): void;
}

/** A device whose calls are complete when they return: a CPU. */
export interface SynchronousDevice extends AnyDevice {
  readonly asynchronous: false;
  /** Writes elements starting at index `start`; default: 0. */
  write(block: Block, data: TypedArray, start?: number): void;
  /** A copy of `length` elements starting at index `start`; default: 0. */
  read(block: Block, dtype: ElementType, length: number, start?: number): TypedArray;
}

/** A run in which a check failed. */
export interface FailedRun {
  /** Index of the run on this device, from 0. */
  readonly run: number;
  readonly executable: Executable;
  readonly check: FailedCheck;
}

/** A device with its own memory that queues its calls and executes them in order. */
export interface AsynchronousDevice extends AnyDevice {
  readonly asynchronous: true;
  /** Resolves when the device can compute; rejects with the reason it cannot. Earlier calls wait. Absent: it is ready. */
  readonly started?: Promise<void>;
  /** A copy of the first `length` elements, as they are after all calls made before this one. */
  read(block: Block, dtype: ElementType, length: number): Promise<TypedArray>;
  /** Copies a run's result into state. Skipped if the run was skipped. */
  assign(from: Block, to: Block): void;
  /**
   * Waits for all calls made so far and reports the first run whose check failed. From that run until `resume`, runs and
   * `assign` do nothing, so state stays as it was when the check failed. `copy` still copies, because its source exists.
   */
  settle(): Promise<FailedRun | undefined>;
  /** After a failure: executes calls again from here on. */
  resume(): void;
}

export type Device = SynchronousDevice | AsynchronousDevice;
