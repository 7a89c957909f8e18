// The bits of 2/π, for the reduction of very large angles.

/** So many words behind the point, of 32 or 64 bits, the first bits first. */
export function twoOverPi(words: number, width: 32 | 64): readonly bigint[] {
  const bits = BigInt(width * words);
  const one = 1n << (bits + 64n);
  // π = 16 arctan 1/5 − 4 arctan 1/239 (Machin).
  let pi = 0n;
  for (const [factor, x] of [
    [16n, 5n],
    [-4n, 239n],
  ] as const)
    for (let power = (factor * one) / x, k = 1n; power !== 0n; power /= -x * x, k += 2n) pi += power / k;
  const digits = ((2n * one) << bits) / pi;
  return Array.from({ length: words }, (_, k) => BigInt.asUintN(width, digits >> BigInt(width * (words - 1 - k))));
}
