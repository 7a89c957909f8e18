// The metrics of a trained model on data in memory: the output of `evaluate` and the end of a run.
import { Dataset } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import { Perceptron } from "../nn/index.ts";
import type { Company } from "../train/company.ts";
import {
  Evaluator,
  metrics as figuresOf,
  type InMemory,
  type Metrics,
  makeObjective,
  type NamedScores,
  residentOf,
  samplesOf,
} from "../train/index.ts";
import { cheapestClass } from "./costs.ts";
import type { OpenedRun } from "./saved.ts";
import { classNames, inverseFor, namedScores, taskFor } from "./task.ts";

export interface Measured {
  readonly metrics: Metrics;
  readonly classes: readonly NamedScores[] | null;
  /** A number for each row, in the network's units; null if no numbers are predicted. */
  readonly numbers: ArrayLike<number> | null;
  /**
   * The number of rows by true class (first index) and predicted class (second index): the most probable one, or with costs of missing each class the
   * cheapest one; null if there are no classes.
   */
  confusion(costs?: readonly number[]): readonly (readonly number[])[] | null;
}

/** Measures the metrics of one data set. */
export type Measure = (data: InMemory) => Promise<Measured>;

/** Measures several data sets one after another, compiled once. `company`: ranks that measure the same data together. */
export function measurer(
  { config, preprocessing, model }: Pick<OpenedRun, "config" | "preprocessing" | "model">,
  company?: Company,
): Measure {
  const names = classNames(preprocessing);
  const confusion = (data: InMemory, decided: () => ArrayLike<number>) =>
    names === undefined || !(data instanceof Dataset)
      ? null
      : figuresOf.confusionMatrix(decided(), data.targets.data, names.length);
  if (model instanceof Perceptron)
    return async (data) => {
      const { metrics, classes, decided } = await measurePerceptron(model, rowsOf(data));
      return {
        metrics,
        classes: namedScores(classes, names),
        numbers: null,
        confusion: () => confusion(data, () => decided),
      };
    };
  const evaluator = new Evaluator(model, makeObjective(config.loss, taskFor(preprocessing, config)), {}, company);
  const inverse = inverseFor(preprocessing);
  return async (data) => {
    const { metrics, classes, predictions } = await evaluator.evaluateLater(samplesOf(data), inverse);
    const count = names?.length ?? 1;
    const decided = (costs?: readonly number[]): ArrayLike<number> =>
      costs === undefined
        ? figuresOf.predictedClasses(predictions, count)
        : Array.from({ length: predictions.length / count }, (_, row) =>
            cheapestClass(predictions.subarray(row * count, (row + 1) * count), costs),
          );
    const numbers = names === undefined && data instanceof Dataset ? predictions : null;
    return {
      metrics,
      classes: namedScores(classes, names),
      numbers,
      confusion: (costs) => confusion(data, () => decided(costs)),
    };
  };
}

/** The rows of a model that does not take text. */
function rowsOf(data: InMemory): Dataset {
  if (data instanceof Dataset) return data;
  throw new HebbError('model "perceptron" takes rows of a table, not a text; use gpt or lstm');
}

/** The decisions of a perceptron on a data set: its metrics, with the share of mistakes as loss, and the scores of each class. */
async function measurePerceptron(
  model: Perceptron,
  data: Dataset,
): Promise<{
  readonly metrics: Metrics;
  readonly classes: readonly figuresOf.ClassScores[];
  readonly decided: ArrayLike<number>;
}> {
  const { features, targets } = residentOf(data);
  const decided = await model.forward(features.flatten(1)).data();
  const labels = await targets.data();
  const figures = figuresOf.classFigures(decided, labels, 2);
  return {
    metrics: { loss: 1 - (figures["accuracy"] ?? Number.NaN), ...figures },
    classes: figuresOf.classScores(decided, labels, 2),
    decided,
  };
}
