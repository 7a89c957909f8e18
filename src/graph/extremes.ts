// The minimum and maximum of many numbers. The stack limits Math.max and Math.min to about 100,000 arguments.

/** -Infinity for no numbers, and NaN if any of them is NaN, like Math.max. */
export function greatest(numbers: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const one of numbers) most = Math.max(most, one);
  return most;
}

/** Infinity for no numbers, and NaN if any of them is NaN, like Math.min. */
export function least(numbers: Iterable<number>): number {
  let fewest = Number.POSITIVE_INFINITY;
  for (const one of numbers) fewest = Math.min(fewest, one);
  return fewest;
}
