// Random augmentation: shifts, rotates, mirrors and recolours pictures. Every draw follows from one seed.
import { allocate, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import type { Field } from "./dataset.ts";
import { Random } from "./random.ts";

/** The changes to apply to pictures, all off by default. Amounts are drawn uniformly from −amount to +amount. */
export interface AugmentOptions {
  /** Chance of mirroring left to right. Not for digits and letters. */
  readonly flip?: number;
  /** Chance of mirroring upside down. */
  readonly flipVertical?: number;
  /** A random crop of the original size after padding each side by this many pixels, so the picture moves by whole pixels. */
  readonly pad?: number;
  /** Shift by at most this share of height and width. */
  readonly translate?: number;
  /** Rotation about the centre, by at most this many degrees. */
  readonly rotate?: number;
  /** Scale up or down by at most this share. */
  readonly zoom?: number;
  /** Shear: shifts each row by at most this share of its distance from the middle. */
  readonly shear?: number;
  /** Brightness change of at most this much: a share of 255 for bytes, otherwise the units of the features (standard deviations). */
  readonly brightness?: number;
  /** Scales the distances from the picture's mean by a factor 1 ± this. */
  readonly contrast?: number;
  /** Scales the distances from grey by a factor 1 ± this; only for pictures of three channels. */
  readonly saturation?: number;
  /** Chance that a box of 1/8 to 1/3 of each side is overwritten with the picture's mean. */
  readonly erase?: number;
  /** The fill outside a picture: its repeated edge (default), or a value in the units of the features. */
  readonly fill?: "edge" | number;
}

const kinds: OptionKinds<AugmentOptions> = {
  flip: kind.number,
  flipVertical: kind.number,
  pad: kind.number,
  translate: kind.number,
  rotate: kind.number,
  zoom: kind.number,
  shear: kind.number,
  brightness: kind.number,
  contrast: kind.number,
  saturation: kind.number,
  erase: kind.number,
  fill: kind.either(kind.oneOf("edge"), kind.number),
};

const limits = {
  flip: 1,
  flipVertical: 1,
  pad: 1024,
  translate: 1,
  rotate: 180,
  zoom: 0.9,
  shear: 2,
  brightness: 1000,
  contrast: 1,
  saturation: 1,
  erase: 1,
} as const satisfies Partial<Record<keyof AugmentOptions, number>>;

const names = Object.keys(limits) as (keyof typeof limits)[];

/** One picture's draws. Their number does not depend on the options, so turning one option on leaves the draws of the others unchanged. */
interface Draw {
  readonly mirrored: boolean;
  readonly upsideDown: boolean;
  readonly right: number;
  readonly down: number;
  readonly angle: number;
  readonly scale: number;
  readonly slant: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly erased: readonly [top: number, left: number, height: number, width: number] | undefined;
}

const drawsOfOne = 16;

type Amounts = Required<AugmentOptions>;

function checked(options: AugmentOptions): Amounts {
  checkOptions("augment", options, kinds);
  const amounts: Amounts = {
    flip: 0,
    flipVertical: 0,
    pad: 0,
    translate: 0,
    rotate: 0,
    zoom: 0,
    shear: 0,
    brightness: 0,
    contrast: 0,
    saturation: 0,
    erase: 0,
    fill: "edge",
    ...options,
  };
  for (const name of names) {
    const value = amounts[name];
    if (!(value >= 0 && value <= limits[name]))
      throw new HebbError(`augment: ${name} must lie between 0 and ${limits[name]}, got ${value}`);
  }
  if (!Number.isInteger(amounts.pad))
    throw new HebbError(
      `augment: pad counts whole pixels, got ${amounts.pad}; for a share of the picture use translate`,
    );
  if (amounts.fill !== "edge" && !Number.isFinite(amounts.fill))
    throw new HebbError(`augment: fill must be "edge" or a number, got ${amounts.fill}`);
  return amounts;
}

function draw(amounts: Amounts, height: number, width: number, random: Random): Draw {
  const around = (amount: number): number => random.uniform(-amount, amount);
  const mirrored = random.uniform() < amounts.flip;
  const upsideDown = random.uniform() < amounts.flipVertical;
  const across = Math.floor(random.uniform() * (2 * amounts.pad + 1)) - amounts.pad;
  const along = Math.floor(random.uniform() * (2 * amounts.pad + 1)) - amounts.pad;
  const right = across + around(amounts.translate) * width;
  const down = along + around(amounts.translate) * height;
  const angle = (around(amounts.rotate) * Math.PI) / 180;
  const scale = 1 + around(amounts.zoom);
  const slant = around(amounts.shear);
  const [brightness, contrast, saturation] = [
    around(amounts.brightness),
    1 + around(amounts.contrast),
    1 + around(amounts.saturation),
  ];
  const hidden = random.uniform() < amounts.erase;
  const sides = [height, width].map((side) => Math.max(1, Math.round(side * random.uniform(1 / 8, 1 / 3))));
  const [boxHeight = 1, boxWidth = 1] = sides;
  const [top, left] = [random.uniform(), random.uniform()];
  const erased = hidden
    ? ([
        Math.floor(top * (height - boxHeight + 1)),
        Math.floor(left * (width - boxWidth + 1)),
        boxHeight,
        boxWidth,
      ] as const)
    : undefined;
  return { mirrored, upsideDown, right, down, angle, scale, slant, brightness, contrast, saturation, erased };
}

/** Location of a picture's values: planes of height × width, starting at `start`. */
interface Place {
  readonly start: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Moves by whole pixels and mirrors, so every new pixel is a copy of an old one. */
function shift(from: TypedArray, to: TypedArray, place: Place, by: Draw, fill: "edge" | number): void {
  const { start, channels, height, width } = place;
  const { mirrored, upsideDown, right, down } = by;
  for (let y = 0; y < height; y++) {
    const row = (upsideDown ? height - 1 - y : y) - (upsideDown ? -down : down);
    for (let x = 0; x < width; x++) {
      const column = (mirrored ? width - 1 - x : x) - (mirrored ? -right : right);
      const outside = row < 0 || row >= height || column < 0 || column >= width;
      const at = Math.min(height - 1, Math.max(0, row)) * width + Math.min(width - 1, Math.max(0, column));
      for (let channel = 0; channel < channels; channel++) {
        const plane = start + channel * height * width;
        to[plane + y * width + x] = outside && fill !== "edge" ? fill : (from[plane + at] ?? 0);
      }
    }
  }
}

/** Rotates, scales, shears and moves; every new pixel interpolates between four old ones (bilinear). */
function warp(from: TypedArray, to: TypedArray, place: Place, by: Draw, fill: "edge" | number): void {
  const { start, channels, height, width } = place;
  const [cos, sin] = [Math.cos(by.angle) / by.scale, Math.sin(by.angle) / by.scale];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const [flipX, flipY] = [by.mirrored ? -1 : 1, by.upsideDown ? -1 : 1];
  const plane = height * width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // The inverse mapping: shift, then rotate and scale, then shear, then mirror.
      const u = x - middleX - by.right;
      const v = y - middleY - by.down;
      const turnedY = -sin * u + cos * v;
      const sourceX = flipX * (cos * u + sin * v - by.slant * turnedY) + middleX;
      const sourceY = flipY * turnedY + middleY;
      const left = Math.floor(sourceX);
      const top = Math.floor(sourceY);
      const across = sourceX - left;
      const along = sourceY - top;
      const outLeft = left < 0 || left >= width;
      const outRight = left + 1 < 0 || left + 1 >= width;
      const outTop = top < 0 || top >= height;
      const outBottom = top + 1 < 0 || top + 1 >= height;
      const x0 = Math.min(width - 1, Math.max(0, left));
      const x1 = Math.min(width - 1, Math.max(0, left + 1));
      const y0 = Math.min(height - 1, Math.max(0, top)) * width;
      const y1 = Math.min(height - 1, Math.max(0, top + 1)) * width;
      for (let channel = 0; channel < channels; channel++) {
        const base = start + channel * plane;
        let a = from[base + y0 + x0] ?? 0;
        let b = from[base + y0 + x1] ?? 0;
        let c = from[base + y1 + x0] ?? 0;
        let d = from[base + y1 + x1] ?? 0;
        if (fill !== "edge") {
          if (outTop || outLeft) a = fill;
          if (outTop || outRight) b = fill;
          if (outBottom || outLeft) c = fill;
          if (outBottom || outRight) d = fill;
        }
        const above = a + (b - a) * across;
        const below = c + (d - c) * across;
        to[base + y * width + x] = above + (below - above) * along;
      }
    }
  }
}

