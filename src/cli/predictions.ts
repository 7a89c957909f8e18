// What a trained model says of rows: classes with their probabilities, or numbers in the target's own units.
import { Dataset } from "../data/index.ts";
import { Perceptron } from "../nn/index.ts";
import { Evaluator, makeObjective, metrics, residentOf } from "../train/index.ts";
import { classNames, inverseFor, taskFor } from "./job.ts";
import type { OpenedRun } from "./saved.ts";

export interface Prediction {
  /** A class by its name, or a number. */
  readonly prediction: string | number;
  /** Of every class, by name; of a run that predicts numbers there are none. */
  readonly probabilities?: Readonly<Record<string, number>>;
}

/** The same rows with a target of 0 each, where numbers are to be predicted. */
const withoutTargets = ({ features, length }: Dataset): Dataset =>
  new Dataset({
    features: features.data,
    featureShape: features.shape,
    targets: new Float32Array(length),
    targetShape: [1],
  });

/** Predicts again and again; compiled once for each number of rows. */
export function predictor({ config, preprocessing, model }: OpenedRun): (data: Dataset) => Prediction[] {
  const names = classNames(preprocessing);
  if (model instanceof Perceptron) {
    return (data) =>
      Array.from(
        model.forward(residentOf(data).features.flatten(1)).dataSync(),
        (decision): Prediction => ({ prediction: names?.[decision] ?? decision }),
      );
  }
  const objective = makeObjective(config.loss, taskFor(preprocessing));
  const evaluator = new Evaluator(model, objective);
  const inverse = inverseFor(preprocessing);
  return (data) => {
    // Targets are not known: the figures of this evaluation mean nothing and only its predictions are used.
    const resident = residentOf(objective.task.kind === "number" ? withoutTargets(data) : data);
    const { predictions } = evaluator.evaluate(resident);
    if (names === undefined)
      return Array.from(predictions, (value): Prediction => ({ prediction: inverse?.(value) ?? value }));
    return Array.from(metrics.predictedClasses(predictions, names.length), (place, row): Prediction => {
      const own = predictions.subarray(row * names.length, (row + 1) * names.length);
      return {
        prediction: names[place] ?? place,
        probabilities: Object.fromEntries(names.map((name, k) => [name, own[k] ?? 0])),
      };
    });
  };
}
