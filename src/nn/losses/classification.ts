// Losses between probabilities: bce, bceWithLogits, crossEntropy, nll, klDiv, focal.
import { at } from "../../graph/at.ts";
import { withGradient } from "../../graph/autodiff.ts";
import { isFloat } from "../../graph/dtype.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import type { Node } from "../../graph/node.ts";
import * as el from "../../graph/ops/elementwise.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape, type Shape, sameShape } from "../../graph/shape.ts";
import { given, tensorKind } from "../../tensor/arguments.ts";
import { checkedLabels, requireUnit } from "../../tensor/checks.ts";
import { composed } from "../../tensor/composed.ts";
import { arange, Tensor, where } from "../../tensor/index.ts";
import { logSigmoid } from "../activations.ts";
import {
  type LossOptions,
  lossKinds,
  matchingTarget,
  type Reduction,
  reduceLoss,
  reductions,
  requireLabels,
} from "./reduction.ts";

export interface BceOptions extends LossOptions {
  /** The factor of each element's loss, broadcast. */
  readonly weight?: Tensor | undefined;
}

export const bceKinds: OptionKinds<BceOptions> = { ...lossKinds, weight: tensorKind };

/** PyTorch's constant, which is a float. */
const leastSpread = Math.fround(1e-12);

/**
 * −(t·log(x) + (1 − t)·log(1 − x)) for probabilities x. The logarithms are at least −100, and gradients at most 1e12. Prefer bceWithLogits, which is
 * exact. Source: torch.nn.functional.binary_cross_entropy.
 */
export function bce(input: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  checkOptions("bce", options, bceKinds);
  const t = matchingTarget("bce", input, target);
  const same = t.to(input.dtype);
  requireUnit(input, "bce", "the input", "pass it through sigmoid, or use bceWithLogits, which takes it as it is");
  requireUnit(same, "bce", "the target", "give probabilities, or 0 and 1");
  const { weight, reduction = "mean" } = options;
  return composed("bce", [input, target, weight], { reduction }, () => {
    const losses = bceLosses(input, same);
    return reduceLoss(weight === undefined ? losses : losses.mul(weight), reduction);
  });
}

function bceLosses(input: Tensor, target: Tensor): Tensor {
  const [x, y] = [input.node, target.node];
  const number = (value: number): Node => el.scalarLike(value, x);
  const logs = (): [Node, Node] => [el.maximum(el.log(x), number(-100)), el.maximum(el.log1p(el.neg(x)), number(-100))];
  const [yes, no] = logs();
  const value = el.neg(el.add(el.mul(y, yes), el.mul(el.sub(number(1), y), no)));
  return Tensor.from(
    withGradient(value, [x, y], (grad) => [
      el.mul(grad, el.div(el.sub(x, y), el.maximum(el.mul(el.sub(number(1), x), x), number(leastSpread)))),
      el.mul(grad, el.sub(no, yes)),
    ]),
    [input, target],
  );
}

export interface BceWithLogitsOptions extends BceOptions {
  /** The factor of the loss of positive targets, broadcast (one for each class). */
  readonly posWeight?: Tensor | undefined;
}

export const bceWithLogitsKinds: OptionKinds<BceWithLogitsOptions> = { ...bceKinds, posWeight: tensorKind };

/** −(t·log σ(x) + (1 − t)·log σ(−x)) for logits x, exact for logits of any size. Source: torch.nn.functional.binary_cross_entropy_with_logits. */
export function bceWithLogits(input: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  checkOptions("bceWithLogits", options, bceWithLogitsKinds);
  const t = matchingTarget("bceWithLogits", input, target).to(input.dtype);
  const { weight, posWeight, reduction = "mean" } = options;
  return composed("bceWithLogits", [input, target, weight, posWeight], { reduction }, () => {
    const losses = posWeight === undefined ? plainBceWithLogits(input, t) : weightedBceWithLogits(input, t, posWeight);
    return reduceLoss(weight === undefined ? losses : losses.mul(weight), reduction);
  });
}

/** max(x, 0) − x·t + log(1 + e^−|x|), with gradient σ(x) − t. */
function plainBceWithLogits(input: Tensor, target: Tensor): Tensor {
  const [x, y] = [input.node, target.node];
  const value = el.add(el.sub(el.maximum(x, el.scalarLike(0, x)), el.mul(x, y)), el.log1p(el.exp(el.neg(el.abs(x)))));
  const node = withGradient(value, [x, y], (grad) => [el.mul(grad, el.sub(el.sigmoid(x), y)), el.neg(el.mul(grad, x))]);
  return Tensor.from(node, [input, target]);
}

