// How every public function is called, here and in PyTorch, on the inputs of the scan.
import * as hebb from "../../src/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import type { InputSpec } from "./inputs.ts";
import { methodRows } from "./methodRows.ts";

const { nn } = hebb;
const F = nn.functional;

export interface Row {
  /** The public name: a method of Tensor, an export of hebb/tensor, of functional ("F."), or a layer ("nn."). */
  readonly name: string;
  readonly ours: (x: Tensor, y: Tensor, z: Tensor) => Tensor | readonly Tensor[];
  /** The same as an expression of x, y, z, torch, F and nn. */
  readonly torch: string;
  readonly inputs: readonly InputSpec[];
}

type Ours = Row["ours"];

const matrix = [2, 3] as const;
const box = [1, 2, 2, 4, 2] as const;
const row = (name: string, ours: Ours, torch: string, ...inputs: readonly InputSpec[]): Row => ({
  name,
  ours,
  torch,
  inputs: inputs.length === 0 ? [matrix] : inputs,
});

/** Methods without arguments that have the same name in PyTorch. */
const unary = (...names: readonly UnaryName[]): Row[] =>
  names.map((name) => row(name, (x) => x[name](), `x.${name}()`));
type UnaryName =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round"
  | "trunc"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sqrt"
  | "rsqrt"
  | "reciprocal"
  | "square"
  | "sin"
  | "cos"
  | "tan"
  | "atan"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "relu"
  | "isnan"
  | "isinf"
  | "isfinite"
  | "clone"
  | "detach"
  | "t";

