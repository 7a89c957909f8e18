// The shortest text of a number that was computed in float32, for the terminal.

/** The fewest digits that give the same float32 again; what float32 cannot hold keeps all of its digits. */
export function shortest(value: number): number {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return value;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(value.toPrecision(9));
}
