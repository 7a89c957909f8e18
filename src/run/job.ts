// A job: the path from a source to a run folder. `train` and `resume` start here, and `doctor` reads the data of a run again.
import { existsSync, statSync } from "node:fs";
import type { Preprocessing } from "../formats/index.ts";
import {
  createRun,
  loadLatestCheckpoint,
  lockRun,
  makeFolder,
  openRun,
  type Run,
  readConfig,
  readEvents,
  readPreprocessing,
  refuseLinks,
  removeUnfinished,
  truncateEvents,
  writeConfig,
} from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import { currentWorld } from "../runtime/index.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { makeObjective, progressIn, type TrainState } from "../train/index.ts";
import { testSet } from "./apply.ts";
import { type Base, checkTakes, readBase, type TokenizerFiles, takes } from "./base.ts";
import type { TrainChoices } from "./choices.ts";
import { writeColumns } from "./columns.ts";
import { checkConfig, configToJson, type JobConfig, makeModel } from "./config.ts";
import { checkChoices, decide, tokenizingOf } from "./decide.ts";
import { type Manner, type Performed, perform } from "./perform.ts";
import { prepare } from "./prepare.ts";
import type { Fold, JobData, Prepared } from "./prepared.ts";
import { read } from "./read.ts";
import type { Notices } from "./readOptions.ts";
import { search, searches } from "./search.ts";
import type { Source } from "./source.ts";
import { fittingOf, tableChoices } from "./tableChoices.ts";
import { taskFor } from "./task.ts";
import type { Tokenizing } from "./text.ts";

/** The configuration and data of a training. */
export interface Job {
  readonly config: JobConfig;
  readonly data: JobData;
}

/** Whether other ranks train too: then each rank reads images and texts on demand. */
const isShared = (): boolean => (currentWorld()?.size ?? 1) > 1;

/** Reads the training data, and refuses choices that do not match them. */
export async function readFor(path: string, choices: TrainChoices, notices: Notices): Promise<Source> {
  const { target, labels, sql, sheet, seed } = choices;
  const base = choices.base === undefined ? undefined : await readBase(choices.base);
  const steps = base?.processing?.steps;
  const form = base === undefined ? formOf(choices) : formFor(base, path, target);
  const asNeeded = isShared();
  const source = await read(path, {
    target,
    labels,
    sql,
    sheet,
    seed,
    needLabels: true,
    form,
    steps,
    asNeeded,
    notices,
  });
  if (base !== undefined) checkTakes(base, source);
  checkChoices(source, choices);
  return source;
}

/** How to read a file. Language models read any file as a text; folds need all rows at once. */
function formOf({ model, stream, folds }: TrainChoices): "auto" | "text" | "parts" | "whole" {
  if (model === "gpt" || model === "lstm") return "text";
  if (stream !== undefined) return stream ? "parts" : "whole";
  return folds === undefined ? "auto" : "whole";
}

/** Names of table files. */
const tableNames = /\.(?:csv|tsv|parquet|arrow|feather|xlsx|json|jsonl|ndjson|sqlite|db|duckdb)(?:\.gz|\.zst)?$/i;

/** A base that generates text reads any file as a text, unless a class column is named. */
const formFor = ({ config, folder }: Base, path: string, target: string | undefined): "text" | "whole" =>
  target === undefined &&
  takes(config, folder, "causal") &&
  !tableNames.test(path) &&
  !(existsSync(path) && statSync(path).isDirectory())
    ? "text"
    : "whole";

/** Fits the preprocessing and makes the open decisions. The model is built once, so that a bad choice is reported before a folder exists. */
export async function makeJob(
  source: Source,
  choices: TrainChoices,
  fold: Fold | null,
  notices: Notices,
  signal: AbortSignal = new AbortController().signal,
): Promise<Job> {
  const { validation, seed, context } = choices;
  const base = choices.base === undefined ? null : await readBase(choices.base);
  const text = tokenizingOf(choices);
  const preparedBy = (made: TrainChoices): Promise<Prepared> =>
    prepare(source, { validation, fold, seed, columns: fittingOf(tableChoices(made)), text, base, context });
  let prepared = await preparedBy(choices);
  if (prepared.kind === "rows" && (fold === null || fold.number === 1)) notices.warn(prepared.findings());
  if (prepared.kind !== "text" && prepared.columns !== undefined) notices.columns?.(prepared.columns);
  let config = decide(source, choices, prepared, fold, base);
  if (prepared.kind === "rows" && config.model.kind === "tabular" && searches(choices, config, prepared)) {
    const network = config.model;
    const found = await search({ origin: source, choices, prepared, network, notices, signal });
    if (found !== undefined) {
      const { chosen, nested } = found;
      const { targetTransform, ignore } = found.choices;
      if (targetTransform !== choices.targetTransform || ignore !== choices.ignore)
        prepared = await preparedBy(found.choices);
      config = { ...decide(source, found.choices, prepared, fold, base), chosen };
      // If trials determined the length of training, the held-out rows only report.
      if (nested) config = { ...config, patience: null, keep: "last" };
    }
  }
  seedEverything(config.seed);
  makeModel(config);
  makeObjective(config.loss, taskFor(prepared.preprocessing, config));
  const asNeeded = source.kind === "images" && "read" in source.images;
  return { config, data: { ...prepared, test: await testSet(prepared.preprocessing, config, { notices, asNeeded }) } };
}

