// Where the scan expects a result other than PyTorch's, and why; and public names that take no tensor to scan.

import { longNames } from "../arguments/calls.ts";
import { methodExceptions } from "./methodExceptions.ts";

export interface OnPurpose {
  readonly names: readonly string[];
  /** The kinds of input. */
  readonly kinds: RegExp;
  readonly because: string;
}

export const onPurpose: readonly OnPurpose[] = [
  ...methodExceptions,
  {
    names: "relu6 elu selu celu hardtanh hardswish hardshrink softshrink".split(" ").map((name) => `F.${name}`),
    kinds: /NaN/,
    because:
      "PyTorch's slope at NaN is 1 for a few elements and 0 or NaN for many: it depends on the kernel; ours is that of many",
  },
  {
    names: "ReLU6 ELU SELU CELU Hardtanh Hardswish Hardshrink Softshrink".split(" ").map((name) => `nn.${name}`),
    kinds: /NaN/,
    because: "the same",
  },
  {
    names: ["F.hardsigmoid", "nn.Hardsigmoid"],
    kinds: /^(?!.*NaN)/,
    because: "PyTorch rounds the slope 1/6 to float32",
  },
  {
    names: ["to"],
    kinds: /NaN|infinit/,
    because:
      "C leaves the conversion of NaN and infinities to int32 open; ours gives 0 and the nearest int32, everywhere",
  },
  {
    names: [
      "clamp",
      "F.marginRanking",
      "nn.MarginRankingLoss",
      "F.softMargin",
      "nn.SoftMarginLoss",
      "F.multilabelSoftMargin",
      "nn.MultiLabelSoftMarginLoss",
      "atan2",
    ],
    kinds: /uint8/,
    because: "in PyTorch a negative number wraps around in uint8, −1 to 255; ours widens first",
  },
  { names: ["maskedFill"], kinds: /bool/, because: "PyTorch casts the value to bool; ours widens the tensor" },
  { names: ["F.fold", "nn.Fold"], kinds: /bool/, because: "ours counts truths, as sums do" },
  {
    names: ["prod"],
    kinds: /NaN|infinit|∞/,
    because: "PyTorch divides the product by each factor, ∞ / ∞; ours is the product of the other factors",
  },
  {
    names: ["remainder"],
    kinds: /infinit|∞/,
    because: "⌊x / y⌋ beside an infinite divisor: PyTorch's is −1 for signs that differ, ours 0",
  },
  {
    names: ["amax", "amin", "logsumexp"],
    kinds: /0-d NaN/,
    because: "a 0-d tensor is its own extreme, and the slope of itself is 1",
  },
  {
    names: ["max", "min"],
    kinds: /NaN/,
    because: "ours is amax, whose gradient at a NaN is NaN in PyTorch too; PyTorch's max() shares it among the NaNs",
  },
  {
    names: ["logsumexp"],
    kinds: /all −∞|both infinities/,
    because: "the weights of equal −∞ are 0 here, NaN in PyTorch",
  },
  {
    names: [
      "F.bilinear",
      "conv1d",
      "conv2d",
      "convTranspose1d",
      "convTranspose2d",
      "conv3d",
      "convTranspose3d",
      "nn.Conv3d",
      "nn.ConvTranspose3d",
      "F.conv1d",
      "F.conv2d",
      "F.convTranspose1d",
      "F.convTranspose2d",
      "nn.Conv1d",
      "nn.Conv2d",
      "nn.ConvTranspose1d",
      "nn.ConvTranspose2d",
    ],
    kinds: /NaN|infinit|∞/,
    because:
      "a product with padding or with a 0 between strides is 0 · ∞ where PyTorch leaves it out, or the products are added in another order",
  },
  {
    names: [
      "conv1d",
      "conv2d",
      "conv3d",
      "nn.Conv3d",
      "F.conv1d",
      "F.conv2d",
      "F.unfold",
      "nn.Unfold",
      "F.pixelShuffle",
      "nn.PixelShuffle",
      "F.pixelUnshuffle",
      "nn.PixelUnshuffle",
    ],
    kinds: /no rows|empty rows|one element/,
    because: "no filters, no windows or no pixels give an empty result, which PyTorch refuses or cannot derive",
  },
  {
    names: ["F.gaussianNll", "nn.GaussianNLLLoss", "nn.Dropout1d"],
    kinds: /0-d|one dim less/,
    because: "one variance fits every element, and dropout in evaluation changes nothing, whatever the shape",
  },
  {
    names: ["F.scaledDotProductAttention"],
    kinds: /infinit|∞|no rows/,
    because:
      "PyTorch's fused kernel gives 0 for rows that its plain form gives NaN for, and takes the batch from the queries alone",
  },
  {
    names: ["F.cdist"],
    kinds: /infinit|∞/,
    because: "at an infinite distance the slope is 0 · ∞ in PyTorch and 0 here",
  },
  {
    names: ["F.bce", "nn.BCELoss"],
    kinds: /NaN/,
    because: "PyTorch refuses NaN as a value outside 0 … 1; ours shows in the loss, where those who watch for it look",
  },
  {
    names: ["F.klDiv", "nn.KLDivLoss"],
    kinds: /zeros as input 1/,
    because: "t · log t is flat at 0 here; PyTorch's slope there is NaN, from the branch not taken",
  },
  {
    names: ["F.softMargin", "nn.SoftMarginLoss"],
    kinds: /infinit|∞|1e4/,
    because: "PyTorch's gradient overflows; ours is −σ(−x)",
  },
  {
    names:
      "maxPool1d maxPool2d maxPool1dWithIndices maxPool2dWithIndices maxPool3dWithIndices adaptiveMaxPool1d adaptiveMaxPool2d adaptiveMaxPool3d"
        .split(" ")
        .map((name) => `F.${name}`),
    kinds: /NaN/,
    because: "of several NaNs in a window ours takes the first, PyTorch the last",
  },
  {
    names: [
      "maxPool3d",
      ..."MaxPool1d MaxPool2d MaxPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d"
        .split(" ")
        .map((name) => `nn.${name}`),
    ],
    kinds: /NaN/,
    because: "the same",
  },
];

