// Fourth stage: trains the model into its run folder, with every event logged and told.
import type { JsonObject, Preprocessing } from "../formats/index.ts";
import { type Run, saveCheckpoint, saveModel } from "../formats/node.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import {
  arraysOf,
  augmentBy,
  type EventListener,
  metrics as figuresOf,
  type History,
  type Metrics,
  makeOptimizer,
  makeSchedule,
  type TrainEvent,
  type TrainState,
  fit as trainModel,
  updatesIn,
} from "../train/index.ts";
import { configToJson, type JobConfig, makeModel, optimizerOf } from "./config.ts";
import { EventLog, RunLogs } from "./logs.ts";
import { type Measured, measurer } from "./measure.ts";
import { trainPerceptron } from "./perceptron.ts";
import type { JobData } from "./prepared.ts";
import { report } from "./report.ts";
import { classNames, inverseFor } from "./task.ts";

/** What leaves the result of a training as it is. */
export interface Manner {
  /** Hears every event. */
  readonly tell: EventListener;
  /** Calls `stop` when training is to save and end early; the function that it returns ends that. */
  readonly onInterrupt: (stop: () => void) => () => void;
  /** Save and stop after this many epochs in all. */
  readonly pauseAfter?: number | undefined;
  readonly doctor: boolean;
  /** Event files for TensorBoard, and a CSV of the epochs. */
  readonly logs: boolean;
  /** Least milliseconds between two checkpoints. */
  readonly saveEvery?: number | undefined;
}

export interface PerformOptions extends Manner {
  readonly run: Run;
  readonly config: JobConfig;
  readonly data: JobData;
  /** Where to go on. */
  readonly from?: TrainState | undefined;
  /** The events that lie before that. */
  readonly before?: readonly JsonObject[] | undefined;
}

export interface Performed {
  readonly code: number;
  /** The figures at the end; undefined when it was interrupted. */
  readonly metrics:
    | { readonly train: Metrics; readonly validation: Metrics | null; readonly test: Metrics | null }
    | undefined;
}

export async function perform(options: PerformOptions): Promise<Performed> {
  const { run, config, data, from, before = [], tell } = options;
  // Where training is, for what the logs have to say.
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

/** Returns the exit code. */
async function trainNetwork(options: PerformOptions, emit: EventListener, log: EventLog): Promise<number> {
  const { run, config, data, from } = options;
  const model = makeModel(config);
  const optimizer = makeOptimizer(optimizerOf(config), model);
  const inverse = inverseFor(data.preprocessing);
  const names = classNames(data.preprocessing);
  const stepsPerEpoch = updatesIn(data.train.length, config);
  const floor = config.text === null ? 0 : 0.1;
  const schedule = makeSchedule(
    {
      schedule: config.schedule,
      lr: config.lr,
      warmup: config.warmup,
      epochs: config.epochs,
      stepsPerEpoch,
      floor,
      mode: figuresOf.modeOf(config.monitor),
    },
    optimizer,
  );
  const stop = new AbortController();
  const atWork = options.onInterrupt(() => stop.abort());
  const started = performance.now();
  const history = await trainModel(model, {
    train: data.train,
    validation: data.validation,
    loss: config.loss,
    optimizer,
    epochs: config.epochs,
    batchSize: config.batchSize,
    accumulate: config.accumulate,
    seed: config.seed,
    monitor: config.monitor,
    earlyStopping: config.patience === null ? undefined : { patience: config.patience },
    clipNorm: config.clipNorm ?? undefined,
    clipValue: config.clipValue ?? undefined,
    ema: config.ema ?? undefined,
    classWeights: config.classWeights ?? undefined,
    classNames: names,
    histograms: config.histograms,
    augment: config.augment.length > 0 ? augmentBy(config.augment) : undefined,
    doctor: options.doctor,
    inverse,
    schedule: schedule?.schedule,
    scheduleEvery: schedule?.every ?? "epoch",
    onEvent: emit,
    signal: stop.signal,
    resume: from,
    pauseAfter: options.pauseAfter,
    ...(options.saveEvery === undefined ? {} : { saveEvery: options.saveEvery }),
    save: (state) => {
      log.sync();
      saveCheckpoint(run, { tensors: state.tensors, json: { ...state.json, events: log.count } });
    },
  }).finally(atWork);
  if (history.stopped === "interrupted") return 130;
  if (history.stopped === "paused") return 0;
  saveModel(run, { tensors: arraysOf(model.stateDict()), json: { model: configToJson(config).model ?? null } });
  const measure = measurer({ config, preprocessing: data.preprocessing, model });
  const bestEpoch = data.validation === undefined || history.stopped === "diverged" ? null : history.bestEpoch;
  const train = learned(data, history.epochs.at(bestEpoch ?? -1), measure);
  emit(report({ run, data, train, measure, epochs: history.epochs.length, bestEpoch, started }));
  return history.stopped === "diverged" ? 1 : 0;
}

/** The figures of the data that were learned from; `kept` is the epoch whose weights are kept. */
function learned(
  data: JobData,
  kept: History["epochs"][number] | undefined,
  measure: ReturnType<typeof measurer>,
): Pick<Measured, "metrics" | "classes"> {
  switch (data.kind) {
    case "rows":
      return measure(data.train);
    // Too much to measure again: the loss is known from training.
    case "parts":
    case "text":
      return { metrics: kept?.train ?? {}, classes: null };
  }
}

/** Adds to an event what only the command knows. */
function complete(
  event: TrainEvent,
  run: Run,
  config: JobConfig,
  preprocessing: Preprocessing,
  resumed: boolean,
): TrainEvent {
  if (event.type === "start")
    return { ...event, run: run.path, config: { ...config }, notes: resumed ? [] : preprocessing.notes };
  if (event.type === "interrupted") return { ...event, resume: `hebb resume ${run.path}` };
  return event;
}
