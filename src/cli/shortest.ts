// The shortest text of a number that was computed in float32, for the terminal.

/** What a step of float32 is to numbers of the size of 1. */
const step = 2 ** -23;
/** With as many digits, every float64 comes back. */
const mostDigits = 17;

/**
 * The fewest digits that give the same float32 again; what float32 cannot hold keeps all of its digits. A number that was scaled in float32 and
 * then moved keeps the digits of its `scale`: 1700000036.25 differs from 1700000000 where numbers lie about 50 apart.
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
