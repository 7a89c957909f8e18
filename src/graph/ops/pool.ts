// Pools: the maximum or mean of each window, over one to three dims.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { composed, note } from "../compose.ts";
import { computedIn, type DType, isFloat, rangeOf } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { greatest } from "../extremes.ts";
import * as kind from "../kinds.ts";
import { gradient, type Node, type Op } from "../node.ts";
import { checkOptions, type OptionKinds } from "../options.ts";
import { formatShape, sizeOf } from "../shape.ts";
import { arange } from "./arange.ts";
import { perDim, spatialNames } from "./conv.ts";
import { full, int } from "./creation.ts";
import { add, cast, div, eq, isnan, logicalOr, lt, maximum, minimum, mul, sub, where } from "./elementwise.ts";
import { trustedIndexSelect } from "./indexing.ts";
import { pad, permute, reshape } from "./movement.ts";
import { amin, sum } from "./reduce.ts";
import { quotient, window } from "./window.ts";

export type WindowMaxAttributes = { readonly axes: readonly number[] };

/**
 * The maximum over the last dims, which are listed in `axes` and kept with size 1. Its gradient goes to the first maximum
 * only (torch.max_pool2d); a NaN counts as a maximum.
 */
export const windowMaxOp: Op<WindowMaxAttributes> = {
  name: "windowMax",
  traits: { moves: true },
  infer([x], { axes }) {
    const shape = x?.shape ?? [];
    if (sizeOf(axes.map((axis) => at(shape, axis))) === 0) {
      throw new ShapeError(
        `windowMax: an empty window of ${formatShape(shape)} has no maximum; use kernel sizes from 1`,
      );
    }
    return { shape: shape.map((extent, dim) => (axes.includes(dim) ? 1 : extent)), dtype: x?.dtype ?? "float32" };
  },
  gradient: gradient(({ node, grad }) => {
    const [x] = node.inputs;
    if (x === undefined) return [undefined];
    const { axes } = node.attributes;
    const place = places(axes.map((axis) => at(x.shape, axis)));
    const highest = logicalOr(eq(x, node), isnan(x));
    const first = amin(where(highest, place, int(sizeOf(place.shape))), axes, true);
    return [where(eq(place, first), grad, full([], 0, grad.dtype))];
  }),
  rule: { kind: "reduce", combine: "max", axes: ({ axes }) => axes },
};

/** 0, 1, 2 … in row-major order. */
function places(shape: readonly number[]): Node {
  return reshape(arange(0, sizeOf(shape), 1, "int32"), shape);
}

export interface PoolOptions {
  /** Default: the kernel size, so that windows are adjacent. */
  readonly stride?: number | readonly number[];
  /** Added on both sides: -∞ for the maximum, 0 for the mean. At most half the kernel. Default 0. */
  readonly padding?: number | readonly number[];
  /** Also take a last window that only partly fits. Default false. */
  readonly ceilMode?: boolean;
}

export const poolKinds: OptionKinds<PoolOptions> = {
  stride: kind.size,
  padding: kind.size,
  ceilMode: kind.boolean,
};

export interface MaxPoolOptions extends PoolOptions {
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: number | readonly number[];
}

export const maxPoolKinds: OptionKinds<MaxPoolOptions> = { ...poolKinds, dilation: kind.size };

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts in the mean. Default true. */
  readonly countIncludePad?: boolean;
  /** Divides the sums instead of the number of elements. Two dims only. */
  readonly divisorOverride?: number | undefined;
}

export const avgPoolKinds: OptionKinds<AvgPoolOptions> = {
  ...poolKinds,
  countIncludePad: kind.boolean,
  divisorOverride: kind.number,
};

/** The maximum of each window (torch.nn.functional.max_pool1d): [N, C, L] or [C, L] → the same with Lout. See maxPool2d. */
export function maxPool1d(x: Node, kernelSize: number | readonly number[], options: MaxPoolOptions = {}): Node {
  return maxPool("maxPool1d", 1, x, kernelSize, options);
}

/**
 * The maximum of each window (torch.nn.functional.max_pool2d): [N, C, H, W] or [C, H, W] → the same with Hout, Wout,
 * Hout = ⌊(H + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1. NaN wins. The gradient goes to the first maximum.
 * Throws ShapeError when no window fits or the padding is more than half the kernel.
 */
export function maxPool2d(x: Node, kernelSize: number | readonly number[], options: MaxPoolOptions = {}): Node {
  return maxPool("maxPool2d", 2, x, kernelSize, options);
}

