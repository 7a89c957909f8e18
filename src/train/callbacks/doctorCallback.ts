// DoctorCallback: lets a doctor examine a training before its first step and after its epochs.
import type { Callback, Training } from "../callback.ts";
import { CourseDoctor, type DoctorOptions } from "../doctor/courseDoctor.ts";
import type { PartState } from "../parts.ts";

export class DoctorCallback implements Callback {
  readonly name = "doctor";
  readonly watches = true;
  readonly #make: (options: DoctorOptions) => CourseDoctor;
  #doctor: CourseDoctor | undefined;
  #training: Training | undefined;

  /** By default it judges the course of training alone; `(options) => new Doctor(options)` looks at data and network too. */
  constructor(make: (options: DoctorOptions) => CourseDoctor = (options) => new CourseDoctor(options)) {
    this.#make = make;
  }

  attach(training: Training): void {
    const { model, objective, samples, train, validation, optimizer, classNames } = training;
    this.#training = training;
    this.#doctor = this.#make({ model, objective, samples, train, validation, optimizer, classNames });
  }

  begin(): void {
    const training = this.#training;
    training?.found(training.draw(() => this.#doctor?.before()) ?? []);
  }

  epochEnd(): undefined {
    const training = this.#training;
    training?.found(training.draw(() => this.#doctor?.afterEpoch(training.records, training.last)) ?? []);
  }

  state(): PartState {
    return this.#doctor?.state() ?? {};
  }

  restore(state: Required<PartState>): void {
    this.#doctor?.restore(state);
  }
}
