// Metrics that are curves: decisions by threshold, and the calibration of probabilities.
import { HebbError } from "../graph/errors.ts";

type Numbers = ArrayLike<number>;

/** The indices of the rows, sorted by their score, highest first. */
function ranked(name: string, scores: Numbers, target: Numbers): Uint32Array {
  if (scores.length !== target.length)
    throw new HebbError(`${name}: ${scores.length} scores do not fit ${target.length} targets`);
  for (let row = 0; row < scores.length; row++)
    if (Number.isNaN(scores[row])) throw new HebbError(`${name}: the score of row ${row + 1} is NaN`);
  return Uint32Array.from({ length: scores.length }, (_, row) => row).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
}

/** A point of a curve over thresholds: rows whose score is at least `threshold` are predicted positive. */
export interface RocPoint {
  readonly threshold: number;
  /** The fraction of negative rows that is predicted positive. */
  readonly falsePositives: number;
  /** The fraction of positive rows that is found: recall. */
  readonly truePositives: number;
}

/**
 * The receiver operating characteristic: from the threshold at which nothing is positive down to the lowest score, with rows of equal score together.
 * The area under it by trapezoids is rocAuc. Rates are NaN if a class is absent. Throws HebbError for a score that is NaN. Source:
 * sklearn.metrics.roc_curve without dropped points.
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

/** The rows whose probability lies in one interval of 0 … 1. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** The mean probability of the rows; NaN without rows. */
  readonly said: number;
  /** The fraction of positive rows; NaN without rows. */
  readonly found: number;
}

/**
 * A reliability diagram: intervals of probability of equal width (default 10), with the observed frequencies. Throws HebbError for a probability
 * outside 0 … 1. Source: sklearn.calibration.calibration_curve, with the empty intervals.
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

/** The mean deviation of probabilities from observed frequencies: Σ rows · |said − found| / Σ rows. Source: Naeini et al. 2015. */
export function expectedCalibrationError(probabilities: Numbers, target: Numbers, bins = 10): number {
  const parts = calibrationCurve(probabilities, target, bins).filter(({ rows }) => rows > 0);
  return parts.reduce((sum, { rows, said, found }) => sum + rows * Math.abs(said - found), 0) / target.length;
}

/** Σ(p − t)² / n, for the probability of class 1. Source: sklearn.metrics.brier_score_loss. */
export function brierScore(probabilities: Numbers, target: Numbers): number {
  if (probabilities.length !== target.length)
    throw new HebbError(`brierScore: ${probabilities.length} probabilities do not fit ${target.length} targets`);
  let sum = 0;
  for (let row = 0; row < target.length; row++)
    sum += ((probabilities[row] as number) - (target[row] === 1 ? 1 : 0)) ** 2;
  return sum / target.length;
}