const tensorRows: readonly Row[] = [
  ...unary("neg", "abs", "sign", "floor", "ceil", "round", "trunc", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt"),
  ...unary("reciprocal", "square", "sin", "cos", "tan", "atan", "tanh", "sigmoid", "erf", "relu", "isnan", "isinf"),
  ...unary("isfinite", "clone", "detach", "t"),
  row("add", (x, y) => x.add(y), "x.add(y)", matrix, matrix),
  row("sub", (x, y) => x.sub(y), "x.sub(y)", matrix, [3]),
  row("mul", (x, y) => x.mul(y), "x.mul(y)", matrix, [2, 1]),
  row("div", (x, y) => x.div(y), "x.div(y)", matrix, matrix),
  row("pow", (x, y) => x.pow(y), "x.pow(y)", matrix, matrix),
  row("pow", (x) => x.pow(2), "x.pow(2)"),
  row("pow", (x) => x.pow(0.5), "x.pow(0.5)"),
  row("pow", (x) => x.pow(-1), "x.pow(-1)"),
  row("pow", (x) => x.pow(0), "x.pow(0)"),
  row("pow", (x) => x.pow(3), "x.pow(3)"),
  row("remainder", (x, y) => x.remainder(y), "x.remainder(y)", matrix, matrix),
  row("maximum", (x, y) => x.maximum(y), "x.maximum(y)", matrix, matrix),
  row("minimum", (x, y) => x.minimum(y), "x.minimum(y)", matrix, matrix),
  row("atan2", (x, y) => x.atan2(y), "x.atan2(y)", matrix, matrix),
  ...(["eq", "ne", "lt", "le", "gt", "ge"] as const).map((name) =>
    row(name, (x, y) => x[name](y), `x.${name}(y)`, matrix, matrix),
  ),
  row("logicalAnd", (x, y) => x.logicalAnd(y), "x.logical_and(y)", matrix, matrix),
  row("logicalOr", (x, y) => x.logicalOr(y), "x.logical_or(y)", matrix, matrix),
  row("logicalNot", (x) => x.logicalNot(), "x.logical_not()"),
  row("where", (x, y) => x.where(y.gt(0), 2), "x.where(y > 0, 2)", matrix, matrix),
  row("clamp", (x) => x.clamp(-1, 1), "x.clamp(-1, 1)"),
  row("clamp", (x) => x.clamp(undefined, 0.5), "x.clamp(max=0.5)"),
  row("clamp", (x) => x.clamp(0.5), "x.clamp(0.5)"),
  row("to", (x) => x.to("int32"), "x.to(torch.int32)"),
  row("to", (x) => x.to("bool"), "x.to(torch.bool)"),
  row("to", (x) => x.to("float32"), "x.to(torch.float32)"),
  ...(["sum", "mean", "prod", "amax", "amin", "logsumexp"] as const).flatMap((name) => [
    row(name, (x) => x[name](1), `x.${name}(1)`),
    row(name, (x) => x[name](0), `x.${name}(0)`),
    row(name, (x) => x[name](-1, true), `x.${name}(-1, True)`),
  ]),
  ...(["sum", "mean", "prod", "amax", "amin"] as const).map((name) => row(name, (x) => x[name](), `x.${name}()`)),
  row("sum", (x) => x.sum([0, 1]), "x.sum([0, 1])"),
  row("sum", (x) => x.sum([]), "x.sum([])"),
  row("mean", (x) => x.mean([]), "x.mean([])"),
  row("amax", (x) => x.amax([]), "x.amax([])"),
  row("sum", (x) => x.sum([1, 1]), "x.sum([1, 1])"),
  row("sum", (x) => x.sum(2), "x.sum(2)"),
  row("max", (x) => x.max(), "x.max()"),
  row("min", (x) => x.min(), "x.min()"),
  row("argmax", (x) => x.argmax(1), "x.argmax(1)"),
  row("argmax", (x) => x.argmax(), "x.argmax()"),
  row("argmin", (x) => x.argmin(-1), "x.argmin(-1)"),
  row("any", (x) => x.any(1), "x.any(1)"),
  row("any", (x) => x.any(), "x.any()"),
  row("all", (x) => x.all(1), "x.all(1)"),
  row("all", (x) => x.all(), "x.all()"),
  row("variance", (x) => x.variance(1), "x.var(1)"),
  row("variance", (x) => x.variance(0, { correction: 0 }), "x.var(0, correction=0)"),
  row("std", (x) => x.std(1), "x.std(1)"),
  row("std", (x) => x.std(), "x.std()"),
  row("logsumexp", (x) => x.logsumexp([0, 1]), "x.logsumexp([0, 1])"),
  row("norm", (x) => x.norm(), "x.norm()"),
  row("norm", (x) => x.norm(2, 1), "x.norm(dim=1)"),
  row("softmax", (x) => x.softmax(1), "x.softmax(1)"),
  row("softmax", (x) => x.softmax(0), "x.softmax(0)"),
  row("logSoftmax", (x) => x.logSoftmax(-1), "x.log_softmax(-1)"),
  row("cumsum", (x) => x.cumsum(1), "x.cumsum(1)"),
  row("cumsum", (x) => x.cumsum(0), "x.cumsum(0)"),
  row("reshape", (x) => x.reshape([3, 2]), "x.reshape([3, 2])"),
  row("reshape", (x) => x.reshape([-1]), "x.reshape([-1])"),
  row("reshape", (x) => x.reshape([0, -1]), "x.reshape([0, -1])"),
  row("flatten", (x) => x.flatten(), "x.flatten()"),
  row("flatten", (x) => x.flatten(1), "x.flatten(1)", [2, 3, 2]),
  row("unflatten", (x) => x.unflatten(1, [3, 1]), "x.unflatten(1, [3, 1])"),
  row("unsqueeze", (x) => x.unsqueeze(-1), "x.unsqueeze(-1)"),
  row("squeeze", (x) => x.squeeze(), "x.squeeze()", [2, 1, 3]),
  row("squeeze", (x) => x.squeeze(1), "x.squeeze(1)", [2, 1, 3]),
  row("transpose", (x) => x.transpose(0, 1), "x.transpose(0, 1)"),
  row("permute", (x) => x.permute([1, 0]), "x.permute([1, 0])"),
  row("expand", (x) => x.expand([4, 2, 3]), "x.expand([4, 2, 3])"),
  row("expand", (x) => x.expand([-1, 3]), "x.expand([-1, 3])", [2, 1]),
  row("flip", (x) => x.flip([0, 1]), "x.flip([0, 1])"),
  row("repeat", (x) => x.repeat([2, 1]), "x.repeat([2, 1])"),
  row(
    "pad",
    (x) =>
      x.pad(
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    "F.pad(x, (0, 2, 1, 0), value=0.5)",
  ),
  row("slice", (x) => x.slice(1, 1), "x[:, 1:]"),
  row("slice", (x) => x.slice(1, -2, 9), "x[:, -2:9]"),
  row("select", (x) => x.select(1, -1), "x.select(1, -1)"),
  row("narrow", (x) => x.narrow(1, 1, 2), "x.narrow(1, 1, 2)"),
  row("split", (x) => x.split(2, 1), "x.split(2, 1)"),
  row("chunk", (x) => x.chunk(2, 1), "x.chunk(2, 1)"),
  row("gather", (x, i) => x.gather(1, i), "x.gather(1, y)", matrix, { ints: [0, 2, 1, 1], shape: [2, 2] }),
  row("indexSelect", (x, i) => x.indexSelect(1, i), "x.index_select(1, y)", matrix, { ints: [2, 0, 0] }),
  row(
    "scatterAdd",
    (x, i, s) => x.scatterAdd(1, i, s),
    "x.scatter_add(1, y, z)",
    matrix,
    { ints: [0, 2, 1, 1], shape: [2, 2] },
    [2, 2],
  ),
  row("maskedFill", (x, y) => x.maskedFill(y.gt(0), 7), "x.masked_fill(y > 0, 7)", matrix, matrix),
  row("tril", (x) => x.tril(), "x.tril()"),
  row("triu", (x) => x.triu(1), "x.triu(1)"),
  row("sort", (x) => x.sort(1).values, "torch.sort(x, dim=1)[0]"),
  row("sort", (x) => x.sort(0, { descending: true }).indices, "torch.sort(x, dim=0, descending=True, stable=True)[1]"),
  row("argsort", (x) => x.argsort(1), "torch.argsort(x, dim=1, stable=True)"),
  row("topk", (x) => x.topk(2, 1).values, "x.topk(2, 1).values"),
  row("topk", (x) => x.topk(1, 0).values, "x.topk(1, 0).values"),
  row("matmul", (x, y) => x.matmul(y), "x.matmul(y)", matrix, [3, 2]),
];

const exportRows: readonly Row[] = [
  row("cat", (x, y) => hebb.cat([x, y], 1), "torch.cat([x, y], 1)", matrix, [2, 1]),
  row("stack", (x, y) => hebb.stack([x, y], 1), "torch.stack([x, y], 1)", matrix, matrix),
  row("tensordot", (x, y) => hebb.tensordot(x, y, 1), "torch.tensordot(x, y, 1)", matrix, [3, 2]),
  row("einsum", (x, y) => hebb.einsum("ij,kj->ik", x, y), 'torch.einsum("ij,kj->ik", x, y)', matrix, matrix),
  row("oneHot", (i) => hebb.oneHot(i, 4), "F.one_hot(x.long(), 4)", { ints: [0, 3, 1] }),
  row("hebb.where", (x, y) => hebb.where(x.gt(y), x, y), "torch.where(x > y, x, y)", matrix, matrix),
  row("zerosLike", (x) => hebb.zerosLike(x), "torch.zeros_like(x)"),
  row("onesLike", (x) => hebb.onesLike(x), "torch.ones_like(x)"),
  row("conv1d", (x, w) => hebb.conv1d(x, w), "F.conv1d(x, y)", [1, 2, 5], [2, 2, 3]),
  row("conv2d", (x, w) => hebb.conv2d(x, w), "F.conv2d(x, y)", [1, 2, 4, 4], [1, 2, 3, 3]),
  row("conv3d", (x, w) => hebb.conv3d(x, w), "F.conv3d(x, y)", [1, 2, 2, 3, 2], [1, 2, 2, 2, 2]),
  row(
    "convTranspose3d",
    (x, w) => hebb.convTranspose3d(x, w),
    "F.conv_transpose3d(x, y)",
    [1, 1, 2, 2, 2],
    [1, 1, 2, 1, 2],
  ),
  row("maxPool3d", (x) => hebb.maxPool3d(x, 2), "F.max_pool3d(x, 2)", box),
  row("avgPool3d", (x) => hebb.avgPool3d(x, 2), "F.avg_pool3d(x, 2)", box),
  row("convTranspose1d", (x, w) => hebb.convTranspose1d(x, w), "F.conv_transpose1d(x, y)", [1, 2, 3], [2, 1, 2]),
  row("convTranspose2d", (x, w) => hebb.convTranspose2d(x, w), "F.conv_transpose2d(x, y)", [1, 2, 3, 3], [2, 1, 2, 2]),
];

const image = [1, 2, 4, 4] as const;
const line = [1, 2, 6] as const;
const logits = [3, 4] as const;
const labels = { ints: [0, 3, 1] } as const;

const activationNames = [
  "relu",
  "relu6",
  "elu",
  "selu",
  "gelu",
  "silu",
  "mish",
  "softplus",
  "softsign",
  "hardsigmoid",
  "hardtanh",
  "hardswish",
  "celu",
  "hardshrink",
  "softshrink",
  "tanhshrink",
  "sigmoid",
  "tanh",
] as const;

const functionalRows: readonly Row[] = [
  ...activationNames.map((name) => row(`F.${name}`, (x) => F[name](x), `F.${name}(x)`)),
  row("F.gelu", (x) => F.gelu(x, "tanh"), 'F.gelu(x, approximate="tanh")'),
  row("F.leakyRelu", (x) => F.leakyRelu(x), "F.leaky_relu(x)"),
  row("F.logSigmoid", (x) => F.logSigmoid(x), "F.logsigmoid(x)"),
  row("F.prelu", (x, w) => F.prelu(x, w), "F.prelu(x, y)", matrix, [3]),
  row("F.threshold", (x) => F.threshold(x, 0.5, -2), "F.threshold(x, 0.5, -2.0)"),
  row("F.softmax", (x) => F.softmax(x, 1), "F.softmax(x, 1)"),
  row("F.softmin", (x) => F.softmin(x, 1), "F.softmin(x, 1)"),
  row("F.logSoftmax", (x) => F.logSoftmax(x, 1), "F.log_softmax(x, 1)"),
  row("F.glu", (x) => F.glu(x), "F.glu(x)", [2, 4]),
  row("F.rrelu", (x) => F.rrelu(x), "F.rrelu(x)"),
  row("F.identity", (x) => F.identity(x), "x"),
  ...(["dropout", "dropout1d", "dropout2d", "alphaDropout", "featureAlphaDropout"] as const).map((name) =>
    row(`F.${name}`, (x) => F[name](x, 0.5, false), "x"),
  ),
  row("F.linear", (x, w, b) => F.linear(x, w, b), "F.linear(x, y, z)", matrix, [2, 3], [2]),
  row("F.bilinear", (x, y, w) => F.bilinear(x, y, w), "F.bilinear(x, y, z)", matrix, [2, 2], [1, 3, 2]),
  row(
    "F.conv1d",
    (x, w) => F.conv1d(x, w, undefined, { padding: 1 }),
    "F.conv1d(x, y, padding=1)",
    [1, 2, 5],
    [2, 2, 3],
  ),
  row(
    "F.conv2d",
    (x, w) => F.conv2d(x, w, undefined, { stride: 2 }),
    "F.conv2d(x, y, stride=2)",
    [1, 2, 5, 5],
    [1, 2, 3, 3],
  ),
  row("F.convTranspose1d", (x, w) => F.convTranspose1d(x, w), "F.conv_transpose1d(x, y)", [1, 2, 3], [2, 1, 2]),
  row("F.convTranspose2d", (x, w) => F.convTranspose2d(x, w), "F.conv_transpose2d(x, y)", [1, 2, 3, 3], [2, 1, 2, 2]),
  row("F.maxPool1d", (x) => F.maxPool1d(x, 2), "F.max_pool1d(x, 2)", line),
  row("F.maxPool2d", (x) => F.maxPool2d(x, 2), "F.max_pool2d(x, 2)", image),
  row(
    "F.maxPool1dWithIndices",
    (x) => F.maxPool1dWithIndices(x, 2).indices,
    "F.max_pool1d(x, 2, return_indices=True)[1]",
    line,
  ),
  row(
    "F.maxPool2dWithIndices",
    (x) => F.maxPool2dWithIndices(x, 2).values,
    "F.max_pool2d(x, 2, return_indices=True)[0]",
    image,
  ),
  row("F.avgPool1d", (x) => F.avgPool1d(x, 2), "F.avg_pool1d(x, 2)", line),
  row("F.avgPool2d", (x) => F.avgPool2d(x, 2), "F.avg_pool2d(x, 2)", image),
  row("F.adaptiveAvgPool1d", (x) => F.adaptiveAvgPool1d(x, 3), "F.adaptive_avg_pool1d(x, 3)", line),
  row("F.adaptiveAvgPool2d", (x) => F.adaptiveAvgPool2d(x, 3), "F.adaptive_avg_pool2d(x, 3)", image),
  row("F.adaptiveMaxPool1d", (x) => F.adaptiveMaxPool1d(x, 3), "F.adaptive_max_pool1d(x, 3)", line),
  row("F.adaptiveMaxPool2d", (x) => F.adaptiveMaxPool2d(x, 3), "F.adaptive_max_pool2d(x, 3)", image),
  row("F.adaptiveAvgPool3d", (x) => F.adaptiveAvgPool3d(x, [2, 3, 1]), "F.adaptive_avg_pool3d(x, (2, 3, 1))", box),
  row("F.adaptiveMaxPool3d", (x) => F.adaptiveMaxPool3d(x, [2, 3, 1]), "F.adaptive_max_pool3d(x, (2, 3, 1))", box),
  row(
    "F.maxPool3dWithIndices",
    (x) => F.maxPool3dWithIndices(x, 2).indices,
    "F.max_pool3d(x, 2, return_indices=True)[1]",
    box,
  ),
  row("F.lpPool3d", (x) => F.lpPool3d(x, 2, 2), "F.lp_pool3d(x, 2, 2)", box),
  row("F.maxUnpool3d", (x, i) => F.maxUnpool3d(x, i, 2), "F.max_unpool3d(x, y.long(), 2)", [1, 1, 1, 1, 2], {
    ints: [0, 9],
    shape: [1, 1, 1, 1, 2],
  }),
  row("F.dropout3d", (x) => F.dropout3d(x, 0.5, false), "x"),
  row("F.lpPool1d", (x) => F.lpPool1d(x, 2, 2), "F.lp_pool1d(x, 2, 2)", line),
  row("F.lpPool2d", (x) => F.lpPool2d(x, 2, 2), "F.lp_pool2d(x, 2, 2)", image),
  row("F.maxUnpool1d", (x, i) => F.maxUnpool1d(x, i, 2), "F.max_unpool1d(x, y.long(), 2)", [1, 1, 3], {
    ints: [0, 3, 5],
    shape: [1, 1, 3],
  }),
  row("F.maxUnpool2d", (x, i) => F.maxUnpool2d(x, i, 2), "F.max_unpool2d(x, y.long(), 2)", [1, 1, 2, 2], {
    ints: [0, 3, 9, 15],
    shape: [1, 1, 2, 2],
  }),
  row("F.pad", (x) => F.pad(x, [1, 1], { mode: "reflect" }), 'F.pad(x, (1, 1), mode="reflect")', line),
  row("F.pad", (x) => F.pad(x, [1, 1], { mode: "replicate" }), 'F.pad(x, (1, 1), mode="replicate")', line),
  row("F.pad", (x) => F.pad(x, [1, 1], { mode: "circular" }), 'F.pad(x, (1, 1), mode="circular")', line),
  row(
    "F.interpolate",
    (x) => F.interpolate(x, { scaleFactor: 1.5, mode: "linear" }),
    'F.interpolate(x, scale_factor=1.5, mode="linear")',
    line,
  ),
  row(
    "F.interpolate",
    (x) => F.interpolate(x, { size: [3, 5], mode: "bilinear", alignCorners: true }),
    'F.interpolate(x, size=(3, 5), mode="bilinear", align_corners=True)',
    image,
  ),
  row("F.pixelShuffle", (x) => F.pixelShuffle(x, 2), "F.pixel_shuffle(x, 2)", [1, 4, 2, 2]),
  row("F.pixelUnshuffle", (x) => F.pixelUnshuffle(x, 2), "F.pixel_unshuffle(x, 2)", image),
  row("F.channelShuffle", (x) => F.channelShuffle(x, 2), "F.channel_shuffle(x, 2)", [1, 4, 2, 2]),
  row("F.unfold", (x) => F.unfold(x, 2), "F.unfold(x, 2)", image),
  row("F.fold", (x) => F.fold(x, [3, 3], 2), "F.fold(x, (3, 3), 2)", [1, 4, 4]),
  row(
    "F.batchNorm",
    (x) => F.batchNorm(x, undefined, undefined, { training: true }),
    "F.batch_norm(x, None, None, training=True)",
    [4, 3],
  ),
  row("F.layerNorm", (x) => F.layerNorm(x, [3]), "F.layer_norm(x, [3])"),
  row("F.groupNorm", (x) => F.groupNorm(x, 2), "F.group_norm(x, 2)", [2, 4, 3]),
  row("F.instanceNorm", (x) => F.instanceNorm(x), "F.instance_norm(x)", line),
  row("F.rmsNorm", (x) => F.rmsNorm(x, [3], undefined, 1e-5), "F.rms_norm(x, [3], eps=1e-5)"),
  row("F.localResponseNorm", (x) => F.localResponseNorm(x, 2), "F.local_response_norm(x, 2)", [1, 4, 3]),
  row("F.normalize", (x) => F.normalize(x), "F.normalize(x)"),
  row("F.cosineSimilarity", (x, y) => F.cosineSimilarity(x, y), "F.cosine_similarity(x, y)", matrix, matrix),
  row(
    "F.pairwiseDistance",
    (x, y) => F.pairwiseDistance(x, y, { eps: 0 }),
    "F.pairwise_distance(x, y, eps=0)",
    matrix,
    matrix,
  ),
  row("F.cdist", (x, y) => F.cdist(x, y), "torch.cdist(x, y)", matrix, matrix),
  row("F.cdist", (x, y) => F.cdist(x, y, 1.5), "torch.cdist(x, y, p=1.5)", matrix, matrix),
  row("F.embedding", (i, w) => F.embedding(i, w), "F.embedding(x, y)", { ints: [0, 2, 2] }, [3, 2]),
  row(
    "F.embeddingBag",
    (i, w) => F.embeddingBag(i, w),
    "F.embedding_bag(x, y)",
    { ints: [0, 2, 2, 1], shape: [2, 2] },
    [3, 2],
  ),
  row("F.oneHot", (i) => F.oneHot(i, 4), "F.one_hot(x.long(), 4)", { ints: [0, 3, 1] }),
  row(
    "F.scaledDotProductAttention",
    (q, k, v) => F.scaledDotProductAttention(q, k, v),
    "F.scaled_dot_product_attention(x, y, z)",
    [1, 2, 2],
    [1, 3, 2],
    [1, 3, 2],
  ),
  row("F.mse", (x, y) => F.mse(x, y), "F.mse_loss(x, y)", matrix, matrix),
  row("F.l1", (x, y) => F.l1(x, y), "F.l1_loss(x, y)", matrix, matrix),
  row("F.huber", (x, y) => F.huber(x, y), "F.huber_loss(x, y)", matrix, matrix),
  row("F.smoothL1", (x, y) => F.smoothL1(x, y), "F.smooth_l1_loss(x, y)", matrix, matrix),
  row(
    "F.bce",
    (x, y) => F.bce(x.sigmoid(), y.sigmoid()),
    "F.binary_cross_entropy(x.sigmoid(), y.sigmoid())",
    matrix,
    matrix,
  ),
  row("F.bce", (x, y) => F.bce(x, y.sigmoid()), "F.binary_cross_entropy(x, y.sigmoid())", matrix, matrix),
  row("F.bceWithLogits", (x, y) => F.bceWithLogits(x, y), "F.binary_cross_entropy_with_logits(x, y)", matrix, matrix),
  row(
    "F.crossEntropy",
    (x, y) => F.crossEntropy(x, y),
    "F.cross_entropy(x, y.long() if not y.is_floating_point() else y)",
    logits,
    labels,
  ),
  row("F.crossEntropy", (x, y) => F.crossEntropy(x, y), "F.cross_entropy(x, y)", logits, logits),
  row("F.nll", (x, y) => F.nll(x, y), "F.nll_loss(x, y.long() if not y.is_floating_point() else y)", logits, labels),
  row("F.klDiv", (x, y) => F.klDiv(x, y), 'F.kl_div(x, y, reduction="mean")', matrix, matrix),
  row(
    "F.hingeEmbedding",
    (x, y) => F.hingeEmbedding(x, y.sign()),
    "F.hinge_embedding_loss(x, y.sign())",
    matrix,
    matrix,
  ),
  row(
    "F.cosineEmbedding",
    (x, y, z) => F.cosineEmbedding(x, y, z.sign()),
    "F.cosine_embedding_loss(x, y, z.sign())",
    matrix,
    matrix,
    [2],
  ),
  row("F.poissonNll", (x, y) => F.poissonNll(x, y), "F.poisson_nll_loss(x, y)", matrix, matrix),
  row(
    "F.gaussianNll",
    (x, y, z) => F.gaussianNll(x, y, z.abs()),
    "F.gaussian_nll_loss(x, y, z.abs())",
    matrix,
    matrix,
    matrix,
  ),
  row("F.triplet", (x, y, z) => F.triplet(x, y, z), "F.triplet_margin_loss(x, y, z)", matrix, matrix, matrix),
  row(
    "F.marginRanking",
    (x, y, z) => F.marginRanking(x, y, z.sign()),
    "F.margin_ranking_loss(x, y, z.sign())",
    [3],
    [3],
    [3],
  ),
  row(
    "F.softMargin",
    (x, y) => F.softMargin(x, y.detach().sign()),
    "F.soft_margin_loss(x, y.detach().sign())",
    matrix,
    matrix,
  ),
  row("F.multiMargin", (x, y) => F.multiMargin(x, y), "F.multi_margin_loss(x, y.long())", logits, labels),
  row("F.multilabelMargin", (x, y) => F.multilabelMargin(x, y), "F.multilabel_margin_loss(x, y.long())", [1, 4], {
    ints: [3, 0, -1, 1],
    shape: [1, 4],
  }),
  row(
    "F.multilabelSoftMargin",
    (x, y) => F.multilabelSoftMargin(x, y),
    "F.multilabel_soft_margin_loss(x, y)",
    matrix,
    matrix,
  ),
];

/** A layer on one input. Parameters are filled the same way on both sides (see figures.py). */
const layer = (name: string, make: () => Layer, torch: string, ...inputs: readonly InputSpec[]): Row =>
  row(`nn.${name}`, (x) => first(filled(make()).forward(x)), `run(${torch}, x)`, ...inputs);

type Layer = InstanceType<typeof nn.Module>;

const first = (output: unknown): Tensor => {
  if (output instanceof hebb.Tensor) return output;
  if (Array.isArray(output)) return first(output[0]);
  throw new Error("the layer gives no tensor");
};

/** Parameters with values that no symmetry hides. */
function filled(module: Layer): Layer {
  let place = 0;
  for (const [, parameter] of module.namedParameters()) {
    const values = Array.from({ length: parameter.size }, () => Math.cos(++place) / 2);
    parameter.assign(hebb.tensor(values, { dtype: parameter.dtype, shape: parameter.shape }));
  }
  return module;
}

const dtype = "float64";
const layerRows: readonly Row[] = [
  layer("Linear", () => new nn.Linear(3, 2, { dtype }), "nn.Linear(3, 2)"),
  layer("Conv1d", () => new nn.Conv1d(2, 2, 3, { dtype }), "nn.Conv1d(2, 2, 3)", line),
  layer("Conv2d", () => new nn.Conv2d(2, 1, 3, { dtype }), "nn.Conv2d(2, 1, 3)", image),
  layer("Conv3d", () => new nn.Conv3d(2, 1, 2, { dtype }), "nn.Conv3d(2, 1, 2)", box),
  layer("ConvTranspose3d", () => new nn.ConvTranspose3d(2, 1, 2, { dtype }), "nn.ConvTranspose3d(2, 1, 2)", box),
  layer("BatchNorm3d", () => new nn.BatchNorm3d(2, { dtype }), "nn.BatchNorm3d(2)", box),
  layer("InstanceNorm3d", () => new nn.InstanceNorm3d(2), "nn.InstanceNorm3d(2)", box),
  layer("ConvTranspose1d", () => new nn.ConvTranspose1d(2, 1, 2, { dtype }), "nn.ConvTranspose1d(2, 1, 2)", line),
  layer("ConvTranspose2d", () => new nn.ConvTranspose2d(2, 1, 2, { dtype }), "nn.ConvTranspose2d(2, 1, 2)", image),
  layer("BatchNorm1d", () => new nn.BatchNorm1d(3, { dtype }), "nn.BatchNorm1d(3)"),
  layer("BatchNorm2d", () => new nn.BatchNorm2d(2, { dtype }), "nn.BatchNorm2d(2)", image),
  layer("LayerNorm", () => new nn.LayerNorm(3, { dtype }), "nn.LayerNorm(3)"),
  layer("GroupNorm", () => new nn.GroupNorm(2, 4, { dtype }), "nn.GroupNorm(2, 4)", [2, 4, 3]),
  layer("InstanceNorm1d", () => new nn.InstanceNorm1d(2), "nn.InstanceNorm1d(2)", line),
  layer("InstanceNorm2d", () => new nn.InstanceNorm2d(2), "nn.InstanceNorm2d(2)", image),
  layer("RNN", () => new nn.RNN(3, 2, { dtype }), "nn.RNN(3, 2)", [2, 1, 3]),
  layer("LSTM", () => new nn.LSTM(3, 2, { dtype }), "nn.LSTM(3, 2)", [2, 1, 3]),
  layer("GRU", () => new nn.GRU(3, 2, { dtype }), "nn.GRU(3, 2)", [2, 1, 3]),
  layer("RNNCell", () => new nn.RNNCell(3, 2, { dtype }), "nn.RNNCell(3, 2)"),
  layer("LSTMCell", () => new nn.LSTMCell(3, 2, { dtype }), "nn.LSTMCell(3, 2)"),
  layer("GRUCell", () => new nn.GRUCell(3, 2, { dtype }), "nn.GRUCell(3, 2)"),
  layer("PReLU", () => new nn.PReLU(3, 0.25, { dtype }), "nn.PReLU(3)"),
  layer("Softmax2d", () => new nn.Softmax2d(), "nn.Softmax2d()", image),
  layer("Embedding", () => new nn.Embedding(4, 2, { dtype }), "nn.Embedding(4, 2)", { ints: [0, 3, 1] }),
  layer(
    "TransformerEncoderLayer",
    () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, dropout: 0, dtype }),
    "nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0)",
    [3, 1, 4],
  ),
];

