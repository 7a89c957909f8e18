// fit: a short loop over a Trainer that yields to timers and signals, and ends as its options say.
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { backendInfo } from "../runtime/index.ts";
import type { Parameter } from "../tensor/index.ts";
import { Beat } from "./beat.ts";
import type { Callback } from "./callback.ts";
import { DoctorCallback } from "./callbacks/doctorCallback.ts";
import { EarlyStopping } from "./callbacks/earlyStopping.ts";
import { Histograms } from "./callbacks/histograms.ts";
import { LrSchedule } from "./callbacks/lrSchedule.ts";
import { Saving } from "./callbacks/saving.ts";
import { Company } from "./company.ts";
import { consoleLog, inTerminal } from "./consoleLog.ts";
import { Doctor } from "./doctor/index.ts";
import { checkFitOptions, type FitOptions, type History } from "./fitOptions.ts";
import { positiveClass } from "./metrics.ts";
import { checkModel, checkSchedule, classNamesOf } from "./setup.ts";
import { Trainer } from "./trainer.ts";

const progressEvery = 100;

/**
 * Trains a model. Shuffles by seed, evaluates after each epoch, keeps the best weights, stops early on request, and reports at once if the loss
 * becomes NaN or infinite. Resuming from a saved state gives the same bits as an uninterrupted run.
 */
export async function fit(model: Module, options: FitOptions): Promise<History> {
  checkFitOptions(options);
  checkModel("fit", model);
  const started = performance.now();
  const release = claim(model);
  let trainer: Trainer;
  try {
    trainer = trainerOf(model, options);
  } catch (error) {
    release();
    throw error;
  }
  try {
    const stopped = await run(trainer, options);
    await finish(trainer, options, stopped);
    return {
      epochs: trainer.records,
      bestEpoch: trainer.best?.epoch ?? -1,
      classes: trainer.best?.classes ?? null,
      stopped,
      seconds: (performance.now() - started) / 1000,
      findings: trainer.findings,
    };
  } finally {
    trainer.close();
    release();
  }
}

/** The parameters that runs of `fit` currently train. */
const claimed = new WeakSet<Parameter>();

/** Claims the parameters of a run, because two runs at once would undo each other's steps. Returns a function that releases them. */
function claim(model: Module): () => void {
  const own = model.namedParameters().filter(([, { requiresGrad }]) => requiresGrad);
  const shared = own.find(([, parameter]) => claimed.has(parameter));
  if (shared !== undefined)
    throw new HebbError(
      `fit: another fit that has not finished trains ${shared[0]} of this ${model.constructor.name}; await it first, or train a separate model`,
    );
  for (const [, parameter] of own) claimed.add(parameter);
  return () => {
    for (const [, parameter] of own) claimed.delete(parameter);
  };
}

/** The callbacks of the options, followed by the user's own. */
function trainerOf(model: Module, options: FitOptions): Trainer {
  const {
    earlyStopping,
    restoreBest: _best,
    schedule,
    scheduleEvery = "epoch",
    histograms = 0,
    doctor = options.onEvent !== undefined,
    verbose = options.onEvent === undefined && inTerminal(),
    save,
    saveEvery,
    resume: _resume,
    pauseAfter: _pause,
    signal: _signal,
    callbacks = [],
    ...common
  } = options;
  const own: Callback[] = [];
  if (earlyStopping !== undefined) own.push(new EarlyStopping(earlyStopping));
  if (histograms > 0) own.push(new Histograms(histograms));
  if (doctor) own.push(new DoctorCallback((given) => new Doctor(given)));
  if (verbose && new Company(options.distributed).speaks) own.push(consoleLog());
  if (schedule !== undefined) own.push(new LrSchedule(schedule, scheduleEvery));
  if (save !== undefined) own.push(new Saving({ save, every: saveEvery }));
  const trainer = new Trainer(model, {
    ...common,
    minDelta: earlyStopping?.minDelta,
    callbacks: [...own, ...callbacks],
  });
  checkSchedule(options, trainer);
  return trainer;
}

