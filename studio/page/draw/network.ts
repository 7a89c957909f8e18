// Draws the network on one canvas: connections by weight, every neuron with its map, the selected one highlighted.
import type { DataInfo, Snapshot } from "../../shared/protocol.ts";
import type { Surface } from "./canvas.tsx";
import type { Palette } from "./colors.ts";
import { mapOf } from "./field.ts";
import { layer } from "./layer.ts";
import { type Column, mostSpots, type Spot } from "./layout.ts";

export interface Chosen {
  readonly stage: number;
  readonly unit: number;
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Up to this many connections between two layers are drawn one by one; of more, only the heaviest. */
const mostLines = 420;
/** Networks with more connections are redrawn at this interval in milliseconds, their neurons in turn. */
const crowded = 400;
const linesEvery = 350;
/** The line widths, so that all lines of one width form one path. */
const widths = [0.5, 1, 1.7, 2.6, 3.8, 5.2] as const;

/** What is shown of a network. */
interface Shown {
  readonly snapshot: Snapshot;
  readonly info: DataInfo;
}

interface Look {
  readonly palette: Palette;
  readonly chosen: Chosen | undefined;
  readonly playing: boolean;
}

/** Connections between two columns by weight; of many only the heaviest. */
export function drawConnections(
  context: Context,
  [from, to]: readonly [Column, Column],
  weights: Float32Array,
  palette: Palette,
  chosen: Chosen | undefined,
): void {
  if (from.matrix || to.matrix || from.left > 0 || to.left > 0 || weights.length !== from.units * to.units) {
    drawBand(context, from, to, palette);
    return;
  }
  let largest = 0;
  for (const weight of weights) if (Number.isFinite(weight)) largest = Math.max(largest, Math.abs(weight));
  largest = Math.max(largest, 0.5);
  const least = weights.length > mostLines ? thresholdOf(weights, mostLines) : 0;
  const dense = Math.min(1, 90 / weights.length + 0.25);
  const paths = new Map<number, Path2D>();
  const bright = new Map<number, Path2D>();
  to.spots.forEach((end, unit) => {
    from.spots.forEach((start, source) => {
      const weight = weights[unit * from.units + source] ?? 0;
      if (!(Math.abs(weight) >= least)) return;
      const size = Math.abs(weight) / largest;
      const level = Math.min(widths.length - 1, Math.floor(size * widths.length));
      const own =
        chosen !== undefined &&
        ((chosen.stage === to.stage && chosen.unit === unit) ||
          (chosen.stage === from.stage && chosen.unit === source));
      const key = weight < 0 ? -1 - level : level;
      const set = own ? bright : paths;
      const path = set.get(key) ?? new Path2D();
      set.set(key, path);
      const [x0, x1] = [start.x + start.size / 2, end.x - end.size / 2];
      const middle = (x0 + x1) / 2;
      path.moveTo(x0, start.y);
      path.bezierCurveTo(middle, start.y, middle, end.y, x1, end.y);
    });
  });
  const stroke = (set: ReadonlyMap<number, Path2D>, strength: number): void => {
    for (const [key, path] of set) {
      const level = key < 0 ? -1 - key : key;
      context.lineWidth = (widths[level] ?? 1) * (weights.length > 300 ? 0.55 : weights.length > 100 ? 0.8 : 1);
      context.strokeStyle = key < 0 ? palette.low : palette.high;
      context.globalAlpha = strength * (0.2 + (0.75 * (level + 1)) / widths.length);
      context.stroke(path);
    }
  };
  stroke(paths, dense * (chosen === undefined ? 0.85 : 0.4));
  stroke(bright, 1);
  context.globalAlpha = 1;
}

/** The least size among the `count` largest weights. */
function thresholdOf(weights: Float32Array, count: number): number {
  const sizes = Float32Array.from(weights, Math.abs).sort();
  return sizes[Math.max(0, sizes.length - count)] ?? 0;
}

/** The band between layers that are too large for single lines. */
function drawBand(context: Context, from: Column, to: Column, palette: Palette): void {
  const ends = (column: Column): [number, number] => {
    const [first, last] = [column.spots[0], column.spots.at(-1)];
    return [(first?.y ?? 0) - (first?.size ?? 0) / 2, (last?.y ?? 0) + (last?.size ?? 0) / 2];
  };
  const [a0, a1] = ends(from);
  const [b0, b1] = ends(to);
  const x0 = from.x + (from.spots[0]?.size ?? 0) / 2 + 4;
  const x1 = to.x - (to.spots[0]?.size ?? 0) / 2 - 4;
  const middle = (x0 + x1) / 2;
  context.beginPath();
  context.moveTo(x0, a0);
  context.bezierCurveTo(middle, a0, middle, b0, x1, b0);
  context.lineTo(x1, b1);
  context.bezierCurveTo(middle, b1, middle, a1, x0, a1);
  context.closePath();
  context.globalAlpha = 0.5;
  context.fillStyle = palette.line;
  context.fill();
  context.globalAlpha = 1;
}

/** The range of a layer's values, so that each map uses the whole ramp. */
function scaleOf(values: Float32Array): number {
  let largest = 0;
  // Of many values, every seventh is enough.
  for (let k = 0; k < values.length; k += values.length > 1000 ? 7 : 1)
    if (Number.isFinite(values[k])) largest = Math.max(largest, Math.abs(values[k] ?? 0));
  return Math.max(largest, 0.05);
}

function frameOf(context: Context, { x, y, size }: Spot, palette: Palette, chosen: boolean): void {
  context.beginPath();
  context.roundRect(x - size / 2, y - size / 2, size, size, Math.min(6, size / 5));
  context.lineWidth = chosen ? 2.5 : 1;
  context.strokeStyle = chosen ? palette.accent : palette.line;
  context.stroke();
}

function tile(context: Context, picture: CanvasImageSource, { x, y, size }: Spot, smooth: boolean): void {
  context.save();
  context.beginPath();
  context.roundRect(x - size / 2, y - size / 2, size, size, Math.min(6, size / 5));
  context.clip();
  context.imageSmoothingEnabled = smooth;
  context.drawImage(picture, x - size / 2, y - size / 2, size, size);
  context.restore();
}

/** Marks a neuron with NaN. */
function sayNaN(context: Context, { x, y, size }: Spot, palette: Palette): void {
  context.font = `600 ${Math.max(9, Math.min(13, size / 3))}px ui-sans-serif, system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  context.strokeStyle = palette.card;
  context.strokeText("NaN", x, y);
  context.fillStyle = palette.ink;
  context.fillText("NaN", x, y);
  context.textBaseline = "alphabetic";
}

function drawColumn(
  context: Context,
  column: Column,
  { snapshot, info }: Shown,
  palette: Palette,
  chosen: Chosen | undefined,
): void {
  const values = snapshot.maps.stages[column.stage];
  const { side } = snapshot.maps;
  const picked = (unit: number): boolean => chosen?.stage === column.stage && chosen.unit === unit;
  if (values === undefined || values.length === 0) {
    const layer = snapshot.layers[column.stage - 1];
    for (const spot of column.spots) {
      if (layer !== undefined && column.matrix) drawWeights(context, layer.weight, column.units, spot, palette);
      else {
        context.fillStyle = palette.line;
        context.globalAlpha = 0.6;
        context.fillRect(spot.x - spot.size / 2, spot.y - spot.size / 2, spot.size, spot.size);
        context.globalAlpha = 1;
      }
      frameOf(context, spot, palette, picked(0));
    }
    return;
  }
  const output = column.kind === "output";
  const number = info.task === "number";
  if (side > 0 && column.units <= mostSpots && !column.matrix) {
    const n = side * side;
    const [low, high] = info.targetRange;
    const middle = output ? (number ? (low + high) / 2 : info.task === "binary" ? 0.5 : 0) : 0;
    column.spots.forEach((spot, unit) => {
      const own = column.kind === "input" ? values.subarray(unit * n, (unit + 1) * n) : values;
      const range = info.ranges[unit];
      const centre = column.kind === "input" && range !== undefined ? (range[0] + range[1]) / 2 : middle;
      const scale =
        column.kind === "input" && range !== undefined
          ? Math.max(1e-6, (range[1] - range[0]) / 2)
          : output
            ? number
              ? Math.max(1e-6, (high - low) / 2)
              : info.task === "binary"
                ? 0.5
                : 1
            : scaleOf(own);
      const from = column.kind === "input" ? 0 : unit * n;
      const lost = Number.isNaN(own[from]);
      tile(context, mapOf({ values: own, from, side }, palette, scale, centre), spot, !lost);
      frameOf(context, spot, palette, picked(unit));
      if (lost) sayNaN(context, spot, palette);
    });
    return;
  }
  drawSample(context, column, { values, scale: output && !number ? 1 : scaleOf(values) }, palette, picked);
}

/** A layer of many units as the matrix of its weights: a row for each unit, a column for each input. */
function drawWeights(context: Context, weights: Float32Array, units: number, spot: Spot, palette: Palette): void {
  const inputs = weights.length / units;
  // At most this many points a side; of more, every second, third, … is shown.
  const side = Math.min(64, Math.max(units, inputs));
  const shown = new Float32Array(side * side);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      shown[row * side + column] =
        weights[Math.floor((row / side) * units) * inputs + Math.floor((column / side) * inputs)] ?? 0;
  tile(context, mapOf({ values: shown, from: 0, side }, palette, scaleOf(weights)), spot, false);
}

/** One sample's values: an image for each map, or a small square for each unit. */
function drawSample(
  context: Context,
  column: Column,
  { values, scale }: { readonly values: Float32Array; readonly scale: number },
  palette: Palette,
  picked: (unit: number) => boolean,
): void {
  const perUnit = values.length / column.units;
  const pixels = Math.round(Math.sqrt(perUnit));
  if (pixels > 1 && pixels * pixels === perUnit) {
    column.spots.forEach((spot, unit) => {
      tile(context, mapOf({ values, from: unit * perUnit, side: pixels }, palette, scale), spot, false);
      frameOf(context, spot, palette, picked(unit));
      if (Number.isNaN(values[unit * perUnit])) sayNaN(context, spot, palette);
    });
    return;
  }
  if (column.matrix) {
    const [spot] = column.spots;
    if (spot === undefined) return;
    const across = Math.ceil(Math.sqrt(column.units));
    const padded = new Float32Array(across * across);
    padded.set(values.subarray(0, column.units));
    tile(context, mapOf({ values: padded, from: 0, side: across }, palette, scale), spot, false);
    frameOf(context, spot, palette, picked(0));
    return;
  }
  column.spots.forEach((spot, unit) => {
    tile(context, mapOf({ values, from: unit, side: 1 }, palette, scale), spot, false);
    frameOf(context, spot, palette, picked(unit));
    if (Number.isNaN(values[unit])) sayNaN(context, spot, palette);
  });
}

let turn = 0;

const stripWidth = ({ spots, x }: Column): number =>
  2 * Math.max(...spots.map((spot) => Math.abs(spot.x - x) + spot.size / 2), 4) + 8;

export function drawNetwork(
  surface: Surface,
  columns: readonly Column[],
  shown: Shown,
  { palette, chosen, playing }: Look,
): void {
  const { context } = surface;
  const { snapshot, info } = shown;
  const links = snapshot.layers.reduce((sum, { weight }) => sum + weight.length, 0);
  const drawLinks = (onto: Context): void => {
    for (let place = 1; place < columns.length; place++) {
      const [from, to] = [columns[place - 1], columns[place]];
      const weights = snapshot.layers[place - 1]?.weight;
      if (from !== undefined && to !== undefined && weights !== undefined)
        drawConnections(onto, [from, to], weights, palette, chosen);
    }
  };
  if (links <= crowded) {
    drawLinks(context);
    for (const column of columns) drawColumn(context, column, shown, palette, chosen);
  } else {
    const shape = `${columns.map(({ units }) => units).join()} ${palette.dark} ${chosen?.stage}.${chosen?.unit} ${playing ? "" : snapshot.step}`;
    layer(surface, "links", shape, playing ? linesEvery : Number.POSITIVE_INFINITY, drawLinks);
    // Each snapshot redraws one column, so all are refreshed in turn.
    turn = (turn + 1) % columns.length;
    columns.forEach((column, place) => {
      const age = playing && place !== turn ? 1000 : playing ? 0 : Number.POSITIVE_INFINITY;
      layer(
        { context, width: stripWidth(column), height: surface.height, left: column.x - stripWidth(column) / 2 },
        `column ${place}`,
        `${shape} ${info.name}`,
        age,
        (onto) => {
          onto.translate(-column.x + stripWidth(column) / 2, 0);
          drawColumn(onto, column, shown, palette, chosen);
        },
      );
    });
  }
  context.fillStyle = palette.soft;
  context.font = "11px ui-sans-serif, system-ui, sans-serif";
  for (const { left, spots, x } of columns) {
    const last = spots.at(-1);
    if (left > 0 && last !== undefined) {
      context.textAlign = "center";
      context.fillText(`and ${left} more`, x, last.y + last.size / 2 + 13);
    }
  }
}