const plainLayers = [
  "CELU",
  "ELU",
  "GELU",
  "GLU",
  "Hardshrink",
  "Hardsigmoid",
  "Hardswish",
  "Hardtanh",
  "LeakyReLU",
  "LogSigmoid",
  "Mish",
  "ReLU",
  "ReLU6",
  "SELU",
  "Sigmoid",
  "SiLU",
  "Softplus",
  "Softshrink",
  "Softsign",
  "Tanh",
  "Tanhshrink",
  "Identity",
  "Flatten",
] as const;
const along = ["Softmax", "LogSoftmax", "Softmin"] as const;
const dropouts = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"] as const;
const pads = ["ReflectionPad", "ReplicationPad", "CircularPad", "ZeroPad"] as const;
const pools = ["MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool"] as const;

const plainLayerRows: readonly Row[] = [
  ...plainLayers.map((name) => layer(name, () => new nn[name](), `nn.${name}()`, [2, 4])),
  ...along.map((name) => layer(name, () => new nn[name](1), `nn.${name}(1)`)),
  ...dropouts.map((name) => layer(name, () => new nn[name](0.5).eval(), `nn.${name}(0.5).eval()`)),
  ...pads.map((name) => layer(`${name}1d`, () => new nn[`${name}1d`](1), `nn.${name}1d(1)`, line)),
  ...pads.map((name) => layer(`${name}2d`, () => new nn[`${name}2d`](1), `nn.${name}2d(1)`, image)),
  ...pools.map((name) => layer(`${name}1d`, () => new nn[`${name}1d`](2), `nn.${name}1d(2)`, line)),
  ...pools.map((name) => layer(`${name}2d`, () => new nn[`${name}2d`](2), `nn.${name}2d(2)`, image)),
  ...pads.map((name) => layer(`${name}3d`, () => new nn[`${name}3d`](1), `nn.${name}3d(1)`, box)),
  ...pools.map((name) => layer(`${name}3d`, () => new nn[`${name}3d`](2), `nn.${name}3d(2)`, box)),
  layer("ConstantPad3d", () => new nn.ConstantPad3d(1, 0.5), "nn.ConstantPad3d(1, 0.5)", box),
  layer("LPPool3d", () => new nn.LPPool3d(2, 2), "nn.LPPool3d(2, 2)", box),
  layer("ConstantPad1d", () => new nn.ConstantPad1d(1, 0.5), "nn.ConstantPad1d(1, 0.5)", line),
  layer("ConstantPad2d", () => new nn.ConstantPad2d(1, 0.5), "nn.ConstantPad2d(1, 0.5)", image),
  layer("LPPool1d", () => new nn.LPPool1d(2, 2), "nn.LPPool1d(2, 2)", line),
  layer("LPPool2d", () => new nn.LPPool2d(2, 2), "nn.LPPool2d(2, 2)", image),
  layer("RReLU", () => new nn.RReLU().eval(), "nn.RReLU().eval()"),
  layer("Threshold", () => new nn.Threshold(0.5, -2), "nn.Threshold(0.5, -2.0)"),
  layer("Unflatten", () => new nn.Unflatten(1, [3, 1]), "nn.Unflatten(1, (3, 1))"),
  layer("RMSNorm", () => new nn.RMSNorm(3, { eps: 1e-5, dtype }), "nn.RMSNorm(3, eps=1e-5)"),
  layer("LocalResponseNorm", () => new nn.LocalResponseNorm(2), "nn.LocalResponseNorm(2)", [1, 4, 3]),
  layer("ChannelShuffle", () => new nn.ChannelShuffle(2), "nn.ChannelShuffle(2)", [1, 4, 2, 2]),
  layer("PixelShuffle", () => new nn.PixelShuffle(2), "nn.PixelShuffle(2)", [1, 4, 2, 2]),
  layer("PixelUnshuffle", () => new nn.PixelUnshuffle(2), "nn.PixelUnshuffle(2)", image),
  layer("Unfold", () => new nn.Unfold(2), "nn.Unfold(2)", image),
  layer("Fold", () => new nn.Fold([3, 3], 2), "nn.Fold((3, 3), 2)", [1, 4, 4]),
  layer("Upsample", () => new nn.Upsample({ scaleFactor: 2 }), "nn.Upsample(scale_factor=2)", image),
  layer("EmbeddingBag", () => new nn.EmbeddingBag(4, 2, { dtype }), "nn.EmbeddingBag(4, 2)", {
    ints: [0, 3, 1, 1],
    shape: [2, 2],
  }),
  layer(
    "TransformerEncoder",
    () => new nn.TransformerEncoder(encoderLayer, 1),
    "nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0), 1, enable_nested_tensor=False)",
    [3, 1, 4],
  ),
];

