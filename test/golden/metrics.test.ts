// Metrics of classes against those of scikit-learn.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { metrics } from "../../src/train/index.ts";

interface Case {
  readonly name: string;
  readonly classes: number;
  readonly labels: readonly number[];
  readonly decided: readonly number[];
  readonly scores: readonly number[] | null;
  readonly figures: Readonly<Record<string, number>>;
  readonly each: readonly metrics.ClassScores[];
}

const golden = JSON.parse(readFileSync(new URL("metrics.json", import.meta.url), "utf8")) as {
  readonly sklearn: string;
  readonly cases: readonly Case[];
};

// Quotients of whole numbers and sums of at most 200 of them, in float64.
const near = (name: string, value: number, wanted: number): void =>
  expect(Math.abs(value - wanted), `${name}: ${value}, not ${wanted}`).toBeLessThan(1e-13);

describe(`metrics of scikit-learn ${golden.sklearn}`, () => {
  it.each(golden.cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    const { classes, labels, decided, scores, figures, each } = entry;
    const found = metrics.classFigures(decided, labels, classes);
    if (scores !== null) {
      found["rocAuc"] = metrics.rocAuc(scores, labels);
      found["prAuc"] = metrics.averagePrecision(scores, labels);
    }
    expect(Object.keys(found).sort()).toEqual(Object.keys(figures).sort());
    for (const [name, wanted] of Object.entries(figures)) near(name, found[name] ?? Number.NaN, wanted);
    // For a class that neither occurs nor is predicted scikit-learn gives 0 and ours NaN; both leave it out of means.
    for (const [place, one] of metrics.classScores(decided, labels, classes).entries())
      for (const key of ["precision", "recall", "f1", "support"] as const)
        near(`${key} of class ${place}`, Number.isNaN(one[key]) ? 0 : one[key], each[place]?.[key] ?? Number.NaN);
  });

  it("returns for each metric whether higher is better", () => {
    for (const { figures } of golden.cases)
      for (const name of Object.keys(figures)) expect(metrics.modeOf(name)).toBe("max");
    for (const name of ["loss", "mae", "rmse", "perplexity"]) expect(metrics.modeOf(name)).toBe("min");
    for (const name of ["bias", "constructor", "toString"]) expect(metrics.modeOf(name)).toBeUndefined();
  });
});
