// DoctorCallback: runs a doctor before the first step of a training and after its epochs.
import { type Reading, within } from "../../tensor/reading.ts";
import type { Callback, Training } from "../callback.ts";
import { CourseDoctor, type DoctorOptions } from "../doctor/courseDoctor.ts";
import type { Finding } from "../doctor/finding.ts";
import type { PartState, SavedPart } from "../parts.ts";

export class DoctorCallback implements Callback {
  readonly name = "doctor";
  readonly watches = true;
  readonly #make: (options: DoctorOptions) => CourseDoctor;
  #doctor: CourseDoctor | undefined;
  #training: Training | undefined;

  /** By default it judges only the training curves; `(options) => new Doctor(options)` also inspects data and network. */
  constructor(make: (options: DoctorOptions) => CourseDoctor = (options) => new CourseDoctor(options)) {
    this.#make = make;
  }

  attach(training: Training): void {
    const { model, objective, samples, train, validation, optimizer, classNames } = training;
    this.#training = training;
    this.#doctor = this.#make({ model, objective, samples, train, validation, optimizer, classNames });
  }

  *begin(): Reading<void> {
    if (this.#doctor !== undefined) yield* this.#tell(this.#doctor.lookBefore());
  }

  *epochEnd(): Reading<undefined> {
    const training = this.#training;
    if (training === undefined || this.#doctor === undefined) return;
    yield* this.#tell(this.#doctor.lookAfterEpoch(training.records, training.last));
  }

  *#tell(look: Reading<readonly Finding[]>): Reading<void> {
    const training = this.#training;
    if (training !== undefined) training.found(yield* within((part) => training.draw(part), look));
  }

  state(): PartState {
    return this.#doctor?.state() ?? {};
  }

  restore(state: SavedPart): void {
    this.#doctor?.restore(state);
  }
}
