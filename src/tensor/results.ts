// Checks the results of functions that are traced, differentiated or inspected: they must be tensors, and synchronous.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { Tensor } from "./tensor.ts";

/**
 * Calls a function to trace it. Arguments that are not tensors reach it unchanged, without tensor methods: reported in a
 * sentence where one is called.
 */
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
 * Refuses what an async function gives. Its promises, in arrays and objects too, are abandoned here: a later rejection is irrelevant
 * and must not end the process.
 */
export function refusePromises(where: string, result: unknown): void {
  if (!abandon(result)) return;
  throw new HebbError(
    `${where}: the function is async, and its result is needed synchronously; make it a plain function, and await values outside it`,
  );
}

/** Whether there is a promise in the value; all of them are given a handler. */
function abandon(result: unknown): boolean {
  let found = false;
  // A set goes on to what is added to it meanwhile.
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

/** The tensor that a function gave, which must give one. */
export function resultTensor(where: string, result: unknown): Tensor {
  refusePromises(where, result);
  if (result instanceof Tensor) return result;
  throw new HebbError(`${where}: the function must return a tensor, such as the loss, got ${describe(result)}`);
}
