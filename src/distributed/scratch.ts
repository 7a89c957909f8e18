// Memory of collectives that is used again: a step needs the same every time, and fresh memory costs more than what is done with it.
import { allocate, type DType, type TypedArray } from "../graph/dtype.ts";

export const dtypeOf = (values: TypedArray): DType =>
  values instanceof Float32Array
    ? "float32"
    : values instanceof Float64Array
      ? "float64"
      : values instanceof Int32Array
        ? "int32"
        : "uint8";

/** An array of the same type. */
export function like<T extends TypedArray>(values: T, length: number): T {
  return allocate(dtypeOf(values), length) as T;
}

/** Arrays kept of one type and length. */
const mostKept = 16;

export class Scratch {
  readonly #free = new Map<string, TypedArray[]>();

  /** An array of that type and length, with anything in it. */
  borrow<T extends TypedArray>(values: T, length: number): T {
    return (this.#free.get(keyOf(values, length))?.pop() as T | undefined) ?? like(values, length);
  }

  giveBack(...arrays: readonly TypedArray[]): void {
    for (const array of arrays) {
      const key = keyOf(array, array.length);
      const kept = this.#free.get(key) ?? [];
      this.#free.set(key, kept);
      if (kept.length < mostKept) kept.push(array);
    }
  }
}

const keyOf = (values: TypedArray, length: number): string => `${dtypeOf(values)} ${length}`;
