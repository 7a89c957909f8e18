// hebb train: data in, a run folder out, or one for each fold. hebb resume: continues one.
import { basename } from "node:path";
import type { ColumnExplanation } from "../../data/index.ts";
import type { World } from "../../distributed/index.ts";
import { makeFolder } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import type { TrainChoices } from "../../run/choices.ts";
import { type Job, makeJob, readFor, resumeJob, startJob } from "../../run/job.ts";
import type { Manner, Performed } from "../../run/perform.ts";
import { tryRates } from "../../run/rates.ts";
import type { Source } from "../../run/source.ts";
import { standardInput } from "../../run/standardInput.ts";
import { apart, tellJob, trainAlong } from "../../run/together.ts";
import type { TrainEvent } from "../../train/index.ts";
import { figures } from "../../train/metricText.ts";
import { columnLines } from "../columnTable.ts";
import { onInterrupt } from "../interrupt.ts";
import { newFolder } from "../newFolder.ts";
import { out } from "../output.ts";
import { checkArguments } from "../ranks.ts";
import { noticesFor, plot, Reporter, warn } from "../report.ts";

/** Options of `train` and `resume` that do not affect the result. */
interface MannerArguments {
  readonly pauseAfter?: number | undefined;
  readonly doctor?: boolean | undefined;
  readonly logs?: boolean | undefined;
  readonly saveEvery?: number | undefined;
  readonly zero?: 1 | 2 | undefined;
  /** Report only warnings and failures. */
  readonly quiet?: boolean | undefined;
  readonly json: boolean;
}

export interface TrainArguments extends TrainChoices, MannerArguments {
  readonly explainData?: boolean | undefined;
  readonly findLr?: boolean | undefined;
  readonly out?: string | undefined;
}

/** Reports warnings in quiet mode. */
const warnOf = (event: TrainEvent): void => {
  if (event.type === "warning") warn([event.message]);
  if (event.type === "finding") warn([event.finding.what]);
};

const mannerOf = ({
  json,
  quiet = false,
  pauseAfter,
  doctor = true,
  logs = true,
  saveEvery,
  zero,
}: MannerArguments): Manner => ({
  tell: json ? (event) => out.json(event) : quiet ? warnOf : new Reporter(out).listen,
  onInterrupt,
  pauseAfter,
  doctor,
  logs,
  saveEvery,
  zero,
});

/** The ranks that train together: rank 0 does all work that is done once, and the others only train. */
function together(args: MannerArguments, world: World | undefined): Manner {
  const manner = mannerOf(args);
  if (world === undefined || world.size === 1) return manner;
  return { ...manner, begins: (job, from) => tellJob(world, job, { from, pauseAfter: args.pauseAfter }) };
}

interface Along {
  readonly runs?: number | undefined;
  /** The path of the data on this rank; for a resumed run, rank 0's. */
  readonly path?: string;
}

/** The part of ranks other than 0, for each run to come. */
async function along(world: World, args: MannerArguments, { runs = 1, path }: Along): Promise<number> {
  const manner = mannerOf(args);
  for (let run = 0; run < runs; run++) {
    const code = await trainAlong(world, manner, path);
    if (code !== 0) return code;
  }
  return 0;
}

const isFollower = (world: World | undefined): world is World => world !== undefined && world.rank > 0;

export async function train(path: string, args: TrainArguments, world?: World): Promise<number> {
  if (args.findLr === true && world !== undefined)
    throw new HebbError("--find-lr tries rates in one process; leave mpirun out");
  if (world !== undefined) checkArguments(world, { data: path === standardInput ? path : basename(path), ...args });
  const code = isFollower(world)
    ? await along(world, args, { runs: args.folds, path })
    : await trainFirst(path, args, world);
  world?.barrier();
  return code;
}

