// The kernel language: sealed and device-independent. This file and graph/scalar.ts define everything a backend must run.
import type { ElementType } from "../graph/dtype.ts";
import type { Combine } from "../graph/node.ts";
import type { CheckAttributes } from "../graph/ops/check.ts";
import type { Axis, Local, Scalar } from "../graph/scalar.ts";
import type { Shape } from "../graph/shape.ts";

export type Statement =
  /** Binds a value for the rest of the enclosing body. */
  | { readonly kind: "let"; readonly local: Local; readonly value: Scalar }
  /**
   * local = combine of `value` over all `axes` (row-major, first axis outermost). The emitter chooses the order of the
   * combination, fixed by the extents alone (never by thread count), and keeps long float sums accurate.
   * An empty extent gives the identity (0, 1, -∞, +∞; the extreme integers for int32). max and min propagate NaN.
   * `parts`: the values are long sums themselves, so float32 ones are worth summing in float64.
   */
  | {
      readonly kind: "reduce";
      readonly local: Local;
      readonly combine: Combine;
      readonly axes: readonly Axis[];
      readonly value: Scalar;
      readonly parts?: true;
    }
  /**
   * A nest over `axes`. "parallel": iterations are independent and may run in any order or simultaneously (vectorised).
   * "sequential": strictly in row-major order; each iteration sees the stores of the previous ones.
   */
  | {
      readonly kind: "for";
      readonly axes: readonly Axis[];
      readonly order: "parallel" | "sequential";
      readonly body: readonly Statement[];
    }
  /** buffer[index] = value; with `accumulate`, buffer[index] += value. */
  | {
      readonly kind: "store";
      readonly buffer: number;
      readonly index: Scalar;
      readonly value: Scalar;
      readonly accumulate?: true;
    }
  /** For axis = 0, 1, …: running = combine(running, value); buffer[index] = running. Starts from the identity. */
  | {
      readonly kind: "scan";
      readonly combine: Combine;
      readonly axis: Axis;
      readonly value: Scalar;
      readonly buffer: number;
      readonly index: Scalar;
    }
  /**
   * If the bool `holds` is false, the run fails: check `site` of the program reports the first `index` over `axes`, in row-major order,
   * that is not in [0, extent), with its `place`. The first failure of a run is kept. Only outside loops.
   */
  | {
      readonly kind: "check";
      readonly site: number;
      readonly holds: Scalar;
      readonly axes: readonly Axis[];
      readonly index: Scalar;
      readonly place: Scalar;
      readonly extent: number;
    };

/**
 * A nest over parallel `axes` (row-major); the body runs once per point. Iterations over `axes` are independent:
 * they may be split into chunks for threads, and the last axis may be vectorised.
 */
export interface LoopKernel {
  readonly kind: "loops";
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly body: readonly Statement[];
}

/** Σ_k a · b at each (batch, m, n). */
export interface Product {
  readonly batch: readonly Axis[];
  readonly m: readonly Axis[];
  readonly n: readonly Axis[];
  readonly k: readonly Axis[];
  readonly a: Scalar;
  readonly b: Scalar;
}

/**
 * result[batch, m, n] = Σ_k a · b, then `epilogue` at each (batch, m, n), with `result` bound.
 * `a` depends on batch, m, k axes only; `b` on batch, k, n only. For float32 and float64, `a` and `b` are mostly
 * affine loads, so packing is a strided copy; anything else is legal too. Sums run over k in one fixed order.
 * Contractions of int32 and smaller types are legal but rare.
 */
export interface ContractionKernel extends Product {
  readonly kind: "contraction";
  readonly name: string;
  readonly dtype: ElementType;
  readonly result: Local;
  /** Only `let` and `store`. */
  readonly epilogue: readonly Statement[];
}

export type Kernel = LoopKernel | ContractionKernel;

/** A view of one row of another buffer at each step of a loop: row (t + shift) mod `rows`, or row t + shift if `rows` is absent. */
export interface Window {
  readonly buffer: number;
  readonly whole: number;
  /** The element of the whole at which its first row starts. */
  readonly start: number;
  readonly shift: 0 | 1;
  readonly rows?: number;
}

/**
 * Runs its body once per step t = 0, 1, … below `steps`, or in reverse. Steps run one after another. Each sees the windows at their
 * rows, and the rest of memory as the previous step left it.
 */
export interface Repeat {
  readonly kind: "repeat";
  readonly name: string;
  readonly steps: number;
  readonly reverse: boolean;
  readonly windows: readonly Window[];
  readonly body: readonly Instruction[];
  /** Buffers that live within one step, and the arena buffer that contains them. */
  readonly inside: { readonly buffers: ReadonlySet<number>; readonly within: number };
}

/** One entry of a program. */
export type Instruction = Kernel | Repeat;

/** The memory of a buffer while the program runs. */
export type Placement =
  /** Bound by the caller for each run: inputs, state cells, outputs. Several buffers may share a slot only as the same buffer. */
  | { readonly kind: "argument"; readonly slot: number }
  /** At a fixed byte offset (64-byte aligned) in the program's arena. */
  | { readonly kind: "arena"; readonly byteOffset: number }
  /** A window that its loop moves at each step; windows are numbered from 0. */
  | { readonly kind: "window"; readonly slot: number };

export interface BufferInfo {
  readonly id: number;
  readonly name: string;
  readonly dtype: ElementType;
  readonly length: number;
  readonly placement: Placement;
}

/** A check of an index of this shape, from the module `scope`. */
export type IndexCheck = CheckAttributes & { readonly shape: Shape; readonly scope: string };

/** A compiled program: kernels and loops in order, over buffers. `buffers[i].id === i`. */
export interface Program {
  readonly name: string;
  readonly buffers: readonly BufferInfo[];
  readonly kernels: readonly Instruction[];
  /** The checks of the `check` statements. */
  readonly checks: readonly IndexCheck[];
  readonly argumentCount: number;
  /** The number of buffers that are windows of loops. */
  readonly windowCount: number;
  readonly arenaBytes: number;
  /** For a staged program: the number of kernels that have run when each stage ends. The last is all of them. */
  readonly stageEnds?: readonly number[];
}
