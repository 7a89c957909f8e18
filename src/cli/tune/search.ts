// Trials in separate processes, a few at a time, each with its run folder: chosen by a sampler and a pruner, or by successive halving.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { aNumber, objectOf } from "../../formats/json.ts";
import { hasModel, openRun, readConfig, readEvents } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { isRunFolder } from "../../run/isRun.ts";
import { checkFinding } from "../../train/doctor/finding.ts";
import { metrics } from "../../train/index.ts";
import type { PrunerName } from "./names.ts";
import { goesOn, rungs } from "./pruner.ts";
import type { Sampler } from "./sampler.ts";
import type { Point } from "./space.ts";

export interface Trial {
  readonly number: number;
  readonly point: Point;
  readonly folder: string;
  /** The best metric so far; NaN before the first epoch, and for a failed trial. */
  value: number;
  epochs: number;
  seconds: number;
  /** The message of a failed trial. */
  failure: string | undefined;
  /** Whether it ended early because earlier trials were better. */
  pruned: boolean;
  /** The best metric at each rung where it was compared; lower is better. */
  readonly costs: number[];
}

export interface SearchOptions {
  /** The hebb command itself. */
  readonly entry: string;
  readonly data: string;
  /** Options for every trial, as given. */
  readonly common: readonly string[];
  /** The number of points to try. */
  readonly count: number;
  readonly sampler: Sampler;
  /** "halving": all points are drawn first, and continue in rungs. */
  readonly pruner: PrunerName | "halving";
  readonly out: string;
  readonly parallel: number;
  readonly threads: number;
  readonly epochs: number | undefined;
  readonly metric: string;
  /** The fraction 1/eta continues at each rung. */
  readonly eta: number;
  readonly onTrial: (trial: Trial, done: number, total: number) => void;
  readonly signal: AbortSignal;
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function run(entry: string, args: readonly string[], signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, entry, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      signal,
      killSignal: "SIGTERM",
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = `${stderr}${text}`.slice(-4000);
    });
    // A stopped trial still saves, so it is awaited.
    child.on("error", (error) => {
      if (child.pid === undefined) reject(error);
    });
    child.on("close", (code) => resolve({ code, stderr }));
  });
}

/** Processes a list, a few items at a time. */
async function inParallel<T>(items: readonly T[], count: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, lane));
}

/** Which direction is better; the commands only use built-in metrics. */
function modeOf(metric: string): metrics.Mode {
  const mode = metrics.modeOf(metric);
  if (mode === undefined)
    throw new HebbError(`--metric ${metric} is not a metric of a run; the metrics are ${metrics.names.join(", ")}`);
  return mode;
}

/** Reads a trial's results from its log. */
function measure(trial: Trial, metric: string): void {
  const higher = modeOf(metric) === "max";
  const epochs = readEvents(openRun(trial.folder)).events.filter(({ type }) => type === "epoch");
  const told = epochs.flatMap(({ train, validation }): unknown[] => {
    const part = validation ?? train;
    return typeof part === "object" && part !== null && metric in part ? [Reflect.get(part, metric)] : [];
  });
  // A metric may be NaN, for example for held-out rows of a single class.
  const figures = told.filter((value) => typeof value === "number");
  if (epochs.length > 0 && told.length === 0)
    throw new HebbError(
      `the trials have no metric "${metric}"; see ${join(trial.folder, "epochs.csv")} for the ones they have`,
    );
  trial.epochs = epochs.length;
  trial.value = figures.length === 0 ? Number.NaN : higher ? Math.max(...figures) : Math.min(...figures);
}

/** The finding of a diverged trial: with --json it is only in its events. */
async function findingIn({ folder }: Trial): Promise<string | undefined> {
  if (!(await isRunFolder(folder))) return undefined;
  const last = readEvents(openRun(folder)).events.findLast(({ type }) => type === "finding");
  return last === undefined ? undefined : checkFinding(last["finding"], "events.jsonl:").what;
}

