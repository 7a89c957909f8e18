// Evaluates a model on a data set: predictions, loss and the metrics of the task.
import { at } from "../graph/at.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import type { Module } from "../nn/index.ts";
import { compile, type Generator, noGrad, type Tensor } from "../tensor/index.ts";
import { type Reading, readLater, readNow, readsAtOnce, valuesOf } from "../tensor/reading.ts";
import { Company } from "./company.ts";
import type { Metrics } from "./events.ts";
import type { Samples } from "./feeds.ts";
import * as figures from "./metrics.ts";
import { type BatchLoss, ignoredLabel, type Objective } from "./objectives.ts";
import { MeanLoss } from "./steps.ts";

/** A custom metric of predictions (probabilities of classes, or numbers) and targets. */
export type MetricFunction = (predictions: Float32Array, targets: TypedArray) => number;

export interface Evaluation {
  readonly metrics: Metrics;
  /** Precision, recall, F1 and support of each class, if there are classes. */
  readonly classes?: readonly figures.ClassScores[];
  /** Probabilities of classes [N, outputs], or predicted numbers [N] or [N, outputs]; empty for a text. */
  readonly predictions: Float32Array;
}

/** Converts targets and predictions of a regression back to the user's units. */
export type Inverse = (value: number) => number;

const rowsAtOnce = 256;
const windowsAtOnce = 64;
/** The number of batches in flight on an asynchronous device. */
const batchesAhead = 16;

/** The results of a batch: its loss, and probabilities or numbers [B, …]; for a text the number of correct tokens, and of all. */
interface BatchAnswer extends BatchLoss {
  readonly prediction: Tensor;
  readonly tokens: number;
}

/** Restores the generator after an evaluation, because ranks evaluate different numbers of batches. */
export function* drawingApart<T>(generator: Generator, evaluation: Reading<T>): Reading<T> {
  const before = generator.getState();
  try {
    return yield* evaluation;
  } finally {
    if (generator.getState().calls !== before.calls) generator.setState(before);
  }
}

/** Evaluates in eval mode, in batches; compiled once and reused. Ranks each evaluate their share of the rows, and all get the metrics of all rows. */
export class Evaluator {
  readonly #model: Module;
  readonly #objective: Objective;
  readonly #own: Readonly<Record<string, MetricFunction>>;
  readonly #company: Company;
  #samples: Samples | undefined;
  readonly #run: (given: readonly Tensor[], rows: number, complete: boolean) => BatchAnswer;

  /** `company`: the ranks that evaluate the same data together. Default: only this process. */
  constructor(
    model: Module,
    objective: Objective,
    own: Readonly<Record<string, MetricFunction>> = {},
    company: Company = new Company(false),
  ) {
    this.#model = model;
    this.#objective = objective;
    this.#own = own;
    this.#company = company;
    this.#run = compile((given: readonly Tensor[], _rows: number, _complete: boolean) =>
      noGrad(() => {
        const rows = (this.#samples as Samples).gather(given);
        const { targets } = rows;
        const output = model.forward(rows.features);
        const prediction =
          objective.task.kind === "tokens"
            ? output.argmax(-1).eq(targets).to("int32").sum()
            : objective.predict(output);
        return { ...objective.measure(output, targets, rows), prediction, tokens: targets.size };
      }),
    );
  }

  evaluate(data: Samples, inverse?: Inverse): Evaluation {
    return readNow(this.evaluation(data, inverse));
  }

  /** The same by promise, for any device. */
  evaluateLater(data: Samples, inverse?: Inverse): Promise<Evaluation> {
    return readLater(this.evaluation(data, inverse));
  }

  /** The same, as part of other work. */
  *evaluation(data: Samples, inverse: Inverse = (value) => value): Reading<Evaluation> {
    const training = this.#model.training;
    this.#model.eval();
    try {
      return this.#objective.task.kind === "tokens" ? yield* this.#ofTokens(data) : yield* this.#ofRows(data, inverse);
    } finally {
      this.#model.train(training);
    }
  }