function weightedBceWithLogits(input: Tensor, target: Tensor, posWeight: Tensor): Tensor {
  const factor = posWeight.sub(1).mul(target).add(1);
  return input.mul(target.neg().add(1)).sub(factor.mul(logSigmoid(input)));
}

export interface NllOptions extends LossOptions {
  /** A factor for each class [C]. The mean is then a weighted mean. */
  readonly weight?: Tensor | undefined;
  /** Targets with this value are ignored. Default -100. */
  readonly ignoreIndex?: number;
}

export const nllKinds: OptionKinds<NllOptions> = { ...lossKinds, weight: tensorKind, ignoreIndex: kind.number };

export interface CrossEntropyOptions extends NllOptions {
  /** The fraction of the target spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

export const crossEntropyKinds: OptionKinds<CrossEntropyOptions> = { ...nllKinds, labelSmoothing: kind.number };

/** The class dim of a prediction: dim 1, or dim 0 without a batch. */
const classDim = (shape: Shape): number => (shape.length === 1 ? 0 : 1);
const withoutClasses = (shape: Shape): Shape => shape.filter((_, axis) => axis !== classDim(shape));

function checkWeight(name: string, weight: Tensor | undefined, classes: number): void {
  if (weight !== undefined && !sameShape(weight.shape, [classes])) {
    throw new ShapeError(
      `${name}: weight ${formatShape(weight.shape)} must hold one number for each of the ${classes} classes`,
    );
  }
}

/** Integer targets, and which of them count: `index` is a valid class everywhere, `counts` is undefined if all count. */
function picked(
  name: string,
  target: Tensor,
  classes: number,
  ignoreIndex: number,
): { index: Tensor; counts: Tensor | undefined } {
  requireLabels(name, target);
  if (target.dtype === "uint8" && !(ignoreIndex >= 0 && ignoreIndex < 256))
    return { index: checkedLabels(name, target.to("int32"), classes), counts: undefined };
  const index = target.to("int32");
  const counts = index.ne(ignoreIndex);
  return { index: checkedLabels(name, where(counts, index, 0), classes), counts };
}

/** values[n, index[n], …]. Its gradient is a comparison, which fuses. */
function pick(values: Tensor, index: Tensor): Tensor {
  const dim = classDim(values.shape);
  const at = index.unsqueeze(dim);
  const value = values.detach().gather(dim, at).squeeze(dim);
  const node = withGradient(value.node, [values.node], (grad) => {
    const spread = Tensor.of(grad).unsqueeze(dim);
    return [where(isClass(values, at), spread.expand(values.shape), 0).node];
  });
  return Tensor.from(node, [values]);
}

/** True at the target's class. */
function isClass(values: Tensor, index: Tensor): Tensor {
  const dim = classDim(values.shape);
  const classes = arange(0, at(values.shape, dim)).reshape(
    values.shape.map((extent, axis) => (axis === dim ? extent : 1)),
  );
  return classes.eq(index);
}

/** log Σ eˣ − x[target] for each position: stable, with gradient softmax − one-hot. */
function logitLoss(logits: Tensor, index: Tensor): Tensor {
  const dim = classDim(logits.shape);
  const plain = logits.detach();
  const at = index.unsqueeze(dim);
  const shifted = plain.sub(plain.amax(dim, true));
  const total = shifted.exp().sum(dim, true);
  const value = total.log().sub(shifted.gather(dim, at)).squeeze(dim);
  const node = withGradient(value.node, [logits.node], (grad) => {
    // Computed from the logits themselves, so that it can be differentiated again.
    const probabilities = Tensor.of(logits.node).softmax(dim);
    const slope = probabilities.sub(isClass(logits, at).to(logits.dtype));
    return [slope.mul(Tensor.of(grad).unsqueeze(dim)).node];
  });
  return Tensor.from(node, [logits]);
}

/** Σ losses / Σ weights of the targets that count. Without any, 0 / 0 is NaN, as in PyTorch. */
function weightedReduce(losses: Tensor, counted: Tensor | undefined, reduction: Reduction | undefined): Tensor {
  if (counted === undefined || reduction === "none" || reduction === "sum") return reduceLoss(losses, reduction);
  return losses.sum().div(counted.sum());
}

/**
 * −weight[t]·input[t] for log-probabilities. Shapes: [N, C, …] with targets [N, …], or [C] with []. If all targets are ignored, the mean is NaN.
 * Source: torch.nn.functional.nll_loss.
 */
export function nll(input: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  checkOptions("nll", options, nllKinds);
  checkLogits("nll", input);
  given("nll", target, "the target");
  requireLabels("nll", target, withoutClasses(input.shape));
  if (!sameShape(target.shape, withoutClasses(input.shape))) {
    throw new ShapeError(
      `nll: log-probabilities ${formatShape(input.shape)} need integer targets ${formatShape(withoutClasses(input.shape))}, got ${formatShape(target.shape)}${squeezeHint(target, withoutClasses(input.shape))}`,
    );
  }
  const classes = at(input.shape, classDim(input.shape));
  const { weight, ignoreIndex = -100, reduction = "mean" } = options;
  checkWeight("nll", weight, classes);
  return composed("nll", [input, target, weight], { reduction, ignoreIndex }, () => {
    const { index, counts } = picked("nll", target, classes, ignoreIndex);
    const factor = weight?.indexSelect(0, index.flatten()).reshape(index.shape);
    const plain = pick(input, index).neg();
    return finish(factor === undefined ? plain : plain.mul(factor), factor, counts, reduction);
  });
}

/** Drops ignored targets, and takes the weighted mean of the rest. */
function finish(
  losses: Tensor,
  factor: Tensor | undefined,
  counts: Tensor | undefined,
  reduction: Reduction | undefined,
): Tensor {
  const kept = counts === undefined ? losses : where(counts, losses, 0);
  const weights =
    factor === undefined ? counts?.to(losses.dtype) : counts === undefined ? factor : where(counts, factor, 0);
  return weightedReduce(kept, weights, reduction);
}

/**
 * −log softmax(logits)[target]. Shapes: logits [N, C, …] (or [C]), with integer targets [N, …] or with probabilities in the shape of the logits. With
 * weights, the mean is Σ loss / Σ weight[target] (for probabilities: Σ loss / N). If all targets are ignored, the mean is NaN (0 / 0) and the sum 0,
 * as in PyTorch. Source: torch.nn.functional.cross_entropy.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions("crossEntropy", options, crossEntropyKinds);
  checkLogits("crossEntropy", logits);
  given("crossEntropy", target, "the target");
  const { weight, ignoreIndex = -100, labelSmoothing: smoothing = 0, reduction = "mean" } = options;
  const attributes = { reduction, ignoreIndex, labelSmoothing: smoothing };
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new HebbError(`crossEntropy: labelSmoothing must lie between 0 and 1, got ${smoothing}`);
  const indices = withoutClasses(logits.shape);
  const classes = at(logits.shape, classDim(logits.shape));
  checkWeight("crossEntropy", weight, classes);
  if (isFloat(target.dtype) && sameShape(target.shape, logits.shape))
    return composed("crossEntropy", [logits, target, weight], attributes, () =>
      softCrossEntropy(logits, target, smoothing, options),
    );
  requireLabelsOf("crossEntropy", target, indices);
  if (!sameShape(target.shape, indices)) {
    throw new ShapeError(
      `crossEntropy: logits ${formatShape(logits.shape)} need integer targets ${formatShape(indices)} or probabilities ${formatShape(logits.shape)}, got ${target.dtype} ${formatShape(target.shape)}${squeezeHint(target, indices)}`,
    );
  }
  return composed("crossEntropy", [logits, target, weight], attributes, () => {
    const { index, counts } = picked("crossEntropy", target, classes, ignoreIndex);
    const factor = weight?.indexSelect(0, index.flatten()).reshape(index.shape);
    const hard = logitLoss(logits, index);
    const weighted = factor === undefined ? hard : hard.mul(factor);
    if (smoothing === 0) return finish(weighted, factor, counts, reduction);
    const even = spreadLoss(logits, weight).mul(smoothing / classes);
    return finish(weighted.mul(1 - smoothing).add(even), factor, counts, reduction);
  });
}

/** −Σ over classes of weight·log softmax. */
function spreadLoss(logits: Tensor, weight: Tensor | undefined): Tensor {
  const dim = classDim(logits.shape);
  const logs = logits.logSoftmax(dim);
  return (weight === undefined ? logs : logs.mul(alongClasses(weight, logits.shape))).sum(dim).neg();
}

const alongClasses = (weight: Tensor, shape: Shape): Tensor =>
  weight.reshape(shape.map((extent, axis) => (axis === classDim(shape) ? extent : 1)));

function softCrossEntropy(logits: Tensor, target: Tensor, smoothing: number, options: CrossEntropyOptions): Tensor {
  const dim = classDim(logits.shape);
  const classes = at(logits.shape, dim);
  const aims = smoothing === 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
  const logs = logits.logSoftmax(dim).mul(aims);
  const losses = (options.weight === undefined ? logs : logs.mul(alongClasses(options.weight, logits.shape)))
    .sum(dim)
    .neg();
  return reduceLoss(losses, options.reduction);
}

function checkLogits(name: string, logits: Tensor): void {
  given(name, logits);
  if (!isFloat(logits.dtype)) throw new HebbError(`${name}: the input must be float, got ${logits.dtype}`);
  if (logits.rank === 0) throw new ShapeError(`${name}: the input needs a dim of classes, [N, C] or [C], got a scalar`);
}

/** A float label is reported before its shape: the shape is often right after conversion. */
function requireLabelsOf(name: string, target: Tensor, wanted: Shape): void {
  if (sameShape(target.shape, wanted) || squeezeHint(target, wanted) !== "") requireLabels(name, target, wanted);
}

function squeezeHint(target: Tensor, wanted: Shape): string {
  const squeezed = target.shape.filter((extent) => extent !== 1);
  return target.rank > wanted.length &&
    sameShape(
      squeezed,
      wanted.filter((extent) => extent !== 1),
    )
    ? `; use target.reshape(${formatShape(wanted)})`
    : "";
}

export interface KlDivOptions {
  /** Like other losses, or "batchmean": the sum over the batch size, which is the mathematical value. Default "mean". */
  readonly reduction?: Reduction | "batchmean";
  /** The target is log-probabilities as well. Default false. */
  readonly logTarget?: boolean;
}

export const klDivKinds: OptionKinds<KlDivOptions> = {
  reduction: kind.oneOf(...reductions, "batchmean"),
  logTarget: kind.boolean,
};

/** t·(log t − input) for log-probabilities `input`; 0 where t is 0. Source: torch.nn.functional.kl_div. */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  checkOptions("klDiv", options, klDivKinds);
  const t = matchingTarget("klDiv", input, target);
  const { reduction = "mean", logTarget = false } = options;
  return composed("klDiv", [input, target], { reduction, logTarget }, () => {
    const losses = logTarget ? t.exp().mul(t.sub(input)) : entropyTerm(t).sub(t.mul(input));
    if (reduction === "batchmean") return losses.sum().div(Math.max(1, input.shape[0] ?? 1));
    return reduceLoss(losses, reduction);
  });
}

