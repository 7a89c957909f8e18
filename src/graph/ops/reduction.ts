// Shared by the reductions: their declaration, and the dims to drop or keep.

import { apply } from "../apply.ts";
import { isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Combine, Gradient, Node, Op, TensorType } from "../node.ts";
import { formatShape, normalizeAxes } from "../shape.ts";
import { cast } from "./cast.ts";
import { reshape } from "./movement.ts";

export type Dims = number | readonly number[] | undefined;
export type ReduceAttributes = { readonly axes: readonly number[] };

export function declareReduction(
  name: string,
  combine: Combine,
  slope: Gradient<ReduceAttributes>,
): Op<ReduceAttributes> {
  return {
    name,
    infer: ([x], { axes }) => {
      const { shape, dtype } = x as TensorType;
      if ((combine === "max" || combine === "min") && axes.some((axis) => shape[axis] === 0)) {
        throw new ShapeError(
          `${name}: the ${combine} over dim ${axes.find((axis) => shape[axis] === 0)} of size 0 in ${formatShape(shape)} is not defined; reduce over a dim that has elements`,
        );
      }
      return { shape: shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)), dtype };
    },
    gradient: slope,
    rule: { kind: "reduce", combine, axes: (attributes) => attributes.axes },
  };
}

/** Bool and narrow integers are summed as int32, so that sums do not overflow. */
export const countable = (x: Node): Node => (isFloat(x.dtype) ? x : cast(x, "int32"));

export function reduce(op: Op<ReduceAttributes>, x: Node, dim: Dims, keepdim: boolean): Node {
  const axes = normalizeAxes(dim, x.shape.length, op.name);
  const kept = axes.length === 0 ? x : apply(op, [x], { axes });
  return keepdim
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
}
