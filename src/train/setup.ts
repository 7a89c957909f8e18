// What fit makes of its options before it begins: the feed, what classes and rows count for, and checks.
import { classWeights as balancedWeights, Dataset, TokenSequence } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { figuresOf } from "./evaluation.ts";
import { type Feed, type FeedOptions, type InMemory, MemoryFeed, RowStream, StreamFeed, samplesOf } from "./feeds.ts";
import type { FitOptions } from "./fit.ts";
import { type Objective, type Task, taskOf } from "./objectives.ts";

/** Data to look at: of a stream, the rows kept in memory. */
export const inMemory = (data: InMemory | RowStream): InMemory => (data instanceof RowStream ? data.sample : data);

export function feedOf(
  { train, augment }: FitOptions,
  perClass: ArrayLike<number> | undefined,
  options: FeedOptions,
): Feed {
  if (!(train instanceof RowStream))
    return new MemoryFeed(samplesOf(train, { ...options, weights: rowWeights(train, perClass), augment }), options);
  if (perClass !== undefined || augment !== undefined)
    throw new HebbError("fit: rows that stream take neither classWeights nor augment; leave them out");
  return new StreamFeed(train, options);
}

function checkData(name: string, data: InMemory | RowStream): void {
  if (!(data instanceof Dataset || data instanceof TokenSequence || data instanceof RowStream))
    throw new HebbError(
      `fit: ${name} must be a data set; make one with new data.Dataset({ features, featureShape, targets })`,
    );
  if (data.length === 0) throw new HebbError(`fit: ${name} has no rows; give at least one`);
}

/** What the data ask for. Classes are counted over both parts, so that a rare one may stand in the validation data only. */
export function taskFrom({ train, validation, loss }: FitOptions): Task {
  checkData("train", train);
  if (validation !== undefined) checkData("validation", validation);
  const task = taskOf(inMemory(train));
  const held = validation === undefined ? task : taskOf(validation);
  if (held.kind !== task.kind)
    throw new HebbError(
      `fit: the targets of train are ${task.kind}${task.kind === "number" ? "s" : ""}, those of validation ${held.kind}${held.kind === "number" ? "s" : ""}; prepare both alike`,
    );
  if (typeof loss !== "function" && task.kind === "classes")
    for (const data of [inMemory(train), validation]) if (data instanceof Dataset) checkLabels(data.targets.data);
  return task.kind === "classes" && held.kind === "classes"
    ? { kind: "classes", count: Math.max(task.count, held.count) }
    : task;
}

/** The label that cross-entropy leaves out. */
const ignored = -100;

function checkLabels(labels: ArrayLike<number>): void {
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    if (label < 0 && label !== ignored)
      throw new HebbError(`fit: classes are counted from 0, but the target of row ${row} is ${label}; renumber them`);
  }
}

/** A figure that is not there would be missed after the first epoch only, which may be long. */
export function checkMonitor({ monitor = "loss", validation, metrics = {} }: FitOptions, objective: Objective): void {
  const held = [...figuresOf(objective), ...Object.keys(metrics)];
  const known = validation === undefined ? ["loss"] : held;
  if (known.includes(monitor)) return;
  const instead = held.includes(monitor)
    ? "it is measured on validation data, which there are none"
    : `those there are: ${known.join(", ")}`;
  throw new HebbError(`fit: there is no figure "${monitor}" to watch; ${instead}`);
}

/** An optimizer of other weights would run, and change nothing that is looked at. */
export function checkOptimizer(model: Module, optimizer: FitOptions["optimizer"]): void {
  if (typeof optimizer?.step !== "function")
    throw new HebbError("fit: an optimizer is needed, such as new optim.Adam(model.parameters())");
  const own = new Set(model.parameters());
  const changed = optimizer.groups.flatMap(({ params }) => params);
  if (!changed.some((parameter) => own.has(parameter)))
    throw new HebbError(
      `fit: none of the optimizer's ${changed.length} parameters belongs to this model; make it with model.parameters() of the model that is trained`,
    );
}

export function wholeNumber(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1))
    throw new HebbError(`fit: ${name} must be a whole number of at least 1, got ${value}`);
}

/** What each class counts for, or undefined when all count the same. */
export function weightsPerClass({ classWeights, train }: FitOptions, count: number): ArrayLike<number> | undefined {
  if (classWeights === undefined) return undefined;
  if (train instanceof RowStream)
    throw new HebbError("fit: rows that stream take no classWeights; give each row its weight instead");
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
  const counts = new Array<number>(count).fill(0);
  for (const label of train.targets.data) counts[label] = (counts[label] ?? 0) + 1;
  return balancedWeights(counts);
}

/** What each row counts for: its own weight times its class's. */
export function rowWeights(data: InMemory, perClass: ArrayLike<number> | undefined): Float32Array | undefined {
  if (data instanceof TokenSequence) return undefined;
  if (perClass === undefined) return data.weights;
  const { weights } = data satisfies Dataset;
  return Float32Array.from(data.targets.data, (label, row) => (perClass[label] ?? 0) * (weights?.[row] ?? 1));
}
