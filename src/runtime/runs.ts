// The runs of an asynchronous device: a failure is reported with the next read, and the results of a failed run do not exist.
import type { AsynchronousDevice, Executable } from "../backends/backend.ts";
import type { FailedCheck } from "../compiler/checks.ts";
import { InternalError } from "../graph/errors.ts";
import type { Place, Run, Stretch } from "./storage.ts";

export class Runs {
  readonly #device: AsynchronousDevice;
  /** What to say of a check that failed, by program. */
  readonly #messages = new WeakMap<Executable, (check: FailedCheck) => Error>();
  #stretch: Stretch = { failed: undefined };
  /** The first run of the present stretch. */
  #first = 0;
  #count = 0;
  #failed = 0;

  constructor(device: AsynchronousDevice) {
    this.#device = device;
  }

  /** How often a run failed so far. */
  get failures(): number {
    return this.#failed;
  }

  /** Notes a run that the device has taken on, and which values it gives. */
  submitted(executable: Executable, message: (check: FailedCheck) => Error, places: readonly Place[]): void {
    this.#messages.set(executable, message);
    const run: Run = { number: this.#count++, stretch: this.#stretch };
    for (const place of places) place.run = run;
  }

  /** Waits for everything so far, and throws a failure that was not reported yet. */
  async settle(): Promise<void> {
    const failure = await this.#device.settle();
    // Whoever waited at the same time may have reported it already.
    if (failure === undefined || failure.run < this.#first) return;
    const message = this.#messages.get(failure.executable);
    const error = message?.(failure.check) ?? new InternalError("an unknown program failed a check");
    this.#stretch.failed = { from: failure.run, error };
    this.#stretch = { failed: undefined };
    this.#first = this.#count;
    this.#failed++;
    this.#device.resume();
    throw error;
  }

  /** Throws why a value does not exist, if it does not. */
  mustHave({ run }: Place): void {
    const failed = run?.stretch.failed;
    if (run !== undefined && failed !== undefined && run.number >= failed.from) throw failed.error;
  }
}
