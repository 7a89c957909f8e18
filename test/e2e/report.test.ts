// hebb report: one self-contained page, for classes and for numbers, with the metrics of the run.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  fitTemperature,
  precisionRecallCurve,
  reliabilityOf,
  rocCurve,
  tempered,
} from "../../src/run/understanding/ranking.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

describe("a report", () => {
  test.each([
    ["loans", ["Confusion", "ROC", "Reliability", "Column importance", "Partial dependence", "largest errors"]],
    ["curve", ["Residuals", "Actual against predicted", "Column importance"]],
  ])(
    "of %s",
    async (problem, parts) => {
      const quick = ["--epochs", "4", "--backend", "wasm", "--threads", "1"];
      expect((await hebb("train", problem, ...quick, "--out", `of-${problem}`)).code).toBe(0);
      expect(await hebb("report", `of-${problem}`, "--out", `${problem}.html`)).toMatchObject({ code: 0, stderr: "" });
      const page = readFileSync(join(folder(), `${problem}.html`), "utf8");
      for (const part of parts) expect(page).toContain(part);
      expect(page).not.toMatch(/NaN|undefined|Infinity|<script|https?:/);
      const { stdout } = await hebb("report", `of-${problem}`, "--json");
      const seen = JSON.parse(stdout);
      expect(seen.epochs.length).toBe(4);
      expect(seen.inColumns.importance.length).toBeGreaterThan(0);
      expect(seen.rows.part).toBe("validation");
    },
    120_000,
  );
});

test("curves and calibration of known scores", () => {
  const scores = [0.9, 0.8, 0.7, 0.6];
  const positive = (row: number): boolean => row === 0 || row === 2;
  expect(rocCurve(scores, positive)).toEqual([
    { x: 0, y: 0 },
    { x: 0, y: 0.5 },
    { x: 0.5, y: 0.5 },
    { x: 0.5, y: 1 },
    { x: 1, y: 1 },
  ]);
  expect(precisionRecallCurve(scores, positive).at(2)).toEqual({ x: 1, y: 2 / 3 });
  // Logits that are three times too large: the temperature that corrects them is three.
  const rows = 4000;
  const probabilities = new Float64Array(2 * rows);
  const targets = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const honest = (row + 0.5) / rows;
    const odds = (honest / (1 - honest)) ** 3;
    probabilities.set([1 / (1 + odds), odds / (1 + odds)], 2 * row);
    targets[row] = (row * 0.618033988749895) % 1 < honest ? 1 : 0;
  }
  const temperature = fitTemperature(probabilities, targets, 2);
  expect(Math.abs(temperature - 3)).toBeLessThan(0.15);
  expect(reliabilityOf(tempered(probabilities, 2, temperature), targets, 2).error).toBeLessThan(0.02);
  expect(reliabilityOf(probabilities, targets, 2).error).toBeGreaterThan(0.1);
});
