// The logs of a run: its events, epochs.csv, and event files for TensorBoard. A log that fails warns once and never ends training.
import { makeFolder } from "../formats/folders.ts";
import { aBoolean, aCount, aNumber, type Check, type JsonObject, objectOf } from "../formats/json.ts";
import { LogFile } from "../formats/logFile.ts";
import { appendEvent, type Run, syncEvents } from "../formats/node.ts";
import { placeOf } from "../formats/runFolder.ts";
import { HebbError } from "../graph/errors.ts";
import { csvLog, type EventListener, type TrainEvent, tensorBoardLog } from "../train/index.ts";

type Epoch = Extract<TrainEvent, { type: "epoch" }>;

/** Metrics in a log, where NaN and infinities are strings. */
const figuresIn: Check<Readonly<Record<string, number>>> = (value) =>
  Object.fromEntries(
    Object.entries(typeof value === "object" && value !== null ? value : {}).map(([name, figure]) => [
      name,
      typeof figure === "number" ? figure : Number.NaN,
    ]),
  );

const epochFields: Check<Omit<Epoch, "type">> = objectOf<Omit<Epoch, "type">>({
  epoch: aCount,
  step: aCount,
  lr: aNumber,
  train: figuresIn,
  validation: (value, place) => (value === null ? null : figuresIn(value, place)),
  seconds: aNumber,
  best: aBoolean,
});

/** The epochs in a log of events; skips other or incomplete events. */
function epochsIn(events: readonly JsonObject[]): Epoch[] {
  return events.flatMap((event): Epoch[] => {
    if (event["type"] !== "epoch") return [];
    try {
      return [{ type: "epoch", ...epochFields(event, "events.jsonl") }];
    } catch (error) {
      if (error instanceof HebbError) return [];
      throw error;
    }
  });
}

/** A listener, and the file that it writes. */
interface Log {
  readonly file: LogFile;
  readonly listen: EventListener;
}

/** A line for each epoch. For a resumed run, earlier lines are rewritten from its events, including the header. */
function epochTable(run: Run, before: readonly JsonObject[]): Log {
  let text = "";
  let write = (more: string): void => {
    text += more;
  };
  const { event: listen } = csvLog((more) => write(more));
  for (const epoch of epochsIn(before)) listen(epoch);
  const file = new LogFile(run, ["epochs.csv"], Buffer.from(text));
  write = (more) => file.append(Buffer.from(more));
  return { file, listen };
}

/** A new event file, next to those of earlier processes. */
function tensorBoard(run: Run): Log {
  makeFolder(placeOf(run, "tensorboard").path);
  const name = `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${process.pid}.hebb`;
  const file = new LogFile(run, ["tensorboard", name]);
  return { file, listen: tensorBoardLog((bytes) => file.append(bytes)).event };
}

/** The events of a run in its folder. A failed write is reported once, and training continues. */
export class EventLog {
  readonly #run: Run;
  readonly #warn: (message: string) => void;
  #count: number;
  #failed = false;

  /** `count`: the number of existing events. */
  constructor(run: Run, count: number, warn: (message: string) => void) {
    this.#run = run;
    this.#count = count;
    this.#warn = warn;
  }

  /** The number of events in the file. */
  get count(): number {
    return this.#count;
  }

  append(event: TrainEvent): void {
    this.#guard(() => {
      appendEvent(this.#run, event);
      this.#count++;
    });
  }

  /** Called before a checkpoint, which records the number of events before it. */
  sync(): void {
    this.#guard(() => syncEvents(this.#run));
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof HebbError)) throw error;
      if (!this.#failed) this.#warn(`${error.message}; training continues, and the log may lack some events`);
      this.#failed = true;
    }
  }
}

/** Writes the logs of one run. None of them can end the training. */
export class RunLogs {
  readonly #logs = new Set<Log>();
  readonly #warn: (message: string) => void;

  /** `before`: the earlier events of a resumed run. */
  constructor(run: Run, before: readonly JsonObject[], warn: (message: string) => void) {
    this.#warn = warn;
    for (const open of [() => epochTable(run, before), () => tensorBoard(run)]) {
      this.#guard(undefined, () => this.#logs.add(open()));
    }
  }

  listen(event: TrainEvent): void {
    for (const log of this.#logs) this.#guard(log, () => log.listen(event));
  }

  /** Stops a log that fails. */
  #guard(log: Log | undefined, write: () => void): void {
    try {
      write();
    } catch (error) {
      if (log !== undefined) {
        this.#logs.delete(log);
        log.file.close();
      }
      this.#warn(`${error instanceof Error ? error.message : String(error)}; training continues without this log`);
    }
  }

  close(): void {
    for (const { file } of this.#logs) file.close();
    this.#logs.clear();
  }
}
