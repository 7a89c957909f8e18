// The output map: the prediction at every point of the plane, the data on top, the boundary as a line.

import type { DataInfo, Snapshot } from "../../shared/protocol.ts";
import * as say from "../../texts/en/draw.ts";
import type { Surface } from "./canvas.tsx";
import { classColor, type Palette } from "./colors.ts";
import { classMap, contour, type Field, mapOf, mark } from "./field.ts";
import { layer } from "./layer.ts";

export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly size: number;
}

export function frameOf({ width, height }: Pick<Surface, "width" | "height">): Frame {
  const size = Math.max(40, Math.min(width - 54, height - 40));
  return { left: 50 + Math.max(0, (width - 54 - size) / 2), top: 4, size };
}

/** The names of the two axes. */
type Names = readonly [across: string, up: string];

/** The name of an input on an axis: columns of a table are standardised. */
const inputName = ({ inputs, scaled }: DataInfo, place: number): string =>
  `${inputs[place] ?? ""}${scaled ? say.standardised : ""}`;

/** A text shortened to a width. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

/** A tick of an axis with this extent; negligible values are shown as 0. */
const nice = (value: number, span: number): string =>
  Math.abs(value) < 0.02 * span ? "0" : String(Number(value.toPrecision(2))).replace("-", "−");

function axesAround(
  { context }: Surface,
  { left, top, size }: Frame,
  [x, y]: readonly [readonly [number, number], readonly [number, number]],
  [across, up]: Names,
  palette: Palette,
): void {
  context.fillStyle = palette.soft;
  context.strokeStyle = palette.line;
  context.font = "10.5px ui-sans-serif, system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const t of [0, 0.5, 1]) {
    context.textAlign = t === 0 ? "left" : t === 1 ? "right" : "center";
    context.fillText(nice(x[0] + t * (x[1] - x[0]), x[1] - x[0]), left + t * size, top + size + 10);
    context.textAlign = "right";
    const at = top + (1 - t) * size;
    context.fillText(nice(y[0] + t * (y[1] - y[0]), y[1] - y[0]), left - 5, t === 0 ? at - 5 : t === 1 ? at + 5 : at);
  }
  context.font = "11px ui-sans-serif, system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(fitted(context, across, size), left + size / 2, top + size + 26);
  context.save();
  context.translate(left - 40, top + size / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(fitted(context, up, size), 0, 0);
  context.restore();
  context.textBaseline = "alphabetic";
  context.strokeRect(left + 0.5, top + 0.5, size - 1, size - 1);
}

export interface PlaneOptions {
  /** The owner of the picture: its points are cached under this name. */
  readonly name: string;
  readonly points: boolean;
  readonly steps: boolean;
  /** The map of one neuron instead of the output. */
  readonly neuron?: Field | undefined;
  /** A point to draw a ring around. */
  readonly ring?: readonly number[] | undefined;
}

