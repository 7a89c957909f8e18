// Pools as functions and modules: the maximum, mean or norm of each window, adaptive pools, and unpooling.
import { at } from "../graph/at.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { perDim } from "../graph/ops/conv.ts";
import type { AvgPoolOptions, MaxPoolOptions, PoolOptions } from "../graph/ops/pool.ts";
import * as pool from "../graph/ops/pool.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sameShape, sizeOf } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { checked } from "../tensor/checks.ts";
import { composed } from "../tensor/composed.ts";
import * as F from "../tensor/functional.ts";
import { Tensor, zeros } from "../tensor/index.ts";
import { Module } from "./module.ts";

type Size = number | readonly number[];
/** A size for each spatial dim; null keeps the input's. */
export type AdaptiveSize = number | readonly (number | null)[];
const adaptiveSize = kind.either(kind.number, kind.listOf(kind.orNull(kind.number)));

/** The sizes, with null replaced by those of the input. */
function resolved(name: string, x: Tensor, rank: number, outputSize: AdaptiveSize): Size {
  given(name, x);
  checkKind(name, "outputSize", outputSize, adaptiveSize);
  if (typeof outputSize === "number") return outputSize;
  if (outputSize.length !== rank)
    throw new ShapeError(`${name}: outputSize needs ${rank} sizes, got ${JSON.stringify(outputSize)}`);
  return outputSize.map((size, dim) => size ?? x.shape[x.rank - rank + dim] ?? 1);
}

/** The mean of each of `outputSize` regions: [N, C, L] → [N, C, outputSize]. Source: torch.nn.functional.adaptive_avg_pool1d. */
export const adaptiveAvgPool1d = (x: Tensor, outputSize: AdaptiveSize): Tensor =>
  F.adaptiveAvgPool1d(x, resolved("adaptiveAvgPool1d", x, 1, outputSize));

/** The mean of each region of a grid: [N, C, H, W] → [N, C, ...outputSize]. Source: torch.nn.functional.adaptive_avg_pool2d. */
export const adaptiveAvgPool2d = (x: Tensor, outputSize: AdaptiveSize): Tensor =>
  F.adaptiveAvgPool2d(x, resolved("adaptiveAvgPool2d", x, 2, outputSize));

/** The maximum of each of `outputSize` regions. Source: torch.nn.functional.adaptive_max_pool1d. */
export const adaptiveMaxPool1d = (x: Tensor, outputSize: AdaptiveSize): Tensor =>
  Tensor.from(
    pool.adaptiveMaxPool1d(given("adaptiveMaxPool1d", x).node, resolved("adaptiveMaxPool1d", x, 1, outputSize)),
    [x],
  );

/** The maximum of each region of a grid. Source: torch.nn.functional.adaptive_max_pool2d. */
export const adaptiveMaxPool2d = (x: Tensor, outputSize: AdaptiveSize): Tensor =>
  Tensor.from(
    pool.adaptiveMaxPool2d(given("adaptiveMaxPool2d", x).node, resolved("adaptiveMaxPool2d", x, 2, outputSize)),
    [x],
  );

/** The mean of each region of a box. Source: torch.nn.functional.adaptive_avg_pool3d. */
export const adaptiveAvgPool3d = (x: Tensor, outputSize: AdaptiveSize): Tensor =>
  Tensor.from(
    pool.adaptiveAvgPool3d(given("adaptiveAvgPool3d", x).node, resolved("adaptiveAvgPool3d", x, 3, outputSize)),
    [x],
  );

/** The maximum of each region of a box. Source: torch.nn.functional.adaptive_max_pool3d. */
export const adaptiveMaxPool3d = (x: Tensor, outputSize: AdaptiveSize): Tensor =>
  Tensor.from(
    pool.adaptiveMaxPool3d(given("adaptiveMaxPool3d", x).node, resolved("adaptiveMaxPool3d", x, 3, outputSize)),
    [x],
  );

export interface MaxPoolResult {
  readonly values: Tensor;
  /** Positions in the flattened spatial dims of the input, int32. */
  readonly indices: Tensor;
}

/** maxPool1d with the position of each maximum. Source: torch.nn.functional.max_pool1d, return_indices. */
export const maxPool1dWithIndices = (x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): MaxPoolResult =>
  maxPoolWithIndices(1, given("maxPool1dWithIndices", x), kernelSize, options);

/** maxPool2d with the position of each maximum. Source: torch.nn.functional.max_pool2d, return_indices. */
export const maxPool2dWithIndices = (x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): MaxPoolResult =>
  maxPoolWithIndices(2, given("maxPool2dWithIndices", x), kernelSize, options);

/** maxPool3d with the position of each maximum. Source: torch.nn.functional.max_pool3d, return_indices. */
export const maxPool3dWithIndices = (x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): MaxPoolResult =>
  maxPoolWithIndices(3, given("maxPool3dWithIndices", x), kernelSize, options);