/** The maximum of each window of [N, C, D, H, W] or [C, D, H, W] (torch.nn.functional.max_pool3d). See maxPool2d. */
export function maxPool3d(x: Node, kernelSize: number | readonly number[], options: MaxPoolOptions = {}): Node {
  return maxPool("maxPool3d", 3, x, kernelSize, options);
}

function maxPool(
  name: "maxPool1d" | "maxPool2d" | "maxPool3d",
  rank: number,
  x: Node,
  kernelSize: number | readonly number[],
  options: MaxPoolOptions,
): Node {
  const { windows, axes, attributes } = maxWindows(name, rank, x, kernelSize, options);
  const result = reshape(apply(windowMaxOp, [windows], { axes }), windows.shape.slice(0, x.shape.length));
  return name === "maxPool3d" ? result : composed(name, [x], attributes, result);
}

/** The maxima and their positions (see maxPoolPlaces). */
export function maxPoolWithPlaces(
  rank: 1 | 2 | 3,
  x: Node,
  kernelSize: number | readonly number[],
  options: MaxPoolOptions = {},
): { readonly values: Node; readonly indices: Node } {
  const name = `maxPool${rank}d` as const;
  const values = maxPool(name, rank, x, kernelSize, options);
  const indices = maxPoolPlaces(rank, x, kernelSize, options);
  if (values.composite !== undefined) note(values.composite, [values, indices]);
  return { values, indices };
}

function maxWindows(
  name: string,
  rank: number,
  x: Node,
  kernelSize: number | readonly number[],
  options: MaxPoolOptions,
) {
  checkOptions(name, options, maxPoolKinds);
  const { kernel, stride, dilation, dims } = plan(name, rank, x, kernelSize, options);
  const padded = padSpatial(x, dims, lowest(x.dtype));
  const windows = window(
    padded,
    { kernel, stride, dilation },
    dims.map(({ count }) => count),
  );
  const axes = kernel.map((_, dim) => x.shape.length + dim);
  return { windows, axes, dims, dilation, attributes: { ...attributesOf(dims, options), dilation } };
}

/**
 * The index of the maximum of each window of maxPool1d or maxPool2d: an int32 index into the flattened spatial dims of x, the first
 * of several (return_indices of torch.nn.functional.max_pool2d). `rank` is the number of spatial dims.
 */
export function maxPoolPlaces(
  rank: 1 | 2 | 3,
  x: Node,
  kernelSize: number | readonly number[],
  options: MaxPoolOptions = {},
): Node {
  const { windows, axes, dims, dilation } = maxWindows(`maxPool${rank}d`, rank, x, kernelSize, options);
  const place = places(axes.map((axis) => at(windows.shape, axis)));
  const highest = logicalOr(eq(windows, apply(windowMaxOp, [windows], { axes })), isnan(windows));
  const first = amin(where(highest, place, int(sizeOf(place.shape))), axes, false);
  let rest = first;
  let position: Node = int(0);
  for (let dim = rank - 1, scale = 1; dim >= 0; dim--) {
    const { kernel = 1, stride = 1, padding = 0, count = 1, extent = 1 } = dims[dim] ?? {};
    const before = quotient(rest, kernel);
    const inside = sub(rest, mul(before, int(kernel)));
    const row = reshape(arange(0, count, 1, "int32"), [count, ...new Array<number>(rank - 1 - dim).fill(1)]);
    const coordinate = sub(add(mul(row, int(stride)), mul(inside, int(at(dilation, dim)))), int(padding));
    position = add(mul(coordinate, int(scale)), position);
    scale *= extent;
    rest = before;
  }
  return position;
}

const attributesOf = (dims: readonly PoolDim[], { ceilMode = false }: PoolOptions) => ({
  kernelSize: dims.map(({ kernel }) => kernel),
  stride: dims.map(({ stride }) => stride),
  padding: dims.map(({ padding }) => padding),
  ceilMode,
});

const lowest = (dtype: DType): number => rangeOf(computedIn(dtype))[0];

/** The mean of each window (torch.nn.functional.avg_pool1d): [N, C, L] or [C, L] → the same with Lout. See avgPool2d. */
export function avgPool1d(x: Node, kernelSize: number | readonly number[], options: AvgPoolOptions = {}): Node {
  return avgPool("avgPool1d", 1, x, kernelSize, options);
}

