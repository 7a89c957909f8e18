// Data sets in memory: typed values with shapes, or arrays of samples.
import { describe, expect, test } from "vitest";
import { Dataset } from "./dataset.ts";

describe("arrays of samples", () => {
  test("become typed values", () => {
    const nested = new Dataset({
      features: [
        [0, 0.5],
        [1, 2],
        [3, 4],
      ],
      targets: [0, 1, 1],
    });
    expect(nested).toEqual(
      new Dataset({
        features: Float32Array.of(0, 0.5, 1, 2, 3, 4),
        featureShape: [2],
        targets: Int32Array.of(0, 1, 1),
      }),
    );
  });
  test("are classes if the targets are whole numbers, and numbers otherwise or in nested arrays", () => {
    const features = [[1], [2]];
    expect(new Dataset({ features, targets: [3, 4] }).targets).toMatchObject({ dtype: "int32", shape: [] });
    expect(new Dataset({ features, targets: [3, 4.5] }).targets).toMatchObject({ dtype: "float32", shape: [] });
    expect(new Dataset({ features, targets: [[3], [4]] }).targets).toMatchObject({ dtype: "float32", shape: [1] });
    expect(
      new Dataset({
        features: [
          [
            [1, 2],
            [3, 4],
          ],
        ],
        targets: [0],
      }).features.shape,
    ).toEqual([2, 2]);
  });
  test("are refused if ragged, of another shape or too few", () => {
    expect(() => new Dataset({ features: [[1, 2], [3]], targets: [0, 1] })).toThrow(
      "Dataset: features: the arrays are ragged",
    );
    expect(() => new Dataset({ features: [[1, 2]], featureShape: [3], targets: [0] })).toThrow(
      "the samples have shape [2], not [3]",
    );
    expect(() => new Dataset({ features: [[1], [2]], targets: [0] })).toThrow("2 samples of features but 1 targets");
    expect(() => new Dataset({ features: Float32Array.of(1, 2), targets: [0] })).toThrow("featureShape");
  });
});
