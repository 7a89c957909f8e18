// Every part with a state, stopped and resumed: the same bits, events and logs. No field of a saved state can be omitted. HEBB_LONG=1 stops after
// each step.
import { describe, expect, test } from "vitest";
import { type Dataset, moons, Random } from "../data/index.ts";
import type { JsonObject } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { seed } from "../tensor/index.ts";
import * as room from "./index.ts";
import {
  arraysOf,
  type Callback,
  csvLog,
  type FitOptions,
  makeSchedule,
  RowStream,
  scheduleNames,
  type TrainEvent,
  type TrainState,
  fit as trainModel,
  updatesIn,
} from "./index.ts";

const train = moons({ count: 30, seed: 1 });
const validation = moons({ count: 20, seed: 2 });
const batchSize = 8;

interface Scenario {
  readonly options?: Partial<FitOptions>;
  readonly lr?: number;
  readonly dropout?: number;
  /** Objects created anew for each process. */
  readonly own?: (optimizer: optim.Optimizer) => Partial<FitOptions>;
  /** The parts of the saved state under test. */
  readonly parts: readonly string[];
  /** Whether the run reached the situation under test. */
  readonly shows?: (outcome: Outcome) => boolean;
}

interface Outcome {
  readonly weights: unknown;
  /** The reported events, apart from fields that depend on the clock and on being stopped. */
  readonly events: readonly unknown[];
  readonly history: unknown;
  readonly log: string;
}

interface Ran extends Outcome {
  readonly states: readonly TrainState[];
  readonly stopped: string;
  readonly steps: number;
  readonly stepsPerEpoch: number;
}

const ofTheClock: readonly TrainEvent["type"][] = ["start", "progress", "checkpoint", "interrupted"];

/** Like a new process: everything created anew, with a state read from a file. */
async function run(
  { options = {}, lr = 0.05, dropout = 0.2, own = () => ({}) }: Scenario,
  { stopAfter, from }: { readonly stopAfter?: number | undefined; readonly from?: TrainState | undefined } = {},
): Promise<Ran> {
  seed(3);
  const model = new nn.Sequential(
    new nn.Linear(2, 6),
    new nn.BatchNorm1d(6),
    new nn.Tanh(),
    new nn.Dropout(dropout),
    new nn.Linear(6, 2),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr });
  const events: unknown[] = [];
  const states: TrainState[] = [];
  let log = "";
  let steps = 0;
  const { callbacks = [], ...made } = own(optimizer);
  const history = await trainModel(model, {
    train,
    validation,
    optimizer,
    epochs: 5,
    batchSize,
    seed: 4,
    doctor: true,
    restoreBest: false,
    onEvent: (event) => {
      if (!ofTheClock.includes(event.type)) events.push(JSON.parse(JSON.stringify({ ...event, seconds: 0 })));
    },
    ...options,
    ...made,
    callbacks: [
      csvLog((text) => {
        log += text.replace(/^((?:[^,\n]*,){3})[\d.]+,/gm, "$1");
      }),
      ...callbacks,
      ...(options.callbacks ?? []),
      {
        stepEnd: ({ step }) => {
          steps = step;
          return step === stopAfter ? "stop" : undefined;
        },
      },
    ],
    save: ({ tensors, json }) => {
      states.push({ tensors: structuredClone(tensors), json: JSON.parse(JSON.stringify(json)) });
    },
    saveEvery: 0,
    resume: from,
  });
  const { epochs, bestEpoch, classes, stopped, findings } = history;
  return {
    weights: arraysOf(model.stateDict()),
    events,
    history: { epochs, bestEpoch, classes, stopped, findings },
    log,
    states,
    stopped,
    steps,
    stepsPerEpoch: updatesIn(options.train?.length ?? train.length, { batchSize, ...options }),
  };
}

const outcomeOf = ({ weights, events, history, log }: Ran): Outcome => ({ weights, events, history, log });

/** A callback with a state: the running mean of the loss, reported at the end of epochs. */
class Smoothed implements Callback {
  readonly name = "smoothed";
  #mean = 0;
  readonly #tell: (text: string) => void;
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }
  stepEnd({ loss }: { readonly loss: number }): undefined {
    this.#mean = 0.9 * this.#mean + 0.1 * loss;
  }
  epochEnd(): undefined {
    this.#tell(String(this.#mean));
  }
  state() {
    return { json: { mean: this.#mean } };
  }
  restore({ json }: { readonly json: JsonObject }): void {
    if (typeof json["mean"] !== "number") throw new HebbError("smoothed: the mean is missing");
    this.#mean = json["mean"];
  }
}

const scheduled = (schedule: room.ScheduleName, warmup = 0): Scenario => ({
  parts: ["schedule"],
  own: (optimizer) => {
    const made = makeSchedule({ schedule, lr: 0.05, warmup, epochs: 5, stepsPerEpoch: 4 }, optimizer);
    return made === undefined ? {} : { schedule: made.schedule, scheduleEvery: made.every };
  },
});
/** A schedule that soon detects a plateau. */
const plateauOf = (optimizer: optim.Optimizer): room.TrainSchedule => {
  const plateau = new optim.ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5, cooldown: 1, threshold: 0.05 });
  return {
    mode: plateau.mode,
    step: (metric) => plateau.step(metric),
    stateDict: () => ({ ...plateau.stateDict(), lrs: [...plateau.stateDict().lrs] }),
    loadStateDict: (state: object) => plateau.loadStateDict(state as optim.PlateauState),
  };
};