/** t·log t, 0 at 0, without NaN in the unused branch; NaN below 0. */
function entropyTerm(t: Tensor): Tensor {
  const none = t.eq(0);
  return where(none, 0, t.mul(where(none, 1, t).log()));
}

export interface FocalOptions extends LossOptions {
  /** The weight of positive targets, 1 − alpha for the others; negative: no weights. Default 0.25. */
  readonly alpha?: number;
  /** The exponent that discounts easy examples. Default 2. */
  readonly gamma?: number;
}

export const focalKinds: OptionKinds<FocalOptions> = { ...lossKinds, alpha: kind.number, gamma: kind.number };

/** (1 − pₜ)^gamma · bceWithLogits, weighted by alpha. Source: Lin et al. 2017; torchvision.ops.sigmoid_focal_loss. */
export function focal(input: Tensor, target: Tensor, options: FocalOptions = {}): Tensor {
  checkOptions("focal", options, focalKinds);
  const t = matchingTarget("focal", input, target).to(input.dtype);
  const { alpha = 0.25, gamma = 2 } = options;
  const probability = input.sigmoid();
  const rest = t.neg().add(1);
  const missed = probability.mul(rest).add(probability.neg().add(1).mul(t));
  const losses = plainBceWithLogits(input, t).mul(gamma === 0 ? 1 : missed.pow(gamma));
  const weighted = alpha < 0 ? losses : losses.mul(t.mul(2 * alpha - 1).add(1 - alpha));
  return reduceLoss(weighted, options.reduction);
}
