// Orders kernels so that values are read soon after they are written and their memory is freed early: an update follows its gradient.
import { at } from "../graph/at.ts";
import { hasChecks } from "./checks.ts";
import type { Instruction } from "./kernel.ts";
import { loadedBuffers, storedBuffers } from "./lower.ts";
import { ReadyQueue } from "./readyQueue.ts";

/**
 * The same kernels in dependency order: reads stay after earlier writes, and writes after earlier reads. Among the first few ready
 * kernels, the one that leaves the least memory live comes next, then the earliest. Kernels that check an index go first. Kernels that
 * no check needs and that write to memory that outlives the program wait for all checks, so that an invalid index is found
 * before anything is assigned.
 * `bytesOf` is the size of a temporary; undefined for memory that outlives the program.
 */
export function orderKernels(
  kernels: readonly Instruction[],
  bytesOf: (buffer: number) => number | undefined,
): Instruction[] {
  const { before, after } = dependences(kernels);
  const touched = kernels.map((kernel) => [...new Set([...loadedBuffers(kernel), ...storedBuffers(kernel)])]);
  const checking = new Set(kernels.flatMap((kernel, place) => (hasChecks(kernel) ? [place] : [])));
  /** Kernels that a check depends on. */
  const needed = new Set<number>();
  for (let place = kernels.length - 1; place >= 0; place--) {
    if (after[place]?.some((next) => checking.has(next) || needed.has(next))) needed.add(place);
  }
  const canWait = kernels.map(
    (kernel, place) => !needed.has(place) && [...storedBuffers(kernel)].some((buffer) => bytesOf(buffer) === undefined),
  );
  const uses = new Map<number, number>();
  for (const buffer of touched.flat()) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  const live = new Set<number>();
  /** The growth of live bytes through a kernel. */
  const growth = (place: number): number => {
    let bytes = 0;
    for (const buffer of at(touched, place)) {
      const last = uses.get(buffer) === 1;
      const size = bytesOf(buffer) ?? 0;
      if (live.has(buffer)) bytes -= last ? size : 0;
      else bytes += last ? 0 : size;
    }
    return bytes;
  };
  const checks = new ReadyQueue();
  const ready = new ReadyQueue();
  const waiting: number[] = [];
  const offer = (place: number): void => {
    if (checking.has(place)) checks.add(place);
    else if (checking.size > 0 && canWait[place]) waiting.push(place);
    else ready.add(place);
  };
  const take = (): number | undefined => {
    const check = checks.take();
    if (check !== undefined) return check;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    ready.first.forEach((place, i) => {
      const bytes = growth(place);
      if (bytes >= least) return;
      best = i;
      least = bytes;
    });
    return ready.take(best);
  };
  kernels.forEach((_, place) => {
    if (before[place] === 0) offer(place);
  });
  const ordered: Instruction[] = [];
  for (let place = take(); place !== undefined; place = take()) {
    ordered.push(kernels[place] as Instruction);
    if (checking.delete(place) && checking.size === 0) for (const late of waiting.splice(0)) ready.add(late);
    for (const buffer of at(touched, place)) {
      live.add(buffer);
      uses.set(buffer, (uses.get(buffer) ?? 1) - 1);
    }
    for (const next of at(after, place)) {
      before[next] = at(before, next) - 1;
      if (before[next] === 0) offer(next);
    }
  }
  return ordered;
}

/** For each kernel, the number of kernels it depends on, and the kernels that depend on it. */
export function dependences(kernels: readonly Instruction[]): {
  readonly before: number[];
  readonly after: readonly number[][];
} {
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
