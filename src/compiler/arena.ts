// The arena: assigns offsets to temporaries so that those live at the same time do not overlap.
import { Ranges } from "./ranges.ts";

export interface Temporary {
  readonly id: number;
  readonly bytes: number;
  /** The first kernel that stores it and the last that touches it. */
  readonly firstUse: number;
  readonly lastUse: number;
}

const alignment = 64;

/** Places temporaries so that none overlaps another live at the same time. Largest first, into the lowest free gap. */
export function planArena(temporaries: readonly Temporary[]): { byteOffsets: Map<number, number>; arenaBytes: number } {
  const byteOffsets = new Map<number, number>();
  const taken = new TakenOverTime(temporaries.reduce((most, { lastUse }) => Math.max(most, lastUse + 1), 1));
  let arenaBytes = 0;
  const order = [...temporaries].sort((a, b) => b.bytes - a.bytes || a.firstUse - b.firstUse || a.id - b.id);
  for (const { id, bytes, firstUse, lastUse } of order) {
    const size = Math.ceil(bytes / alignment) * alignment;
    const byteOffset = lowestGap(taken.during(firstUse, lastUse), size);
    taken.add(firstUse, lastUse, byteOffset, byteOffset + size);
    byteOffsets.set(id, byteOffset);
    arenaBytes = Math.max(arenaBytes, byteOffset + size);
  }
  return { byteOffsets, arenaBytes };
}

function lowestGap(taken: readonly Ranges[], size: number): number {
  let start = 0;
  for (let before = -1; before !== start; ) {
    before = start;
    for (const ranges of taken) start = ranges.gapFrom(start, size);
  }
  return start;
}

/** An interval of time: ranges taken throughout it, and ranges taken during part of it. */
interface Stretch {
  readonly all: Ranges;
  readonly some: Ranges;
}

/**
 * The ranges taken over time, as a binary tree of intervals. A query consults a few lists of merged ranges, so planning a deep network,
 * whose values live from the forward to the backward pass, does not compare every pair of values.
 */
class TakenOverTime {
  readonly #times: number;
  readonly #stretches = new Map<number, Stretch>();

  constructor(times: number) {
    this.#times = times;
  }

  add(first: number, last: number, start: number, end: number): void {
    this.#visit(first, last, (place, isWithin) => {
      const stretch = this.#stretches.get(place) ?? { all: new Ranges(), some: new Ranges() };
      this.#stretches.set(place, stretch);
      (isWithin ? stretch.all : stretch.some).add(start, end);
    });
  }

  /** Lists of all ranges taken at any time from first to last. */
  during(first: number, last: number): Ranges[] {
    const found: Ranges[] = [];
    this.#visit(first, last, (place, isWithin) => {
      const stretch = this.#stretches.get(place);
      if (stretch === undefined) return;
      found.push(stretch.all);
      if (isWithin) found.push(stretch.some);
    });
    return found;
  }

  /** The largest intervals within a time span, and those that enclose them. */
  #visit(first: number, last: number, see: (place: number, isWithin: boolean) => void): void {
    const descend = (place: number, from: number, to: number): void => {
      if (to < first || from > last) return;
      const isWithin = first <= from && to <= last;
      see(place, isWithin);
      if (isWithin) return;
      const middle = (from + to) >> 1;
      descend(2 * place, from, middle);
      descend(2 * place + 1, middle + 1, to);
    };
    descend(1, 0, this.#times - 1);
  }
}
