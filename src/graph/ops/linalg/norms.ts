// Matrix norms, the condition number, and vector or matrix norms by the rules of torch.linalg.norm.
import { at } from "../../at.ts";
import { HebbError, ShapeError } from "../../errors.ts";
import { describe } from "../../kinds.ts";
import type { Node } from "../../node.ts";
import { formatShape, normalizeAxis } from "../../shape.ts";
import { sum } from "../broadcast.ts";
import * as el from "../elementwise.ts";
import { reshape } from "../movement.ts";
import { vectorNorm } from "../norms.ts";
import { movedim } from "../rearrange.ts";
import { amax, amin } from "../reduce.ts";
import { inverse } from "./lu.ts";
import { matrices, squares } from "./matrices.ts";
import { svd } from "./spectrum.ts";

export type MatrixOrder = "fro" | "nuc" | number;

/** S of the singular value decomposition. */
export const singularValues = (x: Node): Node => svd(x, false).S;

/** Norms of the matrices in two dims. */
export function matrixNorm(
  x: Node,
  order: MatrixOrder = "fro",
  dims: readonly number[] = [-2, -1],
  keepdim = false,
): Node {
  const where = "linalg.matrixNorm";
  const given = matrices(where, x);
  const axes = dims.map((dim) => normalizeAxis(dim, x.shape.length, where));
  const [rows, columns] = axes;
  if (rows === undefined || columns === undefined || rows === columns || axes.length !== 2)
    throw new ShapeError(
      `${where}: dim must name two different dims of ${formatShape(x.shape)}, got ${describe(dims)}`,
    );
  const values = ofMatrices(movedim(given, [rows, columns], [-2, -1]), order);
  return keepdim
    ? reshape(
        values,
        x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
      )
    : values;
}

function ofMatrices(x: Node, order: MatrixOrder): Node {
  switch (order) {
    case "fro":
      return vectorNorm(x, 2, [-2, -1]);
    case "nuc":
      return sum(singularValues(x), -1);
    case 2:
      return amax(singularValues(x), -1);
    case -2:
      return amin(singularValues(x), -1);
    case 1:
      return amax(sum(el.abs(x), -2), -1);
    case -1:
      return amin(sum(el.abs(x), -2), -1);
    case Number.POSITIVE_INFINITY:
      return amax(sum(el.abs(x), -1), -1);
    case Number.NEGATIVE_INFINITY:
      return amin(sum(el.abs(x), -1), -1);
    default:
      throw new HebbError(
        `linalg.matrixNorm: the norm ${describe(order)} does not exist; use "fro", "nuc", 1, -1, 2, -2, Infinity or -Infinity`,
      );
  }
}

/** Vector norms over one dim, matrix norms over two; without an order, the norm of all elements. */
export function norm(
  x: Node,
  order: MatrixOrder | undefined,
  dim: number | readonly number[] | undefined,
  keepdim: boolean,
): Node {
  const dims = typeof dim === "number" ? [dim] : dim;
  if (order === undefined) return vectorNorm(x, 2, dims, keepdim);
  const rank = x.shape.length;
  const count = dims?.length ?? rank;
  if (count === 2) return matrixNorm(x, order, dims ?? [-2, -1], keepdim);
  if (typeof order !== "number")
    throw new HebbError(`linalg.norm: ${describe(order)} is a matrix norm; name two dims, or use a number`);
  if (dims === undefined && rank > 2)
    throw new ShapeError(
      `linalg.norm: ${formatShape(x.shape)} is neither a vector nor a matrix; name one dim or two, or use linalg.vectorNorm`,
    );
  return vectorNorm(x, order, dims, keepdim);
}

/** ‖A‖ · ‖A⁻¹‖; by default the ratio of the largest to the smallest singular value. */
export function cond(x: Node, order: MatrixOrder = 2): Node {
  if (order === 2 || order === -2) {
    const values = singularValues(matrices("linalg.cond", x));
    const count = at(values.shape, values.shape.length - 1);
    if (count === 0) throw new ShapeError(`linalg.cond: ${formatShape(x.shape)} has no singular values`);
    const [large, small] = [amax(values, -1), amin(values, -1)];
    return order === 2 ? el.div(large, small) : el.div(small, large);
  }
  const square = squares("linalg.cond", x);
  return el.mul(ofMatrices(square, order), ofMatrices(inverse(square, "linalg.cond"), order));
}
