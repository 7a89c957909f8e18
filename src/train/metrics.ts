// Metrics, computed on the host from predictions and targets.
import { HebbError } from "../graph/errors.ts";

export * from "./metricCurves.ts";

type Numbers = ArrayLike<number>;

function sameLength(name: string, a: Numbers, b: Numbers): void {
  if (a.length !== b.length) throw new HebbError(`${name}: ${a.length} predictions do not fit ${b.length} targets`);
}

/** The index of the largest score of each row. */
export function predictedClasses(scores: Numbers, classes: number): Int32Array {
  const result = new Int32Array(scores.length / classes);
  for (let row = 0; row < result.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++)
      if ((scores[row * classes + k] as number) > (scores[row * classes + best] as number)) best = k;
    result[row] = best;
  }
  return result;
}

/** The fraction of equal labels. */
export function accuracy(predicted: Numbers, target: Numbers): number {
  sameLength("accuracy", predicted, target);
  let right = 0;
  for (let row = 0; row < target.length; row++) if (predicted[row] === target[row]) right++;
  return right / target.length;
}

/** The fraction of rows whose target is among the k largest scores; NaN if a score is NaN. */
export function topKAccuracy(scores: Numbers, target: Numbers, classes: number, k: number): number {
  if (noNumber(scores)) return Number.NaN;
  let right = 0;
  for (let row = 0; row < target.length; row++) {
    const own = scores[row * classes + (target[row] as number)] as number;
    let above = 0;
    for (let other = 0; other < classes; other++) if ((scores[row * classes + other] as number) > own) above++;
    if (above < k) right++;
  }
  return right / target.length;
}

/** matrix[target][predicted] = rows. */
export function confusionMatrix(predicted: Numbers, target: Numbers, classes: number): number[][] {
  sameLength("confusionMatrix", predicted, target);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < target.length; row++) {
    const counts = matrix[target[row] as number];
    const column = predicted[row] as number;
    if (counts !== undefined) counts[column] = (counts[column] ?? 0) + 1;
  }
  return matrix;
}

export interface ClassScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** The number of rows of the class. */
  readonly support: number;
}

/**
 * Precision, recall and F1 of each class; 0 if a class is never predicted or never occurs, NaN if both. Source:
 * sklearn.metrics.precision_recall_fscore_support.
 */
export function classScores(predicted: Numbers, target: Numbers, classes: number): ClassScores[] {
  sameLength("classScores", predicted, target);
  const counts = (): Float64Array => new Float64Array(classes);
  // With thousands of classes the whole matrix would not fit in memory.
  const [hit, occurring, predictedAs] = [counts(), counts(), counts()];
  for (let row = 0; row < target.length; row++) {
    const [own, given] = [target[row] as number, predicted[row] as number];
    if (!(own in occurring)) continue;
    (occurring[own] as number)++;
    if (given in predictedAs) (predictedAs[given] as number)++;
    if (own === given) (hit[own] as number)++;
  }
  return Array.from({ length: classes }, (_, k): ClassScores => {
    const [hits, support, claimed] = [hit[k] as number, occurring[k] as number, predictedAs[k] as number];
    if (support + claimed === 0) return { precision: Number.NaN, recall: Number.NaN, f1: Number.NaN, support };
    return {
      precision: claimed === 0 ? 0 : hits / claimed,
      recall: support === 0 ? 0 : hits / support,
      f1: (2 * hits) / (support + claimed),
      support,
    };
  });
}

/** The mean of the classes' scores, with equal weights; classes that neither occur nor are predicted are omitted. */
export function macroAverage(scores: readonly ClassScores[]): ClassScores {
  const met = scores.filter((score) => !Number.isNaN(score.f1));
  const mean = (pick: (score: ClassScores) => number): number =>
    met.reduce((sum, score) => sum + pick(score), 0) / met.length;
  return {
    precision: mean((score) => score.precision),
    recall: mean((score) => score.recall),
    f1: mean((score) => score.f1),
    support: scores.reduce((sum, { support }) => sum + support, 0),
  };
}

/** The mean recall of the classes that occur: accuracy as if they had equal numbers of rows. Source: sklearn.metrics.balanced_accuracy_score. */
export function balancedAccuracy(predicted: Numbers, target: Numbers, classes: number): number {
  const occurring = classScores(predicted, target, classes).filter(({ support }) => support > 0);
  return occurring.reduce((sum, { recall }) => sum + recall, 0) / occurring.length;
}

/** The index of the positive class of two, as in scikit-learn. */
export const positiveClass = 1;

/**
 * Classification metrics. For two classes, precision, recall and F1 are those of the positive class (class 1); for more they are means over the
 * classes, and named so.
 */