/** The metric of a trial, lower is better; undefined ones come last. */
function costOf({ value }: Trial, metric: string): number {
  if (Number.isNaN(value)) return Number.POSITIVE_INFINITY;
  return modeOf(metric) === "max" ? -value : value;
}

/** Sorts the best first, and failed trials last. */
export const ranked = (trials: readonly Trial[], metric: string): Trial[] =>
  [...trials].sort((a, b) => {
    const [one, other] = [costOf(a, metric), costOf(b, metric)];
    return one === other ? a.number - b.number : one - other;
  });

/** Sorts trials that got further first: a pruned trial says less about its point than a completed one. */
const byProgress = (trials: readonly Trial[], metric: string): Trial[] =>
  ranked(trials, metric).sort((a, b) => rungsPassed(b) - rungsPassed(a));
const rungsPassed = ({ pruned, costs, failure }: Trial): number =>
  failure !== undefined ? -1 : pruned ? costs.length : Number.MAX_SAFE_INTEGER;

const trialOf = (point: Point, number: number, { out, count }: SearchOptions): Trial => ({
  number,
  point,
  folder: join(out, `trial-${String(number).padStart(String(count).length, "0")}`),
  value: Number.NaN,
  epochs: 0,
  seconds: 0,
  failure: undefined,
  pruned: false,
  costs: [],
});

/** Trains the points; returns them best first. */
export async function search(options: SearchOptions): Promise<Trial[]> {
  const trials = await (options.pruner === "halving" ? halving(options) : inOrder(options, options.pruner));
  return ranked(trials, options.metric);
}

/** Trains a trial until an epoch, or to the end, and measures it. */
async function advance(
  trial: Trial,
  until: number | undefined,
  resumes: boolean,
  options: SearchOptions,
): Promise<void> {
  const { signal, entry, metric } = options;
  if (signal.aborted) return;
  const started = performance.now();
  const pause = until === undefined ? [] : ["--pause-after", String(until)];
  const { code, stderr } = await run(entry, [...begin(trial, resumes, options), ...pause], signal);
  trial.seconds += (performance.now() - started) / 1000;
  if (signal.aborted) return;
  if (code === 2 || (code !== 0 && !resumes && trial.number === 1 && stderr.includes("hebb:")))
    throw new HebbError(`trial ${trial.number} failed: ${sentence(stderr)}`);
  if (code !== 0) trial.failure = sentence(stderr) || ((await findingIn(trial)) ?? `it exited with code ${code}`);
  else measure(trial, metric);
}

/**
 * The number of latest trials whose results a decision does not use. It depends only on the number of trials, so that the same seed gives the same
 * trials for any number of parallel ones; it also limits that number.
 */
const lagOf = (count: number): number => Math.max(4, Math.ceil(count / 8));

/** Trials one after another, each chosen and pruned by the results of earlier ones. */
async function inOrder(options: SearchOptions, pruner: PrunerName): Promise<Trial[]> {
  const { count, sampler, metric, parallel, onTrial } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const own = { ...options, signal };
  const trials: Trial[] = [];
  const ends: Promise<void>[] = [];
  const running = new Set<Promise<void>>();
  let [done, failure]: [number, unknown] = [0, undefined];
  while (trials.length < count && !signal.aborted) {
    const known = Math.max(0, trials.length - lagOf(count));
    await Promise.all(ends.slice(0, known));
    while (running.size >= parallel) await Promise.race(running);
    if (signal.aborted) break;
    const ended = trials.slice(0, known);
    const pending = trials.slice(known).map(({ point }) => point);
    const point = sampler.next(
      byProgress(ended, metric).map((trial) => trial.point),
      pending,
    );
    if (point === undefined) break;
    const trial = trialOf(point, trials.length + 1, options);
    trials.push(trial);
    const work = inRungs(trial, ended, pruner, own)
      .then(() => {
        if (!signal.aborted) onTrial(trial, ++done, count);
      })
      .catch((error: unknown) => {
        failure ??= error;
        failed.abort();
      })
      .finally(() => running.delete(work));
    running.add(work);
    ends.push(work);
  }
  await Promise.all(ends);
  if (failure !== undefined) throw failure;
  return trials;
}

