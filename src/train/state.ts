// What a training run keeps: a moment of it as arrays and plain data, checked when it is read back.
import type { JsonObject, NamedArrays } from "../formats/index.ts";
import { aBoolean, aCount, aNumber, anObject, type Check, listOf, objectOf } from "../formats/json.ts";
import type { GroupState } from "../optim/index.ts";
import type { RandomState, Tensor } from "../tensor/index.ts";
import type { Metrics } from "./events.ts";
import type { FeedState } from "./feeds.ts";

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

export interface SavedProgress {
  readonly sampler: FeedState;
  readonly random: RandomState;
  readonly step: number;
  readonly lossSum: number;
  readonly rows: number;
  readonly waited: number;
  /** The best epoch so far, and the figure that makes it so. */
  readonly best: { readonly epoch: number; readonly value: number } | null;
  readonly groups: readonly GroupState[];
  readonly records: readonly EpochRecord[];
  readonly schedule: JsonObject | null;
  /** What the doctor has said already. */
  readonly told: readonly string[];
}

const figures: Check<Metrics> = (value, place) => {
  const out: Record<string, number> = Object.create(null);
  for (const [name, figure] of Object.entries(anObject(value, place)))
    out[name] = figure === null ? Number.NaN : aNumber(figure, `${place}.${name}`);
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
const texts: Check<readonly string[]> = (value) =>
  Array.isArray(value) ? value.filter((part): part is string => typeof part === "string") : [];

const group = objectOf<GroupState>({
  optimizer: (value) => (typeof value === "string" ? value : undefined),
  lr: aNumber,
  initialLr: (value) => (typeof value === "number" ? value : undefined),
  options: optionsOf,
  params: listOf(aCount),
});
// Runs of earlier versions did not name their optimizer.
const groupOf: Check<GroupState> = (value, place) => group({ optimizer: null, ...anObject(value, place) }, place);

export const checkProgress: Check<SavedProgress> = objectOf<SavedProgress>({
  sampler: objectOf<FeedState>({
    part: aCount,
    epoch: aCount,
    batch: aCount,
    seed: aCount,
    length: aCount,
    batchSize: aCount,
    shuffle: aBoolean,
    dropLast: aBoolean,
  }),
  random: objectOf<RandomState>({ key: pair, calls: aCount }),
  step: aCount,
  lossSum: aNumber,
  rows: aCount,
  waited: aCount,
  best: orNull(objectOf<{ readonly epoch: number; readonly value: number }>({ epoch: aCount, value: aNumber })),
  groups: listOf(groupOf),
  records: listOf(objectOf<EpochRecord>({ epoch: aCount, train: figures, validation: orNull(figures) })),
  schedule: orNull(anObject),
  told: texts,
});

/** Values of a state dict on the host. */
export function arraysOf(state: Readonly<Record<string, Tensor>>): NamedArrays {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name,
      { dtype: value.dtype, shape: value.shape, data: value.dataSync() },
    ]),
  );
}
