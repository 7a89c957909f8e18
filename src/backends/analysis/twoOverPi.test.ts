// The bits of 2/π, against π by another formula.
import { expect, it } from "vitest";
import { twoOverPi } from "./twoOverPi.ts";

/** 2/π · 2^bits, rounded down: π = 48 arctan 1/18 + 32 arctan 1/57 − 20 arctan 1/239 (Gauss). */
function shifted(bits: bigint): bigint {
  const one = 1n << (bits + 100n);
  const arctan = (x: bigint): bigint => {
    let sum = 0n;
    let sign = 1n;
    for (let [k, power] = [1n, one / x]; power > 0n; k += 2n, power /= x * x, sign = -sign) sum += (sign * power) / k;
    return sum;
  };
  return ((2n * one) << bits) / (48n * arctan(18n) + 32n * arctan(57n) - 20n * arctan(239n));
}

it.each([
  [1, 32],
  [2, 64],
  [7, 32],
  [20, 64],
  [40, 32],
] as const)("%i words of %i bits", (words, width) => {
  const found = twoOverPi(words, width);
  expect(found).toHaveLength(words);
  for (const word of found) expect(word >= 0n && word < 1n << BigInt(width)).toBe(true);
  const joined = found.reduce((sum, word) => (sum << BigInt(width)) + word, 0n);
  expect(joined).toBe(shifted(BigInt(words * width)));
});
