// A valid call of every public function of tensors and nn. The other tests of this folder derive invalid calls from them.
import * as hebb from "../../src/index.ts";
import { nn, type Tensor, tensor } from "../../src/index.ts";
import { methodCalls } from "./methodCalls.ts";

/** Valid arguments. `options`: the position of the options among them. */
export interface Call {
  readonly args: () => readonly unknown[];
  readonly options?: number;
  /** For a module: the arguments of forward, and the position of the options among them. */
  readonly forward?: () => readonly unknown[];
  readonly forwardOptions?: number;
}

/** Repeatable numbers between -1 and 1. */
export function floats(...shape: readonly number[]): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, place) => Math.sin(place * 1.7 + 0.3)),
    { shape },
  );
}
const ints = (...values: readonly number[]): Tensor => tensor(Int32Array.from(values));
const parameter = (...shape: readonly number[]): hebb.Parameter => new hebb.Parameter(floats(...shape));
const state = (...shape: readonly number[]): hebb.State => new hebb.State(floats(...shape).abs());
const image = (): Tensor => floats(1, 2, 4, 4);
const row = (): Tensor => floats(1, 2, 6);
const box = (): Tensor => floats(1, 2, 2, 4, 2);
const matrix = (): Tensor => floats(2, 3);

const of = (...args: readonly unknown[]): Call => ({ args: () => args });
const make = (args: () => readonly unknown[], options?: number): Call => ({
  args,
  ...(options === undefined ? {} : { options }),
});
/** With empty options after the arguments. */
const optional = (args: () => readonly unknown[]): Call => make(() => [...args(), {}], args().length);
const unary = (make: () => Tensor = matrix): Call => ({ args: () => [make()] });
const square = (x: Tensor): Tensor => x.square().sum();

/** A positive definite matrix. */
export function positive(): Tensor {
  return floats(3, 3).matmul(floats(3, 3).mT).add(hebb.eye(3));
}
const ofSquare = (...more: readonly unknown[]): Call => make(() => [positive(), ...more]);

/** Of `linalg`. */
export const linears: Readonly<Record<string, Call>> = {
  vectorNorm: make(() => [matrix(), 2, {}], 2),
  matrixNorm: make(() => [matrix(), "fro", {}], 2),
  norm: make(() => [matrix(), 2, {}], 2),
  cond: ofSquare(2),
  inv: ofSquare(),
  det: ofSquare(),
  slogdet: ofSquare(),
  logdet: ofSquare(),
  solve: make(() => [positive(), floats(3, 2), {}], 2),
  solveTriangular: make(() => [positive(), floats(3, 2), { upper: true }], 2),
  lstsq: make(() => [floats(4, 2), floats(4, 3), {}], 2),
  pinv: optional(() => [matrix()]),
  matrixRank: optional(() => [matrix()]),
  cholesky: optional(() => [positive()]),
  choleskyInverse: optional(() => [positive()]),
  choleskySolve: make(() => [floats(3, 2), positive(), {}], 2),
  qr: make(() => [matrix(), "reduced"]),
  svd: optional(() => [matrix()]),
  svdvals: unary(),
  eigh: ofSquare("L"),
  eigvalsh: ofSquare("L"),
  matrixPower: ofSquare(2),
  multiDot: make(() => [[matrix(), floats(3, 2), matrix()]]),
  matmul: make(() => [matrix(), floats(3, 2)]),
  cross: make(() => [matrix(), matrix(), {}], 2),
  vecdot: make(() => [matrix(), matrix(), {}], 2),
  diagonal: optional(() => [matrix()]),
  vander: optional(() => [floats(3)]),
  tensorinv: make(() => [positive(), { ind: 1 }], 1),
  tensorsolve: make(() => [positive(), floats(3)]),
};

const complex = (): Tensor => floats(3, 4, 2);

