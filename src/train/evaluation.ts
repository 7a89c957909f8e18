// Runs a model over a data set: predictions, loss and the figures that fit the task.
import type { TypedArray } from "../graph/dtype.ts";
import type { Module } from "../nn/index.ts";
import { compile, noGrad, type Tensor } from "../tensor/index.ts";
import type { Metrics } from "./events.ts";
import { Resident, type Samples } from "./feeds.ts";
import * as figures from "./metrics.ts";
import type { Objective } from "./objectives.ts";

/** A figure of the user's own, from predictions (probabilities of classes, or numbers) and targets. */
export type MetricFunction = (predictions: Float32Array, targets: TypedArray) => number;

export interface Evaluation {
  readonly metrics: Metrics;
  /** Probabilities of classes [N, outputs], or predicted numbers [N] or [N, outputs]; of a text none are kept. */
  readonly predictions: Float32Array;
}

/** Turns targets and predictions of a regression back into the user's units. */
export type Inverse = (value: number) => number;

const rowsAtOnce = 256;
const windowsAtOnce = 64;

/** Evaluates in eval mode, in batches; compiled once and used again. */
export class Evaluator {
  readonly #model: Module;
  readonly #objective: Objective;
  readonly #own: Readonly<Record<string, MetricFunction>>;
  #samples: Samples | undefined;
  readonly #run: (
    given: readonly Tensor[],
    rows: number,
  ) => { loss: Tensor; weight: Tensor | undefined; prediction: Tensor };

  constructor(model: Module, objective: Objective, own: Readonly<Record<string, MetricFunction>> = {}) {
    this.#model = model;
    this.#objective = objective;
    this.#own = own;
    this.#run = compile((given: readonly Tensor[], _rows: number) =>
      noGrad(() => {
        const { features, targets, weights } = (this.#samples as Samples).gather(given);
        const output = model.forward(features);
        const prediction =
          objective.task.kind === "tokens"
            ? output.argmax(-1).eq(targets).to("float32").mean()
            : objective.predict(output);
        return { loss: objective.loss(output, targets, weights), weight: weights?.sum(), prediction };
      }),
    );
  }

  evaluate(data: Samples, inverse: Inverse = (value) => value): Evaluation {
    const training = this.#model.training;
    this.#model.eval();
    this.#samples = data;
    try {
      return this.#objective.task.kind === "tokens" ? this.#ofTokens(data) : this.#ofRows(data, inverse);
    } finally {
      this.#model.train(training);
    }
  }

  *#batches(
    data: Samples,
    size: number,
  ): Generator<{ loss: number; weight: number; rows: number; start: number; prediction: Tensor }> {
    for (let start = 0; start < data.length; start += size) {
      const rows = Math.min(size, data.length - start);
      const samples = Int32Array.from({ length: rows }, (_, row) => start + row);
      const { loss, weight, prediction } = this.#run(data.arguments(samples, 0), rows);
      yield { loss: loss.itemSync(), weight: weight === undefined ? rows : weight.itemSync(), rows, start, prediction };
    }
  }

  #ofTokens(data: Samples): Evaluation {
    let [total, right] = [0, 0];
    for (const { loss, rows, prediction } of this.#batches(data, windowsAtOnce)) {
      total += loss * rows;
      right += prediction.itemSync() * rows;
    }
    const loss = total / data.length;
    const metrics = { loss, perplexity: figures.perplexity(loss), accuracy: right / data.length };
    return { metrics, predictions: new Float32Array() };
  }

  #ofRows(data: Samples, inverse: Inverse): Evaluation {
    let predictions = new Float32Array();
    let [width, total, weights] = [1, 0, 0];
    for (const { loss, weight, rows, start, prediction } of this.#batches(data, rowsAtOnce)) {
      if (start === 0) {
        // A model may give more classes than the data hold, or several numbers.
        width = prediction.size / rows;
        predictions = new Float32Array(data.length * width);
      }
      // Rows that count for nothing have no loss.
      if (weight > 0) total += loss * weight;
      weights += weight;
      predictions.set(prediction.dataSync(), start * width);
    }
    const targets = data instanceof Resident ? data.targets.dataSync() : new Float32Array();
    const own = Object.entries(this.#own).map(([name, figure]) => [name, figure(predictions, targets)] as const);
    return {
      metrics: {
        loss: total / weights,
        ...metricsOf(this.#objective, predictions, width, targets, inverse),
        ...Object.fromEntries(own),
      },
      predictions,
    };
  }
}

/** Classes from which on "among the first five" says something. */
const manyClasses = 10;

/** The figures that rows or tokens of a task are measured by, apart from the user's own. */
export function figuresOf({ task }: Objective): readonly string[] {
  if (task.kind === "tokens") return ["loss", "perplexity", "accuracy"];
  if (task.kind === "number") return ["loss", "mae", "rmse", "r2"];
  return ["loss", "accuracy", "precision", "recall", "f1", ...(task.count === 2 ? ["rocAuc"] : []), "top5"];
}

function metricsOf(
  { task }: Objective,
  predictions: Float32Array,
  count: number,
  targets: TypedArray,
  inverse: Inverse,
): Metrics {
  if (task.kind !== "classes") {
    const [predicted, wanted] = [predictions.map(inverse), Float32Array.from(targets, inverse)];
    return {
      mae: figures.mae(predicted, wanted),
      rmse: figures.rmse(predicted, wanted),
      r2: figures.r2(predicted, wanted),
    };
  }
  const predicted = figures.predictedClasses(predictions, count);
  const average = figures.macroAverage(figures.classScores(predicted, targets, count));
  const base = { accuracy: figures.accuracy(predicted, targets), ...average };
  if (count > manyClasses) return { ...base, top5: figures.topKAccuracy(predictions, targets, count, 5) };
  if (count !== 2) return base;
  const positive = Float32Array.from({ length: targets.length }, (_, row) => predictions[2 * row + 1] as number);
  return { ...base, rocAuc: figures.rocAuc(positive, targets) };
}
