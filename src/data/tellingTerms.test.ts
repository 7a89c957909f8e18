// Telling terms: by correlation with the prediction, without those that all rows or none have.
import { expect, test } from "vitest";
import { Dataset } from "./dataset.ts";
import { tellingTerms } from "./tellingTerms.ts";

test("terms for and against the prediction in turn, each word once", () => {
  // One feature precedes the terms: "a" is in all rows, "no" correlates, "no good" too, "fine" against half of it, "x" in none, "y" not at all.
  const terms = ["a", "no", "no good", "fine", "x", "y"];
  const features = Float32Array.of(
    ...[9, 1, 2, 1, 0, 0, 1],
    ...[9, 1, 1, 1, 0, 0, 0],
    ...[9, 1, 0, 0, 3, 0, 1],
    ...[9, 1, 0, 0, 0, 0, 0],
  );
  const rows = new Dataset({ features, featureShape: [7], targets: new Float32Array(4), targetShape: [] });
  const predicted = [[0.9, 0.9, 0.1, 0.1]];
  expect(tellingTerms(rows, { from: 1, terms }, predicted, 3).map((place) => terms[place])).toEqual(["no", "fine"]);
  expect(tellingTerms(rows, { from: 1, terms }, predicted, 1)).toEqual([1]);
});
