// hebb runs: compares the run folders below a folder: a list, their differences, the best, their curves.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../formats/index.ts";
import { openRun, readConfig, readEvents } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { visible } from "../../graph/visible.ts";
import { checkConfig, type JobConfig } from "../../run/config.ts";
import { isRunFolder } from "../../run/isRun.ts";
import { metrics as figuresOf, type Metrics } from "../../train/index.ts";
import { figure } from "../../train/metricText.ts";
import { out } from "../output.ts";
import { plot, plotWidth } from "../report.ts";
import type { RunAction } from "../runActions.ts";

interface Known {
  readonly path: string;
  readonly config: JobConfig;
  /** The epochs of training. */
  readonly epochs: readonly { readonly train: Metrics; readonly held: Metrics | undefined }[];
  /** The final metrics on held-out rows, or else those of the last epoch. */
  readonly figures: Metrics;
  readonly ended: boolean;
  readonly changed: number;
}

const metricsIn = (value: unknown): Metrics | undefined =>
  typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (typeof one === "number" ? [[name, one]] : [])))
    : undefined;

function known(path: string): Known | undefined {
  try {
    const run = openRun(path);
    const config = checkConfig(readConfig(run), "config.json:");
    const { events } = readEvents(run);
    const epochs = events.flatMap(({ type, train, validation }: JsonObject) =>
      type === "epoch" ? [{ train: metricsIn(train) ?? {}, held: metricsIn(validation) }] : [],
    );
    const end = events.findLast(({ type }) => type === "end");
    const last = epochs.at(-1);
    const figures = partsIn(end) ?? last?.held ?? last?.train ?? {};
    return { path, config, epochs, figures, ended: end !== undefined, changed: statSync(path).mtimeMs };
  } catch (error) {
    // A folder that is no longer a run, or is damaged, is not listed.
    if (error instanceof HebbError) return undefined;
    throw error;
  }
}

function partsIn(end: JsonObject | undefined): Metrics | undefined {
  const found: unknown = end?.["metrics"];
  if (typeof found !== "object" || found === null) return undefined;
  const { validation, train }: { readonly validation?: unknown; readonly train?: unknown } = found;
  return metricsIn(validation ?? train);
}

/** Runs in a folder and its subfolders, including folds and trials. */
async function runsIn(folder: string, depth = 3): Promise<Known[]> {
  if (await isRunFolder(folder)) return [known(folder)].flatMap((run) => run ?? []);
  if (depth === 0) return [];
  const found: Known[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) found.push(...(await runsIn(join(folder, entry.name), depth - 1)));
  return found;
}

function sorted(runs: readonly Known[], metric: string): Known[] {
  const mode = figuresOf.modeOf(metric);
  if (mode === undefined)
    throw new HebbError(`--metric ${metric} is not a metric of a run; the metrics are ${figuresOf.names.join(", ")}`);
  const sign = mode === "max" ? -1 : 1;
  const key = ({ figures }: Known): number =>
    figures[metric] === undefined ? Number.POSITIVE_INFINITY : sign * figures[metric];
  return [...runs].sort((a, b) => (key(a) === key(b) ? 0 : key(a) - key(b)));
}

export async function runs(
  action: RunAction,
  paths: readonly string[],
  args: { readonly metric?: string | undefined; readonly json: boolean },
): Promise<number> {
  const folders = paths.length > 0 ? paths : ["runs"];
  const missing = folders.find((path) => !existsSync(path) || !statSync(path).isDirectory());
  if (missing !== undefined)
    throw new HebbError(`there is no folder ${missing}; name one with runs, such as hebb runs list runs`);
  const found: Known[] = [];
  for (const path of folders) found.push(...(await runsIn(path)));
  if (found.length === 0) throw new HebbError(`${folders.join(", ")} holds no run; make one with hebb train`);
  const metric = args.metric ?? "loss";
  switch (action) {
    case "list":
      return list(
        args.metric === undefined ? found.sort((a, b) => b.changed - a.changed) : sorted(found, metric),
        args,
      );
    case "best":
      return best(sorted(found, metric), metric, args.json);
    case "compare":
      return compare(found, args.json);
    case "plot":
      return curves(found, metric, args.json);
  }
}

