// Products of vectors and tensors other than matmul: inner, outer, Kronecker, cross product, sums over chosen dims.
import { at } from "../at.ts";
import { ShapeError } from "../errors.ts";
import { describe } from "../kinds.ts";
import type { Node } from "../node.ts";
import { broadcastShapes, formatShape, normalizeAxis, sizeOf } from "../shape.ts";
import { expand } from "./broadcast.ts";
import * as el from "./elementwise.ts";
import { dot, matmul } from "./matmul.ts";
import { cat, permute, reshape, slice } from "./movement.ts";
import { sum } from "./reduce.ts";

/** Sums of products over the last dim of both; with a scalar, the plain product. */
export function inner(x: Node, y: Node): Node {
  if (x.shape.length === 0 || y.shape.length === 0) return el.mul(x, y);
  if (x.shape.at(-1) !== y.shape.at(-1))
    throw new ShapeError(
      `inner: the last dims of ${formatShape(x.shape)} and ${formatShape(y.shape)} differ; make them equal`,
    );
  return dot(x, permute(y, [y.shape.length - 1, ...y.shape.slice(0, -1).keys()]), 0, 1);
}

export function outer(x: Node, y: Node): Node {
  if (x.shape.length !== 1 || y.shape.length !== 1)
    throw new ShapeError(`outer: takes two vectors, got ${formatShape(x.shape)} and ${formatShape(y.shape)}`);
  return el.mul(reshape(x, [at(x.shape, 0), 1]), reshape(y, [1, at(y.shape, 0)]));
}

export function kron(x: Node, y: Node): Node {
  const rank = Math.max(x.shape.length, y.shape.length);
  const lifted = (shape: readonly number[]): number[] => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const [a, b] = [lifted(x.shape), lifted(y.shape)];
  const product = el.mul(
    reshape(
      x,
      a.flatMap((extent) => [extent, 1]),
    ),
    reshape(
      y,
      b.flatMap((extent) => [1, extent]),
    ),
  );
  return reshape(
    product,
    a.map((extent, axis) => extent * at(b, axis)),
  );
}

export function cross(x: Node, y: Node, dim: number): Node {
  const axis = normalizeAxis(dim, x.shape.length, "cross");
  if (x.shape.length !== y.shape.length || x.shape[axis] !== 3 || y.shape[axis] !== 3)
    throw new ShapeError(
      `cross: dim ${dim} must have size 3 in both, got ${formatShape(x.shape)} and ${formatShape(y.shape)}`,
    );
  const shape = broadcastShapes(x.shape, y.shape, "cross");
  const [a, b] = [expand(x, shape), expand(y, shape)];
  // The next and the previous part, cyclically.
  const turned = (part: Node, by: 1 | 2): Node => cat([slice(part, axis, by, 3), slice(part, axis, 0, by)], axis);
  return el.sub(el.mul(turned(a, 1), turned(b, 2)), el.mul(turned(a, 2), turned(b, 1)));
}

/** Σ of matrix products over the batch. */
export function batchSum(a: Node, b: Node): Node {
  if (a.shape.length !== 3 || b.shape.length !== 3)
    throw new ShapeError(
      `addbmm: takes two batches of matrices, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  return sum(matmul(a, b), [0]);
}

/** Sums of products over dims of both: the last and first `dims`, or those listed. */
export function tensordot(x: Node, y: Node, dims: number | readonly [readonly number[], readonly number[]]): Node {
  const count = typeof dims === "number" ? dims : 0;
  if (
    typeof dims === "number" &&
    !(Number.isInteger(dims) && dims >= 0 && dims <= Math.min(x.shape.length, y.shape.length))
  )
    throw new ShapeError(
      `tensordot: ${describe(dims)} dims cannot be summed over in ${formatShape(x.shape)} and ${formatShape(y.shape)}`,
    );
  const [left, right] =
    typeof dims === "number"
      ? [
          Array.from({ length: count }, (_, k) => x.shape.length - count + k),
          Array.from({ length: count }, (_, k) => k),
        ]
      : [
          dims[0].map((dim) => normalizeAxis(dim, x.shape.length, "tensordot")),
          dims[1].map((dim) => normalizeAxis(dim, y.shape.length, "tensordot")),
        ];
  const sizes = left.map((axis) => at(x.shape, axis));
  if (left.length !== right.length || right.some((axis, k) => at(y.shape, axis) !== sizes[k]))
    throw new ShapeError(
      `tensordot: dims ${formatShape(left)} of ${formatShape(x.shape)} do not fit dims ${formatShape(right)} of ${formatShape(y.shape)}`,
    );
  const others = (node: Node, axes: readonly number[]): number[] =>
    node.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const [ownX, ownY] = [others(x, left), others(y, right)];
  const a = reshape(permute(x, [...ownX, ...left]), [sizeOf(ownX.map((axis) => at(x.shape, axis))), sizeOf(sizes)]);
  const b = reshape(permute(y, [...right, ...ownY]), [sizeOf(sizes), sizeOf(ownY.map((axis) => at(y.shape, axis)))]);
  return reshape(matmul(a, b), [...ownX.map((axis) => at(x.shape, axis)), ...ownY.map((axis) => at(y.shape, axis))]);
}
