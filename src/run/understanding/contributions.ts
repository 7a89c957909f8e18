// Explains a prediction for one row: the contribution of each column to the difference from the mean, by sampled Shapley values.

import { Dataset, Random } from "../../data/index.ts";
import { at } from "../../graph/at.ts";
import type { ColumnSpan, Predict } from "./columns.ts";

export interface Contribution {
  readonly column: string;
  /** The change of the answer due to the column. */
  readonly contribution: number;
  /** Its standard error, which falls with the square root of the number of samples. */
  readonly error: number;
}

/** base + the sum of the contributions = prediction, except for rounding. */
export interface Contributions {
  /** The mean answer over the sampled background rows. */
  readonly base: number;
  readonly prediction: number;
  /** In the order of the columns. */
  readonly contributions: readonly Contribution[];
}

export interface ShapleyOptions {
  readonly predict: Predict;
  /** The number of answers for each row, and the one to explain. */
  readonly outputs: number;
  readonly output: number;
  /** The number of sampled orders of the columns, an even number. */
  readonly samples: number;
  readonly seed: number;
}

const contributionStream = 0x53000000;
/** The approximate number of rows predicted at once. */
const rowsAtOnce = 4096;

/**
 * Shapley values by sampled orders (Štrumbelj and Kononenko 2014). A background row is changed into the explained one, column by column in a random
 * order; the change of the answer at a column's step is its share. The mean over orders and background rows is the contribution:
 *
 *     φ_c = mean of f(the row's columns up to c, the background's for the rest) − f(the same before c)
 *
 * Every path leads from f(background row) to f(row), so the contributions add up to the prediction minus the mean. Each order is also walked
 * backwards (Mitchell 2022), which reduces the error. `row` is one row, `background` the rows to compare with. Columns are exchanged as a whole, as
 * if they were independent.
 */
export async function shapleyValues(
  row: Dataset,
  background: Dataset,
  columns: readonly ColumnSpan[],
  { predict, outputs, output, samples, seed }: ShapleyOptions,
): Promise<Contributions> {
  const [width = 0] = row.features.shape;
  const random = new Random(seed, contributionStream);
  const draws = random.permutation(background.length);
  const pairs = Math.max(1, Math.ceil(samples / 2));
  const steps = columns.length + 1;
  const sums = columns.map(() => ({ sum: 0, squares: 0 }));
  let [base, prediction] = [0, 0];
  const most = Math.max(1, Math.floor(rowsAtOnce / (2 * steps)));
  for (let from = 0; from < pairs; from += most) {
    const count = Math.min(most, pairs - from);
    const features = new Float32Array(count * 2 * steps * width);
    const orders: Int32Array[] = [];
    for (let pair = 0; pair < count; pair++) {
      const start = at(draws, (from + pair) % draws.length) * width;
      const forwards = random.permutation(columns.length);
      for (const order of [forwards, forwards.slice().reverse()]) {
        const walk = features.subarray(orders.length * steps * width, (orders.length + 1) * steps * width);
        orders.push(order);
        for (let k = 0; k < width; k++) walk[k] = Number(at(background.features.data, start + k));
        order.forEach((column, step) => {
          walk.copyWithin((step + 1) * width, step * width, (step + 1) * width);
          const span = at(columns, column);
          for (let k = span.from; k < span.from + span.width; k++)
            walk[(step + 1) * width + k] = Number(at(row.features.data, k));
        });
      }
    }
    const answers = await predict(rowsLike(row, features, orders.length * steps));
    const answer = (walk: number, step: number): number => at(answers, (walk * steps + step) * outputs + output);
    for (let pair = 0; pair < count; pair++) {
      const means = new Float64Array(columns.length);
      for (const walk of [2 * pair, 2 * pair + 1]) {
        base += answer(walk, 0) / (2 * pairs);
        prediction += answer(walk, steps - 1) / (2 * pairs);
        at(orders, walk).forEach((column, step) => {
          means[column] = at(means, column) + (answer(walk, step + 1) - answer(walk, step)) / 2;
        });
      }
      sums.forEach((own, column) => {
        own.sum += at(means, column);
        own.squares += at(means, column) ** 2;
      });
    }
  }
  return {
    base,
    prediction,
    contributions: columns.map(({ column }, place): Contribution => {
      const { sum, squares } = at(sums, place);
      const variance = Math.max(0, squares - sum ** 2 / pairs) / Math.max(1, pairs - 1);
      return { column, contribution: sum / pairs, error: Math.sqrt(variance / pairs) };
    }),
  };
}

/** Rows with these features, and targets of 0, which do not affect predictions. */
const rowsLike = ({ features: { shape } }: Dataset, features: Float32Array, rows: number): Dataset =>
  new Dataset({ features, featureShape: shape, targets: new Int32Array(rows) });
