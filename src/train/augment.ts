// Pictures changed a little in every epoch: moved, turned, enlarged, mirrored, brighter or darker; drawn by seed, epoch and sample.
import { Random } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { Augment } from "./feeds.ts";
import type { AugmentName } from "./names.ts";

export interface AugmentOptions {
  /** Moved by at most this share of the width and height. Default 0. */
  readonly crop?: number;
  /** Turned by at most so many degrees either way. Default 0. */
  readonly rotate?: number;
  /** Enlarged or made smaller by at most this share. Default 0. */
  readonly zoom?: number;
  /** The chance of being mirrored left to right. Default 0. */
  readonly flip?: number;
  /** Contrast changed by at most this share, and brightness by at most this much. Default 0. */
  readonly jitter?: number;
}

/** What the names on the command line stand for. */
const usual: Readonly<Record<AugmentName, AugmentOptions>> = {
  crop: { crop: 0.09 },
  rotate: { rotate: 12 },
  zoom: { zoom: 0.1 },
  flip: { flip: 0.5 },
  jitter: { jitter: 0.2 },
};

/** Named changes together. */
export const augmentBy = (names: readonly AugmentName[]): Augment =>
  augmentImages(Object.assign({}, ...names.map((name) => usual[name])) as AugmentOptions);

/** Streams of augmentation start here, apart from those of shuffles and splits. */
const augmentStream = 0x41554700;

/** A generator for one picture in one epoch. */
const drawFor = (seed: number, epoch: number, sample: number): Random =>
  new Random(seed, (augmentStream ^ Math.imul(epoch + 1, 0x9e3779b1) ^ Math.imul(sample + 1, 0x85ebca6b)) >>> 0);

/**
 * Changes pictures [channels, height, width] in one pass: each new pixel is read, between four old ones, where the turned, enlarged
 * and moved picture has it; beyond the edge the edge goes on. All channels alike.
 */
export function augmentImages(options: AugmentOptions): Augment {
  const { crop = 0, rotate = 0, zoom = 0, flip = 0, jitter = 0 } = options;
  for (const [name, value, most] of [
    ["crop", crop, 1],
    ["rotate", rotate, 180],
    ["zoom", zoom, 0.9],
    ["flip", flip, 1],
    ["jitter", jitter, 1],
  ] as const)
    if (!(value >= 0 && value <= most))
      throw new HebbError(`augment: ${name} must lie between 0 and ${most}, got ${value}`);
  return (features, { seed, epoch, samples, shape }) => {
    const [channels = 1, height = 1, width = 1] = shape;
    if (shape.length !== 3)
      throw new HebbError(
        `augment: takes pictures [channels, height, width], but one sample is [${shape.join(", ")}]; leave --augment out`,
      );
    const size = channels * height * width;
    const out = Float32Array.from(features);
    for (const [row, sample] of samples.entries()) {
      const draw = drawFor(seed, epoch, sample);
      const [dx, dy] = [draw.uniform(-crop, crop) * width, draw.uniform(-crop, crop) * height];
      const angle = (draw.uniform(-rotate, rotate) * Math.PI) / 180;
      const scale = 1 / (1 + draw.uniform(-zoom, zoom));
      const mirror = draw.uniform() < flip ? -1 : 1;
      const [gain, shift] = [1 + draw.uniform(-jitter, jitter), draw.uniform(-jitter, jitter)];
      const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
      const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
      const from = row * size;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const [u, v] = [mirror * (x - middleX), y - middleY];
          const sourceX = clamp(cos * u - sin * v + middleX - dx, width - 1);
          const sourceY = clamp(sin * u + cos * v + middleY - dy, height - 1);
          const [left, top] = [Math.floor(sourceX), Math.floor(sourceY)];
          const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
          const [across, down] = [sourceX - left, sourceY - top];
          for (let channel = 0; channel < channels; channel++) {
            const plane = from + channel * height * width;
            const at = (py: number, px: number): number => features[plane + py * width + px] ?? 0;
            const above = at(top, left) * (1 - across) + at(top, right) * across;
            const below = at(bottom, left) * (1 - across) + at(bottom, right) * across;
            out[plane + y * width + x] = (above * (1 - down) + below * down) * gain + shift;
          }
        }
      }
    }
    return out;
  };
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));
