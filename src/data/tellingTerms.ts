// The terms of a text column that correlate most with a model's predictions.
import { at } from "../graph/at.ts";
import type { Dataset } from "./dataset.ts";

/**
 * The indices of the terms whose presence correlates most with the prediction, positively and negatively in turn, the strongest first, at
 * most `most`. A term that shares a word with an earlier one is left out. The features of the terms begin at `from`. Each entry of
 * `predicted` has a number per row; the largest correlation with one of them counts.
 */
export function tellingTerms(
  rows: Dataset,
  { from, terms }: { readonly from: number; readonly terms: readonly string[] },
  predicted: readonly ArrayLike<number>[],
  most: number,
): number[] {
  const { length, features } = rows;
  const width = features.data.length / length;
  const means = predicted.map((values) => {
    let mean = 0;
    for (let row = 0; row < length; row++) mean += at(values, row) / length;
    return mean;
  });
  const scores = terms.map((term, place) => {
    const sums = predicted.map(() => 0);
    let having = 0;
    for (let row = 0; row < length; row++) {
      if (at(features.data, row * width + from + place) === 0) continue;
      having++;
      for (const [output, values] of predicted.entries())
        sums[output] = at(sums, output) + at(values, row) - at(means, output);
    }
    const most = sums.reduce((best, sum) => (Math.abs(sum) > Math.abs(best) ? sum : best), 0);
    const spread = Math.sqrt(having * (length - having));
    return { words: term.split(" "), place, score: spread === 0 ? 0 : most / spread };
  });
  const sides = [1, -1].map((sign) =>
    scores.filter(({ score }) => sign * score > 0).sort((a, b) => sign * (b.score - a.score)),
  );
  const taken: number[] = [];
  const known = new Set<string>();
  const next = (side: typeof scores): void => {
    const found = side.find(({ words }) => words.every((word) => !known.has(word)));
    if (found === undefined || taken.length === most) return;
    taken.push(found.place);
    for (const word of found.words) known.add(word);
  };
  for (let turn = 0; turn < most; turn++) sides.forEach(next);
  return taken;
}
