// The composites with standard names: their inputs and attributes. Exports and listings use them.
// Dims count from 0 and lists have one number per dim, whatever the caller wrote. `N` stands for nodes or tensors.

interface Of<Inputs extends readonly unknown[], Attributes> {
  /** In this order; omitted inputs are undefined. */
  readonly inputs: Inputs;
  readonly attributes: Attributes;
}
// biome-ignore lint/complexity/noBannedTypes: no attribute at all
type None = {};
type Reduction = { readonly reduction: "none" | "mean" | "sum" };
type Dims = { readonly dims: readonly number[]; readonly keepdim: boolean };
type Dim = { readonly dim: number };

export interface ConvAttributes {
  readonly stride: readonly number[];
  /** [before, after] of each spatial dim. */
  readonly padding: readonly (readonly [number, number])[];
  readonly paddingMode: "zeros" | "reflect" | "replicate" | "circular";
  readonly dilation: readonly number[];
  readonly groups: number;
}

export interface ConvTransposeAttributes {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

export interface PoolAttributes {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly ceilMode: boolean;
}
type MaxPool = PoolAttributes & { readonly dilation: readonly number[] };
type AvgPool = PoolAttributes & { readonly countIncludePad: boolean; readonly divisorOverride: number | null };
type Adaptive = { readonly outputSize: readonly number[] };
type Windows = {
  readonly kernelSize: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly number[];
  readonly stride: readonly number[];
};

type Conv<N> = Of<readonly [x: N, weight: N, bias: N | undefined], ConvAttributes>;
type ConvTranspose<N> = Of<readonly [x: N, weight: N, bias: N | undefined], ConvTransposeAttributes>;
type Unary<N, Attributes = None> = Of<readonly [x: N], Attributes>;
/** Inputs besides x: weight and bias [C], undefined without them. */
type Affine<N, Attributes> = Of<readonly [x: N, weight: N | undefined, bias: N | undefined], Attributes>;
/** The running statistics are inputs only if they are used to normalise. */
type ChannelNorm<N, Attributes> = Of<
  readonly [x: N, weight: N | undefined, bias: N | undefined, runningMean: N | undefined, runningVar: N | undefined],
  Attributes
>;
/**
 * One layer in one direction: x [T, N, in] → results output [T, N, size], last hidden [N, size], last cell [N, hidden]. Weights
 * are PyTorch's: weightIh [gates · hidden, in], weightHh [gates · hidden, size], gates in PyTorch's order. `lengths` [N] says how
 * many steps of each sequence count; outputs after them are 0.
 */
interface Recurrent {
  readonly hiddenSize: number;
  /** From the last step to the first. */
  readonly reverse: boolean;
}

export interface CompositeTable<N> {
  // ── activations ──────────────────────────────────────────────────────────────────────────────────────────────────
  readonly celu: Unary<N, { readonly alpha: number }>;
  readonly elu: Unary<N, { readonly alpha: number }>;
  readonly gelu: Unary<N, { readonly approximate: "none" | "tanh" }>;
  readonly glu: Unary<N, Dim>;
  readonly hardshrink: Unary<N, { readonly lambda: number }>;
  readonly hardsigmoid: Unary<N>;
  readonly hardswish: Unary<N>;
  readonly hardtanh: Unary<N, { readonly minVal: number; readonly maxVal: number }>;
  readonly leakyRelu: Unary<N, { readonly negativeSlope: number }>;
  readonly logSigmoid: Unary<N>;
  readonly logSoftmax: Unary<N, Dim>;
  readonly mish: Unary<N>;
  /** weight: one number, or one for each channel (dim 1). */
  readonly prelu: Of<readonly [x: N, weight: N], None>;
  readonly relu6: Unary<N>;
  readonly selu: Unary<N>;
  readonly silu: Unary<N>;
  readonly softmax: Unary<N, Dim>;
  readonly softmin: Unary<N, Dim>;
  readonly softplus: Unary<N, { readonly beta: number; readonly threshold: number }>;
  readonly softshrink: Unary<N, { readonly lambda: number }>;
  readonly softsign: Unary<N>;
  readonly tanhshrink: Unary<N>;
  readonly threshold: Unary<N, { readonly threshold: number; readonly value: number }>;

