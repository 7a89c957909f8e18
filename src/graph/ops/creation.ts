// Values without inputs: full and iota.

import { apply } from "../apply.ts";
import { computedIn, type DType, isHalf } from "../dtype.ts";
import { type Node, notDifferentiable, type Op } from "../node.ts";
import { cast as castScalar, constant } from "../scalar.ts";
import type { Shape } from "../shape.ts";
import { cast } from "./cast.ts";

export type FullAttributes = { readonly shape: Shape; readonly dtype: DType; readonly value: number };

export const fullOp: Op<FullAttributes> = {
  name: "full",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: notDifferentiable("a constant has no inputs"),
  rule: { kind: "element", element: ({ attributes, type }) => constant(attributes.value, type.dtype) },
};

/** A tensor filled with one value. */
export const full = (shape: Shape, value: number, dtype: DType): Node =>
  isHalf(dtype) ? cast(full(shape, value, "float32"), dtype) : apply(fullOp, [], { shape, dtype, value });

/** An integer constant. */
export const int = (value: number): Node => full([], value, "int32");

type IotaAttributes = { readonly shape: Shape; readonly dtype: DType; readonly axis: number };

export const iotaOp: Op<IotaAttributes> = {
  name: "iota",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: notDifferentiable("positions do not depend on any value"),
  rule: {
    kind: "element",
    element: ({ attributes, index, type }) =>
      castScalar(index[attributes.axis] ?? constant(0, "int32"), computedIn(type.dtype)),
  },
};

/** The index along one axis. */
export const iota = (shape: Shape, axis: number, dtype: DType = "int32"): Node =>
  isHalf(dtype) ? cast(iota(shape, axis, "float32"), dtype) : apply(iotaOp, [], { shape, dtype, axis });
