// Fractional max pooling: windows at random distances, so that a size can shrink by a factor below two.

import { at } from "../graph/at.ts";
import { isHalf } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { perDim } from "../graph/ops/conv.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sameShape, sizeOf } from "../graph/shape.ts";
import { given, givenOrNot } from "../tensor/arguments.ts";
import { arange, rand, type Tensor, where } from "../tensor/index.ts";
import { Module } from "./module.ts";
import type { MaxPoolResult } from "./pooling.ts";

type Size = number | readonly number[];

export interface FractionalPoolOptions {
  /** The sizes of the result's spatial dims; give this or outputRatio. */
  readonly outputSize?: Size;
  /** The ratio of the result's spatial sizes to the input's, between 0 and 1. */
  readonly outputRatio?: Size;
}

const fractionalKinds: OptionKinds<FractionalPoolOptions> = { outputSize: kind.size, outputRatio: kind.size };

interface Fractional {
  readonly kernel: readonly number[];
  sizes(input: readonly number[]): readonly number[];
}

/** The options for each dim, checked before there is an input. */
function fractional(name: string, rank: number, kernelSize: Size, options: FractionalPoolOptions): Fractional {
  const { outputSize, outputRatio } = checkOptions(name, options, fractionalKinds);
  if ((outputSize === undefined) === (outputRatio === undefined))
    throw new HebbError(`${name}: give either outputSize or outputRatio`);
  const kernel = perDim(name, "kernelSize", kernelSize, rank, 1);
  if (outputSize !== undefined) {
    const sizes = perDim(name, "outputSize", outputSize, rank, 1);
    return { kernel, sizes: () => sizes };
  }
  const ratios = typeof outputRatio === "number" ? kernel.map(() => outputRatio) : (outputRatio ?? []);
  if (ratios.length !== rank || !ratios.every((ratio) => ratio > 0 && ratio < 1))
    throw new HebbError(
      `${name}: outputRatio must be between 0 and 1 for each of ${rank} dims, got ${ratios.join(", ")}`,
    );
  return { kernel, sizes: (input) => input.map((extent, dim) => Math.floor(extent * at(ratios, dim))) };
}

/** The starts of the windows along one dim: pseudorandom sequences that grow by a fixed step on average, [N, C, count]. */
function startsOf(drawn: Tensor, extent: number, count: number, kernel: number): Tensor {
  // Positions need the precision of float32.
  const sample = isHalf(drawn.dtype) ? drawn.to("float32") : drawn;
  const last = extent - kernel;
  const step = count > 1 ? last / (count - 1) : 0;
  const places = arange(count).to(sample.dtype);
  const shifted = sample.unsqueeze(-1);
  const starts = places.add(shifted).mul(step).floor().sub(shifted.mul(step).floor());
  return where(arange(count).eq(count - 1), last, starts).to("int32");
}

interface Which {
  readonly name: string;
  readonly rank: 2 | 3;
}

function pool(
  { name, rank }: Which,
  x: Tensor,
  kernelSize: Size,
  options: FractionalPoolOptions,
  samples?: Tensor,
): MaxPoolResult {
  given(name, x);
  givenOrNot(name, samples, "the random samples");
  const { kernel, sizes } = fractional(name, rank, kernelSize, options);
  const single = x.rank === rank + 1;
  if (x.rank !== rank + 2 && !single)
    throw new ShapeError(
      `${name}: takes ${rank + 2} dims, or ${rank + 1} without a batch, got ${formatShape(x.shape)}`,
    );
  const images = single ? x.unsqueeze(0) : x;
  const [count = 0, channels = 0, ...size] = images.shape;
  const output = sizes(size);
  for (const [dim, extent] of size.entries())
    if (at(output, dim) + at(kernel, dim) - 1 > extent || at(output, dim) < 1)
      throw new ShapeError(`${name}: ${output[dim]} windows of ${kernel[dim]} do not fit in a dim of ${extent}`);
  const float = x.dtype === "float64" ? "float64" : "float32";
  const drawn = samples ?? rand([count, channels, rank], { dtype: float });
  if (!sameShape(drawn.shape, [count, channels, rank]))
    throw new ShapeError(`${name}: the random samples must be [N, C, ${rank}], got ${formatShape(drawn.shape)}`);
  // PyTorch draws for the last dim first if there are two.
  const sampleOf = (dim: number): Tensor => drawn.select(2, rank === 2 ? 1 - dim : dim);
  const lead = [count, channels];
  let place: Tensor | undefined;
  for (const [dim, extent] of size.entries()) {
    const starts = startsOf(sampleOf(dim), extent, at(output, dim), at(kernel, dim));
    const own = starts.unsqueeze(-1).add(arange(at(kernel, dim)));
    const around = size.flatMap((_, k) => (k === dim ? [at(output, dim)] : [1]));
    const inside = size.flatMap((_, k) => (k === dim ? [at(kernel, dim)] : [1]));
    const spread = own.reshape([...lead, ...around, ...inside]);
    place = place === undefined ? spread : place.mul(extent).add(spread);
  }
  const area = sizeOf(kernel);
  const flat = (place as Tensor).reshape([...lead, sizeOf(output) * area]);
  const windows = images
    .reshape([...lead, sizeOf(size)])
    .gather(2, flat)
    .reshape([...lead, ...output, area]);
  const best = windows.argmax(-1, true);
  const indices = flat
    .reshape([...lead, ...output, area])
    .gather(-1, best)
    .squeeze(-1);
  const values = windows.gather(-1, best).squeeze(-1);
  return single ? { values: values.squeeze(0), indices: indices.squeeze(0) } : { values, indices };
}

