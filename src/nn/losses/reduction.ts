// The reduction of a loss (none, mean, sum), and the checks of its inputs.
import { isFloat } from "../../graph/dtype.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import type { OptionKinds } from "../../graph/options.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../../graph/shape.ts";
import { given } from "../../tensor/arguments.ts";
import type { Tensor } from "../../tensor/index.ts";

export const reductions = ["none", "mean", "sum"] as const;
export type Reduction = (typeof reductions)[number];

export interface LossOptions {
  /** "mean" over all elements, "sum", or "none" for the losses of the elements. Default "mean". */
  readonly reduction?: Reduction;
}

export const lossKinds: OptionKinds<LossOptions> = { reduction: kind.oneOf(...reductions) };

export function reduceLoss(losses: Tensor, reduction: Reduction = "mean"): Tensor {
  switch (reduction) {
    case "none":
      return losses;
    case "mean":
      return losses.mean();
    case "sum":
      return losses.sum();
  }
}

/** The target in the input's shape, with integers converted to the input's dtype. Losses do not broadcast, because that hides mistakes. */
export function matchingTarget(name: string, input: Tensor, target: Tensor, what = "target"): Tensor {
  given(name, input);
  given(name, target, `the ${what.replace("the ", "")}`);
  if (!isFloat(input.dtype)) throw new HebbError(`${name}: the input must be float, got ${input.dtype}`);
  if (!sameShape(input.shape, target.shape)) {
    const fits = input.size === target.size;
    throw new ShapeError(
      `${name}: input ${formatShape(input.shape)} and ${what} ${formatShape(target.shape)} must have the same shape${fits ? `; use ${what}.reshape(${formatShape(input.shape)})` : ""}`,
    );
  }
  return isFloat(target.dtype) ? target : target.to(input.dtype);
}

export function checkPositive(name: string, what: string, value: number, zeroToo = false): void {
  if (!(value > 0 || (zeroToo && value === 0)))
    throw new HebbError(`${name}: ${what} must be ${zeroToo ? "0 or more" : "above 0"}, got ${value}`);
}

/** Checks that labels are integers. Otherwise throws HebbError with the conversion, in the required shape. */
export function requireLabels(name: string, labels: Tensor, wanted: Shape = labels.shape): void {
  if (!isFloat(labels.dtype) && labels.dtype !== "bool") return;
  const reshaped =
    labels.size === sizeOf(wanted) && !sameShape(labels.shape, wanted) ? `.reshape(${formatShape(wanted)})` : "";
  throw new HebbError(
    `${name}: labels must be whole numbers (int32), got ${labels.dtype} ${formatShape(labels.shape)}; convert them: labels${reshaped}.to("int32")`,
  );
}
