// The runs of an asynchronous device: a failure is reported by the next read, and the results of a failed run do not exist.
import type { AsynchronousDevice, Executable } from "../backends/backend.ts";
import type { FailedCheck } from "../compiler/checks.ts";
import { InternalError } from "../graph/errors.ts";
import type { Place, Run, Stretch } from "./storage.ts";

export class Runs {
  readonly #device: AsynchronousDevice;
  /** Makes the error for a failed check, by program. */
  readonly #messages = new WeakMap<Executable, (check: FailedCheck) => Error>();
  #stretch: Stretch = { failed: undefined };
  /** The first run of the current stretch. */
  #first = 0;
  #count = 0;
  #failed = 0;

  constructor(device: AsynchronousDevice) {
    this.#device = device;
  }

  /** The number of failed runs so far. */
  get failures(): number {
    return this.#failed;
  }

  /** Records an enqueued run and the values it produces. */
  submitted(executable: Executable, message: (check: FailedCheck) => Error, places: readonly Place[]): void {
    this.#messages.set(executable, message);
    const run: Run = { number: this.#count++, stretch: this.#stretch };
    for (const place of places) place.run = run;
  }

  /** Waits for all runs so far, and throws a failure that has not been reported yet. */
  async settle(): Promise<void> {
    const failure = await this.#device.settle();
    // A concurrent caller may have reported it already.
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

  /** Throws the reason if a value does not exist. */
  mustHave({ run }: Place): void {
    const failed = run?.stretch.failed;
    if (run !== undefined && failed !== undefined && run.number >= failed.from) throw failed.error;
  }
}
