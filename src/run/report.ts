// Last stage: the final report of a run, as the event that logs and commands read, and the data for intervals.
import { Dataset } from "../data/index.ts";
import type { Run } from "../formats/node.ts";
import type { Metrics, TrainEvent } from "../train/index.ts";
import type { Baselines } from "./baseline.ts";
import { writeIntervals } from "./intervals.ts";
import type { Measure, Measured } from "./measure.ts";
import type { JobData } from "./prepared.ts";

/** The figures of every part of the data. */
export interface Parts {
  /** Undefined where there is too much of it to measure again. */
  readonly train: Measured | undefined;
  readonly validation: Measured | undefined;
  readonly test: Measured | undefined;
}

/**
 * Ranks that measure together do it in this order. `test` measures by the model that is kept, which may have learned from the held-out rows;
 * undefined: the test data are not measured here.
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
  /** The figures of the training rows as training knew them. */
  readonly known: Metrics;
  readonly epochs: number;
  /** The epoch, from 0, whose weights are kept; null where no validation chose one. */
  readonly bestEpoch: number | null;
  readonly baselines: Baselines | null;
  /** Whether the figure that is watched was still getting better at the end. */
  readonly improving: boolean;
  /** When training began, by `performance.now()`. */
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
