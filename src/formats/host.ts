// Values that a file can hold: arrays, stored arrays and tensors.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { Tensor } from "../tensor/index.ts";
import { checkStored, type HostArray, type NamedArrays, type StoredArray, store } from "./stored/array.ts";
import { isStoredDType } from "./stored/types.ts";

export type { HostArray, NamedArrays };

/** A tensor (so a state dict qualifies), an array, or an array as stored in a file. */
export type Writable = HostArray | Tensor | StoredArray;
export type NamedWritables = Readonly<Record<string, Writable>>;

/** Throws unless the values are an object of names. */
export function checkNamed(where: string, values: unknown): void {
  if (typeof values !== "object" || values === null || values instanceof Tensor || Array.isArray(values))
    throw new HebbError(`${where}: takes tensors by name, such as model.stateDict(), got ${describe(values)}`);
  if (typeof Reflect.get(values, "stateDict") === "function")
    throw new HebbError(`${where}: takes tensors by name, got ${describe(values)}; give its .stateDict()`);
  // A lone surrogate becomes another character in UTF-8, so two names could become one.
  for (const name of Object.keys(values))
    if (/\p{Surrogate}/u.test(name))
      throw new HebbError(
        `${where}: the name ${JSON.stringify(name.slice(0, 100))} is not text that a file can hold; choose another name`,
      );
}

/** The array to write, as a file stores it. */
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
