// Augmented pictures: exact moves, rotations against known pictures, draws that depend only on seed, epoch and sample.
import { expect, test } from "vitest";
import { type AugmentOptions, augmentation, augmentImages } from "./augment.ts";
import type { Field } from "./dataset.ts";
import { Random } from "./random.ts";

const floats = (values: readonly number[], shape: readonly number[]): Field => ({
  data: Float32Array.from(values),
  shape,
  dtype: "float32",
});
const picture = floats([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3]);
const once = (options: AugmentOptions, seed = 0, from = picture): number[] => [
  ...augmentImages(from, options, new Random(seed)).data,
];

test("without options the picture stays unchanged", () => {
  expect(once({})).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("mirrors left to right and upside down", () => {
  expect(once({ flip: 1 })).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
  expect(once({ flipVertical: 1 })).toEqual([7, 8, 9, 4, 5, 6, 1, 2, 3]);
  expect(once({ flip: 1, flipVertical: 1 })).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
});

test("a padded crop moves by whole pixels in every direction, with the edge or a value outside", () => {
  const seen = new Set(Array.from({ length: 200 }, (_, seed) => once({ pad: 1, fill: 0 }, seed).join()));
  expect(seen.size).toBe(9);
  expect(seen).toContain("0,0,0,0,1,2,0,4,5");
  expect(seen).toContain("5,6,0,8,9,0,0,0,0");
  const edges = new Set(Array.from({ length: 200 }, (_, seed) => once({ pad: 1 }, seed).join()));
  expect(edges).toContain("1,1,2,1,1,2,4,4,5");
  // In a mirrored picture, the directions are those of the result.
  const both = new Set(Array.from({ length: 200 }, (_, seed) => once({ pad: 1, fill: 0, flip: 1 }, seed).join()));
  expect(both).toContain("0,0,0,0,3,2,0,6,5");
});

test("a rotation keeps the centre, and ±180° is exact", () => {
  // A picture that every rotation leaves unchanged stays the same; one made of two halves keeps its sum when turned by half.
  const flat = floats(new Array(25).fill(3), [1, 5, 5]);
  for (const value of once({ rotate: 45, zoom: 0.3, shear: 0.5, translate: 0.2 }, 3, flat))
    expect(value).toBeCloseTo(3, 5);
  for (let seed = 0; seed < 5; seed++) expect(once({ rotate: 90 }, seed)[4]).toBeCloseTo(5, 5);
});

test("moves by fractions of a pixel interpolate between pixels", () => {
  const ramp = floats(
    Array.from({ length: 49 }, (_, i) => i % 7),
    [1, 7, 7],
  );
  const moved = once({ translate: 0.1 }, 5, ramp);
  // A ramp stays a ramp: the middle row shifts by the same amount everywhere except at the edge.
  const by = (moved[24] ?? 0) - 3;
  expect(Math.abs(by)).toBeGreaterThan(0);
  expect(Math.abs(by)).toBeLessThanOrEqual(0.7);
  for (const x of [2, 3, 4]) expect((moved[21 + x] ?? 0) - x).toBeCloseTo(by, 5);
});

test("contrast keeps the mean, brightness the differences, saturation the grey pixels", () => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const stretched = once({ contrast: 0.5 }, 1);
  expect(mean(stretched)).toBeCloseTo(5, 5);
  expect((stretched[8] ?? 0) - (stretched[0] ?? 0)).not.toBeCloseTo(8, 3);
  const brighter = once({ brightness: 2 }, 1);
  expect((brighter[8] ?? 0) - (brighter[0] ?? 0)).toBeCloseTo(8, 5);
  expect(Math.abs(mean(brighter) - 5)).toBeGreaterThan(0.01);
  const grey = floats([2, 4, 2, 4, 2, 4], [3, 1, 2]);
  once({ saturation: 1 }, 1, grey).forEach((value, i) => {
    expect(value).toBeCloseTo(i % 2 === 0 ? 2 : 4, 5);
  });
});

test("an erased box holds the mean", () => {
  const large = floats(
    Array.from({ length: 256 }, (_, i) => i),
    [1, 16, 16],
  );
  const hidden = once({ erase: 1 }, 2, large).filter((value, i) => value !== i);
  expect(hidden.length).toBeGreaterThanOrEqual(4);
  expect(hidden.length).toBeLessThanOrEqual(25);
  for (const value of hidden) expect(value).toBeCloseTo(127.5, 3);
});

test("bytes stay bytes", () => {
  const bytes: Field = { data: Uint8Array.of(0, 255, 128, 250), shape: [1, 2, 2], dtype: "uint8" };
  for (let seed = 0; seed < 20; seed++) {
    const { data } = augmentImages(bytes, { brightness: 0.5, contrast: 0.9 }, new Random(seed));
    expect(data).toBeInstanceOf(Uint8Array);
    // Wrapping around would break the order.
    expect(data[1]).toBeGreaterThanOrEqual(data[2] ?? 0);
  }
});

test("draws depend on seed, epoch and sample, not on the batch", () => {
  const change = augmentation({ rotate: 20, translate: 0.2, flip: 0.5, contrast: 0.3 });
  const two = Float32Array.from({ length: 18 }, (_, i) => i);
  const at = (samples: readonly number[], epoch: number, features: Float32Array): number[] => [
    ...change(features, { seed: 7, epoch, samples, shape: [1, 3, 3] }),
  ];
  const together = at([4, 9], 2, two);
  expect(together).toEqual([...at([4], 2, two.slice(0, 9)), ...at([9], 2, two.slice(9))]);
  expect(at([4, 9], 3, two)).not.toEqual(together);
  expect(at([4, 9], 2, two)).toEqual(together);
  const random = new Random(5);
  const first = augmentImages(picture, { rotate: 20 }, random);
  expect(random.state().position).toBe(16);
  expect(augmentImages(picture, { rotate: 20 }, random).data).not.toEqual(first.data);
});

test("refuses options out of range and samples that are not pictures", () => {
  expect(() => once({ flip: 2 })).toThrow(/flip must lie between 0 and 1, got 2/);
  expect(() => once({ pad: 1.5 })).toThrow(/pad counts whole pixels/);
  expect(() => once({ rotate: Number.NaN })).toThrow(/rotate/);
  expect(() => once({ fill: Number.NaN })).toThrow(/fill/);
  expect(() => once({}, 0, floats([1, 2, 3], [3]))).toThrow(/takes pictures \[channels, height, width\]/);
});
