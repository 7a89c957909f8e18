// The p-norm of vectors, with gradient 0 at 0.
import { HebbError } from "../graph/errors.ts";
import type { Dims } from "../graph/ops/reduce.ts";
import { type Tensor, where } from "../tensor/index.ts";

/**
 * (Σ |x|ᵖ)^(1/p) along dims; p may be Infinity (the largest), -Infinity (the smallest), 0 (how many are not 0) or below 0. The slope
 * at 0 is 0, as in PyTorch. Source: torch.linalg.vector_norm.
 */
export function lengthOf(x: Tensor, p: number, dim?: Dims, keepdim = false): Tensor {
  if (Number.isNaN(p)) throw new HebbError("norm: p must be a number, Infinity or -Infinity, got NaN");
  if (p === 2) return x.norm(dim, keepdim);
  const sizes = x.abs();
  if (p === Number.POSITIVE_INFINITY) return sizes.amax(dim, keepdim);
  if (p === Number.NEGATIVE_INFINITY) return sizes.amin(dim, keepdim);
  if (p === 1) return sizes.sum(dim, keepdim);
  if (p === 0) return x.ne(0).to(x.dtype).sum(dim, keepdim);
  // Below 0 the power of a 0 is infinite, and the length 0.
  if (p < 0)
    return powerOr(Number.POSITIVE_INFINITY, sizes, p)
      .sum(dim, keepdim)
      .pow(1 / p);
  // Below 1 the power of a single 0 has an infinite slope too.
  const powers = p < 1 ? powerOr(0, sizes, p) : sizes.pow(p);
  return powerOr(0, powers.sum(dim, keepdim), 1 / p);
}

/** xᵖ, and `atZero` with gradient 0 at 0. */
function powerOr(atZero: number, x: Tensor, p: number): Tensor {
  const zero = x.eq(0);
  return where(zero, atZero, where(zero, 1, x).pow(p));
}
