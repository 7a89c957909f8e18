// recompute: delays a value, so that whatever depends on it is computed a second time instead of kept.

import { apply } from "../apply.ts";
import { HebbError } from "../errors.ts";
import { gradient, type Node, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";
import { sizeOf } from "../shape.ts";

/**
 * The value of input 0, available only once input 1 is. The condition never holds: it makes every reader depend on input 1, and
 * distinguishes them from readers of the plain value.
 */
export const recomputeOp: Op = {
  name: "recompute",
  infer: (inputs) => inputs[0] as TensorType,
  gradient: gradient(({ grad }) => [grad, undefined]),
  rule: {
    kind: "element",
    element: ({ input, index, inputTypes, type }) => {
      const first = (inputTypes[1] as TensorType).shape.map(() => scalar.int(0));
      const isNaN = scalar.cast(scalar.unary("isNaN", input(1, first)), "int32");
      const never = scalar.binary("gt", isNaN, scalar.int(1));
      return scalar.select(never, scalar.constant(0, type.dtype), input(0, index));
    },
  },
};

/** x, once `after` is available. Source: the idea of jax.lax.optimization_barrier. */
export function recompute(x: Node, after: Node): Node {
  if (sizeOf(x.shape) === 0 || sizeOf(after.shape) === 0)
    throw new HebbError("recompute: there is nothing to wait for without elements");
  return apply(recomputeOp, [x, after], {});
}