/**
 * The mean of each window (torch.nn.functional.avg_pool2d): [N, C, H, W] or [C, H, W] → the same with Hout, Wout,
 * Hout = ⌊(H + 2·padding - K) / stride⌋ + 1. With `countIncludePad` padding counts as elements of value 0.
 * Throws ShapeError when no window fits, the padding is more than half the kernel, or the dtype is not a float.
 */
export function avgPool2d(x: Node, kernelSize: number | readonly number[], options: AvgPoolOptions = {}): Node {
  return avgPool("avgPool2d", 2, x, kernelSize, options);
}

/** The mean of each window of [N, C, D, H, W] or [C, D, H, W] (torch.nn.functional.avg_pool3d). See avgPool2d. */
export function avgPool3d(x: Node, kernelSize: number | readonly number[], options: AvgPoolOptions = {}): Node {
  return avgPool("avgPool3d", 3, x, kernelSize, options);
}

function avgPool(
  name: "avgPool1d" | "avgPool2d" | "avgPool3d",
  rank: number,
  x: Node,
  kernelSize: number | readonly number[],
  options: AvgPoolOptions,
): Node {
  const { mean, dims } = windowMeans(name, rank, x, kernelSize, options);
  if (name === "avgPool3d") return mean;
  const { countIncludePad = true, divisorOverride = null } = options;
  return composed(name, [x], { ...attributesOf(dims, options), countIncludePad, divisorOverride }, mean);
}

function windowMeans(
  name: string,
  rank: number,
  x: Node,
  kernelSize: number | readonly number[],
  options: AvgPoolOptions,
): { readonly mean: Node; readonly dims: readonly PoolDim[] } {
  checkOptions(name, options, avgPoolKinds);
  needsFloat(name, x);
  const { kernel, stride, dilation, dims } = plan(name, rank, x, kernelSize, options);
  const windows = window(
    padSpatial(x, dims, 0),
    { kernel, stride, dilation },
    dims.map(({ count }) => count),
  );
  const total = sum(
    windows,
    kernel.map((_, dim) => x.shape.length + dim),
    false,
  );
  const { divisorOverride } = options;
  if (divisorOverride !== undefined) {
    if (rank === 1 || divisorOverride === 0 || Number.isNaN(divisorOverride))
      throw new ShapeError(
        `${name}: divisorOverride ${divisorOverride} must be a number other than 0, for 2 or 3 dims`,
      );
    return { mean: div(total, full([], divisorOverride, total.dtype)), dims };
  }
  const mean = dims.reduce(
    (part, dim, place) => divideByCounts(part, dim, x.shape.length - rank + place, options.countIncludePad ?? true),
    total,
  );
  return { mean, dims };
}

/** Divides by the number of elements of each window along one dim. */
function divideByCounts(
  total: Node,
  { extent, kernel, stride, padding, count }: PoolDim,
  axis: number,
  countIncludePad: boolean,
): Node {
  const clip = (position: number): number =>
    Math.min(Math.max(position, countIncludePad ? -padding : 0), extent + (countIncludePad ? padding : 0));
  const numbers = Array.from(
    { length: count },
    (_, y) => clip(y * stride - padding + kernel) - clip(y * stride - padding),
  );
  if (numbers.every((number) => number === kernel)) return mul(total, full([], 1 / kernel, total.dtype));
  const start = sub(mul(arange(0, count, 1, "int32"), int(stride)), int(padding));
  const clipped = (position: Node): Node =>
    minimum(maximum(position, int(clip(Number.NEGATIVE_INFINITY))), int(clip(Number.POSITIVE_INFINITY)));
  const counts = sub(clipped(add(start, int(kernel))), clipped(start));
  return div(
    total,
    reshape(cast(counts, total.dtype), [count, ...new Array<number>(total.shape.length - 1 - axis).fill(1)]),
  );
}

interface PoolDim {
  readonly extent: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  /** Extra padding on the right, for windows that only partly fit. */
  readonly overhang: number;
  readonly count: number;
}

