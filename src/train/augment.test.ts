// Changed pictures: nothing asked for changes nothing, each change does what it says, and draws depend on seed, epoch and sample alone.
import { describe, expect, test } from "vitest";
import { augmentBy, augmentImages } from "./index.ts";

const [height, width] = [6, 8];
const shape = [2, height, width];
const size = 2 * height * width;
const pictures = Float32Array.from({ length: 3 * size }, (_, k) => Math.sin(k));
const at = (epoch: number, samples: readonly number[] = [0, 1, 2], seed = 1) => ({
  seed,
  epoch,
  samples: Int32Array.from(samples),
  shape,
});
const all = { crop: 0.2, rotate: 20, zoom: 0.2, flip: 0.5, jitter: 0.2 };

describe("augmentImages", () => {
  test("changes nothing when nothing is asked for", () => {
    expect(augmentImages({})(pictures, at(3))).toEqual(pictures);
  });

  test("mirrors left and right", () => {
    const mirrored = augmentImages({ flip: 1 })(pictures, at(0));
    for (let line = 0; line < (3 * size) / width; line++)
      expect([...mirrored.slice(line * width, (line + 1) * width)]).toEqual(
        [...pictures.slice(line * width, (line + 1) * width)].reverse(),
      );
  });

  test("turning by nothing but zoom keeps the middle, and a plain picture stays plain under all but jitter", () => {
    const plain = new Float32Array(size).fill(0.7);
    const turned = augmentImages({ ...all, jitter: 0 })(plain, at(2, [5]));
    for (const value of turned) expect(value).toBeCloseTo(0.7, 6);
    const jittered = augmentImages({ jitter: 0.5 })(plain, at(2, [5]));
    expect(new Set(jittered).size).toBe(1);
    expect(jittered[0]).not.toBeCloseTo(0.7, 3);
  });

  test("moves a line by as much as it may, between pixels too", () => {
    const line = new Float32Array(size);
    for (let y = 0; y < height; y++) line[y * width + 4] = 1;
    const moved = augmentImages({ crop: 0.25 })(line, at(1, [9]));
    const row = Array.from(moved.slice(2 * width, 3 * width));
    const mass = row.reduce((sum, value) => sum + value, 0);
    const centre = row.reduce((sum, value, x) => sum + value * x, 0) / mass;
    expect(mass).toBeCloseTo(1, 5);
    expect(Math.abs(centre - 4)).toBeLessThanOrEqual(0.25 * width + 1e-6);
    expect(Math.abs(centre - 4)).toBeGreaterThan(0.01);
  });

  test("draws by seed, epoch and sample alone, whatever stands beside it in the batch", () => {
    const augment = augmentImages(all);
    const together = augment(pictures, at(4));
    const alone = augment(pictures.slice(size, 2 * size), at(4, [1]));
    expect(together.slice(size, 2 * size)).toEqual(alone);
    expect(augment(pictures, at(4))).toEqual(together);
    for (const other of [at(5), at(4, [0, 1, 2], 2), at(4, [7, 8, 9])])
      expect(augment(pictures, other)).not.toEqual(together);
    expect(augmentBy(["crop", "flip"])(pictures, at(0)).length).toBe(pictures.length);
  });

  test("says what it takes", () => {
    expect(() => augmentImages({ crop: 2 })).toThrow(/crop must lie between 0 and 1, got 2/);
    expect(() => augmentImages(all)(new Float32Array(4), { ...at(0, [0]), shape: [4] })).toThrow(/one sample is \[4\]/);
  });
});