/** Of `fft`. */
export const ffts: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(
    ["fft", "ifft", "irfft", "hfft", "fft2", "ifft2", "irfft2", "hfft2", "fftn", "ifftn", "irfftn", "hfftn"].map(
      (name) => [name, optional(() => [complex()])],
    ),
  ),
  ...Object.fromEntries(
    ["rfft", "ihfft", "rfft2", "ihfft2", "rfftn", "ihfftn"].map((name) => [name, optional(() => [matrix()])]),
  ),
  fftfreq: make(() => [5, 1, {}], 2),
  rfftfreq: make(() => [5, 1, {}], 2),
  fftshift: make(() => [matrix(), 1]),
  ifftshift: make(() => [matrix(), 1]),
};

/** Functions of `hebb` itself. */
export const functions: Readonly<Record<string, Call>> = {
  customGradient: of(
    (x: Tensor) => x,
    (grad: Tensor) => [grad],
  ),
  grad: make(() => [square, {}], 1),
  atleast1d: unary(),
  atleast2d: unary(),
  atleast3d: unary(),
  vstack: make(() => [[matrix(), floats(3)]]),
  hstack: make(() => [[matrix(), matrix()]]),
  dstack: make(() => [[matrix(), matrix()]]),
  columnStack: make(() => [[matrix(), floats(2)]]),
  blockDiag: make(() => [matrix(), floats(2)]),
  broadcastTensors: make(() => [matrix(), floats(3)]),
  cartesianProd: make(() => [floats(2), floats(3)]),
  combinations: make(() => [floats(4), 2, {}], 2),
  meshgrid: optional(() => [[floats(2), floats(3)]]),
  searchsorted: optional(() => [tensor([1, 3, 5]), matrix()]),
  bucketize: optional(() => [matrix(), tensor([1, 3, 5])]),
  isin: optional(() => [matrix(), floats(3)]),
  jvp: make(() => [square, [matrix()], [matrix()]]),
  valueAndGrad: make(() => [square, {}], 1),
  functionalCall: make(() => [new nn.Linear(3, 2), { bias: floats(2) }, [matrix()], {}], 3),
  stackModuleState: make(() => [[new nn.Linear(3, 2), new nn.Linear(3, 2)]]),
  vjp: make(() => [square, matrix()]),
  linearize: make(() => [square, matrix()]),
  jacrev: make(() => [square, {}], 1),
  jacfwd: make(() => [square, {}], 1),
  hessian: make(() => [square, {}], 1),
  vmap: make(() => [square, {}], 1),
  checkpoint: make(() => [square, matrix()]),
  compile: of(square),
  scan: make(() => [(state: Tensor, x: Tensor) => [state.add(x), x], floats(3), matrix(), {}], 3),
  tensordot: make(() => [matrix(), floats(3, 2), 1]),
  arange: make(() => [0, 5, 1, {}], 3),
  eye: make(() => [2, 3, {}], 2),
  full: make(() => [[2, 3], 1, {}], 2),
  linspace: make(() => [0, 1, 5, {}], 3),
  ones: make(() => [[2, 3], {}], 1),
  zeros: make(() => [[2, 3], {}], 1),
  onesLike: optional(() => [matrix()]),
  zerosLike: optional(() => [matrix()]),
  tensor: optional(() => [[1, 2]]),
  rand: make(() => [[2, 3], {}], 1),
  randn: make(() => [[2, 3], {}], 1),
  randint: optional(() => [0, 5, [2]]),
  randperm: optional(() => [4]),
  bernoulli: optional(() => [matrix().sigmoid()]),
  multinomial: optional(() => [matrix().exp(), 2]),
  seed: of(3),
  Generator: of(3),
  currentGenerator: of(),
  withGenerator: make(() => [new hebb.Generator(3), () => 1]),
  setRandomState: of({ key: [1, 2], calls: 3 }),
  randomState: of(),
  gradCheck: make(() => [square, [tensor([1, 2], { dtype: "float64" })], 1e-5]),
  gradEnabled: of(),
  noGrad: of(() => 1),
  autocast: optional(() => [() => 1]),
  GradScaler: optional(() => []),
  inspect: of(() => floats(2).sum()),
  inspectStep: optional(() => {
    const weights = parameter(2);
    return [() => weights.sum()];
  }),
  flush: of(),
  flushLater: of(),
  currentTrace: of(),
  traceGuard: of(() => 1),
  cat: make(() => [[matrix(), matrix()], 0]),
  stack: make(() => [[matrix(), matrix()], 0]),
  where: make(() => [matrix().gt(0), matrix(), 0]),
  einsum: make(() => ["ij,jk->ik", matrix(), floats(3, 2)]),
  oneHot: optional(() => [ints(0, 2), 3]),
  conv1d: optional(() => [row(), floats(3, 2, 2), floats(3)]),
  conv2d: optional(() => [image(), floats(3, 2, 2, 2), floats(3)]),
  convTranspose1d: optional(() => [row(), floats(2, 3, 2), floats(3)]),
  convTranspose2d: optional(() => [image(), floats(2, 3, 2, 2), floats(3)]),
  conv3d: optional(() => [box(), floats(3, 2, 2, 2, 2), floats(3)]),
  convTranspose3d: optional(() => [box(), floats(2, 3, 2, 2, 2), floats(3)]),
  maxPool3d: optional(() => [box(), 2]),
  avgPool3d: optional(() => [box(), 2]),
  maxPool1d: optional(() => [row(), 2]),
  maxPool2d: optional(() => [image(), 2]),
  avgPool1d: optional(() => [row(), 2]),
  avgPool2d: optional(() => [image(), 2]),
  adaptiveAvgPool1d: make(() => [row(), 2]),
  adaptiveAvgPool2d: make(() => [image(), 2]),
  interpolate: make(() => [row(), { size: 3 }], 1),
  Tensor: make(() => [matrix().node, { shape: [2, 3], dtype: "float32" }]),
  State: optional(() => [matrix()]),
  Parameter: optional(() => [matrix()]),
};

