// intervals.json of a run folder: the errors on held-out rows, from which prediction intervals are computed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../data/index.ts";
import { aNumber, listOf, objectOf, parseJson } from "../formats/json.ts";
import { type Run, writeFileAtomic } from "../formats/node.ts";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import type { OpenedRun } from "./saved.ts";
import { classNames, predictedIn } from "./task.ts";

const fileName = "intervals.json";

/** With more held-out rows than this, an interval hardly becomes more accurate: its coverage varies by 0.5 percentage points at 90 %. */
const mostScores = 4000;

/** |target − prediction| for held-out rows, in the network's units, smallest first. */
interface Stored {
  readonly scores: readonly number[];
}
const checkStored = objectOf<Stored>({ scores: listOf(aNumber) });

/**
 * Stores the data of intervals after training: the distances of held-out rows from their predictions, in the network's units. With more than 4000
 * rows, some are taken, evenly from first to last. Stores nothing if a distance is NaN or infinite.
 */
export function writeIntervals(run: Run, { targets, length }: Dataset, predictions: ArrayLike<number>): void {
  const count = Math.min(length, mostScores);
  const scores = Array.from({ length: count }, (_, place) => {
    const row = Math.floor((place * length) / count);
    return Math.abs(Number(at(targets.data, row)) - at(predictions, row));
  }).sort((a, b) => a - b);
  if (count === 0 || !scores.every(Number.isFinite)) return;
  writeFileAtomic(join(run.path, fileName), new TextEncoder().encode(`${JSON.stringify({ scores })}\n`));
}

export const hasIntervals = ({ path }: Run): boolean => existsSync(join(path, fileName));

/** The stored distances, smallest first. */
export function readScores({ path: folder }: Run): readonly number[] {
  const path = join(folder, fileName);
  return checkStored(parseJson(readFileSync(path, "utf8"), path), `${fileName}:`).scores;
}

/**
 * Split conformal prediction (Papadopoulos 2002, Lei 2018): the k-th smallest of n scores, k = ⌈(n + 1) · level⌉. A new row from the same
 * distribution as the held-out ones lies within this distance of its prediction with a probability of at least `level`, and at most level + 1/(n +
 * 1). Undefined if k > n: with so few rows, nothing can be promised at this level.
 */
export function conformalDistance(sorted: ArrayLike<number>, level: number): number | undefined {
  // Rounding may put the product slightly above a whole number.
  const rank = Math.ceil((sorted.length + 1) * level - 1e-9);
  return sorted[Math.max(1, rank) - 1];
}

/** The half widths of a run's intervals, in the network's units. Reads the file once. */
export function intervalsOf({ run, config, preprocessing }: OpenedRun): (level: number) => number {
  let stored: readonly number[] | undefined;
  return (level) => {
    if (!(level > 0 && level < 1))
      throw new HebbError(
        `an interval of ${level} is not a share of the rows; give one above 0 and below 1, such as 0.9`,
      );
    if (classNames(preprocessing) !== undefined || preprocessing.kind === "text")
      throw new HebbError(
        `intervals are for numbers, but this run predicts ${predictedIn(preprocessing)}; leave the interval out`,
      );
    if (stored === undefined && !hasIntervals(run))
      throw new HebbError(
        `${run.path} has no ${fileName}, from which intervals are computed: ${config.validation === 0 ? "it held out no rows; retrain with --validation 0.2" : "its training has not finished, or was done by an earlier version; hebb resume it, or retrain"}`,
      );
    stored ??= readScores(run);
    const distance = conformalDistance(stored, level);
    if (distance === undefined)
      throw new HebbError(
        `an interval of ${level} needs ${Math.ceil(level / (1 - level) - 1e-9)} held-out rows, and this run has ${stored.length}; at most ${(Math.floor((1000 * stored.length) / (stored.length + 1)) / 1000).toString()} can be promised`,
      );
    return distance;
  };
}
