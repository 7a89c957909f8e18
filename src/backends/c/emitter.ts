// The interfaces between the parts of the C emitter: how a kernel becomes functions, and what kernels of a program share.
import type { BufferInfo } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import type { PaddedDim } from "../analysis/padding.ts";
import type { SharedScratch } from "../analysis/split.ts";
import type { Address, Code } from "./code.ts";
import type { Target } from "./target.ts";

/**
 * One step of a kernel: `static void name(const char *base, const unsigned long long *table, int low, int high, char *scratch)`, which
 * does the work units low ≤ u < high. Units are independent; threads take ranges of them. What a unit computes must not
 * depend on the ranges, so that bits do not depend on threads. A kernel of several phases runs them in order, with a barrier
 * after each.
 */
export interface Phase {
  readonly name: string;
  readonly units: number;
  /** Estimated nanoseconds of the whole phase on one thread: whether threads are worth waking. */
  readonly cost: number;
  /** The statements of the function, each line with its end. */
  readonly body: Code;
}

export interface KernelCode {
  readonly phases: readonly Phase[];
}

/** What is shared by all kernels of a program while it is emitted. */
export interface EmitContext extends SharedScratch {
  readonly target: Target;
  buffer(id: number): BufferInfo;
  /** The memory of a buffer of bytes as a buffer of int32. */
  wordsOf(buffer: number): number;
  /** The dimensions that a buffer, as the kernel being emitted finds it, was padded in with zeros. */
  readonly paddingOf: (buffer: number) => readonly PaddedDim[] | undefined;
  /**
   * Where an element of a buffer lies. The first element is 64-byte aligned; different buffers do not overlap. Phases that differ in nothing but
   * addresses become one function.
   */
  address(id: number, element?: number): Address;
  /** A name for a phase function, not used before. */
  phaseName(kernel: string): string;
  /** States that a phase uses this many bytes of private scratch, 64-byte aligned. The largest request is what each thread gets. */
  needScratch(bytes: number): void;
  /** C text that is emitted once before all phases, by name: types, mathematical functions, tiles. */
  helper(name: string, make: () => string): void;
  /** The name of a C function without a result, not inlined, that consists of these parameters and this body; equal ones are one. */
  function(name: string, text: string): string;
}

/** The parameters of every phase function. */
export const phaseParameters = "char *base, const unsigned long long *table, int low, int high, char *scratch";

/** The C type of an element in memory. */
export const elementType: Readonly<Record<ElementType, string>> = {
  float32: "float",
  float64: "double",
  int32: "int",
  int16: "short",
  int8: "signed char",
  uint16: "unsigned short",
  uint8: "unsigned char",
  bool: "unsigned char",
};