/** A plane of two inputs. */
export function drawPlane(
  surface: Surface,
  { maps, info }: { readonly maps: Snapshot["maps"]; readonly info: DataInfo },
  palette: Palette,
  frame: Frame,
  options: PlaneOptions,
): void {
  const { context } = surface;
  const { left, top, size } = frame;
  const { fine, output } = maps;
  const [a, b] = maps.axes;
  const [xr, yr] = [info.ranges[a], info.ranges[b]];
  if (fine === 0 || xr === undefined || yr === undefined) return;
  context.save();
  context.beginPath();
  context.roundRect(left, top, size, size, 4);
  context.clip();
  context.imageSmoothingEnabled = !options.steps;
  const n = fine * fine;
  const pixel = size / fine;
  const trace = (values: Float32Array, level: number): void => {
    context.beginPath();
    contour(values, fine, level, (x0, y0, x1, y1) => {
      context.moveTo(left + (x0 + 0.5) * pixel, top + (y0 + 0.5) * pixel);
      context.lineTo(left + (x1 + 0.5) * pixel, top + (y1 + 0.5) * pixel);
    });
    context.stroke();
  };
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.5;
  if (options.neuron !== undefined) {
    const { values, from, side } = options.neuron;
    let largest = 0.05;
    for (let k = from; k < from + side * side; k++) largest = Math.max(largest, Math.abs(values[k] ?? 0));
    context.drawImage(mapOf({ values, from, side }, palette, largest), left, top, size, size);
  } else if (info.task === "classes") {
    const classes = output.length / n;
    const field = options.steps ? hardened(output, classes, n) : output;
    context.drawImage(classMap(field, classes, fine, palette), left, top, size, size);
    for (let c = 0; c < classes; c++) {
      // Where a class is exactly as likely as the best of the others.
      const lead = new Float32Array(n);
      for (let k = 0; k < n; k++) {
        let other = 0;
        for (let d = 0; d < classes; d++) if (d !== c) other = Math.max(other, output[d * n + k] ?? 0);
        lead[k] = (output[c * n + k] ?? 0) - other;
      }
      context.globalAlpha = 0.6;
      trace(lead, 0);
      context.globalAlpha = 1;
    }
  } else {
    const [low, high] = info.targetRange;
    const middle = info.task === "binary" ? 0.5 : (low + high) / 2;
    const scale = info.task === "binary" ? 0.5 : Math.max(1e-6, (high - low) / 2);
    const field = options.steps ? hardened(output, 1, n) : output;
    context.drawImage(mapOf({ values: field, from: 0, side: fine }, palette, scale, middle), left, top, size, size);
    if (info.task === "binary") trace(output.subarray(0, n), 0.5);
  }
  if (options.points)
    layer(
      surface,
      `points ${options.name}`,
      `${keyOf(info)} ${maps.axes.join()} ${palette.dark} ${left} ${size}`,
      Number.POSITIVE_INFINITY,
      (onto) => drawPoints(onto, info, maps.axes, frame, palette),
    );
  const [ringX, ringY] = options.ring ?? [];
  if (ringX !== undefined && ringY !== undefined) {
    context.lineWidth = 2.5;
    context.strokeStyle = palette.ink;
    context.beginPath();
    const [x, y] = [(ringX - xr[0]) / (xr[1] - xr[0]), (ringY - yr[0]) / (yr[1] - yr[0])];
    context.arc(left + x * size, top + (1 - y) * size, 9, 0, 2 * Math.PI);
    context.stroke();
  }
  context.restore();
  axesAround(surface, frame, [xr, yr], [inputName(info, a), inputName(info, b)], palette);
}

function hardened(output: Float32Array, classes: number, n: number): Float32Array {
  if (classes === 1) return Float32Array.from(output, (value) => (value >= 0.5 ? 1 : 0));
  const out = new Float32Array(output.length);
  for (let k = 0; k < n; k++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if ((output[c * n + k] ?? 0) > (output[best * n + k] ?? 0)) best = c;
    out[best * n + k] = 1;
  }
  return out;
}

const known = new WeakMap<DataInfo, number>();
let made = 0;

/** A text that is equal only for the same data. */
function keyOf(info: DataInfo): string {
  const number = known.get(info) ?? ++made;
  known.set(info, number);
  return String(number);
}

