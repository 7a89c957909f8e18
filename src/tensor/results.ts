// What functions that are traced, differentiated or inspected give back: tensors, and at once.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { Tensor } from "./tensor.ts";

/**
 * Refuses what an async function gives. Its promises, in arrays and objects too, are nobody's from here on: that one of them fails
 * later is no news, and must not end the process.
 */
export function refusePromises(where: string, result: unknown): void {
  if (!abandon(result)) return;
  throw new HebbError(
    `${where}: the function is async, but its result is needed at once; make it a plain function, and await values outside it`,
  );
}

/** Whether there is a promise in the value; all of them are given a handler. */
function abandon(value: unknown, seen = new Set<unknown>()): boolean {
  if (typeof value !== "object" || value === null || value instanceof Tensor || seen.has(value)) return false;
  seen.add(value);
  if ("then" in value && typeof value.then === "function") {
    Promise.resolve(value).catch(() => undefined);
    return true;
  }
  const parts: readonly unknown[] = Object.values(value);
  return parts.filter((part) => abandon(part, seen)).length > 0;
}

/** The tensor that a function gave, which must give one. */
export function resultTensor(where: string, result: unknown): Tensor {
  refusePromises(where, result);
  if (result instanceof Tensor) return result;
  throw new HebbError(`${where}: the function must return a tensor, such as the loss, got ${describe(result)}`);
}
