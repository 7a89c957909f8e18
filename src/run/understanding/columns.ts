// The effect of a table's columns on a model: how much worse it is without each, and how its predictions change with one.

import { Dataset, Random, type TablePreprocessing } from "../../data/index.ts";
import { featureNamesOf, type InputEncoding } from "../../data/preprocessing.ts";
import { tellingTerms } from "../../data/tellingTerms.ts";
import { at } from "../../graph/at.ts";
import { quantile } from "./quantile.ts";

/** Predictions of a model for rows: probabilities of classes, or numbers in the target's own units. */
export type Predict = (rows: Dataset) => Promise<ArrayLike<number>>;
/** A metric to minimise. */
export type Cost = (predictions: ArrayLike<number>, rows: Dataset) => number;

export interface Importance {
  readonly column: string;
  /** The rise of the cost when the column is shuffled: mean and standard deviation over repetitions. */
  readonly mean: number;
  readonly deviation: number;
}

/** The features of a column. */
export interface ColumnSpan {
  readonly column: string;
  readonly from: number;
  readonly width: number;
}

/** The features of each column. */
export function spans({ inputs }: TablePreprocessing): (ColumnSpan & { readonly input: InputEncoding })[] {
  let from = 0;
  return inputs.map((input) => {
    const width = featureNamesOf(input).length;
    from += width;
    return { column: input.column, input, from: from - width, width };
  });
}

const withFeatures = (rows: Dataset, features: Float32Array): Dataset =>
  new Dataset({
    features,
    featureShape: rows.features.shape,
    targets: rows.targets.data,
    targetShape: rows.targets.shape,
  });

const importanceStream = 0x49000000;

/**
 * Permutation importance of each column (Breiman 2001): its values are shuffled among the rows, `repeats` times, and the cost is measured again. A
 * column that correlates with another looks unimportant by this measure.
 */
export async function permutationImportance(
  rows: Dataset,
  preprocessing: TablePreprocessing,
  {
    predict,
    cost,
    repeats,
    seed,
  }: { readonly predict: Predict; readonly cost: Cost; readonly repeats: number; readonly seed: number },
): Promise<Importance[]> {
  const base = cost(await predict(rows), rows);
  const [width = 0] = rows.features.shape;
  const given = Float32Array.from(rows.features.data);
  const found: Importance[] = [];
  for (const [place, { input, from, width: own }] of spans(preprocessing).entries()) {
    const rises: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const order = new Random(seed, importanceStream + place * 256 + repeat).permutation(rows.length);
      const features = given.slice();
      for (let row = 0; row < rows.length; row++) {
        const source = (order[row] ?? row) * width + from;
        features.set(given.subarray(source, source + own), row * width + from);
      }
      rises.push(cost(await predict(withFeatures(rows, features)), rows) - base);
    }
    const mean = rises.reduce((sum, rise) => sum + rise, 0) / repeats;
    const variance = rises.reduce((sum, rise) => sum + (rise - mean) ** 2, 0) / Math.max(1, repeats - 1);
    found.push({ column: input.column, mean, deviation: Math.sqrt(variance) });
  }
  return found.sort((a, b) => b.mean - a.mean);
}

export interface Dependence {
  readonly column: string;
  /** The values of the column: numbers, or names. */
  readonly values: readonly (number | string)[];
  /** For each value, the mean prediction over the rows: of a number, or of every class shown. */
  readonly means: readonly (readonly number[])[];
}

const gridPoints = 16;
const mostCategories = 12;

/** The values to try, each with its features. `base`: the predictions for the unchanged rows. */
function gridOf(
  { input, from, width }: { readonly input: InputEncoding; readonly from: number; readonly width: number },
  rows: Dataset,
  base: readonly Float64Array[],
): { readonly value: number | string; readonly features: Float32Array }[] {
  const [all = 0] = rows.features.shape;
  if (input.kind === "category")
    return input.categories.slice(0, mostCategories).map((value, place) => {
      const features = new Float32Array(width);
      features[place] = 1;
      return { value, features };
    });
  if (input.kind === "text") {
    const places = tellingTerms(rows, { from, terms: input.terms }, base, mostCategories);
    return places.map((place) => {
      const features = new Float32Array(width);
      features[place] = input.norm;
      features[width - 1] = (Math.log1p(at(input.terms, place).split(" ").length) - input.mean) / input.scale;
      return { value: at(input.terms, place), features };
    });
  }
  // Dates have cycles besides their days, and no single value moves all of them like time.
  if (input.kind === "date") return [];
  const seen = Float64Array.from({ length: rows.length }, (_, row) =>
    Number(at(rows.features.data, row * all + from)),
  ).sort();
  const levels = [
    ...new Set(Array.from({ length: gridPoints }, (_, i) => quantile(seen, 0.02 + (0.96 * i) / (gridPoints - 1)))),
  ];
  return levels.map((level) => {
    const features = new Float32Array(width);
    features[0] = level;
    const raw = level * input.scale + input.mean;
    return { value: input.transform === "log" ? Math.sign(raw) * Math.expm1(Math.abs(raw)) : raw, features };
  });
}

/**
 * The mean prediction over all rows when one column has the same value in each (Friedman 2001): numbers between the 2nd and the 98th percentile, up
 * to twelve categories, and for texts the presence of each of the twelve most informative terms. `shown`: which of `outputs` are kept.
 */
export async function partialDependence(
  rows: Dataset,
  preprocessing: TablePreprocessing,
  columns: readonly string[],
  {
    predict,
    outputs,
    shown,
  }: { readonly predict: Predict; readonly outputs: number; readonly shown: readonly number[] },
): Promise<Dependence[]> {
  const [width = 0] = rows.features.shape;
  const given = Float32Array.from(rows.features.data);
  const found: Dependence[] = [];
  const texts = preprocessing.inputs.some(({ kind }) => kind === "text");
  const predictions = texts ? await predict(rows) : [];
  const base = texts
    ? shown.map((output) =>
        Float64Array.from({ length: rows.length }, (_, row) => at(predictions, row * outputs + output)),
      )
    : [];
  for (const column of columns) {
    const span = spans(preprocessing).find(({ input }) => input.column === column);
    const grid = span === undefined ? [] : gridOf(span, rows, base);
    if (span === undefined || grid.length < 2) continue;
    const means: number[][] = [];
    for (const { features: own } of grid) {
      const features = given.slice();
      for (let row = 0; row < rows.length; row++) features.set(own, row * width + span.from);
      const predictions = await predict(withFeatures(rows, features));
      means.push(
        shown.map((output) => {
          let sum = 0;
          for (let row = 0; row < rows.length; row++) sum += at(predictions, row * outputs + output);
          return sum / rows.length;
        }),
      );
    }
    found.push({ column, values: grid.map(({ value }) => value), means });
  }
  return found;
}
