// StudioState: the whole page as one JSON value, described by one table; and its readable form in the address.
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

export interface Layer {
  readonly kind: "dense" | "conv";
  /** Units of a dense layer, maps of a convolution. */
  readonly units: number;
  readonly activation: ActivationName;
}

/** A weight set by hand: replayed at its step, so that a link leads to the same numbers. */
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
  readonly test: number;
  readonly dataSeed: number;
  readonly points: readonly PaintedPoint[];
  readonly target: string;
  readonly layers: readonly Layer[];
  readonly init: InitName;
  readonly dropout: number;
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
  readonly logLoss: boolean;
  /** Compare: what each further lane changes of this state. */
  readonly lanes: readonly LanePatch[];
}

/** What a lane may change. */
export type LanePatch = Partial<Omit<StudioState, "lanes">>;

export type Key = keyof StudioState;

/** One row of the table: what a field is, what it starts as, how it reads in an address, and what changes when it does. */
export interface Field<T> {
  readonly start: T;
  /** "run": training starts again from its initial weights; "view": only what is shown changes. */
  readonly changes: "run" | "view";
  readonly print: (value: T) => string;
  /** undefined for a text that is not a valid value. */
  readonly parse: (text: string) => T | undefined;
}

const limits = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };

function number(
  start: number,
  changes: "run" | "view",
  range: { least: number; most: number } = limits,
): Field<number> {
  return {
    start,
    changes,
    print: (value) => String(Number(value.toPrecision(6))),
    parse: (text) => {
      const value = Number(text);
      return text !== "" && value >= range.least && value <= range.most ? value : undefined;
    },
  };
}

function whole(start: number, changes: "run" | "view", least: number, most: number): Field<number> {
  const field = number(start, changes, { least, most });
  return {
    ...field,
    print: String,
    parse: (text) => {
      const value = field.parse(text);
      return value !== undefined && Number.isInteger(value) ? value : undefined;
    },
  };
}

function choice<T extends string>(start: T, changes: "run" | "view", names: readonly T[]): Field<T> {
  return { start, changes, print: (value) => value, parse: (text) => names.find((name) => name === text) };
}

const flag = (start: boolean, changes: "run" | "view"): Field<boolean> => ({
  start,
  changes,
  print: (value) => (value ? "1" : "0"),
  parse: (text) => (text === "1" ? true : text === "0" ? false : undefined),
});

const text = (start: string, changes: "run" | "view"): Field<string> => ({
  start,
  changes,
  print: (value) => value,
  parse: (value) => (value.length <= 200 ? value : undefined),
});

/** A list whose parts are joined by "_"; one wrong part makes the whole list wrong. */
function list<T>(
  start: readonly T[],
  most: number,
  print: (part: T) => string,
  parse: (part: string) => T | undefined,
): Field<readonly T[]> {
  return {
    start,
    changes: "run",
    print: (values) => values.map(print).join("_"),
    parse: (whole) => {
      if (whole === "") return [];
      const parts = whole.split("_").map(parse);
      return parts.length <= most && parts.every((part) => part !== undefined) ? parts : undefined;
    },
  };
}

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

const dense = (units: number, activation: ActivationName): Layer => ({ kind: "dense", units, activation });

/** The one description of the state: defaults, checks, the address and what restarts training all follow from it. */
export const fields: { readonly [K in Key]: Field<StudioState[K]> } = {
  surface: choice("lab", "view", surfaces),
  lesson: whole(0, "view", 0, 8),
  data: choice("moons", "run", dataNames),
  count: whole(240, "run", 4, 5000),
  noise: number(0.15, "run", { least: 0, most: 2 }),
  test: number(0.25, "run", { least: 0, most: 0.9 }),
  dataSeed: whole(1, "run", 0, 2 ** 31),
  points: list([], 600, ([x, y, label]) => `${Math.round(100 * x)}.${Math.round(100 * y)}.${label}`, parsePoint),
  target: text("", "run"),
  layers: list(
    [dense(8, "tanh"), dense(8, "tanh")],
    mostLayers,
    ({ kind, units, activation }) => `${kind === "conv" ? "c" : ""}${units}.${activation}`,
    parseLayer,
  ),
  init: choice("default", "run", initNames),
  dropout: number(0, "run", { least: 0, most: 0.9 }),
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
};

export const mostLanes = 5;

/** The points that were painted; while they are fewer than two, with two that stand in for them. */
export const paintedPoints = ({ points }: Pick<StudioState, "points">): readonly PaintedPoint[] =>
  points.length >= 2 ? points : [[-0.6, 0, 0], [0.6, 0, 1], ...points];

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

/** What a first visitor sees. */
export const startState = Object.fromEntries(keys.map((key) => [key, startOf(key)])) as Pick<StudioState, Key>;

function printField<K extends Key>(key: K, state: StudioState): string {
  const field: Field<StudioState[K]> = fields[key];
  return field.print(state[key]);
}

const readable = (value: string): string =>
  encodeURIComponent(value).replaceAll("%20", "+").replaceAll("%2C", ",").replaceAll("%7E", "~");

/** The state as an address fragment: what differs from the start, as key=value. */
export function printHash(state: StudioState): string {
  return keys
    .filter((key) => printField(key, state) !== printField(key, startState))
    .map((key) => `${key}=${readable(printField(key, state))}`)
    .join("&");
}

/** The state that a fragment describes. What it does not say, or says wrongly, is as at the start. */
export function parseHash(hash: string): StudioState {
  const texts: Partial<Record<string, string>> = {};
  for (const pair of hash.replace(/^#/, "").split("&")) {
    const cut = pair.indexOf("=");
    if (cut < 1) continue;
    try {
      texts[pair.slice(0, cut)] = decodeURIComponent(pair.slice(cut + 1).replaceAll("+", " "));
    } catch {
      // A damaged pair is left out.
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
      // A field of another form is as at the start.
    }
  }
  return fromTexts(texts);
}

/** What of the state decides the numbers of a run: equal texts, equal runs. */
export const runKey = (state: StudioState): string =>
  keys
    .filter((key) => fields[key].changes === "run")
    .map((key) => printField(key, state))
    .join("&");

/** The steps of the three sliders that have no even ones. */
export const rates = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] as const;
