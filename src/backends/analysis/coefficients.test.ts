// The fitted functions against series of their own, over the whole range of each fit.
import { describe, expect, it } from "vitest";
import * as single from "./float32Coefficients.ts";
import * as double from "./float64Coefficients.ts";

const at = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

/** erf by its power series, for |x| ≤ 1. */
function erf(x: number): number {
  let sum = 0;
  let term = x;
  for (let n = 0; n < 40; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** e^t² (1 - erf t) by its continued fraction, for t near 1 and above. */
function scaledErfc(t: number): number {
  let tail = t;
  for (let k = 400; k >= 1; k--) tail = t + k / 2 / tail;
  return 1 / Math.sqrt(Math.PI) / tail;
}

/** The largest error over 2,001 points from `low` to `high`, relative to what is expected. */
function errorOf(found: (x: number) => number, expected: (x: number) => number, low: number, high: number): number {
  let most = 0;
  for (let i = 0; i <= 2000; i++) {
    const x = low + ((high - low) * i) / 2000;
    most = Math.max(most, Math.abs(found(x) / expected(x) - 1));
  }
  return most;
}

describe("float32", () => {
  it("ln 2 in two parts", () => {
    expect((single.ln2High * 2 ** 15) % 1).toBe(0);
    expect(single.ln2High + single.ln2Low).toBe(Math.LN2);
  });
  it("exp, log and erf are as near as the float32 coefficients allow", () => {
    const exp = (r: number): number => 1 + r + r * r * at(single.expTail, r);
    expect(
      errorOf(
        (r) => 1 + exp(r) - Math.exp(r),
        () => 1,
        -Math.LN2 / 2,
        Math.LN2 / 2,
      ),
    ).toBeLessThan(4e-9);
    const log = (f: number): number => 1 - f / 2 + f * f * at(single.logTail, f);
    const quotient = (f: number): number => (f === 0 ? 1 : Math.log1p(f) / f);
    expect(errorOf(log, quotient, Math.SQRT1_2 - 1, Math.SQRT2 - 1)).toBeLessThan(2e-8);
    expect(
      errorOf(
        (x) => 1 + at(single.erfSmall, x * x),
        (x) => erf(x) / x,
        1e-3,
        1,
      ),
    ).toBeLessThan(2e-8);
    const rest = (t: number): number => Math.exp(-at(single.erfLarge, t)) - Math.exp(-t * t) * scaledErfc(t);
    expect(
      errorOf(
        (t) => 1 + rest(t),
        () => 1,
        0.95,
        4,
      ),
    ).toBeLessThan(2e-8);
  });
  it("√½ has the bits that are named", () => {
    expect(new Int32Array(new Float32Array([Math.SQRT1_2]).buffer)[0]).toBe(single.bitsOfRootHalf);
  });
});

describe("float64", () => {
  it("ln 2 and π/2 in two parts", () => {
    expect((double.ln2High * 2 ** 32) % 1).toBe(0);
    expect(double.ln2High + double.ln2Low).toBe(Math.LN2);
    expect(double.halfPiLow).toBe(Math.cos(Math.PI / 2));
  });
  it("erf is as near as float64 allows", () => {
    expect(
      errorOf(
        (x) => at(double.erfSmall, x * x),
        (x) => erf(x) / x,
        1e-3,
        1,
      ),
    ).toBeLessThan(1e-15);
    const large = (t: number): number => at(double.erfLarge, (t - 2.5) / (t + 2.5)) / (1 + 2 * t);
    expect(errorOf(large, scaledErfc, 1, 6)).toBeLessThan(2e-15);
  });
});
