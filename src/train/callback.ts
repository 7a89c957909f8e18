// Callbacks take part in a training or watch it. If one has a state, every saved state includes it under the callback's name.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import type { Answer } from "../tensor/reading.ts";
import type { Company } from "./company.ts";
import type { Finding } from "./doctor/finding.ts";
import type { TrainEvent } from "./events.ts";
import type { InMemory, Samples } from "./feeds.ts";
import type { Mode } from "./metrics.ts";
import type { Objective } from "./objectives.ts";
import type { Part, PartState, SavedPart } from "./parts.ts";
import type { EpochRecord, TrainState } from "./state.ts";

/** What a callback sees of its training. */
export interface Training {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  /** Some samples like those it trains on. */
  readonly samples: Samples;
  /** Rows to inspect, in memory. */
  readonly train: InMemory;
  readonly validation: InMemory | undefined;
  readonly classNames: readonly string[] | undefined;
  readonly batchSize: number;
  /** The metric that determines the best epoch, and whether lower or higher is better. */
  readonly monitor: string;
  readonly mode: Mode;
  /** The number of updates so far. */
  readonly steps: number;
  /** The epoch of the next update. */
  readonly epoch: number;
  readonly records: readonly EpochRecord[];
  /** Whether this is the last epoch. */
  readonly last: boolean;
  /** The ranks that train together, or only this process. */
  readonly company: Company;
  /** The latest moment at which no weight was NaN or infinite. */
  readonly kept: Kept | undefined;
  /** The monitored metric of this epoch. */
  watched(record: EpochRecord): number;
  /** Keeps the current moment as the latest to go back to, if no weight is NaN or infinite. */
  keep(): Promise<void>;
  /** Runs code that may draw random numbers, from the generator of this training. */
  draw<T>(body: () => T): T;
  /** Sends an event to all listeners. */
  tell(event: TrainEvent): void;
  /** Records findings and reports them. */
  found(findings: readonly Finding[]): void;
}

/** A kept state, and the number of updates before it. */
export interface Kept {
  readonly step: number;
  readonly state: TrainState;
}

/** A completed update. Reading the loss waits for the device. */
export interface StepMoment {
  readonly epoch: number;
  /** The number of updates so far. */
  readonly step: number;
  /** The mean loss of the update, if the device returns it synchronously. */
  readonly loss: number;
  /** The same by promise, for any device. */
  item(): Promise<number>;
}

/** The result of a hook. Training continues when a promise has resolved; that needs `fit`, or a loop that awaits `trainer.ready()`. */
type Verdict = Answer<"stop" | undefined>;

/**
 * Functions that observe training; returning "stop" ends it after saving. A callback with `state` and `restore` is part of training: if steps are
 * repeated, its state is rewound and it is called again. One without only watches, and sees each step once.
 */
export interface Callback {
  /** The name of its state. */
  readonly name?: string;
  /** For a callback with a state: training gives the same bits without it, so it may be added or omitted when a run is resumed. */
  readonly watches?: boolean;
  /** Called once, when the training is created. */
  readonly attach?: (training: Training) => void;
  /** Called before the first step; not when a state is resumed. */
  readonly begin?: () => unknown;
  /** After each update. */
  readonly stepEnd?: (moment: StepMoment) => Verdict;
  /** After each epoch, when it has been evaluated. */
  readonly epochEnd?: (record: EpochRecord) => Verdict;
  /** A reason to stop before the next epoch, if there is one. Called before each. */
  readonly enough?: () => string | undefined;
  /** Called when the loop rests: the place for slow work that does not affect the bits. */
  readonly rest?: (at: Rest) => unknown;
  readonly event?: (event: TrainEvent) => void;
  readonly state?: () => PartState;
  readonly restore?: (state: SavedPart) => void;
}

/** The loop rests before the first step, now and then within an epoch, between two epochs, and when training ends. */
export type Rest = "start" | "breath" | "epoch" | "end";

const kinds: OptionKinds<Callback> = {
  name: kind.string,
  watches: kind.boolean,
  attach: kind.func<NonNullable<Callback["attach"]>>(),
  begin: kind.func<NonNullable<Callback["begin"]>>(),
  stepEnd: kind.func<NonNullable<Callback["stepEnd"]>>(),
  epochEnd: kind.func<NonNullable<Callback["epochEnd"]>>(),
  enough: kind.func<NonNullable<Callback["enough"]>>(),
  rest: kind.func<NonNullable<Callback["rest"]>>(),
  event: kind.func<NonNullable<Callback["event"]>>(),
  state: kind.func<NonNullable<Callback["state"]>>(),
  restore: kind.func<NonNullable<Callback["restore"]>>(),
};
const hooks = ["attach", "begin", "stepEnd", "epochEnd", "enough", "rest", "event"] as const;

/** Methods may be inherited from a class, so names are looked up on the object. */
export function checkCallback(callback: Callback): void {
  if (typeof callback !== "object" || callback === null)
    throw new HebbError(`fit: a callback is an object such as { epochEnd: (record) => … }, got ${describe(callback)}`);
  const prototype: unknown = Object.getPrototypeOf(callback);
  if (prototype === Object.prototype || prototype === null) checkOptions("fit: callback", callback, kinds);
  else if (hooks.every((hook) => callback[hook] === undefined))
    throw new HebbError(`fit: the callback ${describe(callback)} has neither stepEnd nor epochEnd`);
  if ((callback.state === undefined) !== (callback.restore === undefined))
    throw new HebbError(
      `fit: the callback ${describe(callback)} has ${callback.state === undefined ? "restore without state" : "state without restore"}; a state needs both`,
    );
  if (callback.state !== undefined && !callback.name)
    throw new HebbError(
      `fit: the callback ${describe(callback)} has a state; give it a name, which identifies its part of a saved state`,
    );
}

/** The callback's part of a saved state; undefined if it has none. */
export function partOf(callback: Callback): Part | undefined {
  const { name, watches = false, state, restore } = callback;
  if (name === undefined || state === undefined || restore === undefined) return undefined;
  return { name, watches, state: () => state.call(callback), restore: (saved) => restore.call(callback, saved) };
}
