// hebb train: data in, a run folder out. hebb resume: continues one.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import {
  createRun,
  loadLatestCheckpoint,
  lockRun,
  makeFolder,
  openRun,
  readConfig,
  readEvents,
  readPreprocessing,
  refuseLinks,
  removeUnfinished,
  truncateEvents,
  writeConfig,
} from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import {
  checkConfig,
  configToJson,
  type JobConfig,
  type JobData,
  makeModel,
  optimizerOf,
  taskFor,
} from "../../run/config.ts";
import { contextFor, decideRows, decideText, type TrainArguments, textDefaults } from "../../run/decide.ts";
import { type Fold, foldsOf } from "../../run/folds.ts";
import { type Performed, type PerformOptions, perform } from "../../run/perform.ts";
import { absent, prepare, readSource, testSet } from "../../run/source.ts";
import { isLargeTable, prepareStream } from "../../run/stream.ts";
import { fittingOf, tableChoices } from "../../run/tableChoices.ts";
import { isText, prepareText, readTokens, textPreprocessing } from "../../run/text.ts";
import { seed as seedEverything } from "../../tensor/index.ts";
import {
  findLr,
  makeObjective,
  makeOptimizer,
  progressIn,
  RowStream,
  type TrainEvent,
  type TrainState,
} from "../../train/index.ts";
import { onInterrupt } from "../interrupt.ts";
import { newFolder } from "../newFolder.ts";
import { out } from "../output.ts";
import { figures, notices, plot, Reporter, warn } from "../report.ts";

/** Options of `train` and `resume` that leave the result as it is. */
type Manner = Pick<TrainArguments, "json" | "pauseAfter" | "doctor" | "logs" | "findLr"> &
  Pick<PerformOptions, "saveEvery">;

const gates: readonly string[] = ["and", "or", "xor", "nand"];

export async function train(path: string, args: TrainArguments & Manner): Promise<number> {
  if (args.testLabels !== undefined && args.testData === undefined)
    throw new HebbError(`--test-labels ${args.testLabels} has no images to label; name them with --test-data FILE`);
  if (isText(path, args)) return trainText(path, args);
  if (args.stream === true || (args.stream === undefined && args.folds === undefined && isLargeTable(path)))
    return trainStream(path, args);
  const raw = await readSource(path, {
    target: args.target,
    labels: args.labels,
    seed: args.seed,
    needLabels: true,
    notices,
  });
  if (raw.kind === "text") return trainText(path, args);
  if (args.folds !== undefined)
    return trainFolds(path, args, foldsOf(raw, { ...args, folds: args.folds, fitting: fittingOf(tableChoices(args)) }));
  // A gate is its four rows: none can be spared.
  const validation = gates.includes(path) ? 0 : (args.validation ?? 0.2);
  const fitting = fittingOf(tableChoices(args));
  const prepared = prepare(raw, { target: args.target, validation, seed: args.seed, fitting });
  const config = decideRows(path, { ...args, validation }, prepared);
  tryOut(config, prepared.preprocessing);
  const test = await testSet(prepared.preprocessing, config, notices);
  const data: JobData = { ...prepared, test };
  return (await begin(folderFor(path, args), config, data, args)).code;
}

async function trainText(path: string, args: TrainArguments): Promise<number> {
  if (!existsSync(path)) throw absent(path);
  const options = {
    tokenizer: args.tokenizer ?? textDefaults.tokenizer,
    vocabulary: args.vocabulary ?? textDefaults.vocabulary,
    context: contextFor(args),
    validation: args.validation ?? textDefaults.validation,
  };
  const prepared = await prepareText(path, options);
  const config = decideText(path, args, prepared, prepared.vocabulary.size);
  tryOut(config, prepared.preprocessing);
  const test =
    args.testData === undefined
      ? undefined
      : await readTokens(args.testData, textPreprocessing(prepared.preprocessing, path));
  return (await begin(folderFor(path, args), config, { ...prepared, test }, args)).code;
}

