// The least and the greatest of many numbers: arguments of one call are at most about 100,000, as many as the stack has room for.

/** Of no numbers -Infinity, and NaN if one of them is, as Math.max. */
export function greatest(numbers: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const one of numbers) most = Math.max(most, one);
  return most;
}

/** Of no numbers Infinity, and NaN if one of them is, as Math.min. */
export function least(numbers: Iterable<number>): number {
  let fewest = Number.POSITIVE_INFINITY;
  for (const one of numbers) fewest = Math.min(fewest, one);
  return fewest;
}