  /** Passes the batches of this rank's share, with their predictions, to `take`. Returns the mean loss of all rows. */
  *#batches(
    data: Samples,
    size: number,
    take: (prediction: TypedArray, batch: { readonly rows: number; readonly tokens: number }) => void,
  ): Reading<number> {
    const company = this.#company;
    const total = new MeanLoss();
    const [first, end] = company.shareOf(data.length);
    // A synchronous device is idle while values are read.
    const together = readsAtOnce() ? 1 : batchesAhead;
    for (let start = first; start < end; ) {
      const batches: { readonly rows: number; readonly tokens: number; readonly weight: number | undefined }[] = [];
      const wanted: Tensor[] = [];
      while (batches.length < together && start < end) {
        const rows = Math.min(size, end - start);
        const samples = Int32Array.from({ length: rows }, (_, row) => start + row);
        this.#samples = data;
        const { loss, weight, prediction, tokens } = company.apart(() =>
          this.#run(data.arguments(samples, 0), rows, data.complete),
        );
        wanted.push(prediction, loss);
        if (typeof weight !== "number") wanted.push(weight);
        batches.push({ rows, tokens, weight: typeof weight === "number" ? weight : undefined });
        start += rows;
      }
      const values = yield* valuesOf(wanted);
      let place = 0;
      const next = (): TypedArray => at(values, place++);
      for (const batch of batches) {
        const prediction = next();
        const loss = single(next());
        total.add({ loss, weight: batch.weight ?? single(next()) });
        take(prediction, batch);
      }
    }
    const [sum, weight] = company.sums([total.sum, total.weight]);
    total.set({ sum, weight });
    return total.mean;
  }

  *#ofTokens(data: Samples): Reading<Evaluation> {
    let [ownRight, ownTokens] = [0, 0];
    const loss = yield* this.#batches(data, windowsAtOnce, (prediction, { tokens }) => {
      ownRight += single(prediction);
      ownTokens += tokens;
    });
    const [right, tokens] = this.#company.sums([ownRight, ownTokens]);
    const metrics = { loss, perplexity: figures.perplexity(loss), accuracy: right / tokens };
    return { metrics, predictions: new Float32Array() };
  }

  *#ofRows(data: Samples, inverse: Inverse): Reading<Evaluation> {
    const parts: TypedArray[] = [];
    const loss = yield* this.#batches(data, rowsAtOnce, (prediction) => {
      parts.push(prediction);
    });
    const predictions = this.#company.joined(parts, data.length);
    const [targets = new Float32Array()] = yield* valuesOf(data.targets === undefined ? [] : [data.targets]);
    const own = Object.entries(this.#own).map(([name, figure]) => [name, aFigure(name, figure(predictions, targets))]);
    const { metrics, classes } = measure(this.#objective, predictions, targets, inverse);
    return {
      metrics: { loss, ...metrics, ...Object.fromEntries(own) },
      ...(classes === undefined ? {} : { classes }),
      predictions,
    };
  }
}

const single = (values: TypedArray): number => values[0] ?? Number.NaN;

/** Checks the result of a custom metric. */
function aFigure(name: string, value: unknown): number {
  if (typeof value === "number") return value;
  const hint = value instanceof Promise ? "; make the function synchronous" : "; return a number";
  throw new HebbError(`the metric "${name}" returned ${describe(value)}${hint}`);
}

/** From this number of classes on, top-5 accuracy is informative. */
const manyClasses = 10;

/** The metrics of a task, without custom ones. */
export function figuresOf({ task }: Objective): readonly string[] {
  if (task.kind === "tokens") return ["loss", "perplexity", "accuracy"];
  if (task.kind === "number") return ["loss", "mae", "rmse", "r2"];
  const names = ["loss", ...figures.classFigureNames(task.count)];
  if (task.count === 2) return [...names, "rocAuc", "prAuc"];
  return task.count > manyClasses ? [...names, "top5"] : names;
}

interface Measured {
  readonly metrics: Metrics;
  readonly classes?: readonly figures.ClassScores[];
}

function measure({ task }: Objective, predictions: Float32Array, targets: TypedArray, inverse: Inverse): Measured {
  if (task.kind !== "classes") {
    // In the user's units the spacing of numbers may be below float32's precision, for example for seconds since 1970.
    const [predicted, wanted] = [Float64Array.from(predictions, inverse), Float64Array.from(targets, inverse)];
    return {
      metrics: {
        mae: figures.mae(predicted, wanted),
        rmse: figures.rmse(predicted, wanted),
        r2: figures.r2(predicted, wanted),
      },
    };
  }
  const width = predictions.length / targets.length;
  const { scores, labels } = counting(predictions, targets, width);
  const predicted = figures.predictedClasses(scores, width);
  const count = task.count === 2 ? 2 : Math.max(task.count, width);
  const metrics = figures.classFigures(predicted, labels, count);
  const classes = figures.classScores(predicted, labels, count);
  if (task.count > manyClasses)
    return { metrics: { ...metrics, top5: figures.topKAccuracy(scores, labels, width, 5) }, classes };
  if (task.count !== 2) return { metrics, classes };
  const positive = Float32Array.from(labels, (_, row) => scores[row * width + figures.positiveClass] ?? Number.NaN);
  return {
    metrics: {
      ...metrics,
      rocAuc: figures.rocAuc(positive, labels),
      prAuc: figures.averagePrecision(positive, labels),
    },
    classes,
  };
}

/** The rows whose labels are not ignored. */
function counting(
  predictions: Float32Array,
  targets: TypedArray,
  width: number,
): { readonly scores: Float32Array; readonly labels: TypedArray } {
  if (!targets.includes(ignoredLabel)) return { scores: predictions, labels: targets };
  const rows = Array.from(targets.keys()).filter((row) => targets[row] !== ignoredLabel);
  const scores = new Float32Array(rows.length * width);
  for (const [place, row] of rows.entries())
    scores.set(predictions.subarray(row * width, (row + 1) * width), place * width);
  return { scores, labels: Int32Array.from(rows, (row) => targets[row] ?? 0) };
}
