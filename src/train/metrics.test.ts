// Metrics against hand-computed values.
import { describe, expect, test } from "vitest";
import * as metrics from "./metrics.ts";

describe("metrics", () => {
  const target = [0, 0, 1, 1, 2];
  const predicted = [0, 1, 1, 1, 0];

  test("accuracy and the confusion matrix", () => {
    expect(metrics.accuracy(predicted, target)).toBeCloseTo(3 / 5, 12);
    expect(metrics.confusionMatrix(predicted, target, 3)).toEqual([
      [1, 1, 0],
      [0, 2, 0],
      [1, 0, 0],
    ]);
    expect(() => metrics.accuracy([1], [1, 2])).toThrow(/1 predictions do not fit 2/);
  });

  test("precision, recall and F1 are zero for a class never predicted", () => {
    const [zero, one, two] = metrics.classScores(predicted, target, 3);
    expect(zero).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5, support: 2 });
    expect(one?.precision).toBeCloseTo(2 / 3, 12);
    expect(one?.recall).toBe(1);
    expect(two).toEqual({ precision: 0, recall: 0, f1: 0, support: 1 });
  });

  test("tens of thousands of classes, whose full matrix would not fit in memory", () => {
    const scores = metrics.classScores([49_999, 7, 7], [49_999, 7, 8], 50_000);
    expect(scores[49_999]).toEqual({ precision: 1, recall: 1, f1: 1, support: 1 });
    expect(scores[7]).toEqual({ precision: 0.5, recall: 1, f1: 2 / 3, support: 1 });
    expect(metrics.classFigures([49_999, 7], [49_999, 7], 50_000)["macroF1"]).toBe(1);
  });

  test("a class that neither occurs nor is predicted does not lower the mean", () => {
    const scores = metrics.classScores([1, 1], [1, 1], 3);
    expect(scores[2]?.f1).toBeNaN();
    expect(metrics.macroAverage(scores)).toEqual({ precision: 1, recall: 1, f1: 1, support: 2 });
  });

  test("the largest score wins, the first of equals; top k", () => {
    const scores = [0.2, 0.5, 0.3, 0.4, 0.4, 0.2];
    expect([...metrics.predictedClasses(scores, 3)]).toEqual([1, 0]);
    expect(metrics.topKAccuracy(scores, [2, 2], 3, 2)).toBe(0.5);
    // No score is above NaN, which is still not a hit.
    expect(metrics.topKAccuracy([Number.NaN, Number.NaN, Number.NaN], [1], 3, 1)).toBeNaN();
  });

  test("ROC AUC counts ties half and is NaN with one class", () => {
    expect(metrics.rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBeCloseTo(0.75, 12);
    expect(metrics.rocAuc([0.5, 0.5], [0, 1])).toBe(0.5);
    expect(metrics.rocAuc([0.5, 0.6], [1, 1])).toBeNaN();
    expect(metrics.rocAuc([Number.NaN, Number.NaN, 0.1], [0, 1, 1])).toBeNaN();
  });

  test("regression metrics and perplexity", () => {
    expect(metrics.mae([1, 2, 3], [1, 4, 0])).toBeCloseTo(5 / 3, 12);
    expect(metrics.rmse([1, 2, 3], [1, 4, 0])).toBeCloseTo(Math.sqrt(13 / 3), 12);
    expect(metrics.r2([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(metrics.r2([2, 2, 2], [1, 2, 3])).toBe(0);
    // sklearn 1.9: r2_score([2, 2], [1, 2]), r2_score([2, 2], [2, 2]), r2_score([2], [1]).
    expect(metrics.r2([1, 2], [2, 2])).toBe(0);
    expect(metrics.r2([2, 2], [2, 2])).toBe(1);
    expect(metrics.r2([1], [2])).toBeNaN();
    expect(metrics.perplexity(Math.log(8))).toBeCloseTo(8, 12);
  });
});

// sklearn 1.x: roc_curve(t, s, drop_intermediate=False), calibration_curve(t, s, n_bins=4), brier_score_loss(t, s).
describe("curves over thresholds", () => {
  const scores = [0.1, 0.4, 0.35, 0.8, 0.8, 0.65, 0.05, 0.97];
  const target = [0, 0, 1, 1, 0, 1, 0, 1];

  test("the ROC curve has rows of equal score together, and the area rocAuc under it", () => {
    const points = metrics.rocCurve(scores, target);
    expect(points.map(({ falsePositives }) => falsePositives)).toEqual([0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 1]);
    expect(points.map(({ truePositives }) => truePositives)).toEqual([0, 0.25, 0.5, 0.75, 0.75, 1, 1, 1]);
    let area = 0;
    for (let k = 1; k < points.length; k++) {
      const [a, b] = [points[k - 1] as metrics.RocPoint, points[k] as metrics.RocPoint];
      area += ((b.falsePositives - a.falsePositives) * (a.truePositives + b.truePositives)) / 2;
    }
    expect(area).toBeCloseTo(metrics.rocAuc(scores, target), 12);
    expect(() => metrics.rocCurve([Number.NaN], [1])).toThrow(/row 1 is NaN/);
  });

  test("calibration, with empty intervals, and its error", () => {
    const parts = metrics.calibrationCurve(scores, target, 4);
    expect(parts.map(({ rows }) => rows)).toEqual([2, 2, 1, 3]);
    [0.075, 0.375, 0.65, (0.8 + 0.8 + 0.97) / 3].forEach((said, k) => {
      expect(parts[k]?.said).toBeCloseTo(said, 12);
    });
    [0, 0.5, 1, 2 / 3].forEach((found, k) => {
      expect(parts[k]?.found).toBeCloseTo(found, 12);
    });
    const [empty] = metrics.calibrationCurve([0.9], [1], 2);
    expect(empty).toEqual({ from: 0, to: 0.5, rows: 0, said: Number.NaN, found: Number.NaN });
    expect(metrics.expectedCalibrationError([0.9, 0.7, 0.1], [1, 0, 0], 2)).toBeCloseTo((0.6 + 0.1) / 3, 12);
    expect(metrics.brierScore(scores, target)).toBeCloseTo(0.1748, 12);
    expect(() => metrics.calibrationCurve([1.2], [1])).toThrow(/lies from 0 to 1/);
  });
});
