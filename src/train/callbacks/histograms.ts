// Histograms of weights and gradients, epoch by epoch.

import { at } from "../../graph/at.ts";
import type { TypedArray } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import { compile, type Tensor } from "../../tensor/index.ts";
import { type Reading, valuesOf, within } from "../../tensor/reading.ts";
import type { Callback, Training } from "../callback.ts";
import type { Histogram } from "../events.ts";
import type { EpochRecord } from "../state.ts";

const bins = 30;

/** Counts values in equal parts of their range. Omits NaN and infinite values. */
export function histogramOf(name: string, of: Histogram["of"], values: TypedArray): Histogram {
  let [low, high, sum, sumSquares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
    sumSquares += value * value;
  }
  if (low > high) return { name, of, edges: [0, 0], counts: [0], sum: 0, sumSquares: 0 };
  const width = high > low ? (high - low) / bins : 1;
  const parts = high > low ? bins : 1;
  const counts = new Array<number>(parts).fill(0);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const part = Math.min(parts - 1, Math.floor((value - low) / width));
    counts[part] = (counts[part] ?? 0) + 1;
  }
  const edges = Array.from({ length: parts + 1 }, (_, k) => (k === parts && high > low ? high : low + k * width));
  return { name, of, edges, counts, sum, sumSquares };
}

/**
 * Reports histograms of weights and gradients every few epochs. Gradients are computed for one fixed batch in eval mode, which leaves training
 * undisturbed.
 */
export class Histograms implements Callback {
  readonly #every: number;
  #take: (() => Reading<Histogram[]>) | undefined;
  #training: Training | undefined;

  constructor(every = 1) {
    if (!(Number.isSafeInteger(every) && every >= 1))
      throw new HebbError(`Histograms: takes a whole number of epochs of at least 1, got ${every}`);
    this.#every = every;
  }

  attach(training: Training): void {
    this.#training = training;
    this.#take = takerOf(training);
  }

  *epochEnd({ epoch }: EpochRecord): Reading<undefined> {
    const training = this.#training;
    if (training === undefined || this.#take === undefined || epoch % this.#every !== 0) return;
    const histograms = yield* within((part) => training.draw(part), this.#take());
    training.tell({ type: "histograms", epoch, step: training.steps, histograms });
  }
}

/** A tensor to make a histogram of. */
interface Asked {
  readonly name: string;
  readonly of: Histogram["of"];
  readonly tensor: Tensor;
}

function takerOf({ model, objective, samples, batchSize }: Training): () => Reading<Histogram[]> {
  const batch = Int32Array.from({ length: Math.min(batchSize, samples.length) }, (_, row) => row);
  const gradientsOf = compile((...given: Tensor[]) => {
    const { features, targets, weights } = samples.gather(given);
    const before = model.parameters().map((parameter) => parameter.grad);
    for (const parameter of model.parameters()) parameter.grad = undefined;
    objective.loss(model.forward(features), targets, weights).backward();
    const found: Record<string, Tensor> = {};
    for (const [name, parameter] of model.namedParameters())
      if (parameter.grad !== undefined) found[name] = parameter.grad;
    for (const [place, parameter] of model.parameters().entries()) parameter.grad = before[place];
    return found;
  });
  return function* () {
    const training = model.training;
    model.eval();
    try {
      const gradients = gradientsOf(...samples.arguments(batch, 0));
      const asked = model.namedParameters().flatMap(([name, parameter]): Asked[] => {
        const gradient = gradients[name];
        const weights: Asked = { name, of: "weights", tensor: parameter };
        return gradient === undefined ? [weights] : [weights, { name, of: "gradients", tensor: gradient }];
      });
      const values = yield* valuesOf(asked.map(({ tensor }) => tensor));
      return asked.map(({ name, of }, place) => histogramOf(name, of, at(values, place)));
    } finally {
      model.train(training);
    }
  };
}
