// Resizing by the nearest element or linearly between neighbours.
import { isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Node } from "../node.ts";
import { formatShape } from "../shape.ts";
import { arange, full } from "./creation.ts";
import { add, cast, floor, maximum, minimum, mul, sub } from "./elementwise.ts";
import { trustedIndexSelect } from "./indexing.ts";
import { expand, reshape } from "./movement.ts";
import { quotient } from "./window.ts";

export interface InterpolateOptions {
  /** The size of the spatial dims of the result; give this or scaleFactor. */
  readonly size?: number | readonly number[];
  /** The result's spatial dims are ⌊size · scaleFactor⌋. */
  readonly scaleFactor?: number | readonly number[];
  /** "linear" is for 1 spatial dim, "bilinear" for 2. Default "nearest". */
  readonly mode?: "nearest" | "linear" | "bilinear";
  /** Linear modes: whether the corners of input and result fall together. Default false: their edges do. */
  readonly alignCorners?: boolean;
}

/**
 * Resizes the spatial dims (torch.nn.functional.interpolate): [N, C, ...size] → [N, C, ...newSize], for 1 or 2 spatial dims.
 * nearest: out[i] = in[⌊i · in / out⌋]. Linear: position (i + ½) · in / out - ½, or i · (in - 1) / (out - 1) with
 * alignCorners, between its two neighbours.
 * Throws ShapeError when sizes, mode and dims do not fit.
 */
export function interpolate(x: Node, options: InterpolateOptions): Node {
  const rank = x.shape.length - 2;
  const mode = options.mode ?? "nearest";
  if (rank < 1 || rank > 2 || (mode === "linear" && rank !== 1) || (mode === "bilinear" && rank !== 2)) {
    throw new ShapeError(
      `interpolate: mode "${mode}" does not fit ${formatShape(x.shape)}; "nearest" takes [N, C, L] or [N, C, H, W], "linear" the first, "bilinear" the second`,
    );
  }
  if (mode !== "nearest" && !isFloat(x.dtype)) {
    throw new ShapeError(`interpolate: mode "${mode}" needs floats, got ${x.dtype}; convert with .to("float32")`);
  }
  const sizes = outputSizes(x, rank, options);
  return sizes.reduce((resized, size, place) => {
    const dim = place + 2;
    const extent = x.shape[dim] ?? 0;
    if (size === extent) return resized;
    if (mode === "nearest") return nearest(resized, dim, size);
    return linear(resized, dim, size, options.alignCorners ?? false);
  }, x);
}

function outputSizes(x: Node, rank: number, { size, scaleFactor }: InterpolateOptions): number[] {
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new ShapeError("interpolate: give either size or scaleFactor");
  }
  const given = size ?? scaleFactor ?? 1;
  const list = typeof given === "number" ? new Array<number>(rank).fill(given) : [...given];
  const sizes = size === undefined ? list.map((factor, place) => Math.floor((x.shape[place + 2] ?? 0) * factor)) : list;
  if (list.length !== rank || sizes.some((extent) => !Number.isInteger(extent) || extent < 1)) {
    throw new ShapeError(
      `interpolate: ${size === undefined ? "scaleFactor" : "size"} ${JSON.stringify(given)} does not give ${rank} sizes from 1 for ${formatShape(x.shape)}`,
    );
  }
  if (x.shape.slice(2).includes(0))
    throw new ShapeError(
      `interpolate: ${formatShape(x.shape)} has no elements to resize; spatial dims must be at least 1`,
    );
  return sizes;
}

function nearest(x: Node, dim: number, size: number): Node {
  const extent = x.shape[dim] ?? 1;
  if (size % extent === 0) {
    // Whole factors repeat each element.
    const before = x.shape.slice(0, dim);
    const after = x.shape.slice(dim + 1);
    const column = reshape(x, [...before, extent, 1, ...after]);
    return reshape(expand(column, [...before, extent, size / extent, ...after]), [...before, size, ...after]);
  }
  const place = quotient(mul(arange(0, size, 1, "int32"), full([], extent, "int32")), size);
  return trustedIndexSelect(x, dim, place);
}

function linear(x: Node, dim: number, size: number, alignCorners: boolean): Node {
  const extent = x.shape[dim] ?? 1;
  const number = (value: number): Node => full([], value, x.dtype);
  const i = cast(arange(0, size, 1, "int32"), x.dtype);
  const scale = alignCorners ? (size > 1 ? (extent - 1) / (size - 1) : 0) : extent / size;
  const position = alignCorners
    ? mul(i, number(scale))
    : maximum(sub(mul(add(i, number(0.5)), number(scale)), number(0.5)), number(0));
  const low = minimum(floor(position), number(extent - 1));
  const left = cast(low, "int32");
  const right = minimum(add(left, full([], 1, "int32")), full([], extent - 1, "int32"));
  const column = (values: Node): Node =>
    reshape(values, [size, ...new Array<number>(x.shape.length - 1 - dim).fill(1)]);
  const weight = column(sub(position, low));
  return add(
    mul(trustedIndexSelect(x, dim, left), sub(number(1), weight)),
    mul(trustedIndexSelect(x, dim, right), weight),
  );
}
