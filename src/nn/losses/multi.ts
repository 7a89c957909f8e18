// Losses over several classes with margins or several labels: multiMargin, multilabelMargin, multilabelSoftMargin.
import { isFloat } from "../../graph/dtype.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape, sameShape } from "../../graph/shape.ts";
import { given, tensorKind } from "../../tensor/arguments.ts";
import { checkedLabels, requireThat } from "../../tensor/checks.ts";
import { arange, type Tensor, where } from "../../tensor/index.ts";
import { logSigmoid } from "../activations.ts";
import { type LossOptions, lossKinds, matchingTarget, reduceLoss, requireLabels } from "./reduction.ts";

/** [N, C] with its targets; a single sample [C] becomes a batch of one. */
function batched(name: string, input: Tensor): { x: Tensor; single: boolean } {
  given(name, input);
  if (!isFloat(input.dtype)) throw new HebbError(`${name}: the input must be float, got ${input.dtype}`);
  if (input.rank !== 1 && input.rank !== 2)
    throw new ShapeError(`${name}: takes [N, C] or [C], got ${formatShape(input.shape)}`);
  return { x: input.rank === 1 ? input.unsqueeze(0) : input, single: input.rank === 1 };
}

function wholeNumbers(name: string, target: Tensor): Tensor {
  given(name, target, "the target");
  requireLabels(name, target);
  return target.to("int32");
}

export interface MultiMarginOptions extends LossOptions {
  /** The power, 1 or 2. Default 1. */
  readonly p?: 1 | 2;
  /** Default 1. */
  readonly margin?: number;
  /** The factor of each class [C]. */
  readonly weight?: Tensor | undefined;
}

export const multiMarginKinds: OptionKinds<MultiMarginOptions> = {
  ...lossKinds,
  p: kind.among(1, 2),
  margin: kind.number,
  weight: tensorKind,
};

/** Σ over other classes i of max(0, margin − x[t] + x[i])ᵖ / C, times weight[t]. [N, C] with [N], or [C] with []. Source: torch.nn.functional.multi_margin_loss. */
export function multiMargin(input: Tensor, target: Tensor, options: MultiMarginOptions = {}): Tensor {
  const { x, single } = batched("multiMargin", input);
  given("multiMargin", target, "the target");
  const { p = 1, margin = 1, weight } = checkOptions("multiMargin", options, multiMarginKinds);
  const [samples = 0, classes = 0] = x.shape;
  requireLabels("multiMargin", target, x.rank === input.rank ? [samples] : []);
  if (target.size !== samples)
    throw new ShapeError(
      `multiMargin: input ${formatShape(input.shape)} needs ${samples} targets, got ${formatShape(target.shape)}`,
    );
  if (weight !== undefined && !sameShape(weight.shape, [classes]))
    throw new ShapeError(
      `multiMargin: weight ${formatShape(weight.shape)} must hold one number for each of the ${classes} classes`,
    );
  const labels = checkedLabels("multiMargin", wholeNumbers("multiMargin", target), classes);
  const index = labels.reshape([samples, 1]);
  const gap = x.sub(x.gather(1, index)).add(margin);
  const over = where(gap.gt(0), p === 1 ? gap : gap.square(), 0);
  const own = arange(classes).reshape([1, classes]).eq(index);
  const each = where(own, 0, over).sum(1).div(classes);
  const losses = weight === undefined ? each : each.mul(weight.indexSelect(0, index.flatten()));
  return reduceLoss(single && options.reduction === "none" ? losses.squeeze(0) : losses, options.reduction);
}

/**
 * Σ over labels j and all non-label classes i of max(0, 1 − x[j] + x[i]) / C. The target [N, C] lists the labels of a sample, terminated by −1.
 * Source: torch.nn.functional.multilabel_margin_loss.
 */
export function multilabelMargin(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("multilabelMargin", options, lossKinds);
  given("multilabelMargin", target, "the target");
  const { x, single } = batched("multilabelMargin", input);
  const [samples = 0, classes = 0] = x.shape;
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      `multilabelMargin: the target must list labels in the input's shape ${formatShape(input.shape)}, got ${formatShape(target.shape)}`,
    );
  const labels = wholeNumbers("multilabelMargin", target).reshape([samples, classes]);
  requireThat(labels.ge(-1), {
    by: "multilabelMargin",
    fault: "the label is below -1; labels are classes from 0, and -1 ends their list",
    unit: "row",
  });
  // A label counts if no −1 precedes it.
  const counts = labels.lt(0).to("int32").cumsum(1).eq(0);
  const safe = checkedLabels("multilabelMargin", where(counts, labels, 0), classes);
  const chosen = counts.unsqueeze(2).logicalAnd(safe.unsqueeze(2).eq(arange(classes).reshape([1, 1, classes])));
  const isLabel = chosen.any(1, true);
  const gap = x.unsqueeze(1).sub(x.gather(1, safe).unsqueeze(2)).add(1);
  const pairs = counts.unsqueeze(2).logicalAnd(isLabel.logicalNot()).logicalAnd(gap.gt(0));
  const losses = where(pairs, gap, 0).sum([1, 2]).div(classes);
  return reduceLoss(single && options.reduction === "none" ? losses.squeeze(0) : losses, options.reduction);
}

export interface MultilabelSoftMarginOptions extends LossOptions {
  /** The factor of each class [C]. */
  readonly weight?: Tensor | undefined;
}

export const multilabelSoftMarginKinds: OptionKinds<MultilabelSoftMarginOptions> = { ...lossKinds, weight: tensorKind };

/** −mean over classes of t·log σ(x) + (1 − t)·log σ(−x): [N, C] → [N]. Source: torch.nn.functional.multilabel_soft_margin_loss. */
export function multilabelSoftMargin(input: Tensor, target: Tensor, options: MultilabelSoftMarginOptions = {}): Tensor {
  checkOptions("multilabelSoftMargin", options, multilabelSoftMarginKinds);
  const t = matchingTarget("multilabelSoftMargin", input, target);
  if (input.rank === 0) throw new ShapeError("multilabelSoftMargin: the input needs a dim of classes, got a scalar");
  const losses = t
    .mul(logSigmoid(input))
    .add(t.neg().add(1).mul(logSigmoid(input.neg())))
    .neg();
  const weighted = options.weight === undefined ? losses : losses.mul(options.weight);
  return reduceLoss(weighted.mean(-1), options.reduction);
}
