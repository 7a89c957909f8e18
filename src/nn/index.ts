// The nn room: modules, layers, activations, losses, initialisers.
export * from "./activations.ts";
export * from "./containers.ts";
export * from "./conv.ts";
export { Dropout, Dropout2d } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export * as functional from "./functional.ts";
export * as init from "./init.ts";
export { Flatten, Linear, type LinearOptions, Unflatten } from "./linear.ts";
export * from "./lossModules.ts";
export type { CrossEntropyOptions, LossOptions, Reduction } from "./losses.ts";
export { Module } from "./module.ts";
export { BatchNorm1d, BatchNorm2d, type BatchNormOptions, LayerNorm } from "./normalization.ts";
export { Perceptron, type PerceptronHistory } from "./perceptron.ts";
export { Parameter } from "../tensor/index.ts";
