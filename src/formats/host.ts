// Arrays on the host, as files hold them, and tensors read into them.
import type { DType, TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { Tensor } from "../tensor/index.ts";

/** An array on the host, row-major. */
export interface HostArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Arrays by name. Those that are read have no prototype, so that any name is harmless. */
export type NamedArrays = Readonly<Record<string, HostArray>>;

/** What can be written: tensors too, and so a state dict. */
export type Writable = HostArray | Tensor;
export type NamedWritables = Readonly<Record<string, Writable>>;

/** Refuses anything but values by name. */
export function checkNamed(where: string, values: unknown): void {
  if (typeof values !== "object" || values === null || values instanceof Tensor || Array.isArray(values))
    throw new HebbError(`${where}: takes tensors by name, such as model.stateDict(), got ${describe(values)}`);
  if (typeof Reflect.get(values, "stateDict") === "function")
    throw new HebbError(`${where}: takes tensors by name, got ${describe(values)}; give its .stateDict()`);
}

/** The array that is to be written. */
export function onHost(value: Writable, what: string): HostArray {
  if (value instanceof Tensor) return { dtype: value.dtype, shape: value.shape, data: value.dataSync() };
  if (!ArrayBuffer.isView(value.data))
    throw new HebbError(
      `${what} has no array of values; give tensors, as model.stateDict() holds them, or arrays with dtype, shape and data`,
    );
  return value;
}