function maxPoolWithIndices(rank: 1 | 2 | 3, x: Tensor, kernelSize: Size, options: MaxPoolOptions): MaxPoolResult {
  const { values, indices } = pool.maxPoolWithPlaces(rank, x.node, kernelSize, options);
  return { values: Tensor.from(values, [x]), indices: Tensor.from(indices, []) };
}

export interface UnpoolOptions {
  /** Default: the kernel size. */
  readonly stride?: Size;
  /** Default 0. */
  readonly padding?: Size;
  /** The spatial size, if several are possible. Default: the smallest. */
  readonly outputSize?: readonly number[] | undefined;
}

export const unpoolKinds: OptionKinds<UnpoolOptions> = {
  stride: kind.size,
  padding: kind.size,
  outputSize: kind.numbers,
};

function unpool(
  { name, rank }: { readonly name: string; readonly rank: number },
  x: Tensor,
  indices: Tensor,
  kernelSize: Size,
  options: UnpoolOptions,
): Tensor {
  given(name, x);
  given(name, indices, "the indices");
  checkOptions(name, options, unpoolKinds);
  if (!sameShape(x.shape, indices.shape) || (x.rank !== rank + 1 && x.rank !== rank + 2))
    throw new ShapeError(
      `${name}: takes values of ${rank + 2} or ${rank + 1} dims and indices of their shape, got ${formatShape(x.shape)} and ${formatShape(indices.shape)}`,
    );
  const kernel = perDim(name, "kernelSize", kernelSize, rank, 1);
  const stride = perDim(name, "stride", options.stride ?? kernelSize, rank, 1);
  const padding = perDim(name, "padding", options.padding ?? 0, rank, 0);
  const lead = x.shape.slice(0, x.rank - rank);
  const least = x.shape
    .slice(x.rank - rank)
    .map((extent, dim) => (extent - 1) * at(stride, dim) - 2 * at(padding, dim) + at(kernel, dim));
  const size = options.outputSize?.slice(-rank) ?? least;
  if (size.some((extent, dim) => Math.abs(extent - at(least, dim)) >= at(stride, dim)))
    throw new ShapeError(`${name}: outputSize ${formatShape(size)} is too far from ${formatShape(least)}`);
  const flat = [sizeOf(lead), sizeOf(x.shape.slice(x.rank - rank))];
  const site = { by: name, item: "index", count: "the number of places in a channel" };
  const places = checked(indices, sizeOf(size), site);
  return zeros([at(flat, 0), sizeOf(size)], { dtype: x.dtype })
    .scatterAdd(1, places.reshape(flat), x.reshape(flat))
    .reshape([...lead, ...size]);
}

/** Puts each maximum back at its position, 0 elsewhere: the partial inverse of maxPool1dWithIndices. Source: torch.nn.functional.max_unpool1d. */
export const maxUnpool1d = (x: Tensor, indices: Tensor, kernelSize: Size, options: UnpoolOptions = {}): Tensor =>
  unpool({ name: "maxUnpool1d", rank: 1 }, x, indices, kernelSize, options);

/** Puts each maximum back at its position, 0 elsewhere: the partial inverse of maxPool2dWithIndices. Source: torch.nn.functional.max_unpool2d. */
export const maxUnpool2d = (x: Tensor, indices: Tensor, kernelSize: Size, options: UnpoolOptions = {}): Tensor =>
  unpool({ name: "maxUnpool2d", rank: 2 }, x, indices, kernelSize, options);

/** Puts each maximum back at its position, 0 elsewhere: the partial inverse of maxPool3dWithIndices. Source: torch.nn.functional.max_unpool3d. */
export const maxUnpool3d = (x: Tensor, indices: Tensor, kernelSize: Size, options: UnpoolOptions = {}): Tensor =>
  unpool({ name: "maxUnpool3d", rank: 3 }, x, indices, kernelSize, options);

export type LPPoolOptions = Pick<PoolOptions, "stride" | "ceilMode">;
export const lpPoolKinds: OptionKinds<LPPoolOptions> = { stride: kind.size, ceilMode: kind.boolean };

/** (Σ xᵖ)^(1/p) over each window. `p` = Infinity is maxPool. */
function lpPool(rank: 1 | 2 | 3, x: Tensor, normType: number, kernelSize: Size, options: LPPoolOptions): Tensor {
  const name = `lpPool${rank}d` as const;
  given(name, x);
  checkOptions(name, options, lpPoolKinds);
  if (!(normType > 0)) throw new HebbError(`${name}: normType must be above 0, got ${normType}`);
  const max = [F.maxPool1d, F.maxPool2d, F.maxPool3d][rank - 1] as typeof F.maxPool2d;
  const mean = [F.avgPool1d, F.avgPool2d, F.avgPool3d][rank - 1] as typeof F.avgPool2d;
  if (normType === Number.POSITIVE_INFINITY) return max(x, kernelSize, options);
  const kernel = perDim(name, "kernelSize", kernelSize, rank, 1);
  const stride = perDim(name, "stride", options.stride ?? kernel, rank, 1);
  const { ceilMode = false } = options;
  const attributes = { kernelSize: kernel, stride, padding: kernel.map(() => 0), ceilMode, normType };
  const pooled = (): Tensor => {
    const total = mean(x.pow(normType), kernelSize, options).mul(sizeOf(kernel));
    return total
      .sign()
      .mul(total.abs().relu())
      .pow(1 / normType);
  };
  return name === "lpPool3d" ? pooled() : composed(name, [x], attributes, pooled);
}

