// The scaling model: its limits, and where more ranks stop paying off.
import { expect, it } from "vitest";
import { predictSteps } from "./scaling.ts";

const network = { gradientSeconds: 1, updateSeconds: 0.01, bytes: 1e8, bandwidth: 1e10, latency: 1e-5 };

it("is compute alone on one rank", () => {
  expect(predictSteps([1], network)).toEqual([
    { ranks: 1, computeSeconds: 1.01, communicationSeconds: 0, hiddenSeconds: 0, seconds: 1.01, speedup: 1 },
  ]);
});

it("sends 2 (N − 1) / N of the bytes, and divides the gradient work", () => {
  const [four] = predictSteps([4], network);
  expect(four?.computeSeconds).toBeCloseTo(0.26, 12);
  // 2 messages · 10 µs · log₂ 4 + 1.5 · 10 ms.
  expect(four?.communicationSeconds).toBeCloseTo(4e-5 + 0.015, 12);
});

it("hides communication behind the backward pass, up to its duration, but not the summation", () => {
  const options = { ...network, secondsPerByte: 1e-10 };
  const [plain] = predictSteps([4], options);
  const [some] = predictSteps([4], { ...options, overlapSeconds: 0.04 });
  const [all] = predictSteps([4], { ...options, overlapSeconds: 1 });
  expect((plain?.seconds ?? 0) - (some?.seconds ?? 0)).toBeCloseTo(0.01, 12);
  expect(all?.seconds).toBeCloseTo(0.26 + 0.01, 12);
});

it("approaches the update and twice the bytes, and then grows with the latency", () => {
  const steps = predictSteps([8, 64, 512, 4096, 1e6], { ...network, latency: 1e-3 });
  const seconds = steps.map((step) => step.seconds);
  expect(seconds[1]).toBeLessThan(seconds[0] ?? 0);
  expect(seconds[4]).toBeGreaterThan(seconds[2] ?? 0);
  for (const step of steps) expect(step.seconds).toBeGreaterThan(0.01);
});

it("refuses values that are not measurements", () => {
  expect(() => predictSteps([2], { ...network, bandwidth: 0 })).toThrow("bandwidth above 0");
  expect(() => predictSteps([0], network)).toThrow("0 is not a number of ranks");
});
