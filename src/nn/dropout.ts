// Dropout: in training, values (or whole channels) are zeroed at random and the rest scaled up.
import { HebbError } from "../graph/errors.ts";
import { full, rand, type Tensor, where } from "../tensor/index.ts";
import { Module } from "./module.ts";

function drop(x: Tensor, p: number, maskShape: readonly number[]): Tensor {
  if (p === 0) return x;
  if (p === 1) return x.mul(0);
  const dtype = x.dtype === "float64" ? "float64" : "float32";
  const kept = rand(maskShape, { dtype }).ge(p);
  return where(kept, x.mul(1 / (1 - p)), full([], 0, { dtype: x.dtype }));
}

/** Zeroes each value with probability p and scales the others by 1/(1 − p). Source: torch.nn.functional.dropout. */
export const dropout = (x: Tensor, p = 0.5, training = true): Tensor => (training ? drop(x, checked(p), x.shape) : x);

/** Zeroes whole channels of [N, C, …]. Source: torch.nn.functional.dropout2d. */
export const dropout2d = (x: Tensor, p = 0.5, training = true): Tensor =>
  training
    ? drop(
        x,
        checked(p),
        x.shape.map((extent, axis) => (axis < 2 ? extent : 1)),
      )
    : x;

function checked(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new HebbError(`dropout: the probability must lie between 0 and 1, got ${p}`);
  return p;
}

/** Source: torch.nn.Dropout (Srivastava et al. 2014). */
export class Dropout extends Module {
  readonly p: number;
  constructor(p = 0.5) {
    super();
    this.p = checked(p);
  }
  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training);
  }
}

/** Source: torch.nn.Dropout2d. */
export class Dropout2d extends Module {
  readonly p: number;
  constructor(p = 0.5) {
    super();
    this.p = checked(p);
  }
  forward(x: Tensor): Tensor {
    return dropout2d(x, this.p, this.training);
  }
}
