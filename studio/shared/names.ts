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
  loans: { title: "Loans", about: "approve or decline, from seven columns" },
  and: { title: "AND", about: "both inputs must be 1" },
  or: { title: "OR", about: "one input must be 1" },
  xor: { title: "XOR", about: "exactly one input must be 1" },
  moons: { title: "Moons", about: "two interleaved half circles" },
  circles: { title: "Circles", about: "a ring around a disc" },
  spirals: { title: "Spirals", about: "two arms wound around each other" },
  blobs: { title: "Blobs", about: "three round clouds, three classes" },
  curve: { title: "Curve", about: "a number from a number, with noise" },
  iris: { title: "Iris", about: "three species from four measures" },
  digits: { title: "Digits", about: "drawn figures of 12 × 12 pixels" },
  words: { title: "Words", about: "the next letter from the last three" },
  painted: { title: "Painted", about: "points you set by hand" },
  own: { title: "Yours", about: "your table or your pictures" },
};

/** None comes first here. */
export const activationNames: readonly ActivationName[] = [
  "identity",
  ...everyActivation.filter((name) => name !== "identity"),
];

export const lossNames = ["bce", "crossEntropy", "mse", "l1", "huber", "hinge"] as const;
export type LossName = (typeof lossNames)[number];

/** What is to be predicted: one of two classes, one of several, or a number. */
export type TaskKind = "binary" | "classes" | "number";

/** The losses that make sense at all for a task; the first is the one that fits best. */
export const lossesOf: Readonly<Record<TaskKind, readonly LossName[]>> = {
  binary: ["bce", "mse", "l1", "huber", "hinge"],
  classes: ["crossEntropy", "mse", "l1"],
  number: ["mse", "l1", "huber"],
};

/** What the mean over the members of an ensemble is taken of. */
export const averageOf = (task: TaskKind) =>
  ({ binary: "sigmoid", classes: "softmax", number: "outputs" })[task] as "sigmoid" | "softmax" | "outputs";

/** Of these, the ones that each member of an ensemble can be told by itself. */
export const memberLosses = (task: TaskKind): readonly LossName[] =>
  task === "binary" ? ["bce", "hinge"] : lossesOf[task];

export const lossTitles: Readonly<Record<LossName, string>> = {
  bce: "Binary cross-entropy",
  crossEntropy: "Cross-entropy",
  mse: "Mean squared error",
  l1: "Mean absolute error",
  huber: "Huber",
  hinge: "Hinge",
};

/** What the axis of a loss is called, with its unit. */
export const lossUnits: Readonly<Record<LossName, string>> = {
  bce: "nats per row",
  crossEntropy: "nats per row",
  mse: "squared error",
  l1: "absolute error",
  huber: "Huber loss",
  hinge: "hinge loss",
};

export type OptimizerName = StudioOptimizer;
export const optimizerNames: readonly OptimizerName[] = everyOptimizer.filter(isStudioOptimizer);

export const initNames = ["default", "he", "xavier", "small", "large", "zeros"] as const;
export type InitName = (typeof initNames)[number];

export const initTitles: Readonly<Record<InitName, string>> = {
  default: "uniform ±1/√n",
  he: "He",
  xavier: "Xavier",
  small: "normal, 0.01",
  large: "normal, 1",
  zeros: "all zero",
};

/** Epochs a second; 0 is as fast as it goes. */
export const speeds = [1, 5, 20, 60, 0] as const;
