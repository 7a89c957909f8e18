// cast: the same values in another dtype.
import { type DType, isFloat, isHalf, storedAs } from "../dtype.ts";
import { roundedTo } from "../halves.ts";
import { gradient, isOp, makeNode, type Node, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";

type CastAttributes = { readonly dtype: DType };

export const castOp: Op<CastAttributes> = {
  name: "cast",
  infer: ([x], { dtype }) => ({ shape: (x as TensorType).shape, dtype }),
  gradient: gradient(({ grad, node }) => {
    const { dtype } = node.inputs[0] as Node;
    return [isFloat(dtype) ? cast(grad, dtype) : undefined];
  }),
  rule: { kind: "element", element: ({ input, index, attributes }) => castElement(input(0, index), attributes.dtype) },
};

/** A 16-bit float is computed as a float32 rounded to it. */
function castElement(x: scalar.Scalar, dtype: DType): scalar.Scalar {
  return isHalf(dtype) ? roundedTo(scalar.cast(x, "float32"), dtype) : scalar.cast(x, storedAs(dtype));
}

/**
 * Returns the original value if it was converted losslessly from the dtype,
 * or the unrounded value if the rounding is not a tensor's value (see `seal`).
 */
export function cast(x: Node, dtype: DType): Node {
  if (x.dtype === dtype) return x;
  if (dtype === "float32") {
    const wide = unrounded(x);
    if (wide !== undefined) return wide;
  }
  const from = isOp(x, castOp) && isHalf(dtype) && x.dtype === "float32" ? x.inputs[0] : undefined;
  if (from?.dtype === dtype) return from;
  // Through float32, like the rounding in kernels: ops of the same function read that value.
  return makeNode(castOp, [isHalf(dtype) ? cast(x, "float32") : x], { dtype });
}

/** Roundings that are tensor values. Ops of the same function read the unrounded values of all others. */
const sealed = new WeakSet<Node>();

/** Marks the rounding as a tensor's value: later readers read the rounded value. Returns the unrounded one. */
export function seal(node: Node): Node | undefined {
  if (!isHalf(node.dtype) || !isOp(node, castOp)) return undefined;
  sealed.add(node);
  return node.inputs[0];
}

/** The float32 that the node rounds, if it may still be read. */
export const unrounded = (x: Node): Node | undefined =>
  isHalf(x.dtype) && isOp(x, castOp) && !sealed.has(x) && x.inputs[0]?.dtype === "float32" ? x.inputs[0] : undefined;
