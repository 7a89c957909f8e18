// Runs a model over a data set: predictions, loss and the figures that fit the task.
import type { Dataset } from "../data/index.ts";
import type { TypedArray } from "../graph/dtype.ts";
import type { Module } from "../nn/index.ts";
import { compile, noGrad, type Tensor, tensor } from "../tensor/index.ts";
import type { Metrics } from "./events.ts";
import * as figures from "./metrics.ts";
import type { Objective } from "./objectives.ts";

/** A data set as two tensors, uploaded once. */
export interface Resident {
  readonly features: Tensor;
  readonly targets: Tensor;
  readonly length: number;
}

export function residentOf(dataset: Dataset): Resident {
  const field = (values: Dataset["features"]): Tensor =>
    tensor(values.data, { shape: [dataset.length, ...values.shape], dtype: values.dtype });
  return { features: field(dataset.features), targets: field(dataset.targets), length: dataset.length };
}

export interface Evaluation {
  readonly metrics: Metrics;
  /** Probabilities of classes [N, count], or predicted numbers [N]. */
  readonly predictions: Float32Array;
}

/** Turns targets and predictions of a regression back into the user's units. */
export type Inverse = (value: number) => number;

const evaluationBatch = 256;

/** Evaluates in eval mode, in batches; compiled once and used again. */
export class Evaluator {
  readonly #model: Module;
  readonly #objective: Objective;
  readonly #run: (
    features: Tensor,
    targets: Tensor,
    start: Tensor,
    rows: number,
  ) => { loss: Tensor; prediction: Tensor };

  constructor(model: Module, objective: Objective) {
    this.#model = model;
    this.#objective = objective;
    this.#run = compile((features: Tensor, targets: Tensor, index: Tensor, _rows: number) =>
      noGrad(() => {
        const output = model.forward(features.indexSelect(0, index));
        return { loss: objective.loss(output, targets.indexSelect(0, index)), prediction: objective.predict(output) };
      }),
    );
  }

  evaluate(data: Resident, inverse: Inverse = (value) => value): Evaluation {
    const training = this.#model.training;
    this.#model.eval();
    try {
      const width = this.#objective.task.kind === "classes" ? this.#objective.task.count : 1;
      const predictions = new Float32Array(data.length * width);
      let total = 0;
      for (let start = 0; start < data.length; start += evaluationBatch) {
        const rows = Math.min(evaluationBatch, data.length - start);
        const index = tensor(Int32Array.from({ length: rows }, (_, row) => start + row));
        const { loss, prediction } = this.#run(data.features, data.targets, index, rows);
        total += loss.itemSync() * rows;
        predictions.set(prediction.dataSync(), start * width);
      }
      const targets = data.targets.dataSync();
      return {
        metrics: { loss: total / data.length, ...metricsOf(this.#objective, predictions, targets, inverse) },
        predictions,
      };
    } finally {
      this.#model.train(training);
    }
  }
}

function metricsOf(objective: Objective, predictions: Float32Array, targets: TypedArray, inverse: Inverse): Metrics {
  const { task } = objective;
  if (task.kind === "number") {
    const [predicted, wanted] = [predictions.map(inverse), Float32Array.from(targets, inverse)];
    return {
      mae: figures.mae(predicted, wanted),
      rmse: figures.rmse(predicted, wanted),
      r2: figures.r2(predicted, wanted),
    };
  }
  const predicted = figures.predictedClasses(predictions, task.count);
  const average = figures.macroAverage(figures.classScores(predicted, targets, task.count));
  const base = { accuracy: figures.accuracy(predicted, targets), ...average };
  if (task.count !== 2) return base;
  const positive = Float32Array.from({ length: targets.length }, (_, row) => predictions[2 * row + 1] as number);
  return { ...base, rocAuc: figures.rocAuc(positive, targets) };
}
