// Predictions of a trained model for rows: classes with their probabilities, or numbers in the target's own units.
import { Dataset, type Unread } from "../data/index.ts";
import { at } from "../graph/at.ts";
import { quoted } from "../graph/visible.ts";
import { Perceptron } from "../nn/index.ts";
import { Evaluator, makeObjective, metrics, type Objective, residentOf } from "../train/index.ts";
import { cheapestClass } from "./costs.ts";
import type { OpenedRun } from "./saved.ts";
import { classNames, inverseFor, taskFor } from "./task.ts";

export interface Prediction {
  /** The name of a class, or a number. */
  readonly prediction: string | number;
  /**
   * The bounds of the interval that contains the target with the requested probability; only if an interval was requested from a run that predicts
   * numbers.
   */
  readonly lower?: number;
  readonly upper?: number;
  /** The probability of every class, by name; absent for a run that predicts numbers. */
  readonly probabilities?: Readonly<Record<string, number>>;
  /** Sentences about cells that could not be read and counted as missing, and values unseen in training; absent if there are none. */
  readonly notes?: readonly string[];
}

/** The sentence about a cell. */
export const noteOf = ({ column, cell, why }: Unread): string =>
  why === "new"
    ? `${quoted(column)}: ${quoted(cell)} is a value that was not in the training data`
    : `${quoted(column)}: ${quoted(cell)} is ${why} and counts as missing`;

/** Adds notes about unreadable cells to the predictions of their rows. */
export function noted(predictions: readonly Prediction[], unread: readonly Unread[]): Prediction[] {
  const notes = new Map<number, string[]>();
  for (const each of unread) notes.set(each.row, [...(notes.get(each.row) ?? []), noteOf(each)]);
  return predictions.map((prediction, row) => {
    const own = notes.get(row);
    return own === undefined ? prediction : { ...prediction, notes: own };
  });
}

/** The same rows with a target of 0 each, if numbers are predicted. */
const withoutTargets = ({ features, length }: Dataset): Dataset =>
  new Dataset({
    features: features.data,
    featureShape: features.shape,
    targets: new Float32Array(length),
    targetShape: [1],
  });

/** The same rows in the form for evaluation without known targets. */
const untargeted = (data: Dataset, objective: Objective): Dataset =>
  objective.task.kind === "number" ? withoutTargets(data) : data;

/** Answers of a run for rows: probabilities [N, classes], or numbers [N] in the target's own units. Ignores targets. */
export function answerer({ config, preprocessing, model }: OpenedRun): (rows: Dataset) => Promise<ArrayLike<number>> {
  const objective = makeObjective(config.loss, taskFor(preprocessing, config));
  const evaluator = new Evaluator(model, objective);
  const inverse = inverseFor(preprocessing);
  return async (rows) => {
    const { predictions } = await evaluator.evaluateLater(residentOf(untargeted(rows, objective)));
    return inverse === undefined ? predictions : Float64Array.from(predictions, inverse);
  };
}

/** Options of predictions beyond the most probable value. */
export interface Wanted {
  /** The half width of intervals, in the network's units. */
  readonly halfWidth?: number | undefined;
  /** The cost of missing each class: the cheapest class is predicted. */
  readonly costs?: readonly number[] | undefined;
}
export type PredictRows = (data: Dataset, wanted?: Wanted) => Promise<Prediction[]>;

/** Predicts repeatedly; compiled once for each number of rows. */
export function predictor({ config, preprocessing, model }: OpenedRun): PredictRows {
  const names = classNames(preprocessing);
  if (model instanceof Perceptron) {
    return async (data) =>
      Array.from(
        await model.forward(residentOf(data).features.flatten(1)).data(),
        (decision): Prediction => ({ prediction: names?.[decision] ?? decision }),
      );
  }
  const objective = makeObjective(config.loss, taskFor(preprocessing));
  const evaluator = new Evaluator(model, objective);
  const inverse = inverseFor(preprocessing) ?? ((value: number): number => value);
  return async (data, { halfWidth, costs } = {}) => {
    // The targets are unknown, so the metrics of this evaluation are meaningless, and only its predictions are used.
    const resident = residentOf(untargeted(data, objective));
    const { predictions } = await evaluator.evaluateLater(resident);
    if (names === undefined)
      return Array.from(predictions, (value): Prediction => {
        const prediction = inverse(value);
        // The inverse is increasing, so it preserves intervals.
        return halfWidth === undefined
          ? { prediction }
          : { prediction, lower: inverse(value - halfWidth), upper: inverse(value + halfWidth) };
      });
    return Array.from(metrics.predictedClasses(predictions, names.length), (place, row): Prediction => {
      const own = predictions.subarray(row * names.length, (row + 1) * names.length);
      return {
        prediction: at(names, costs === undefined ? place : cheapestClass(own, costs)),
        probabilities: Object.fromEntries(names.map((name, k) => [name, own[k] ?? 0])),
      };
    });
  };
}
