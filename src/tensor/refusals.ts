// Error messages for arguments of the wrong kind.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";

/** `sum: the input must be a tensor, got an array; make a tensor of it with tensor(…)` */
export function notATensor(where: string, what: string, value: unknown): HebbError {
  const hasNumbers = typeof value === "number" || Array.isArray(value) || ArrayBuffer.isView(value);
  const remedy = hasNumbers ? "; make a tensor of it with tensor(…)" : "";
  return new HebbError(`${where}: ${what} must be a tensor, got ${describe(value)}${remedy}`);
}
