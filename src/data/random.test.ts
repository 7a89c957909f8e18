// The generator against the published test vectors of Threefry, and its documented draws.
import { expect, test } from "vitest";
import { Random, threefry2x32 } from "./random.ts";

test("threefry2x32 gives the known answers of Random123", () => {
  expect(threefry2x32(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
  expect(threefry2x32(-1, -1, -1, -1)).toEqual([0x1cb996fc, 0xbb002be7]);
  expect(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0]);
});

test("the first draws are a contract", () => {
  const random = new Random(0);
  expect(random.uniform()).toBe(((0x6b200159 >>> 5) * 67108864 + (0x99ba4efe >>> 6)) / 2 ** 53);
  expect(Array.from(new Random(42).permutation(8))).toMatchInlineSnapshot(`
    [
      3,
      5,
      2,
      4,
      6,
      0,
      7,
      1,
    ]
  `);
});

test("a permutation holds each number once, and a restored generator continues exactly", () => {
  const random = new Random(7, 3);
  expect(Array.from(random.permutation(100)).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  const copy = Random.restore(JSON.parse(JSON.stringify(random.state())));
  expect(copy.uniform()).toBe(random.uniform());
  expect(copy.normal()).toBe(random.normal());
});

test("uniform and normal have the right mean and spread; streams and seeds differ", () => {
  const random = new Random(5);
  let sum = 0;
  let squares = 0;
  let uniform = 0;
  const draws = 20000;
  for (let i = 0; i < draws; i++) {
    const x = random.normal();
    sum += x;
    squares += x * x;
    uniform += random.uniform();
  }
  expect(Math.abs(sum / draws)).toBeLessThan(0.03);
  expect(Math.abs(squares / draws - 1)).toBeLessThan(0.05);
  expect(Math.abs(uniform / draws - 0.5)).toBeLessThan(0.01);
  const seen = new Set(
    [new Random(1), new Random(2), new Random(1, 1), new Random(2 ** 32 + 1)].map((r) => r.uniform()),
  );
  expect(seen.size).toBe(4);
});

test("bad seeds are refused with a sentence", () => {
  expect(() => new Random(0.5)).toThrow(/seed 0\.5 is not a whole number/);
  expect(() => new Random(Number.NaN)).toThrow(/seed NaN/);
  expect(() => new Random(0).integer(0)).toThrow(/from 1 to 2\^32/);
});

test("streams have 32-bit numbers", () => {
  expect(new Random(1, 0xffffffff).stream).toBe(0xffffffff);
  expect(() => new Random(1, 2 ** 32)).toThrow(/out of range/);
  expect(() => new Random(1, -1)).toThrow(/out of range/);
});

test("normal is the Box-Muller transform of the two words, to the last bit", () => {
  const words = Array.from({ length: 50 }, (_, position) => threefry2x32(11, 0, position, 2));
  const random = new Random(11, 2);
  for (const [a, b] of words) {
    const angle = (2 * Math.PI * b) / 2 ** 32;
    expect(random.normal(3, 0.5)).toBe(3 + 0.5 * Math.sqrt(-2 * Math.log((a + 1) / 2 ** 32)) * Math.cos(angle));
  }
});

test("the last block of a stream is drawn, and the one after it is refused", () => {
  const random = Random.restore({ seed: 1, stream: 0, position: 2 ** 32 - 1 });
  expect(random.uniform()).toBeGreaterThanOrEqual(0);
  expect(() => random.uniform()).toThrow(/exhausted/);
});

/** The words of the blocks of a stream. */
const words = (seed: readonly [low: number, high: number], stream: number, count: number): [number, number][] =>
  Array.from({ length: count }, (_, position) => threefry2x32(seed[0], seed[1], position, stream));

test.each([
  [5, [5, 0]],
  [3 * 2 ** 32 + 5, [5, 3]],
  [2 ** 32, [0, 1]],
  [2 ** 32 - 1, [-1, 0]],
  [2 ** 33 - 2, [-2, 1]],
  [Number.MAX_SAFE_INTEGER, [-1, 2 ** 21 - 1]],
  [-1, [-1, -1]],
  [-(2 ** 32), [0, -1]],
] as const)("the key of seed %d is its two halves", (seed, halves) => {
  const random = new Random(seed, 9);
  for (const [a, b] of words(halves, 9, 3)) expect(random.uniform()).toBe(((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53);
});

test("uniform draws lie between the given limits", () => {
  const [plain, between] = [new Random(2), new Random(2)];
  for (let draw = 0; draw < 20; draw++) expect(between.uniform(-3, 5)).toBe(-3 + 8 * plain.uniform());
});

test.each([1, 2, 6, 1000, 2 ** 31, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32])(
  "whole numbers below %d have no bias",
  (below) => {
    const largest = 2 ** 32 - (2 ** 32 % below);
    const random = new Random(4, 1);
    const kept = words([4, 0], 1, 60).flatMap(([word]) => (word < largest ? [word % below] : []));
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.map(() => random.integer(below))).toEqual(kept);
  },
);

test("rejects the first word beyond the last whole multiple", () => {
  for (let position = 0, tried = 0; tried < 5; position++) {
    const [word] = threefry2x32(6, 0, position, 0);
    if (word <= 2 ** 31) continue;
    tried++;
    // Below this bound only one multiple fits, and it ends at the word itself.
    const random = Random.restore({ seed: 6, stream: 0, position });
    random.integer(word);
    expect(random.state().position).toBeGreaterThan(position + 1);
    const other = Random.restore({ seed: 6, stream: 0, position });
    expect(other.integer(word + 1)).toBe(word);
  }
});

test("a shuffle is Fisher-Yates, from the end", () => {
  const [random, drawn] = [new Random(8), new Random(8)];
  const values = [10, 11, 12, 13, 14, 15, 16];
  const shuffled = Int32Array.from(values);
  random.shuffle(shuffled);
  for (let last = values.length - 1; last > 0; last--) {
    const place = drawn.integer(last + 1);
    [values[last], values[place]] = [values[place] ?? Number.NaN, values[last] ?? Number.NaN];
  }
  expect([...shuffled]).toEqual(values);
  expect(random.state()).toEqual({ seed: 8, stream: 0, position: 6 });
  expect(random.permutation(0).length).toBe(0);
});

test("skips draws, and refuses a state that no generator can have", () => {
  const [whole, skipping] = [new Random(3), new Random(3)];
  for (let draw = 0; draw < 4; draw++) whole.uniform();
  skipping.skip(0);
  skipping.skip(4);
  expect(skipping.state()).toEqual(whole.state());
  expect(skipping.uniform()).toBe(whole.uniform());
  for (const draws of [-1, 0.5, Number.NaN]) expect(() => skipping.skip(draws)).toThrow("at least 0");
  for (const position of [-1, 0.5, Number.NaN])
    expect(() => Random.restore({ seed: 1, stream: 0, position })).toThrow(`position ${position}`);
  expect(Random.restore({ seed: 1, stream: 0, position: 0 }).uniform()).toBe(new Random(1).uniform());
  for (const below of [0, 1.5, 2 ** 32 + 1]) expect(() => skipping.integer(below)).toThrow("from 1 to 2^32");
  for (const stream of [-1, 0.5, 2 ** 32]) expect(() => new Random(1, stream)).toThrow("out of range");
});
