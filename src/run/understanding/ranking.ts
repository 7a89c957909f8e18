// How well scores and probabilities separate classes, as curves: ROC, precision–recall, reliability, and the temperature that corrects it.
import { at } from "../../graph/at.ts";

type Numbers = ArrayLike<number>;

export interface Point {
  readonly x: number;
  readonly y: number;
}

const mostPoints = 200;

/** Points spread over a curve, including its ends. */
function thinned(points: readonly Point[]): Point[] {
  if (points.length <= mostPoints) return [...points];
  return Array.from(
    { length: mostPoints },
    (_, i) => points[Math.round((i * (points.length - 1)) / (mostPoints - 1))] ?? { x: 0, y: 0 },
  );
}

/** The numbers of true and false positives above each distinct score, highest first. */
function countsAbove(scores: Numbers, isPositive: (row: number) => boolean): { hits: number; misses: number }[] {
  const order = Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => at(scores, b) - at(scores, a));
  const counts: { hits: number; misses: number }[] = [];
  let [hits, misses] = [0, 0];
  order.forEach((row, place) => {
    if (isPositive(row)) hits++;
    else misses++;
    const next = order[place + 1];
    if (next === undefined || scores[next] !== scores[row]) counts.push({ hits, misses });
  });
  return counts;
}

/** The true positive rate over the false positive rate, for every threshold. */
export function rocCurve(scores: Numbers, isPositive: (row: number) => boolean): Point[] {
  const counts = countsAbove(scores, isPositive);
  const { hits: positives, misses: negatives } = counts.at(-1) ?? { hits: 0, misses: 0 };
  const points = counts.map(({ hits, misses }) => ({
    x: misses / Math.max(1, negatives),
    y: hits / Math.max(1, positives),
  }));
  return thinned([{ x: 0, y: 0 }, ...points]);
}

/** Precision over recall, for every threshold. */
export function precisionRecallCurve(scores: Numbers, isPositive: (row: number) => boolean): Point[] {
  const counts = countsAbove(scores, isPositive);
  const positives = counts.at(-1)?.hits ?? 0;
  return thinned(counts.map(({ hits, misses }) => ({ x: hits / Math.max(1, positives), y: hits / (hits + misses) })));
}

export interface ReliabilityBin {
  /** The mean predicted probability. */
  readonly said: number;
  /** The observed fraction of rows. */
  readonly seen: number;
  readonly rows: number;
}

export interface Reliability {
  readonly bins: readonly ReliabilityBin[];
  /** Expected calibration error: the mean distance between `said` and `seen` over rows (Naeini 2015). */
  readonly error: number;
}

const binCount = 10;

function highest(values: Numbers, from: number, count: number): number {
  let place = 0;
  for (let k = 1; k < count; k++) if (at(values, from + k) > at(values, from + place)) place = k;
  return place;
}

/** Compares probabilities with observed frequencies in ten bins of equal width: those of the second of two classes, or of the predicted class. */
export function reliabilityOf(probabilities: Numbers, targets: Numbers, classes: number): Reliability {
  const bins = Array.from({ length: binCount }, () => ({ said: 0, seen: 0, rows: 0 }));
  for (let row = 0; row < targets.length; row++) {
    const place = classes > 2 ? highest(probabilities, row * classes, classes) : 1;
    const said = at(probabilities, row * classes + place);
    const bin = bins[Math.min(binCount - 1, Math.floor(said * binCount))];
    if (bin === undefined) continue;
    bin.said += said;
    bin.seen += targets[row] === place ? 1 : 0;
    bin.rows++;
  }
  const filled = bins.flatMap(({ said, seen, rows }) =>
    rows === 0 ? [] : [{ said: said / rows, seen: seen / rows, rows }],
  );
  const error = filled.reduce(
    (sum, { said, seen, rows }) => sum + (rows / Math.max(1, targets.length)) * Math.abs(said - seen),
    0,
  );
  return { bins: filled, error };
}

/** p^(1/T), normalised: probabilities as if the logits had been divided by T. */
export function tempered(probabilities: Numbers, classes: number, temperature: number): Float64Array {
  const out = new Float64Array(probabilities.length);
  for (let from = 0; from < out.length; from += classes) {
    let sum = 0;
    for (let k = from; k < from + classes; k++) {
      const share = Math.max(1e-12, at(probabilities, k)) ** (1 / temperature);
      out[k] = share;
      sum += share;
    }
    for (let k = from; k < from + classes; k++) out[k] = at(out, k) / sum;
  }
  return out;
}

/** The mean −log of the probability of the true class. */
export function logLoss(probabilities: Numbers, targets: Numbers, classes: number): number {
  let sum = 0;
  for (let row = 0; row < targets.length; row++)
    sum -= Math.log(Math.max(1e-12, at(probabilities, row * classes + at(targets, row))));
  return sum / Math.max(1, targets.length);
}

/** The temperature with the least log-loss (Guo 2017), between 1/20 and 20, by golden section search over its logarithm. */
export function fitTemperature(probabilities: Numbers, targets: Numbers, classes: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  const cost = (level: number): number => logLoss(tempered(probabilities, classes, Math.exp(level)), targets, classes);
  let [low, high] = [-Math.log(20), Math.log(20)];
  for (let step = 0; step < 40; step++) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (cost(a) < cost(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}
