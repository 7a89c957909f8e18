// hebb train: data in, a run folder out.
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Preprocessing } from "../../formats/index.ts";
import {
  appendEvent,
  createRun,
  loadLatestCheckpoint,
  openRun,
  type Run,
  readConfig,
  readEvents,
  readPreprocessing,
  saveCheckpoint,
  saveModel,
  truncateEvents,
} from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { seed as seedEverything } from "../../tensor/index.ts";
import {
  type ActivationName,
  arraysOf,
  defaultLoss,
  Evaluator,
  type EventListener,
  type LossName,
  type Metrics,
  type ModelName,
  makeObjective,
  residentOf,
  type TrainEvent,
  type TrainState,
  fit as trainModel,
} from "../../train/index.ts";
import {
  checkConfig,
  configToJson,
  defaultsFor,
  inverseFor,
  type JobConfig,
  type JobOptions,
  makeModel,
  makeOptimizer,
  makeSchedule,
  type OptimizerName,
  taskFor,
} from "../job.ts";
import { trainPerceptron } from "../perceptronJob.ts";
import { jsonLines, Reporter } from "../report.ts";
import { isBuiltIn, type Prepared, prepare, type RunData, readSource, testSet } from "../source.ts";

export interface TrainArguments extends JobOptions {
  readonly target?: string | undefined;
  readonly labels?: string | undefined;
  readonly testData?: string | undefined;
  readonly testLabels?: string | undefined;
  readonly model?: ModelName | undefined;
  readonly activation?: ActivationName | undefined;
  readonly loss?: LossName | undefined;
  readonly optimizer?: OptimizerName | undefined;
  readonly seed: number;
  readonly validation: number;
  readonly out?: string | undefined;
  readonly json: boolean;
}

/** The file a path names, wherever the command is run from; built-in problems keep their name. */
const located = (path: string | undefined): string | null =>
  path === undefined ? null : isBuiltIn(path) ? path : resolve(path);
const gates: readonly string[] = ["and", "or", "xor", "nand"];

export async function train(path: string, args: TrainArguments): Promise<number> {
  const raw = await readSource(path, { target: args.target, labels: args.labels, seed: args.seed, needLabels: true });
  // A gate is its four rows: none can be spared.
  const validation = gates.includes(path) ? 0 : args.validation;
  const prepared = prepare(raw, { target: args.target, validation, seed: args.seed });
  const config = decide(path, { ...args, validation }, prepared);
  // The model is built before the folder is made, so that a bad choice leaves nothing behind.
  seedEverything(config.seed);
  makeModel(config);
  makeObjective(config.loss, taskFor(prepared.preprocessing));
  if (args.testLabels !== undefined && args.testData === undefined)
    throw new HebbError(`--test-labels ${args.testLabels} labels nothing; name the images with --test-data FILE`);
  const test = await testSet(prepared.preprocessing, config);
  const run = createRun(args.out ?? defaultFolder(path), {
    config: configToJson(config),
    preprocessing: prepared.preprocessing,
  });
  return perform(run, config, { ...prepared, test }, undefined, args.json);
}

/** Fills in what the user left open. */
function decide(path: string, args: TrainArguments, { preprocessing, train: data, validation }: Prepared): JobConfig {
  const kind = args.model ?? "mlp";
  const task = taskFor(preprocessing);
  const defaults = defaultsFor(kind, preprocessing, data, validation !== undefined);
  if (kind === "perceptron" && (task.kind === "number" || task.count !== 2)) {
    throw new HebbError(
      `model "perceptron" is one neuron and decides between two classes, but the target ${task.kind === "number" ? "is a number" : `has ${task.count} classes`}; use --model mlp`,
    );
  }
  const loss = args.loss ?? (kind === "perceptron" ? "hinge" : defaultLoss(task));
  const { outputs } = makeObjective(loss, task);
  const optimizer = args.optimizer ?? (defaults.weightDecay > 0 ? "adamw" : "adam");
  return {
    data: located(path) ?? path,
    labels: located(args.labels),
    testData: located(args.testData),
    testLabels: located(args.testLabels),
    target: args.target ?? (preprocessing.kind === "table" ? preprocessing.target.column : null),
    model: {
      kind,
      inputShape: data.features.shape,
      outputs,
      hidden: args.hidden ?? defaults.hidden,
      activation: args.activation ?? "relu",
      dropout: args.dropout ?? defaults.dropout,
    },
    loss,
    optimizer,
    lr: args.lr ?? defaults.lr,
    weightDecay: args.weightDecay ?? (optimizer === "adamw" ? defaults.weightDecay : 0),
    batchSize: args.batchSize ?? 32,
    epochs: args.epochs ?? defaults.epochs,
    patience: args.patience ?? defaults.patience,
    seed: args.seed,
    validation: args.validation,
    schedule: defaults.schedule,
  };
}

