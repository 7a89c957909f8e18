// nn.functional: every activation, layer and loss as a function.

export {
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
  celu,
  elu,
  gelu,
  glu,
  gumbelSoftmax,
  hardshrink,
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
  rrelu,
  selu,
  sigmoid,
  silu,
  softmax,
  softmin,
  softplus,
  softshrink,
  softsign,
  step,
  tanh,
  tanhshrink,
  threshold,
} from "./activations.ts";
export { scaledDotProductAttention } from "./attention.ts";
export { cdist, normalize, pairwiseDistance } from "./distance.ts";
export { alphaDropout, dropout, dropout1d, dropout2d, featureAlphaDropout } from "./dropout.ts";
export { embedding, embeddingBag } from "./embedding.ts";
export { groupNorm, instanceNorm, localResponseNorm } from "./groupNorm.ts";
export { bilinear, linear } from "./linear.ts";
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
  marginRanking,
  mse,
  multilabelMargin,
  multilabelSoftMargin,
  multiMargin,
  nll,
  poissonNll,
  smoothL1,
  softMargin,
  triplet,
  tripletWithDistance,
} from "./losses.ts";
export { batchNorm, layerNorm, rmsNorm } from "./normalization.ts";
export { pad } from "./padding.ts";
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  lpPool1d,
  lpPool2d,
  maxPool1dWithIndices,
  maxPool2dWithIndices,
  maxUnpool1d,
  maxUnpool2d,
} from "./pooling.ts";
export { channelShuffle, fold, pixelShuffle, pixelUnshuffle, unfold } from "./resample.ts";
