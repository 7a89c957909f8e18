// The runs of an asynchronous device: a failure is reported with the next value that is read, and its results do not exist.
import type { AsynchronousDevice, Executable } from "../backends/backend.ts";
import type { FailedCheck } from "../compiler/checks.ts";
import { InternalError } from "../graph/errors.ts";
import type { Place } from "./storage.ts";

/** Runs between a failure and its report: their results do not exist. */
interface Missed {
  readonly from: number;
  readonly to: number;
  readonly error: Error;
}

export class Runs {
  private readonly device: AsynchronousDevice;
  /** What to say of a check that failed, by program. */
  private readonly messages = new WeakMap<Executable, (check: FailedCheck) => Error>();
  private readonly missed: Missed[] = [];
  private count = 0;

  constructor(device: AsynchronousDevice) {
    this.device = device;
  }

  /** How often a run failed so far. */
  get failures(): number {
    return this.missed.length;
  }

  /** Notes a run that the device has taken on, and which values it gives. */
  submitted(executable: Executable, message: (check: FailedCheck) => Error, places: readonly Place[]): void {
    this.messages.set(executable, message);
    for (const place of places) place.run = this.count;
    this.count++;
  }

  /** Waits for everything so far, and throws a failure that was not reported yet. */
  async settle(): Promise<void> {
    const to = this.count;
    const failed = await this.device.settle();
    if (failed === undefined) return;
    const message = this.messages.get(failed.executable);
    const error = message?.(failed.check) ?? new InternalError("a check failed in a program that nobody submitted");
    this.missed.push({ from: failed.run, to: Math.max(to, failed.run + 1), error });
    throw error;
  }

  /** Throws why a value does not exist, if it does not. */
  mustHave({ run }: Place): void {
    if (run === undefined) return;
    for (const { from, to, error } of this.missed) if (run >= from && run < to) throw error;
  }
}
