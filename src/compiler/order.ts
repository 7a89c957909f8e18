// Orders kernels so that what was just written is read soon and makes room early: an update follows the gradient that feeds it.
import type { Kernel } from "./kernel.ts";
import { loadedBuffers, storedBuffers } from "./lower.ts";

/** So many of the kernels that could run next are compared: a program of thousands of independent ones stays linear. */
const mostCompared = 64;

/**
 * The same kernels, each after what it must follow in the order given: it reads what was written before, and writes what was
 * read before. Among those that could run next comes the one that leaves the least memory in use, then the earliest.
 * `bytesOf` is the size of a temporary, and 0 for what lives anyway.
 */
export function orderKernels(kernels: readonly Kernel[], bytesOf: (buffer: number) => number): Kernel[] {
  const { before, after } = dependences(kernels);
  const touched = kernels.map((kernel) => [...new Set([...loadedBuffers(kernel), ...storedBuffers(kernel)])]);
  const uses = new Map<number, number>();
  for (const buffer of touched.flat()) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  const live = new Set<number>();
  /** Bytes in use more after the kernel than before it. */
  const growth = (place: number): number => {
    let bytes = 0;
    for (const buffer of touched[place] ?? []) {
      const last = uses.get(buffer) === 1;
      if (live.has(buffer)) bytes -= last ? bytesOf(buffer) : 0;
      else bytes += last ? 0 : bytesOf(buffer);
    }
    return bytes;
  };
  const ready = kernels.map((_, place) => place).filter((place) => before[place] === 0);
  const ordered: Kernel[] = [];
  while (ready.length > 0) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < Math.min(ready.length, mostCompared); i++) {
      const bytes = growth(ready[i] as number);
      if (bytes >= least) continue;
      best = i;
      least = bytes;
    }
    const place = ready.splice(best, 1)[0] as number;
    ordered.push(kernels[place] as Kernel);
    for (const buffer of touched[place] ?? []) {
      live.add(buffer);
      uses.set(buffer, (uses.get(buffer) ?? 1) - 1);
    }
    for (const next of after[place] ?? []) {
      before[next] = (before[next] ?? 1) - 1;
      if (before[next] === 0) insert(ready, next);
    }
  }
  return ordered;
}

/** Keeps the list sorted. */
function insert(sorted: number[], value: number): void {
  let at = sorted.length;
  while (at > 0 && (sorted[at - 1] as number) > value) at--;
  sorted.splice(at, 0, value);
}

/** For each kernel: how many others must come before it, and which wait for it. */
function dependences(kernels: readonly Kernel[]): { readonly before: number[]; readonly after: readonly number[][] } {
  const before = kernels.map(() => 0);
  const after = kernels.map((): number[] => []);
  const writer = new Map<number, number>();
  const readers = new Map<number, number[]>();
  kernels.forEach((kernel, place) => {
    const first = new Set<number>();
    for (const buffer of loadedBuffers(kernel)) {
      const from = writer.get(buffer);
      if (from !== undefined) first.add(from);
    }
    for (const buffer of storedBuffers(kernel)) {
      const from = writer.get(buffer);
      if (from !== undefined) first.add(from);
      for (const reader of readers.get(buffer) ?? []) first.add(reader);
    }
    for (const buffer of loadedBuffers(kernel)) {
      const known = readers.get(buffer);
      if (known === undefined) readers.set(buffer, [place]);
      else known.push(place);
    }
    for (const buffer of storedBuffers(kernel)) {
      writer.set(buffer, place);
      readers.delete(buffer);
    }
    first.delete(place);
    for (const other of first) after[other]?.push(place);
    before[place] = first.size;
  });
  return { before, after };
}
