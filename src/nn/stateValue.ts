// Values of state dicts: tensors, or arrays as files hold them; checked where they enter.
import { type DType, dtypes, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { Tensor } from "../tensor/index.ts";

/** A value of a state dict: a tensor, or an array as files hold it. */
export type StateValue = Tensor | { readonly dtype: DType; readonly shape: Shape; readonly data: TypedArray };

/** Refuses what is neither a tensor nor an array with its shape: a state dict that went through JSON, for one. */
export function checkStateValue(name: string, value: unknown): asserts value is StateValue {
  if (value instanceof Tensor) return;
  if (typeof value === "object" && value !== null && "shape" in value && "data" in value && "dtype" in value) {
    const { dtype, shape, data } = value;
    const fits =
      Array.isArray(shape) &&
      shape.every(Number.isInteger) &&
      ArrayBuffer.isView(data) &&
      !(data instanceof DataView) &&
      typeof dtype === "string" &&
      (dtypes as readonly string[]).includes(dtype);
    if (fits && (data as TypedArray).length === sizeOf(shape as number[])) return;
  }
  throw new HebbError(
    `loadStateDict: "${name}" is ${describe(value)}, not a tensor, nor an array { dtype, shape, data } of its size. JSON does not keep tensors: write a state dict with writeSafetensors, and give what readSafetensors(bytes).tensors holds`,
  );
}
