// Plans memory: which updates may overwrite their state cell, which temporaries reuse the memory they read, and how long each lives.
import { byteSize, type ElementType } from "../graph/dtype.ts";
import { InternalError } from "../graph/errors.ts";
import type { Scalar } from "../graph/scalar.ts";
import type { Temporary } from "./arena.ts";
import { indexKey, runOf, visitScalar } from "./indexing.ts";
import type { Instruction, Statement } from "./kernel.ts";
import { loadedBuffers, type Place, storedBuffers, visitStatements } from "./lower.ts";

/** The positions, in statement order, at which one kernel accesses its buffers. */
interface Accesses {
  readonly loads: Map<number, { readonly indices: Scalar[]; last: number }>;
  /** If there are several stores, the index of the last: parts of a cat, which do not overlap. */
  readonly stores: Map<number, { readonly first: number; last: number; index: Scalar; accumulates: boolean }>;
  readonly scans: boolean;
  /** Buffers that a contraction reads at other elements than the one it stores. */
  readonly operands: ReadonlySet<number>;
}

/**
 * Returns whether kernels may store `result` directly into the memory of `cell`: nothing reads the old value after it is
 * overwritten. Inside the storing kernel, the old value may be read only at the element being stored, and before the store.
 * The accesses of each kernel are computed once: a deep network has thousands of cells.
 */
export function inPlaceUpdates(kernels: readonly Instruction[]): (cell: number, result: number) => boolean {
  const writers = new Map<number, number[]>();
  const lastReader = new Map<number, number>();
  kernels.forEach((kernel, place) => {
    for (const id of storedBuffers(kernel)) writers.set(id, [...(writers.get(id) ?? []), place]);
    for (const id of loadedBuffers(kernel)) lastReader.set(id, place);
  });
  const known = new Map<number, Accesses>();
  return (cell, result) => {
    const [writer, ...others] = writers.get(result) ?? [];
    if (writer === undefined || others.length > 0) return false;
    const reader = lastReader.get(cell) ?? -1;
    if (reader > writer) return false;
    const kernel = kernels[writer] as Instruction;
    if (!loadedBuffers(kernel).has(cell)) return true;
    const accesses = known.get(writer) ?? accessesOf(kernel);
    known.set(writer, accesses);
    return readsBeforeStore(accesses, cell, result);
  };
}

/** A loop accesses different memory at each step, so nothing is known. */
const untold: Accesses = { loads: new Map(), stores: new Map(), scans: false, operands: new Set() };

function accessesOf(kernel: Instruction): Accesses {
  if (kernel.kind === "repeat") return untold;
  const loads: Accesses["loads"] = new Map();
  const stores: Accesses["stores"] = new Map();
  let scans = false;
  let order = 0;
  const see = (value: Scalar): void =>
    visitScalar(value, (scalar) => {
      if (scalar.kind !== "load") return;
      const before = loads.get(scalar.buffer);
      if (before === undefined) loads.set(scalar.buffer, { indices: [scalar.index], last: order });
      else {
        before.indices.push(scalar.index);
        before.last = order;
      }
    });
  const walk = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === "for") {
        walk(statement.body);
        continue;
      }
      order++;
      visitStatements([statement], see);
      if (statement.kind === "scan") scans = true;
      if (statement.kind !== "store") continue;
      const { buffer, index, accumulate } = statement;
      const before = stores.get(buffer);
      if (before === undefined)
        stores.set(buffer, { first: order, last: order, index, accumulates: accumulate === true });
      else {
        before.index = index;
        before.last = order;
        before.accumulates ||= accumulate === true;
      }
    }
  };
  if (kernel.kind === "contraction") {
    see(kernel.a);
    see(kernel.b);
  }
  const operands = new Set(loads.keys());
  walk(kernel.kind === "contraction" ? kernel.epilogue : kernel.body);
  return { loads, stores, scans, operands };
}

function readsBeforeStore({ loads, stores, scans, operands }: Accesses, cell: number, result: number): boolean {
  const load = loads.get(cell);
  const store = stores.get(result);
  if (load === undefined || store === undefined) return false;
  if (scans || store.accumulates || operands.has(cell) || load.last > store.first) return false;
  // Later stores to the cell would overwrite the result.
  if ((stores.get(cell)?.last ?? 0) > store.first) return false;
  const key = indexKey(store.index);
  return load.indices.every((index) => indexKey(index) === key);
}

/** Shorter runs are computed in lanes that interleave elements, which needs separate memory. */
const shortestRun = 16;

/**
 * Temporaries that may share the memory of another one at its last read, by their first kernel: read only at the element being
 * stored, and before the store. That memory is already in the caches. Both need the same dtype and length.
 */
export function inPlaceTemporaries(kernels: readonly Instruction[], temporaries: readonly Draft[]): Map<number, Place> {
  const lives = new Map(lifetimes(kernels, temporaries).map((life) => [life.id, life]));
  const drafts = new Map(temporaries.map((draft) => [draft.id, draft]));
  const homes = new Map<number, Place>();
  kernels.forEach((kernel, place) => {
    const touched = [...new Set([...loadedBuffers(kernel), ...storedBuffers(kernel)])].filter((id) => lives.has(id));
    const born = touched.filter((id) => lives.get(id)?.firstUse === place);
    const free = touched.filter((id) => lives.get(id)?.lastUse === place);
    if (born.length === 0 || free.length === 0) return;
    const accesses = accessesOf(kernel);
    const firstStore = (id: number): number => accesses.stores.get(id)?.first ?? 0;
    for (const result of born.sort((a, b) => firstStore(a) - firstStore(b))) {
      const home = free.find((id) => {
        const [a, b] = [drafts.get(id), drafts.get(result)];
        const store = accesses.stores.get(result);
        return (
          id !== result &&
          a?.dtype === b?.dtype &&
          a?.length === b?.length &&
          store !== undefined &&
          runOf(store.index) >= shortestRun &&
          readsBeforeStore(accesses, id, result)
        );
      });
      if (home === undefined) continue;
      free.splice(free.indexOf(home), 1);
      homes.set(result, homes.get(home) ?? { buffer: home, start: 0 });
    }
  });
  return homes;
}

/** A value before it is placed in memory. */
export interface Draft {
  readonly id: number;
  readonly dtype: ElementType;
  readonly length: number;
}

/** The lifetime of each temporary. */
export function lifetimes(kernels: readonly Instruction[], temporaries: readonly Draft[]): Temporary[] {
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