/** Methods of Tensor, called on matrix() or on the result of `of`. */
export const methods: Readonly<Record<string, Call & { readonly of?: () => Tensor }>> = {
  ...Object.fromEntries(
    (
      "neg abs sign floor ceil round trunc exp expm1 log log1p sqrt rsqrt reciprocal square sin cos tan atan tanh sigmoid erf " +
      "relu isnan isinf isfinite logicalNot detach clone t dataSync data toArraySync toArray toString toJSON"
    )
      .split(" ")
      .map((name) => [name, of()]),
  ),
  ...Object.fromEntries(
    "add sub mul div pow remainder maximum minimum atan2 eq ne lt le gt ge logicalAnd logicalOr"
      .split(" ")
      .map((name) => [name, make(() => [matrix()])]),
  ),
  ...Object.fromEntries(
    "sum mean prod amax amin max min argmax argmin any all logsumexp norm"
      .split(" ")
      .map((name) => [name, of(1, true)]),
  ),
  itemSync: { ...of(), of: () => floats(1) },
  item: { ...of(), of: () => floats(1) },
  backward: { ...make(() => [floats(1)]), of: () => parameter(1).mul(2) },
  where: make(() => [matrix().gt(0), 0]),
  clamp: of(0, 1),
  to: of("float64"),
  toDevice: of(hebb.defaultDevice),
  variance: make(() => [1, {}], 1),
  std: make(() => [1, {}], 1),
  softmax: of(1),
  logSoftmax: of(1),
  cumsum: of(1),
  reshape: of([3, -1]),
  flatten: of(0, 1),
  unflatten: of(1, [3, 1]),
  unsqueeze: of(0),
  squeeze: of(0),
  transpose: of(0, 1),
  permute: of([1, 0]),
  expand: of([4, 2, 3]),
  flip: of([0]),
  repeat: of([2, 1]),
  pad: of(
    [
      [1, 0],
      [0, 1],
    ],
    2,
  ),
  slice: of(1, 0, 2, 1),
  select: of(0, 1),
  narrow: of(1, 0, 2),
  split: of(2, 1),
  chunk: of(2, 1),
  gather: make(() => [1, tensor(Int32Array.from([0, 2]), { shape: [2, 1] })]),
  indexSelect: make(() => [1, ints(0, 2)]),
  scatterAdd: make(() => [1, tensor(Int32Array.from([0, 2]), { shape: [2, 1] }), floats(2, 1)]),
  maskedFill: make(() => [matrix().gt(0), 1]),
  tril: of(0),
  triu: of(0),
  sort: make(() => [1, {}], 1),
  argsort: make(() => [1, {}], 1),
  topk: make(() => [2, 1, {}], 2),
  matmul: make(() => [floats(3, 2)]),
  ...methodCalls,
};

