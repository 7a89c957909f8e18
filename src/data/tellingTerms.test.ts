// The terms that tell: by correlation with what is predicted, without those that all rows or none have.
import { expect, test } from "vitest";
import { Dataset } from "./dataset.ts";
import { tellingTerms } from "./tellingTerms.ts";

test("terms are in the order of their correlation with what is predicted", () => {
  // A feature before the terms; term 0 is in all rows, 1 goes along with the prediction, 2 against half of it, 3 in none, 4 not at all.
  const features = Float32Array.of(
    ...[9, 1, 2, 0, 0, 1],
    ...[9, 1, 1, 0, 0, 0],
    ...[9, 1, 0, 3, 0, 1],
    ...[9, 1, 0, 0, 0, 0],
  );
  const rows = new Dataset({ features, featureShape: [6], targets: new Float32Array(4), targetShape: [] });
  const predicted = [0.9, 0.9, 0.1, 0.1];
  expect(tellingTerms(rows, { from: 1, terms: 5 }, predicted, 3)).toEqual([1, 2]);
  expect(tellingTerms(rows, { from: 1, terms: 5 }, predicted, 1)).toEqual([1]);
});
