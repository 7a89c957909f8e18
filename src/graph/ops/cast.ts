// cast: the same values in another dtype.
import { type DType, isFloat } from "../dtype.ts";
import { apply, gradient, type Node, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";

type CastAttributes = { readonly dtype: DType };

export const castOp: Op<CastAttributes> = {
  name: "cast",
  infer: ([x], { dtype }) => ({ shape: (x as TensorType).shape, dtype }),
  gradient: gradient(({ grad, node }) => {
    const { dtype } = node.inputs[0] as Node;
    return [isFloat(dtype) ? cast(grad, dtype) : undefined];
  }),
  rule: { kind: "element", element: ({ input, index, attributes }) => scalar.cast(input(0, index), attributes.dtype) },
};

export const cast = (x: Node, dtype: DType): Node => (x.dtype === dtype ? x : apply(castOp, [x], { dtype }));
