// Values that can be written to a file: arrays, stored arrays and tensors.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { Tensor } from "../tensor/index.ts";
import { checkStored, type HostArray, type NamedArrays, type StoredArray, store } from "./stored/array.ts";
import { isStoredDType } from "./stored/types.ts";

export type { HostArray, NamedArrays };

/** What can be written: tensors too, and so a state dict; and arrays as files hold them. */
export type Writable = HostArray | Tensor | StoredArray;
export type NamedWritables = Readonly<Record<string, Writable>>;

/** Refuses anything but values by name. */
export function checkNamed(where: string, values: unknown): void {
  if (typeof values !== "object" || values === null || values instanceof Tensor || Array.isArray(values))
    throw new HebbError(`${where}: takes tensors by name, such as model.stateDict(), got ${describe(values)}`);
  if (typeof Reflect.get(values, "stateDict") === "function")
    throw new HebbError(`${where}: takes tensors by name, got ${describe(values)}; give its .stateDict()`);
  // Half of a pair of UTF-16 becomes another letter in UTF-8, and two names may become one.
  for (const name of Object.keys(values))
    if (/\p{Surrogate}/u.test(name))
      throw new HebbError(
        `${where}: the name ${JSON.stringify(name.slice(0, 100))} is not text that a file can hold; choose another name`,
      );
}

/** The array that is to be written, as files hold it. */
export function storedOf(value: Writable, what: string): StoredArray {
  if (value instanceof Tensor) return store({ dtype: value.dtype, shape: value.shape, data: value.dataSync() });
  if ("bytes" in value && value.bytes instanceof Uint8Array && isStoredDType(value.dtype)) {
    checkStored(value, what);
    return value;
  }
  if (!("data" in value) || !ArrayBuffer.isView(value.data))
    throw new HebbError(
      `${what} has no array of values; give tensors, as model.stateDict() holds them, or arrays with dtype, shape and data`,
    );
  if (value.data.length !== sizeOf(value.shape))
    throw new HebbError(
      `${what} has ${value.data.length} values, its shape ${formatShape(value.shape)} needs ${sizeOf(value.shape)}`,
    );
  return store(value);
}