export function classFigures(predicted: Numbers, target: Numbers, classes: number): Record<string, number> {
  const scores = classScores(predicted, target, classes);
  const figures = {
    accuracy: accuracy(predicted, target),
    balancedAccuracy: balancedAccuracy(predicted, target, classes),
  };
  const positive = classes === 2 ? scores[positiveClass] : undefined;
  if (positive !== undefined) {
    // A class that neither occurs nor is predicted has no score; scikit-learn gives 0.
    const { precision, recall, f1 } = positive;
    return { ...figures, precision: precision || 0, recall: recall || 0, f1: f1 || 0 };
  }
  const { precision, recall, f1 } = macroAverage(scores);
  return { ...figures, macroPrecision: precision, macroRecall: recall, macroF1: f1 };
}

/** The names of these metrics; the same for three or more classes. */
export const classFigureNames = (classes: number): readonly string[] =>
  Object.keys(classFigures([], [], Math.min(classes, 3)));

function noNumber(scores: Numbers): boolean {
  for (let row = 0; row < scores.length; row++) if (Number.isNaN(scores[row])) return true;
  return false;
}

/** The rows sorted by score, lowest first. */
const byScore = (scores: Numbers): number[] =>
  Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => (scores[a] as number) - (scores[b] as number));

/**
 * The area under precision over recall, as the mean precision at each positive row; rows of equal score count together. NaN without a positive row or
 * if a score is NaN. Source: sklearn.metrics.average_precision_score.
 */
export function averagePrecision(scores: Numbers, target: Numbers): number {
  sameLength("averagePrecision", scores, target);
  if (noNumber(scores)) return Number.NaN;
  const order = byScore(scores).reverse();
  let [positives, area] = [0, 0];
  for (let start = 0; start < order.length; ) {
    let end = start;
    let found = 0;
    for (; end < order.length && scores[order[end] as number] === scores[order[start] as number]; end++)
      if (target[order[end] as number] === 1) found++;
    positives += found;
    area += (found * positives) / end;
    start = end;
  }
  return area / positives;
}

/**
 * The probability that a positive row scores above a negative one, with ties counting half; NaN if a class is absent or a score is NaN. Source:
 * sklearn.metrics.roc_auc_score.
 */
export function rocAuc(scores: Numbers, target: Numbers): number {
  sameLength("rocAuc", scores, target);
  if (noNumber(scores)) return Number.NaN;
  const order = byScore(scores);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end] as number] === scores[order[start] as number]) end++;
    const rank = (start + 1 + end) / 2;
    for (let place = start; place < end; place++) {
      if (target[order[place] as number] !== 1) continue;
      positives++;
      rankSum += rank;
    }
    start = end;
  }
  const negatives = target.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Σ|p − t| / n */
export function mae(predicted: Numbers, target: Numbers): number {
  sameLength("mae", predicted, target);
  let sum = 0;
  for (let row = 0; row < target.length; row++) sum += Math.abs((predicted[row] as number) - (target[row] as number));
  return sum / target.length;
}

/** √(Σ(p − t)² / n) */
export function rmse(predicted: Numbers, target: Numbers): number {
  sameLength("rmse", predicted, target);
  let sum = 0;
  for (let row = 0; row < target.length; row++) sum += ((predicted[row] as number) - (target[row] as number)) ** 2;
  return Math.sqrt(sum / target.length);
}

/**
 * 1 − Σ(p − t)² / Σ(t − mean)²: 1 is perfect, 0 no better than the mean. For constant targets, 1 if all are predicted exactly and 0 otherwise; NaN
 * for fewer than two rows, which have no variance. Source: sklearn.metrics.r2_score.
 */
export function r2(predicted: Numbers, target: Numbers): number {
  sameLength("r2", predicted, target);
  let mean = 0;
  for (let row = 0; row < target.length; row++) mean += (target[row] as number) / target.length;
  let [rest, total] = [0, 0];
  for (let row = 0; row < target.length; row++) {
    rest += ((predicted[row] as number) - (target[row] as number)) ** 2;
    total += ((target[row] as number) - mean) ** 2;
  }
  if (target.length < 2) return Number.NaN;
  return total === 0 ? Number(rest === 0) : 1 - rest / total;
}

/** e^loss, for a cross-entropy in nats. */
export const perplexity = (loss: number): number => Math.exp(loss);

/** Whether lower or higher is better. */
export type Mode = "min" | "max";

const modes: Readonly<Record<string, Mode>> = {
  loss: "min",
  mae: "min",
  rmse: "min",
  perplexity: "min",
  r2: "max",
  accuracy: "max",
  balancedAccuracy: "max",
  precision: "max",
  recall: "max",
  f1: "max",
  macroPrecision: "max",
  macroRecall: "max",
  macroF1: "max",
  rocAuc: "max",
  prAuc: "max",
  top5: "max",
};

/** The built-in metrics. */
export const names: readonly string[] = Object.keys(modes);

/** Whether lower or higher is better for a built-in metric; undefined for any other. */
export const modeOf = (name: string): Mode | undefined => (Object.hasOwn(modes, name) ? modes[name] : undefined);
