// Last stage: what a run ends with, as the event that logs and commands read, and what intervals are made of.
import { Dataset } from "../data/index.ts";
import type { Run } from "../formats/node.ts";
import type { TrainEvent } from "../train/index.ts";
import type { Baselines } from "./baseline.ts";
import { writeIntervals } from "./intervals.ts";
import type { Measured } from "./measure.ts";
import type { JobData } from "./prepared.ts";

export interface Ended {
  readonly run: Run;
  readonly data: JobData;
  /** The figures of the rows that were learned from. */
  readonly train: Pick<Measured, "metrics" | "classes">;
  readonly measure: (data: NonNullable<JobData["test"]>) => Promise<Measured>;
  /** Measures by the model that is kept, which may have learned from the held-out rows. */
  readonly test: Ended["measure"];
  readonly epochs: number;
  /** The epoch, from 0, whose weights are kept; null where no validation chose one. */
  readonly bestEpoch: number | null;
  readonly baselines: Baselines | null;
  /** Whether the figure that is watched was still getting better at the end. */
  readonly improving: boolean;
  /** When training began, by `performance.now()`. */
  readonly started: number;
}

export async function report({
  run,
  data,
  train,
  measure,
  test: measureTest,
  epochs,
  bestEpoch,
  baselines,
  improving,
  started,
}: Ended): Promise<TrainEvent> {
  const held = data.validation === undefined ? undefined : await measure(data.validation);
  if (held?.numbers != null && data.validation instanceof Dataset) writeIntervals(run, data.validation, held.numbers);
  const test = data.test === undefined ? undefined : await measureTest(data.test);
  return {
    type: "end",
    run: run.path,
    metrics: { train: train.metrics, validation: held?.metrics ?? null, test: test?.metrics ?? null },
    classes: { train: train.classes, validation: held?.classes ?? null, test: test?.classes ?? null },
    epochs,
    bestEpoch,
    baselines,
    improving,
    seconds: (performance.now() - started) / 1000,
  };
}
