// Decides which trials stop early, by the results of earlier trials after the same number of epochs.
import { at } from "../../graph/at.ts";
import type { PrunerName } from "./names.ts";

/** The minimum number of earlier trials at a rung for the median rule. */
const fewestForMedian = 4;

/** The epochs after which a trial is compared with earlier ones: 1, eta, eta² … up to 1/eta of all epochs. */
export function rungs(epochs: number, eta: number): number[] {
  const found: number[] = [];
  for (let rung = 1; rung * eta <= epochs; rung *= eta) found.push(rung);
  return found;
}

/**
 * Whether a trial continues after a rung. `cost`: its metric there, lower is better, Infinity if undefined; `earlier`: those of earlier trials.
 *
 * - "median" (Golovin 2017): it continues unless it is worse than the median; with fewer than four to compare with, it continues.
 * - "asha" (Li 2020): it continues if it is among the best 1/eta; the best so far always does.
 */
export function goesOn(name: PrunerName, cost: number, earlier: readonly number[], eta: number): boolean {
  if (name === "none") return true;
  const better = earlier.filter((other) => other < cost).length;
  if (name === "asha") return better < Math.max(1, Math.floor((earlier.length + 1) / eta));
  if (earlier.length < fewestForMedian) return true;
  const sorted = [...earlier].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
  return cost <= median;
}
