// Prefetches the next values of an iterable while the current one is used, in the same order.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";

/**
 * The values of `source`, with up to `ahead` of them (default 1) requested in advance. Order and values are unchanged; errors surface at
 * the same position. Leaving the loop early closes the source.
 */
export async function* prefetch<T>(source: AsyncIterable<T>, ahead = 1): AsyncGenerator<T, void, void> {
  if (typeof source?.[Symbol.asyncIterator] !== "function")
    throw new HebbError(`prefetch: takes an async iterable, got ${describe(source)}`);
  if (!Number.isInteger(ahead) || ahead < 1)
    throw new HebbError(`prefetch: ahead must be a whole number of at least 1, got ${describe(ahead)}`);
  const values = source[Symbol.asyncIterator]();
  const waiting: Promise<IteratorResult<T>>[] = [];
  const ask = (): void => {
    const next = values.next();
    // Errors surface where the value is awaited.
    next.catch(() => {});
    waiting.push(next);
  };
  try {
    for (let i = 0; i < ahead; i++) ask();
    for (;;) {
      const next = waiting.shift();
      if (next === undefined) return;
      const { done, value } = await next;
      if (done === true) return;
      ask();
      yield value;
    }
  } finally {
    await values.return?.();
  }
}
