// Which elements of a buffer have been written, if several kernels write parts of it: a cat computed in place, a tile that starts as a copy.
import { InternalError } from "../graph/errors.ts";
import { indexKey, indexRange } from "./indexing.ts";
import type { Kernel, Program } from "./kernel.ts";
import { storedBuffers, visitKernel, visitStores } from "./lower.ts";
import { Ranges } from "./ranges.ts";

/** Throws InternalError when a kernel reads elements that it or an earlier one was to write, and none has. */
export function verifyCoverage({ buffers, kernels }: Program): void {
  const writers = new Map<number, number>();
  for (const kernel of kernels) for (const id of storedBuffers(kernel)) writers.set(id, (writers.get(id) ?? 0) + 1);
  // A buffer with one writer is whole after it; of an argument somebody else has written all.
  const inParts = buffers.filter(({ id, placement }) => placement.kind === "arena" && (writers.get(id) ?? 0) > 1);
  if (inParts.length === 0) return;
  const lengths = new Map(inParts.map(({ id, length }) => [id, length]));
  const written = new Map(inParts.map(({ id }) => [id, new Ranges()]));
  for (const kernel of kernels) {
    if (kernel.kind === "repeat") {
      // Of a row that a step writes and a later one reads, no order of kernels tells: the whole counts as written.
      for (const id of storedBuffers(kernel)) written.get(id)?.add(0, lengths.get(id) ?? 0);
      continue;
    }
    const own = ownElements(kernel, lengths);
    visitKernel(kernel, (scalar) => {
      const length = scalar.kind === "load" ? lengths.get(scalar.buffer) : undefined;
      if (scalar.kind !== "load" || length === undefined) return;
      if (own.get(scalar.buffer)?.has(indexKey(scalar.index))) return;
      const [start, end] = within(indexRange(scalar.index), length);
      if (written.get(scalar.buffer)?.covers(start, end)) return;
      throw new InternalError(
        `kernel ${kernel.name} reads elements ${start} to ${end - 1} of buffer ${scalar.buffer} before all of them are written`,
      );
    });
    visitStores(kernel, ({ buffer, index }) => {
      const length = lengths.get(buffer);
      if (length !== undefined) written.get(buffer)?.add(...within(indexRange(index), length));
    });
  }
}

/** What the kernel itself stores, by the key of its index: that very element may be read back. */
function ownElements(kernel: Kernel, lengths: ReadonlyMap<number, number>): Map<number, Set<string>> {
  const own = new Map<number, Set<string>>();
  visitStores(kernel, ({ buffer, index }) => {
    if (!lengths.has(buffer)) return;
    own.set(buffer, (own.get(buffer) ?? new Set()).add(indexKey(index)));
  });
  return own;
}

/** From the first to before the last; where a condition keeps an index inside, its range alone may reach further. */
const within = ({ min, max }: { min: number; max: number }, length: number): readonly [number, number] => [
  Math.max(0, min),
  Math.min(length, max + 1),
];
