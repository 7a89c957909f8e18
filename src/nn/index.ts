// The nn room: modules, layers, activations, losses, initialisers.
export { Parameter } from "../tensor/index.ts";
export {
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  PReLU,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Softsign,
  Step,
  Tanh,
} from "./activations.ts";
export { Identity, ModuleList, Sequential } from "./containers.ts";
export {
  AdaptiveAvgPool2d,
  AvgPool1d,
  AvgPool2d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  MaxPool1d,
  MaxPool2d,
} from "./conv.ts";
export { Dropout, Dropout2d } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export * as functional from "./functional.ts";
export * as init from "./init.ts";
export { Flatten, Linear, type LinearOptions, Unflatten } from "./linear.ts";
export type { CrossEntropyOptions, LossOptions, Reduction } from "./losses.ts";
export {
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  FocalLoss,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HingeLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  SoftMarginLoss,
  TripletMarginLoss,
} from "./lossModules.ts";
export { type LoadOptions, type LoadResult, Module, type StateDict, type StateValue } from "./module.ts";
export { BatchNorm1d, BatchNorm2d, type BatchNormOptions, LayerNorm } from "./normalization.ts";
export { Perceptron, type PerceptronHistory } from "./perceptron.ts";
