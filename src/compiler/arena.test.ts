// The arena plan: live values never overlap, dead memory is reused, and each value gets the lowest possible offset.
import { describe, expect, it } from "vitest";
import { planArena, type Temporary } from "./arena.ts";

/** A small linear congruential generator, so that failures are reproducible. */
function* numbers(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

function overlaps(a: Temporary, b: Temporary, offsets: ReadonlyMap<number, number>): boolean {
  const [from, other] = [offsets.get(a.id) as number, offsets.get(b.id) as number];
  const together = a.firstUse <= b.lastUse && b.firstUse <= a.lastUse;
  return together && from < other + b.bytes && other < from + a.bytes;
}

/** The same plan by comparing every pair of values: the lowest free offset, which is 0 or the end of another value. */
function planByHand(temporaries: readonly Temporary[]): Map<number, number> {
  const sizeOf = ({ bytes }: Temporary): number => Math.ceil(bytes / 64) * 64;
  const placed: { readonly temporary: Temporary; readonly start: number; readonly end: number }[] = [];
  const order = [...temporaries].sort((a, b) => b.bytes - a.bytes || a.firstUse - b.firstUse || a.id - b.id);
  for (const temporary of order) {
    const size = sizeOf(temporary);
    const others = placed.filter(
      (other) => other.temporary.firstUse <= temporary.lastUse && temporary.firstUse <= other.temporary.lastUse,
    );
    const start = [0, ...others.map(({ end }) => end)]
      .sort((a, b) => a - b)
      .find((place) => others.every((other) => other.end <= place || other.start >= place + size)) as number;
    placed.push({ temporary, start, end: start + size });
  }
  return new Map(placed.map(({ temporary, start }) => [temporary.id, start]));
}

describe("planArena", () => {
  it("reuses the memory of dead values", () => {
    const chain = Array.from({ length: 10 }, (_, id): Temporary => ({ id, bytes: 640, firstUse: id, lastUse: id + 1 }));
    expect(planArena(chain).arenaBytes).toBe(1280);
  });

  it("never overlaps live values, and places each as low as possible, in 300 random plans", () => {
    const next = numbers(7);
    const random = (limit: number): number => Math.floor((next.next().value as number) * limit);
    for (let round = 0; round < 300; round++) {
      const [times, longest] = [1 + random(40), 1 + random(20)];
      const plan = Array.from({ length: 1 + random(40) }, (_, id): Temporary => {
        const firstUse = random(times);
        return { id, bytes: 1 + random(round % 2 === 0 ? 5000 : 300), firstUse, lastUse: firstUse + random(longest) };
      });
      const { byteOffsets, arenaBytes } = planArena(plan);
      expect(byteOffsets).toEqual(planByHand(plan));
      for (const a of plan) {
        expect((byteOffsets.get(a.id) as number) % 64).toBe(0);
        expect((byteOffsets.get(a.id) as number) + a.bytes).toBeLessThanOrEqual(arenaBytes);
        for (const b of plan)
          if (a.id < b.id && overlaps(a, b, byteOffsets)) throw new Error(`round ${round}: ${JSON.stringify([a, b])}`);
      }
    }
  });
});
