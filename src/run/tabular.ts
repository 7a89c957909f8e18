// The default network for tables: its size and length, from the rows, the columns and the time.
import { featureNamesOf, isNumber, type TablePreprocessing } from "../data/preprocessing.ts";
import { at } from "../graph/at.ts";
import type { LossName, TabularDescription } from "../train/index.ts";
import type { TrainChoices } from "./choices.ts";
import type { PresetName } from "./presets.ts";

/** Seconds on two cores of a usual machine. */
const secondsOf: Readonly<Record<PresetName, number>> = { fast: 10, good: 40, best: 120 };

/** Multiplications, each with an addition, that two cores of a usual machine do in a second with such a network. */
const speed = 3.5e10;

/** Choices about the network and how it learns. Where one is made, no search makes the others. */
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

/** How thorough a run is: what was asked for, or a small search where nothing was chosen that it would have to work around. */
export function presetOf(choices: TrainChoices): PresetName {
  if (choices.preset !== undefined) return choices.preset;
  if (choices.time !== undefined) return "best";
  return ofLearning.some((name) => choices[name] !== undefined) ? "fast" : "good";
}

/** The work that a run may be, in multiplications and additions: by the clock nothing could be repeated to the same bits. */
export const workOf = (choices: TrainChoices): number => (choices.time ?? secondsOf[presetOf(choices)]) * speed;

/** The places of the features that are numbers; categories, terms, cycles and marks of gaps are taken as they are. */
export function numberPlaces({ inputs }: TablePreprocessing): number[] {
  const places: number[] = [];
  let from = 0;
  for (const input of inputs) {
    if (isNumber(input)) places.push(from);
    from += featureNamesOf(input).length;
  }
  return places;
}

/** Multiplications and additions of an epoch: forward, and twice as many backward. */
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

/** Networks in an ensemble, at least. */
export const fewestMembers = 2;
/** Rows below which a narrow network does. */
const few = 3000;
/** Features of all embedded numbers together. */
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
  // Wide where there are rows enough to fill it, and time enough to pass over them.
  const wide = rows >= few && workOf(choices) >= fewestEpochs * workPerEpoch(network, rows);
  return withMembers(wide ? network : { ...network, hidden: [128, 128] }, rows, choices);
}

/**
 * As many members as there is time for, as long as the network is to learn. A network that learns longer gains more than one of more members:
 * 16,000 rows of 26 classes, 95.7 % of others right with eight members and 31 epochs, 98.1 % with two and 55.
 */
function withMembers(network: TabularDescription, rows: number, choices: TrainChoices): TabularDescription {
  const once = presetOf(choices) === "fast";
  const epochs = once ? enoughEpochs : (choices.epochs ?? Math.max(enoughEpochs, wantedEpochs(rows, choices)));
  const passes = epochs * (once ? 1 : withRefit);
  const members = [8, 4].find((many) => passes * workPerEpoch({ ...network, members: many }, rows) <= workOf(choices));
  return { ...network, members: members ?? network.members };
}

/** Epochs that are worth more than further members. */
const enoughEpochs = 40;
/** Epochs that the last training is given at least. */
export const fewestEpochs = 16;
const mostEpochs = 200;
/** Updates that a small table is given. */
const usualSteps = 3000;

/** What a training and its repetition on all rows take, as a multiple of the training: a fifth of the rows is held out at most. */
const withRefit = 2.25;

/** Whether a network for tables is trained once more, on the held-out rows too: if that is asked for, or there is time for it. */
export const refitsTable = (network: TabularDescription, rows: number, choices: TrainChoices): boolean =>
  choices.refit ??
  (presetOf(choices) !== "fast" && withRefit * fewestEpochs * workPerEpoch(network, rows) <= workOf(choices));

/** Larger batches of more rows. */
export const batchOf = (rows: number, { batchSize }: TrainChoices): number =>
  batchSize ?? (rows < 1500 ? 32 : rows < 4000 ? 64 : rows < 12_000 ? 128 : 256);

/** Epochs that make the usual number of updates. */
const wantedEpochs = (rows: number, choices: TrainChoices): number =>
  Math.max(24, Math.min(mostEpochs, Math.round(usualSteps / Math.ceil(rows / batchOf(rows, choices)))));

/** As many epochs of the smallest ensemble, and of its repetition on all rows, as there is time for. */
export const longestOf = (network: TabularDescription, rows: number, choices: TrainChoices): number =>
  Math.floor(workOf(choices) / (withRefit * workPerEpoch({ ...network, members: fewestMembers }, rows)));

/** How a network for tables learns: as many epochs as are usual, or as the time allows. */
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
  // What cannot warm up does not.
  const warms = choices.schedule === undefined || choices.schedule === "cosine" || choices.schedule === "linear";
  return { batchSize, epochs, warmup: warms ? Math.min(100, Math.floor(steps / 10)) : 0 };
}
