// The interfaces between the parts of the C emitter: how a kernel becomes functions, and what kernels of a program share.
import type { BufferInfo } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import type { PaddedDim } from "../analysis/padding.ts";
import type { SharedScratch } from "../analysis/split.ts";
import type { Address, Code } from "./code.ts";
import type { Target } from "./target.ts";

/**
 * One step of a kernel: `static void name(const char *base, const unsigned long long *table, int low, int high, char *scratch)`, which
 * does the work units low ≤ u < high. Units are independent; threads take ranges of them. A unit's result must not depend on the
 * ranges, so that the bits do not depend on threads. The phases of a kernel run in order, with a barrier after each.
 */
export interface Phase {
  readonly name: string;
  readonly units: number;
  /** Estimated nanoseconds of the whole phase on one thread: decides whether to wake threads. */
  readonly cost: number;
  /** The statements of the function, each ending with a newline. */
  readonly body: Code;
}

export interface KernelCode {
  readonly phases: readonly Phase[];
}

/** State shared by all kernels of a program during emission. */
export interface EmitContext extends SharedScratch {
  readonly target: Target;
  buffer(id: number): BufferInfo;
  /** The memory of a buffer of bytes as a buffer of int32. */
  wordsOf(buffer: number): number;
  /** The dimensions along which a buffer is padded with zeros, as the current kernel finds it. */
  readonly paddingOf: (buffer: number) => readonly PaddedDim[] | undefined;
  /**
   * The address of an element of a buffer. The first element is 64-byte aligned; different buffers do not overlap. Phases that differ
   * only in addresses become one function.
   */
  address(id: number, element?: number): Address;
  /** A fresh name for a phase function. */
  phaseName(kernel: string): string;
  /** Requests this many bytes of private scratch, 64-byte aligned. Each thread gets the largest request. */
  needScratch(bytes: number): void;
  /** Adds C text that is emitted once, by name, before all phases: types, mathematical functions, tiles. */
  helper(name: string, make: () => string): void;
  /** The name of a C function without a result, not inlined, with these parameters and this body. Identical functions are shared. */
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
