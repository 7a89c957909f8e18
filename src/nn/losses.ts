// Loss functions: formulas, options and reductions are PyTorch's; all stay finite for inputs of ±1e4.
import { HebbError, ShapeError } from "../graph/errors.ts";
import { isFloat } from "../graph/dtype.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { type Tensor, where } from "../tensor/index.ts";
import { softplus } from "./activations.ts";

/** "mean" divides by the number of elements (for weighted classes, by the sum of weights). Default everywhere. */
export type Reduction = "none" | "mean" | "sum";
export interface LossOptions {
  readonly reduction?: Reduction;
}

function reduce(loss: Tensor, reduction: Reduction = "mean"): Tensor {
  switch (reduction) {
    case "none":
      return loss;
    case "mean":
      return loss.mean();
    case "sum":
      return loss.sum();
    default:
      throw new HebbError(`loss: reduction must be "none", "mean" or "sum", got "${String(reduction)}"`);
  }
}

function sameSizes(name: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.shape, target.shape)) return;
  throw new ShapeError(`${name}: input ${formatShape(input.shape)} and target ${formatShape(target.shape)} must have the same shape; ${advice(input, target)}`);
}

const advice = (input: Tensor, target: Tensor): string =>
  input.size === target.size ? `reshape one of them (target.reshape([${input.shape.join(", ")}]))` : "do the network's outputs fit the targets?";

/** (input − target)² (torch.nn.functional.mse_loss). */
export function mse(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  sameSizes("mse", input, target);
  return reduce(input.sub(target).square(), options.reduction);
}

/** |input − target| (torch.nn.functional.l1_loss). */
export function l1(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  sameSizes("l1", input, target);
  return reduce(input.sub(target).abs(), options.reduction);
}

/** d²/2 where |d| ≤ delta, else delta (|d| − delta/2). Default delta 1 (torch.nn.functional.huber_loss). */
export function huber(input: Tensor, target: Tensor, options: LossOptions & { readonly delta?: number } = {}): Tensor {
  sameSizes("huber", input, target);
  const { delta = 1 } = options;
  if (!(delta > 0)) throw new HebbError(`huber: delta must be above 0, got ${delta}`);
  const d = input.sub(target);
  const size = d.abs();
  return reduce(where(size.le(delta), d.square().mul(0.5), size.sub(0.5 * delta).mul(delta)), options.reduction);
}

/** d²/(2 beta) where |d| < beta, else |d| − beta/2. Default beta 1 (torch.nn.functional.smooth_l1_loss). */
export function smoothL1(input: Tensor, target: Tensor, options: LossOptions & { readonly beta?: number } = {}): Tensor {
  const { beta = 1 } = options;
  if (!(beta >= 0)) throw new HebbError(`smoothL1: beta must be 0 or more, got ${beta}`);
  if (beta === 0) return l1(input, target, options);
  sameSizes("smoothL1", input, target);
  const d = input.sub(target);
  const size = d.abs();
  return reduce(where(size.lt(beta), d.square().mul(0.5 / beta), size.sub(0.5 * beta)), options.reduction);
}

/** −w (y ln p + (1 − y) ln(1 − p)), each logarithm at least −100 as in PyTorch (torch.nn.functional.binary_cross_entropy). */
export function bce(input: Tensor, target: Tensor, options: LossOptions & { readonly weight?: Tensor } = {}): Tensor {
  sameSizes("bce", input, target);
  const y = target.to(input.dtype);
  const one = input.mul(-1).add(1);
  const loss = y.mul(input.log().clamp(-100)).add(y.mul(-1).add(1).mul(one.log().clamp(-100))).neg();
  return reduce(options.weight === undefined ? loss : loss.mul(options.weight), options.reduction);
}

