// The names that descriptions, configurations and the command line choose from; nothing else, so that reading them loads nothing.

export const activationNames = [
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
  "identity",
] as const;
export type ActivationName = (typeof activationNames)[number];

export const networkNames = ["mlp", "cnn", "perceptron"] as const;
export type NetworkName = (typeof networkNames)[number];
/** Models of text: they give the next token. */
export const languageNames = ["gpt", "lstm"] as const;
export type LanguageName = (typeof languageNames)[number];
export const modelNames = [...networkNames, ...languageNames] as const;
export type ModelName = (typeof modelNames)[number];

export const lossNames = ["crossEntropy", "bceWithLogits", "bce", "hinge", "mse", "l1", "huber", "smoothL1"] as const;
export type LossName = (typeof lossNames)[number];

export const optimizerNames = [
  "sgd",
  "momentum",
  "nesterov",
  "adagrad",
  "adadelta",
  "rmsprop",
  "adam",
  "amsgrad",
  "adamw",
  "adamax",
  "nadam",
  "radam",
  "lion",
  "asgd",
  "rprop",
] as const;
export type OptimizerName = (typeof optimizerNames)[number];

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
