// What a training run keeps: a moment of it as arrays and plain data, checked when it is read back.
import type { JsonObject, NamedArrays } from "../formats/index.ts";
import { aBoolean, aCount, aNumber, anObject, aString, type Check, listOf, objectOf } from "../formats/json.ts";
import type { GroupState } from "../optim/index.ts";
import type { RandomState, Tensor } from "../tensor/index.ts";
import { checkFinding, type Finding } from "./doctor/finding.ts";
import type { Metrics } from "./events.ts";
import type { FeedState } from "./feeds.ts";
import type { ClassScores } from "./metrics.ts";
import type { WatchState } from "./watch.ts";

/** Everything a run needs to go on: arrays, and plain data. The same shape as a checkpoint on disk. */
export interface TrainState {
  readonly tensors: NamedArrays;
  readonly json: JsonObject;
}

export interface EpochRecord {
  readonly epoch: number;
  readonly train: Metrics;
  readonly validation: Metrics | null;
}

/** A moment of training, with the arrays copied. */
export interface Snapshot {
  readonly tensors: NamedArrays;
  readonly progress: object;
  readonly step: number;
}

export const stateOf = ({ tensors, progress }: Snapshot): TrainState => ({
  tensors,
  json: JSON.parse(JSON.stringify(progress)) as JsonObject,
});

/** What the doctor remembers; the weights that training began with are kept as arrays beside it. */
export interface DoctorState {
  /** What was said already. */
  readonly told: readonly string[];
  /** The loss before the first step; null when not known. */
  readonly untrained: number | null;
}

export interface SavedProgress {
  readonly sampler: FeedState;
  readonly random: RandomState;
  readonly step: number;
  /** Of the epoch so far: the sum of losses × their weights, and the sum of the weights. */
  readonly lossSum: number;
  readonly lossWeight: number;
  readonly watch: WatchState;
  readonly groups: readonly GroupState[];
  readonly records: readonly EpochRecord[];
  readonly schedule: JsonObject | null;
  readonly doctor: DoctorState | null;
  /** What has been found so far. */
  readonly findings: readonly Finding[];
}

/** A figure that does not exist is written as null. */
const figure: Check<number> = (value, place) => (value === null ? Number.NaN : aNumber(value, place));
const figures: Check<Metrics> = (value, place) => {
  const out: Record<string, number> = Object.create(null);
  for (const [name, part] of Object.entries(anObject(value, place))) out[name] = figure(part, `${place}.${name}`);
  return out;
};
const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);
const option: Check<number | boolean | readonly number[]> = (value, place) =>
  typeof value === "boolean" ? value : Array.isArray(value) ? listOf(aNumber)(value, place) : aNumber(value, place);
const optionsOf: Check<GroupState["options"]> = (value, place) =>
  Object.fromEntries(
    Object.entries(anObject(value, place)).map(([name, part]) => [name, option(part, `${place}.${name}`)]),
  );
const pair: Check<readonly [number, number]> = (value, place) => {
  const [low = 0, high = 0] = listOf(aNumber)(value, place);
  return [low, high];
};
const scores = objectOf<ClassScores>({ precision: figure, recall: figure, f1: figure, support: aCount });

const group = objectOf<GroupState>({
  optimizer: (value) => (typeof value === "string" ? value : undefined),
  lr: aNumber,
  initialLr: (value) => (typeof value === "number" ? value : undefined),
  options: optionsOf,
  params: listOf(aCount),
});
// Runs of earlier versions did not name their optimizer.
const groupOf: Check<GroupState> = (value, place) => group({ optimizer: null, ...anObject(value, place) }, place);

const progress = objectOf<SavedProgress>({
  sampler: objectOf<FeedState>({
    part: aCount,
    epoch: aCount,
    batch: aCount,
    seed: aCount,
    length: aCount,
    batchSize: aCount,
    shuffle: aBoolean,
    dropLast: aBoolean,
    joinSingle: aBoolean,
  }),
  random: objectOf<RandomState>({ key: pair, calls: aCount }),
  step: aCount,
  lossSum: aNumber,
  lossWeight: aNumber,
  watch: objectOf<WatchState>({
    monitor: orNull(aString),
    waited: aCount,
    best: orNull(
      objectOf<NonNullable<WatchState["best"]>>({ epoch: aCount, value: aNumber, classes: orNull(listOf(scores)) }),
    ),
  }),
  groups: listOf(groupOf),
  records: listOf(objectOf<EpochRecord>({ epoch: aCount, train: figures, validation: orNull(figures) })),
  schedule: orNull(anObject),
  doctor: orNull(objectOf<DoctorState>({ told: listOf(aString), untrained: orNull(aNumber) })),
  findings: listOf(checkFinding),
});

/** What earlier versions saved, in today's words: rows instead of weights, a single row alone, what is watched without its name. */
function modern({ rows = 0, waited = 0, best = null, told = [], sampler, ...rest }: JsonObject, place: string): object {
  return {
    lossWeight: rows,
    watch: {
      monitor: null,
      waited,
      best: best === null ? null : { classes: null, ...anObject(best, `${place} best`) },
    },
    doctor: { told, untrained: null },
    findings: [],
    ...rest,
    sampler: { joinSingle: true, ...anObject(sampler, `${place} sampler`) },
  };
}

export const checkProgress: Check<SavedProgress> = (value, place) =>
  progress(modern(anObject(value, place), place), place);

/** Values of a state dict on the host. */
export function arraysOf(state: Readonly<Record<string, Tensor>>): NamedArrays {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name,
      { dtype: value.dtype, shape: value.shape, data: value.dataSync() },
    ]),
  );
}

/** The arrays whose names begin so, by the rest of their names. */
export const arraysOfPart = ({ tensors }: TrainState, prefix: string): NamedArrays =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, array]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
    ),
  );
