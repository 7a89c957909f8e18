// Mean, variance and deviations, accurate even if all values are far from 0: variance, std, and the moments of normalisation layers.
import { composed } from "../compose.ts";
import { isFloat } from "../dtype.ts";
import type { Node } from "../node.ts";
import { normalizeAxes, sizeOf } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand } from "./broadcast.ts";
import {
  add,
  cast,
  clamp,
  div,
  isfinite,
  isnan,
  maximum,
  mul,
  rootOrFlat,
  scalarLike,
  sqrt,
  sub,
  where,
} from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { permute, reshape, slice } from "./movement.ts";
import { type Dims, sum } from "./reduce.ts";

/** Statistics over some axes, which are kept with size 1. */
export interface Moments {
  readonly mean: Node;
  /** x − mean. */
  readonly deviations: Node;
  /** Σ(x − mean)². */
  readonly squares: Node;
}

const countOf = (x: Node, axes: readonly number[]): number => sizeOf(axes.map((axis) => x.shape[axis] as number));

/**
 * The error of a mean is the rounding error of its sum, which may exceed the deviations if all values are close together and far from 0. The
 * mean of the deviations equals that error: it is subtracted from the deviations and from their squares, which one pass sums together.
 */
export function moments(x: Node, axes: readonly number[]): Moments {
  const count = countOf(x, axes);
  const number = (value: number): Node => scalarLike(value, x);
  const share = number(count === 0 ? Number.NaN : 1 / count);
  const rough = mul(sum(x, axes, true), share);
  const differences = sub(x, rough);
  const average = mul(sum(differences, axes, true), share);
  const error = where(isfinite(average), average, number(0));
  const total = sub(sum(mul(differences, differences), axes, true), mul(mul(error, error), number(count)));
  const mean = withGradient(add(rough, error), [x], (grad) => [expand(mul(grad, share), x.shape)]);
  const deviations = withGradient(sub(differences, error), [x], (grad) => [
    sub(grad, mul(sum(grad, axes, true), share)),
  ]);
  // The deviations sum to 0, so none of the slope flows through the mean.
  const squares = withGradient(maximum(total, number(0)), [x], (grad) => [mul(mul(deviations, number(2)), grad)]);
  return { mean, deviations, squares };
}

/** The first element along the axes, as a constant; 0 if it is infinite or NaN, which would make all others NaN. */
function firstOf(x: Node, axes: readonly number[]): Node {
  const first = withGradient(
    axes.reduce((part, axis) => slice(part, axis, 0, 1), x),
    [],
    () => [],
  );
  return where(isfinite(first), first, scalarLike(0, first));
}

/**
 * Σ(x − mean)² / (n − correction). The mean is the first element plus the mean difference from it, so that rounding is small if all values
 * are close together; the rounding error of that addition is known, and its square is subtracted. A first element far from the
 * others makes their differences inexact, but its own square then dominates the sum.
 */
export function variance(x: Node, dim?: Dims, correction = 1, keepdim = false): Node {
  const values = isFloat(x.dtype) ? x : cast(x, "float32");
  const axes = normalizeAxes(dim, x.shape.length, "variance");
  const count = countOf(x, axes);
  const freedom = Math.max(0, count - correction);
  const number = (value: number): Node => scalarLike(value, values);
  const first = count === 0 ? number(0) : firstOf(values, axes);
  const shift = mul(sum(sub(values, first), axes, true), number(count === 0 ? Number.NaN : 1 / count));
  const average = add(first, shift);
  // Differences that overflow in both directions sum to NaN. With an infinite mean, the squares of finite values are infinite, and that of
  // an infinite one is NaN.
  const rounded = where(isnan(average), number(Number.POSITIVE_INFINITY), average);
  const lost = sub(shift, sub(rounded, first));
  const error = where(isfinite(lost), lost, number(0));
  const differences = sub(values, rounded);
  const total = sub(sum(mul(differences, differences), axes, true), mul(mul(error, error), number(count)));
  // The deviations sum to 0, so none of the slope flows through the mean.
  const result = withGradient(div(maximum(total, number(0)), number(freedom)), [values], (grad) => [
    mul(mul(sub(sub(values, average), error), number(2 / freedom)), grad),
  ]);
  const kept = keepdim
    ? result
    : reshape(
        result,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
  return composed("variance", [x], { dims: axes, correction, keepdim }, kept);
}

/** The square root of the variance; its slope is 0 if all values are equal. */
export function std(x: Node, dim?: Dims, correction = 1, keepdim = false): Node {
  const dims = normalizeAxes(dim, x.shape.length, "std");
  return composed("std", [x], { dims, correction, keepdim }, rootOrFlat(variance(x, dim, correction, keepdim)));
}

/** The covariances of rows of observations; for a single row, a number. */
export function covariance(x: Node, correction: number): Node {
  const values = isFloat(x.dtype) ? x : cast(x, "float32");
  const rows = values.shape.length === 2 ? values : reshape(values, [1, values.shape.length === 0 ? 1 : -1]);
  const [variables = 1, count = 0] = rows.shape;
  const { deviations } = moments(rows, [1]);
  const products = matmul(deviations, permute(deviations, [1, 0]));
  const result = div(products, scalarLike(Math.max(0, count - correction), products));
  return variables === 1 ? reshape(result, []) : result;
}

/** The covariances divided by the standard deviations of both, clamped to ±1 against rounding. */
export function correlation(x: Node): Node {
  const products = covariance(x, 1);
  if (products.shape.length === 0) return div(products, products);
  const size = products.shape[0] as number;
  const own = slice(reshape(products, [size * size]), 0, 0, size * size, size + 1);
  const scale = sqrt(own);
  return clamp(div(div(products, reshape(scale, [size, 1])), reshape(scale, [1, size])), -1, 1);
}
