// Values from a rule alone: full and iota.

import type { DType } from "../dtype.ts";
import { HebbError } from "../errors.ts";
import { apply, type Node, notDifferentiable, type Op } from "../node.ts";
import { cast as castScalar, constant } from "../scalar.ts";
import type { Shape } from "../shape.ts";
import { add, cast, mul } from "./elementwise.ts";

type FullAttributes = { readonly shape: Shape; readonly dtype: DType; readonly value: number };

export const fullOp: Op<FullAttributes> = {
  name: "full",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: notDifferentiable("a constant has no inputs"),
  rule: { kind: "element", element: ({ attributes, type }) => constant(attributes.value, type.dtype) },
};

/** A tensor of one value. */
export const full = (shape: Shape, value: number, dtype: DType): Node => apply(fullOp, [], { shape, dtype, value });

type IotaAttributes = { readonly shape: Shape; readonly dtype: DType; readonly axis: number };

export const iotaOp: Op<IotaAttributes> = {
  name: "iota",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: notDifferentiable("positions do not depend on any value"),
  rule: {
    kind: "element",
    element: ({ attributes, index, type }) => castScalar(index[attributes.axis] ?? constant(0, "int32"), type.dtype),
  },
};

/** The position along one axis. */
export const iota = (shape: Shape, axis: number, dtype: DType = "int32"): Node =>
  apply(iotaOp, [], { shape, dtype, axis });

/** start, start + step, … below end. */
export function arange(start: number, end: number, step: number, dtype: DType): Node {
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (!Number.isFinite(count)) throw new HebbError(`arange: cannot count from ${start} to ${end} in steps of ${step}`);
  const places = cast(iota([count], 0), dtype);
  const scaled = step === 1 ? places : mul(places, full([], step, dtype));
  return start === 0 ? scaled : add(scaled, full([], start, dtype));
}
