// Metrics that are curves: decisions by threshold, and the calibration of probabilities.
import { HebbError } from "../graph/errors.ts";

type Numbers = ArrayLike<number>;

/** Rows that are sorted by their score, the highest first. */
function ranked(name: string, scores: Numbers, target: Numbers): Uint32Array {
  if (scores.length !== target.length)
    throw new HebbError(`${name}: ${scores.length} scores do not fit ${target.length} targets`);
  for (let row = 0; row < scores.length; row++)
    if (Number.isNaN(scores[row])) throw new HebbError(`${name}: the score of row ${row + 1} is NaN`);
  return Uint32Array.from({ length: scores.length }, (_, row) => row).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
}

/** A point of a curve over thresholds: rows whose score is at least `threshold` are called positive. */
export interface RocPoint {
  readonly threshold: number;
  /** Of the negative rows, the share that is called positive. */
  readonly falsePositives: number;
  /** Of the positive rows, the share that is found: recall. */
  readonly truePositives: number;
}

/**
 * The receiver operating characteristic: from the threshold at which nothing is positive to the least score, rows of equal score
 * together. The area under it by trapezoids is rocAuc. Shares are NaN where a class is absent. Throws HebbError for a score that is NaN.
 * Source: sklearn.metrics.roc_curve without dropped points.
 */
export function rocCurve(scores: Numbers, target: Numbers): RocPoint[] {
  const order = ranked("rocCurve", scores, target);
  let positives = 0;
  for (let row = 0; row < target.length; row++) if (target[row] === 1) positives++;
  const negatives = target.length - positives;
  const points: RocPoint[] = [];
  let [hits, alarms] = [0, 0];
  const push = (threshold: number): void => {
    points.push({ threshold, falsePositives: alarms / negatives, truePositives: hits / positives });
  };
  push(Number.POSITIVE_INFINITY);
  for (let place = 0; place < order.length; place++) {
    const row = order[place] as number;
    if (target[row] === 1) hits++;
    else alarms++;
    const next = order[place + 1];
    if (next === undefined || scores[next] !== scores[row]) push(scores[row] as number);
  }
  return points;
}

/** The rows whose probability lies in one part of 0 … 1. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Mean probability of the rows; NaN where there are none. */
  readonly said: number;
  /** Share of them that is positive; NaN where there are none. */
  readonly found: number;
}

/**
 * A reliability diagram: probabilities in parts of equal width (default 10), and what came of them. Throws HebbError for a
 * probability outside 0 … 1. Source: sklearn.calibration.calibration_curve, with the empty parts.
 */
export function calibrationCurve(probabilities: Numbers, target: Numbers, bins = 10): CalibrationBin[] {
  if (!(Number.isSafeInteger(bins) && bins >= 1))
    throw new HebbError(`calibrationCurve: bins must be a whole number of at least 1, got ${bins}`);
  if (probabilities.length !== target.length)
    throw new HebbError(`calibrationCurve: ${probabilities.length} probabilities do not fit ${target.length} targets`);
  const [rows, said, found] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
  for (let row = 0; row < target.length; row++) {
    const value = probabilities[row] as number;
    if (!(value >= 0 && value <= 1))
      throw new HebbError(`calibrationCurve: row ${row + 1} has ${value}, and a probability lies from 0 to 1`);
    const bin = Math.min(bins - 1, Math.floor(value * bins));
    (rows[bin] as number)++;
    (said[bin] as number) += value;
    if (target[row] === 1) (found[bin] as number)++;
  }
  return Array.from({ length: bins }, (_, bin): CalibrationBin => {
    const count = rows[bin] as number;
    return {
      from: bin / bins,
      to: (bin + 1) / bins,
      rows: count,
      said: (said[bin] as number) / count,
      found: (found[bin] as number) / count,
    };
  });
}

/** How far the probabilities are from what came of them: Σ rows · |said − found| / Σ rows. Source: Naeini et al. 2015. */
export function expectedCalibrationError(probabilities: Numbers, target: Numbers, bins = 10): number {
  const parts = calibrationCurve(probabilities, target, bins).filter(({ rows }) => rows > 0);
  return parts.reduce((sum, { rows, said, found }) => sum + rows * Math.abs(said - found), 0) / target.length;
}

/** Σ(p − t)² / n, of the probability of class 1. Source: sklearn.metrics.brier_score_loss. */
export function brierScore(probabilities: Numbers, target: Numbers): number {
  if (probabilities.length !== target.length)
    throw new HebbError(`brierScore: ${probabilities.length} probabilities do not fit ${target.length} targets`);
  let sum = 0;
  for (let row = 0; row < target.length; row++)
    sum += ((probabilities[row] as number) - (target[row] === 1 ? 1 : 0)) ** 2;
  return sum / target.length;
}
