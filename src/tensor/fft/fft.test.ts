// Transforms of every kind of length against direct sums, and their errors.
import { beforeAll, describe, expect, it } from "vitest";
import { useBackend } from "../../runtime/index.ts";
import { tensor } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import * as fft from "./index.ts";
import { radices } from "./transform.ts";
import { root } from "./waves.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

/** Reproducible numbers between -1 and 1. */
const numbers = (count: number): number[] => Array.from({ length: count }, (_, place) => Math.sin(place * 1.7 + 0.3));

function sums(x: ArrayLike<number>, length: number, sign: 1 | -1): number[] {
  const [cos, sin] = [Math.cos, Math.sin].map((fn) =>
    Float64Array.from({ length }, (_, k) => fn((2 * Math.PI * k) / length)),
  ) as [Float64Array, Float64Array];
  return Array.from({ length }, (_, k) => {
    let [re, im] = [0, 0];
    for (let j = 0; j < length; j++) {
      const place = (j * k) % length;
      const [c, s] = [cos[place] ?? 0, sign * (sin[place] ?? 0)];
      const [a, b] = [x[2 * j] ?? 0, x[2 * j + 1] ?? 0];
      re += a * c - b * s;
      im += a * s + b * c;
    }
    return [re, im];
  }).flat();
}

/** The norm of the difference, relative to the norm of the truth. */
function error(found: Tensor, truth: readonly number[]): number {
  const data = found.dataSync();
  expect(data.length).toBe(truth.length);
  return Math.hypot(...truth.map((value, place) => value - (data[place] ?? Number.NaN))) / Math.hypot(...truth);
}

describe.each([1, 2, 3, 8, 12, 31, 64, 97, 131, 240, 257, 1000, 1009])("length %i", (length) => {
  const x = numbers(2 * length);
  // The error of a fast transform grows with the logarithm of the length: 1e-6, and ten units in the last place for float64.
  it.each([
    ["float32", 1e-6],
    ["float64", 3e-15],
  ] as const)("%s", (dtype, most) => {
    const given = tensor(x, { dtype, shape: [length, 2] });
    const held = Array.from(given.dataSync());
    expect(error(fft.fft(given), sums(held, length, -1))).toBeLessThan(most);
    expect(error(fft.ifft(fft.fft(given)), held)).toBeLessThan(most);
    const real = tensor(x.slice(0, length), { dtype });
    const parts = Array.from(real.dataSync()).flatMap((value) => [value, 0]);
    const half = fft.rfft(real);
    expect(error(half, sums(parts, length, -1).slice(0, 2 * (Math.floor(length / 2) + 1)))).toBeLessThan(most);
    expect(error(fft.irfft(half, { n: length }), Array.from(real.dataSync()))).toBeLessThan(most);
  });
});

// The transform of a unit impulse is the roots themselves: each is right to the last place, anywhere on the circle.
it.each([5, 12, 16])("has the roots of %i", (length) => {
  const one = new Float64Array(2 * length);
  one[2] = 1;
  const found = fft.ifft(tensor(one, { dtype: "float64", shape: [length, 2] }), { norm: "forward" }).dataSync();
  const truth = Array.from({ length }, (_, k) => root(k, length)).flat();
  expect(Math.max(...truth.map((value, k) => Math.abs(value - (found[k] ?? 0))))).toBeLessThanOrEqual(2 ** -53);
});

it("consists of few short transforms", () => {
  expect(radices(1024)).toEqual([16, 8, 8]);
  expect(radices(2 ** 20)?.length).toBe(5);
  expect(radices(97)).toEqual([97]);
  expect(radices(2 * 131)).toBeUndefined();
});

it.each([
  [() => fft.fft(tensor([1, 2, 3])), /real and imaginary parts in a last dim of 2, got \[3\]/],
  [() => fft.fft(tensor([[1, 2]]), { n: 0 }), /the length of a transform must be a whole number of at least 1, got 0/],
  [() => fft.fftn(tensor([[1, 2]]), { dim: [0, 0] }), /name the same dim twice/],
  [() => fft.fftn(tensor([[1, 2]]), { s: [2, 2], dim: [0] }), /s has 2 lengths for 1 dims/],
  [() => fft.rfft(tensor(3)), /needs at least one dim/],
  [() => fft.fftfreq(0), /n must be a whole number of at least 1, got 0/],
])("says what is wrong: %#", (call, message) => {
  expect(call).toThrow(message);
});
