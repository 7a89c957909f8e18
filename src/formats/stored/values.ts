// The numbers of a stored array of any element type: to print, compare or write as text.
import { HebbError } from "../../graph/errors.ts";
import { sizeOf } from "../../graph/shape.ts";
import type { StoredArray } from "./array.ts";
import { storedTypes } from "./types.ts";

type Integer = (view: DataView, at: number) => number | bigint;

/** Readers for the integer types beyond int32. */
const wide: ReadonlyMap<string, Integer> = new Map<string, Integer>([
  ["I64", (view, at) => view.getBigInt64(at, true)],
  ["U64", (view, at) => view.getBigUint64(at, true)],
  ["U32", (view, at) => view.getUint32(at, true)],
]);

/** The exact values: bigints for 64-bit integers. A complex number is two values. */
export function valuesIn({ dtype, shape, bytes }: StoredArray): ArrayLike<number | bigint> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = sizeOf(shape);
  if (dtype === "C64") return storedTypes.F32.read(view, 0, 2 * length, true);
  const integer = wide.get(dtype);
  if (integer === undefined) return storedTypes[dtype].read(view, 0, length, true);
  const width = storedTypes[dtype].bits / 8;
  return Array.from({ length }, (_, i) => integer(view, i * width));
}

/** The largest difference of two arrays of one shape. NaN equals NaN; a number and NaN differ by infinity. */
export function largestDifference(a: StoredArray, b: StoredArray): number {
  const [left, right] = [valuesIn(a), valuesIn(b)];
  if (left.length !== right.length)
    throw new HebbError(`arrays of ${left.length} and ${right.length} values cannot be compared`);
  let largest = 0;
  for (let i = 0; i < left.length; i++) {
    const [x, y] = [left[i] as number | bigint, right[i] as number | bigint];
    // Also true for equal infinities.
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const difference =
      typeof x === "bigint" && typeof y === "bigint" ? Number(x > y ? x - y : y - x) : Math.abs(Number(x) - Number(y));
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}