function defaultFolder(path: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  const name = basename(path)
    .replace(/\.[^.]*$/, "")
    .replace(/[^\w.-]/g, "_");
  const folder = `runs/${name}-${stamp}`;
  let free = folder;
  for (let count = 2; existsSync(free); count++) free = `${folder}-${count}`;
  return free;
}

export async function resume(
  folder: string,
  args: { readonly json: boolean; readonly epochs?: number | undefined },
): Promise<number> {
  const run = openRun(folder);
  const stored = checkConfig(readConfig(run), "config.json:");
  const config = args.epochs === undefined ? stored : { ...stored, epochs: args.epochs };
  if (config.model.kind === "perceptron")
    throw new HebbError(`${folder} is a perceptron, which learns in one go; train it anew`);
  const saved = loadLatestCheckpoint(run);
  if (saved === undefined)
    throw new HebbError(`${folder} holds no checkpoint to go on from; start again with hebb train`);
  for (const warning of saved.warnings) process.stderr.write(`warning: ${warning}\n`);
  const raw = await readSource(config.data, {
    target: config.target ?? undefined,
    labels: config.labels ?? undefined,
    seed: config.seed,
    needLabels: true,
  });
  const prepared = prepare(raw, {
    target: config.target ?? undefined,
    validation: config.validation,
    seed: config.seed,
  });
  if (JSON.stringify(prepared.preprocessing) !== JSON.stringify(readPreprocessing(run))) {
    throw new HebbError(
      `${config.data} is no longer the data that ${folder} was trained on; put the old file back, or train anew`,
    );
  }
  seedEverything(config.seed);
  const events = saved.state.json.events;
  if (typeof events === "number") truncateEvents(run, events);
  const test = await testSet(prepared.preprocessing, config);
  return perform(run, config, { ...prepared, test }, saved.state, args.json);
}

async function perform(
  run: Run,
  config: JobConfig,
  prepared: RunData,
  from: TrainState | undefined,
  json: boolean,
): Promise<number> {
  const reporter = new Reporter((text) => process.stdout.write(text), process.stdout.isTTY === true);
  const tell: EventListener = json ? jsonLines((text) => process.stdout.write(text)) : reporter.listen;
  let events = readEvents(run).events.length;
  const emit: EventListener = (event) => {
    const full = complete(event, run, config, prepared.preprocessing, from !== undefined);
    tell(full);
    if (full.type === "progress") return;
    appendEvent(run, full);
    events++;
  };
  if (config.model.kind === "perceptron") return trainPerceptron(run, config, prepared, emit);

  seedEverything(config.seed);
  const model = makeModel(config);
  const optimizer = makeOptimizer(config, model);
  const inverse = inverseFor(prepared.preprocessing);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const started = performance.now();
  const history = await trainModel(model, {
    train: prepared.train,
    validation: prepared.validation,
    loss: config.loss,
    optimizer,
    epochs: config.epochs,
    batchSize: config.batchSize,
    seed: config.seed,
    earlyStopping: config.patience === null ? undefined : { patience: config.patience },
    inverse,
    schedule: makeSchedule(config, optimizer),
    onEvent: emit,
    signal: stop.signal,
    resume: from,
    save: (state) => {
      saveCheckpoint(run, { tensors: state.tensors, json: { ...state.json, events } });
    },
  });
  process.off("SIGINT", interrupt);
  process.off("SIGTERM", interrupt);
  if (history.stopped === "interrupted") return 130;
  saveModel(run, { tensors: arraysOf(model.stateDict()), json: { model: configToJson(config).model ?? null } });
  const evaluator = new Evaluator(model, makeObjective(config.loss, taskFor(prepared.preprocessing)));
  const measure = (data: Prepared["train"]): Metrics => evaluator.evaluate(residentOf(data), inverse).metrics;
  emit({
    type: "end",
    run: run.path,
    metrics: {
      train: measure(prepared.train),
      validation: prepared.validation === undefined ? null : measure(prepared.validation),
      test: prepared.test === undefined ? null : measure(prepared.test),
    },
    epochs: history.epochs.length,
    seconds: (performance.now() - started) / 1000,
  });
  return history.stopped === "diverged" ? 1 : 0;
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
    return {
      ...event,
      run: run.path,
      config: { ...config },
      notes: resumed || preprocessing.kind === "text" ? [] : preprocessing.notes,
    };
  if (event.type === "interrupted") return { ...event, resume: `hebb resume ${run.path}` };
  return event;
}
