// The effect of a table's columns on a model: how much worse it is without one, and how its predictions change with one.
import { Dataset, Random } from "../data/index.ts";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";

/** Features that belong together, such as those of one category: `count` features from `from` on. */
export interface FeatureGroup {
  readonly name: string;
  readonly from: number;
  readonly count: number;
}

export interface PermutationOptions {
  readonly groups: readonly FeatureGroup[];
  /** A metric of the model on these rows; higher is better. */
  readonly score: (rows: Dataset) => number;
  /** The number of shuffles of each group. Default 5. */
  readonly repeats?: number;
  /** Default 0. */
  readonly seed?: number;
}

const kinds: OptionKinds<PermutationOptions> = {
  groups: kind.anything,
  score: kind.func<(rows: Dataset) => number>(),
  repeats: kind.number,
  seed: kind.number,
};

export interface Importance extends FeatureGroup {
  /** The decrease of the metric when the group's values are shuffled among the rows: the mean over the repeats. */
  readonly mean: number;
  /** The standard deviation over the repeats, dividing by their number. */
  readonly deviation: number;
  readonly drops: readonly number[];
}

/** The number of features of a row, with the checks of the groups. */
function widthOf(name: string, { features, length }: Dataset, groups: readonly FeatureGroup[]): number {
  const width = features.data.length / length;
  for (const { name: group, from, count } of groups)
    if (
      !(Number.isSafeInteger(from) && Number.isSafeInteger(count) && from >= 0 && count >= 1 && from + count <= width)
    )
      throw new HebbError(
        `${name}: group ${JSON.stringify(group)} is ${count} features from ${from} on, and a row has ${width}`,
      );
  return width;
}

const withFeatures = ({ features, targets }: Dataset, data: Float32Array): Dataset =>
  new Dataset({
    features: data,
    featureShape: features.shape,
    targets: targets.data,
    targetShape: targets.shape,
  });

/**
 * Permutation importance: score(rows) − score(rows with the values of one group shuffled among them). Groups are shuffled as a whole, so that a
 * category stays valid. A group that correlates with others looks unimportant. Source: Breiman 2001; sklearn.inspection.permutation_importance.
 */
export function permutationImportance(rows: Dataset, options: PermutationOptions): Importance[] {
  const { groups, score, repeats = 5, seed = 0 } = checkOptions("permutationImportance", options, kinds);
  if (!(Number.isSafeInteger(repeats) && repeats >= 1))
    throw new HebbError(`permutationImportance: repeats must be a whole number of at least 1, got ${repeats}`);
  const width = widthOf("permutationImportance", rows, groups);
  const whole = score(rows);
  const random = new Random(seed, 0x20000031);
  const original = Float32Array.from(rows.features.data);
  return groups.map((group) => {
    const { from, count } = group;
    const drops = Array.from({ length: repeats }, () => {
      const order = random.permutation(rows.length);
      const shuffled = original.slice();
      for (let row = 0; row < rows.length; row++) {
        const other = at(order, row) * width + from;
        shuffled.set(original.subarray(other, other + count), row * width + from);
      }
      return whole - score(withFeatures(rows, shuffled));
    });
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / repeats;
    const deviation = Math.sqrt(drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / repeats);
    return { ...group, mean, deviation, drops };
  });
}

export interface DependenceOptions {
  readonly group: FeatureGroup;
  /** The values to set the group to, each with one number per feature. */
  readonly values: readonly Numbers[];
  /** The model's predictions [rows · outputs], row by row. */
  readonly predict: (rows: Dataset) => Numbers;
}

type Numbers = ArrayLike<number>;

const dependenceKinds: OptionKinds<DependenceOptions> = {
  group: kind.anything,
  values: kind.anything,
  predict: kind.func<(rows: Dataset) => Numbers>(),
};

export interface Dependence {
  /** The mean prediction over all rows, for each value and output: [values][outputs]. */
  readonly mean: readonly (readonly number[])[];
  /** The quartiles of the rows' predictions: how differently rows respond. */
  readonly low: readonly (readonly number[])[];
  readonly high: readonly (readonly number[])[];
}

/**
 * Partial dependence: the mean of predict(rows with the group set to v) for each value v, with all else unchanged in each row. If columns correlate,
 * it includes rows that cannot occur. Source: Friedman 2001; sklearn.inspection.partial_dependence (brute).
 */
export function partialDependence(rows: Dataset, options: DependenceOptions): Dependence {
  const { group, values, predict } = checkOptions("partialDependence", options, dependenceKinds);
  const width = widthOf("partialDependence", rows, [group]);
  const original = Float32Array.from(rows.features.data);
  const [mean, low, high]: [number[][], number[][], number[][]] = [[], [], []];
  for (const value of values) {
    if (value.length !== group.count)
      throw new HebbError(
        `partialDependence: ${JSON.stringify(group.name)} has ${group.count} features, and a value has ${value.length}`,
      );
    const set = original.slice();
    for (let row = 0; row < rows.length; row++) set.set(value, row * width + group.from);
    const answers = predict(withFeatures(rows, set));
    const outputs = answers.length / rows.length;
    const columns = Array.from({ length: outputs }, (_, output) =>
      Float64Array.from({ length: rows.length }, (_, row) => at(answers, row * outputs + output)).sort(),
    );
    mean.push(columns.map((column) => column.reduce((sum, one) => sum + one, 0) / rows.length));
    low.push(columns.map((column) => quantile(column, 0.25)));
    high.push(columns.map((column) => quantile(column, 0.75)));
  }
  return { mean, low, high };
}

/** A quantile of sorted values, with linear interpolation. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const [a, b] = [at(sorted, below), at(sorted, Math.min(sorted.length - 1, below + 1))];
  return a + (place - below) * (b - a);
}
