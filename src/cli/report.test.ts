// Training output in a terminal, and in a log, which has no progress bar.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TrainEvent } from "../train/index.ts";
import { Output } from "./output.ts";
import { Reporter } from "./report.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const start: TrainEvent = {
  type: "start",
  run: null,
  config: {},
  parameters: 3,
  epochs: 1,
  stepsPerEpoch: 50,
  backend: "wasm",
  threads: 1,
  description: "wasm",
  positiveClass: null,
  notes: [],
};
const progress = (step: number): TrainEvent => ({
  type: "progress",
  epoch: 0,
  step,
  totalSteps: 50,
  loss: 0.5,
  rowsPerSecond: 10,
});
const epoch = (number: number): TrainEvent => ({
  type: "epoch",
  epoch: number,
  step: 1,
  lr: 0.1,
  train: { loss: 1 / (1 + number) },
  validation: null,
  seconds: 1,
  best: true,
});
const end: TrainEvent = {
  type: "end",
  run: null,
  metrics: { train: { loss: 0.5 }, validation: null, test: null },
  classes: { train: null, validation: null, test: null },
  epochs: 1,
  bestEpoch: null,
  baselines: null,
  improving: false,
  seconds: 1,
};

function shown(terminal: boolean): { readonly listen: (event: TrainEvent) => void; text(): string } {
  let text = "";
  const output = new Output((part) => {
    text += part;
  }, terminal);
  const { listen } = new Reporter(output);
  return { listen, text: () => text };
}

test("a log gets a line after ten seconds without output", () => {
  const { listen, text } = shown(false);
  listen(start);
  for (let step = 1; step <= 50; step++) {
    vi.advanceTimersByTime(500);
    listen(progress(step));
  }
  const lines = text().trim().split("\n");
  expect(lines.length).toBe(3);
  expect(lines[0]).toMatch(/up to 1 epoch of 50 steps/);
  expect(lines[1]).toMatch(/^epoch 1\/1 {2}loss 0\.5000 {2}10 rows\/s {2}at most \d+ s left {2}\(step 20 of 50\)$/);
  expect(lines[2]).toMatch(/step 40 of 50/);
});

test("a terminal shows the compilation, which the bar then replaces", () => {
  const { listen, text } = shown(true);
  listen(start);
  expect(text()).toMatch(/compiling the training step …$/);
  listen(progress(25));
  expect(text()).toContain(`\r\u001b[2K${"█".repeat(12)}${"░".repeat(12)} epoch 1/1`);
});

test("a log shows no remaining time before there is a rate, nor at the end", () => {
  const { listen, text } = shown(false);
  listen(start);
  for (const step of [1, 25, 50]) {
    vi.advanceTimersByTime(20_000);
    listen(progress(step));
  }
  expect(text().trim().split("\n").slice(1)).toEqual([
    "epoch 1/1  loss 0.5000  10 rows/s  (step 1 of 50)",
    "epoch 1/1  loss 0.5000  10 rows/s  at most 21 s left  (step 25 of 50)",
    "epoch 1/1  loss 0.5000  10 rows/s  (step 50 of 50)",
  ]);
});

test("the end says which weights are kept, if not those of the last epoch", () => {
  const last = (bestEpoch: number | null): string => {
    const { listen, text } = shown(false);
    listen({ ...end, epochs: 20, bestEpoch, run: "runs/a" });
    return text().trim().split("\n").at(-1) ?? "";
  };
  expect(last(16)).toBe("20 epochs in 1.0 s, the weights are those of epoch 17, the best → runs/a");
  expect(last(19)).toBe("20 epochs in 1.0 s → runs/a");
  expect(last(null)).toBe("20 epochs in 1.0 s → runs/a");
});

test("the curve of a resumed run starts at its first epoch", () => {
  const { listen, text } = shown(false);
  for (const event of [start, epoch(6), epoch(7), epoch(8), end]) listen(event);
  expect(text()).toMatch(/\n {11}7 {58}9 {2}epochs/);
  expect(text()).toMatch(/\n1 epoch in 1\.0 s\n$/);
});
