// The interfaces between the parts of the WebAssembly emitter: how a kernel becomes functions, and what kernels share.

import type { BufferInfo } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import type { Base } from "../analysis/arguments.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";

/**
 * One step of a kernel: a function (table, lo, hi, scratch, and the addresses of its own operands) that does the work units
 * lo ≤ u < hi. Units are independent; threads take ranges of them. A unit's result must not depend on the ranges, so that the bits
 * do not depend on threads. The phases of a kernel run in order, with a barrier after each.
 */
export interface Phase {
  readonly fn: FunctionBuilder;
  readonly units: number;
  /** Estimated nanoseconds of the whole phase on one thread: decides whether to wake threads. */
  readonly cost: number;
  /** Arguments of the function besides the table. */
  readonly operands?: readonly Base[];
  /** Whether it is skipped once a check has failed. */
  readonly stopped?: boolean;
}

export interface KernelCode {
  readonly phases: readonly Phase[];
}

/** The first parameters of every phase function, by local number. */
export const phaseParams = ["i32", "i32", "i32", "i32"] as const;
/** The address of the argument table: one address (i32) for each argument slot. */
export const tableParam = 0;
export const lowParam = 1;
export const highParam = 2;
/** The address of this thread's private scratch memory, 64-byte aligned. */
export const scratchParam = 3;

/** State shared by all kernels of a program during emission. */
export interface EmitContext {
  readonly module: ModuleBuilder;
  buffer(id: number): BufferInfo;
  /** The start of a buffer. */
  baseOf(buffer: number): Base;
  /** Pushes the address in a slot: of the table, or of a function's operands. */
  pushSlot(f: FunctionBuilder, slot: number): void;
  /** A new, empty function for a phase. */
  phase(name: string): FunctionBuilder;
  /** Requests this many bytes of private scratch. Each thread gets the largest request. */
  needScratch(bytes: number): void;
  /**
   * Requests memory that all threads share, for results passed between the phases of one kernel. It begins at the start of
   * `sharedBuffer`. Regions of different kernels overlap.
   */
  needShared(bytes: number): void;
  /** The shared memory as a buffer of the program. */
  sharedBuffer(dtype: ElementType): number;
  /** A helper function, created once per program, such as a mathematical function: `helper("exp_f32x4", (module) => …)`. */
  helper(name: string, make: () => FunctionBuilder): FunctionBuilder;
}