const parts = [0, 11, 19].map((from, place, all) =>
  train.subset(Int32Array.from({ length: (all[place + 1] ?? 30) - from }, (_, k) => from + k)),
);
const stream = new RowStream({
  length: 30,
  sample: train.subset([0, 1, 2]),
  parts: async function* (epoch) {
    for (let k = 0; k < 3; k++) yield parts[(k + epoch) % 3] as Dataset;
  },
});

const has = (type: string) => (outcome: Outcome) =>
  outcome.events.some((event) => (event as { readonly type: string }).type === type);
const found = (code: string) => (outcome: Outcome) => JSON.stringify(outcome.events).includes(`"${code}"`);

/** By the subject of each. */
const scenarios: Readonly<Record<string, Scenario>> = {
  "early stopping, and the best weights": {
    parts: ["earlyStopping", "best"],
    lr: 0.3,
    options: { epochs: 12, earlyStopping: { patience: 2, minDelta: 0.01 }, restoreBest: true },
    shows: has("earlyStop"),
  },
  "a doctor that sees a rate that is too low": {
    parts: ["doctor"],
    lr: 1e-6,
    dropout: 0,
    // All rows in one batch, so that the loss falls evenly.
    options: { epochs: 6, batchSize: 30 },
    shows: found("learningRateTooLow"),
  },
  "a doctor that sees a rate that is too high": {
    parts: ["doctor"],
    lr: 6,
    options: { epochs: 8 },
    shows: found("learningRateTooHigh"),
  },
  "a plateau by epoch": {
    parts: ["schedule"],
    own: (optimizer) => ({ schedule: plateauOf(optimizer), scheduleEvery: "epoch" }),
    shows: ({ events }) => new Set(events.map((event) => (event as { readonly lr?: number }).lr)).size > 2,
  },
  "a plateau by update": {
    parts: ["schedule"],
    own: (optimizer) => ({ schedule: plateauOf(optimizer), scheduleEvery: "update" }),
    shows: ({ events }) => new Set(events.map((event) => (event as { readonly lr?: number }).lr)).size > 2,
  },
  ...Object.fromEntries(
    scheduleNames.flatMap((name) => (name === "constant" ? [] : [[`schedule ${name}`, scheduled(name)] as const])),
  ),
  "a cosine after a warm-up": scheduled("cosine", 6),
  "a moving average": { parts: ["average"], options: { ema: 0.8, epochs: 3, restoreBest: true } },
  "gradients of several batches": { parts: ["feed"], options: { accumulate: 3, clipNorm: 0.1, ema: 0.9, epochs: 3 } },
  "rows that stream": { parts: ["feed"], options: { train: stream, epochs: 3 } },
  "rows that stream, several batches an update": {
    parts: ["feed"],
    options: { train: stream, accumulate: 2, batchSize: 4, epochs: 3 },
  },
  augmentation: {
    parts: ["random"],
    options: {
      epochs: 3,
      augment: (features, { seed: from, epoch, samples }) => {
        const random = new Random(from, 1000 * epoch + (samples[0] ?? 0));
        return features.map((value) => value + random.normal(0, 0.1));
      },
    },
  },
  histograms: { parts: ["progress"], options: { histograms: 2 }, shows: has("histograms") },
  "logs, and a callback of one's own": {
    parts: ["csvLog", "smoothed"],
    options: { epochs: 3 },
    own: () => ({ callbacks: [new Smoothed(() => {})] }),
    shows: ({ log }) => log.split("\n").length === 5,
  },
};

/** One stop in each epoch, in turn before, at or after its end; with HEBB_LONG all. */
const isStop = (step: number, stepsPerEpoch: number): boolean => {
  if (process.env["HEBB_LONG"] === "1" || stepsPerEpoch === 1) return true;
  const epoch = Math.floor((step + 1) / stepsPerEpoch);
  return step === epoch * stepsPerEpoch - 1 + (epoch % 3);
};

