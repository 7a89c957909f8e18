// A job with several ranks: rank 0 decides and informs the others, which read the same data, train too, and write nothing.
import type { TextCuts } from "../data/textParts.ts";
import type { Preprocessing } from "../formats/index.ts";
import { checkPreprocessing } from "../formats/preprocessingJson.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { broadcastText, type Communicator, setCurrentWorld } from "../runtime/index.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { Company } from "../train/company.ts";
import { type History, stateFromFirst, type TrainState, fit as trainModel } from "../train/index.ts";
import { testSet } from "./apply.ts";
import { checkConfig, configToJson, type JobConfig, makeModel } from "./config.ts";
import { dataOf, type Job } from "./job.ts";
import { firstModel, learningOf } from "./learning.ts";
import { type Measure, measurer } from "./measure.ts";
import type { Manner } from "./perform.ts";
import type { JobData } from "./prepared.ts";
import type { Notices } from "./readOptions.ts";
import { knownRefit, type RefitOptions, refit, refits } from "./refit.ts";
import { measureParts } from "./report.ts";
import { standardInput } from "./standardInput.ts";
import { textAlong } from "./text.ts";

/** Rank 0's message to the others, with everything they need to train. */
interface Order {
  readonly config: unknown;
  readonly preprocessing: unknown;
  /** The cuts of a text whose tokens are read on demand. */
  readonly cuts: readonly TextCuts[] | null;
  /** Whether a saved state follows. */
  readonly resumes: boolean;
  readonly pauseAfter: number | null;
}

/** Runs work of rank 0 alone, such as trials: the others wait. */
export async function apart<T>(world: Communicator | undefined, work: () => Promise<T>): Promise<T> {
  if (world === undefined) return work();
  setCurrentWorld(undefined);
  try {
    return await work();
  } finally {
    setCurrentWorld(world);
  }
}

/** Refuses jobs that do not support several ranks. */
function checkTogether({ data, model }: JobConfig): void {
  if (model.kind === "perceptron")
    throw new HebbError(
      "a perceptron learns from one row after another, so ranks cannot share its rows; train it without mpirun",
    );
  if (data === standardInput)
    throw new HebbError("only rank 0 receives standard input; put the data into a file that every rank can read");
}

/** On rank 0: sends the job that is about to begin to the others. */
export function tellJob(
  world: Communicator,
  { config, data }: Job,
  { from, pauseAfter }: { readonly from: TrainState | undefined; readonly pauseAfter: number | undefined },
): void {
  checkTogether(config);
  const order: Order = {
    config: configToJson(config),
    preprocessing: data.preprocessing,
    cuts: (data.kind === "text" ? data.cuts : undefined) ?? null,
    resumes: from !== undefined,
    pauseAfter: pauseAfter ?? null,
  };
  broadcastText(world, JSON.stringify(order));
  if (from !== undefined) stateFromFirst(world, from);
}

const silent: Notices = { progress: () => {}, note: () => {}, warn: () => {} };

/** On the other ranks: receives the job, reads its data, and trains. Returns the exit code. */
export async function trainAlong(
  world: Communicator,
  manner: Pick<Manner, "onInterrupt" | "doctor" | "zero">,
  path?: string,
): Promise<number> {
  const order: Order = JSON.parse(broadcastText(world, ""));
  const told = checkConfig(order.config, "rank 0:");
  // The same file may have another path on this machine.
  const config = { ...told, data: path ?? told.data };
  const stored = checkPreprocessing(order.preprocessing, "rank 0:");
  const from = order.resumes ? stateFromFirst(world, undefined) : undefined;
  const data = await ownData(world, config, stored, order.cuts);
  seedEverything(config.seed);
  const model = from === undefined ? await firstModel(config, data) : makeModel(config);
  const stop = new AbortController();
  const atWork = manner.onInterrupt(() => stop.abort());
  const history = await trainModel(model, {
    ...learningOf(config, data, model),
    histograms: config.histograms,
    doctor: manner.doctor,
    onEvent: () => {},
    signal: stop.signal,
    resume: from,
    pauseAfter: order.pauseAfter ?? undefined,
    zero: manner.zero,
    save: () => {},
  }).finally(atWork);
  if (history.stopped === "interrupted" || history.stopped === "paused") return exitCodeOf(history.stopped);
  const kept = refits(config, history) ? await refitAlong(world, { config, data, history }, manner) : model;
  if (kept === "interrupted") return 130;
  const company = new Company();
  const by = (measured: Module): Measure =>
    measurer({ config, preprocessing: data.preprocessing, model: measured }, company);
  const measure = by(model);
  const test = kept === "diverged" || kept === model ? measure : kept === knownRefit ? undefined : by(kept);
  await measureParts(data, measure, test);
  return exitCodeOf(history.stopped);
}

/** The network that has learned from all rows, or the reason why there is none: rank 0 has it already, or reports that training diverged. */
async function refitAlong(
  world: Communicator,
  trained: Pick<RefitOptions, "config" | "data" | "history">,
  { onInterrupt, zero }: Pick<Manner, "onInterrupt" | "zero">,
): Promise<Module | "interrupted" | "diverged" | typeof knownRefit> {
  if (broadcastText(world, "") === knownRefit) return knownRefit;
  const stop = new AbortController();
  const atWork = onInterrupt(() => stop.abort());
  const { model, stopped } = await refit({ ...trained, signal: stop.signal, emit: () => {}, zero }).finally(atWork);
  return stopped === "interrupted" || stopped === "diverged" ? stopped : model;
}

function exitCodeOf(stopped: History["stopped"]): number {
  if (stopped === "interrupted") return 130;
  return stopped === "diverged" ? 1 : 0;
}

async function ownData(
  world: Communicator,
  config: JobConfig,
  stored: Preprocessing,
  cuts: Order["cuts"],
): Promise<JobData> {
  const where = `rank ${world.rank}`;
  let data: JobData;
  try {
    if (stored.kind === "text" && cuts !== null) {
      const text = await textAlong(stored, cuts, config.data);
      const test = await testSet(stored, config, { notices: silent });
      return { kind: "text", ...text, share: config.validation ?? 0, test };
    }
    data = await dataOf(config, stored, { notices: silent, known: stored.kind === "images" ? stored : undefined });
  } catch (error) {
    if (error instanceof HebbError) throw new HebbError(`${where}: ${error.message}`);
    throw error;
  }
  if (JSON.stringify(data.preprocessing) !== JSON.stringify(stored))
    throw new HebbError(
      `${where} reads different data from rank 0: ${config.data} has other contents there; give all ranks the same file`,
    );
  return data;
}