/** Trains a trial, and stops to compare it with earlier ones. */
async function inRungs(
  trial: Trial,
  earlier: readonly Trial[],
  pruner: PrunerName,
  options: SearchOptions,
): Promise<void> {
  const { signal, metric, eta } = options;
  if (pruner === "none") return advance(trial, undefined, false, options);
  const ended = (): boolean => signal.aborted || trial.failure !== undefined || hasModel(openRun(trial.folder));
  // If the number of epochs is unknown, the first rung shows it.
  const planned = options.epochs === undefined ? [1] : rungs(options.epochs, eta);
  for (let place = 0; ; place++) {
    await advance(trial, planned[place], place > 0, options);
    if (planned[place] === undefined || ended()) return;
    const cost = costOf(trial, metric);
    const others = earlier.flatMap(({ costs }) => costs.slice(place, place + 1));
    trial.costs.push(cost);
    if (!goesOn(pruner, cost, others, eta)) {
      trial.pruned = true;
      return;
    }
    if (place === 0 && options.epochs === undefined) planned.splice(0, 1, ...rungs(epochsOf(trial), eta));
  }
}

/** All points are drawn first, and only the good ones continue in rungs. */
async function halving(options: SearchOptions): Promise<Trial[]> {
  const { count, sampler, metric, eta, parallel, signal, onTrial } = options;
  const trials: Trial[] = [];
  for (let point = sampler.next([], []); point !== undefined; point = sampler.next([], [])) {
    trials.push(trialOf(point, trials.length + 1, options));
    if (trials.length === count) break;
  }
  let left = trials;
  // If the number of epochs is unknown, the first rung is one epoch.
  let until = Math.max(1, Math.floor((options.epochs ?? 1) / eta ** rungsOf(trials.length, eta)));
  for (let rung = 0; left.length > 0 && !signal.aborted; rung++) {
    const last = left.length === 1;
    let done = 0;
    await inParallel(left, parallel, async (trial) => {
      await advance(trial, last ? undefined : until, rung > 0, options);
      if (!signal.aborted) onTrial(trial, ++done, left.length);
    });
    if (last) break;
    const good = ranked(left, metric).filter(({ failure }) => failure === undefined);
    left = good.slice(0, Math.max(1, Math.floor(left.length / eta)));
    const [first] = left;
    const total = first === undefined ? 1 : (options.epochs ?? epochsOf(first));
    until = Math.min(total, until * eta);
  }
  return trials;
}

const sentence = (stderr: string): string =>
  (stderr.split("\n").find((line) => line.trim() !== "") ?? "").replace(/^hebb: |^error: /, "");
const rungsOf = (count: number, eta: number): number => Math.max(0, Math.floor(Math.log(count) / Math.log(eta)));

/** The planned number of epochs of a run. */
const epochsOf = ({ folder }: Trial): number =>
  objectOf<{ epochs: number }>({ epochs: aNumber })(readConfig(openRun(folder)), "config.json:").epochs;

function begin({ folder, point }: Trial, resumes: boolean, options: SearchOptions): string[] {
  const threads = ["--threads", String(options.threads)];
  if (resumes) return ["resume", folder, ...threads, "--json"];
  const chosen = Object.entries(point).flatMap(([option, value]) => [`--${option}`, value]);
  const epochs = options.epochs === undefined ? [] : ["--epochs", String(options.epochs)];
  return ["train", options.data, ...options.common, ...chosen, ...epochs, ...threads, "--out", folder, "--json"];
}
