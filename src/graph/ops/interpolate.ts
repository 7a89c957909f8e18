// Resizing: nearest neighbour, linear or cubic interpolation, or the mean of an area.
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { isFloat, isHalf } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import * as kind from "../kinds.ts";
import type { Node } from "../node.ts";
import { checkOptions, type OptionKinds } from "../options.ts";
import { formatShape } from "../shape.ts";
import { arange } from "./arange.ts";
import { expand } from "./broadcast.ts";
import { full, int } from "./creation.ts";
import { add, cast, floor, maximum, minimum, mul, sub } from "./elementwise.ts";
import { trustedIndexSelect } from "./indexing.ts";
import { reshape } from "./movement.ts";
import { adaptiveAvgPool1d, adaptiveAvgPool2d } from "./pool.ts";
import { quotient } from "./window.ts";

const modes = ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "area"] as const;
export type InterpolateMode = (typeof modes)[number];

export interface InterpolateOptions {
  /** The size of the spatial dims of the result; give this or scaleFactor. */
  readonly size?: number | readonly number[];
  /** The result's spatial dims are ⌊size · scaleFactor⌋, and its elements are 1 / scaleFactor apart. */
  readonly scaleFactor?: number | readonly number[];
  /** "linear" is for 1 spatial dim, "bilinear" and "bicubic" for 2. Default "nearest". */
  readonly mode?: InterpolateMode;
  /** Linear and cubic modes: whether the corner elements of input and result are aligned. Default false: the edges are. */
  readonly alignCorners?: boolean;
  /** Elements are in / out apart, even if scaleFactor is not an integer. Default false. */
  readonly recomputeScaleFactor?: boolean;
}

export const interpolateKinds: OptionKinds<InterpolateOptions> = {
  size: kind.size,
  scaleFactor: kind.size,
  mode: kind.oneOf(...modes),
  alignCorners: kind.boolean,
  recomputeScaleFactor: kind.boolean,
};

/** The numbers of spatial dims that a mode supports. */
function ranksOf(mode: InterpolateMode): readonly number[] {
  switch (mode) {
    case "nearest":
    case "nearest-exact":
    case "area":
      return [1, 2];
    case "linear":
      return [1];
    case "bilinear":
    case "bicubic":
      return [2];
  }
}

/** For one dim: the size of the result, and the distance between its elements in the input. */
interface Step {
  readonly size: number;
  readonly scale: number;
}

/**
 * Resizes the spatial dims (torch.nn.functional.interpolate): [N, C, ...size] → [N, C, ...newSize], for 1 or 2 spatial dims.
 * With s = 1 / scaleFactor, or in / out where a size is given: nearest takes in[⌊i · s⌋], nearest-exact in[⌊(i + ½) · s⌋]. Linear
 * and cubic modes sample at (i + ½) · s - ½, or at i · (in - 1) / (out - 1) with alignCorners, and mix two or four neighbours.
 * Throws ShapeError when sizes, mode and dims do not fit.
 */
export function interpolate(x: Node, options: InterpolateOptions): Node {
  const { mode = "nearest", alignCorners } = checkOptions("interpolate", options, interpolateKinds);
  const rank = x.shape.length - 2;
  if (!ranksOf(mode).includes(rank)) {
    throw new ShapeError(
      `interpolate: mode "${mode}" does not fit ${formatShape(x.shape)}; "linear" takes [N, C, L], "bilinear" and "bicubic" take [N, C, H, W], the others both`,
    );
  }
  const mixes = mode === "linear" || mode === "bilinear" || mode === "bicubic";
  if ((mixes || mode === "area") && !isFloat(x.dtype))
    throw new ShapeError(`interpolate: mode "${mode}" needs floats, got ${x.dtype}; convert with .to("float32")`);
  if (isHalf(x.dtype)) return cast(interpolate(cast(x, "float32"), options), x.dtype);
  if (!mixes && alignCorners !== undefined)
    throw new ShapeError(`interpolate: alignCorners is for "linear", "bilinear" and "bicubic", not for "${mode}"`);
  const steps = stepsOf(x, rank, options);
  const size = steps.map((step) => step.size);
  const scales = steps.map((step) => 1 / step.scale);
  const result =
    mode === "area"
      ? (rank === 1 ? adaptiveAvgPool1d : adaptiveAvgPool2d)(x, size)
      : resized(x, steps, mode, alignCorners === true);
  return composed("interpolate", [x], { mode, size, scales, alignCorners: alignCorners === true }, result);
}

function resized(x: Node, steps: readonly Step[], mode: Exclude<InterpolateMode, "area">, corners: boolean): Node {
  return steps.reduce((before, { size, scale }, place) => {
    const dim = place + 2;
    const extent = at(x.shape, dim);
    if (mode === "nearest" || mode === "nearest-exact")
      return nearest(before, dim, size, scale, mode === "nearest-exact" ? 0.5 : 0);
    // Like PyTorch: linear modes change nothing if the size stays, whatever the factor.
    if (size === extent && (corners || scale === 1 || mode !== "bicubic")) return before;
    const apart = corners ? (size > 1 ? (extent - 1) / (size - 1) : 0) : scale;
    const position = positions(x, size, apart, corners ? 0 : 0.5);
    return mode === "bicubic" ? cubic(before, dim, position) : linear(before, dim, position);
  }, x);
}

