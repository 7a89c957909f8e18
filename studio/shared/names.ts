// The names that the Studio offers: data, activations, losses, optimizers, initial weights, with what a person reads for each.

export const surfaces = ["lab", "step", "compare", "ship", "lessons"] as const;
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

export const activationNames = [
  "identity",
  "relu",
  "tanh",
  "sigmoid",
  "leakyRelu",
  "elu",
  "selu",
  "gelu",
  "silu",
  "mish",
  "softplus",
  "softsign",
  "hardtanh",
  "hardsigmoid",
  "hardswish",
  "relu6",
] as const;
export type ActivationName = (typeof activationNames)[number];

export interface ActivationText {
  readonly title: string;
  /** The class in hebb's nn. */
  readonly module: string;
  readonly formula: string;
  readonly slope: string;
}

export const activationTexts: Readonly<Record<ActivationName, ActivationText>> = {
  identity: { title: "none (linear)", module: "Identity", formula: "z", slope: "1" },
  relu: { title: "ReLU", module: "ReLU", formula: "max(0, z)", slope: "1 if z > 0, else 0" },
  tanh: { title: "tanh", module: "Tanh", formula: "tanh(z)", slope: "1 − tanh²(z)" },
  sigmoid: { title: "sigmoid", module: "Sigmoid", formula: "1 / (1 + e⁻ᶻ)", slope: "σ(z)(1 − σ(z))" },
  leakyRelu: {
    title: "leaky ReLU",
    module: "LeakyReLU",
    formula: "z if z > 0, else 0.01 z",
    slope: "1 if z > 0, else 0.01",
  },
  elu: { title: "ELU", module: "ELU", formula: "z if z > 0, else eᶻ − 1", slope: "1 if z > 0, else eᶻ" },
  selu: { title: "SELU", module: "SELU", formula: "1.05 · (z if z > 0, else 1.67 (eᶻ − 1))", slope: "piecewise" },
  gelu: { title: "GELU", module: "GELU", formula: "z · Φ(z)", slope: "Φ(z) + z φ(z)" },
  silu: { title: "SiLU", module: "SiLU", formula: "z · σ(z)", slope: "σ(z)(1 + z (1 − σ(z)))" },
  mish: { title: "Mish", module: "Mish", formula: "z · tanh(ln(1 + eᶻ))", slope: "by the chain rule" },
  softplus: { title: "softplus", module: "Softplus", formula: "ln(1 + eᶻ)", slope: "σ(z)" },
  softsign: { title: "softsign", module: "Softsign", formula: "z / (1 + |z|)", slope: "1 / (1 + |z|)²" },
  hardtanh: { title: "hard tanh", module: "Hardtanh", formula: "z, kept in [−1, 1]", slope: "1 inside, 0 outside" },
  hardsigmoid: {
    title: "hard sigmoid",
    module: "Hardsigmoid",
    formula: "z/6 + ½, kept in [0, 1]",
    slope: "1/6 inside, 0 outside",
  },
  hardswish: { title: "hard swish", module: "Hardswish", formula: "z · hardsigmoid(z)", slope: "piecewise" },
  relu6: { title: "ReLU6", module: "ReLU6", formula: "z, kept in [0, 6]", slope: "1 inside, 0 outside" },
};

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

export const lossTitles: Readonly<Record<LossName, string>> = {
  bce: "Binary cross-entropy",
  crossEntropy: "Cross-entropy",
  mse: "Mean squared error",
  l1: "Mean absolute error",
  huber: "Huber",
  hinge: "Hinge",
};

export const optimizerNames = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] as const;
export type OptimizerName = (typeof optimizerNames)[number];

export const optimizerTitles: Readonly<Record<OptimizerName, string>> = {
  sgd: "SGD",
  momentum: "Momentum",
  nesterov: "Nesterov",
  adagrad: "Adagrad",
  rmsprop: "RMSProp",
  adam: "Adam",
  adamw: "AdamW",
};

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
