// nn.functional: every activation, layer and loss as a function.

export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  interpolate,
  maxPool1d,
  maxPool2d,
  oneHot,
} from "../tensor/index.ts";
export {
  elu,
  gelu,
  hardsigmoid,
  hardswish,
  hardtanh,
  identity,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  prelu,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  step,
  tanh,
} from "./activations.ts";
export { dropout, dropout2d } from "./dropout.ts";
export { embedding } from "./embedding.ts";
export { linear } from "./linear.ts";
export {
  bce,
  bceWithLogits,
  cosineEmbedding,
  cosineSimilarity,
  crossEntropy,
  focal,
  gaussianNll,
  hinge,
  hingeEmbedding,
  huber,
  klDiv,
  l1,
  mse,
  nll,
  poissonNll,
  smoothL1,
  softMargin,
  triplet,
} from "./losses.ts";
export { batchNorm, layerNorm } from "./normalization.ts";