/**
 * The maximum of each random window of [N, C, H, W], and its position in the flattened spatial dims. `samples` [N, C, 2] replace the random numbers
 * from 0 to 1. Source: torch.nn.functional.fractional_max_pool2d, return_indices (Graham 2014).
 */
export const fractionalMaxPool2dWithIndices = (
  x: Tensor,
  kernelSize: Size,
  options: FractionalPoolOptions,
  samples?: Tensor,
): MaxPoolResult => pool({ name: "fractionalMaxPool2dWithIndices", rank: 2 }, x, kernelSize, options, samples);

/** fractionalMaxPool2dWithIndices for [N, C, D, H, W]. Source: torch.nn.functional.fractional_max_pool3d, return_indices. */
export const fractionalMaxPool3dWithIndices = (
  x: Tensor,
  kernelSize: Size,
  options: FractionalPoolOptions,
  samples?: Tensor,
): MaxPoolResult => pool({ name: "fractionalMaxPool3dWithIndices", rank: 3 }, x, kernelSize, options, samples);

/** The maximum of each random window of [N, C, H, W]. Source: torch.nn.functional.fractional_max_pool2d. */
export const fractionalMaxPool2d = (
  x: Tensor,
  kernelSize: Size,
  options: FractionalPoolOptions,
  samples?: Tensor,
): Tensor => pool({ name: "fractionalMaxPool2d", rank: 2 }, x, kernelSize, options, samples).values;

/** The maximum of each random window of [N, C, D, H, W]. Source: torch.nn.functional.fractional_max_pool3d. */
export const fractionalMaxPool3d = (
  x: Tensor,
  kernelSize: Size,
  options: FractionalPoolOptions,
  samples?: Tensor,
): Tensor => pool({ name: "fractionalMaxPool3d", rank: 3 }, x, kernelSize, options, samples).values;

abstract class FractionalMaxPool extends Module<Tensor, [x: Tensor, samples?: Tensor]> {
  readonly kernelSize: Size;
  readonly options: FractionalPoolOptions;
  protected abstract get rank(): 2 | 3;
  constructor(kernelSize: Size, options: FractionalPoolOptions) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }
  forward(x: Tensor, samples?: Tensor): Tensor {
    const fn = this.rank === 2 ? fractionalMaxPool2d : fractionalMaxPool3d;
    return fn(x, this.kernelSize, this.options, samples);
  }
}

/** Source: torch.nn.FractionalMaxPool2d. */
export class FractionalMaxPool2d extends FractionalMaxPool {
  protected get rank(): 2 {
    return 2;
  }
  constructor(kernelSize: Size, options: FractionalPoolOptions) {
    fractional("FractionalMaxPool2d", 2, kernelSize, options);
    super(kernelSize, options);
  }
}

/** Source: torch.nn.FractionalMaxPool3d. */
export class FractionalMaxPool3d extends FractionalMaxPool {
  protected get rank(): 3 {
    return 3;
  }
  constructor(kernelSize: Size, options: FractionalPoolOptions) {
    fractional("FractionalMaxPool3d", 3, kernelSize, options);
    super(kernelSize, options);
  }
}
