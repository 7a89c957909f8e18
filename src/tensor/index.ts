// The tensor room: values, creation, gradients, compilation.
export { customGradient, grad, jvp, valueAndGrad } from "./autograd.ts";
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
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  cat,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  einsum,
  interpolate,
  maxPool1d,
  maxPool2d,
  oneHot,
  stack,
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
export { flush } from "./lazy.ts";
export type { NestedArray, SortOptions, TensorJson, VarianceOptions } from "./operands.ts";
export { bernoulli, multinomial, rand, randint, randn, randperm } from "./random.ts";
export { type AnyShapes, type ScanOptions, scan } from "./scan.ts";
export { Parameter, State, type StateOptions } from "./state.ts";
export { type Operand, Tensor } from "./tensor.ts";
export { currentTrace, traceGuard } from "./trace.ts";