const twice = "a function of the same name in functional has the row";
const draws = "it draws random numbers; test/conformance and src/tensor hold their contract";
const notTensors = "it takes no tensor";
const reads = "it reads or differentiates, and computes nothing itself";
const container = "it holds other layers, which have rows of their own";
const ownFigures = "its inputs must fit one another in their values too; test/golden has its figures";
const crashes = "PyTorch ends the process on a matrix without columns; src/nn/layers.test.ts compares it with cdist";
const notPyTorchs = "PyTorch has no such function; test/golden writes its formula out";

const because = (reason: string, names: string): Record<string, string> =>
  Object.fromEntries(names.split(" ").map((name) => [name, reason]));

/** Public names without a row, and why. */
export const withoutRows: Readonly<Record<string, string>> = {
  ...because(
    twice,
    `${Object.keys(longNames)
      .map((name) => `F.${name}`)
      .join(" ")} F.conv3d F.convTranspose3d F.maxPool3d F.avgPool3d nn.MaxUnpool1d nn.MaxUnpool2d nn.MaxUnpool3d`,
  ),
  ...because(twice, "adaptiveAvgPool1d adaptiveAvgPool2d avgPool1d avgPool2d interpolate maxPool1d maxPool2d"),
  ...because(draws, "bernoulli multinomial rand randint randn randperm F.gumbelSoftmax"),
  ...because(
    notTensors,
    "numel dim arange eye full linspace ones tensor zeros seed randomState setRandomState Generator currentGenerator withGenerator flush flushLater gradEnabled currentTrace traceGuard nn.causalMask",
  ),
  ...because(
    reads,
    "constructor toDevice nonzero maskedSelect unique uniqueConsecutive bincount dataSync data itemSync item toArraySync toArray toJSON backward toString customGradient half bfloat16 float double autocast grad jvp valueAndGrad vjp linearize jacrev jacfwd hessian vmap checkpoint functionalCall stackModuleState compile gradCheck noGrad inspect inspectStep scan",
  ),
  ...because(
    container,
    "Tensor State Parameter nn.Parameter nn.Module nn.ModuleDict nn.ModuleList nn.Residual nn.Sequential nn.TransformerDecoder nn.TransformerDecoderLayer nn.Transformer nn.MultiheadAttention nn.Bilinear",
  ),
  ...because(crashes, "F.pdist"),
  ...because(
    ownFigures,
    "atleast1d atleast2d atleast3d vstack hstack dstack columnStack blockDiag broadcastTensors cartesianProd combinations meshgrid searchsorted bucketize isin",
  ),
  ...because(
    ownFigures,
    "F.ctc F.gridSample F.affineGrid F.fractionalMaxPool2d F.fractionalMaxPool2dWithIndices F.fractionalMaxPool3d F.fractionalMaxPool3dWithIndices nn.CTCLoss nn.FractionalMaxPool2d nn.FractionalMaxPool3d",
  ),
  ...because(
    notPyTorchs,
    "F.step F.swiglu F.rotary F.alibi nn.SwiGLU F.focal F.hinge F.tripletWithDistance nn.Step nn.FocalLoss nn.HingeLoss nn.TripletMarginWithDistanceLoss nn.Perceptron",
  ),
  ...because(
    "PyTorch's needs CUDA; alone it is a BatchNorm, and test/distributed compares ranks with one process",
    "nn.SyncBatchNorm",
  ),
};
