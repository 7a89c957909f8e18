// Values of state dicts: tensors, arrays as files store them, or tensors from JSON; checked on entry.
import { allocate, type DType, dtypes, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { describe, numbers } from "../graph/kinds.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { Tensor, type TensorJson } from "../tensor/index.ts";

/** A value of a state dict: a tensor, or an array as stored in files. */
export type StateValue = Tensor | { readonly dtype: DType; readonly shape: Shape; readonly data: TypedArray };
/** The same, or a tensor from JSON. */
export type LoadableValue = StateValue | TensorJson;

/** The value, with the strings of JSON as numbers. Rejects anything that is neither a tensor nor an array of its size. */
export function readStateValue(name: string, value: unknown): StateValue {
  if (value instanceof Tensor) return value;
  if (typeof value === "object" && value !== null && "shape" in value && "data" in value && "dtype" in value) {
    const { dtype, shape, data } = value;
    if (isDType(dtype) && numbers.accepts(shape)) {
      const values = numbersOf(data, dtype);
      if (values?.length === sizeOf(shape)) return { dtype, shape, data: values };
    }
  }
  throw new HebbError(
    `loadStateDict: "${name}" is ${describe(value)}, not a tensor, nor an array { dtype, shape, data } of its size`,
  );
}

const isDType = (value: unknown): value is DType =>
  typeof value === "string" && (dtypes as readonly string[]).includes(value);

const words: ReadonlySet<unknown> = new Set(["NaN", "Infinity", "-Infinity", "-0"]);

function numbersOf(data: unknown, dtype: DType): TypedArray | undefined {
  if (ArrayBuffer.isView(data)) return data instanceof DataView ? undefined : (data as TypedArray);
  if (!Array.isArray(data) || !data.every((part) => typeof part === "number" || words.has(part))) return undefined;
  const values = allocate(dtype, data.length);
  values.set(data.map(Number));
  return values;
}
