// Plans memory: which updates may overwrite their state cell in place, and where temporaries lie in one arena.
import { byteSize } from "../graph/dtype.ts";
import { InternalError } from "../graph/errors.ts";
import type { Scalar } from "../graph/scalar.ts";
import { indexKey, visitScalar } from "./indexing.ts";
import type { Kernel, Statement } from "./kernel.ts";
import { loadedBuffers, storedBuffers, visitStatements } from "./lower.ts";

/**
 * Whether the kernels may store `result` straight into the memory of `cell`: nothing reads the old value after it is
 * overwritten. Inside the storing kernel the old value may be read only at the very element being stored, and before it.
 */
export function canUpdateInPlace(kernels: readonly Kernel[], cell: number, result: number): boolean {
  const writer = kernels.findIndex((kernel) => storedBuffers(kernel).has(result));
  if (writer < 0) return false;
  if (kernels.some((kernel, place) => place !== writer && storedBuffers(kernel).has(result))) return false;
  if (kernels.slice(writer + 1).some((kernel) => loadedBuffers(kernel).has(cell))) return false;
  const kernel = kernels[writer] as Kernel;
  if (!loadedBuffers(kernel).has(cell)) return true;
  if (kernel.kind === "contraction") {
    return !loads(kernel.a, cell) && !loads(kernel.b, cell) && readsBeforeStore(kernel.epilogue, cell, result);
  }
  return readsBeforeStore(kernel.body, cell, result);
}

function loads(value: Scalar, buffer: number): boolean {
  let found = false;
  visitScalar(value, (scalar) => {
    found ||= scalar.kind === "load" && scalar.buffer === buffer;
  });
  return found;
}

function readsBeforeStore(body: readonly Statement[], cell: number, result: number): boolean {
  let storeKey: string | undefined;
  let storeIsLast = true;
  const readKeys = new Set<string>();
  const walk = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === "for") {
        walk(statement.body);
        continue;
      }
      visitStatements([statement], (value) =>
        visitScalar(value, (scalar) => {
          if (scalar.kind !== "load" || scalar.buffer !== cell) return;
          readKeys.add(indexKey(scalar.index));
          if (storeKey !== undefined) storeIsLast = false;
        }),
      );
      if (statement.kind === "store" && statement.buffer === result) {
        if (statement.accumulate) storeIsLast = false;
        storeKey = indexKey(statement.index);
      }
      if (statement.kind === "scan") storeIsLast = false;
    }
  };
  walk(body);
  return storeIsLast && storeKey !== undefined && [...readKeys].every((key) => key === storeKey);
}

export interface Temporary {
  readonly id: number;
  readonly bytes: number;
  /** The first kernel that stores it and the last that touches it. */
  readonly firstUse: number;
  readonly lastUse: number;
}

const alignment = 64;

/** How long each temporary must live. */
export function lifetimes(
  kernels: readonly Kernel[],
  temporaries: readonly { id: number; dtype: Parameters<typeof byteSize>[0]; length: number }[],
): Temporary[] {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  kernels.forEach((kernel, place) => {
    for (const id of storedBuffers(kernel)) {
      if (!first.has(id)) first.set(id, place);
      last.set(id, place);
    }
    for (const id of loadedBuffers(kernel)) last.set(id, place);
  });
  return temporaries.flatMap(({ id, dtype, length }) => {
    const firstUse = first.get(id);
    const lastUse = last.get(id);
    if (firstUse === undefined && lastUse === undefined) return [];
    if (firstUse === undefined || lastUse === undefined)
      throw new InternalError(`buffer ${id} is read and never written`);
    return [{ id, bytes: Math.max(1, length) * byteSize(dtype), firstUse, lastUse }];
  });
}

/** Places temporaries so that none overlaps another that lives at the same time. Largest first, lowest free gap. */
export function planArena(temporaries: readonly Temporary[]): { byteOffsets: Map<number, number>; arenaBytes: number } {
  const byteOffsets = new Map<number, number>();
  const placed: { byteOffset: number; end: number; firstUse: number; lastUse: number }[] = [];
  let arenaBytes = 0;
  const order = [...temporaries].sort((a, b) => b.bytes - a.bytes || a.firstUse - b.firstUse || a.id - b.id);
  for (const { id, bytes, firstUse, lastUse } of order) {
    const size = Math.ceil(bytes / alignment) * alignment;
    let byteOffset = 0;
    for (const other of placed) {
      if (other.lastUse < firstUse || other.firstUse > lastUse || other.end <= byteOffset) continue;
      if (other.byteOffset >= byteOffset + size) break;
      byteOffset = other.end;
    }
    byteOffsets.set(id, byteOffset);
    const entry = { byteOffset, end: byteOffset + size, firstUse, lastUse };
    const at = placed.findIndex((other) => other.byteOffset > byteOffset);
    if (at < 0) placed.push(entry);
    else placed.splice(at, 0, entry);
    arenaBytes = Math.max(arenaBytes, entry.end);
  }
  return { byteOffsets, arenaBytes };
}
