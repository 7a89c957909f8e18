// Callbacks: they take part in a training or watch it. One with a state is part of every saved state, under its name.
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

/** What a callback sees of the training that it belongs to. */
export interface Training {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  /** Some samples of the kind that it learns from. */
  readonly samples: Samples;
  /** Rows to look at, in memory. */
  readonly train: InMemory;
  readonly validation: InMemory | undefined;
  readonly classNames: readonly string[] | undefined;
  readonly batchSize: number;
  /** The figure that says which epoch is best, and whether less or more of it is. */
  readonly monitor: string;
  readonly mode: Mode;
  /** Updates taken. */
  readonly steps: number;
  /** The epoch of the next update. */
  readonly epoch: number;
  readonly records: readonly EpochRecord[];
  /** Whether no epoch follows. */
  readonly last: boolean;
  /** The ranks that train together, or this process alone. */
  readonly company: Company;
  /** The latest moment at which every weight was a number. */
  readonly kept: Kept | undefined;
  /** The figure that is watched, of this epoch. */
  watched(record: EpochRecord): number;
  /** Takes the present moment as the latest to go back to, if every weight is a number. */
  keep(): Promise<void>;
  /** Runs what may draw random numbers, from the generator of this training. */
  draw<T>(body: () => T): T;
  /** Tells an event to all who listen. */
  tell(event: TrainEvent): void;
  /** Notes what was found, and tells it. */
  found(findings: readonly Finding[]): void;
}

/** A state that was kept, and the updates before it. */
export interface Kept {
  readonly step: number;
  readonly state: TrainState;
}

/** An update that was taken. Reading the loss waits for the device. */
export interface StepMoment {
  readonly epoch: number;
  /** Updates so far. */
  readonly step: number;
  /** The mean loss of the update, where the device gives it at once. */
  readonly loss: number;
  /** The same by promise, on every device. */
  item(): Promise<number>;
}

/** What a hook answers. Training goes on when a promise has come true; that needs `fit`, or a loop that awaits `trainer.ready()`. */
type Verdict = Answer<"stop" | undefined>;

/**
 * Functions that see training from within; returning "stop" ends it after saving. A callback with `state` and `restore` is part
 * of training: where steps are taken again, its state goes back with them and it is called again. One without only watches, and
 * sees each step once.
 */
export interface Callback {
  /** Names its state. */
  readonly name?: string;
  /** Of one with a state: training gives the same bits without it, so it may be added or left out when a run is resumed. */
  readonly watches?: boolean;
  /** Once, when the training is made. */
  readonly attach?: (training: Training) => void;
  /** Before the first step; not where a state goes on. */
  readonly begin?: () => unknown;
  /** After each update. */
  readonly stepEnd?: (moment: StepMoment) => Verdict;
  /** After each epoch, when it has been evaluated. */
  readonly epochEnd?: (record: EpochRecord) => Verdict;
  /** Why no epoch should follow, if anything speaks against it. Asked before each. */
  readonly enough?: () => string | undefined;
  /** Where the loop rests: the place for slow work that the bits do not depend on. */
  readonly rest?: (at: Rest) => unknown;
  readonly event?: (event: TrainEvent) => void;
  readonly state?: () => PartState;
  readonly restore?: (state: SavedPart) => void;
}

/** A rest before the first step, now and then within an epoch, between two epochs, and when training ends. */
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

/** Methods may be inherited from a class, so the names are looked up on the object. */
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

/** The part of a saved state that belongs to a callback; undefined of one without. */
export function partOf(callback: Callback): Part | undefined {
  const { name, watches = false, state, restore } = callback;
  if (name === undefined || state === undefined || restore === undefined) return undefined;
  return { name, watches, state: () => state.call(callback), restore: (saved) => restore.call(callback, saved) };
}