const pair = (): readonly Tensor[] => [matrix(), matrix().sigmoid()];
const signs = (): readonly Tensor[] => [matrix(), matrix().sign()];
const labels = (): readonly Tensor[] => [matrix(), ints(0, 2)];
const ctcArguments = (): readonly unknown[] => [floats(4, 1, 3).logSoftmax(-1), whole([1, 2], 1, 2), [4], [2]];
const whole = (values: readonly number[], ...shape: readonly number[]): Tensor =>
  tensor(Int32Array.from(values), { shape });
const three = (): readonly Tensor[] => [matrix(), matrix().neg(), matrix().mul(2)];

/** Losses that also have a short name. */
export const longNames: Readonly<Record<string, string>> = {
  binaryCrossEntropy: "bce",
  binaryCrossEntropyWithLogits: "bceWithLogits",
  cosineEmbeddingLoss: "cosineEmbedding",
  ctcLoss: "ctc",
  gaussianNllLoss: "gaussianNll",
  hingeEmbeddingLoss: "hingeEmbedding",
  huberLoss: "huber",
  l1Loss: "l1",
  marginRankingLoss: "marginRanking",
  mseLoss: "mse",
  multilabelMarginLoss: "multilabelMargin",
  multilabelSoftMarginLoss: "multilabelSoftMargin",
  multiMarginLoss: "multiMargin",
  nllLoss: "nll",
  poissonNllLoss: "poissonNll",
  smoothL1Loss: "smoothL1",
  softMarginLoss: "softMargin",
  tripletMarginLoss: "triplet",
  tripletMarginWithDistanceLoss: "tripletWithDistance",
};

