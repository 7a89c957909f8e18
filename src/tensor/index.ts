// The tensor room: values, creation, gradients, compilation.

export type { ComputeDevice } from "../runtime/index.ts";
export { type AutocastOptions, autocast } from "./autocast.ts";
export { customGradient, type GradOptions, grad, jvp, valueAndGrad } from "./autograd.ts";
export { checkpoint } from "./checkpoint.ts";
export { type Compiled, compile } from "./compile.ts";
export {
  arange,
  type CreationOptions,
  eye,
  full,
  linspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from "./creation.ts";
export { hessian, type JacobianOptions, jacfwd, jacrev, linearize, vjp } from "./derivatives.ts";
export * as fft from "./fft/index.ts";
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  cat,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  einsum,
  interpolate,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  oneHot,
  stack,
  tensordot,
  where,
} from "./functional.ts";
export {
  currentGenerator,
  defaultGenerator,
  Generator,
  type RandomState,
  randomState,
  seed,
  setRandomState,
  withGenerator,
} from "./generator.ts";
export { gradCheck } from "./gradCheck.ts";
export { gradEnabled, noGrad } from "./gradMode.ts";
export {
  type Inspected,
  type InspectedNode,
  type InspectStepOptions,
  inspect,
  inspectStep,
} from "./inspect.ts";
export {
  atleast1d,
  atleast2d,
  atleast3d,
  blockDiag,
  broadcastTensors,
  bucketize,
  cartesianProd,
  columnStack,
  combinations,
  dstack,
  hstack,
  isin,
  meshgrid,
  searchsorted,
  vstack,
} from "./joining.ts";
export { flush, flushLater } from "./lazy.ts";
export * as linalg from "./linalg/index.ts";
export type { NestedArray, SortOptions, TensorJson, VarianceOptions } from "./operands.ts";
export { bernoulli, multinomial, rand, randint, randn, randperm } from "./random.ts";
export { type AnyShapes, type ScanOptions, scan } from "./scan.ts";
export { Parameter, State, type StateOptions } from "./state.ts";
export { type Operand, Tensor } from "./tensor.ts";
export { currentTrace, traceGuard } from "./trace.ts";
export { type BatchDim, type VmapOptions, vmap } from "./vmap.ts";
