// Tracks the written elements of buffers that several kernels write in parts: a cat computed in place, a tile that starts as a copy.
import { InternalError } from "../graph/errors.ts";
import { indexKey, indexRange } from "./indexing.ts";
import type { Kernel, Program } from "./kernel.ts";
import { storedBuffers, visitKernel, visitStores } from "./lower.ts";
import { Ranges } from "./ranges.ts";

/** Throws an InternalError if a kernel reads elements that it or an earlier kernel should have written and none has. */
export function verifyCoverage({ buffers, kernels }: Program): void {
  const writers = new Map<number, number>();
  for (const kernel of kernels) for (const id of storedBuffers(kernel)) writers.set(id, (writers.get(id) ?? 0) + 1);
  // A buffer with a single writer is complete after it; arguments are complete from the start.
  const inParts = buffers.filter(({ id, placement }) => placement.kind === "arena" && (writers.get(id) ?? 0) > 1);
  if (inParts.length === 0) return;
  const lengths = new Map(inParts.map(({ id, length }) => [id, length]));
  const written = new Map(inParts.map(({ id }) => [id, new Ranges()]));
  for (const kernel of kernels) {
    if (kernel.kind === "repeat") {
      // Rows that one step writes and a later one reads cannot be tracked in kernel order, so the whole buffer counts as written.
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

/** Keys of the indices that the kernel itself stores: these elements may be read back. */
function ownElements(kernel: Kernel, lengths: ReadonlyMap<number, number>): Map<number, Set<string>> {
  const own = new Map<number, Set<string>>();
  visitStores(kernel, ({ buffer, index }) => {
    if (!lengths.has(buffer)) return;
    own.set(buffer, (own.get(buffer) ?? new Set()).add(indexKey(index)));
  });
  return own;
}

/** [first, end), clipped: a condition may keep an index in bounds whose range is wider. */
const within = ({ min, max }: { min: number; max: number }, length: number): readonly [number, number] => [
  Math.max(0, min),
  Math.min(length, max + 1),
];
