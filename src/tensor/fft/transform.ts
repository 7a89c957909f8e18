// The discrete Fourier transform along the last dim, of any length: short transforms are products with a matrix, which longer ones are made of.
import { at } from "../../graph/at.ts";
import type { Tensor } from "../tensor.ts";
import { chirpTransform } from "./chirp.ts";
import { type Sign, times } from "./planes.ts";
import { matrixOf, twiddles } from "./waves.ts";

/** A transform of this length is one product. */
const longestProduct = 32;
/** A prime length of this many is still a product; above, a chirp is shorter. */
const longestPrime = 128;

/**
 * The lengths of the products that a transform is made of, or undefined where a prime is too long. Few and equal ones are best: each is
 * a pass through memory.
 */
export function radices(length: number): number[] | undefined {
  const primes: number[] = [];
  let rest = length;
  for (let p = 2; p * p <= rest; p++) for (; rest % p === 0; rest /= p) primes.push(p);
  if (rest > 1) primes.push(rest);
  if (primes.some((p) => p > longestPrime)) return undefined;
  const passes = Math.max(1, Math.ceil(Math.log(length) / Math.log(longestProduct) - 1e-9));
  for (let count = passes; ; count++) {
    const parts = new Array<number>(count).fill(1);
    // The largest primes first, each to the smallest part.
    for (const p of primes.toReversed()) {
      const smallest = parts.indexOf(Math.min(...parts));
      parts[smallest] = at(parts, smallest) * p;
    }
    const used = parts.filter((part) => part > 1);
    if (used.every((part) => part <= longestProduct || primes.includes(part))) return used.sort((a, b) => b - a);
  }
}

/** Complex numbers as two planes: x is [2, batch, length], and so is the result. */
export function transform(x: Tensor, sign: Sign): Tensor {
  const [, batch = 1, length = 1] = x.shape;
  if (length <= 1 || batch === 0) return x;
  const parts = radices(length);
  if (parts === undefined) return chirpTransform(x, sign, transform);
  // [2, kᵢ, …, k₁, batch, left]: the digits of the result so far, of which the last weighs most, and the places left to sum over.
  let planes = x;
  let others = batch;
  let left = length;
  for (const part of parts) {
    left /= part;
    planes = step(planes.reshape([2, others, part, left]), part, sign);
    if (left > 1) planes = times(planes, twiddles(part, left, sign, x.dtype));
    others *= part;
  }
  return batch === 1 ? planes.reshape(x.shape) : planes.reshape([2, length, batch]).permute([0, 2, 1]);
}

/** [2, others, part, left] → [2, part, others, left]: the sums over `part`. */
function step(planes: Tensor, part: number, sign: Sign): Tensor {
  const [, others = 1, , left = 1] = planes.shape;
  const product = matrixOf(part, sign, planes.dtype).matmul(
    planes.permute([0, 2, 1, 3]).reshape([2 * part, others * left]),
  );
  return product.reshape([2, part, others, left]);
}
