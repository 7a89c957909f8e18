// The default network for tables: its size and length, from the rows, the columns and the time.
import { featureNamesOf, isNumber, type TablePreprocessing } from "../data/preprocessing.ts";
import { at } from "../graph/at.ts";
import type { LossName, TabularDescription } from "../train/index.ts";
import type { TrainChoices } from "./choices.ts";
import type { PresetName } from "./presets.ts";

/** Seconds on two cores of a typical machine. */
const secondsOf: Readonly<Record<PresetName, number>> = { fast: 10, good: 40, best: 120 };

/** Multiply-adds per second of two cores of a typical machine with such a network. */
const speed = 3.5e10;

/** Choices about the network and its learning. If one is made, no search determines the others. */
const ofLearning = [
  "hidden",
  "activation",
  "dropout",
  "loss",
  "optimizer",
  "lr",
  "weightDecay",
  "batchSize",
  "accumulate",
  "epochs",
  "patience",
  "schedule",
  "warmup",
  "clipNorm",
  "clipValue",
  "ema",
  "classWeights",
  "folds",
] as const satisfies readonly (keyof TrainChoices)[];

/** The thoroughness of a run: as requested, or a small search if no choice constrains it. */
export function presetOf(choices: TrainChoices): PresetName {
  if (choices.preset !== undefined) return choices.preset;
  if (choices.time !== undefined) return "best";
  return ofLearning.some((name) => choices[name] !== undefined) ? "fast" : "good";
}

/** The work limit of a run, in multiply-adds: with a limit by the clock, runs would not be reproducible bit for bit. */
export const workOf = (choices: TrainChoices): number => (choices.time ?? secondsOf[presetOf(choices)]) * speed;

/** The indices of numeric features; categories, terms, cycles and gap indicators are used unchanged. */
export function numberPlaces({ inputs }: TablePreprocessing): number[] {
  const places: number[] = [];
  let from = 0;
  for (const input of inputs) {
    if (isNumber(input)) places.push(from);
    from += featureNamesOf(input).length;
  }
  return places;
}

/** Multiply-adds of an epoch: forward, and twice as many backward. */
export function workPerEpoch(
  { inputShape, hidden, outputs, members, numbers, embedding }: TabularDescription,
  rows: number,
): number {
  let [width, each] = [at(inputShape, 0) + numbers.length * (embedding - 1), 0];
  for (const next of [...hidden, outputs]) {
    each += width * next;
    width = next;
  }
  return 3 * members * each * rows;
}

/** The minimum number of networks in an ensemble. */
export const fewestMembers = 2;
/** Below this number of rows a narrow network is enough. */
const few = 3000;
/** The maximum number of features of all embedded numbers together. */
const mostEmbedded = 512;

export function tabularNetwork(
  preprocessing: TablePreprocessing,
  rows: number,
  { outputs, loss, choices }: { readonly outputs: number; readonly loss: LossName; readonly choices: TrainChoices },
): TabularDescription {
  const numbers = numberPlaces(preprocessing);
  const average =
    preprocessing.target.kind === "number" || loss === "hinge" ? "outputs" : outputs > 1 ? "softmax" : "sigmoid";
  const network: TabularDescription = {
    kind: "tabular",
    inputShape: [preprocessing.featureNames.length],
    outputs,
    hidden: choices.hidden ?? [256, 256],
    activation: choices.activation ?? "relu",
    dropout: choices.dropout ?? 0.1,
    members: fewestMembers,
    numbers,
    bins: Math.max(4, Math.min(48, Math.floor(rows / 20))),
    embedding: Math.max(2, Math.min(8, Math.floor(mostEmbedded / Math.max(1, numbers.length)))),
    average,
  };
  if (choices.hidden !== undefined) return withMembers(network, rows, choices);
  // Wide if there are enough rows for it, and enough time to pass over them.
  const wide = rows >= few && workOf(choices) >= fewestEpochs * workPerEpoch(network, rows);
  return withMembers(wide ? network : { ...network, hidden: [128, 128] }, rows, choices);
}

/**
 * As many members as there is time for, given the length of training. Longer training gains more than more members: on 16,000 rows of 26 classes,
 * 95.7 % accuracy on other rows with eight members and 31 epochs, 98.1 % with two and 55.
 */
function withMembers(network: TabularDescription, rows: number, choices: TrainChoices): TabularDescription {
  const once = presetOf(choices) === "fast";
  const epochs = once ? enoughEpochs : (choices.epochs ?? Math.max(enoughEpochs, wantedEpochs(rows, choices)));
  const passes = epochs * (once ? 1 : withRefit);
  const members = [8, 4].find((many) => passes * workPerEpoch({ ...network, members: many }, rows) <= workOf(choices));
  return { ...network, members: members ?? network.members };
}

/** The number of epochs that has priority over further members. */
const enoughEpochs = 40;
/** The minimum number of epochs of the final training. */
export const fewestEpochs = 16;
const mostEpochs = 200;
/** The usual number of updates for a small table. */
const usualSteps = 3000;

/** The cost of a training and its repetition on all rows, relative to the training: at most a fifth of the rows is held out. */
const withRefit = 2.25;

/** Whether a network for tables is trained again, including the held-out rows: if requested, or if there is time for it. */
export const refitsTable = (network: TabularDescription, rows: number, choices: TrainChoices): boolean =>
  choices.refit ??
  (presetOf(choices) !== "fast" && withRefit * fewestEpochs * workPerEpoch(network, rows) <= workOf(choices));

/** Larger batches for more rows. */
export const batchOf = (rows: number, { batchSize }: TrainChoices): number =>
  batchSize ?? (rows < 1500 ? 32 : rows < 4000 ? 64 : rows < 12_000 ? 128 : 256);

/** The number of epochs with the usual number of updates. */
const wantedEpochs = (rows: number, choices: TrainChoices): number =>
  Math.max(24, Math.min(mostEpochs, Math.round(usualSteps / Math.ceil(rows / batchOf(rows, choices)))));

/** The number of epochs for which there is time with the smallest ensemble, including its repetition on all rows. */
export const longestOf = (network: TabularDescription, rows: number, choices: TrainChoices): number =>
  Math.floor(workOf(choices) / (withRefit * workPerEpoch({ ...network, members: fewestMembers }, rows)));

/** The learning settings of a network for tables: the usual number of epochs, or as many as the time allows. */
export function tabularLearning(
  network: TabularDescription,
  rows: number,
  choices: TrainChoices,
  refit: boolean,
): { readonly batchSize: number; readonly epochs: number; readonly warmup: number } {
  const batchSize = batchOf(rows, choices);
  const affordable = Math.floor(workOf(choices) / (workPerEpoch(network, rows) * (refit ? withRefit : 1)));
  const epochs = Math.max(fewestEpochs, Math.min(affordable, wantedEpochs(rows, choices)));
  const steps = Math.ceil(rows / batchSize) * (choices.epochs ?? epochs);
  // Schedules that cannot warm up do not.
  const warms = choices.schedule === undefined || choices.schedule === "cosine" || choices.schedule === "linear";
  return { batchSize, epochs, warmup: warms ? Math.min(100, Math.floor(steps / 10)) : 0 };
}
