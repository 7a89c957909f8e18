// Reusable buffers of collectives.
import { expect, it } from "vitest";
import { Scratch } from "./scratch.ts";

const float32 = new Float32Array();

it("reuses memory, also for another type and a smaller length", () => {
  const scratch = new Scratch();
  const first = scratch.borrow(float32, 1000);
  expect(first.length).toBe(1000);
  scratch.giveBack(first);
  const second = scratch.borrow(new Float64Array(), 500);
  expect(second.buffer).toBe(first.buffer);
  expect(second.length).toBe(500);
});

it("never lends memory twice", () => {
  const scratch = new Scratch();
  expect(scratch.borrow(float32, 100).buffer).not.toBe(scratch.borrow(float32, 100).buffer);
});

it("uses the smallest memory that fits, and drops the largest if none does", () => {
  const scratch = new Scratch();
  const [small, large] = [scratch.borrow(float32, 100), scratch.borrow(float32, 1000)];
  scratch.giveBack(large, small);
  const again = scratch.borrow(float32, 90);
  expect(again.buffer).toBe(small.buffer);
  scratch.giveBack(again);
  const larger = scratch.borrow(float32, 2000);
  expect(larger.length).toBe(2000);
  scratch.giveBack(larger);
  expect(scratch.borrow(float32, 1000).buffer).toBe(larger.buffer);
});
