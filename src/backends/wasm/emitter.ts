// What the parts of the WebAssembly emitter agree on: how a kernel becomes functions, and how expressions are emitted into them.

import type { BufferInfo, Program, Statement } from "../../compiler/kernel.ts";
import type { DType } from "../../graph/dtype.ts";
import type { Axis, Local, Scalar } from "../../graph/scalar.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";

/**
 * One step of a kernel: a function (table, lo, hi, scratch) that does the work units lo ≤ u < hi. Units are independent;
 * threads take ranges of them. What a unit computes must not depend on the ranges, so that bits do not depend on threads.
 * A kernel of several phases runs them in order, with a barrier after each.
 */
export interface Phase {
  readonly fn: FunctionBuilder;
  readonly units: number;
  /** Estimated nanoseconds of the whole phase on one thread: whether threads are worth waking. */
  readonly cost: number;
}

export interface KernelCode {
  readonly phases: readonly Phase[];
}

/** Parameters of every phase function, by local number. */
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
  readonly program: Program;
  /** The address of the program's arena, known when it is emitted. */
  readonly arenaBase: number;
  buffer(id: number): BufferInfo;
  /** The number by which a failing guard names its site. */
  site(name: string): number;
  /** States that a phase uses this many bytes of private scratch. The largest request is what each thread gets. */
  needScratch(bytes: number): void;
  /**
   * Reserves memory that all threads see, for results passed between phases of one kernel. Returns a byte offset;
   * the memory begins at the address in the table at `sharedSlot`. Regions of different kernels overlap.
   */
  readonly sharedSlot: number;
  needShared(bytes: number): void;
  /** The shared memory as a buffer of the program, from its first byte on. */
  sharedBuffer(dtype: DType): number;
  /** A helper function of the program made once, e.g. a mathematical function: `helper("exp_f32x4", (module) => …)`. */
  helper(name: string, make: () => FunctionBuilder): FunctionBuilder;
}

/**
 * Emits scalar expressions and statements into a function (`kernelExpressions` makes one). Values are numbered by structure,
 * so that a subexpression that is still available is not computed again; `scope` delimits where values made inside it are
 * available. An axis or a lane local may be bound again, or changed, only in a new scope.
 *
 * Between `bindLanes` and `endLanes` values that depend on the lane axis are v128 (float32: f32x4; int32, uint8: i32x4;
 * bool: a mask of 32-bit lanes). float64 has no lanes. Otherwise everything is scalar: f32, f64, and i32 for int32, uint8
 * and bool (0 or 1).
 */
export interface ExpressionEmitter {
  readonly f: FunctionBuilder;
  /** Pushes the address of element 0 of a buffer. */
  pushBase(buffer: number): void;
  /** The i32 local holds the value of the axis. */
  bindAxis(axis: Axis, local: number): void;
  /** The i32 local holds the axis at lane 0; the other three lanes follow it. */
  bindLanes(axis: Axis, local: number): void;
  endLanes(): void;
  /** The value of a kernel local is in a wasm local: a v128 means that it has lanes. */
  bindLocal(local: Local, wasmLocal: number): void;
  /** Pushes the value as a scalar; it must not depend on the lane axis. */
  pushScalar(value: Scalar): void;
  /** Pushes the value of all lanes; a uniform value is repeated. */
  pushVector(value: Scalar): void;
  /** Statements where they stand: in lanes if they are bound, else scalar. */
  emit(statements: readonly Statement[]): void;
  /** Values made inside are forgotten after it: wrap the body of every loop and branch. */
  scope(body: () => void): void;
  /**
   * Computes, before a loop that is about to be emitted, what the statements need and the loop does not change.
   * `axes` are those the loop binds (and those bound inside it), `locals` the kernel locals bound inside it. With `lanes`,
   * values are also made ready for lanes.
   */
  hoist(statements: readonly Statement[], axes: readonly Axis[], locals: readonly Local[], lanes: boolean): void;
}
