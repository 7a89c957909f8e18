// Some places of many, at equal distances: to look at a part of what is too large to be looked at whole.

/** At most `most` places from 0 to `length` − 1. */
export function spread(length: number, most: number): Int32Array {
  const count = Math.min(most, length);
  return Int32Array.from({ length: count }, (_, place) => Math.floor((place * length) / count));
}
