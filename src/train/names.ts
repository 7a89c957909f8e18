// Everything that descriptions, configurations, the command line and the Studio select by name: plain tables, so reading them loads nothing.

/** The names of a table, in its order. */
const namesOf = <T extends object>(table: T): readonly (keyof T & string)[] =>
  Object.keys(table) as (keyof T & string)[];

export interface ActivationRow {
  /** Its class in nn. */
  readonly module: string;
  readonly title: string;
  readonly formula: string;
  readonly slope: string;
}

/** The activations by name. The command, the Studio, descriptions of models and the docs read only these rows. */
export const activations = {
  relu: { module: "ReLU", title: "ReLU", formula: "max(0, z)", slope: "1 if z > 0, else 0" },
  tanh: { module: "Tanh", title: "tanh", formula: "tanh(z)", slope: "1 − tanh²(z)" },
  sigmoid: { module: "Sigmoid", title: "sigmoid", formula: "1 / (1 + e⁻ᶻ)", slope: "σ(z)(1 − σ(z))" },
  leakyRelu: {
    module: "LeakyReLU",
    title: "leaky ReLU",
    formula: "z if z > 0, else 0.01 z",
    slope: "1 if z > 0, else 0.01",
  },
  elu: { module: "ELU", title: "ELU", formula: "z if z > 0, else eᶻ − 1", slope: "1 if z > 0, else eᶻ" },
  selu: { module: "SELU", title: "SELU", formula: "1.05 · (z if z > 0, else 1.67 (eᶻ − 1))", slope: "piecewise" },
  gelu: { module: "GELU", title: "GELU", formula: "z · Φ(z)", slope: "Φ(z) + z φ(z)" },
  silu: { module: "SiLU", title: "SiLU", formula: "z · σ(z)", slope: "σ(z)(1 + z (1 − σ(z)))" },
  mish: { module: "Mish", title: "Mish", formula: "z · tanh(ln(1 + eᶻ))", slope: "by the chain rule" },
  softplus: { module: "Softplus", title: "softplus", formula: "ln(1 + eᶻ)", slope: "σ(z)" },
  softsign: { module: "Softsign", title: "softsign", formula: "z / (1 + |z|)", slope: "1 / (1 + |z|)²" },
  hardtanh: { module: "Hardtanh", title: "hard tanh", formula: "z, kept in [−1, 1]", slope: "1 inside, 0 outside" },
  hardsigmoid: {
    module: "Hardsigmoid",
    title: "hard sigmoid",
    formula: "z/6 + ½, kept in [0, 1]",
    slope: "1/6 inside, 0 outside",
  },
  hardswish: { module: "Hardswish", title: "hard swish", formula: "z · hardsigmoid(z)", slope: "piecewise" },
  relu6: { module: "ReLU6", title: "ReLU6", formula: "z, kept in [0, 6]", slope: "1 inside, 0 outside" },
  identity: { module: "Identity", title: "none (linear)", formula: "z", slope: "1" },
} as const satisfies Readonly<Record<string, ActivationRow>>;
export type ActivationName = keyof typeof activations;
export const activationNames = namesOf(activations);

export const networkNames = ["mlp", "cnn", "perceptron"] as const;
export type NetworkName = (typeof networkNames)[number];
/** Models of text: they predict the next token. */
export const languageNames = ["gpt", "lstm"] as const;
export type LanguageName = (typeof languageNames)[number];
/** The networks that only work for tables. */
export const tabularNames = ["tabular"] as const;
export const modelNames = [...networkNames, ...tabularNames, ...languageNames] as const;
export type ModelName = (typeof modelNames)[number];

export const lossNames = ["crossEntropy", "bceWithLogits", "bce", "hinge", "mse", "l1", "huber", "smoothL1"] as const;
export type LossName = (typeof lossNames)[number];

export interface OptimizerRow {
  /** Its class in optim. */
  readonly optimizer: string;
  readonly title: string;
  /** Its options besides the learning rate and the weight decay. */
  readonly options?: Readonly<Record<string, number | boolean>>;
  /** It has no weight decay: its steps grow and shrink only by the signs of gradients. */
  readonly noDecay?: true;
  /** The Studio explains its steps. */
  readonly inStudio?: true;
}

/** The optimizers by name. The command, the Studio, `makeOptimizer` and the docs read only these rows. */
export const optimizers = {
  sgd: { optimizer: "SGD", title: "SGD", inStudio: true },
  momentum: { optimizer: "SGD", title: "Momentum", options: { momentum: 0.9 }, inStudio: true },
  nesterov: { optimizer: "SGD", title: "Nesterov", options: { momentum: 0.9, nesterov: true }, inStudio: true },
  adagrad: { optimizer: "Adagrad", title: "Adagrad", inStudio: true },
  adadelta: { optimizer: "Adadelta", title: "Adadelta" },
  rmsprop: { optimizer: "RMSprop", title: "RMSProp", inStudio: true },
  adam: { optimizer: "Adam", title: "Adam", inStudio: true },
  amsgrad: { optimizer: "Adam", title: "AMSGrad", options: { amsgrad: true } },
  adamw: { optimizer: "AdamW", title: "AdamW", inStudio: true },
  adamax: { optimizer: "Adamax", title: "Adamax" },
  nadam: { optimizer: "NAdam", title: "NAdam" },
  radam: { optimizer: "RAdam", title: "RAdam" },
  lion: { optimizer: "Lion", title: "Lion" },
  asgd: { optimizer: "ASGD", title: "ASGD" },
  adafactor: { optimizer: "Adafactor", title: "Adafactor" },
  lamb: { optimizer: "LAMB", title: "LAMB" },
  rprop: { optimizer: "Rprop", title: "Rprop", noDecay: true },
} as const satisfies Readonly<Record<string, OptimizerRow>>;
export type OptimizerName = keyof typeof optimizers;
export const optimizerNames = namesOf(optimizers);

/** The optimizers whose steps the Studio explains. */
export type StudioOptimizer = {
  [Name in OptimizerName]: (typeof optimizers)[Name] extends { inStudio: true } ? Name : never;
}[OptimizerName];
export const isStudioOptimizer = (name: string): name is StudioOptimizer =>
  optimizerNames.some((one) => one === name && "inStudio" in optimizers[one]);

export const scheduleNames = [
  "constant",
  "step",
  "multiStep",
  "exponential",
  "linear",
  "polynomial",
  "cosine",
  "warmRestarts",
  "oneCycle",
  "plateau",
] as const;
export type ScheduleName = (typeof scheduleNames)[number];

export const tokenizerNames = ["characters", "bpe"] as const;
export type TokenizerName = (typeof tokenizerNames)[number];

export const augmentNames = ["crop", "rotate", "zoom", "shear", "flip", "jitter", "erase"] as const;
export type AugmentName = (typeof augmentNames)[number];