/** (Σ xᵖ)^(1/p) over each window. Source: torch.nn.functional.lp_pool1d. */
export const lpPool1d = (x: Tensor, normType: number, kernelSize: Size, options: LPPoolOptions = {}): Tensor =>
  lpPool(1, x, normType, kernelSize, options);
/** (Σ xᵖ)^(1/p) over each window. Source: torch.nn.functional.lp_pool2d. */
export const lpPool2d = (x: Tensor, normType: number, kernelSize: Size, options: LPPoolOptions = {}): Tensor =>
  lpPool(2, x, normType, kernelSize, options);

/** (Σ xᵖ)^(1/p) over each window. Source: torch.nn.functional.lp_pool3d. */
export const lpPool3d = (x: Tensor, normType: number, kernelSize: Size, options: LPPoolOptions = {}): Tensor =>
  lpPool(3, x, normType, kernelSize, options);

/** A window with its stride and padding. */
export abstract class Pool<O extends PoolOptions> extends Module {
  readonly kernelSize: Size;
  readonly options: O;
  constructor(where: string, kernelSize: Size, options: O, kinds: OptionKinds<O>) {
    super();
    checkKind(where, "kernelSize", kernelSize, kind.size);
    this.kernelSize = kernelSize;
    this.options = checkOptions(where, options, kinds);
  }
}

/** The maximum of each window; the stride defaults to the window's size. Source: torch.nn.MaxPool2d. */
export class MaxPool2d extends Pool<MaxPoolOptions> {
  constructor(kernelSize: Size, options: MaxPoolOptions = {}) {
    super("MaxPool2d", kernelSize, options, pool.maxPoolKinds);
  }
  forward(x: Tensor): Tensor {
    return F.maxPool2d(x, this.kernelSize, this.options);
  }
}

/** The maximum of each window. Source: torch.nn.MaxPool1d. */
export class MaxPool1d extends Pool<MaxPoolOptions> {
  constructor(kernelSize: Size, options: MaxPoolOptions = {}) {
    super("MaxPool1d", kernelSize, options, pool.maxPoolKinds);
  }
  forward(x: Tensor): Tensor {
    return F.maxPool1d(x, this.kernelSize, this.options);
  }
}

/** The mean of each window. Source: torch.nn.AvgPool2d. */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Size, options: AvgPoolOptions = {}) {
    super("AvgPool2d", kernelSize, options, pool.avgPoolKinds);
  }
  forward(x: Tensor): Tensor {
    return F.avgPool2d(x, this.kernelSize, this.options);
  }
}

/** The mean of each window. Source: torch.nn.AvgPool1d. */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Size, options: AvgPoolOptions = {}) {
    super("AvgPool1d", kernelSize, options, pool.avgPoolKinds);
  }
  forward(x: Tensor): Tensor {
    return F.avgPool1d(x, this.kernelSize, this.options);
  }
}

/** The norm of each window: (Σ xᵖ)^(1/p). Source: torch.nn.LPPool1d. */
export class LPPool1d extends Pool<LPPoolOptions> {
  readonly normType: number;
  constructor(normType: number, kernelSize: Size, options: LPPoolOptions = {}) {
    super("LPPool1d", kernelSize, options, lpPoolKinds);
    this.normType = normType;
  }
  forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.options);
  }
}

/** The norm of each window: (Σ xᵖ)^(1/p). Source: torch.nn.LPPool2d. */
export class LPPool2d extends Pool<LPPoolOptions> {
  readonly normType: number;
  constructor(normType: number, kernelSize: Size, options: LPPoolOptions = {}) {
    super("LPPool2d", kernelSize, options, lpPoolKinds);
    this.normType = normType;
  }
  forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.options);
  }
}

/** Windows chosen for a given output size. */
export abstract class AdaptivePool extends Module {
  readonly outputSize: AdaptiveSize;
  constructor(outputSize: AdaptiveSize) {
    super();
    checkKind(new.target.name, "outputSize", outputSize, adaptiveSize);
    this.outputSize = outputSize;
  }
}

/** The mean of windows chosen for a given output size. Source: torch.nn.AdaptiveAvgPool1d. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** The mean of windows chosen for a given output size. Source: torch.nn.AdaptiveAvgPool2d. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** The maximum of windows chosen for a given output size. Source: torch.nn.AdaptiveMaxPool1d. */
export class AdaptiveMaxPool1d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool1d(x, this.outputSize);
  }
}

/** The maximum of windows chosen for a given output size. Source: torch.nn.AdaptiveMaxPool2d. */
export class AdaptiveMaxPool2d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}
