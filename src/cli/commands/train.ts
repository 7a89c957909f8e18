// hebb train: data in, a run folder out, or one for each fold. hebb resume: continues one.
import { basename } from "node:path";
import { makeFolder } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import type { TrainChoices } from "../../run/choices.ts";
import { type Job, makeJob, readFor, resumeJob, startJob } from "../../run/job.ts";
import type { Manner, Performed } from "../../run/perform.ts";
import { tryRates } from "../../run/rates.ts";
import type { Source } from "../../run/source.ts";
import { onInterrupt } from "../interrupt.ts";
import { newFolder } from "../newFolder.ts";
import { out } from "../output.ts";
import { figures, noticesFor, plot, Reporter } from "../report.ts";

/** Options of `train` and `resume` that leave the result as it is. */
interface MannerArguments {
  readonly pauseAfter?: number | undefined;
  readonly doctor?: boolean | undefined;
  readonly logs?: boolean | undefined;
  readonly saveEvery?: number | undefined;
  readonly json: boolean;
}

export interface TrainArguments extends TrainChoices, MannerArguments {
  readonly findLr?: boolean | undefined;
  readonly out?: string | undefined;
}

const mannerOf = ({ json, pauseAfter, doctor = true, logs = true, saveEvery }: MannerArguments): Manner => ({
  tell: json ? (event) => out.json(event) : new Reporter(out).listen,
  onInterrupt,
  pauseAfter,
  doctor,
  logs,
  saveEvery,
});

export async function train(path: string, args: TrainArguments): Promise<number> {
  if (args.testLabels !== undefined && args.testData === undefined)
    throw new HebbError(`--test-labels ${args.testLabels} has no images to label; name them with --test-data FILE`);
  const notices = noticesFor(args.json);
  const source = await readFor(path, args, notices);
  if (args.folds !== undefined) return trainFolds(source, args, args.folds);
  const job = await makeJob(source, args, null, notices);
  return (await begin(job, () => args.out ?? newFolder(nameOf(path)), args)).code;
}

export async function resume(
  folder: string,
  args: MannerArguments & { readonly epochs?: number | undefined },
): Promise<number> {
  const options = { ...mannerOf(args), epochs: args.epochs, notices: noticesFor(args.json) };
  return (await resumeJob(folder, options)).code;
}

/** `folder` is called when all else is known to be right. */
async function begin(job: Job, folder: () => string, args: TrainArguments): Promise<Performed> {
  if (args.findLr === true) return { code: showRates(job, args.json), metrics: undefined };
  return startJob(job, folder(), mannerOf(args));
}

/** One run for each fold, and the mean of their figures with its deviation. */
async function trainFolds(source: Source, args: TrainArguments, folds: number): Promise<number> {
  let folder: string | undefined;
  const results: Performed[] = [];
  for (let number = 1; number <= folds; number++) {
    const job = await makeJob(source, args, { number, of: folds }, noticesFor(args.json));
    if (!args.json) out.line(`── fold ${number} of ${folds}`);
    const inFolder = (): string => {
      folder ??= folderOfFolds(source.path, args);
      return `${folder}/fold-${number}`;
    };
    const result = await begin(job, inFolder, args);
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

/** What growing learning rates do to the loss. */
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
      ? "the loss fell at no learning rate; train, and the doctor may say why"
      : `the loss falls fastest at ${suggested.toPrecision(2)} and is least at ${highest.toPrecision(2)}; try --lr ${suggested.toPrecision(2)}, now ${job.config.lr}`,
  );
  return 0;
}

/** What a run of this data is called. */
const nameOf = (path: string): string => basename(path).replace(/\.[^.]*$/, "");
