// Random search and successive halving: trials run in separate processes, a few at a time, each with its run folder.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { aNumber, objectOf } from "../../formats/json.ts";
import { openRun, readConfig, readEvents } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { metrics } from "../../train/index.ts";
import type { Point } from "./space.ts";

export interface Trial {
  readonly number: number;
  readonly point: Point;
  readonly folder: string;
  /** The best figure so far; NaN before the first epoch, and for a trial that failed. */
  value: number;
  epochs: number;
  seconds: number;
  /** What a trial that failed said. */
  failure: string | undefined;
}

export interface SearchOptions {
  /** The hebb command itself. */
  readonly entry: string;
  readonly data: string;
  /** Options for every trial, as they were given. */
  readonly common: readonly string[];
  readonly points: readonly Point[];
  readonly out: string;
  readonly parallel: number;
  readonly threads: number;
  readonly epochs: number | undefined;
  readonly metric: string;
  /** The share that continues at each rung of a halving is 1/eta; 1: a random search, where all are trained to the end. */
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
    child.on("error", (error) => (signal.aborted ? resolve({ code: null, stderr: "" }) : reject(error)));
    child.on("close", (code) => resolve({ code, stderr }));
  });
}

/** Works through a list, a few at a time. */
async function inParallel<T>(items: readonly T[], count: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, lane));
}

/** Which way is better; a figure of a command is always one of the library's. */
function modeOf(metric: string): metrics.Mode {
  const mode = metrics.modeOf(metric);
  if (mode === undefined)
    throw new HebbError(`--metric ${metric} is not a metric of a run; the metrics are ${metrics.names.join(", ")}`);
  return mode;
}

/** Reads what a trial has reached from its log. */
function measure(trial: Trial, metric: string): void {
  const higher = modeOf(metric) === "max";
  const epochs = readEvents(openRun(trial.folder)).events.filter(({ type }) => type === "epoch");
  const figures = epochs.flatMap(({ train, validation }): number[] => {
    const part = validation ?? train;
    const value =
      typeof part === "object" && part !== null && metric in part
        ? Object.entries(part).find(([name]) => name === metric)?.[1]
        : undefined;
    return typeof value === "number" ? [value] : [];
  });
  if (epochs.length > 0 && figures.length === 0)
    throw new HebbError(
      `the trials have no metric "${metric}"; see ${join(trial.folder, "epochs.csv")} for the ones they have`,
    );
  trial.epochs = epochs.length;
  trial.value = figures.length === 0 ? Number.NaN : higher ? Math.max(...figures) : Math.min(...figures);
}

/** The better first; what failed last. */
export function ranked(trials: readonly Trial[], metric: string): Trial[] {
  const sign = modeOf(metric) === "max" ? -1 : 1;
  const key = ({ value }: Trial): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : sign * value);
  return [...trials].sort((a, b) => (key(a) === key(b) ? a.number - b.number : key(a) - key(b)));
}

/** Trains every point, or in rungs only those that do well. */
export async function search(options: SearchOptions): Promise<Trial[]> {
  const { points, out, metric, eta, parallel, signal, onTrial } = options;
  const trials = points.map(
    (point, place): Trial => ({
      number: place + 1,
      point,
      folder: join(out, `trial-${String(place + 1).padStart(String(points.length).length, "0")}`),
      value: Number.NaN,
      epochs: 0,
      seconds: 0,
      failure: undefined,
    }),
  );
  let left = trials;
  // The first rung is one epoch where nothing is known of how many there will be.
  let until = eta > 1 ? Math.max(1, Math.floor((options.epochs ?? 1) / eta ** rungsOf(points.length, eta))) : undefined;
  for (let rung = 0; left.length > 0 && !signal.aborted; rung++) {
    const last = eta === 1 || left.length === 1;
    let done = 0;
    await inParallel(left, parallel, async (trial) => {
      if (signal.aborted) return;
      const started = performance.now();
      const args = [
        ...begin(trial, rung, options),
        ...(last || until === undefined ? [] : ["--pause-after", String(until)]),
      ];
      const { code, stderr } = await run(options.entry, args, signal);
      trial.seconds += (performance.now() - started) / 1000;
      if (signal.aborted) return;
      if (code === 2 || (code !== 0 && rung === 0 && trial.number === 1 && stderr.includes("hebb:")))
        throw new HebbError(`trial ${trial.number} failed: ${sentence(stderr)}`);
      if (code !== 0) trial.failure = sentence(stderr) || `it exited with code ${code}`;
      else measure(trial, metric);
      onTrial(trial, ++done, left.length);
    });
    if (last) break;
    const good = ranked(left, metric).filter(({ failure }) => failure === undefined);
    left = good.slice(0, Math.max(1, Math.floor(left.length / eta)));
    const [first] = left;
    const total = first === undefined ? 1 : (options.epochs ?? epochsOf(first));
    until = Math.min(total, (until ?? 1) * eta);
  }
  return ranked(trials, metric);
}

const sentence = (stderr: string): string =>
  (stderr.split("\n").find((line) => line.trim() !== "") ?? "").replace(/^hebb: |^error: /, "");
const rungsOf = (count: number, eta: number): number => Math.max(0, Math.floor(Math.log(count) / Math.log(eta)));

/** How many epochs a run was meant to have. */
const epochsOf = ({ folder }: Trial): number =>
  objectOf<{ epochs: number }>({ epochs: aNumber })(readConfig(openRun(folder)), "config.json:").epochs;

function begin({ folder, point }: Trial, rung: number, options: SearchOptions): string[] {
  const threads = ["--threads", String(options.threads)];
  if (rung > 0) return ["resume", folder, ...threads, "--json"];
  const chosen = Object.entries(point).flatMap(([option, value]) => [`--${option}`, value]);
  const epochs = options.epochs === undefined ? [] : ["--epochs", String(options.epochs)];
  return ["train", options.data, ...options.common, ...chosen, ...epochs, ...threads, "--out", folder, "--json"];
}
