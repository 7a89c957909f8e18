// Vector p-norms, with gradient 0 at 0, and renorm, which bounds them.
import { HebbError, ShapeError } from "../errors.ts";
import { describe } from "../kinds.ts";
import type { Node } from "../node.ts";
import { formatShape, normalizeAxis } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { full } from "./creation.ts";
import * as el from "./elementwise.ts";
import { amax, amin, type Dims, norm, sum } from "./reduce.ts";
import { floating } from "./special.ts";

const number = (value: number, like: Node): Node => full([], value, like.dtype);

/**
 * (Σ |x|ᵖ)^(1/p) along dims; p may be Infinity (the largest), -Infinity (the smallest), 0 (the number of nonzeros) or negative. The slope
 * at 0 is 0.
 */
export function vectorNorm(x: Node, p: number, dim?: Dims, keepdim = false): Node {
  if (typeof p !== "number" || Number.isNaN(p))
    throw new HebbError(`norm: p must be a number, Infinity or -Infinity, got ${describe(p)}`);
  const values = floating(x);
  if (p === 2) return norm(values, dim, keepdim);
  const sizes = el.abs(values);
  if (p === Number.POSITIVE_INFINITY) return amax(sizes, dim, keepdim);
  if (p === Number.NEGATIVE_INFINITY) return amin(sizes, dim, keepdim);
  if (p === 1) return sum(sizes, dim, keepdim);
  if (p === 0) return sum(el.cast(el.ne(values, number(0, values)), values.dtype), dim, keepdim);
  // For negative p, the power of a 0 is infinite and the norm 0.
  if (p < 0) {
    const total = sum(powerOr(Number.POSITIVE_INFINITY, sizes, p), dim, keepdim);
    return el.pow(total, number(1 / p, total));
  }
  // For p below 1, the power of a single 0 has an infinite slope too.
  if (p < 1) return powerOr(0, sum(powerOr(0, sizes, p), dim, keepdim), 1 / p);
  return sum(lengths(values, p, dim), dim, keepdim);
}

/** The norm along dims, kept with size 1, with the slope sign(x) (|x| / norm)ᵖ⁻¹: factors of at most 1. */
function lengths(x: Node, p: number, dim?: Dims): Node {
  const plain = el.stopGradient(x);
  const powers = el.pow(el.abs(plain), number(p, x));
  const found: Node = withGradient(powerOr(0, sum(powers, dim, true), 1 / p), [x], (grad) => {
    const isZero = el.eq(found, number(0, x));
    const parts = el.div(el.abs(x), el.where(isZero, number(1, x), found));
    return [el.mul(grad, el.mul(el.sign(x), el.pow(parts, number(p - 1, x))))];
  });
  return found;
}

/** xᵖ, but `atZero` with gradient 0 at 0. */
function powerOr(atZero: number, x: Node, p: number): Node {
  const zero = el.eq(x, number(0, x));
  return el.where(zero, number(atZero, x), el.pow(el.where(zero, number(1, x), x), number(p, x)));
}

/** Scales each slice of a dim down to a norm of `most` if it is longer. */
export function renorm(x: Node, p: number, dim: number, most: number): Node {
  if (x.shape.length < 2) throw new ShapeError(`renorm: takes 2 dims or more, got ${formatShape(x.shape)}`);
  const axis = normalizeAxis(dim, x.shape.length, "renorm");
  if (!(p > 0) || !(most >= 0))
    throw new HebbError(
      `renorm: takes p above 0 and a maximum norm of at least 0, got ${describe(p)} and ${describe(most)}`,
    );
  const others = x.shape.map((_, k) => k).filter((k) => k !== axis);
  const sizes = vectorNorm(x, p, others, true);
  const factor = el.div(number(most, sizes), el.add(sizes, number(1e-7, sizes)));
  return el.mul(x, el.where(el.gt(sizes, number(most, sizes)), factor, number(1, sizes)));
}
