// The contract of a backend: a device that holds memory and runs programs. `emit` is pure, the device is not.
import type { FailedCheck } from "../compiler/checks.ts";
import type { Program } from "../compiler/kernel.ts";
import type { ElementType, TypedArray } from "../graph/dtype.ts";

/** The fastest first. */
export const backendNames = ["c", "wasm", "reference", "webgpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** A piece of device memory. `address` is meaningful to its device only. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** Host memory that programs of a device can use in place; the garbage collector frees it. */
export interface HostBlock extends Block {
  readonly array: TypedArray;
}

export const isHostBlock = (block: Block): block is HostBlock => "array" in block;

export interface Executable {
  /** What keeping it costs, in bytes: its code and its tables. Its arena is the device's workspace, which all programs share. */
  readonly bytes: number;
  /** Whether arguments may be blocks of the host's memory. */
  readonly takesHostBlocks: boolean;
  /**
   * Runs with one block for each argument slot. Returns the first check that failed, if any; the kernels that `stoppedKernels` names were
   * then left out. An asynchronous device only accepts the run, and reports a failure when it settles.
   */
  run(blocks: readonly Block[]): FailedCheck | undefined;
  /** Runs one stage of a program that has them; they are to be run in order. What only later ones touch need have no block yet. */
  runStage?(blocks: readonly (Block | undefined)[], stage: number): FailedCheck | undefined;
  /** Nanoseconds spent in each kernel of the program, in one run with these blocks or the least of a few. */
  profile(blocks: readonly Block[]): readonly number[];
  /** The same from an asynchronous device, whose `profile` throws. */
  profileLater?(blocks: readonly Block[]): Promise<readonly number[]>;
  /** Unloads the code and gives up its part of the workspace. */
  release(): void;
}

export interface CompileOptions {
  /** Whether it will run many times, so that a compiler that takes a while pays. Default: true. */
  readonly lasting?: boolean;
}

/** A problem that does not stop anything from working. */
export interface Warning {
  readonly what: string;
  /** What to do. */
  readonly fix: string;
}

/** Memory and execution. A device carries out its calls in order. */
interface AnyDevice {
  readonly backend: BackendName;
  /** What it is using and why, one line: "wasm, SIMD, 2 threads". */
  readonly description: string;
  readonly warning?: Warning | undefined;
  readonly threads: number;
  /** The most bytes of values to hold beside weights and programs; by default the host decides. */
  readonly budgetBytes?: number;
  allocate(bytes: number): Block;
  free(block: Block): void;
  /** Unwritten memory of the host for a large result, where programs can use it. */
  hostBlock?(dtype: ElementType, length: number): HostBlock;
  /** Memory of the host that is there already, for a value where programs can use it; undefined: it begins on no boundary of 64 bytes. */
  hostBlockOver?(array: TypedArray): HostBlock | undefined;
  write(block: Block, data: TypedArray): void;
  /** Sets the first `length` elements to one value. */
  fill(block: Block, dtype: ElementType, length: number, value: number): void;
  copy(from: Block, to: Block): void;
  compile(program: Program, options?: CompileOptions): Executable;
  /** Bytes of live blocks and of the workspace, and of the memory obtained from the system. */
  memory(): { readonly liveBytes: number; readonly reservedBytes: number };
  close(): void;
}

/** A device whose calls are complete when they return: a processor. */
export interface SynchronousDevice extends AnyDevice {
  readonly asynchronous: false;
  /** Writes elements from number `start` on, by default the first. */
  write(block: Block, data: TypedArray, start?: number): void;
  /** A copy of `length` elements from number `start` on, by default the first. */
  read(block: Block, dtype: ElementType, length: number, start?: number): TypedArray;
}

/** A run in which a check failed. */
export interface FailedRun {
  /** Which of the device's runs, counted from 0. */
  readonly run: number;
  readonly executable: Executable;
  readonly check: FailedCheck;
}

/** A device with its own memory that queues its calls and executes them in order. */
export interface AsynchronousDevice extends AnyDevice {
  readonly asynchronous: true;
  /** Resolves when it can compute, rejects with the reason why it cannot. What it is given before waits. Left out: it is ready. */
  readonly started?: Promise<void>;
  /** A copy of the first `length` elements, as they are behind everything that the device was given before. */
  read(block: Block, dtype: ElementType, length: number): Promise<TypedArray>;
  /** A copy of what a run gave into state. Where that run did not take place, neither does this. */
  assign(from: Block, to: Block): void;
  /**
   * Waits for everything that the device was given, and reports the first run whose check failed. From that run on, until `resume`,
   * runs and `assign` do nothing: state is as it was when the check failed. `copy` still copies: its source exists.
   */
  settle(): Promise<FailedRun | undefined>;
  /** After a failure: what the device is given from now on is carried out again. */
  resume(): void;
}

export type Device = SynchronousDevice | AsynchronousDevice;
