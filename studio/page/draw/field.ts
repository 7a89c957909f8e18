// Maps as pixels: one value, a probability, or one of several classes at every point of a grid.
import * as say from "../../texts/en/draw.ts";
import { type Palette, pack } from "./colors.ts";

const scratch = new Map<
  number,
  { canvas: OffscreenCanvas; context: OffscreenCanvasRenderingContext2D; image: ImageData; pixels: Uint32Array }
>();

/** A square canvas of this side, reused. */
function sheet(side: number) {
  const known = scratch.get(side);
  if (known !== undefined) return known;
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error(say.thisBrowserHasNoCanvas);
  const image = context.createImageData(side, side);
  const made = { canvas, context, image, pixels: new Uint32Array(image.data.buffer) };
  scratch.set(side, made);
  return made;
}

const striped = (k: number, side: number, [one, other]: Palette["noNumber"]): number =>
  ((k % side) + Math.floor(k / side)) % 4 < 2 ? one : other;

/** The values at every point of a square, beginning at index `from`. */
export interface Field {
  readonly values: Float32Array;
  readonly from: number;
  readonly side: number;
}

/** One value at every point; `scale` is the value at full hue, `middle` the value without hue. */
export function mapOf({ values, from, side }: Field, palette: Palette, scale: number, middle = 0): OffscreenCanvas {
  const { canvas, context, image, pixels } = sheet(side);
  const { ramp, noNumber } = palette;
  const factor = 127.5 / scale;
  for (let k = 0; k < side * side; k++) {
    const place = 127.5 + ((values[from + k] ?? 0) - middle) * factor;
    if (Number.isNaN(place)) pixels[k] = striped(k, side, noNumber);
    else pixels[k] = ramp[place > 0 ? (place < 255 ? place | 0 : 255) : 0] ?? 0;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The likeliest class at every point, paler where it is uncertain. */
export function classMap(values: Float32Array, classes: number, side: number, palette: Palette): OffscreenCanvas {
  const { canvas, context, image, pixels } = sheet(side);
  const n = side * side;
  const { middle, classRgb, noNumber } = palette;
  for (let k = 0; k < n; k++) {
    if (Number.isNaN(values[k])) {
      pixels[k] = striped(k, side, noNumber);
      continue;
    }
    let [r, g, b] = [0, 0, 0];
    for (let c = 0; c < classes; c++) {
      const p = values[c * n + k] ?? 0;
      const hue = classRgb[c % classRgb.length] ?? middle;
      const weight = p * p;
      r += weight * (hue[0] - middle[0]);
      g += weight * (hue[1] - middle[1]);
      b += weight * (hue[2] - middle[2]);
    }
    pixels[k] = pack([middle[0] + 0.72 * r, middle[1] + 0.72 * g, middle[2] + 0.72 * b]);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The contour at a level, as line segments in grid units (marching squares). */
export function contour(
  values: Float32Array,
  side: number,
  level: number,
  line: (x0: number, y0: number, x1: number, y1: number) => void,
): void {
  const at = (x: number, y: number): number => (values[y * side + x] ?? 0) - level;
  for (let y = 0; y + 1 < side; y++) {
    for (let x = 0; x + 1 < side; x++) {
      const [a, b, c, d] = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
      const points: number[] = [];
      if (a > 0 !== b > 0) points.push(x + a / (a - b), y);
      if (b > 0 !== c > 0) points.push(x + 1, y + b / (b - c));
      if (c > 0 !== d > 0) points.push(x + 1 - c / (c - d), y + 1);
      if (d > 0 !== a > 0) points.push(x, y + 1 - d / (d - a));
      for (let k = 0; k + 3 < points.length; k += 4)
        line(points[k] ?? 0, points[k + 1] ?? 0, points[k + 2] ?? 0, points[k + 3] ?? 0);
    }
  }
}

/** Marks of classes differ in shape as well as in hue. */
export function mark(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  kind: number,
  x: number,
  y: number,
  r: number,
): void {
  context.beginPath();
  switch (kind % 4) {
    case 0:
      context.arc(x, y, r, 0, 2 * Math.PI);
      break;
    case 1:
      context.rect(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r);
      break;
    case 2:
      context.moveTo(x, y - 1.25 * r);
      context.lineTo(x + 1.15 * r, y + 0.85 * r);
      context.lineTo(x - 1.15 * r, y + 0.85 * r);
      context.closePath();
      break;
    default:
      context.moveTo(x, y - 1.3 * r);
      context.lineTo(x + 1.3 * r, y);
      context.lineTo(x, y + 1.3 * r);
      context.lineTo(x - 1.3 * r, y);
      context.closePath();
  }
}