/** A table that is read in parts: far more rows than a network needs for each epoch, so few epochs. */
async function trainStream(path: string, args: TrainArguments): Promise<number> {
  if (!existsSync(path)) throw absent(path);
  if (args.folds !== undefined) throw new HebbError("--folds need all rows at once; leave --stream out");
  if (args.classWeights === "balanced")
    throw new HebbError(
      "--class-weights need all rows at once; leave --stream out, or weigh rows with --row-weights COLUMN",
    );
  const validation = args.validation ?? 0.01;
  const fitting = fittingOf(tableChoices(args));
  const prepared = await prepareStream(path, { target: args.target, validation, seed: args.seed, fitting });
  const seen = { preprocessing: prepared.preprocessing, train: prepared.train.sample, validation: prepared.validation };
  const { epochs = 3, patience = 3, dropout = 0, batchSize = 256 } = args;
  const few = { ...args, epochs, patience, dropout, batchSize, validation };
  const config = { ...decideRows(path, few, seen), stream: true };
  tryOut(config, prepared.preprocessing);
  const test = await testSet(prepared.preprocessing, config, notices);
  return (await begin(folderFor(path, args), config, { ...prepared, test }, args)).code;
}

/** One run for each fold, and the mean of their figures with its deviation. */
async function trainFolds(path: string, args: TrainArguments, folds: readonly Fold[]): Promise<number> {
  const folder = args.findLr === true ? "" : folderOfFolds(path, args);
  const results: Performed[] = [];
  for (const [place, { data }] of folds.entries()) {
    const plain = decideRows(path, { ...args, validation: 1 / folds.length }, data);
    const config: JobConfig = { ...plain, fold: { number: place + 1, of: folds.length } };
    tryOut(config, data.preprocessing);
    const test = await testSet(data.preprocessing, config, notices);
    if (!args.json) out.line(`── fold ${place + 1} of ${folds.length}`);
    const result = await begin(`${folder}/fold-${place + 1}`, config, { ...data, test }, args);
    if (result.code !== 0) return result.code;
    results.push(result);
  }
  const held = results.flatMap(({ metrics }) => (metrics?.validation == null ? [] : [metrics.validation]));
  const summary = Object.fromEntries(
    Object.keys(held[0] ?? {}).map((name) => {
      const values = held.map((metrics) => metrics[name] ?? Number.NaN);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
      return [name, { mean, deviation: Math.sqrt(variance) }];
    }),
  );
  if (args.json) out.json({ type: "folds", folds: results.length, validation: summary });
  else {
    const means = Object.fromEntries(Object.entries(summary).map(([name, { mean }]) => [name, mean]));
    const spread = Object.fromEntries(Object.entries(summary).map(([name, { deviation }]) => [name, deviation]));
    out.line("", `${results.length} folds, held-out means   ${figures(means)}`);
    out.line(`deviation between folds   ${figures(spread)}`);
  }
  return 0;
}

function folderOfFolds(path: string, args: TrainArguments): string {
  if (args.out === undefined) return newFolder(nameOf(path));
  if (!makeFolder(args.out)) throw new HebbError(`${args.out} already exists; choose another folder for the folds`);
  return args.out;
}

/** The model is built before the folder is made, so that a bad choice leaves nothing behind. */
function tryOut(config: JobConfig, preprocessing: JobData["preprocessing"]): void {
  seedEverything(config.seed);
  makeModel(config);
  makeObjective(config.loss, taskFor(preprocessing, config));
}

/** `folder` is made, if it is a function, when all else is known to be right. */
async function begin(
  folder: string | (() => string),
  config: JobConfig,
  data: JobData,
  manner: Manner,
): Promise<Performed> {
  if (manner.findLr === true) return { code: showRates(config, data, manner.json), metrics: undefined };
  const path = typeof folder === "string" ? folder : folder();
  makeFolder(path);
  return locked(path, () => {
    const run = createRun(path, { config: configToJson(config), preprocessing: data.preprocessing });
    removeUnfinished(run);
    return perform({ run, config, data, ...mannerOf(manner) });
  });
}

/** Trains in a folder that no other process trains in meanwhile. */
async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = lockRun(folder);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** What growing learning rates do to the loss. */
function showRates(config: JobConfig, data: JobData, json: boolean): number {
  if (config.model.kind === "perceptron")
    throw new HebbError("a perceptron has no learning rate to find; any rate gives the same decisions");
  seedEverything(config.seed);
  const model = makeModel(config);
  const optimizer = makeOptimizer(optimizerOf(config), model);
  const { batchSize, seed, loss, clipNorm } = config;
  if (data.train instanceof RowStream)
    throw new HebbError("--find-lr needs rows in memory; try it on a part of the table");
  const curve = findLr(model, { train: data.train, optimizer, loss, batchSize, seed, clipNorm: clipNorm ?? undefined });
  const { rates, losses, suggested, highest } = curve;
  if (json) out.json(curve);
  else {
    const span = `rates ${rates[0]?.toExponential(0)} … ${rates.at(-1)?.toExponential(1)}`;
    out.line(...plot([losses.slice(2)], ["loss"], 12, 60, `steps, ${span}`), "");
    out.line(
      suggested === undefined || highest === undefined
        ? "the loss fell at no learning rate; train, and the doctor may say why"
        : `the loss falls fastest at ${suggested.toPrecision(2)} and is least at ${highest.toPrecision(2)}; try --lr ${suggested.toPrecision(2)}, now ${config.lr}`,
    );
  }
  return 0;
}

