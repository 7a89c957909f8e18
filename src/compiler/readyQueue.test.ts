// The ready queue behaves like a sorted list: the visible entries, and the order of removal.
import { describe, expect, it } from "vitest";
import { ReadyQueue } from "./readyQueue.ts";

describe("ReadyQueue", () => {
  it("matches a sorted list with its first 64 entries visible, over 4,000 random additions and removals", () => {
    const queue = new ReadyQueue();
    const list: number[] = [];
    let state = 1;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let round = 0; round < 4_000; round++) {
      // At first additions dominate, at the end removals.
      if (random(4_000) > round) {
        const value = random(100_000);
        queue.add(value);
        list.push(value);
        list.sort((a, b) => a - b);
      } else {
        const place = random(Math.min(64, list.length));
        expect(queue.take(place)).toBe(list.splice(place, 1)[0]);
      }
      expect(queue.first).toEqual(list.slice(0, 64));
    }
  });
});
