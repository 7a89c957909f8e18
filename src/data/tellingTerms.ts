// The terms of a column of texts that go along best with what a model says of the rows.
import { at } from "../graph/at.ts";
import type { Dataset } from "./dataset.ts";

/**
 * The places of the terms whose presence goes along best with what is predicted, or against it, by the correlation of both: from either side
 * in turn, the best first, at most `most`. A term that shares a word with one before it is left out. The features of the terms begin at
 * `from`; `predicted` has a number for each row.
 */
export function tellingTerms(
  rows: Dataset,
  { from, terms }: { readonly from: number; readonly terms: readonly string[] },
  predicted: ArrayLike<number>,
  most: number,
): number[] {
  const { length, features } = rows;
  const width = features.data.length / length;
  let mean = 0;
  for (let row = 0; row < length; row++) mean += at(predicted, row) / length;
  const scores = terms.map((term, place) => {
    let [having, sum] = [0, 0];
    for (let row = 0; row < length; row++) {
      if (at(features.data, row * width + from + place) === 0) continue;
      having++;
      sum += at(predicted, row) - mean;
    }
    const spread = Math.sqrt(having * (length - having));
    return { words: term.split(" "), place, score: spread === 0 ? 0 : sum / spread };
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
