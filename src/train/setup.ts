// Prepares a training from the options of fit: the feed, class and row weights, and checks.
import { classWeights as balancedWeights, Dataset, TokenSequence } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { nearest } from "../graph/nearest.ts";
import { Module } from "../nn/index.ts";
import type { Generator } from "../tensor/index.ts";
import { figuresOf } from "./evaluation.ts";
import {
  type Feed,
  type FeedOptions,
  type InMemory,
  MemoryFeed,
  RowStream,
  samplerOf,
  samplesOf,
  updatesIn,
} from "./feeds.ts";
import type { FitOptions } from "./fitOptions.ts";
import { type Mode, modeOf } from "./metrics.ts";
import {
  defaultLoss,
  ignoredLabel,
  makeObjective,
  type Objective,
  ownObjective,
  type Task,
  taskOf,
} from "./objectives.ts";
import { StreamFeed } from "./streamFeed.ts";
import type { TrainerOptions } from "./trainerOptions.ts";
import { Watch, type Watched } from "./watch.ts";

/** Data to inspect: for a stream, the rows kept in memory. */
export const inMemory = (data: InMemory | RowStream): InMemory => (data instanceof RowStream ? data.sample : data);

export function feedOf(
  { train, augment, batchSampler }: TrainerOptions,
  perClass: ArrayLike<number> | undefined,
  options: FeedOptions,
): Feed {
  if (!(train instanceof RowStream)) {
    const { seed } = options;
    const samples = samplesOf(train, { seed, weights: rowWeights(train, perClass), augment });
    return new MemoryFeed(samples, batchSampler ?? samplerOf(samples.length, options), options.accumulate);
  }
  if (perClass !== undefined || augment !== undefined || batchSampler !== undefined)
    throw new HebbError("fit: streamed rows take neither classWeights, augment nor a batchSampler; leave them out");
  return new StreamFeed(train, options);
}

function checkData(name: string, data: InMemory | RowStream): void {
  if (!(data instanceof Dataset || data instanceof TokenSequence || data instanceof RowStream))
    throw new HebbError(
      `fit: ${name} must be a data set; make one with new data.Dataset({ features: [[0, 1], [1, 1]], targets: [0, 1] })`,
    );
  if (data.length === 0) throw new HebbError(`fit: ${name} has no rows; give at least one`);
}

/** The task of the data. Classes are counted over training and validation data, because a rare one may occur only in the latter. */
export function taskFrom({ train, validation, loss }: TrainerOptions): Task {
  checkData("train", train);
  if (validation !== undefined) checkData("validation", validation);
  const task = taskOf(inMemory(train));
  const held = validation === undefined ? task : taskOf(validation);
  if (held.kind !== task.kind)
    throw new HebbError(
      `fit: the targets of train are ${task.kind}${task.kind === "number" ? "s" : ""}, those of validation ${held.kind}${held.kind === "number" ? "s" : ""}; prepare both in the same way`,
    );
  for (const [name, data] of [
    ["train", train],
    ["validation", validation],
  ] as const)
    if (data instanceof Dataset) checkRows(name, data, task, loss);
  return task.kind === "classes" && held.kind === "classes"
    ? { kind: "classes", count: Math.max(task.count, held.count) }
    : task;
}

/** No layer has this many outputs: larger numbers are not classes. */
const mostClasses = 2 ** 24;

/** Checks that labels are classes, and that some row counts. */
function checkRows(
  name: string,
  { targets, weights, length }: Dataset,
  task: Task,
  loss: TrainerOptions["loss"],
): void {
  const labels = task.kind === "classes" ? targets.data : undefined;
  const each = targets.data.length / length;
  const leavesOut = loss === undefined || loss === "crossEntropy" || typeof loss !== "string";
  let counting = 0;
  for (let place = 0; place < targets.data.length; place++) {
    const label = labels?.[place];
    const row = Math.floor(place / each);
    if (label !== ignoredLabel) {
      if (label !== undefined && label < 0 && typeof loss !== "function")
        throw new HebbError(
          `fit: classes are counted from 0, but the target of row ${row} of ${name} is ${label}; renumber them`,
        );
      if (label !== undefined && label >= mostClasses && typeof loss !== "function")
        throw new HebbError(
          `fit: the target of row ${row} of ${name} is ${label}, but classes are counted from 0, one after the other; renumber them`,
        );
      if ((weights?.[row] ?? 1) > 0) counting++;
    } else if (!leavesOut)
      throw new HebbError(
        `fit: the target of row ${row} of ${name} is ${ignoredLabel}, which crossEntropy ignores and ${loss} does not; remove such rows, or use crossEntropy`,
      );
  }
  if (counting === 0)
    throw new HebbError(
      weights === undefined
        ? `fit: every target of ${name} is ${ignoredLabel}, which is ignored; nothing is left to ${name === "train" ? "learn from" : "measure"}`
        : `fit: no row of ${name} has both a target that counts and a weight above 0; nothing is left to ${name === "train" ? "learn from" : "measure"}`,
    );
}

export const objectiveOf = ({ loss }: Pick<TrainerOptions, "loss">, task: Task): Objective =>
  typeof loss === "object"
    ? loss
    : typeof loss === "function"
      ? ownObjective(loss, task)
      : makeObjective(loss ?? defaultLoss(task), task);

