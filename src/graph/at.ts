// Element access that throws if the element is missing: a wrong rank fails immediately instead of giving a wrong number.
import { InternalError } from "./errors.ts";

/** The element at an index, from 0, which must exist. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const found = list[index];
  if (found === undefined) throw new InternalError(`there is no element ${index} in a list of ${list.length}`);
  return found;
}
