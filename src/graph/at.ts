// Elements that must be there: a wrong rank stops where it is met, and never becomes a wrong number.
import { InternalError } from "./errors.ts";

/** The element at a place, counted from 0, that the list must have. */
export function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new InternalError(`there is no element ${index} in a list of ${list.length}`);
  return found;
}