function recolour(values: TypedArray, { start, channels, height, width }: Place, by: Draw, unit: number): void {
  const plane = height * width;
  const size = channels * plane;
  if (channels === 3 && by.saturation !== 1) {
    for (let i = start; i < start + plane; i++) {
      const [r, g, b] = [values[i] ?? 0, values[i + plane] ?? 0, values[i + 2 * plane] ?? 0];
      const grey = 0.299 * r + 0.587 * g + 0.114 * b;
      values[i] = grey + (r - grey) * by.saturation;
      values[i + plane] = grey + (g - grey) * by.saturation;
      values[i + 2 * plane] = grey + (b - grey) * by.saturation;
    }
  }
  if (by.contrast === 1 && by.brightness === 0 && by.erased === undefined) return;
  let mean = 0;
  for (let i = start; i < start + size; i++) mean += (values[i] ?? 0) / size;
  const shift = mean + by.brightness * unit - mean * by.contrast;
  for (let i = start; i < start + size; i++) values[i] = (values[i] ?? 0) * by.contrast + shift;
  if (by.erased === undefined) return;
  const [top, left, boxHeight, boxWidth] = by.erased;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = top; y < top + boxHeight; y++) {
      const from = start + channel * plane + y * width + left;
      values.fill(mean, from, from + boxWidth);
    }
  }
}

