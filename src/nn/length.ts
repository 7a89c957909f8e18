// The p-norm of vectors, with gradient 0 at 0.
import { HebbError } from "../graph/errors.ts";
import { type Tensor, where } from "../tensor/index.ts";

/** (Σ |x|ᵖ)^(1/p) along dims; p may be Infinity (the largest) or 0 (how many are not 0). The slope at 0 is 0, as in PyTorch. */
export function lengthOf(x: Tensor, p: number, dim: number, keepdim: boolean): Tensor {
  if (!(p >= 0)) throw new HebbError(`distance: p must be 0 or more, got ${p}`);
  if (p === 2) return x.norm(dim, keepdim);
  const sizes = x.abs();
  if (p === Number.POSITIVE_INFINITY) return sizes.amax(dim, keepdim);
  if (p === 1) return sizes.sum(dim, keepdim);
  if (p === 0) return x.ne(0).to(x.dtype).sum(dim, keepdim);
  // Below 1 the power of a single 0 has an infinite slope too.
  const powers = p < 1 ? powerOrFlat(sizes, p) : sizes.pow(p);
  return powerOrFlat(powers.sum(dim, keepdim), 1 / p);
}

/** xᵖ with gradient 0 at 0. */
function powerOrFlat(x: Tensor, p: number): Tensor {
  const flat = x.eq(0);
  return where(flat, 0, where(flat, 1, x).pow(p));
}