describe("stopped and resumed", () => {
  test.each(Object.entries(scenarios))("%s", { timeout: 240_000 }, async (_, scenario) => {
    const whole = await run(scenario);
    expect(scenario.shows?.(outcomeOf(whole)) ?? true).toBe(true);
    for (let stopAfter = 1; stopAfter < whole.steps; stopAfter++) {
      if (!isStop(stopAfter, whole.stepsPerEpoch)) continue;
      const cut = await run(scenario, { stopAfter });
      expect(cut.stopped).toBe("interrupted");
      const from = cut.states.at(-1);
      expect(Object.keys({ ...at(from, "parts"), ...at(from, "watchers") })).toEqual(
        expect.arrayContaining([...scenario.parts]),
      );
      const rest = await run(scenario, { from });
      const joined = { ...outcomeOf(rest), events: [...cut.events, ...rest.events], log: cut.log + rest.log };
      expect(joined, `after step ${stopAfter}`).toEqual(outcomeOf(whole));
    }
  });
});

const at = (state: TrainState | undefined, key: string): Record<string, unknown> =>
  (state?.json[key] ?? {}) as Record<string, unknown>;

/** Callbacks of src/train with a state, by exported name. */
const stateful: Readonly<Record<string, string>> = {
  EarlyStopping: "earlyStopping",
  LrSchedule: "schedule",
  DoctorCallback: "doctor",
  csvLog: "csvLog",
};
/** Callbacks without a state. */
const stateless = ["Histograms", "Saving", "consoleLog", "jsonlLog", "tensorBoardLog"];

test("every callback is in a scenario", () => {
  const hooks = ["stepEnd", "epochEnd", "rest", "event", "begin", "enough"];
  const callbacks = Object.entries(room).flatMap(([name, value]) => {
    if (typeof value !== "function" || name === "Trainer") return [];
    const prototype: unknown = value.prototype;
    const hooked = typeof prototype === "object" && prototype !== null && hooks.some((hook) => hook in prototype);
    return hooked || name.endsWith("Log") ? [name] : [];
  });
  expect(callbacks.sort()).toEqual([...Object.keys(stateful), ...stateless].sort());
  const covered = Object.values(scenarios).flatMap((scenario) => scenario.parts);
  expect(Object.values(stateful).filter((name) => !covered.includes(name))).toEqual([]);
});

/** The paths of all fields, including those of the first and the last entry of lists of objects. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [];
    const ends = [...new Set([0, value.length - 1])];
    return [[...path, value.length - 1], ...ends.flatMap((place) => pathsOf(value[place], [...path, place]))];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [[...path, key], ...pathsOf(part, [...path, key])]);
}

function without(state: TrainState, path: readonly (string | number)[]): TrainState {
  const json: unknown = structuredClone(state.json);
  let holder = json as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const last = path.at(-1) ?? "";
  if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return { tensors: state.tensors, json: json as JsonObject };
}

/** Fields that follow from others or depend on the clock: nothing is lost without them. */
const derived: readonly RegExp[] = [
  // The optimizer's groups hold the rates too.
  /^parts schedule of lrs/,
];

describe("no field of a saved state can be omitted", () => {
  const everything: Scenario = {
    parts: [],
    lr: 0.2,
    options: { epochs: 8, earlyStopping: { patience: 3 }, ema: 0.8, accumulate: 2, restoreBest: true, batchSize: 4 },
    own: (optimizer) => ({
      schedule: plateauOf(optimizer),
      callbacks: [new Smoothed(() => {})],
    }),
  };
  const cosine: Scenario = { ...scheduled("cosine"), options: { epochs: 3 } };
  // The first epoch stays the best.
  const streamed: Scenario = { parts: [], options: { train: stream, epochs: 3, mode: "max" } };
  test.each([
    ["everything", everything, 13],
    ["a schedule by update", cosine, 6],
    ["rows that stream", streamed, 6],
  ] as const)("%s", { timeout: 240_000 }, async (_, scenario, stopAfter) => {
    const from = (await run(scenario, { stopAfter })).states.at(-1);
    if (from === undefined) throw new Error("nothing was saved");
    const whole = outcomeOf(await run(scenario, { from }));
    const silent: string[] = [];
    const attempt = async (name: string, state: TrainState): Promise<void> => {
      try {
        const outcome = outcomeOf(await run(scenario, { from: state }));
        if (JSON.stringify(outcome, typed) === JSON.stringify(whole, typed)) silent.push(name);
      } catch (error) {
        expect(error, name).toBeInstanceOf(HebbError);
      }
    };
    for (const path of pathsOf(from.json)) {
      const name = path.join(" ");
      if (!derived.some((pattern) => pattern.test(name))) await attempt(name, without(from, path));
    }
    for (const name of Object.keys(from.tensors)) {
      const { [name]: _, ...tensors } = from.tensors;
      await attempt(name, { ...from, tensors });
    }
    expect(silent).toEqual([]);
  });
});

const typed = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
