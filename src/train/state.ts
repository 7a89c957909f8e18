// The saved state of a training run as arrays and plain data, and the checks when it is read.
import type { HostArray, JsonObject, NamedArrays, NamedWritables } from "../formats/index.ts";
import { aBoolean, aCount, aNumber, anObject, aString, type Check, listOf, objectOf } from "../formats/json.ts";
import { widen } from "../formats/stored/array.ts";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import type { GroupState } from "../optim/index.ts";
import { type RandomState, type State, Tensor } from "../tensor/index.ts";
import { type Reading, readLater, readNow, valuesOf } from "../tensor/reading.ts";
import type { Metrics } from "./events.ts";
import type { FeedState } from "./feeds.ts";
import type { ClassScores } from "./metrics.ts";

/** Everything needed to resume a run: arrays, and plain data. The same form as a checkpoint on disk. */
export interface TrainState {
  readonly tensors: NamedArrays;
  readonly json: JsonObject;
}

export interface EpochRecord {
  readonly epoch: number;
  readonly train: Metrics;
  readonly validation: Metrics | null;
}

/** An undefined metric is written as null. */
const figure: Check<number> = (value, place) => (value === null ? Number.NaN : aNumber(value, place));
const figures: Check<Metrics> = (value, place) => {
  const out: Record<string, number> = Object.create(null);
  for (const [name, part] of Object.entries(anObject(value, place))) out[name] = figure(part, `${place}.${name}`);
  return out;
};
export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);
/** A number in a list may be null, such as Adafactor's first eps. */
const option: Check<number | boolean | readonly (number | null)[]> = (value, place) =>
  typeof value === "boolean"
    ? value
    : Array.isArray(value)
      ? listOf(orNull(aNumber))(value, place)
      : aNumber(value, place);
const optionsOf: Check<GroupState["options"]> = (value, place) =>
  Object.fromEntries(
    Object.entries(anObject(value, place)).map(([name, part]) => [name, option(part, `${place}.${name}`)]),
  );
const pair: Check<readonly [number, number]> = (value, place) => {
  const [low, high, ...more] = listOf(aNumber)(value, place);
  if (low === undefined || high === undefined || more.length > 0)
    throw new HebbError(`${place} must be two numbers, but is ${JSON.stringify(value)}; the state is damaged`);
  return [low, high];
};

export const checkScores = objectOf<ClassScores>({ precision: figure, recall: figure, f1: figure, support: aCount });

const groupOf = objectOf<GroupState>({
  // Runs of earlier versions did not name their optimizer.
  optimizer: (value, place) => orNull(aString)(value, place) ?? undefined,
  lr: aNumber,
  initialLr: (value, place) => orNull(aNumber)(value, place) ?? undefined,
  options: optionsOf,
  params: listOf(aCount),
});
/** The slots of the optimizer by name, and its groups. */
export const checkGroups = objectOf<{ slots: string[]; groups: GroupState[] }>({
  slots: listOf(aString),
  groups: listOf(groupOf),
});

export const checkRandom = objectOf<RandomState>({ key: pair, calls: aCount });

export const checkFeed = objectOf<FeedState>({
  part: aCount,
  epoch: aCount,
  batch: aCount,
  seed: aCount,
  length: aCount,
  batchSize: aCount,
  shuffle: aBoolean,
  dropLast: aBoolean,
  joinSingle: aBoolean,
});

export const checkRecord = objectOf<EpochRecord>({ epoch: aCount, train: figures, validation: orNull(figures) });

/** Values of a state dict on the host. */
export const arraysOf = (state: Readonly<Record<string, Tensor>>): NamedArrays => readNow(arraysIn(state));

/** The same by promise, for any device. */
export const arraysOfLater = (state: Readonly<Record<string, Tensor>>): Promise<NamedArrays> =>
  readLater(arraysIn(state));

/** Parameters and buffers themselves, to be read at once: tensors of their values would be copied at the next update. */
export const statesIn = (model: Module): Readonly<Record<string, State>> =>
  Object.fromEntries([...model.namedParameters(), ...model.namedBuffers()]);

/** The same, as part of other work. */
export function* arraysIn(state: NamedWritables): Reading<NamedArrays> {
  const named = Object.entries(state);
  const values = yield* valuesOf(named.flatMap(([, value]) => (value instanceof Tensor ? [value] : [])));
  const arrays: Record<string, HostArray> = Object.create(null);
  let place = 0;
  for (const [name, value] of named)
    arrays[name] =
      value instanceof Tensor
        ? { dtype: value.dtype, shape: value.shape, data: at(values, place++) }
        : "bytes" in value
          ? widen(value)
          : value;
  return arrays;
}
