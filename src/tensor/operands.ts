// Arguments and results of Tensor methods besides tensors: dims and sizes, numbers, options, nested arrays.
import type { DType, TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { OptionKinds } from "../graph/options.ts";
import type { Shape } from "../graph/shape.ts";

/** What a tensor is made from, other than a node. */
export interface TensorInit {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data?: TypedArray;
}

export type NestedArray = number | NestedArray[];
export type Dims = number | readonly number[];
/** Sizes as a list or one by one: reshape([2, -1]), reshape(2, -1). */
export type Sizes = readonly [Shape] | readonly number[];

export interface VarianceOptions {
  /** Subtracted from the number of elements: 1 for a sample, 0 for a population. Default 1. */
  readonly correction?: number;
  /** Default false. */
  readonly keepdim?: boolean;
}
export const varianceKinds: OptionKinds<VarianceOptions> = { correction: kind.number, keepdim: kind.boolean };

export interface SortOptions {
  /** Default false. */
  readonly descending?: boolean;
}
export const sortKinds: OptionKinds<SortOptions> = { descending: kind.boolean };

export interface TopkOptions {
  /** False gives the smallest. Default true. */
  readonly largest?: boolean;
}
export const topkKinds: OptionKinds<TopkOptions> = { largest: kind.boolean };

/** Returns the number operand; NaN is allowed. */
export function numberOf(where: string, value: number): number {
  if (typeof value === "number") return value;
  throw new HebbError(`${where}: takes a tensor or a number, got ${kind.describe(value)}`);
}

/** Sizes or dims, given as a list or one by one. */
export function listed(where: string, given: Sizes): readonly number[] {
  const list: readonly unknown[] = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  if (given.length === 0 || !kind.numbers.accepts(list))
    throw new ShapeError(
      `${where}: takes whole numbers, as a list such as [2, 3] or one by one, got ${given.length === 0 ? "nothing" : kind.describe(given.length === 1 ? given[0] : given)}`,
    );
  return list;
}

/** A flat array as nested arrays. */
export function nest(data: TypedArray, shape: Shape, axis: number, cursor: { at: number }): NestedArray {
  if (axis === shape.length) return data[cursor.at++] as number;
  return Array.from({ length: shape[axis] as number }, () => nest(data, shape, axis + 1, cursor));
}

/** A tensor as JSON. */
export interface TensorJson {
  readonly shape: Shape;
  readonly dtype: DType;
  /** In row-major order. "NaN", "Infinity", "-Infinity" and "-0" are strings, because JSON has no such numbers. */
  readonly data: readonly (number | string)[];
}

export const jsonNumber = (value: number): number | string =>
  Object.is(value, -0) ? "-0" : Number.isFinite(value) ? value : String(value);
