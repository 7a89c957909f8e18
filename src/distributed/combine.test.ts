// Sums over ranks: in rank order, in float64, rounded once, compiled or not.
import { expect, it } from "vitest";
import { combineParts } from "./combine.ts";

it.each([7, 5000])("adds %i values in the order of the ranks, in float64", (length) => {
  const parts = [1, 2 ** -24, 2 ** -24, -1].map((value) => new Float32Array(length).fill(value));
  const outs = [new Float32Array(length), new Float32Array(length)];
  combineParts(parts, outs);
  // In float32 the small values would be lost next to 1.
  for (const out of outs) expect(out).toEqual(new Float32Array(length).fill(2 ** -23));
});

it("writes in place", () => {
  const parts = [1, 2, 3].map((value) => new Float64Array(6000).fill(value));
  combineParts(parts, parts);
  for (const part of parts) expect(part).toEqual(new Float64Array(6000).fill(6));
});

it("wraps whole numbers, and computes maximum and minimum", () => {
  const parts = [Uint8Array.of(200, 1), Uint8Array.of(100, 7)];
  const out = new Uint8Array(2);
  combineParts(parts, [out]);
  expect([...out]).toEqual([44, 8]);
  combineParts(parts, [out], "max");
  expect([...out]).toEqual([200, 7]);
  combineParts(parts, [out], "min");
  expect([...out]).toEqual([100, 1]);
});
