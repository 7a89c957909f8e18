// The arena plan: nothing alive at the same time overlaps, and what is dead is reused.
import { describe, expect, it } from "vitest";
import { planArena, type Temporary } from "./memory.ts";

/** A small linear congruential generator, so that a failure can be repeated. */
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

describe("planArena", () => {
  it("reuses memory of values that are dead", () => {
    const chain = Array.from({ length: 10 }, (_, id): Temporary => ({ id, bytes: 640, firstUse: id, lastUse: id + 1 }));
    expect(planArena(chain).arenaBytes).toBe(1280);
  });

  it("never overlaps values that live together, for 200 random plans", () => {
    const next = numbers(7);
    const random = (limit: number): number => Math.floor((next.next().value as number) * limit);
    for (let round = 0; round < 200; round++) {
      const plan = Array.from({ length: 1 + random(30) }, (_, id): Temporary => {
        const firstUse = random(20);
        return { id, bytes: 1 + random(5000), firstUse, lastUse: firstUse + random(6) };
      });
      const { byteOffsets, arenaBytes } = planArena(plan);
      for (const a of plan) {
        expect((byteOffsets.get(a.id) as number) % 64).toBe(0);
        expect((byteOffsets.get(a.id) as number) + a.bytes).toBeLessThanOrEqual(arenaBytes);
        for (const b of plan)
          if (a.id < b.id && overlaps(a, b, byteOffsets)) throw new Error(`round ${round}: ${JSON.stringify([a, b])}`);
      }
    }
  });
});