function augment(batch: Field, amounts: Amounts, randomOf: (picture: number) => Random): Field {
  const [channels = 0, height = 0, width = 0] = batch.shape;
  const size = sizeOf(batch.shape);
  if (batch.shape.length !== 3 || size === 0 || batch.data.length % size !== 0)
    throw new HebbError(
      `augment: takes pictures [channels, height, width], but ${batch.data.length} values in samples of ${formatShape(batch.shape)} are not images; leave the augmentation out, or reshape the samples`,
    );
  const bytes = batch.dtype === "uint8";
  // Bytes would wrap around, so they are changed as floats and clamped at the end.
  const from = bytes ? Float32Array.from(batch.data) : batch.data;
  const to = allocate(bytes ? "float32" : batch.dtype, from.length);
  for (let picture = 0; picture < from.length / size; picture++) {
    const place = { start: picture * size, channels, height, width };
    const by = draw(amounts, height, width, randomOf(picture));
    const bent = by.angle !== 0 || by.scale !== 1 || by.slant !== 0;
    const whole = Number.isInteger(by.right) && Number.isInteger(by.down);
    if (bent || !whole) warp(from, to, place, by, amounts.fill);
    else if (by.right !== 0 || by.down !== 0 || by.mirrored || by.upsideDown) shift(from, to, place, by, amounts.fill);
    else to.set(from.subarray(place.start, place.start + size), place.start);
    recolour(to, place, by, bytes ? 255 : 1);
  }
  const data = bytes ? Uint8Array.from(to, (value) => Math.max(0, Math.min(255, Math.round(value)))) : to;
  return { data, shape: batch.shape, dtype: batch.dtype };
}

/**
 * Augmented copies of a batch of pictures, bytes or features. `shape` of the batch is that of one picture, [channels, height, width].
 * Every picture takes 16 draws of `random`, in order. New pixels interpolate between four old ones; whole-pixel moves and mirrors copy.
 * Throws HebbError for options out of range and for samples that are not pictures.
 */
export function augmentImages(batch: Field, options: AugmentOptions, random: Random): Field {
  const amounts = checked(options);
  const from = random.state();
  const changed = augment(batch, amounts, (picture) =>
    Random.restore({ ...from, position: from.position + picture * drawsOfOne }),
  );
  const count = batch.data.length / sizeOf(batch.shape);
  random.skip(count * drawsOfOne);
  return changed;
}

/** The first augmentation stream, one per epoch, separate from those of splits and shuffles. */
const augmentStream = 0x50000000;

/** The samples and the epoch of a batch. */
export interface AugmentPlace {
  readonly seed: number;
  readonly epoch: number;
  /** Sample numbers, in the order of the batch. */
  readonly samples: ArrayLike<number>;
  /** Shape of one sample. */
  readonly shape: readonly number[];
}

/**
 * The same as the `augment` option of `fit`. The change to a sample follows only from seed, epoch and its number. Batches of any size, in
 * any order, and resumed runs therefore change it the same way. Sample i of epoch e draws from stream 0x50000000 + e at position 16 i.
 */
export function augmentation(options: AugmentOptions): (features: TypedArray, place: AugmentPlace) => TypedArray {
  const amounts = checked(options);
  return (features, { seed, epoch, samples, shape }) => {
    const dtype = features instanceof Float32Array ? "float32" : features instanceof Float64Array ? "float64" : "uint8";
    if (features instanceof Int32Array) throw new HebbError("augment: takes bytes or floats, not int32 values");
    return augment({ data: features, shape, dtype }, amounts, (picture) =>
      Random.restore({ seed, stream: augmentStream + epoch, position: (samples[picture] ?? picture) * drawsOfOne }),
    ).data;
  };
}
