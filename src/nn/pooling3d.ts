// Pools over three spatial dims as modules, and unpooling in any number of dims.
import type { AvgPoolOptions, MaxPoolOptions } from "../graph/ops/pool.ts";
import * as pool from "../graph/ops/pool.ts";
import { checkOptions } from "../graph/options.ts";
import * as F from "../tensor/functional.ts";
import type { Tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";
import {
  AdaptivePool,
  adaptiveAvgPool3d,
  adaptiveMaxPool3d,
  type LPPoolOptions,
  lpPool3d,
  lpPoolKinds,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  Pool,
  type UnpoolOptions,
  unpoolKinds,
} from "./pooling.ts";

type Size = number | readonly number[];

/** The maximum of each window of [N, C, D, H, W]. Source: torch.nn.MaxPool3d. */
export class MaxPool3d extends Pool<MaxPoolOptions> {
  constructor(kernelSize: Size, options: MaxPoolOptions = {}) {
    super("MaxPool3d", kernelSize, options, pool.maxPoolKinds);
  }
  forward(x: Tensor): Tensor {
    return F.maxPool3d(x, this.kernelSize, this.options);
  }
}

/** The mean of each window of [N, C, D, H, W]. Source: torch.nn.AvgPool3d. */
export class AvgPool3d extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Size, options: AvgPoolOptions = {}) {
    super("AvgPool3d", kernelSize, options, pool.avgPoolKinds);
  }
  forward(x: Tensor): Tensor {
    return F.avgPool3d(x, this.kernelSize, this.options);
  }
}

/** The norm of each window: (Σ xᵖ)^(1/p). Source: torch.nn.LPPool3d. */
export class LPPool3d extends Pool<LPPoolOptions> {
  readonly normType: number;
  constructor(normType: number, kernelSize: Size, options: LPPoolOptions = {}) {
    super("LPPool3d", kernelSize, options, lpPoolKinds);
    this.normType = normType;
  }
  forward(x: Tensor): Tensor {
    return lpPool3d(x, this.normType, this.kernelSize, this.options);
  }
}

/** The mean of windows chosen for a given output size. Source: torch.nn.AdaptiveAvgPool3d. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

/** The maximum of windows chosen for a given output size. Source: torch.nn.AdaptiveMaxPool3d. */
export class AdaptiveMaxPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool3d(x, this.outputSize);
  }
}

/** Puts the maxima of a pool with indices back at their positions. */
abstract class Unpool extends Module {
  readonly kernelSize: Size;
  readonly options: UnpoolOptions;
  constructor(where: string, kernelSize: Size, options: UnpoolOptions) {
    super();
    this.kernelSize = kernelSize;
    this.options = checkOptions(where, options, unpoolKinds);
  }
}

/** Source: torch.nn.MaxUnpool1d. */
export class MaxUnpool1d extends Unpool {
  constructor(kernelSize: Size, options: UnpoolOptions = {}) {
    super("MaxUnpool1d", kernelSize, options);
  }
  forward(x: Tensor, indices: Tensor): Tensor {
    return maxUnpool1d(x, indices, this.kernelSize, this.options);
  }
}

/** Source: torch.nn.MaxUnpool2d. */
export class MaxUnpool2d extends Unpool {
  constructor(kernelSize: Size, options: UnpoolOptions = {}) {
    super("MaxUnpool2d", kernelSize, options);
  }
  forward(x: Tensor, indices: Tensor): Tensor {
    return maxUnpool2d(x, indices, this.kernelSize, this.options);
  }
}

/** Source: torch.nn.MaxUnpool3d. */
export class MaxUnpool3d extends Unpool {
  constructor(kernelSize: Size, options: UnpoolOptions = {}) {
    super("MaxUnpool3d", kernelSize, options);
  }
  forward(x: Tensor, indices: Tensor): Tensor {
    return maxUnpool3d(x, indices, this.kernelSize, this.options);
  }
}
