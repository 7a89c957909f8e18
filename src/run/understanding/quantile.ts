// The quantile of sorted numbers, interpolated linearly as NumPy does by default.

/** NaN for an empty list. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const [low = Number.NaN, high = low] = [sorted[below], sorted[below + 1]];
  return low + (place - below) * (high - low);
}
