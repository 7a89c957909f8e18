// Checks the results of functions that are traced, differentiated or inspected: they must be tensors, and not promises.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { Tensor } from "./tensor.ts";

/** Calls a function to trace it. Arguments that are not tensors reach it unchanged. If it calls a tensor method on one, the error says so. */
export function callTraced(
  where: string,
  fn: (...args: readonly unknown[]) => unknown,
  args: readonly unknown[],
): unknown {
  try {
    return fn(...args);
  } catch (error) {
    const place = args.findIndex((arg) => !(arg instanceof Tensor));
    const missing = error instanceof TypeError && /is not a function|of (undefined|null)/.test(error.message);
    if (!missing || place < 0) throw error;
    throw new HebbError(
      `${where}: the function fails with "${error.message}"; its argument ${place} is ${describe(args[place])}, which is passed unchanged: pass tensor(…) if it computes with a tensor`,
      { cause: error },
    );
  }
}

/**
 * Refuses the result of an async function. Its promises, in arrays and objects too, are abandoned here: a later rejection is irrelevant and must not
 * end the process.
 */
export function refusePromises(where: string, result: unknown): void {
  if (!abandon(result)) return;
  throw new HebbError(
    `${where}: the function is async, and its result is needed synchronously; make it a plain function, and await values outside it`,
  );
}

/** Whether the value holds a promise; handles the rejections of all of them. */
function abandon(result: unknown): boolean {
  let found = false;
  // Iterating over a set includes parts added meanwhile.
  const parts = new Set<unknown>([result]);
  for (const value of parts) {
    if (typeof value !== "object" || value === null || value instanceof Tensor) continue;
    if ("then" in value && typeof value.then === "function") {
      Promise.resolve(value).catch(() => undefined);
      found = true;
    } else for (const part of Object.values(value)) parts.add(part);
  }
  return found;
}

/** The tensor that a function returned; refuses anything else. */
export function resultTensor(where: string, result: unknown): Tensor {
  refusePromises(where, result);
  if (result instanceof Tensor) return result;
  throw new HebbError(`${where}: the function must return a tensor, such as the loss, got ${describe(result)}`);
}
