// The logs of a run beside its events: epochs.csv, and event files that TensorBoard reads.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { csvLog, type TrainEvent, tensorBoardLog } from "../train/index.ts";

/** Writes the logs of one run. A resumed run keeps the lines of the epochs before it, and begins a new event file beside the old. */
export class RunLogs {
  readonly listen: (event: TrainEvent) => void;
  readonly #files: number[] = [];

  /** `kept`: how many epochs lie before the point where a run goes on; undefined for a new run. */
  constructor(folder: string, kept: number | undefined) {
    const place = join(folder, "tensorboard");
    mkdirSync(place, { recursive: true });
    const board = this.#open(
      join(place, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${process.pid}.hebb`),
      "a",
    );
    const path = join(folder, "epochs.csv");
    const old =
      kept === undefined || !existsSync(path)
        ? []
        : readFileSync(path, "utf8")
            .split("\n")
            .slice(0, kept + 1);
    const table = this.#open(path, "w");
    if (old.length > 0) writeSync(table, `${old.join("\n")}\n`);
    const listeners = [
      tensorBoardLog((bytes) => writeSync(board, bytes)),
      csvLog((text) => writeSync(table, text), { header: old.length === 0 }),
    ];
    this.listen = (event) => {
      for (const listener of listeners) listener(event);
    };
  }

  #open(path: string, how: "a" | "w"): number {
    const file = openSync(path, how);
    this.#files.push(file);
    return file;
  }

  close(): void {
    for (const file of this.#files.splice(0)) closeSync(file);
  }
}