/** Trains into a new run folder, which is created after everything else has been checked. */
export async function startJob({ config, data }: Job, folder: string, manner: Manner): Promise<Performed> {
  makeFolder(folder);
  return locked(folder, () => {
    const run = createRun(folder, { config: configToJson(config), preprocessing: data.preprocessing });
    if (data.kind !== "text" && data.columns !== undefined) writeColumns(run, data.columns);
    removeUnfinished(run);
    return perform({ ...manner, run, config, data });
  });
}

/** Trains in a folder that is locked against other processes. */
async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = lockRun(folder);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

export interface ResumeOptions extends Manner {
  /** A new number of epochs. */
  readonly epochs?: number | undefined;
  readonly notices: Notices;
}

/** Continues a run. A run with nothing left to train is measured again, and `notices` say why. */
export async function resumeJob(folder: string, options: ResumeOptions): Promise<Performed> {
  const { notices, epochs: wanted } = options;
  const run = openRun(folder);
  return locked(run.path, async () => {
    refuseLinks(run);
    removeUnfinished(run);
    const stored = checkConfig(readConfig(run), "config.json:");
    const config = wanted === undefined ? stored : { ...stored, epochs: wanted };
    // A run that ended before its first checkpoint, and a perceptron, which has none, start over, with the same bits.
    const saved = loadLatestCheckpoint(run);
    notices.warn(saved?.warnings ?? []);
    const data = await sameData(run, config, folder, notices);
    const told = saved && ended(saved.state, config, folder);
    if (told !== undefined) notices.note(told);
    // A run that is already trained keeps the number of epochs it was trained for.
    const epochs = told === undefined ? config.epochs : stored.epochs;
    // A run that is stopped again keeps the same end, unless it has passed it.
    if (told === undefined && config.epochs !== stored.epochs) writeConfig(run, configToJson(config));
    const events = saved === undefined ? 0 : saved.state.json["events"];
    const before = typeof events === "number" ? truncateEvents(run, events) : readEvents(run);
    notices.warn(before.warnings);
    const from = saved?.state;
    return perform({ ...options, run, config: { ...config, epochs }, data, from, before: before.events });
  });
}

/** The data of a run, which must be unchanged. */
async function sameData(run: Run, config: JobConfig, folder: string, notices: Notices): Promise<JobData> {
  const stored = readPreprocessing(run);
  const data = await dataOf(config, stored, { notices });
  if (JSON.stringify(data.preprocessing) !== JSON.stringify(stored))
    throw new HebbError(
      `${config.data} is no longer the data that ${folder} was trained on; restore the old file, or retrain`,
    );
  return data;
}

/** The notice for a run with nothing left to train; its metrics are measured again. */
function ended(state: TrainState, config: JobConfig, folder: string): string | undefined {
  const { epochs, waited } = progressIn(state);
  if (epochs >= config.epochs)
    return `all ${epochs} epochs are already trained; for more: hebb resume ${folder} --epochs N, with N above ${epochs}`;
  if (config.patience !== null && waited >= config.patience)
    return `training stopped after ${epochs} epochs, the last ${waited} without improvement; for more, retrain with a larger --patience`;
  return undefined;
}

const filesIn = ({ tokenizer, tokenizerConfig }: TokenizerFiles): TokenizerFiles => ({ tokenizer, tokenizerConfig });

/** The parts of the base that a stored run itself contains: the base's folder may be gone. */
function baseOf({ base, model }: JobConfig, stored: Preprocessing): Base | null {
  if (base === null || model.kind !== "pretrained") return null;
  const known: Base = { folder: base, config: model.config, tokenizer: undefined, processing: undefined };
  switch (stored.kind) {
    case "texts":
      return { ...known, tokenizer: filesIn(stored) };
    case "text":
      return stored.tokenizer.kind === "pretrained" ? { ...known, tokenizer: filesIn(stored.tokenizer) } : known;
    case "images": {
      const { steps, mean, scale } = stored;
      return steps === undefined ? known : { ...known, processing: { steps, factor: 1, mean, std: scale } };
    }
    case "table":
      return known;
  }
}

/** How a text becomes tokens with its own tokenizer. */
const learnedBy = ({ tokenizer, vocabulary }: NonNullable<JobConfig["text"]>, context: number): Tokenizing | null =>
  tokenizer === "pretrained" ? null : { tokenizer, vocabulary, context };

export interface DataOptions {
  readonly notices: Notices;
  /** The preprocessing that rank 0 fitted on images, so that this rank reads none for it. */
  readonly known?: Preprocessing | undefined;
}

/** The data that a configuration names, read and prepared as before. */
export async function dataOf(
  config: JobConfig,
  stored: Preprocessing,
  { notices, known }: DataOptions,
): Promise<JobData> {
  const asNeeded = isShared();
  const { seed, validation, fold, text, stream } = config;
  const source = await read(config.data, {
    target: config.target ?? undefined,
    labels: config.labels ?? undefined,
    sql: config.sql ?? undefined,
    sheet: config.sheet ?? undefined,
    seed,
    needLabels: true,
    form: text !== null ? "text" : stream ? "parts" : "whole",
    steps: stored.kind === "images" ? stored.steps : undefined,
    ...(known && { like: known }),
    asNeeded,
    notices,
  });
  const context = stored.kind === "text" ? stored.context : undefined;
  const prepared = await prepare(source, {
    validation,
    fold,
    seed,
    columns: fittingOf(config.table),
    text: text === null || context === undefined ? null : learnedBy(text, context),
    base: baseOf(config, stored),
    context,
    known,
  });
  return { ...prepared, test: await testSet(prepared.preprocessing, config, { notices, asNeeded }) };
}