function stepsOf(x: Node, rank: number, options: InterpolateOptions): Step[] {
  const { size, scaleFactor, mode = "nearest", recomputeScaleFactor = false } = options;
  if ((size === undefined) === (scaleFactor === undefined))
    throw new ShapeError("interpolate: give either size or scaleFactor");
  if (size !== undefined && recomputeScaleFactor)
    throw new ShapeError("interpolate: recomputeScaleFactor goes with scaleFactor, not with size");
  const given = size ?? scaleFactor ?? 1;
  const list = typeof given === "number" ? new Array<number>(rank).fill(given) : given;
  const steps = list.map((amount, place): Step => {
    const extent = at(x.shape, place + 2);
    if (size !== undefined) return { size: amount, scale: extent / amount };
    const out = Math.floor(extent * amount);
    // Like PyTorch: in 2 dims, nearest keeps or doubles each element if the size says so, whatever the factor.
    const whole = mode === "nearest" && rank === 2 && (out === extent || out === 2 * extent);
    return { size: out, scale: recomputeScaleFactor || whole ? extent / out : 1 / amount };
  });
  if (x.shape.slice(2).includes(0))
    throw new ShapeError(
      `interpolate: ${formatShape(x.shape)} has no elements to resize; spatial dims must be at least 1`,
    );
  if (list.length !== rank || steps.some((step) => !Number.isInteger(step.size) || step.size < 1)) {
    throw new ShapeError(
      `interpolate: ${size === undefined ? "scaleFactor" : "size"} ${JSON.stringify(given)} does not give ${rank} sizes of at least 1 for ${formatShape(x.shape)}`,
    );
  }
  return steps;
}

/** Positions are computed in the precision of the values, for integers in float32. */
const precisionOf = (x: Node): "float32" | "float64" => (x.dtype === "float64" ? "float64" : "float32");

/** (i + shift) · scale - shift for each element of the result. */
function positions(x: Node, size: number, scale: number, shift: number): Node {
  const dtype = precisionOf(x);
  const number = (value: number): Node => full([], value, dtype);
  const i = cast(arange(0, size, 1, "int32"), dtype);
  return shift === 0 ? mul(i, number(scale)) : sub(mul(add(i, number(shift)), number(scale)), number(shift));
}

function nearest(x: Node, dim: number, size: number, scale: number, shift: number): Node {
  const extent = at(x.shape, dim);
  if (size === extent && scale === 1) return x;
  const asSized = scale === extent / size;
  if (asSized && size % extent === 0) {
    // Integer factors repeat each element.
    const before = x.shape.slice(0, dim);
    const after = x.shape.slice(dim + 1);
    const column = reshape(x, [...before, extent, 1, ...after]);
    return reshape(expand(column, [...before, extent, size / extent, ...after]), [...before, size, ...after]);
  }
  const i = arange(0, size, 1, "int32");
  if (asSized) {
    // In exact integer arithmetic, doubled to add half an element.
    const [place, factor] = shift === 0 ? [i, 1] : [add(mul(i, int(2)), int(2 * shift)), 2];
    return trustedIndexSelect(x, dim, quotient(mul(place, int(extent)), factor * size));
  }
  const dtype = precisionOf(x);
  const place = mul(add(cast(i, dtype), full([], shift, dtype)), full([], scale, dtype));
  // Rounded to float32, so that 39 · (1 / 2.6) is 15, as in PyTorch.
  return trustedIndexSelect(x, dim, minimum(cast(floor(cast(place, "float32")), "int32"), int(extent - 1)));
}

/** One number per index of a dim, to multiply with x. */
const along = (x: Node, dim: number, values: Node): Node =>
  reshape(values, [at(values.shape, 0), ...new Array<number>(x.shape.length - 1 - dim).fill(1)]);

/** The last element before a position, and its distance to the position. */
function placeBefore(position: Node, extent: number): { place: Node; rest: Node } {
  const low = minimum(floor(position), full([], extent - 1, position.dtype));
  return { place: cast(low, "int32"), rest: sub(position, low) };
}

function linear(x: Node, dim: number, position: Node): Node {
  const extent = at(x.shape, dim);
  const number = (value: number): Node => full([], value, x.dtype);
  const { place, rest } = placeBefore(maximum(position, number(0)), extent);
  const right = minimum(add(place, int(1)), int(extent - 1));
  const weight = along(x, dim, rest);
  return add(
    mul(trustedIndexSelect(x, dim, place), sub(number(1), weight)),
    mul(trustedIndexSelect(x, dim, right), weight),
  );
}

/** The shape parameter of the cubic: PyTorch's A. */
const sharpness = -0.75;

/** Four neighbours, weighted by Keys' cubic kernel (1981); beyond the border, the edge element repeats. */
function cubic(x: Node, dim: number, position: Node): Node {
  const extent = at(x.shape, dim);
  const { place, rest } = placeBefore(position, extent);
  const number = (value: number): Node => full([], value, x.dtype);
  const polynomial = (t: Node, ...coefficients: readonly number[]): Node =>
    coefficients
      .slice(1)
      .reduce((sum, coefficient) => add(mul(sum, t), number(coefficient)), number(at(coefficients, 0)));
  const a = sharpness;
  // At a distance t: (a + 2)t³ − (a + 3)t² + 1 up to 1, and a(t³ − 5t² + 8t − 4) from there to 2.
  const near = (t: Node): Node => polynomial(t, a + 2, -(a + 3), 0, 1);
  const far = (t: Node): Node => polynomial(t, a, -5 * a, 8 * a, -4 * a);
  const ahead = sub(number(1), rest);
  const weights = [far(add(rest, number(1))), near(rest), near(ahead), far(add(ahead, number(1)))];
  const parts = weights.map((weight, tap): Node => {
    const at = add(place, int(tap - 1));
    const inside = minimum(maximum(at, int(0)), int(extent - 1));
    return mul(trustedIndexSelect(x, dim, inside), along(x, dim, weight));
  });
  return parts.reduce((sum, part) => add(sum, part));
}
