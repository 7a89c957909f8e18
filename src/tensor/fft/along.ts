// Transforms along a dim of any tensor: the input is checked, cropped or padded to its length, and laid out as planes.
import { at } from "../../graph/at.ts";
import { isFloat } from "../../graph/dtype.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import { formatShape, normalizeAxis, type Shape, sizeOf } from "../../graph/shape.ts";
import { tensor } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import type { Sign } from "./planes.ts";
import { ofReal, toReal } from "./real.ts";
import { transformToPairs } from "./transform.ts";

/** Which direction is divided by the length: "backward" the inverse one, "ortho" both by its root, "forward" the forward one. */
export type Norm = "backward" | "ortho" | "forward";

export interface Along {
  readonly where: string;
  readonly dim: number;
  /** The length in real or complex numbers; undefined: that of the input. */
  readonly n: number | undefined;
  readonly norm: Norm;
}

const floating = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.to("float32"));

/** Real and imaginary parts in a last dim of 2, as floats. */
function complexOf(where: string, x: Tensor): Tensor {
  if (x.rank >= 2 && x.shape.at(-1) === 2) return floating(x);
  throw new ShapeError(
    `${where}: takes real and imaginary parts in a last dim of 2, got ${formatShape(x.shape)}; stack([x, zerosLike(x)], -1) converts real numbers, and rfft takes real numbers directly`,
  );
}

/** The given dim among the first `rank`. */
function dimOf({ where, dim }: Along, rank: number): number {
  if (rank === 0) throw new ShapeError(`${where}: needs at least one dim, got a single number`);
  return normalizeAxis(dim, rank, where);
}

/** Cropped or zero-padded to a length along a dim. */
function fitted(x: Tensor, dim: number, length: number): Tensor {
  const own = at(x.shape, dim);
  if (own === length) return x;
  if (own > length) return x.narrow(dim, 0, length);
  return x.pad(x.shape.map((_, axis): [number, number] => [0, axis === dim ? length - own : 0]));
}

function lengthOf({ where, n }: Along, own: number): number {
  const length = n ?? own;
  if (Number.isInteger(length) && length >= 1) return length;
  throw new HebbError(`${where}: the length of a transform must be a whole number of at least 1, got ${length}`);
}

/** The factor of the sums: `forward` is their direction. */
function scaleOf(norm: Norm, length: number, forward: boolean): number {
  if (norm === "ortho") return 1 / Math.sqrt(length);
  return (norm === "forward") === forward ? 1 / length : 1;
}
const scaled = (x: Tensor, scale: number): Tensor => (scale === 1 ? x : x.mul(scale));

/** The order of dims with `dim` last. */
const lastly = (rank: number, dim: number): number[] => [
  ...Array.from({ length: rank }, (_, k) => k).filter((k) => k !== dim),
  dim,
];
const inverseOrder = (order: readonly number[]): number[] => order.map((_, place) => order.indexOf(place));

/** Lays out tensors that differ only in the size of one dim, so that the transform can run along it. */
class Layout {
  private readonly order: readonly number[];
  private readonly others: readonly number[];

  constructor(shape: Shape, dim: number) {
    this.order = lastly(shape.length, dim);
    this.others = this.order.slice(0, -1).map((axis) => at(shape, axis));
  }

  /** [..., length at dim, ...] → [batch, length] */
  rows(x: Tensor): Tensor {
    const moved = x.permute(this.order);
    return moved.reshape([sizeOf(this.others), at(moved.shape, moved.rank - 1)]);
  }
  ofRows(rows: Tensor): Tensor {
    return rows.reshape([...this.others, at(rows.shape, 1)]).permute(inverseOrder(this.order));
  }
  /** [..., length at dim, ..., 2] → [2, batch, length] */
  planes(x: Tensor): Tensor {
    const moved = x.permute([this.order.length, ...this.order]);
    return moved.reshape([2, sizeOf(this.others), at(moved.shape, moved.rank - 1)]);
  }
  /** [length, batch, 2] → [..., length at dim, ..., 2] */
  ofPairs(pairs: Tensor): Tensor {
    const moved = pairs.reshape([at(pairs.shape, 0), ...this.others, 2]);
    const rank = this.order.length;
    return moved.permute([...inverseOrder([...this.order.slice(-1), ...this.order.slice(0, -1)]), rank]);
  }
  ofPlanes(planes: Tensor): Tensor {
    const moved = planes.reshape([2, ...this.others, at(planes.shape, 2)]);
    return moved.permute(inverseOrder([this.order.length, ...this.order]));
  }
}

/** Complex to complex. */
export function complexAlong(x: Tensor, sign: Sign, how: Along): Tensor {
  const given = complexOf(how.where, x);
  const own = given.shape.slice(0, -1);
  const dim = dimOf(how, own.length);
  const length = lengthOf(how, at(own, dim));
  const layout = new Layout(own, dim);
  const sums = transformToPairs(layout.planes(fitted(given, dim, length)), sign);
  return scaled(layout.ofPairs(sums), scaleOf(how.norm, length, sign === -1));
}

/** Real to the non-redundant half of the spectrum; sign 1: that of the inverse transform. */
export function realAlong(x: Tensor, sign: Sign, how: Along): Tensor {
  const given = floating(x);
  const dim = dimOf(how, given.rank);
  const length = lengthOf(how, at(given.shape, dim));
  const layout = new Layout(given.shape, dim);
  const half = layout.ofPlanes(ofReal(layout.rows(fitted(given, dim, length))));
  return scaled(sign === -1 ? half : conjugate(half), scaleOf(how.norm, length, sign === -1));
}

/** Half of a spectrum to real numbers; sign -1: by the forward transform. */
export function halfAlong(x: Tensor, sign: Sign, how: Along): Tensor {
  const given = complexOf(how.where, x);
  const own = given.shape.slice(0, -1);
  const dim = dimOf(how, own.length);
  const length = lengthOf(how, 2 * (at(own, dim) - 1));
  const layout = new Layout(own, dim);
  const half = fitted(sign === 1 ? given : conjugate(given), dim, Math.floor(length / 2) + 1);
  return scaled(layout.ofRows(toReal(layout.planes(half), length)), scaleOf(how.norm, length, sign === -1));
}

/** The complex conjugate. */
const conjugate = (x: Tensor): Tensor => x.mul(tensor([1, -1], { dtype: x.dtype }));
