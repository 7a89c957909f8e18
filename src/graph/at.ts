// Element access that throws when the element is missing: a wrong rank fails at once instead of giving a wrong number.
import { InternalError } from "./errors.ts";

/** The element at a place, counted from 0, that the list must have. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const found = list[index];
  if (found === undefined) throw new InternalError(`there is no element ${index} in a list of ${list.length}`);
  return found;
}
