// The discrete Fourier transform along the last dim, of any length: passes of short transforms. Large prime lengths are matrix products.
import { at } from "../../graph/at.ts";
import { butterfly } from "../../graph/ops/butterfly.ts";
import { Tensor } from "../tensor.ts";
import { chirpTransform } from "./chirp.ts";
import { type Sign, times } from "./planes.ts";
import { matrixOf, twiddles } from "./waves.ts";

/** Transforms up to this length share their sums, as many as fit in registers; a longer prime is a matrix product. */
const longestButterfly = 16;
/** The largest prime length that is a product; above it, a chirp is faster. */
const longestPrime = 128;

/**
 * The lengths of the short transforms that make up one, or undefined if a prime is too long. Few and equal ones are best: each is a pass through
 * memory.
 */
export function radices(length: number): number[] | undefined {
  const primes: number[] = [];
  let rest = length;
  for (let p = 2; p * p <= rest; p++) for (; rest % p === 0; rest /= p) primes.push(p);
  if (rest > 1) primes.push(rest);
  if (primes.some((p) => p > longestPrime)) return undefined;
  const passes = Math.max(1, Math.ceil(Math.log(length) / Math.log(longestButterfly) - 1e-9));
  for (let count = passes; ; count++) {
    const parts = new Array<number>(count).fill(1);
    // Largest primes first, each into the smallest part.
    for (const p of primes.toReversed()) {
      const smallest = parts.indexOf(Math.min(...parts));
      parts[smallest] = at(parts, smallest) * p;
    }
    const used = parts.filter((part) => part > 1);
    if (used.every((part) => part <= longestButterfly || primes.includes(part))) return used.sort((a, b) => b - a);
  }
}

/** Complex numbers as two planes: x is [2, batch, length], and so is the result. */
export function transform(x: Tensor, sign: Sign): Tensor {
  const [, batch = 1, length = 1] = x.shape;
  if (length <= 1 || batch === 0) return x;
  const parts = radices(length);
  if (parts === undefined) return chirpTransform(x, sign, transform);
  const planes = passes(x, sign, parts, false);
  return batch === 1 ? planes.reshape(x.shape) : planes.permute([0, 2, 1]);
}

/** The same with the two parts of each result side by side: [2, batch, length] → [length, batch, 2]. */
export function transformToPairs(x: Tensor, sign: Sign): Tensor {
  const [, batch = 1, length = 1] = x.shape;
  const parts = length <= 1 || batch === 0 ? undefined : radices(length);
  return parts === undefined ? transform(x, sign).permute([2, 1, 0]) : passes(x, sign, parts, true);
}

/** [2, length, batch], or [length, batch, 2]. */
function passes(x: Tensor, sign: Sign, parts: readonly number[], pairs: boolean): Tensor {
  const [, batch = 1, length = 1] = x.shape;
  // [2, kᵢ, …, k₁, batch, left]: the digits of the result so far, the most significant last, and the positions left to sum over.
  let planes = x;
  let others = batch;
  let left = length;
  for (const part of parts) {
    left /= part;
    planes = pass(planes.reshape([2, others, part, left]), sign, pairs && left === 1);
    others *= part;
  }
  return planes.reshape(pairs ? [length, batch, 2] : [2, length, batch]);
}

/**
 * [2, others, part, left] → [2, part, others, left], or with the planes last: the sums over `part`, times the twiddle factors of the remaining
 * positions.
 */
function pass(planes: Tensor, sign: Sign, pairs: boolean): Tensor {
  const [, others = 1, part = 1, left = 1] = planes.shape;
  const turns = left === 1 ? [] : [twiddles(part, left, sign, planes.dtype)];
  if (part <= longestButterfly) {
    const inputs = [planes, ...turns];
    const nodes = inputs.map(({ node }) => node);
    return Tensor.from(butterfly(nodes, { sign, pairs }), inputs);
  }
  const sums = matrixOf(part, sign, planes.dtype)
    .matmul(planes.permute([0, 2, 1, 3]).reshape([2 * part, others * left]))
    .reshape([2, part, others, left]);
  const turned = turns.reduce((value, turn) => times(value, turn.reshape([2, part, 1, left])), sums);
  return pairs ? turned.permute([1, 2, 3, 0]) : turned;
}
