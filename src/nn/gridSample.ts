// Samples images at arbitrary positions: gridSample, and affineGrid, which computes the positions for an affine map.

import { at } from "../graph/at.ts";
import { isFloat, isHalf } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { trustedGather } from "../graph/ops/indexing.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { linspace, ones, stack, Tensor, where, zeros } from "../tensor/index.ts";

export interface GridSampleOptions {
  /** "bicubic" needs two spatial dims. Default "bilinear". */
  readonly mode?: "bilinear" | "nearest" | "bicubic";
  /** The values outside the image: zeros, the border, or a reflection. Default "zeros". */
  readonly paddingMode?: "zeros" | "border" | "reflection";
  /** Whether −1 and 1 are the centres of the corner pixels. Default false: they are the outer edges. */
  readonly alignCorners?: boolean;
}

const gridKinds: OptionKinds<GridSampleOptions> = {
  mode: kind.oneOf("bilinear", "nearest", "bicubic"),
  paddingMode: kind.oneOf("zeros", "border", "reflection"),
  alignCorners: kind.boolean,
};

/** How to read positions outside the image. */
type Edge = Required<Pick<GridSampleOptions, "paddingMode" | "alignCorners">>;

/** Reflects a position at both ends until it is inside. */
function reflected(place: Tensor, extent: number, alignCorners: boolean): Tensor {
  const [low, span] = alignCorners ? [0, extent - 1] : [-0.5, extent];
  if (span === 0) return place.mul(0);
  const off = place.sub(low).abs();
  const flips = off.detach().div(span).floor();
  const extra = off.sub(flips.mul(span));
  return where(flips.remainder(2).eq(0), extra.add(low), extra.neg().add(span + low));
}

function padded(place: Tensor, extent: number, { paddingMode, alignCorners }: Edge): Tensor {
  if (paddingMode === "zeros") return place;
  const mirrored = paddingMode === "reflection" ? reflected(place, extent, alignCorners) : place;
  return mirrored.clamp(0, extent - 1);
}

/** A neighbouring pixel along a dim: its integer position, and its weight. */
interface Neighbour {
  readonly position: Tensor;
  readonly weight: Tensor | undefined;
}

const cubic = -0.75;
/** Keys' cubic kernel for distances up to 1, and from 1 to 2. */
const near = (x: Tensor): Tensor =>
  x
    .mul(cubic + 2)
    .sub(cubic + 3)
    .mul(x)
    .mul(x)
    .add(1);
const far = (x: Tensor): Tensor =>
  x
    .mul(cubic)
    .sub(5 * cubic)
    .mul(x)
    .add(8 * cubic)
    .mul(x)
    .sub(4 * cubic);

function neighbours(place: Tensor, extent: number, mode: GridSampleOptions["mode"], edge: Edge): Neighbour[] {
  if (mode === "nearest") return [{ position: padded(place, extent, edge).detach().round(), weight: undefined }];
  const inside = mode === "bicubic" ? place : padded(place, extent, edge);
  const first = inside.detach().floor();
  const share = inside.sub(first);
  if (mode === "bicubic") {
    const rest = share.neg().add(1);
    const weights = [far(share.add(1)), near(share), near(rest), far(rest.add(1))];
    return weights.map((weight, k) => ({ position: padded(first.add(k - 1), extent, edge).detach(), weight }));
  }
  return [
    { position: first, weight: share.neg().add(1) },
    { position: first.add(1), weight: share },
  ];
}

/**
 * Samples an image at the positions of a grid: [N, C, H, W] at [N, h, w, 2] → [N, C, h, w], or [N, C, D, H, W] at [N, d, h, w, 3]. A position is (x,
 * y) or (x, y, z) from −1 to 1. Gradients flow to image and grid. Source: torch.nn.functional.grid_sample (Jaderberg et al. 2015).
 */
