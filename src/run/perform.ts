// Fourth stage: trains the model into its run folder, and logs and reports every event.
import type { JsonObject, Preprocessing } from "../formats/index.ts";
import {
  digestOf,
  hasModel,
  loadModel,
  type Run,
  type SavedState,
  saveCheckpoint,
  saveModel,
  saveValidated,
} from "../formats/node.ts";
import type { Module } from "../nn/index.ts";
import { broadcastText, considerCard, currentWorld } from "../runtime/index.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { Company } from "../train/company.ts";
import {
  arraysOfLater,
  type EventListener,
  type History,
  type Metrics,
  type TrainEvent,
  type TrainState,
  fit as trainModel,
} from "../train/index.ts";
import { baselinesOf } from "./baseline.ts";
import { configToJson, type JobConfig, makeModel } from "./config.ts";
import { firstModel, learningOf } from "./learning.ts";
import { EventLog, RunLogs } from "./logs.ts";
import { type Measure, measurer } from "./measure.ts";
import { trainPerceptron } from "./perceptron.ts";
import type { JobData } from "./prepared.ts";
import { keptEpoch, knownRefit, refit, refits } from "./refit.ts";
import { measureParts, report } from "./report.ts";

/** Settings that do not affect the result of a training. */
export interface Manner {
  /** Gets every event. */
  readonly tell: EventListener;
  /** Calls `stop` when training must save and end early; the returned function unregisters that. */
  readonly onInterrupt: (stop: () => void) => () => void;
  /** Save and stop after this many epochs in total. */
  readonly pauseAfter?: number | undefined;
  readonly doctor: boolean;
  /** Event files for TensorBoard, and a CSV of the epochs. */
  readonly logs: boolean;
  /** Minimum milliseconds between two checkpoints. */
  readonly saveEvery?: number | undefined;
  /** How ranks split the update of the weights, if they do. */
  readonly zero?: 1 | 2 | undefined;
  /** Called when everything has been checked and training is about to begin; other ranks are informed then. */
  readonly begins?: (job: { readonly config: JobConfig; readonly data: JobData }, from: TrainState | undefined) => void;
}

export interface PerformOptions extends Manner {
  readonly run: Run;
  readonly config: JobConfig;
  readonly data: JobData;
  /** The state to continue from. */
  readonly from?: TrainState | undefined;
  /** The events before that state. */
  readonly before?: readonly JsonObject[] | undefined;
}

export interface Performed {
  readonly code: number;
  /** The final metrics; undefined if training was interrupted. */
  readonly metrics:
    | { readonly train: Metrics; readonly validation: Metrics | null; readonly test: Metrics | null }
    | undefined;
}

export async function perform(options: PerformOptions): Promise<Performed> {
  const { run, config, data, from, before = [], tell } = options;
  // The position of training, for the logs.
  let [epoch, step] = [0, 0];
  const warn = (message: string): void => tell({ type: "warning", message, epoch, step });
  const log = new EventLog(run, before.length, warn);
  const logs = options.logs ? new RunLogs(run, before, warn) : undefined;
  let metrics: Performed["metrics"];
  const emit: EventListener = (event) => {
    const full = complete(event, run, config, data.preprocessing, from !== undefined);
    if (full.type === "end") metrics = full.metrics;
    if ("step" in full) ({ epoch, step } = full);
    tell(full);
    logs?.listen(full);
    if (full.type !== "progress") log.append(full);
  };
  options.begins?.({ config, data }, from);
  seedEverything(config.seed);
  try {
    const code = await (config.model.kind === "perceptron"
      ? trainPerceptron(run, config, data, emit)
      : trainNetwork(options, emit, log));
    return { code, metrics };
  } finally {
    logs?.close();
  }
}

