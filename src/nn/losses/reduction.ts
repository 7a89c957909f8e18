// How a loss comes out (none, mean, sum), and what losses check of their inputs.
import { isFloat } from "../../graph/dtype.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import { formatShape, sameShape } from "../../graph/shape.ts";
import type { Tensor } from "../../tensor/index.ts";

export type Reduction = "none" | "mean" | "sum";

export interface LossOptions {
  /** "mean" over all elements, "sum", or "none": the losses themselves. Default "mean". */
  readonly reduction?: Reduction;
}

export function reduceLoss(name: string, losses: Tensor, reduction: Reduction = "mean"): Tensor {
  switch (reduction) {
    case "none":
      return losses;
    case "mean":
      return losses.mean();
    case "sum":
      return losses.sum();
    default:
      throw new HebbError(
        `${name}: reduction "${reduction satisfies never}" does not exist; use "none", "mean" or "sum"`,
      );
  }
}

/** The target in the input's shape, whole numbers as the input's floats. Losses do not broadcast: it hides mistakes. */
export function matchingTarget(name: string, input: Tensor, target: Tensor, what = "target"): Tensor {
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
