// Error messages for arguments of the wrong kind.
import { HebbError, ShapeError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { formatShape, type Shape } from "../graph/shape.ts";

/** The error for a gradient that cannot be kept: the tensor outlives the trace. */
export const gradientOfOutside = (shape: Shape): HebbError =>
  new HebbError(
    `the gradient of a tensor of shape ${formatShape(shape)} was set inside a compiled function that closes over it; pass it as an argument, or make it a Parameter`,
  );

/** The error for a tensor of several elements where a single number is needed. */
export const notSingle = (shape: Shape): ShapeError =>
  new ShapeError(
    `item: the tensor has shape ${formatShape(shape)}; only a tensor with one element has an item; use data() or toArray()`,
  );

/** `sum: the input must be a tensor, got an array; make a tensor of it with tensor(…)` */
export function notATensor(where: string, what: string, value: unknown): HebbError {
  const hasNumbers = typeof value === "number" || Array.isArray(value) || ArrayBuffer.isView(value);
  const remedy = hasNumbers ? "; make a tensor of it with tensor(…)" : "";
  return new HebbError(`${where}: ${what} must be a tensor, got ${describe(value)}${remedy}`);
}