const shortFunctionals: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(
    "identity step sigmoid tanh relu relu6 silu mish softsign hardsigmoid hardswish selu tanhshrink logSigmoid"
      .split(" ")
      .map((name) => [name, unary()]),
  ),
  celu: make(() => [matrix(), 1]),
  elu: make(() => [matrix(), 1]),
  gelu: make(() => [matrix(), "tanh"]),
  glu: make(() => [floats(2, 4), 1]),
  swiglu: make(() => [floats(2, 4), 1]),
  ctc: optional(ctcArguments),
  gridSample: optional(() => [image(), floats(1, 2, 2, 2)]),
  affineGrid: optional(() => [floats(1, 2, 3), [1, 1, 2, 2]]),
  fractionalMaxPool2d: make(() => [image(), 2, { outputSize: 2 }, floats(1, 2, 2).abs()], 2),
  fractionalMaxPool2dWithIndices: make(() => [image(), 2, { outputSize: 2 }, floats(1, 2, 2).abs()], 2),
  fractionalMaxPool3d: make(() => [floats(1, 2, 4, 4, 4), 2, { outputSize: 2 }, floats(1, 2, 3).abs()], 2),
  fractionalMaxPool3dWithIndices: make(() => [floats(1, 2, 4, 4, 4), 2, { outputSize: 2 }, floats(1, 2, 3).abs()], 2),
  rotary: optional(() => [floats(1, 3, 4)]),
  alibi: optional(() => [2, 3]),
  gumbelSoftmax: optional(() => [matrix()]),
  hardshrink: make(() => [matrix(), 0.5]),
  softshrink: make(() => [matrix(), 0.5]),
  hardtanh: make(() => [matrix(), -1, 1]),
  leakyRelu: make(() => [matrix(), 0.1]),
  logSoftmax: make(() => [matrix(), 1]),
  softmax: make(() => [matrix(), 1]),
  softmin: make(() => [matrix(), 1]),
  softplus: make(() => [matrix(), 1, 20]),
  prelu: make(() => [matrix(), floats(1)]),
  rrelu: optional(() => [matrix()]),
  threshold: make(() => [matrix(), 0.1, 2]),
  scaledDotProductAttention: optional(() => [floats(1, 2, 4), floats(1, 3, 4), floats(1, 3, 2)]),
  pdist: make(() => [floats(4, 3), 2]),
  cdist: make(() => [matrix(), floats(4, 3), 2]),
  normalize: optional(() => [matrix()]),
  pairwiseDistance: optional(three().slice.bind(three(), 0, 2)),
  ...Object.fromEntries(
    "alphaDropout dropout dropout1d dropout2d dropout3d featureAlphaDropout"
      .split(" ")
      .map((name) => [name, make(() => [image(), 0.5, true])]),
  ),
  embedding: make(() => [ints(0, 1), floats(3, 2), {}], 2),
  embeddingBag: make(() => [tensor(Int32Array.from([0, 1]), { shape: [1, 2] }), floats(3, 2), {}], 2),
  groupNorm: make(() => [row(), 2, floats(2), floats(2), 1e-5]),
  instanceNorm: optional(() => [row()]),
  localResponseNorm: optional(() => [image(), 2]),
  bilinear: make(() => [matrix(), matrix(), floats(2, 3, 3), floats(2)]),
  linear: make(() => [matrix(), floats(4, 3), floats(4)]),
  ...Object.fromEntries(
    "l1 mse huber smoothL1 bceWithLogits focal klDiv poissonNll multilabelSoftMargin"
      .split(" ")
      .map((name) => [name, optional(pair)]),
  ),
  bce: optional(() => [matrix().sigmoid(), matrix().sigmoid()]),
  hinge: optional(signs),
  hingeEmbedding: optional(signs),
  softMargin: optional(signs),
  crossEntropy: optional(labels),
  nll: optional(labels),
  multiMargin: optional(labels),
  multilabelMargin: optional(() => [matrix(), tensor(Int32Array.from([0, -1, -1, 1, 2, -1]), { shape: [2, 3] })]),
  cosineEmbedding: optional(() => [matrix(), matrix(), tensor([1, -1])]),
  cosineSimilarity: make(() => [matrix(), matrix(), 1, 1e-8]),
  gaussianNll: optional(() => [matrix(), matrix(), matrix().square()]),
  marginRanking: optional(() => [matrix(), matrix(), matrix().sign()]),
  triplet: optional(three),
  tripletWithDistance: optional(three),
  batchNorm: optional(() => [matrix(), state(3), state(3)]),
  layerNorm: make(() => [matrix(), [3], floats(3), floats(3), 1e-5]),
  rmsNorm: make(() => [matrix(), [3], floats(3), 1e-5]),
  pad: optional(() => [matrix(), [1, 0]]),
  adaptiveMaxPool1d: make(() => [row(), 2]),
  adaptiveMaxPool2d: make(() => [image(), [2, null]]),
  adaptiveAvgPool3d: make(() => [box(), 2]),
  adaptiveMaxPool3d: make(() => [box(), [2, null, 1]]),
  lpPool3d: optional(() => [box(), 2, 2]),
  maxPool3dWithIndices: optional(() => [box(), 2]),
  maxUnpool3d: optional(() => [floats(1, 1, 1, 1, 2), tensor(Int32Array.from([0, 3]), { shape: [1, 1, 1, 1, 2] }), 2]),
  lpPool1d: optional(() => [row(), 2, 2]),
  lpPool2d: optional(() => [image(), 2, 2]),
  maxPool1dWithIndices: optional(() => [row(), 2]),
  maxPool2dWithIndices: optional(() => [image(), 2]),
  maxUnpool1d: optional(() => [floats(1, 1, 2), tensor(Int32Array.from([0, 3]), { shape: [1, 1, 2] }), 2]),
  maxUnpool2d: optional(() => [floats(1, 1, 1, 2), tensor(Int32Array.from([0, 3]), { shape: [1, 1, 1, 2] }), 2]),
  channelShuffle: make(() => [image(), 2]),
  fold: optional(() => [floats(1, 4, 9), 4, 2]),
  unfold: optional(() => [image(), 2]),
  pixelShuffle: make(() => [floats(1, 4, 2, 2), 2]),
  pixelUnshuffle: make(() => [image(), 2]),
};

/** nn.functional, except what `hebb` also exports. */
export const functionals: Readonly<Record<string, Call>> = {
  ...shortFunctionals,
  ...Object.fromEntries(Object.entries(longNames).map(([long, short]) => [long, shortFunctionals[short] ?? of()])),
};

