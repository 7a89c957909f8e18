// The interfaces between the parts of the WebAssembly emitter: how a kernel becomes functions, and what kernels share.

import type { BufferInfo } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import type { Base } from "../analysis/arguments.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";

/**
 * One step of a kernel: a function (table, lo, hi, scratch, and the address of each operand of its own) that does the work units lo ≤ u < hi. Units are independent;
 * threads take ranges of them. What a unit computes must not depend on the ranges, so that bits do not depend on threads.
 * A kernel of several phases runs them in order, with a barrier after each.
 */
export interface Phase {
  readonly fn: FunctionBuilder;
  readonly units: number;
  /** Estimated nanoseconds of the whole phase on one thread: whether threads are worth waking. */
  readonly cost: number;
  /** What the function is given beside the table. */
  readonly operands?: readonly Base[];
  /** Left out of a run in which a check has failed. */
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

/** What is shared by all kernels of a program while it is emitted. */
export interface EmitContext {
  readonly module: ModuleBuilder;
  buffer(id: number): BufferInfo;
  /** Where a buffer begins. */
  baseOf(buffer: number): Base;
  /** Pushes the address in a slot: of the table, or of the operands of a function. */
  pushSlot(f: FunctionBuilder, slot: number): void;
  /** A function for a phase, to be filled. */
  phase(name: string): FunctionBuilder;
  /** States that a phase uses this many bytes of private scratch. The largest request is what each thread gets. */
  needScratch(bytes: number): void;
  /**
   * Reserves memory that all threads see, for results passed between phases of one kernel. Returns a byte offset;
   * the memory begins where `sharedBuffer` does. Regions of different kernels overlap.
   */
  needShared(bytes: number): void;
  /** The shared memory as a buffer of the program, from its first byte on. */
  sharedBuffer(dtype: ElementType): number;
  /** A helper function of the program made once, e.g. a mathematical function: `helper("exp_f32x4", (module) => …)`. */
  helper(name: string, make: () => FunctionBuilder): FunctionBuilder;
}
