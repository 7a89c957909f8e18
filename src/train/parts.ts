// The stateful parts of a training: collected into one saved state, and restored from it.
import type { JsonObject, NamedArrays } from "../formats/index.ts";
import { aCount, anObject, isRecord } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import type { Module } from "../nn/index.ts";
import type { Reading } from "../tensor/reading.ts";
import { finite } from "./divergence.ts";
import { upgraded } from "./earlierStates.ts";
import { type Holdable, type Holdings, type NamedHeld, type NamedHoldable, valuesIn } from "./holdings.ts";
import type { TrainState } from "./state.ts";

/** The state of one part: arrays, or tensors that are read when it is saved, and plain data. */
export interface PartState {
  readonly tensors?: NamedHoldable;
  readonly json?: JsonObject;
}

/** The same, as saved. */
export interface SavedPart {
  readonly tensors: NamedArrays;
  readonly json: JsonObject;
}

/** Something with a state that a resumed training needs. */
export interface Part {
  /** Unique among the parts. */
  readonly name: string;
  /** A part that only watches: training gives the same bits without it, so a state may lack it. */
  readonly watches?: boolean;
  /** The current state; its tensors are read before the next step. */
  state(): PartState;
  restore(state: SavedPart): void;
}

/** A moment of training. Until it is saved, its plain data may hold values that JSON cannot. */
export interface Moment {
  readonly step: number;
  readonly tensors: NamedHeld;
  readonly parts: Readonly<Record<string, object>>;
  readonly watchers: Readonly<Record<string, object>>;
}

const version = 2;

/** The current state of all parts; device values are read in one wait. */
export function* collect(parts: readonly Part[], step: number, holdings: Holdings): Reading<Moment> {
  const tensors: Record<string, Holdable> = Object.create(null);
  const found = { parts: Object.create(null), watchers: Object.create(null) } as Record<
    "parts" | "watchers",
    Record<string, object>
  >;
  for (const part of parts) {
    const state = part.state();
    found[part.watches === true ? "watchers" : "parts"][part.name] = state.json ?? {};
    for (const [name, array] of Object.entries(state.tensors ?? {})) tensors[`${part.name}.${name}`] = array;
  }
  return { step, tensors: yield* holdings.take(tensors), ...found };
}

/** Whether one of this rank's weights is NaN or infinite. */
export const hasBrokenWeights = ({ tensors }: Moment, model: Module): boolean =>
  [...model.namedParameters()].some(([name]) => {
    const weights = tensors[`model.${name}`];
    return weights !== undefined && !finite(valuesIn(weights));
  });

/** As stored in a file. If ranks hold parts, all must call it. */
export const stateOf = ({ tensors, parts, watchers }: Moment, holdings: Holdings): TrainState => ({
  tensors: holdings.whole(tensors),
  json: JSON.parse(JSON.stringify({ version, parts, watchers })) as JsonObject,
});

/** Restores the state of every part. Returns the watchers missing from the state. */
export function distribute(parts: readonly Part[], saved: TrainState): Part[] {
  if (![saved, saved?.tensors, saved?.json].every(isRecord))
    throw new HebbError(
      `restore: takes a state as state() returns it, { tensors, json }, got ${describe(saved)}; read one from a file with its tensors`,
    );
  const lost = Object.entries(saved.tensors).find(
    ([, array]) => isRecord(array?.data) && !ArrayBuffer.isView(array.data),
  );
  if (lost !== undefined)
    throw new HebbError(
      `restore: the values of "${lost[0]}" are no longer a typed array, which JSON does not keep; copy a state with structuredClone, and save its tensors to a file with writeSafetensors of hebb/formats`,
    );
  const { json, tensors } = upgraded(
    saved,
    parts.map(({ name }) => name),
  );
  const place = "checkpoint:";
  const written = aCount(json["version"], `${place} version`);
  if (written !== version)
    throw new HebbError(`${place} the state is version ${written}, and this hebb reads ${version}; update hebb`);
  const own = anObject(json["parts"], `${place} parts`);
  const watchers = anObject(json["watchers"], `${place} watchers`);
  const unknown = Object.keys(own).find((name) => !parts.some((part) => part.name === name && part.watches !== true));
  if (unknown !== undefined)
    throw new HebbError(
      `${place} the state has a part "${unknown}", which this training lacks; resume with the options and callbacks that it was saved with`,
    );
  const missing: Part[] = [];
  for (const part of parts) {
    const { name, watches = false } = part;
    const from = watches ? watchers : own;
    if (!Object.hasOwn(from, name)) {
      if (!watches)
        throw new HebbError(
          `${place} the state has no part "${name}"; resume with the options and callbacks that it was saved with`,
        );
      missing.push(part);
      continue;
    }
    const prefix = `${name}.`;
    part.restore({
      tensors: Object.fromEntries(
        Object.entries(tensors).flatMap(([key, array]) =>
          key.startsWith(prefix) ? [[key.slice(prefix.length), array] as const] : [],
        ),
      ),
      json: anObject(from[name], `${place} ${name}`),
    });
  }
  return missing;
}

/** Refuses two parts of the same name, or one whose name starts with another's and a dot: a state could not distinguish them. */
export function checkNames(parts: readonly Part[]): void {
  const names = parts.map(({ name }) => name);
  for (const [place, name] of names.entries()) {
    if (names.indexOf(name) < place)
      throw new HebbError(`two callbacks with a state are named "${name}"; give each a different name`);
    const other = names.find((one) => name.startsWith(`${one}.`));
    if (other !== undefined)
      throw new HebbError(
        `the arrays of a callback named "${name}" would be saved among those of "${other}"; give it a name without a dot`,
      );
  }
}

/** The progress of a saved training, and for how many epochs early stopping had waited. */
export function progressIn(saved: TrainState): { readonly epochs: number; readonly waited: number } {
  const parts = anObject(upgraded(saved, ["earlyStopping"]).json["parts"], "checkpoint: parts");
  const { records } = anObject(parts["progress"], "checkpoint: progress");
  const { waited = 0 } = anObject(parts["earlyStopping"] ?? {}, "checkpoint: earlyStopping");
  return { epochs: Array.isArray(records) ? records.length : 0, waited: aCount(waited, "checkpoint: waited") };
}