function plan(
  name: string,
  rank: number,
  x: Node,
  kernelSize: number | readonly number[],
  options: PoolOptions & Pick<MaxPoolOptions, "dilation">,
) {
  checkRank(name, rank, x);
  const dilation = perDim(name, "dilation", options.dilation ?? 1, rank, 1);
  const kernel = perDim(name, "kernelSize", kernelSize, rank, 1);
  const stride = perDim(name, "stride", options.stride ?? kernelSize, rank, 1);
  const padding = perDim(name, "padding", options.padding ?? 0, rank, 0);
  const dims = x.shape.slice(x.shape.length - rank).map((extent, dim): PoolDim => {
    const [k = 1, s = 1, p = 0, d = 1] = [kernel[dim], stride[dim], padding[dim], dilation[dim]];
    if (p > k / 2)
      throw new ShapeError(
        `${name}: padding ${p} is more than half the kernel size ${k}; use at most ${Math.floor(k / 2)}`,
      );
    const reach = d * (k - 1) + 1;
    const room = extent + 2 * p - reach;
    let count = (options.ceilMode ? Math.ceil(room / s) : Math.floor(room / s)) + 1;
    // A window that starts in the right padding is empty.
    if (options.ceilMode && (count - 1) * s >= extent + p) count -= 1;
    if (room < 0 && count < 1) {
      throw new ShapeError(
        `${name}: the window spans ${reach}, more than the padded input of ${extent + 2 * p} in ${formatShape(x.shape)}; use a smaller kernel or more padding`,
      );
    }
    return {
      extent,
      kernel: k,
      stride: s,
      padding: p,
      count,
      overhang: Math.max(0, (count - 1) * s + reach - extent - 2 * p),
    };
  });
  return { kernel, stride, dilation, dims };
}

function padSpatial(x: Node, dims: readonly PoolDim[], value: number): Node {
  if (dims.every(({ padding, overhang }) => padding + overhang === 0)) return x;
  const lead = x.shape.slice(0, x.shape.length - dims.length).map((): [number, number] => [0, 0]);
  return pad(
    x,
    [...lead, ...dims.map(({ padding, overhang }): [number, number] => [padding, padding + overhang])],
    value,
  );
}

/** The mean over `outputSize` regions that share the length as evenly as they can (torch.nn.functional.adaptive_avg_pool1d). */
export function adaptiveAvgPool1d(x: Node, outputSize: number | readonly number[]): Node {
  return adaptiveAvgPool("adaptiveAvgPool1d", 1, x, outputSize);
}

/**
 * The mean over a grid of `outputSize` regions (torch.nn.functional.adaptive_avg_pool2d): [N, C, H, W] or [C, H, W] →
 * [..., OH, OW]. Region i runs from ⌊i·H / OH⌋ to ⌈(i + 1)·H / OH⌉.
 * Throws ShapeError when the size is not a positive integer or the dtype is not a float.
 */
export function adaptiveAvgPool2d(x: Node, outputSize: number | readonly number[]): Node {
  return adaptiveAvgPool("adaptiveAvgPool2d", 2, x, outputSize);
}

/** The maximum of each of `outputSize` regions, as for adaptiveAvgPool1d (torch.nn.functional.adaptive_max_pool1d). */
export function adaptiveMaxPool1d(x: Node, outputSize: number | readonly number[]): Node {
  return adaptiveMaxPool("adaptiveMaxPool1d", 1, x, outputSize);
}

/** The maximum of each region of a grid, as for adaptiveAvgPool2d (torch.nn.functional.adaptive_max_pool2d). The gradient goes to the first maximum. */
export function adaptiveMaxPool2d(x: Node, outputSize: number | readonly number[]): Node {
  return adaptiveMaxPool("adaptiveMaxPool2d", 2, x, outputSize);
}

/** The mean over a box of regions: [N, C, D, H, W] or [C, D, H, W] (torch.nn.functional.adaptive_avg_pool3d). */
export function adaptiveAvgPool3d(x: Node, outputSize: number | readonly number[]): Node {
  return adaptiveAvgPool("adaptiveAvgPool3d", 3, x, outputSize);
}

/** The maximum over a box of regions (torch.nn.functional.adaptive_max_pool3d). */
export function adaptiveMaxPool3d(x: Node, outputSize: number | readonly number[]): Node {
  return adaptiveMaxPool("adaptiveMaxPool3d", 3, x, outputSize);
}

/** One dim at a time, last first, so that the first maximum in row-major order is found. */
function adaptiveMaxPool(
  name: "adaptiveMaxPool1d" | "adaptiveMaxPool2d" | "adaptiveMaxPool3d",
  rank: number,
  x: Node,
  outputSize: number | readonly number[],
): Node {
  checkRank(name, rank, x);
  const sizes = perDim(name, "outputSize", outputSize, rank, 1);
  if (x.shape.slice(x.shape.length - rank).includes(0))
    throw new ShapeError(`${name}: ${formatShape(x.shape)} has no elements; spatial dims must be at least 1`);
  const result = sizes.reduceRight((pooled, size, dim) => {
    const axis = x.shape.length - rank + dim;
    const { values, inside } = regions(pooled, axis, size);
    const kept = where(inside, values, full([], lowest(x.dtype), x.dtype));
    // The maximum is over the last dim.
    const order = [...kept.shape.keys()].filter((place) => place !== axis + 1);
    const last = permute(kept, [...order, axis + 1]);
    return reshape(apply(windowMaxOp, [last], { axes: [order.length] }), replaced(pooled.shape, axis, size));
  }, x);
  if (name === "adaptiveMaxPool3d") return result;
  return composed(name, [x], { outputSize: sizes }, result);
}

