// The arena: assigns each temporary an offset, so that temporaries that are live at the same time do not overlap.
import { Ranges } from "./ranges.ts";

export interface Temporary {
  readonly id: number;
  readonly bytes: number;
  /** The first kernel that stores it and the last that touches it. */
  readonly firstUse: number;
  readonly lastUse: number;
}

const alignment = 64;

/** Places temporaries so that none overlaps another that lives at the same time. Largest first, lowest free gap. */
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

/** A stretch of time: what is taken during all of it, and what during some of it. */
interface Stretch {
  readonly all: Ranges;
  readonly some: Ranges;
}

/**
 * What is taken when, in a tree of halves of time: each question is answered by a few lists, in which neighbours are one range. So
 * the plan of a deep network, whose values live from the way forward to the way back, does not compare each with each.
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

  /** Lists of all that is taken at some time from first to last. */
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

  /** The largest stretches within a time, and those around them. */
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