async function trainFirst(path: string, args: TrainArguments, world: World | undefined): Promise<number> {
  if (args.testLabels !== undefined && args.testData === undefined)
    throw new HebbError(`--test-labels ${args.testLabels} has no images to label; name them with --test-data FILE`);
  let explained = false;
  const columns = (explanations: readonly ColumnExplanation[]): void => {
    explained = true;
    if (args.json) out.json({ type: "columns", columns: explanations });
    else out.line(...columnLines(explanations), "");
  };
  const notices = { ...noticesFor(args.json, args.quiet), ...(args.explainData === true && { columns }) };
  const source = await readFor(path, args, notices);
  if (args.folds !== undefined) return trainFolds(source, args, { folds: args.folds, world });
  const stop = new AbortController();
  const atWork = onInterrupt(() => stop.abort());
  const made = apart(world, () => makeJob(source, args, null, notices, stop.signal));
  const job = await made.finally(atWork);
  if (args.explainData === true && !explained)
    throw new HebbError("--explain-data is for the columns of a table, and these data have none; leave it out");
  const folder = (): string => args.out ?? newFolder(nameOf(path));
  if (!stop.signal.aborted) return (await begin(job, folder, args, world)).code;
  // Keeps what was found so far: a run that has not begun, and can be resumed.
  await begin(job, folder, { ...args, pauseAfter: 0 }, world);
  return 130;
}

export async function resume(
  folder: string,
  args: MannerArguments & { readonly epochs?: number | undefined },
  world?: World,
): Promise<number> {
  const first = async (): Promise<number> => {
    const options = { ...together(args, world), epochs: args.epochs, notices: noticesFor(args.json, args.quiet) };
    return (await resumeJob(folder, options)).code;
  };
  if (world !== undefined) checkArguments(world, args);
  const code = isFollower(world) ? await along(world, args, {}) : await first();
  world?.barrier();
  return code;
}

/** `folder` is called after everything else has been checked. */
async function begin(job: Job, folder: () => string, args: TrainArguments, world?: World): Promise<Performed> {
  if (args.findLr === true) return { code: showRates(job, args.json), metrics: undefined };
  return startJob(job, folder(), together(args, world));
}

/** One run for each fold, and the mean and deviation of their metrics. */
async function trainFolds(
  source: Source,
  args: TrainArguments,
  { folds, world }: { readonly folds: number; readonly world: World | undefined },
): Promise<number> {
  let folder: string | undefined;
  const results: Performed[] = [];
  for (let number = 1; number <= folds; number++) {
    const notices = noticesFor(args.json, args.quiet);
    const job = await apart(world, () => makeJob(source, args, { number, of: folds }, notices));
    if (!args.json && args.quiet !== true) out.line(`── fold ${number} of ${folds}`);
    const inFolder = (): string => {
      folder ??= folderOfFolds(source.path, args);
      return `${folder}/fold-${number}`;
    };
    const result = await begin(job, inFolder, args, world);
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
  else if (args.quiet !== true) {
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

/** Prints the effect of growing learning rates on the loss. */
function showRates(job: Job, json: boolean): number {
  const curve = tryRates(job);
  if (json) {
    out.json(curve);
    return 0;
  }
  const { rates, losses, suggested, highest } = curve;
  const span = `rates ${rates[0]?.toExponential(0)} … ${rates.at(-1)?.toExponential(1)}`;
  out.line(...plot([losses.slice(2)], ["loss"], { height: 12, unit: `steps, ${span}` }), "");
  out.line(
    suggested === undefined || highest === undefined
      ? "the loss did not fall at any learning rate; train, and the doctor may say why"
      : `the loss falls fastest at ${suggested.toPrecision(2)} and is lowest at ${highest.toPrecision(2)}; try --lr ${suggested.toPrecision(2)}, now ${job.config.lr}`,
  );
  return 0;
}

/** The name of a run with this data. */
const nameOf = (path: string): string => {
  if (path === standardInput) return "stdin";
  const name = basename(path.replace(/[?#].*$/, ""))
    .replace(/(?:\.gz|\.zst)?$/i, "")
    .replace(/\.[^.]*$/, "");
  // Patterns contain characters that a folder name should not.
  return name.replace(/[^\p{L}\p{N}._ -]+/gu, "").replace(/^[-. ]+|[-. ]+$/g, "") || "table";
};
