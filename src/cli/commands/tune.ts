// hebb tune: trains a network many times with options drawn from a search space, and shows the best ones.
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { formatCsv } from "../../data/index.ts";
import { makeFolder, writeFileAtomic } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { onInterrupt } from "../interrupt.ts";
import { newFolder } from "../newFolder.ts";
import { out } from "../output.ts";
import type { PrunerName, TuneMethod } from "../tune/names.ts";
import { pictureOf } from "../tune/picture.ts";
import { makeSampler } from "../tune/sampler.ts";
import { search, type Trial } from "../tune/search.ts";
import { type Dimension, parseDimension, sizeOf } from "../tune/space.ts";

export interface TuneArguments {
  readonly space: readonly string[];
  readonly trials: number;
  readonly parallel: number;
  readonly method: TuneMethod;
  readonly pruner: PrunerName;
  readonly eta: number;
  readonly epochs?: number | undefined;
  readonly metric: string;
  readonly seed: number;
  /** Default: a new folder in runs/. */
  readonly out?: string | undefined;
  readonly json: boolean;
}

/** `entry` is the file of the hebb command, which every trial runs; `common` are the options of all trials. */
export async function tune(
  data: string,
  common: readonly string[],
  args: TuneArguments,
  entry: string,
): Promise<number> {
  const space = args.space.map(parseDimension);
  const twice = space.find(({ option }, place) => space.findIndex((other) => other.option === option) !== place);
  if (twice !== undefined) throw new HebbError(`--space names ${twice.option} twice; give it one range or list`);
  const { method } = args;
  if (method === "halving" && args.pruner !== "none")
    throw new HebbError(
      `--pruner ${args.pruner} does not go with --method halving, which prunes by itself; leave one out`,
    );
  const folder = args.out ?? newFolder("tune");
  if (args.out !== undefined && !makeFolder(folder))
    throw new HebbError(`${folder} already exists; choose another folder for the search`);
  const count = Math.min(args.trials, sizeOf(space));
  if (count < args.trials && !args.json) out.line(`the space has only ${count} points, so there are as many trials`);
  const stop = new AbortController();
  const atWork = onInterrupt(() => stop.abort());
  const started = performance.now();
  let finished = 0;
  const trials = await search({
    entry,
    data,
    common: [...common, "--seed", String(args.seed)],
    count,
    sampler: makeSampler(method === "tpe" ? "tpe" : "random", { space, seed: args.seed }),
    pruner: method === "halving" ? "halving" : args.pruner,
    out: folder,
    parallel: args.parallel,
    threads: Math.max(1, Math.floor(cpus().length / args.parallel)),
    epochs: args.epochs,
    metric: args.metric,
    eta: args.eta,
    signal: stop.signal,
    onTrial: (trial, done, total) => {
      finished++;
      if (args.json) out.json({ type: "trial", ...rowOf(trial, space, args.pruner) });
      else {
        const rate = (performance.now() - started) / 1000 / finished;
        const left = done < total ? `  (about ${(rate * (total - done)).toFixed(0)} s left at this length)` : "";
        out.line(`${done}/${total}  ${inWords(trial, args.metric)}${left}`);
      }
    },
  })
    .catch((error: unknown) => {
      // A search that could not start leaves no folder behind.
      if (finished === 0) rmSync(folder, { recursive: true, force: true });
      throw error;
    })
    .finally(atWork);
  const rows = trials.map((trial) => rowOf(trial, space, args.pruner));
  const columns = Object.keys(rows[0] ?? {});
  const table = formatCsv(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
  writeFileAtomic(join(folder, "trials.csv"), table);
  writeFileAtomic(
    join(folder, "trials.json"),
    `${JSON.stringify({ metric: args.metric, space, trials: rows }, null, 2)}\n`,
  );
  writeFileAtomic(join(folder, "trials.svg"), pictureOf(trials, space, args.metric));
  const best = bestOf(trials);
  if (args.json) out.json({ type: "end", best: best === undefined ? null : rowOf(best, space, args.pruner) });
  else out.line(...report(trials, space, { ...args, out: folder }));
  return stop.signal.aborted ? 130 : best === undefined ? 1 : 0;
}

const rowOf = (
  { number, point, folder, value, epochs, seconds, failure, pruned }: Trial,
  space: readonly Dimension[],
  pruner: PrunerName,
): Record<string, string | number> => ({
  trial: number,
  ...Object.fromEntries(space.map(({ option }) => [option, point[option] ?? ""])),
  value: Number.isNaN(value) ? "" : value,
  epochs,
  seconds: Number(seconds.toFixed(1)),
  folder,
  failure: failure ?? "",
  ...(pruner === "none" ? {} : { pruned: String(pruned) }),
});

function inWords({ number, point, value, epochs, failure, pruned }: Trial, metric: string): string {
  const where = Object.entries(point)
    .map(([option, text]) => `${option} ${text}`)
    .join(", ");
  return `trial ${number}: ${where} → ${failure === undefined ? `${metric} ${value.toPrecision(4)} in ${epochs} ${epochs === 1 ? "epoch" : "epochs"}${pruned ? ", pruned" : ""}` : failure}`;
}

const bar = 24;

/** Undefined if the first trial was interrupted or failed. */
const bestOf = ([first]: readonly Trial[]): Trial | undefined =>
  first === undefined || first.failure !== undefined || !Number.isFinite(first.value) ? undefined : first;

/** The table of trials, best first, with a bar that grows towards the best value. */
function report(
  trials: readonly Trial[],
  space: readonly Dimension[],
  { metric, out: folder }: TuneArguments & { readonly out: string },
): string[] {
  const header = ["trial", ...space.map(({ option }) => option), metric, "epochs", ""];
  const values = trials.map(({ value }) => value).filter(Number.isFinite);
  const [best = 0, worst = 0] = [values[0], values.at(-1)];
  const cells = trials.map((trial) => {
    const share = !Number.isFinite(trial.value) ? 0 : best === worst ? 1 : (worst - trial.value) / (worst - best);
    return [
      String(trial.number),
      ...space.map(({ option }) => trial.point[option] ?? ""),
      Number.isFinite(trial.value) ? trial.value.toPrecision(4) : trial.failure === undefined ? "–" : "failed",
      String(trial.epochs),
      trial.failure ?? (trial.pruned ? "pruned" : "█".repeat(Math.round(bar * share))),
    ];
  });
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  const winner = bestOf(trials);
  return [
    "",
    line(header),
    ...cells.map(line),
    "",
    `${folder}/trials.csv, trials.json, trials.svg${winner === undefined ? "" : `; the best: ${winner.folder}`}`,
  ];
}