const mannerOf = ({ json, pauseAfter, doctor = true, logs = true, saveEvery }: Manner) => ({
  tell: json ? (event: TrainEvent) => out.json(event) : new Reporter(out).listen,
  onInterrupt,
  pauseAfter,
  doctor,
  logs,
  saveEvery,
});

/** What a run of this data is called. */
const nameOf = (path: string): string => basename(path).replace(/\.[^.]*$/, "");

/** The folder that was asked for, or makes one that no other process has. */
const folderFor = (path: string, args: TrainArguments): string | (() => string) =>
  args.out ?? (() => newFolder(nameOf(path)));

export async function resume(folder: string, args: Manner & { readonly epochs?: number | undefined }): Promise<number> {
  const run = openRun(folder);
  return locked(run.path, async () => {
    refuseLinks(run);
    removeUnfinished(run);
    const stored = checkConfig(readConfig(run), "config.json:");
    const config = args.epochs === undefined ? stored : { ...stored, epochs: args.epochs };
    // A run that was ended before its first checkpoint, and a perceptron, which has none, start over, with the same bits.
    const saved = loadLatestCheckpoint(run);
    warn(saved?.warnings ?? []);
    const data = await dataOf(config, readPreprocessing(run));
    if (JSON.stringify(data.preprocessing) !== JSON.stringify(readPreprocessing(run)))
      throw new HebbError(
        `${config.data} is not the data that ${folder} was trained on any more; restore the old file, or retrain`,
      );
    const told = saved && ended(saved.state, config, folder);
    if (told !== undefined && !args.json) out.line(told);
    // What is trained already keeps the number it was trained for.
    const epochs = told === undefined ? config.epochs : stored.epochs;
    // A run that is stopped again keeps the same end, unless it has passed it.
    if (told === undefined && config.epochs !== stored.epochs) writeConfig(run, configToJson(config));
    const events = saved === undefined ? 0 : saved.state.json["events"];
    const before = typeof events === "number" ? truncateEvents(run, events) : readEvents(run);
    warn(before.warnings);
    const from = saved?.state;
    return (await perform({ run, config: { ...config, epochs }, data, from, before: before.events, ...mannerOf(args) }))
      .code;
  });
}

/** What to say of a run that has nothing left to train; its figures are measured again. */
function ended(state: TrainState, config: JobConfig, folder: string): string | undefined {
  const { epochs, waited } = progressIn(state);
  if (epochs >= config.epochs)
    return `all ${epochs} epochs are trained already; for more: hebb resume ${folder} --epochs N, with N above ${epochs}`;
  if (config.patience !== null && waited >= config.patience)
    return `training stopped after ${epochs} epochs, the last ${waited} without improvement; for more, retrain with a larger --patience`;
  return undefined;
}

/** The data that a configuration names, prepared as they were. */
export async function dataOf(config: JobConfig, stored: JobData["preprocessing"]): Promise<JobData> {
  if (config.text !== null) {
    const text = textPreprocessing(stored, config.data);
    const prepared = await prepareText(config.data, {
      ...config.text,
      context: text.context,
      validation: config.validation,
    });
    return {
      ...prepared,
      test: config.testData === null ? undefined : await readTokens(config.testData, text),
    };
  }
  const target = config.target ?? undefined;
  const { seed, validation, fold } = config;
  const fitting = fittingOf(config.table);
  if (config.stream) {
    const prepared = await prepareStream(config.data, { target, validation, seed, fitting });
    return { ...prepared, test: await testSet(prepared.preprocessing, config, notices) };
  }
  const raw = await readSource(config.data, {
    target,
    labels: config.labels ?? undefined,
    seed,
    needLabels: true,
    notices,
  });
  const prepared =
    fold === null
      ? prepare(raw, { target, validation, seed, fitting })
      : foldsOf(raw, { target, seed, folds: fold.of, fitting })[fold.number - 1]?.data;
  if (prepared === undefined) throw new HebbError(`config.json: there is no fold ${fold?.number} of ${fold?.of}`);
  return { ...prepared, test: await testSet(prepared.preprocessing, config, notices) };
}
