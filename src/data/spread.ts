// Evenly spaced positions, to sample something too large to examine whole.

/** At most `most` positions from 0 to `length` − 1. */
export function spread(length: number, most: number): Int32Array {
  const count = Math.min(most, length);
  return Int32Array.from({ length: count }, (_, place) => Math.floor((place * length) / count));
}