/** Trains a network; returns the exit code. */
async function trainNetwork(options: PerformOptions, emit: EventListener, log: EventLog): Promise<number> {
  const { run, config, data, from } = options;
  const model = from === undefined ? await firstModel(config, data) : makeModel(config);
  await considerCard(operationsOf(model, config, data));
  const stop = new AbortController();
  const atWork = options.onInterrupt(() => stop.abort());
  const started = performance.now();
  const history = await trainModel(model, {
    ...learningOf(config, data, model),
    histograms: config.histograms,
    doctor: options.doctor,
    onEvent: emit,
    signal: stop.signal,
    resume: from,
    pauseAfter: options.pauseAfter,
    zero: options.zero,
    ...(options.saveEvery === undefined ? {} : { saveEvery: options.saveEvery }),
    save: (state) => {
      log.sync();
      saveCheckpoint(run, { tensors: state.tensors, json: { ...state.json, events: log.count } });
    },
  }).finally(atWork);
  if (history.stopped === "interrupted") return 130;
  if (history.stopped === "paused") return 0;
  const bestEpoch = keptEpoch(config, data, history);
  const state = await modelState(config, model);
  const again = refits(config, history) ? await refitted(options, emit, { model, state, history }) : undefined;
  if (again === "interrupted") return 130;
  const kept = again?.model ?? model;
  saveModel(
    run,
    again === undefined
      ? state
      : { ...(await modelState(config, kept)), json: { ...state.json, refitOf: digestOf(state) } },
  );
  const company = new Company();
  const by = (measured: Module, among?: Company): Measure =>
    measurer({ config, preprocessing: data.preprocessing, model: measured }, among);
  const measure = by(model, company);
  const test = kept === model ? measure : by(kept, again?.isShared === true ? company : undefined);
  const parts = await measureParts(data, measure, test);
  const known = history.epochs.at(bestEpoch ?? -1)?.train ?? {};
  const baselines = history.stopped === "diverged" ? null : baselinesOf(config, data);
  const epochs = history.epochs.length;
  const improving = history.stopped === "finished" && stillImproves(history);
  emit(report({ run, data, parts, known, epochs, bestEpoch, baselines, improving, started }));
  return history.stopped === "diverged" ? 1 : 0;
}

const modelState = async (config: JobConfig, model: Module): Promise<SavedState> => ({
  tensors: await arraysOfLater(model.stateDict()),
  json: { model: configToJson(config)["model"] ?? null },
});

/** A finished training and its result. */
interface Trained {
  readonly model: Module;
  readonly state: SavedState;
  readonly history: History;
}

/** The model kept after training on all rows, and whether all ranks have it. */
interface Refitted {
  readonly model: Module;
  readonly isShared: boolean;
}

/**
 * Trains the network on all rows, and stores the one before next to it. If training diverges, the earlier one is kept. A resumed run that had
 * finished already has both.
 */
async function refitted(
  { run, config, data, onInterrupt, zero }: PerformOptions,
  emit: EventListener,
  { model, state, history }: Trained,
): Promise<Refitted | "interrupted"> {
  const stop = new AbortController();
  const atWork = onInterrupt(() => stop.abort());
  saveValidated(run, state);
  // An existing model may belong to an earlier end from which training was continued.
  const known = hasModel(run) && loadModel(run).json["refitOf"] === digestOf(state);
  const world = currentWorld();
  if (world !== undefined) broadcastText(world, known ? knownRefit : "");
  if (known) {
    atWork();
    const kept = makeModel(config);
    kept.loadStateDict(loadModel(run).tensors);
    return { model: kept, isShared: false };
  }
  const again = await refit({ config, data, history, signal: stop.signal, emit, zero }).finally(atWork);
  if (again.stopped === "interrupted") return again.stopped;
  if (again.stopped !== "diverged") return { model: again.model, isShared: true };
  const message = "training on all rows diverged; the model before it is kept";
  emit({ type: "warning", message, epoch: history.epochs.length, step: 0 });
  return { model, isShared: true };
}

/** A lower bound of the operations of a training step: two for each weight and row, and twice as many backward. */
function operationsOf(model: Module, config: JobConfig, data: JobData): number {
  const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
  const positions = data.kind === "text" ? data.train.context : 1;
  return 6 * weights * config.batchSize * positions;
}

/** Whether the best epoch is in the last tenth of epochs, or is the last one. */
const stillImproves = ({ epochs, bestEpoch }: History): boolean =>
  epochs.at(-1)?.validation != null && bestEpoch + 1 > epochs.length - Math.max(1, Math.floor(epochs.length / 10));

/** Adds to an event the data that only the command has. */
function complete(
  event: TrainEvent,
  run: Run,
  config: JobConfig,
  preprocessing: Preprocessing,
  resumed: boolean,
): TrainEvent {
  if (event.type === "start")
    return { ...event, run: run.path, config: { ...config }, notes: resumed ? [] : notesOf(config, preprocessing) };
  if (event.type === "interrupted") return { ...event, resume: `hebb resume ${run.path}` };
  return event;
}

const notesOf = ({ chosen }: JobConfig, { notes }: Preprocessing): readonly string[] =>
  chosen === null ? notes : [...notes, chosen];
