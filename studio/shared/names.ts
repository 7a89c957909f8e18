// The choices of the Studio: data, activations, losses, optimizers, initial weights, with their labels.

import {
  type ActivationName,
  activations,
  activationNames as everyActivation,
  optimizerNames as everyOptimizer,
  isStudioOptimizer,
  optimizers,
  type StudioOptimizer,
} from "../../src/train/names.ts";
import * as say from "../texts/en/names.ts";

export { type ActivationName, activations, optimizers };

export const surfaces = ["lab", "step", "compare", "ship", "lessons", "text", "results", "training"] as const;
export type Surface = (typeof surfaces)[number];

export const dataNames = [
  "loans",
  "and",
  "or",
  "xor",
  "moons",
  "circles",
  "spirals",
  "blobs",
  "curve",
  "iris",
  "digits",
  "words",
  "painted",
  "own",
] as const;
export type DataName = (typeof dataNames)[number];

/** Data of two inputs in a plane, from which further ones can be computed. */
export const isPlane = (name: DataName): boolean =>
  ["and", "or", "xor", "moons", "circles", "spirals", "blobs", "painted"].includes(name);

export interface DataTile {
  readonly title: string;
  readonly about: string;
}

export const dataTiles: Readonly<Record<DataName, DataTile>> = {
  loans: { title: say.loans, about: say.approveOrDeclineFromSevenColumns },
  and: { title: say.and, about: say.bothInputsMustBe1 },
  or: { title: say.or, about: say.oneInputMustBe1 },
  xor: { title: say.xor, about: say.exactlyOneInputMustBe1 },
  moons: { title: say.moons, about: say.twoInterleavedHalfCircles },
  circles: { title: say.circles, about: say.aRingAroundADisc },
  spirals: { title: say.spirals, about: say.twoArmsWoundAroundEachOther },
  blobs: { title: say.blobs, about: say.threeRoundCloudsThreeClasses },
  curve: { title: say.curve, about: say.aNumberFromANumberWith },
  iris: { title: say.iris, about: say.threeSpeciesFromFourMeasures },
  digits: { title: say.digits, about: say.drawnFiguresOf1212Pixels },
  words: { title: say.words, about: say.theNextLetterFromTheLast },
  painted: { title: say.painted, about: say.pointsYouSetByHand },
  own: { title: say.yours, about: say.yourTableOrYourPictures },
};

/** The option "none" comes first here. */
export const activationNames: readonly ActivationName[] = [
  "identity",
  ...everyActivation.filter((name) => name !== "identity"),
];

export const lossNames = ["bce", "crossEntropy", "mse", "l1", "huber", "hinge"] as const;
export type LossName = (typeof lossNames)[number];

/** The kind of target: one of two classes, one of several, or a number. */
export type TaskKind = "binary" | "classes" | "number";

/** The losses that make sense for a task; the first is the best. */
export const lossesOf: Readonly<Record<TaskKind, readonly LossName[]>> = {
  binary: ["bce", "mse", "l1", "huber", "hinge"],
  classes: ["crossEntropy", "mse", "l1"],
  number: ["mse", "l1", "huber"],
};

/** The values whose mean over the members of an ensemble is taken. */
export const averageOf = (task: TaskKind) =>
  ({ binary: "sigmoid", classes: "softmax", number: "outputs" })[task] as "sigmoid" | "softmax" | "outputs";

/** Those that apply to each member of an ensemble separately. */
export const memberLosses = (task: TaskKind): readonly LossName[] =>
  task === "binary" ? ["bce", "hinge"] : lossesOf[task];

export const lossTitles: Readonly<Record<LossName, string>> = {
  bce: say.binaryCrossEntropy,
  crossEntropy: say.crossEntropy,
  mse: say.meanSquaredError,
  l1: say.meanAbsoluteError,
  huber: say.huber,
  hinge: say.hinge,
};

/** The title of a loss axis, with its unit. */
export const lossUnits: Readonly<Record<LossName, string>> = {
  bce: say.natsPerRow,
  crossEntropy: say.natsPerRow,
  mse: say.squaredError,
  l1: say.absoluteError,
  huber: say.huberLoss,
  hinge: say.hingeLoss,
};

export type OptimizerName = StudioOptimizer;
export const optimizerNames: readonly OptimizerName[] = everyOptimizer.filter(isStudioOptimizer);

export const initNames = ["default", "he", "xavier", "small", "large", "zeros"] as const;
export type InitName = (typeof initNames)[number];

export const initTitles: Readonly<Record<InitName, string>> = {
  default: say.uniform1N,
  he: say.he,
  xavier: say.xavier,
  small: say.normal001,
  large: say.normal1,
  zeros: say.allZero,
};

/** Epochs a second; 0 means as fast as possible. */
export const speeds = [1, 5, 20, 60, 0] as const;