/** nn.init. */
export const inits: Readonly<Record<string, Call>> = {
  blank: of([2], "float64"),
  uniform: make(() => [parameter(2), 0, 1]),
  normal: make(() => [parameter(2), 0, 1]),
  constant: make(() => [parameter(2), 1]),
  zeros: make(() => [parameter(2)]),
  ones: make(() => [parameter(2)]),
  eye: make(() => [parameter(2, 3)]),
  fans: of([3, 2]),
  calculateGain: of("relu", 0.1),
  kaimingUniform: optional(() => [parameter(3, 2)]),
  kaimingNormal: optional(() => [parameter(3, 2)]),
  xavierUniform: make(() => [parameter(3, 2), 1]),
  xavierNormal: make(() => [parameter(3, 2), 1]),
  truncNormal: make(() => [parameter(3, 2), 0, 1, -2, 2]),
  orthogonal: make(() => [parameter(3, 2), 1]),
  dirac: make(() => [parameter(2, 2, 3), 1]),
  sparse: make(() => [parameter(3, 2), 0.5, 0.1]),
  layerDefault: make(() => [parameter(3, 2), parameter(3)]),
};

const layer = (args: readonly unknown[], forward: () => readonly unknown[], options?: number): Call => ({
  args: () => args,
  forward,
  ...(options === undefined ? {} : { options }),
});
const withOptions = (args: readonly unknown[], forward: () => readonly unknown[]): Call =>
  layer([...args, {}], forward, args.length);
const takesInputs = (call: Call, forwardOptions: number): Call => ({ ...call, forwardOptions });
const plain = (...args: readonly unknown[]): Call => layer(args, () => [matrix()]);
const loss = (forward: () => readonly unknown[]): Call => withOptions([], forward);
const sequence = (): readonly unknown[] => [floats(3, 1, 2), undefined, {}];
const one = (): nn.Linear => new nn.Linear(3, 3);
const encoderLayer = (): nn.TransformerEncoderLayer => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 4 });
const decoderLayer = (): nn.TransformerDecoderLayer => new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 4 });