function drawPoints(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  info: DataInfo,
  [a, b]: readonly [number, number],
  { left, top, size }: Frame,
  palette: Palette,
): void {
  const { shown, ranges } = info;
  const [[x0, x1], [y0, y1]] = [ranges[a] ?? [0, 1], ranges[b] ?? [0, 1]];
  const r = (shown.count > 700 ? 2.1 : shown.count > 300 ? 2.7 : 3.4) * Math.max(0.55, Math.min(1, size / 290));
  const [low, high] = info.targetRange;
  for (let row = 0; row < shown.count; row++) {
    const at = row * shown.width;
    const x = left + (((shown.features[at + a] ?? 0) - x0) / (x1 - x0)) * size;
    const y = top + (1 - ((shown.features[at + b] ?? 0) - y0) / (y1 - y0)) * size;
    const target = shown.targets[row] ?? 0;
    const number = info.task === "number";
    const kind = number ? 0 : target;
    mark(context, kind, x, y, r);
    const test = shown.test[row] === 1;
    context.fillStyle = number
      ? (target - low) / (high - low) > 0.5
        ? palette.high
        : palette.low
      : classColor(palette, kind);
    context.globalAlpha = test ? 0.35 : 1;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = test ? 1.4 : 1;
    context.strokeStyle = test ? context.fillStyle : palette.card;
    context.stroke();
  }
}

/** One input: the network's answer as a curve through the points. */
export function drawLine(
  surface: Surface,
  { fine, output }: Snapshot["maps"],
  info: DataInfo,
  palette: Palette,
  frame: Frame,
): void {
  const { context } = surface;
  const { left, top, size } = frame;
  const range = info.ranges[0];
  if (range === undefined || fine === 0) return;
  const [low, high] = info.targetRange;
  const margin = 0.15 * (high - low || 1);
  const [y0, y1] = [low - margin, high + margin];
  const at = (value: number): number => top + (1 - (value - y0) / (y1 - y0)) * size;
  context.save();
  context.beginPath();
  context.rect(left, top, size, size);
  context.clip();
  const { shown } = info;
  for (let row = 0; row < shown.count; row++) {
    const x = left + (((shown.features[row] ?? 0) - range[0]) / (range[1] - range[0])) * size;
    mark(context, 0, x, at(shown.targets[row] ?? 0), 3);
    context.fillStyle = palette.low;
    context.globalAlpha = shown.test[row] === 1 ? 0.35 : 0.9;
    context.fill();
  }
  context.globalAlpha = 1;
  context.beginPath();
  for (let column = 0; column < fine; column++) {
    const x = left + ((column + 0.5) / fine) * size;
    context.lineTo(x, at(output[column] ?? 0));
  }
  context.strokeStyle = palette.high;
  context.lineWidth = 2.4;
  context.stroke();
  context.restore();
  axesAround(surface, frame, [range, [y0, y1]], [inputName(info, 0), info.target], palette);
}

/** Truth against prediction, for numbers from many inputs. */
export function drawResiduals(
  surface: Surface,
  { pairs, target }: { readonly pairs: Float32Array; readonly target: string },
  palette: Palette,
  frame: Frame,
): void {
  const { context } = surface;
  const { left, top, size } = frame;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let k = 0; k < pairs.length; k += 2) {
    low = Math.min(low, pairs[k] ?? 0);
    high = Math.max(high, pairs[k] ?? 0);
  }
  const margin = 0.1 * (high - low || 1);
  [low, high] = [low - margin, high + margin];
  const at = (value: number): number => (value - low) / (high - low);
  context.strokeStyle = palette.accent;
  context.setLineDash([5, 4]);
  context.beginPath();
  context.moveTo(left, top + size);
  context.lineTo(left + size, top);
  context.stroke();
  context.setLineDash([]);
  context.save();
  context.beginPath();
  context.rect(left, top, size, size);
  context.clip();
  for (let k = 0; k < pairs.length; k += 2) {
    const [x, y] = [left + at(pairs[k] ?? 0) * size, top + (1 - at(pairs[k + 1] ?? 0)) * size];
    mark(context, 0, x, y, 3);
    context.fillStyle = (pairs[k + 1] ?? 0) < (pairs[k] ?? 0) ? palette.low : palette.high;
    context.globalAlpha = 0.75;
    context.fill();
  }
  context.globalAlpha = 1;
  context.restore();
  const range = [low, high] as const;
  axesAround(surface, frame, [range, range], [`true ${target}`, `predicted ${target}`], palette);
}