async function run(trainer: Trainer, options: FitOptions): Promise<History["stopped"]> {
  const { epochs, pauseAfter = epochs, resume, signal } = options;
  if (resume !== undefined) await trainer.restoreLater(resume);
  announce(trainer, options);
  await trainer.beginLater();
  if (resume === undefined) await trainer.rest("start");
  const beat = new Beat(trainer.company);
  while (trainer.epoch < epochs) {
    if (trainer.enough !== undefined) return "early";
    if (trainer.epoch >= pauseAfter) return "paused";
    if (!(await untilEpochEnds(trainer, options, beat)))
      return trainer.failure === undefined ? "interrupted" : "diverged";
    const { epoch } = trainer;
    if (!(await trainer.endEpochLater())) return "diverged";
    await trainer.keep();
    await trainer.rest(epoch + 1 >= epochs ? "end" : "epoch");
    if (trainer.company.any(trainer.stopping || signal?.aborted === true)) return "interrupted";
  }
  return "finished";
}

/** Takes the remaining updates of the epoch. False if it fails or must stop. */
async function untilEpochEnds(trainer: Trainer, { signal, onEvent, epochs }: FitOptions, beat: Beat): Promise<boolean> {
  const { company } = trainer;
  const [started, rows] = [performance.now(), trainer.rows];
  let shown = started;
  await trainer.ready();
  while (!trainer.epochOver) {
    if (!trainer.step()) return false;
    const now = performance.now();
    if (now - shown >= progressEvery && onEvent !== undefined) {
      shown = now;
      trainer.tell({
        type: "progress",
        epoch: trainer.epoch,
        step: trainer.steps,
        totalSteps: epochs * trainer.stepsPerEpoch,
        loss: trainer.epochLoss,
        rowsPerSecond: (company.size * (trainer.rows - rows)) / ((now - started) / 1000),
      });
    }
    if (trainer.mustWait) await trainer.ready();
    // Ranks stop together, when they next agree.
    if (trainer.stopping && company.world === undefined) return false;
    if (!beat.due(now)) continue;
    if ((await beat.take(() => trainer.stopping || signal?.aborted === true)) === "stop") return false;
    await trainer.rest("breath");
  }
  return true;
}

/** The final work, depending on how training ended. */
async function finish(trainer: Trainer, options: FitOptions, stopped: History["stopped"]): Promise<void> {
  const { model, optimizer, best, epoch } = trainer;
  const restoreBest = options.restoreBest ?? options.validation !== undefined;
  switch (stopped) {
    case "interrupted":
    case "paused":
      await trainer.keep();
      await trainer.rest("end");
      trainer.tell({ type: "interrupted", epoch, step: trainer.steps, paused: stopped === "paused", resume: null });
      break;
    case "diverged":
      await trainer.diagnose();
      if (trainer.best !== undefined) model.loadStateDict(trainer.best.weights);
      break;
    case "early":
    case "finished":
      if (stopped === "early") {
        await trainer.rest("end");
        trainer.tell({ type: "earlyStop", epoch, bestEpoch: best?.epoch ?? 0, reason: trainer.enough ?? "" });
      }
      if (best !== undefined && restoreBest) model.loadStateDict(best.weights);
      else trainer.average?.copyTo();
      break;
    default:
      throw new HebbError(`fit: training ended as ${stopped satisfies never}`);
  }
  optimizer.zeroGrad();
}

function announce(trainer: Trainer, { epochs, classNames }: FitOptions): void {
  const { backend, threads, description } = backendInfo();
  const { model, objective, stepsPerEpoch } = trainer;
  trainer.tell({
    type: "start",
    run: null,
    config: {},
    parameters: model.parameters().reduce((sum, parameter) => sum + parameter.size, 0),
    epochs,
    stepsPerEpoch,
    backend,
    threads,
    description,
    positiveClass: classNamesOf(objective, { classNames })?.[positiveClass] ?? null,
    notes: [],
  });
}