  // ── normalisation ────────────────────────────────────────────────────────────────────────────────────────────────
  readonly batchNorm: ChannelNorm<
    N,
    { readonly training: boolean; readonly eps: number /** null: a tensor. */; readonly momentum: number | null }
  >;
  readonly groupNorm: Affine<N, { readonly numGroups: number; readonly eps: number }>;
  readonly instanceNorm: ChannelNorm<N, { readonly useInputStats: boolean; readonly eps: number }>;
  readonly layerNorm: Affine<N, { readonly normalizedShape: readonly number[]; readonly eps: number }>;
  readonly localResponseNorm: Unary<
    N,
    { readonly size: number; readonly alpha: number; readonly beta: number; readonly k: number }
  >;
  readonly normalize: Unary<N, Dim & { readonly p: number; readonly eps: number }>;
  readonly rmsNorm: Of<
    readonly [x: N, weight: N | undefined],
    { readonly normalizedShape: readonly number[]; readonly eps: number }
  >;

  // ── layers ───────────────────────────────────────────────────────────────────────────────────────────────────────
  readonly conv1d: Conv<N>;
  readonly conv2d: Conv<N>;
  readonly convTranspose1d: ConvTranspose<N>;
  readonly convTranspose2d: ConvTranspose<N>;
  readonly dropout: Unary<N, { readonly p: number }>;
  readonly embedding: Of<readonly [index: N, weight: N], { readonly paddingIdx: number | null }>;
  readonly gru: Of<
    readonly [
      x: N,
      weightIh: N,
      weightHh: N,
      biasIh: N | undefined,
      biasHh: N | undefined,
      hidden: N,
      lengths: N | undefined,
    ],
    Recurrent
  >;
  readonly linear: Of<readonly [x: N, weight: N, bias: N | undefined], None>;
  /** With projSize > 0, weightHr [projSize, hidden] projects the hidden state. */
  readonly lstm: Of<
    readonly [
      x: N,
      weightIh: N,
      weightHh: N,
      biasIh: N | undefined,
      biasHh: N | undefined,
      hidden: N,
      cell: N,
      lengths: N | undefined,
      weightHr: N | undefined,
    ],
    Recurrent & { readonly projSize: number }
  >;
  readonly rnn: Of<
    readonly [
      x: N,
      weightIh: N,
      weightHh: N,
      biasIh: N | undefined,
      biasHh: N | undefined,
      hidden: N,
      lengths: N | undefined,
    ],
    Recurrent & { readonly nonlinearity: "tanh" | "relu" }
  >;
  readonly scaledDotProductAttention: Of<
    readonly [query: N, key: N, value: N, attnMask: N | undefined],
    { readonly dropoutP: number; readonly isCausal: boolean; readonly scale: number; readonly enableGqa: boolean }
  >;

  // ── windows and sizes ────────────────────────────────────────────────────────────────────────────────────────────
  readonly adaptiveAvgPool1d: Unary<N, Adaptive>;
  readonly adaptiveAvgPool2d: Unary<N, Adaptive>;
  readonly adaptiveMaxPool1d: Unary<N, Adaptive>;
  readonly adaptiveMaxPool2d: Unary<N, Adaptive>;
  readonly avgPool1d: Unary<N, AvgPool>;
  readonly avgPool2d: Unary<N, AvgPool>;
  readonly fold: Unary<N, Windows & { readonly outputSize: readonly number[] }>;
  /** `scales`: the growth factor of each spatial dim; it may differ from output / input. */
  readonly interpolate: Unary<
    N,
    {
      readonly mode: "nearest" | "nearest-exact" | "linear" | "bilinear" | "bicubic" | "area";
      readonly size: readonly number[];
      readonly scales: readonly number[];
      readonly alignCorners: boolean;
    }
  >;
  readonly lpPool1d: Unary<N, PoolAttributes & { readonly normType: number }>;
  readonly lpPool2d: Unary<N, PoolAttributes & { readonly normType: number }>;
  /** Results: values, and their indices in the flattened spatial dims if requested. */
  readonly maxPool1d: Unary<N, MaxPool>;
  readonly maxPool2d: Unary<N, MaxPool>;
  /** padding: [before, after] of each dim of x. */
  readonly pad: Unary<
    N,
    {
      readonly padding: readonly (readonly [number, number])[];
      readonly mode: "constant" | "reflect" | "replicate" | "circular";
      readonly value: number;
    }
  >;
  readonly pixelShuffle: Unary<N, { readonly upscaleFactor: number }>;
  readonly pixelUnshuffle: Unary<N, { readonly downscaleFactor: number }>;
  readonly unfold: Unary<N, Windows>;

