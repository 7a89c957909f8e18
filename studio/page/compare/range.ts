// The range of the lanes' curves: every finite figure, from the lowest to the highest.

export type Which = "loss" | "metric";

/** A figure that can be drawn; on a logarithmic axis only positive ones. */
export const drawable = (value: number | undefined, log: boolean): number | null =>
  value === undefined || !Number.isFinite(value) || (log && value <= 0) ? null : value;

/** The range of the axis. A loss begins at 0; an accuracy includes chance and 1. */
export function rangeOf(which: Which, low: number | null, high: number | null): [number, number] {
  if (which === "loss") return [0, (high ?? 1) * 1.05 || 1];
  return [Math.min(low ?? 0, 0.45), Math.max(high ?? 1, 1)];
}
