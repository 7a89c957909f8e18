// Memory of collectives that is used again: a step needs the same every time, and fresh memory costs more than what is done with it.
import { allocate, type DType, type TypedArray, viewOf } from "../graph/dtype.ts";

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

/** Memory kept at most: as many sums are seldom under way at once. */
const mostKept = 32;

export class Scratch {
  /** By size, the smallest first. */
  readonly #free: ArrayBuffer[] = [];

  /** An array of that type and length, with anything in it: in the smallest memory kept that holds it, or in place of the largest kept. */
  borrow<T extends TypedArray>(values: T, length: number): T {
    const dtype = dtypeOf(values);
    const bytes = length * values.BYTES_PER_ELEMENT;
    const fits = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    const [kept] = this.#free.splice(fits, 1);
    return (fits >= 0 && kept !== undefined ? viewOf(dtype, kept, 0, length) : allocate(dtype, length)) as T;
  }

  giveBack(...arrays: readonly TypedArray[]): void {
    for (const { buffer } of arrays) {
      if (!(buffer instanceof ArrayBuffer) || this.#free.length >= mostKept) continue;
      const place = this.#free.findIndex(({ byteLength }) => byteLength >= buffer.byteLength);
      this.#free.splice(place < 0 ? this.#free.length : place, 0, buffer);
    }
  }
}
