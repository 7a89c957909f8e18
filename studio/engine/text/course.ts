// The library's doctor for the training of a text model. Epochs of a text are long, so a fixed number of steps counts as one.

import { Tensor } from "../../../src/index.ts";
import type { Reading } from "../../../src/tensor/reading.ts";
import type { Callback, EpochRecord, Finding, Training } from "../../../src/train/index.ts";
import { CourseDoctor } from "../../../src/train/index.ts";
import type { HistoryPoint } from "../../shared/protocol.ts";
import * as say from "../../texts/en/engine.ts";

/** Steps that count as an epoch for the doctor; the curves have a point at each. */
export const judgedEvery = 200;

export interface Found {
  /** The step of the finding. */
  readonly step: number;
  readonly finding: Finding;
  readonly sentence: string;
}

const lossOf = ({ train }: EpochRecord): number => train["loss"] ?? Number.NaN;
const heldLoss = ({ validation }: EpochRecord): number => validation?.["loss"] ?? Number.NaN;
export const stepOf = ({ epoch }: EpochRecord): number => (epoch + 1) * judgedEvery;

export class Course implements Callback {
  readonly name = "course";
  #doctor: CourseDoctor | undefined;
  #records: EpochRecord[] = [];
  #found: Found[] = [];

  attach({ model, objective, samples, train, validation, optimizer }: Training): void {
    this.#doctor = new CourseDoctor({ model, objective, samples, train, validation, optimizer });
  }

  *begin(): Reading<void> {
    if (this.#doctor !== undefined) yield* this.#doctor.lookBefore();
  }

  get found(): readonly Found[] {
    return this.#found;
  }

  /** The record with the least held-out loss. */
  get best(): EpochRecord | undefined {
    return this.#records.reduce<EpochRecord | undefined>(
      (least, record) => (least === undefined || heldLoss(record) < heldLoss(least) ? record : least),
      undefined,
    );
  }

  /** Examines a point of the curves. */
  note({ step, train, test }: HistoryPoint): void {
    const epoch = step / judgedEvery - 1;
    if (!Number.isInteger(epoch) || epoch < 0 || this.#records.some((record) => record.epoch >= epoch)) return;
    const figures = ({ loss, metric }: HistoryPoint["train"]) => ({ loss, accuracy: metric });
    this.#records.push({ epoch, train: figures(train), validation: test === undefined ? null : figures(test) });
    const findings = this.#doctor?.afterEpoch(this.#records) ?? [];
    this.#found.push(...findings.map((finding) => ({ step, finding, sentence: this.#sentence(finding) })));
  }

  /** Forgets the findings after a step. */
  back(step: number): void {
    this.#records = this.#records.filter((record) => stepOf(record) <= step);
    this.#found = this.#found.filter((one) => one.step <= step);
    const { tensors = {}, json = {} } = this.#doctor?.state() ?? {};
    const start = Object.entries(tensors).flatMap(([name, array]) =>
      !(array instanceof Tensor) && "data" in array ? [[name, array] as const] : [],
    );
    const told = this.#found.map(({ finding }) => finding.code);
    this.#doctor?.restore({ tensors: Object.fromEntries(start), json: { ...json, told } });
  }

  #sentence({ code, what, evidence }: Finding): string {
    const [best, last] = [this.best, this.#records.at(-1)];
    if (code === "overfitting" && best !== undefined && last !== undefined) {
      const course = (of: (record: EpochRecord) => number): string =>
        `from ${of(best).toPrecision(3)} to ${of(last).toPrecision(3)}`;
      return say.itMemorisesTheTrainingTextSince(stepOf(best), course(lossOf), course(heldLoss));
    }
    const told = evidence.replaceAll(/(\d+) epochs?/g, say.stretchesOfSteps("$1", judgedEvery));
    return `${what.slice(0, 1).toUpperCase()}${what.slice(1)}: ${told}.`;
  }
}