  // ── losses ───────────────────────────────────────────────────────────────────────────────────────────────────────
  readonly bce: Of<readonly [input: N, target: N, weight: N | undefined], Reduction>;
  readonly bceWithLogits: Of<
    readonly [input: N, target: N, weight: N | undefined, posWeight: N | undefined],
    Reduction
  >;
  /** Targets are class indices, or probabilities in the logits' shape. */
  readonly crossEntropy: Of<
    readonly [logits: N, target: N, weight: N | undefined],
    Reduction & { readonly ignoreIndex: number; readonly labelSmoothing: number }
  >;
  readonly huber: Of<readonly [input: N, target: N], Reduction & { readonly delta: number }>;
  readonly klDiv: Of<
    readonly [input: N, target: N],
    { readonly reduction: "none" | "mean" | "sum" | "batchmean"; readonly logTarget: boolean }
  >;
  readonly l1: Of<readonly [input: N, target: N], Reduction>;
  readonly mse: Of<readonly [input: N, target: N], Reduction>;
  readonly nll: Of<readonly [input: N, target: N, weight: N | undefined], Reduction & { readonly ignoreIndex: number }>;
  readonly smoothL1: Of<readonly [input: N, target: N], Reduction & { readonly beta: number }>;

  // ── mathematics ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** dim null: over all elements. */
  readonly argmax: Unary<N, { readonly dim: number | null; readonly keepdim: boolean }>;
  readonly argmin: Unary<N, { readonly dim: number | null; readonly keepdim: boolean }>;
  /** null: no bound. */
  readonly clamp: Unary<N, { readonly min: number | null; readonly max: number | null }>;
  readonly cosineSimilarity: Of<readonly [a: N, b: N], Dim & { readonly eps: number }>;
  readonly argsort: Unary<N, Dim & { readonly descending: boolean }>;
  readonly einsum: Of<readonly N[], { readonly equation: string }>;
  readonly logsumexp: Unary<N, Dims>;
  readonly matmul: Of<readonly [a: N, b: N], None>;
  readonly mean: Unary<N, Dims>;
  /** √Σx². */
  readonly norm: Unary<N, Dims>;
  readonly oneHot: Of<readonly [index: N], { readonly classes: number; readonly dtype: string }>;
  /** The index in each row of the element with a rank, from 0. */
  readonly placeOfRank: Of<readonly [x: N, rank: N], Dim>;
  readonly repeat: Unary<N, { readonly sizes: readonly number[] }>;
  /** Results: values and indices. */
  readonly sort: Unary<N, Dim & { readonly descending: boolean }>;
  readonly std: Unary<N, Dims & { readonly correction: number }>;
  /** Results: values and indices. */
  readonly topk: Unary<N, Dim & { readonly k: number; readonly largest: boolean }>;
  readonly tril: Unary<N, { readonly diagonal: number }>;
  readonly triu: Unary<N, { readonly diagonal: number }>;
  readonly variance: Unary<N, Dims & { readonly correction: number }>;
}

export type CompositeName = keyof CompositeTable<unknown>;
/** Any entry of the table: `switch (composite.name)` narrows the inputs and attributes. */
export type CompositeOf<N> = {
  readonly [K in CompositeName]: { readonly name: K } & CompositeTable<N>[K];
}[CompositeName];
