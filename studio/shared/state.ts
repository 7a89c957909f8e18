// StudioState: the whole page as one JSON value, described by one table; and its readable form in the address.

import { type FeatureName, featureNames } from "./features.ts";
import { choice, type Field, flag, list, number, text, whole } from "./fields.ts";
import {
  type ActivationName,
  activationNames,
  type DataName,
  dataNames,
  type InitName,
  initNames,
  type LossName,
  lossNames,
  type OptimizerName,
  optimizerNames,
  type Surface,
  surfaces,
} from "./names.ts";
import { type TextState, textField } from "./text.ts";

export interface Layer {
  readonly kind: "dense" | "conv";
  /** Units of a dense layer, maps of a convolution. */
  readonly units: number;
  readonly activation: ActivationName;
}

/** An ensemble of networks with shared weights, as hebb train makes for tables. */
export interface Ensemble {
  readonly members: number;
  /** Intervals between the quantiles of a number, and the width of its embedding. */
  readonly bins: number;
  readonly embedding: number;
}

/** A weight set by hand. It is repeated at its step, so that a link leads to the same numbers. */
export interface Edit {
  readonly step: number;
  readonly parameter: string;
  readonly index: number;
  readonly value: number;
}

/** A point set by hand. */
export type PaintedPoint = readonly [x: number, y: number, label: number];

export interface StudioState {
  readonly surface: Surface;
  readonly lesson: number;
  readonly data: DataName;
  readonly count: number;
  readonly noise: number;
  /** For data in a plane: inputs computed from the two. */
  readonly features: readonly FeatureName[];
  readonly test: number;
  readonly dataSeed: number;
  readonly points: readonly PaintedPoint[];
  /** For painted points: names of both inputs and both classes, separated by commas; empty for default names. */
  readonly names: string;
  readonly target: string;
  /** Columns of an own table that are left out, a line each. */
  readonly without: string;
  readonly layers: readonly Layer[];
  /** Undefined: one network of these layers. */
  readonly ensemble: Ensemble | undefined;
  readonly init: InitName;
  readonly dropout: number;
  /** Whether each hidden layer's sums are normalised over the batch. */
  readonly batchNorm: boolean;
  readonly loss: LossName;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly decay: number;
  readonly batch: number;
  readonly seed: number;
  readonly edits: readonly Edit[];
  readonly step: number;
  readonly speed: number;
  readonly axes: readonly [number, number];
  readonly selected: string;
  /** Step: the current term, such as "z1.3.0.0.2": operation, unit, position in its map, weight, term. */
  readonly term: string;
  /** Step: the row of the batch. */
  readonly row: number;
  readonly logLoss: boolean;
  /** Compare: the changes of each further lane to this state. */
  readonly lanes: readonly LanePatch[];
  /** The Text surface: its own run and view. */
  readonly text: TextState;
}

/** The fields that a lane may change. */
export type LanePatch = Partial<Omit<StudioState, "lanes">>;

export type Key = keyof StudioState;

export const mostLayers = 12;
export const mostUnits = 256;

function parseLayer(part: string): Layer | undefined {
  const match = /^(c?)(\d+)\.([a-zA-Z0-9]+)$/.exec(part);
  const units = Number(match?.[2]);
  const activation = activationNames.find((name) => name === match?.[3]);
  if (match === null || activation === undefined || units < 1 || units > mostUnits) return undefined;
  return { kind: match[1] === "c" ? "conv" : "dense", units, activation };
}

function parsePoint(part: string): PaintedPoint | undefined {
  const [x, y, label] = part.split(".").map(Number);
  if (x === undefined || y === undefined || (label !== 0 && label !== 1)) return undefined;
  return Number.isInteger(x) && Number.isInteger(y) ? [x / 100, y / 100, label] : undefined;
}

function parseEdit(part: string): Edit | undefined {
  const [step, parameter, index, value] = part.split("~");
  const edit = { step: Number(step), parameter: parameter ?? "", index: Number(index), value: Number(value) };
  const fits = Number.isInteger(edit.step) && edit.step >= 0 && Number.isInteger(edit.index) && edit.index >= 0;
  return fits && Number.isFinite(edit.value) && /^[\w.]+$/.test(edit.parameter) ? edit : undefined;
}