/** Classes of nn: the arguments of the constructor and of forward. */
export const modules: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(
    "Hardsigmoid Hardswish Identity LogSigmoid Mish ReLU ReLU6 SELU Sigmoid SiLU Softsign Step Tanh Tanhshrink"
      .split(" ")
      .map((name) => [name, plain()]),
  ),
  CELU: plain(1),
  ELU: plain(1),
  GELU: withOptions([], () => [matrix()]),
  GLU: layer([1], () => [floats(2, 4)]),
  SwiGLU: layer([1], () => [floats(2, 4)]),
  CTCLoss: withOptions([], ctcArguments),
  FractionalMaxPool2d: layer([2, { outputSize: 2 }], () => [image(), floats(1, 2, 2).abs()], 1),
  FractionalMaxPool3d: layer([2, { outputSize: 2 }], () => [floats(1, 2, 4, 4, 4), floats(1, 2, 3).abs()], 1),
  Transformer: takesInputs(
    layer(
      [{ dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 4 }],
      () => [floats(3, 1, 4), floats(2, 1, 4), {}],
      0,
    ),
    2,
  ),
  Hardshrink: plain(0.5),
  Softshrink: plain(0.5),
  Hardtanh: plain(-1, 1),
  LeakyReLU: plain(0.1),
  LogSoftmax: plain(1),
  Softmax: plain(1),
  Softmin: plain(1),
  Softmax2d: layer([], () => [image()]),
  PReLU: withOptions([1, 0.25], () => [matrix()]),
  RReLU: plain(0.1, 0.3),
  Softplus: plain(1, 20),
  Threshold: plain(0.1, 2),
  MultiheadAttention: takesInputs(
    withOptions([4, 2], () => [floats(3, 1, 4), floats(3, 1, 4), floats(3, 1, 4), {}]),
    3,
  ),
  ModuleDict: of({ a: one() }),
  ModuleList: of([one()]),
  Sequential: layer([one(), one()], () => [matrix()]),
  Residual: withOptions([one()], () => [matrix()]),
  Conv1d: withOptions([2, 3, 2], () => [row()]),
  Conv2d: withOptions([2, 3, 2], () => [image()]),
  Conv3d: withOptions([2, 3, 2], () => [box()]),
  ConvTranspose3d: withOptions([2, 3, 2], () => [box()]),
  ConvTranspose1d: withOptions([2, 3, 2], () => [row()]),
  ConvTranspose2d: withOptions([2, 3, 2], () => [image()]),
  CosineSimilarity: layer([1, 1e-8], () => [matrix(), matrix()]),
  PairwiseDistance: withOptions([], () => [matrix(), matrix()]),
  AlphaDropout: plain(0.5),
  Dropout: plain(0.5),
  Dropout1d: layer([0.5], () => [row()]),
  Dropout2d: layer([0.5], () => [image()]),
  Dropout3d: layer([0.5], () => [box()]),
  FeatureAlphaDropout: layer([0.5], () => [image()]),
  Embedding: withOptions([3, 2], () => [ints(0, 1)]),
  EmbeddingBag: takesInputs(
    withOptions([3, 2], () => [tensor(Int32Array.from([0, 1]), { shape: [1, 2] }), {}]),
    1,
  ),
  GroupNorm: withOptions([1, 2], () => [row()]),
  InstanceNorm1d: withOptions([2], () => [row()]),
  InstanceNorm2d: withOptions([2], () => [image()]),
  LocalResponseNorm: withOptions([2], () => [image()]),
  Bilinear: withOptions([3, 3, 2], () => [matrix(), matrix()]),
  Flatten: plain(0, 1),
  Linear: withOptions([3, 2], () => [matrix()]),
  Unflatten: plain(1, [3, 1]),
  BCELoss: loss(() => [matrix().sigmoid(), matrix().sigmoid()]),
  BCEWithLogitsLoss: loss(pair),
  CosineEmbeddingLoss: loss(() => [matrix(), matrix(), tensor([1, -1])]),
  CrossEntropyLoss: loss(labels),
  FocalLoss: loss(pair),
  GaussianNLLLoss: loss(() => [matrix(), matrix(), matrix().square()]),
  HingeEmbeddingLoss: loss(signs),
  HingeLoss: loss(signs),
  HuberLoss: loss(pair),
  KLDivLoss: loss(pair),
  L1Loss: loss(pair),
  MarginRankingLoss: loss(() => [matrix(), matrix(), matrix().sign()]),
  MSELoss: loss(pair),
  MultiLabelMarginLoss: loss(() => [matrix(), tensor(Int32Array.from([0, -1, -1, 1, 2, -1]), { shape: [2, 3] })]),
  MultiLabelSoftMarginLoss: loss(pair),
  MultiMarginLoss: loss(labels),
  NLLLoss: loss(labels),
  PoissonNLLLoss: loss(pair),
  SmoothL1Loss: loss(pair),
  SoftMarginLoss: loss(signs),
  TripletMarginLoss: loss(three),
  TripletMarginWithDistanceLoss: loss(three),
  BatchNorm1d: withOptions([3], () => [matrix()]),
  BatchNorm2d: withOptions([2], () => [image()]),
  BatchNorm3d: withOptions([2], () => [box()]),
  SyncBatchNorm: withOptions([2], () => [image()]),
  InstanceNorm3d: withOptions([2], () => [box()]),
  LayerNorm: withOptions([3], () => [matrix()]),
  RMSNorm: withOptions([3], () => [matrix()]),
  CircularPad1d: layer([1], () => [row()]),
  CircularPad2d: layer([1], () => [image()]),
  CircularPad3d: layer([1], () => [box()]),
  ConstantPad3d: layer([1, 2], () => [box()]),
  ReflectionPad3d: layer([1], () => [box()]),
  ReplicationPad3d: layer([1], () => [box()]),
  ZeroPad3d: layer([1], () => [box()]),
  ConstantPad1d: layer([1, 2], () => [row()]),
  ConstantPad2d: layer([1, 2], () => [image()]),
  ReflectionPad1d: layer([1], () => [row()]),
  ReflectionPad2d: layer([1], () => [image()]),
  ReplicationPad1d: layer([1], () => [row()]),
  ReplicationPad2d: layer([1], () => [image()]),
  ZeroPad1d: layer([1], () => [row()]),
  ZeroPad2d: layer([1], () => [image()]),
  Perceptron: plain(3),
  AdaptiveAvgPool1d: layer([2], () => [row()]),
  AdaptiveAvgPool2d: layer([[2, null]], () => [image()]),
  AdaptiveMaxPool1d: layer([2], () => [row()]),
  AdaptiveMaxPool2d: layer([2], () => [image()]),
  AvgPool1d: withOptions([2], () => [row()]),
  AvgPool2d: withOptions([2], () => [image()]),
  AvgPool3d: withOptions([2], () => [box()]),
  MaxPool3d: withOptions([2], () => [box()]),
  LPPool3d: withOptions([2, 2], () => [box()]),
  AdaptiveAvgPool3d: layer([2], () => [box()]),
  AdaptiveMaxPool3d: layer([2], () => [box()]),
  MaxUnpool1d: withOptions([2], () => [floats(1, 1, 2), tensor(Int32Array.from([0, 3]), { shape: [1, 1, 2] })]),
  MaxUnpool2d: withOptions([2], () => [floats(1, 1, 1, 2), tensor(Int32Array.from([0, 3]), { shape: [1, 1, 1, 2] })]),
  MaxUnpool3d: withOptions([2], () => [
    floats(1, 1, 1, 1, 2),
    tensor(Int32Array.from([0, 3]), { shape: [1, 1, 1, 1, 2] }),
  ]),
  LPPool1d: withOptions([2, 2], () => [row()]),
  LPPool2d: withOptions([2, 2], () => [image()]),
  MaxPool1d: withOptions([2], () => [row()]),
  MaxPool2d: withOptions([2], () => [image()]),
  GRU: takesInputs(withOptions([2, 2], sequence), 2),
  LSTM: takesInputs(withOptions([2, 2], sequence), 2),
  RNN: takesInputs(withOptions([2, 2], sequence), 2),
  GRUCell: withOptions([3, 2], () => [matrix(), floats(2, 2)]),
  RNNCell: withOptions([3, 2], () => [matrix(), floats(2, 2)]),
  LSTMCell: withOptions([3, 2], () => [matrix(), [floats(2, 2), floats(2, 2)]]),
  ChannelShuffle: layer([2], () => [image()]),
  Fold: withOptions([4, 2], () => [floats(1, 4, 9)]),
  Unfold: withOptions([2], () => [image()]),
  PixelShuffle: layer([2], () => [floats(1, 4, 2, 2)]),
  PixelUnshuffle: layer([2], () => [image()]),
  Upsample: layer([{ size: 3 }], () => [row()], 0),
  causalMask: optional(() => [3]),
  TransformerEncoderLayer: takesInputs(
    layer([4, 2, { dimFeedforward: 4 }], () => [floats(3, 1, 4), {}], 2),
    1,
  ),
  TransformerDecoderLayer: takesInputs(
    layer([4, 2, { dimFeedforward: 4 }], () => [floats(3, 1, 4), floats(2, 1, 4), {}], 2),
    2,
  ),
  TransformerEncoder: takesInputs(
    withOptions([encoderLayer, 1], () => [floats(3, 1, 4), {}]),
    1,
  ),
  TransformerDecoder: takesInputs(
    withOptions([decoderLayer, 1], () => [floats(3, 1, 4), floats(2, 1, 4), {}]),
    2,
  ),
};

/** Functions of nn.utils. */
export const utilities: Readonly<Record<string, Call>> = {
  parametersToVector: make(() => [[parameter(2)]]),
  vectorToParameters: make(() => [floats(2), [parameter(2)]]),
  getTotalNorm: optional(() => [[matrix()]]),
  padSequence: optional(() => [[matrix(), floats(4, 3)]]),
  unpadSequence: optional(() => [matrix(), [1, 2, 1]]),
  weightNorm: optional(() => [one()]),
  removeWeightNorm: make(() => [nn.utils.weightNorm(one()), "weight"]),
  spectralNorm: optional(() => [one()]),
  removeSpectralNorm: make(() => [nn.utils.spectralNorm(one()), "weight"]),
};
