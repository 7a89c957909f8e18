// Loss functions: formulas, options and reductions are PyTorch's; all stay finite for inputs of ±1e4.
export {
  type BceOptions,
  type BceWithLogitsOptions,
  bce,
  bceWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  type FocalOptions,
  focal,
  type KlDivOptions,
  klDiv,
  type NllOptions,
  nll,
} from "./losses/classification.ts";
export { type CtcOptions, ctc } from "./losses/ctc.ts";
export {
  cosineEmbedding,
  cosineSimilarity,
  hinge,
  hingeEmbedding,
  type MarginOptions,
  marginRanking,
  softMargin,
  type TripletDistanceOptions,
  type TripletOptions,
  triplet,
  tripletWithDistance,
} from "./losses/margins.ts";
export {
  type MultilabelSoftMarginOptions,
  type MultiMarginOptions,
  multilabelMargin,
  multilabelSoftMargin,
  multiMargin,
} from "./losses/multi.ts";
export type { LossOptions, Reduction } from "./losses/reduction.ts";
export {
  type GaussianNllOptions,
  gaussianNll,
  type HuberOptions,
  huber,
  l1,
  mse,
  type PoissonNllOptions,
  poissonNll,
  type SmoothL1Options,
  smoothL1,
} from "./losses/regression.ts";