/** (1 − y) x + (1 + (posWeight − 1) y) ln(1 + e⁻ˣ): sigmoid and bce in one, stable (torch.nn.functional.binary_cross_entropy_with_logits). */
export function bceWithLogits(input: Tensor, target: Tensor, options: LossOptions & { readonly weight?: Tensor; readonly posWeight?: Tensor } = {}): Tensor {
  sameSizes("bceWithLogits", input, target);
  const y = target.to(input.dtype);
  const stable = input.neg().relu().add(input.abs().neg().exp().log1p());
  const scaled = options.posWeight === undefined ? stable : stable.mul(options.posWeight.sub(1).mul(y).add(1));
  const loss = input.sub(y.mul(input)).add(scaled);
  return reduce(options.weight === undefined ? loss : loss.mul(options.weight), options.reduction);
}

export interface CrossEntropyOptions extends LossOptions {
  /** A weight for each class. */
  readonly weight?: Tensor;
  /** Targets of this index do not count. Default −100. */
  readonly ignoreIndex?: number;
  /** Share of the target spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * −ln softmax(logits)[target], over dim 1 (dim 0 of a single sample). The target is class indices (int32, without the
 * class dim) or probabilities (float, shaped like the logits). When every target is ignored, "mean" is 0/0 = NaN, as in
 * PyTorch, and "sum" is 0. Source: torch.nn.functional.cross_entropy.
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0 } = options;
  const dim = input.rank === 1 ? 0 : 1;
  const classes = input.shape[dim];
  const withoutClasses = input.shape.filter((_, axis) => axis !== dim);
  const byIndex = !isFloat(target.dtype) && sameShape(target.shape, withoutClasses);
  if (classes === undefined || (!byIndex && !(isFloat(target.dtype) && sameShape(target.shape, input.shape)))) {
    throw new ShapeError(
      `crossEntropy: logits ${formatShape(input.shape)} need integer targets ${formatShape(withoutClasses)} or probabilities ${formatShape(input.shape)}, got ${target.dtype}${formatShape(target.shape)}${target.size === withoutClasses.reduce((a, b) => a * b, 1) ? `; try target.to("int32").reshape([${withoutClasses.join(", ")}])` : ""}`,
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) throw new HebbError(`crossEntropy: labelSmoothing must lie between 0 and 1, got ${labelSmoothing}`);
  const logProbabilities = input.logSoftmax(dim);
  if (byIndex) return indexLoss("crossEntropy", logProbabilities, target, dim, options, labelSmoothing);
  const smoothed = labelSmoothing === 0 ? target : target.mul(1 - labelSmoothing).add(labelSmoothing / classes);
  const weighted = options.weight === undefined ? logProbabilities : logProbabilities.mul(alongDim(options.weight, input, dim));
  const loss = weighted.mul(smoothed).sum(dim).neg();
  return options.reduction === undefined || options.reduction === "mean" ? loss.sum().div(Math.max(1, loss.size)) : reduce(loss, options.reduction);
}

const alongDim = (weight: Tensor, like: Tensor, dim: number): Tensor => weight.reshape(like.shape.map((extent, axis) => (axis === dim ? extent : 1)));

/** −weight[target] · logProbability[target], summed over the weights of those that count. */
function indexLoss(name: string, logProbabilities: Tensor, target: Tensor, dim: number, options: CrossEntropyOptions, smoothing = 0): Tensor {
  const { weight, ignoreIndex = -100, reduction = "mean" } = options;
  const classes = logProbabilities.shape[dim] as number;
  if (weight !== undefined && weight.size !== classes) throw new ShapeError(`${name}: ${weight.size} class weights do not fit ${classes} classes`);
  const labels = target.to("int32");
  const counts = labels.ne(ignoreIndex);
  const safe = where(counts, labels, 0).to("int32");
  const chosen = logProbabilities.gather(dim, safe.unsqueeze(dim)).squeeze(dim);
  const classWeight = weight === undefined ? undefined : weight.indexSelect(0, safe.reshape([safe.size])).reshape(safe.shape);
  const plain = classWeight === undefined ? chosen.neg() : chosen.mul(classWeight).neg();
  const own = where(counts, plain, 0);
  const total = classWeight === undefined ? counts.to(logProbabilities.dtype) : where(counts, classWeight, 0);
  const mean = (loss: Tensor): Tensor => loss.sum().div(total.sum());
  const finish = (loss: Tensor): Tensor => (reduction === "mean" ? mean(loss) : reduce(loss, reduction));
  if (smoothing === 0) return finish(own);
  const spread = weight === undefined ? logProbabilities : logProbabilities.mul(alongDim(weight, logProbabilities, dim));
  const even = where(counts, spread.sum(dim).neg(), 0);
  return finish(own).mul(1 - smoothing).add(finish(even).mul(smoothing / classes));
}

/** −weight[target] · input[target] for log-probabilities [N, C, …] (torch.nn.functional.nll_loss). */
export function nll(input: Tensor, target: Tensor, options: Omit<CrossEntropyOptions, "labelSmoothing"> = {}): Tensor {
  const dim = input.rank === 1 ? 0 : 1;
  const wanted = input.shape.filter((_, axis) => axis !== dim);
  if (isFloat(target.dtype) || !sameShape(target.shape, wanted)) {
    throw new ShapeError(`nll: log-probabilities ${formatShape(input.shape)} need integer targets ${formatShape(wanted)}, got ${target.dtype}${formatShape(target.shape)}`);
  }
  return indexLoss("nll", input, target, dim, options);
}

/** target (ln target − input), with input as log-probabilities; "batchmean" divides by the batch (torch.nn.functional.kl_div). */
export function klDiv(input: Tensor, target: Tensor, options: { readonly reduction?: Reduction | "batchmean"; readonly logTarget?: boolean } = {}): Tensor {
  sameSizes("klDiv", input, target);
  const loss = options.logTarget
    ? target.exp().mul(target.sub(input))
    : where(target.gt(0), target.mul(where(target.gt(0), target, 1).log()), 0).sub(target.mul(input));
  return options.reduction === "batchmean" ? loss.sum().div(Math.max(1, input.shape[0] ?? 1)) : reduce(loss, options.reduction);
}

/** max(0, margin − y x) for targets −1 and 1: the classifier's hinge. Default margin 1. */
export function hinge(input: Tensor, target: Tensor, options: LossOptions & { readonly margin?: number } = {}): Tensor {
  sameSizes("hinge", input, target);
  return reduce(target.to(input.dtype).mul(input).neg().add(options.margin ?? 1).relu(), options.reduction);
}

/** x where y = 1, max(0, margin − x) where y = −1 (torch.nn.functional.hinge_embedding_loss). */
export function hingeEmbedding(input: Tensor, target: Tensor, options: LossOptions & { readonly margin?: number } = {}): Tensor {
  sameSizes("hingeEmbedding", input, target);
  const far = input.neg().add(options.margin ?? 1).relu();
  return reduce(where(target.eq(1), input, 0).add(where(target.eq(-1), far, 0)), options.reduction);
}

/** a · b / (|a| |b|) along dim 1, lengths at least eps (torch.nn.functional.cosine_similarity). */
export function cosineSimilarity(a: Tensor, b: Tensor, dim = 1, eps = 1e-8): Tensor {
  const length = (x: Tensor): Tensor => x.square().sum(dim).sqrt().maximum(eps);
  return a.mul(b).sum(dim).div(length(a).mul(length(b)));
}

/** 1 − cos where y = 1, max(0, cos − margin) where y = −1 (torch.nn.functional.cosine_embedding_loss). */
export function cosineEmbedding(a: Tensor, b: Tensor, target: Tensor, options: LossOptions & { readonly margin?: number } = {}): Tensor {
  sameSizes("cosineEmbedding", a, b);
  // PyTorch's own form: eps under the root, so that zero vectors have a slope.
  const eps = 1.1920928955078125e-7;
  const dim = a.rank - 1;
  const square = (x: Tensor): Tensor => x.square().sum(dim).add(eps);
  const cosine = a.mul(b).sum(dim).div(square(a).mul(square(b)).sqrt());
  const apart = cosine.sub(options.margin ?? 0).relu();
  return reduce(where(target.eq(1), cosine.neg().add(1), 0).add(where(target.eq(-1), apart, 0)), options.reduction);
}

/** eˣ − y x, or x − y ln(x + eps) without logInput; `full` adds Stirling's term (torch.nn.functional.poisson_nll_loss). */
export function poissonNll(input: Tensor, target: Tensor, options: LossOptions & { readonly logInput?: boolean; readonly full?: boolean; readonly eps?: number } = {}): Tensor {
  sameSizes("poissonNll", input, target);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  const loss = logInput ? input.exp().sub(target.mul(input)) : input.sub(target.mul(input.add(eps).log()));
  if (!full) return reduce(loss, options.reduction);
  const safe = where(target.gt(1), target, 2);
  const stirling = safe.mul(safe.log()).sub(safe).add(safe.mul(2 * Math.PI).log().mul(0.5));
  return reduce(loss.add(where(target.gt(1), stirling, 0)), options.reduction);
}

/** (ln var + (x − y)²/var)/2, var at least eps; `full` adds ln(2π)/2 (torch.nn.functional.gaussian_nll_loss). */
export function gaussianNll(input: Tensor, target: Tensor, variance: Tensor, options: LossOptions & { readonly full?: boolean; readonly eps?: number } = {}): Tensor {
  sameSizes("gaussianNll", input, target);
  const eps = options.eps ?? 1e-6;
  // The bound does not enter the gradient, as in PyTorch.
  const bounded = variance.add(variance.maximum(eps).sub(variance).detach());
  const loss = bounded.log().add(input.sub(target).square().div(bounded)).mul(0.5);
  return reduce(options.full ? loss.add(0.5 * Math.log(2 * Math.PI)) : loss, options.reduction);
}

/** max(0, |a − p| − |a − n| + margin), by the p-norm along the last dim; `swap` also tries |p − n| (torch.nn.functional.triplet_margin_loss). */
export function triplet(anchor: Tensor, positive: Tensor, negative: Tensor, options: LossOptions & { readonly margin?: number; readonly p?: number; readonly eps?: number; readonly swap?: boolean } = {}): Tensor {
  sameSizes("triplet", anchor, positive);
  sameSizes("triplet", anchor, negative);
  const { margin = 1, p = 2, eps = 1e-6 } = options;
  const distance = (a: Tensor, b: Tensor): Tensor => {
    const d = a.sub(b).add(eps).abs();
    return p === 2 ? d.square().sum(-1).sqrt() : p === 1 ? d.sum(-1) : d.pow(p).sum(-1).pow(1 / p);
  };
  const far = distance(anchor, negative);
  const nearest = options.swap ? far.minimum(distance(positive, negative)) : far;
  return reduce(distance(anchor, positive).sub(nearest).add(margin).relu(), options.reduction);
}

/** α_t (1 − p_t)^γ · bceWithLogits. Defaults alpha 0.25 (negative: none), gamma 2 (torchvision.ops.sigmoid_focal_loss; Lin et al. 2017). */
export function focal(input: Tensor, target: Tensor, options: LossOptions & { readonly alpha?: number; readonly gamma?: number } = {}): Tensor {
  const { alpha = 0.25, gamma = 2 } = options;
  const y = target.to(input.dtype);
  const plain = bceWithLogits(input, y, { reduction: "none" });
  const p = input.sigmoid();
  const missed = p.add(y).sub(p.mul(y).mul(2));
  const loss = plain.mul(gamma === 2 ? missed.square() : missed.pow(gamma));
  return reduce(alpha < 0 ? loss : loss.mul(y.mul(2 * alpha - 1).add(1 - alpha)), options.reduction);
}

/** ln(1 + e^{−y x}) for targets −1 and 1 (torch.nn.functional.soft_margin_loss). */
export function softMargin(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  sameSizes("softMargin", input, target);
  return reduce(softplus(target.to(input.dtype).mul(input).neg(), 1, Number.POSITIVE_INFINITY), options.reduction);
}
