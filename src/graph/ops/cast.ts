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

/** A float of 16 bits is computed as a float32 that is rounded to it. */
function castElement(x: scalar.Scalar, dtype: DType): scalar.Scalar {
  return isHalf(dtype) ? roundedTo(scalar.cast(x, "float32"), dtype) : scalar.cast(x, storedAs(dtype));
}

/**
 * The value itself where it was converted from the dtype without loss, and what was rounded where that is no value of its own (see `seal`).
 */
export function cast(x: Node, dtype: DType): Node {
  if (x.dtype === dtype) return x;
  if (dtype === "float32") {
    const wide = unrounded(x);
    if (wide !== undefined) return wide;
  }
  const from = isOp(x, castOp) && isHalf(dtype) && x.dtype === "float32" ? x.inputs[0] : undefined;
  if (from?.dtype === dtype) return from;
  // By way of float32, as kernels round: the ops of the same function read that.
  return makeNode(castOp, [isHalf(dtype) ? cast(x, "float32") : x], { dtype });
}

/** Roundings that are values of their own; of others the ops of the same function read what is not rounded yet. */
const sealed = new WeakSet<Node>();

/** The rounding is the value of a tensor: whatever reads it from now on reads what is rounded. Returns what it rounds. */
export function seal(node: Node): Node | undefined {
  if (!isHalf(node.dtype) || !isOp(node, castOp)) return undefined;
  sealed.add(node);
  return node.inputs[0];
}

/** The float32 that the node rounds, where that may still be read. */
export const unrounded = (x: Node): Node | undefined =>
  isHalf(x.dtype) && isOp(x, castOp) && !sealed.has(x) && x.inputs[0]?.dtype === "float32" ? x.inputs[0] : undefined;
