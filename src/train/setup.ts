// What fit makes of its options before it begins: the feed, what classes and rows count for, and checks.
import { classWeights as balancedWeights, type Dataset, TokenSequence } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import { type Feed, type FeedOptions, type InMemory, MemoryFeed, RowStream, StreamFeed, samplesOf } from "./feeds.ts";
import type { FitOptions } from "./fit.ts";

/** Data to look at: of a stream, the rows kept in memory. */
export const inMemory = (data: InMemory | RowStream): InMemory => (data instanceof RowStream ? data.sample : data);

export function feedOf(
  { train, augment }: FitOptions,
  perClass: ArrayLike<number> | undefined,
  options: FeedOptions,
): Feed {
  if (!(train instanceof RowStream))
    return new MemoryFeed(samplesOf(train, { ...options, weights: rowWeights(train, perClass), augment }), options);
  if (perClass !== undefined || augment !== undefined)
    throw new HebbError("fit: rows that stream take neither classWeights nor augment; leave them out");
  return new StreamFeed(train, options);
}

export function wholeNumber(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1))
    throw new HebbError(`fit: ${name} must be a whole number of at least 1, got ${value}`);
}

/** What each class counts for, or undefined when all count the same. */
export function weightsPerClass({ classWeights, train }: FitOptions, count: number): ArrayLike<number> | undefined {
  if (classWeights === undefined) return undefined;
  if (train instanceof RowStream)
    throw new HebbError("fit: rows that stream take no classWeights; give each row its weight instead");
  if (train instanceof TokenSequence || count === 0)
    throw new HebbError("fit: classWeights are for classes, but the target is none; leave them out");
  if (classWeights !== "balanced") {
    if (classWeights.length !== count || !classWeights.every((weight) => weight >= 0 && Number.isFinite(weight)))
      throw new HebbError(
        `fit: classWeights must be ${count} numbers of 0 or more, one for each class, got [${classWeights.join(", ")}]`,
      );
    return classWeights;
  }
  const counts = new Array<number>(count).fill(0);
  for (const label of train.targets.data) counts[label] = (counts[label] ?? 0) + 1;
  return balancedWeights(counts);
}

/** What each row counts for: its own weight times its class's. */
export function rowWeights(data: InMemory, perClass: ArrayLike<number> | undefined): Float32Array | undefined {
  if (data instanceof TokenSequence) return undefined;
  if (perClass === undefined) return data.weights;
  const { weights } = data satisfies Dataset;
  return Float32Array.from(data.targets.data, (label, row) => (perClass[label] ?? 0) * (weights?.[row] ?? 1));
}
