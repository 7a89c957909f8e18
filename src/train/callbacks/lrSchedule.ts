// LrSchedule: steps a learning-rate schedule after each update or each epoch.

import type { JsonObject } from "../../formats/index.ts";
import { anObject, objectOf, oneOf } from "../../formats/json.ts";
import { HebbError } from "../../graph/errors.ts";
import { Schedule } from "../../optim/index.ts";
import { type Answer, either, type Reading } from "../../tensor/reading.ts";
import type { Callback, StepMoment, Training } from "../callback.ts";
import type { Mode } from "../metrics.ts";
import type { PartState, SavedPart } from "../parts.ts";
import { type EpochRecord, orNull } from "../state.ts";

/**
 * A learning-rate schedule of `optim`, or an object with these methods. After an epoch `step` gets the monitored metric, after an update the loss of
 * that update.
 */
export type TrainSchedule = {
  step(metric: number): void;
  /** For a schedule that uses the metric: whether lower or higher is better. */
  readonly mode?: Mode;
  stateDict(): JsonObject;
  loadStateDict(state: JsonObject): void;
};

export type ScheduleEvery = "epoch" | "update";

const saved = objectOf<{ every: ScheduleEvery | null; of: JsonObject }>({
  // Null in states of earlier versions.
  every: orNull(oneOf("epoch", "update")),
  of: anObject,
});

export class LrSchedule implements Callback {
  readonly name = "schedule";
  readonly #schedule: TrainSchedule;
  readonly #every: ScheduleEvery;
  #training: Training | undefined;

  constructor(schedule: TrainSchedule, every: ScheduleEvery = "epoch") {
    this.#schedule = schedule;
    this.#every = every;
  }

  attach(training: Training): void {
    this.#training = training;
  }

  stepEnd(moment: StepMoment): Answer<undefined> {
    if (this.#every !== "update") return;
    if (!(this.#schedule instanceof Schedule)) return this.#stepBy(moment);
    // A schedule that only counts need not make training wait for the loss.
    this.#schedule.step();
  }

  *#stepBy(moment: StepMoment): Reading<undefined> {
    this.#schedule.step(
      yield* either(
        () => moment.loss,
        () => moment.item(),
      ),
    );
  }

  epochEnd(record: EpochRecord): undefined {
    if (this.#every === "epoch") this.#schedule.step(this.#training?.watched(record) ?? Number.NaN);
  }

  state(): PartState {
    return { json: { every: this.#every, of: this.#schedule.stateDict() } };
  }

  restore({ json }: SavedPart): void {
    const { every, of } = saved(json, "checkpoint: schedule");
    if (every !== null && every !== this.#every)
      throw new HebbError(
        `checkpoint: schedule: the saved schedule steps by ${every}, this one by ${this.#every}; resume with scheduleEvery: "${every}"`,
      );
    this.#schedule.loadStateDict(of);
  }
}