function parseEnsemble(value: string): Ensemble | undefined {
  const match = /^(\d{1,2})\.(\d{1,3})\.(\d{1,2})$/.exec(value);
  const [members = 0, bins = 0, embedding = 0] = (match ?? []).slice(1).map(Number);
  return members >= 1 && bins >= 2 && embedding >= 1 ? { members, bins, embedding } : undefined;
}

/** The ensemble that a click turns a network into. */
export const usualEnsemble: Ensemble = { members: 8, bins: 16, embedding: 8 };

/** The ensemble of a state on data of this shape: on pictures there is none. */
export const ensembleOf = (
  { ensemble }: Pick<StudioState, "ensemble">,
  { inputShape }: { readonly inputShape: readonly number[] },
): Ensemble | undefined => (inputShape.length === 1 ? ensemble : undefined);

const dense = (units: number, activation: ActivationName): Layer => ({ kind: "dense", units, activation });

/** The only description of the state: defaults, checks, the address and restarts of training all follow from it. */
export const fields: { readonly [K in Key]: Field<StudioState[K]> } = {
  surface: choice("lab", "view", surfaces),
  lesson: whole(0, "view", 0, 14),
  data: choice("moons", "run", dataNames),
  count: whole(240, "run", 4, 5000),
  noise: number(0.15, "run", { least: 0, most: 2 }),
  features: list<FeatureName>(
    [],
    featureNames.length,
    (name) => name,
    (part) => featureNames.find((name) => name === part),
  ),
  test: number(0.25, "run", { least: 0, most: 0.9 }),
  dataSeed: whole(1, "run", 0, 2 ** 31),
  points: list([], 600, ([x, y, label]) => `${Math.round(100 * x)}.${Math.round(100 * y)}.${label}`, parsePoint),
  names: text("", "run"),
  target: text("", "run"),
  without: text("", "run"),
  layers: list(
    [dense(8, "tanh"), dense(8, "tanh")],
    mostLayers,
    ({ kind, units, activation }) => `${kind === "conv" ? "c" : ""}${units}.${activation}`,
    parseLayer,
  ),
  ensemble: {
    start: undefined,
    changes: "run",
    print: (value) => (value === undefined ? "" : `${value.members}.${value.bins}.${value.embedding}`),
    parse: parseEnsemble,
  },
  init: choice("default", "run", initNames),
  dropout: number(0, "run", { least: 0, most: 0.9 }),
  batchNorm: flag(false, "run"),
  loss: choice("bce", "run", lossNames),
  optimizer: choice("adam", "run", optimizerNames),
  lr: number(0.01, "run", { least: 0, most: 100 }),
  decay: number(0, "run", { least: 0, most: 10 }),
  batch: whole(16, "run", 1, 5000),
  seed: whole(3, "run", 0, 2 ** 31),
  edits: list(
    [],
    400,
    ({ step, parameter, index, value }) => `${step}~${parameter}~${index}~${Number(value.toPrecision(7))}`,
    parseEdit,
  ),
  step: whole(0, "view", 0, 2 ** 40),
  speed: number(20, "view", { least: 0, most: 1000 }),
  axes: {
    start: [0, 1],
    changes: "view",
    print: ([a, b]) => `${a}.${b}`,
    parse: (value) => {
      const [a, b] = value.split(".").map(Number);
      const fits = (k: number | undefined): k is number => k !== undefined && Number.isInteger(k) && k >= 0;
      return fits(a) && fits(b) ? [a, b] : undefined;
    },
  },
  selected: text("", "view"),
  term: text("", "view"),
  row: whole(0, "view", 0, 5000),
  logLoss: flag(false, "view"),
  lanes: {
    start: [],
    changes: "view",
    print: (lanes) => lanes.map((lane) => printPatch(lane)).join("|"),
    parse: (value) => {
      const lanes = value === "" ? [] : value.split("|").map(parsePatch);
      return lanes.length <= mostLanes && lanes.every((lane) => lane !== undefined) ? lanes : undefined;
    },
  },
  text: textField,
};

export const mostLanes = 5;

