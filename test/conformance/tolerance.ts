// How far a result may be from the exact one. All tolerances come from here.
import type { DType } from "../../src/graph/dtype.ts";

/**
 * Let u be the unit roundoff of the dtype (2^-24, 2^-53).
 *
 * One operation. A correctly rounded operation is off by at most u·|y|, i.e. half an ulp; an ulp is at most 2u·|y|. A
 * function documented as "within n ulp" is off by at most 2·n·u·|y|. The bounds of consecutive operations add up
 * (times their condition, which a case states by giving a larger `ulps`).
 *
 * A sum of k terms t_i, each term rounded once and accumulated in any fixed order, is off by at most k·u·Σ|t_i| (Higham,
 * Accuracy and Stability of Numerical Algorithms, §4.2). Since roundoffs have both signs, it is off by about √k·u·Σ|t_i|
 * (§2.8: the rule of thumb). We take √k with a factor 4, so that a deviation of four standard deviations passes, and
 * measure against Σ|t_i|, the sum without cancellation: a result that cancels to almost nothing keeps the error of its terms.
 *
 * Values below the smallest normal number have an absolute spacing, `tiny`, rather than a relative one, and a backend may
 * flush them to zero: differences below the smallest normal number always pass.
 */
export interface Bound {
  /** Error of one element in ulp, from functions and chained operations. */
  readonly ulps: number;
  /** Terms in the longest sum behind one element; 1: no sum. */
  readonly terms: number;
}

const unitRoundoff = (dtype: DType): number => (dtype === "float32" ? 2 ** -24 : 2 ** -53);
const smallestNormal = (dtype: DType): number => (dtype === "float32" ? 2 ** -126 : 2 ** -1022);

/** The largest permitted |actual - expected|, where `magnitude` is Σ|t_i|, or |expected| when nothing is summed. */
export function permitted(dtype: DType, { ulps, terms }: Bound, expected: number, magnitude: number): number {
  if (dtype !== "float32" && dtype !== "float64") return 0;
  const u = unitRoundoff(dtype);
  const functions = 2 * ulps * u * Math.abs(expected);
  const sums = terms > 1 ? 4 * Math.sqrt(terms) * u * (2 * ulps) * magnitude : 0;
  return functions + sums + smallestNormal(dtype);
}

/** Whether two numbers agree: NaN only with NaN, an infinity only with itself, and a zero with its sign where `signedZero`. */
export function agrees(
  dtype: DType,
  actual: number,
  expected: number,
  bound: Bound,
  magnitude = Math.abs(expected),
  signedZero = false,
): boolean {
  if (Number.isNaN(expected)) return Number.isNaN(actual);
  if (signedZero && expected === 0) return Object.is(actual, expected);
  if (actual === expected) return true;
  const limit = dtype === "float32" ? 3.4028234663852886e38 : Number.MAX_VALUE;
  const rounded = dtype === "float32" ? Math.fround(expected) : expected;
  if (!Number.isFinite(rounded)) return actual === rounded;
  // At the edge of the range an error of one ulp may overflow.
  if (!Number.isFinite(actual))
    return (
      Math.sign(actual) === Math.sign(expected) &&
      Math.abs(expected) + permitted(dtype, bound, expected, magnitude) >= limit
    );
  return Math.abs(actual - expected) <= permitted(dtype, bound, expected, magnitude);
}
