// The shortest text of a number computed in float32, for the terminal.

/** The spacing of float32 numbers near 1. */
const step = 2 ** -23;
/** With this many digits, every float64 round-trips. */
const mostDigits = 17;

/**
 * The fewest digits that round-trip in float32; a number that float32 cannot hold keeps all digits. A number that was scaled in float32 and then
 * shifted keeps the digits of its `scale`: 1700000036.25 differs from 1700000000 where numbers lie about 50 apart.
 */
export function shortest(value: number, scale = Number.POSITIVE_INFINITY): number {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return value;
  for (let digits = 1; digits < mostDigits; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === single && Math.abs(short - value) <= scale * step) return short;
  }
  return value;
}