/** The metric to monitor. A missing one would otherwise be noticed only after the first epoch, which may be long. */
export function watchOf(
  { model, holdings }: Omit<Watched, "task">,
  options: TrainerOptions,
  objective: Objective,
): Watch {
  const { monitor = "loss", validation, metrics = {}, minDelta = 0 } = options;
  const held = [...figuresOf(objective), ...Object.keys(metrics)];
  const known = validation === undefined ? ["loss"] : held;
  if (!known.includes(monitor)) {
    const near = nearest(monitor, known);
    const instead = held.includes(monitor)
      ? "it is measured on validation data, and there is none"
      : `${near === undefined ? "" : `did you mean "${near}"? `}the metrics are ${known.join(", ")}`;
    throw new HebbError(`fit: there is no metric "${monitor}" to watch; ${instead}`);
  }
  const mode = options.mode ?? modeOf(monitor);
  if (mode === undefined)
    throw new HebbError(
      `fit: it is not known whether a lower or a higher "${monitor}" is better; say mode: "min" or mode: "max"`,
    );
  return new Watch({ model, holdings, task: objective.task }, monitor, mode, minDelta);
}

/** A plateau in the wrong mode would take the best epochs for the worst. */
export function checkSchedule(
  { schedule, scheduleEvery = "epoch" }: Pick<FitOptions, "schedule" | "scheduleEvery">,
  { monitor, mode }: { readonly monitor: string; readonly mode: Mode },
): void {
  if (schedule?.mode === undefined) return;
  const [figure, wanted] = scheduleEvery === "epoch" ? [monitor, mode] : ["loss", "min"];
  if (schedule.mode !== wanted)
    throw new HebbError(
      `fit: the schedule's mode is "${schedule.mode}", but it watches the ${figure}, of which ${wanted === "min" ? "lower" : "higher"} is better; build it with mode: "${wanted}"`,
    );
}

/** The names of classes, or their numbers; undefined with fewer than two. */
export function classNamesOf(
  { task }: Objective,
  { classNames }: Pick<TrainerOptions, "classNames">,
): readonly string[] | undefined {
  if (task.kind !== "classes" || task.count !== 2) return undefined;
  return classNames ?? ["0", "1"];
}

/** Checks that a model is a module instance. */
export function checkModel(where: string, model: unknown): void {
  if (model instanceof Module) return;
  const fix =
    typeof model === "function" && model.prototype instanceof Module
      ? `; write new ${model.name}(…)`
      : "; give a layer or a model, such as new nn.Sequential(new nn.Linear(2, 3))";
  throw new HebbError(`${where}: the model is ${describe(model)}${fix}`);
}

/** Checks the optimizer's parameters: one of other weights would run without any effect on this model. */
export function checkOptimizer(model: Module, optimizer: TrainerOptions["optimizer"]): void {
  if (typeof optimizer?.step !== "function")
    throw new HebbError("fit: an optimizer is needed, such as new optim.Adam(model.parameters())");
  const own = new Set(model.parameters());
  const changed = optimizer.groups.flatMap(({ params }) => params);
  if (!changed.some((parameter) => own.has(parameter)))
    throw new HebbError(
      `fit: none of the optimizer's ${changed.length} parameters belongs to this model; make it with model.parameters() of the model that is trained`,
    );
}

/** The weight of each class, or undefined if all are equal. */
export function weightsPerClass({ classWeights, train }: TrainerOptions, count: number): ArrayLike<number> | undefined {
  if (classWeights === undefined) return undefined;
  if (train instanceof RowStream)
    throw new HebbError("fit: streamed rows take no classWeights; give each row a weight instead");
  if (train instanceof TokenSequence || count === 0)
    throw new HebbError(
      "fit: classWeights weigh classes, but the target is a number; leave them out, or predict classes",
    );
  if (classWeights !== "balanced") {
    if (classWeights.length !== count || !classWeights.every((weight) => weight >= 0 && Number.isFinite(weight)))
      throw new HebbError(
        `fit: classWeights must be ${count} numbers of 0 or more, one for each class, got [${classWeights.join(", ")}]`,
      );
    return classWeights;
  }
  if (count > mostClasses)
    throw new HebbError(
      `fit: classWeights weigh classes that are counted from 0, one after the other, but a target is ${count - 1}; renumber them`,
    );
  const counts = new Array<number>(count).fill(0);
  for (const label of train.targets.data) if (label !== ignoredLabel) counts[label] = (counts[label] ?? 0) + 1;
  return balancedWeights(counts);
}

/** The weight of each row: its own weight times its class's. */
export function rowWeights(data: InMemory, perClass: ArrayLike<number> | undefined): Float32Array | undefined {
  if (data instanceof TokenSequence) return undefined;
  if (perClass === undefined) return data.weights;
  const { weights } = data satisfies Dataset;
  return Float32Array.from(data.targets.data, (label, row) => (perClass[label] ?? 0) * (weights?.[row] ?? 1));
}

/** The number of updates in an epoch of these data. */
export const stepsIn = ({ train, batchSampler, ...sizes }: TrainerOptions): number =>
  batchSampler === undefined
    ? updatesIn(train.length, sizes)
    : Math.ceil(batchSampler.batchCount / (sizes.accumulate ?? 1));

/** Advances the generator that a run's own was copied from past its draws, unless it was seeded since or has drawn more. */
export function handOn(own: Generator, outer: Generator): void {
  const drawn = own.getState();
  const { key, calls } = outer.getState();
  if (key[0] === drawn.key[0] && key[1] === drawn.key[1] && calls < drawn.calls) outer.setState(drawn);
}