export function gridSample(input: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  given("gridSample", input);
  given("gridSample", grid, "the grid");
  const {
    mode = "bilinear",
    paddingMode = "zeros",
    alignCorners = false,
  } = checkOptions("gridSample", options, gridKinds);
  const rank = input.rank - 2;
  const [count = 0, channels = 0, ...size] = input.shape;
  if ((rank !== 2 && rank !== 3) || grid.rank !== rank + 2 || grid.shape.at(-1) !== rank || grid.shape[0] !== count)
    throw new ShapeError(
      `gridSample: takes [N, C, H, W] with a grid [N, h, w, 2], or [N, C, D, H, W] with [N, d, h, w, 3], got ${formatShape(input.shape)} and ${formatShape(grid.shape)}`,
    );
  if (mode === "bicubic" && rank !== 2) throw new HebbError('gridSample: mode "bicubic" is for [N, C, H, W]');
  if (input.dtype !== grid.dtype)
    throw new ShapeError(`gridSample: the input is ${input.dtype} and the grid ${grid.dtype}; convert one with .to(…)`);
  if (input.size === 0 || sizeOf(size) === 0) throw new ShapeError("gridSample: there is no pixel to read");
  // Positions need the precision of float32: beyond 256, bfloat16 does not hold every integer.
  if (isHalf(input.dtype)) return gridSample(input.to("float32"), grid.to("float32"), options).to(input.dtype);
  const edge: Edge = { paddingMode, alignCorners };
  const out = grid.shape.slice(1, -1);
  const flat = grid.reshape([count, sizeOf(out), rank]);
  const along = size.map((extent, dim) => {
    const relative = flat.select(2, rank - 1 - dim).add(1);
    const place = alignCorners ? relative.mul((extent - 1) / 2) : relative.mul(extent).sub(1).div(2);
    return neighbours(place, extent, mode, edge);
  });
  const image = input.reshape([count, channels, sizeOf(size)]);
  let total: Tensor | undefined;
  for (const corner of combinationsOf(along)) {
    const value = read(image, corner, size);
    total = total === undefined ? value : total.add(value);
  }
  return (total ?? zeros([count, channels, sizeOf(out)], { dtype: input.dtype })).reshape([count, channels, ...out]);
}

function combinationsOf(along: readonly (readonly Neighbour[])[]): Neighbour[][] {
  return along.reduce<Neighbour[][]>((all, next) => all.flatMap((some) => next.map((one) => [...some, one])), [[]]);
}

/** The pixels at integer positions, times their weights; 0 outside. */
function read(image: Tensor, corner: readonly Neighbour[], size: Shape): Tensor {
  const [count = 0, channels = 0] = image.shape;
  let [index, weight, isInside]: (Tensor | undefined)[] = [];
  for (const [dim, { position, weight: own }] of corner.entries()) {
    const extent = at(size, dim);
    const within = position.ge(0).logicalAnd(position.le(extent - 1));
    const whole = where(within, position, 0).to("int32");
    index = index === undefined ? whole : index.mul(extent).add(whole);
    isInside = isInside === undefined ? within : isInside.logicalAnd(within);
    if (own !== undefined) weight = weight === undefined ? own : weight.mul(own);
  }
  if (index === undefined || isInside === undefined) return image;
  const places = index.unsqueeze(1).expand([count, channels, index.shape[1] as number]);
  const pixels = Tensor.from(trustedGather(image.node, 2, places.node), [image]);
  const seen = where(isInside.unsqueeze(1), pixels, 0);
  return weight === undefined ? seen : seen.mul(weight.unsqueeze(1));
}

/**
 * The grid of an affine map for gridSample: maps [N, 2, 3] for a size [N, C, H, W] → [N, H, W, 2], or [N, 3, 4] for [N, C, D, H, W].
 * Source: torch.nn.functional.affine_grid.
 */
export function affineGrid(theta: Tensor, size: Shape, options: { readonly alignCorners?: boolean } = {}): Tensor {
  given("affineGrid", theta, "the maps");
  checkKind("affineGrid", "the size", size, kind.numbers);
  const { alignCorners = false } = checkOptions("affineGrid", options, { alignCorners: kind.boolean });
  const [count, , ...extents] = size;
  const rank = extents.length;
  const fits = theta.rank === 3 && theta.shape[0] === count && theta.shape[1] === rank && theta.shape[2] === rank + 1;
  if ((rank !== 2 && rank !== 3) || !fits || !extents.every((extent) => Number.isInteger(extent) && extent > 0))
    throw new ShapeError(
      `affineGrid: takes maps [N, 2, 3] for a size [N, C, H, W], or [N, 3, 4] for [N, C, D, H, W], got ${formatShape(theta.shape)} and ${formatShape(size)}`,
    );
  const { dtype } = theta;
  if (!isFloat(dtype)) throw new HebbError(`affineGrid: the maps must be floats, got ${dtype}`);
  const axes = extents.map((extent, dim) => {
    const line = extent === 1 ? zeros([1], { dtype }) : linspace(-1, 1, extent, { dtype });
    const places = alignCorners ? line : line.mul((extent - 1) / extent);
    return places.reshape(extents.map((_, k) => (k === dim ? extent : 1))).expand(extents);
  });
  const homogeneous = stack([...axes.reverse(), ones(extents, { dtype })], rank).reshape([sizeOf(extents), rank + 1]);
  return homogeneous.matmul(theta.transpose(1, 2)).reshape([count as number, ...extents, rank]);
}
