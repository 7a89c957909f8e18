// Dropout: in training, zeroes random values (or whole channels) and scales up the rest.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";
import { given } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
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
export function dropout(x: Tensor, p = 0.5, training = true): Tensor {
  check("dropout", x, p, training);
  return training ? composed("dropout", [x], { p }, () => drop(x, p, x.shape)) : x;
}

/** The shape of a mask with size 1 in the dims after the channels. */
const channelsOnly = (x: Tensor, spatial: number): number[] =>
  x.shape.map((extent, axis) => (axis < x.rank - spatial ? extent : 1));

/** Zeroes whole channels of [N, C, L] or [C, L]. Source: torch.nn.functional.dropout1d. */
export function dropout1d(x: Tensor, p = 0.5, training = true): Tensor {
  check("dropout1d", x, p, training);
  return training ? drop(x, p, channelsOnly(x, 1)) : x;
}

/** Zeroes whole channels of [N, C, H, W] or [C, H, W]. Source: torch.nn.functional.dropout2d. */
export function dropout2d(x: Tensor, p = 0.5, training = true): Tensor {
  check("dropout2d", x, p, training);
  return training ? drop(x, p, channelsOnly(x, 2)) : x;
}

/** Zeroes whole channels of [N, C, D, H, W] or [C, D, H, W]. Source: torch.nn.functional.dropout3d. */
export function dropout3d(x: Tensor, p = 0.5, training = true): Tensor {
  check("dropout3d", x, p, training);
  return training ? drop(x, p, channelsOnly(x, 3)) : x;
}

/** The limit of SELU for large negative inputs. */
const alphaLimit = -1.7580993408473766;

function alphaDrop(x: Tensor, p: number, maskShape: readonly number[]): Tensor {
  if (p === 0) return x;
  if (p === 1) return x.mul(0);
  const dtype = x.dtype === "float64" ? "float64" : "float32";
  const kept = rand(maskShape, { dtype }).ge(p);
  const scale = 1 / Math.sqrt((alphaLimit * alphaLimit * p + 1) * (1 - p));
  return where(kept, x, alphaLimit)
    .mul(scale)
    .add(-scale * alphaLimit * p);
}

/**
 * Replaces each value by SELU's limit with probability p, and rescales to keep mean 0 and variance 1.
 * Source: torch.nn.functional.alpha_dropout (Klambauer et al. 2017).
 */
export function alphaDropout(x: Tensor, p = 0.5, training = true): Tensor {
  check("alphaDropout", x, p, training);
  return training ? alphaDrop(x, p, x.shape) : x;
}

/** alphaDropout for whole channels (dim 1). Source: torch.nn.functional.feature_alpha_dropout. */
export function featureAlphaDropout(x: Tensor, p = 0.5, training = true): Tensor {
  check("featureAlphaDropout", x, p, training);
  const channels = x.shape.map((extent, axis) => (axis < 2 ? extent : 1));
  return training ? alphaDrop(x, p, channels) : x;
}

function check(where: string, x: Tensor, p: number, training: boolean): void {
  given(where, x);
  checkKind(where, "training", training, kind.boolean);
  checked(p, where);
}

/** Returns the probability; refuses anything outside [0, 1]. */
export function checked(p: number, where = "dropout"): number {
  if (typeof p !== "number" || !(p >= 0 && p <= 1))
    throw new HebbError(`${where}: a probability must lie between 0 and 1, got ${kind.describe(p)}`);
  return p;
}

abstract class DropoutModule extends Module {
  readonly p: number;
  constructor(p = 0.5) {
    super();
    this.p = checked(p);
  }
}

/** Source: torch.nn.Dropout (Srivastava et al. 2014). */
export class Dropout extends DropoutModule {
  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training);
  }
}

/** Drops whole channels of [N, C, L]. Source: torch.nn.Dropout1d. */
export class Dropout1d extends DropoutModule {
  forward(x: Tensor): Tensor {
    return dropout1d(x, this.p, this.training);
  }
}

/** Drops whole channels of [N, C, H, W]. Source: torch.nn.Dropout2d (Tompson et al. 2015). */
export class Dropout2d extends DropoutModule {
  forward(x: Tensor): Tensor {
    return dropout2d(x, this.p, this.training);
  }
}

/** Drops whole channels of [N, C, D, H, W]. Source: torch.nn.Dropout3d. */
export class Dropout3d extends DropoutModule {
  forward(x: Tensor): Tensor {
    return dropout3d(x, this.p, this.training);
  }
}

/** Dropout for SELU. Source: torch.nn.AlphaDropout. */
export class AlphaDropout extends DropoutModule {
  forward(x: Tensor): Tensor {
    return alphaDropout(x, this.p, this.training);
  }
}

/** Dropout of whole channels for SELU. Source: torch.nn.FeatureAlphaDropout. */
export class FeatureAlphaDropout extends DropoutModule {
  forward(x: Tensor): Tensor {
    return featureAlphaDropout(x, this.p, this.training);
  }
}