const replaced = (shape: readonly number[], axis: number, size: number): number[] =>
  shape.map((extent, place) => (place === axis ? size : extent));

function adaptiveAvgPool(
  name: "adaptiveAvgPool1d" | "adaptiveAvgPool2d" | "adaptiveAvgPool3d",
  rank: number,
  x: Node,
  outputSize: number | readonly number[],
): Node {
  checkRank(name, rank, x);
  needsFloat(name, x);
  const sizes = perDim(name, "outputSize", outputSize, rank, 1);
  const extents = x.shape.slice(x.shape.length - rank);
  if (extents.includes(0))
    throw new ShapeError(
      `${name}: ${formatShape(x.shape)} has no elements to average; spatial dims must be at least 1`,
    );
  const result = extents.every((extent, dim) => extent % at(sizes, dim) === 0)
    ? windowMeans(
        name,
        rank,
        x,
        extents.map((extent, dim) => extent / at(sizes, dim)),
        {},
      ).mean
    : sizes.reduce((pooled, size, dim) => regionMeans(pooled, x.shape.length - rank + dim, size), x);
  if (name === "adaptiveAvgPool3d") return result;
  return composed(name, [x], { outputSize: sizes }, result);
}

/** The means of `size` regions along a dim. */
function regionMeans(x: Node, dim: number, size: number): Node {
  const { values, inside, length } = regions(x, dim, size);
  const total = sum(where(inside, values, full([], 0, x.dtype)), dim + 1, true);
  return reshape(div(total, cast(length, x.dtype)), replaced(x.shape, dim, size));
}

/** `size` regions along a dim, which becomes [size, longest]: their elements, which of these are valid, and their counts. */
function regions(x: Node, dim: number, size: number) {
  const extent = at(x.shape, dim);
  const starts = Array.from({ length: size }, (_, i) => Math.floor((i * extent) / size));
  const longest = greatest(starts.map((start, i) => Math.ceil(((i + 1) * extent) / size) - start));
  const region = reshape(arange(0, size, 1, "int32"), [size, 1]);
  const start = share(region, extent, size, 0);
  const end = share(region, extent, size, extent + size - 1);
  const place = add(start, arange(0, longest, 1, "int32"));
  const gathered = trustedIndexSelect(x, dim, reshape(minimum(place, int(extent - 1)), [size * longest]));
  const after = x.shape.slice(dim + 1);
  const aligned = (values: Node): Node => reshape(values, [...values.shape, ...after.map(() => 1)]);
  return {
    values: reshape(gathered, [...x.shape.slice(0, dim), size, longest, ...after]),
    inside: aligned(lt(place, end)),
    length: aligned(sub(end, start)),
  };
}

/** Up to this many regions, 1 / size exceeds the last place of the float64 quotient, so it never rounds up to an integer. */
const mostExactRegions = 2 ** 22;

/** (k · extent + more) div size, in float64 where the product is too large for int32. */
function share(k: Node, extent: number, size: number, more: number): Node {
  if (size * extent + size <= rangeOf("int32")[1]) return quotient(add(mul(k, int(extent)), int(more)), size);
  if (size > mostExactRegions) throw new ShapeError(`adaptive pools: ${size} regions of ${extent} are too many`);
  const number = (value: number): Node => full([], value, "float64");
  return cast(div(add(mul(cast(k, "float64"), number(extent)), number(more)), number(size)), "int32");
}

function checkRank(name: string, rank: number, x: Node): void {
  if (x.shape.length !== rank + 1 && x.shape.length !== rank + 2) {
    const sizes = spatialNames(rank);
    throw new ShapeError(`${name}: takes [N, C, ${sizes}] or [C, ${sizes}], got ${formatShape(x.shape)}`);
  }
}

function needsFloat(name: string, x: Node): void {
  if (!isFloat(x.dtype))
    throw new ShapeError(`${name}: a mean needs float values, got ${x.dtype}; convert with .to("float32")`);
}