const encoderLayer = () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, dropout: 0, dtype });

/** Loss layers call the functions above; one row shows that they pass on their inputs. */
const lossLayers = [
  "MSELoss",
  "L1Loss",
  "HuberLoss",
  "SmoothL1Loss",
  "BCEWithLogitsLoss",
  "PoissonNLLLoss",
  "MultiLabelSoftMarginLoss",
] as const;
const classLosses = ["CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"] as const;

const lossRows: readonly Row[] = [
  ...lossLayers.map((name) =>
    row(`nn.${name}`, (x, y) => new nn[name]().forward(x, y), `nn.${name}()(x, y)`, matrix, matrix),
  ),
  ...classLosses.map((name) =>
    row(
      `nn.${name}`,
      (x, y) => new nn[name]().forward(x, y),
      `nn.${name}()(x, y.long() if not y.is_floating_point() else y)`,
      logits,
      labels,
    ),
  ),
  row(
    "nn.BCELoss",
    (x, y) => new nn.BCELoss().forward(x.sigmoid(), y.sigmoid()),
    "nn.BCELoss()(x.sigmoid(), y.sigmoid())",
    matrix,
    matrix,
  ),
  row("nn.KLDivLoss", (x, y) => new nn.KLDivLoss().forward(x, y), "nn.KLDivLoss()(x, y)", matrix, matrix),
  row(
    "nn.HingeEmbeddingLoss",
    (x, y) => new nn.HingeEmbeddingLoss().forward(x, y.sign()),
    "nn.HingeEmbeddingLoss()(x, y.sign())",
    matrix,
    matrix,
  ),
  row(
    "nn.SoftMarginLoss",
    (x, y) => new nn.SoftMarginLoss().forward(x, y.detach().sign()),
    "nn.SoftMarginLoss()(x, y.detach().sign())",
    matrix,
    matrix,
  ),
  row(
    "nn.CosineEmbeddingLoss",
    (x, y, z) => new nn.CosineEmbeddingLoss().forward(x, y, z.sign()),
    "nn.CosineEmbeddingLoss()(x, y, z.sign())",
    matrix,
    matrix,
    [2],
  ),
  row(
    "nn.GaussianNLLLoss",
    (x, y, z) => new nn.GaussianNLLLoss().forward(x, y, z.abs()),
    "nn.GaussianNLLLoss()(x, y, z.abs())",
    matrix,
    matrix,
    matrix,
  ),
  row(
    "nn.MarginRankingLoss",
    (x, y, z) => new nn.MarginRankingLoss().forward(x, y, z.sign()),
    "nn.MarginRankingLoss()(x, y, z.sign())",
    [3],
    [3],
    [3],
  ),
  row(
    "nn.TripletMarginLoss",
    (x, y, z) => new nn.TripletMarginLoss().forward(x, y, z),
    "nn.TripletMarginLoss()(x, y, z)",
    matrix,
    matrix,
    matrix,
  ),
  row(
    "nn.MultiLabelMarginLoss",
    (x, y) => new nn.MultiLabelMarginLoss().forward(x, y),
    "nn.MultiLabelMarginLoss()(x, y.long())",
    [1, 4],
    { ints: [3, 0, -1, 1], shape: [1, 4] },
  ),
  row(
    "nn.CosineSimilarity",
    (x, y) => new nn.CosineSimilarity().forward(x, y),
    "nn.CosineSimilarity()(x, y)",
    matrix,
    matrix,
  ),
  row(
    "nn.PairwiseDistance",
    (x, y) => new nn.PairwiseDistance().forward(x, y),
    "nn.PairwiseDistance()(x, y)",
    matrix,
    matrix,
  ),
];

export const rows: readonly Row[] = [
  ...tensorRows,
  ...methodRows,
  ...exportRows,
  ...functionalRows,
  ...layerRows,
  ...plainLayerRows,
  ...lossRows,
];
