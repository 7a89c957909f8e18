// Decides which trials stop early, by the results of earlier trials after the same number of epochs.
import { at } from "../../graph/at.ts";
import type { PrunerName } from "./names.ts";

/** Earlier trials that a rung needs before the median says anything. */
const fewestForMedian = 4;

/** The epochs after which a trial is compared with earlier ones: 1, eta, eta² … up to the eta-th part of all. */
export function rungs(epochs: number, eta: number): number[] {
  const found: number[] = [];
  for (let rung = 1; rung * eta <= epochs; rung *= eta) found.push(rung);
  return found;
}

/**
 * Whether a trial goes on after a rung. `cost`: its figure there, the smaller the better, Infinity if it has none; `earlier`: those of trials before it.
 *
 * - "median" (Golovin 2017): it goes on unless it is worse than the median; with fewer than four to compare with it goes on.
 * - "asha" (Li 2020): it goes on among the better 1/eta; the best so far always does.
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
