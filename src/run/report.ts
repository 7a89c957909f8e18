// Last stage: the final report of a run, as the event that logs and commands read, and the data for intervals.
import { Dataset } from "../data/index.ts";
import type { Run } from "../formats/node.ts";
import type { Metrics, TrainEvent } from "../train/index.ts";
import type { Baselines } from "./baseline.ts";
import { writeIntervals } from "./intervals.ts";
import type { Measure, Measured } from "./measure.ts";
import type { JobData } from "./prepared.ts";

/** The metrics of every part of the data. */
export interface Parts {
  /** Undefined if it is too large to measure again. */
  readonly train: Measured | undefined;
  readonly validation: Measured | undefined;
  readonly test: Measured | undefined;
}

/**
 * Ranks that measure together use this order. `test` measures the kept model, which may have learned from the held-out rows; undefined: the test data
 * are not measured here.
 */
export async function measureParts(data: JobData, measure: Measure, test: Measure | undefined): Promise<Parts> {
  return {
    train: data.kind === "rows" ? await measure(data.train) : undefined,
    validation: data.validation === undefined ? undefined : await measure(data.validation),
    test: data.test === undefined ? undefined : await test?.(data.test),
  };
}

export interface Ended {
  readonly run: Run;
  readonly data: JobData;
  readonly parts: Parts;
  /** The metrics of the training rows, as recorded during training. */
  readonly known: Metrics;
  readonly epochs: number;
  /** The epoch, from 0, whose weights are kept; null if no validation chose one. */
  readonly bestEpoch: number | null;
  readonly baselines: Baselines | null;
  /** Whether the monitored metric was still improving at the end. */
  readonly improving: boolean;
  /** The start of training, by `performance.now()`. */
  readonly started: number;
}

export function report({
  run,
  data,
  parts: { train, validation: held, test },
  known,
  epochs,
  bestEpoch,
  baselines,
  improving,
  started,
}: Ended): TrainEvent {
  if (held?.numbers != null && data.validation instanceof Dataset) writeIntervals(run, data.validation, held.numbers);
  return {
    type: "end",
    run: run.path,
    metrics: { train: train?.metrics ?? known, validation: held?.metrics ?? null, test: test?.metrics ?? null },
    classes: { train: train?.classes ?? null, validation: held?.classes ?? null, test: test?.classes ?? null },
    epochs,
    bestEpoch,
    baselines,
    improving,
    seconds: (performance.now() - started) / 1000,
  };
}
