// The type of a conformance case, with helpers to write one: shapes, numbers, and the truth computed naively.
import type { DType } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { type Shape, sizeOf } from "../../src/graph/shape.ts";
import type { Value } from "./run.ts";
import type { Bound } from "./tolerance.ts";

/** One input: its shape, its numbers, and its dtype where it differs from the case's (indices, masks). */
export interface InputSpec {
  readonly shape: Shape;
  readonly data: readonly number[];
  readonly dtype?: DType;
}

/** An op at given inputs against its mathematical value. */
export interface ValueCase {
  /** The registered op, or the composite, that this case tests. */
  readonly op: string;
  /** "edge": empty tensors, infinities, NaN, signed zeros, kinks, ±1e4, size-1 dims, negative dims. */
  readonly kind: "forward" | "edge";
  readonly name: string;
  readonly dtypes: readonly DType[];
  readonly inputs: readonly InputSpec[];
  build(...inputs: Node[]): Node;
  /** The exact result for these (already rounded) inputs, in double. */
  truth(...inputs: Value[]): readonly number[];
  /** Σ|terms| of each element where sums are involved; default |truth|. */
  magnitude?(...inputs: Value[]): readonly number[];
  /** Default: exactly rounded (half an ulp), no sum. */
  readonly bound?: Bound;
  /** Whether a zero must have the right sign. */
  readonly signedZero?: boolean;
  /**
   * Whether finite differences apply here: not at kinks or infinities. Default: for "forward" cases in
   * float64. "none": the case checks that no gradient flows.
   */
  readonly gradient?: boolean | "none";
}

/** A mistake and the error message for it. */
export interface ErrorCase {
  readonly op: string;
  readonly kind: "error";
  readonly name: string;
  build(): unknown;
  readonly message: RegExp;
}

/** For an op that takes every tensor, and so has no error case: `build` must succeed for every dtype. */
export interface TotalCase {
  readonly op: string;
  readonly kind: "total";
  readonly name: string;
  build(dtype: DType): unknown;
}

export type Case = ValueCase | ErrorCase | TotalCase;

export const floats: readonly DType[] = ["float32", "float64"];
export const numbers: readonly DType[] = ["float32", "float64", "int32"];
export const all: readonly DType[] = ["float32", "float64", "int32", "int16", "int8", "uint8", "bool"];

/** Repeatable numbers in [low, high), in hundredths so that no two dtypes disagree about them by much. */
export function spread(shape: Shape, seed: number, low = -2, high = 2): InputSpec {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const data = Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.round((low + (high - low) * (state / 2 ** 32)) * 100) / 100;
  });
  return { shape, data };
}

export const input = (shape: Shape, ...data: number[]): InputSpec => ({ shape, data });
export const ints = (shape: Shape, ...data: number[]): InputSpec => ({ shape, data, dtype: "int32" });
export const bools = (shape: Shape, ...data: number[]): InputSpec => ({ shape, data, dtype: "bool" });

/** The number for each index, in row-major order. */
export function tabulate(shape: Shape, element: (index: readonly number[]) => number): number[] {
  const index = new Array<number>(shape.length).fill(0);
  return Array.from({ length: sizeOf(shape) }, () => {
    const value = element(index);
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      const next = (index[dim] ?? 0) + 1;
      index[dim] = next < (shape[dim] ?? 0) ? next : 0;
      if (index[dim] !== 0) break;
    }
    return value;
  });
}

/** The element at an index; 0 outside, as with zero padding. */
export function at({ shape, data }: Pick<Value, "shape" | "data">, index: readonly number[]): number {
  let flat = 0;
  for (const [dim, extent] of shape.entries()) {
    const place = index[dim] ?? 0;
    if (place < 0 || place >= extent) return 0;
    flat = flat * extent + place;
  }
  return data[flat] ?? Number.NaN;
}

/** Σ element(index) over a box. */
export function total(shape: Shape, element: (index: readonly number[]) => number): number {
  return tabulate(shape, element).reduce((sum, value) => sum + value, 0);
}

export const absolute = (value: Value): Value => ({ ...value, data: value.data.map(Math.abs) });