/** The metrics that fit on a line. */
const shown = ["loss", "accuracy", "rmse", "r2"] as const;

const summary = ({ path, config, epochs, figures, ended }: Known) => ({
  run: path,
  model: config.model.kind,
  target: config.target,
  epochs: epochs.length,
  ended,
  ...figures,
});

function list(
  found: readonly Known[],
  { metric, json }: { readonly metric?: string | undefined; readonly json: boolean },
): number {
  if (json) {
    out.json(found.map(summary));
    return 0;
  }
  const width = Math.max(...found.map(({ path }) => path.length));
  for (const { path, config, epochs, figures, ended } of found) {
    const names = [...new Set([...(metric === undefined ? [] : [metric]), ...shown])].filter((name) => name in figures);
    const text = names.map((name) => figure(name, figures[name] ?? Number.NaN)).join("  ");
    out.line(
      `${visible(path).padEnd(width)}  ${config.model.kind.padEnd(10)} ${String(epochs.length).padStart(4)} epochs  ${text}${ended ? "" : "  (not ended)"}`,
    );
  }
  return 0;
}

function best([first]: readonly Known[], metric: string, json: boolean): number {
  if (first === undefined || first.figures[metric] === undefined)
    throw new HebbError(`no run has the metric ${metric}; hebb runs list --json shows what there is`);
  if (json) out.json(summary(first));
  // Alone on its line, so that a shell can use it: hebb predict "$(hebb runs best)" new.csv
  else out.line(first.path);
  return 0;
}

/** Shows the settings that differ between them. */
function compare(found: readonly Known[], json: boolean): number {
  const flat = found.map(({ config, figures }) => ({
    ...Object.fromEntries(
      Object.entries(config).flatMap(([name, value]) =>
        name === "model" && typeof value === "object" && value !== null
          ? Object.entries(value).map(([inner, own]): [string, unknown] => [`model.${inner}`, own])
          : [[name, value] as [string, unknown]],
      ),
    ),
    ...figures,
  })) as readonly Readonly<Record<string, unknown>>[];
  const names = [...new Set(flat.flatMap((each) => Object.keys(each)))].filter(
    (name) => new Set(flat.map((each) => JSON.stringify(each[name]))).size > 1,
  );
  if (json) {
    out.json(
      found.map(({ path }, place) => ({
        run: path,
        ...Object.fromEntries(names.map((name) => [name, flat[place]?.[name] ?? null])),
      })),
    );
    return 0;
  }
  if (names.length === 0)
    out.line(found.length === 1 ? "there is only one run, so there is nothing to compare" : "they do not differ");
  for (const name of names) {
    out.line(name);
    for (const [place, { path, figures }] of found.entries()) {
      const measured = figures[name];
      const text = measured === undefined ? (JSON.stringify(flat[place]?.[name]) ?? "–") : measured.toPrecision(4);
      out.line(`  ${(text.length > 60 ? `${text.slice(0, 59)}…` : text).padEnd(24)}  ${path}`);
    }
  }
  return 0;
}

const marked = 2;

function curves(found: readonly Known[], metric: string, json: boolean): number {
  const series = found.map(({ epochs }) => epochs.map(({ train, held }) => (held ?? train)[metric] ?? Number.NaN));
  if (json) {
    out.json(found.map(({ path }, place) => ({ run: path, [metric]: series[place] })));
    return 0;
  }
  if (found.length > marked)
    throw new HebbError(
      `${found.length} curves cannot be told apart in a terminal; name up to ${marked} runs, or use --json`,
    );
  out.line(
    ...plot(
      series,
      found.map(({ path }) => `${metric}, ${path}`),
      { width: plotWidth(out) },
    ),
  );
  return 0;
}