/** The painted points; if there are fewer than two, with two placeholders. */
export const paintedPoints = ({ points }: Pick<StudioState, "points">): readonly PaintedPoint[] =>
  points.length >= 2 ? points : [[-0.6, 0, 0], [0.6, 0, 1], ...points];

/** The names of the inputs and the classes of painted points. */
export function paintedNames({ names }: Pick<StudioState, "names">): {
  readonly inputs: readonly [string, string];
  readonly classes: readonly [string, string];
} {
  const [x = "", y = "", low = "", high = ""] = names.split(",");
  return { inputs: [x || "x₁", y || "x₂"], classes: [low || "A", high || "B"] };
}

/** A change as text: its fields as in an address, joined by ";". */
export const printPatch = (patch: LanePatch): string =>
  keys
    .filter((key) => key !== "lanes" && Object.hasOwn(patch, key))
    .map((key) => `${key}:${printField(key, { ...startState, ...patch })}`)
    .join(";");

function parsePatch(text: string): LanePatch | undefined {
  const patch: Partial<Record<Key, unknown>> = {};
  for (const pair of text.split(";")) {
    const cut = pair.indexOf(":");
    const key = keys.find((name) => name === pair.slice(0, cut));
    if (key === undefined || key === "lanes") return undefined;
    const value = fields[key].parse(pair.slice(cut + 1));
    if (value === undefined) return undefined;
    patch[key] = value;
  }
  return patch as LanePatch;
}

export const keys = Object.keys(fields) as readonly Key[];

function startOf<K extends Key>(key: K): StudioState[K] {
  const field: Field<StudioState[K]> = fields[key];
  return field.start;
}

/** The state on a first visit. */
export const startState = Object.fromEntries(keys.map((key) => [key, startOf(key)])) as Pick<StudioState, Key>;

function printField<K extends Key>(key: K, state: StudioState): string {
  const field: Field<StudioState[K]> = fields[key];
  return field.print(state[key]);
}

const readable = (value: string): string =>
  encodeURIComponent(value)
    .replaceAll("%20", "+")
    .replaceAll(/%2C|%7E|%3A|%3B/g, decodeURIComponent);

/** The state as an address fragment: the differences from the initial state, as key=value. */
export function printHash(state: StudioState): string {
  return keys
    .filter((key) => printField(key, state) !== printField(key, startState))
    .map((key) => `${key}=${readable(printField(key, state))}`)
    .join("&");
}

/** The state in a fragment. Missing or invalid fields have their initial values. */
export function parseHash(hash: string): StudioState {
  const texts: Partial<Record<string, string>> = {};
  for (const pair of hash.replace(/^#/, "").split("&")) {
    const cut = pair.indexOf("=");
    if (cut < 1) continue;
    try {
      texts[pair.slice(0, cut)] = decodeURIComponent(pair.slice(cut + 1).replaceAll("+", " "));
    } catch {
      // An invalid pair is left out.
    }
  }
  return fromTexts(texts);
}

function fromTexts(texts: Partial<Record<string, string>>): StudioState {
  const known = keys.flatMap((key) => {
    const value = texts[key];
    const parsed = value === undefined ? undefined : fields[key].parse(value);
    return parsed === undefined ? [] : [[key, parsed] as const];
  });
  return { ...startState, ...Object.fromEntries(known) };
}

/** The state in a JSON value from a file or a store, every field checked by the same table. */
export function readState(value: unknown): StudioState {
  if (typeof value !== "object" || value === null) return startState;
  const texts: Partial<Record<string, string>> = {};
  for (const key of keys) {
    const part = (value as Readonly<Record<string, unknown>>)[key];
    if (part === undefined) continue;
    try {
      texts[key] = (fields[key].print as (part: unknown) => string)(part);
    } catch {
      // A field of another form has its initial value.
    }
  }
  return fromTexts(texts);
}

/** The part of the state that decides the numbers of a run: equal texts, equal runs. */
export const runKey = (state: StudioState): string =>
  keys
    .filter((key) => fields[key].changes === "run")
    .map((key) => printField(key, state))
    .join("&");

/** The steps of the three sliders with uneven ones. */
export const rates = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] as const;

/** The names in a list of columns, a line each. */
export const columnsIn = (listed: string): readonly string[] => listed.split("\n").filter((name) => name !== "");
