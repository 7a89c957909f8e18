// The nn room: modules, layers, activations, losses, initialisers.
export { Parameter } from "../tensor/index.ts";
export {
  CELU,
  ELU,
  GELU,
  GLU,
  type GumbelOptions,
  Hardshrink,
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
  RReLU,
  type RReluOptions,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softmax2d,
  Softmin,
  Softplus,
  Softshrink,
  Softsign,
  Step,
  SwiGLU,
  Tanh,
  Tanhshrink,
  Threshold,
} from "./activations.ts";
export { MultiheadAttention, type MultiheadAttentionOptions, type MultiheadInputs } from "./attention.ts";
export { Identity, ModuleDict, ModuleList, Residual, Sequential, type TensorModule } from "./containers.ts";
export { Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from "./conv.ts";
export { CosineSimilarity, type NormalizeOptions, PairwiseDistance, type PairwiseOptions } from "./distance.ts";
export type { AttentionOptions } from "./dotProductAttention.ts";
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from "./dropout.ts";
export {
  type BagInputs,
  type BagOptions,
  Embedding,
  EmbeddingBag,
  type EmbeddingLookup,
  type EmbeddingOptions,
} from "./embedding.ts";
export { FractionalMaxPool2d, FractionalMaxPool3d, type FractionalPoolOptions } from "./fractionalPool.ts";
export * as functional from "./functional.ts";
export {
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type InstanceNormInputs,
  LocalResponseNorm,
  type LocalResponseOptions,
} from "./groupNorm.ts";
export type { BackwardHook, ForwardHook, ForwardPreHook, HookHandle } from "./hooks.ts";
export * as init from "./init.ts";
export { Bilinear, Flatten, Linear, type LinearOptions, Unflatten } from "./linear.ts";
export type { CrossEntropyOptions, LossOptions, Reduction } from "./losses.ts";
export {
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  CTCLoss,
  FocalLoss,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HingeLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MarginRankingLoss,
  MSELoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  SoftMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from "./lossModules.ts";
export {
  type AnyModule,
  type LoadOptions,
  type LoadResult,
  Module,
  type StateDict,
  type SummaryInput,
} from "./module.ts";
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormOptions,
  LayerNorm,
  RMSNorm,
  SyncBatchNorm,
} from "./normalization.ts";
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  type PadOptions,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from "./padding.ts";
export { Perceptron, type PerceptronHistory } from "./perceptron.ts";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  type AdaptiveSize,
  AvgPool1d,
  AvgPool2d,
  LPPool1d,
  LPPool2d,
  type LPPoolOptions,
  MaxPool1d,
  MaxPool2d,
  type MaxPoolResult,
  type UnpoolOptions,
} from "./pooling.ts";
export {
  AdaptiveAvgPool3d,
  AdaptiveMaxPool3d,
  AvgPool3d,
  LPPool3d,
  MaxPool3d,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
} from "./pooling3d.ts";
export {
  GRU,
  LSTM,
  type LSTMOptions,
  type RecurrentOptions,
  RNN,
  type RNNOptions,
  type SequenceOptions,
} from "./recurrent.ts";
export { type CellOptions, GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from "./recurrentCells.ts";
export {
  ChannelShuffle,
  Fold,
  PixelShuffle,
  PixelUnshuffle,
  Unfold,
  Upsample,
  type WindowOptions,
} from "./resample.ts";
export type { LoadableValue, StateValue } from "./stateValue.ts";
export {
  causalMask,
  type DecoderInputs,
  type EncoderInputs,
  TransformerDecoder,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from "./transformer.ts";
export { Transformer, type TransformerInputs, type TransformerOptions } from "./transformerModel.ts";
export * as utils from "./utils/index.ts";
