// Resizes images bit for bit like Pillow, on which pretrained image models were trained: fixed-point weights, rounded after each direction.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import type { Picture } from "./pixels.ts";

export const resampleNames = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"] as const;
/** In Pillow's order: the index is its number. */
export type ResampleName = (typeof resampleNames)[number];

interface Filter {
  /** The radius of the filter, in pixels of the smaller picture. */
  readonly reach: number;
  of(x: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** The sharpness of the cubic filter. */
const a = -0.5;

const filters: Readonly<Record<Exclude<ResampleName, "nearest">, Filter>> = {
  box: { reach: 0.5, of: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { reach: 1, of: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { reach: 1, of: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))) },
  bicubic: {
    reach: 2,
    of: (x) => {
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    },
  },
  lanczos: { reach: 3, of: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Fractional bits of a weight. */
const bits = 22;

interface Tap {
  readonly start: number;
  readonly weights: Int32Array;
}

/** For each new position: the first old one that contributes, and the weights from there on. */
function tapsOf(from: number, to: number, { reach, of }: Filter): Tap[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = reach * stretch;
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const exact = Array.from({ length: end - start }, (__, i) => of((start + i - centre + 0.5) * (1 / stretch)));
    const sum = exact.reduce((total, weight) => total + weight, 0);
    const one = 2 ** bits;
    const weights = Int32Array.from(exact, (weight) => {
      const share = sum === 0 ? weight : weight / sum;
      return Math.trunc(share * one + (share < 0 ? -0.5 : 0.5));
    });
    return { start, weights };
  });
}

/** Pixels along one axis: neighbours are `stride` bytes apart, in `lines` lines along the other axis. */
interface Pass {
  readonly taps: readonly Tap[];
  readonly lines: number;
  /** The first byte of a line, in the old and the new picture. */
  readonly from: (line: number) => number;
  readonly to: (line: number) => number;
  readonly stride: number;
}

function along(data: Uint8Array, out: Uint8Array, { taps, lines, from, to, stride }: Pass): void {
  for (let line = 0; line < lines; line++) {
    const [source, target] = [from(line), to(line)];
    for (const [place, { start, weights }] of taps.entries()) {
      let sum = 2 ** (bits - 1);
      for (let i = 0; i < weights.length; i++) sum += at(weights, i) * at(data, source + (start + i) * stride);
      out[target + place * stride] = Math.max(0, Math.min(255, Math.floor(sum / 2 ** bits)));
    }
  }
}

function across(picture: Picture, width: number, filter: Filter): Picture {
  const { height, channels, data } = picture;
  const out = new Uint8Array(width * height * channels);
  const lineOf = (wide: number) => (line: number) => Math.floor(line / channels) * wide * channels + (line % channels);
  along(data, out, {
    taps: tapsOf(picture.width, width, filter),
    lines: height * channels,
    from: lineOf(picture.width),
    to: lineOf(width),
    stride: channels,
  });
  return { width, height, channels, data: out };
}

function down(picture: Picture, height: number, filter: Filter): Picture {
  const { width, channels, data } = picture;
  const row = width * channels;
  const out = new Uint8Array(height * row);
  const same = (line: number): number => line;
  along(data, out, { taps: tapsOf(picture.height, height, filter), lines: row, from: same, to: same, stride: row });
  return { width, height, channels, data: out };
}

/** The old position of each new one, by accumulated steps. */
function nearestPlaces(from: number, to: number): Int32Array {
  const step = from / to;
  let centre = step * 0.5;
  return Int32Array.from({ length: to }, () => {
    const place = Math.min(from - 1, Math.trunc(centre));
    centre += step;
    return place;
  });
}

function nearest(picture: Picture, width: number, height: number): Picture {
  const { channels, data } = picture;
  const [columns, rows] = [nearestPlaces(picture.width, width), nearestPlaces(picture.height, height)];
  const out = new Uint8Array(width * height * channels);
  let place = 0;
  for (const row of rows)
    for (const column of columns) {
      const from = (row * picture.width + column) * channels;
      for (let c = 0; c < channels; c++) out[place++] = at(data, from + c);
    }
  return { width, height, channels, data: out };
}

/** The picture in another size. When shrinking, a new pixel averages all old ones under it, except with "nearest". */
export function resample(picture: Picture, width: number, height: number, by: ResampleName): Picture {
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 1 || side > 65_536)
      throw new HebbError(`${width} × ${height} is not a valid image size; use whole numbers from 1 to 65536`);
  if (picture.width === width && picture.height === height) return picture;
  if (by === "nearest") return nearest(picture, width, height);
  const filter = filters[by];
  const wide = picture.width === width ? picture : across(picture, width, filter);
  return wide.height === height ? wide : down(wide, height, filter);
}
