// The terms of a column of texts that go along best with what a model says of the rows.
import { at } from "../graph/at.ts";
import type { Dataset } from "./dataset.ts";

/**
 * The places of the terms whose presence goes along best with what is predicted, by the correlation of both, the best first; at most
 * `most`. The features of the terms begin at `from`; `predicted` has a number for each row.
 */
export function tellingTerms(
  rows: Dataset,
  { from, terms }: { readonly from: number; readonly terms: number },
  predicted: ArrayLike<number>,
  most: number,
): number[] {
  const { length, features } = rows;
  const width = features.data.length / length;
  let mean = 0;
  for (let row = 0; row < length; row++) mean += at(predicted, row) / length;
  const scores = Array.from({ length: terms }, (_, place) => {
    let [having, sum] = [0, 0];
    for (let row = 0; row < length; row++) {
      if (at(features.data, row * width + from + place) === 0) continue;
      having++;
      sum += at(predicted, row) - mean;
    }
    const spread = Math.sqrt(having * (length - having));
    return { place, score: spread === 0 ? 0 : Math.abs(sum) / spread };
  });
  return scores
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ place }) => place);
}
