// Reads a step by position: the inputs of a layer, the value that meets a weight, the weights that a value passes its slope through.
import type { LayerStep, Numbers, StepTrace } from "../../shared/steps.ts";

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Positions of one map: 1 if a unit is a single number. */
export const spotsOf = (shape: readonly number[]): number => (shape.length === 3 ? sizeOf(shape.slice(1)) : 1);

/** One number of a row. */
export function valueAt({ values }: Numbers, rows: number, row: number, index: number): number {
  return values[row * (values.length / rows) + index] ?? Number.NaN;
}

/** A layer's output for one row: its numbers, their shape, and their letter. */
export interface Given {
  readonly numbers: Numbers;
  readonly shape: readonly number[];
  readonly letter: "x" | "a" | "p" | "m";
}

/** A layer's input: the network's inputs, or the output of the previous layer. */
export function givenTo(trace: StepTrace, layer: number): Given {
  const before = trace.layers[layer - 1];
  if (before === undefined) return { numbers: trace.x, shape: trace.inputShape, letter: "x" };
  return givenBy(before);
}

export function givenBy({ dropout, pool, a, shape }: LayerStep): Given {
  const given = pool?.shape ?? shape;
  if (dropout !== undefined) return { numbers: dropout.values, shape: given, letter: "m" };
  return pool === undefined
    ? { numbers: a, shape, letter: "a" }
    : { numbers: pool.values, shape: pool.shape, letter: "p" };
}

/** Weights of one unit of a layer, without its bias. */
export const fanIn = ({ weight, units }: LayerStep): number => weight.value.values.length / Math.max(1, units);

/** Side of the kernels of a convolution; 1 for a dense layer. */
export const kernelOf = ({ weight }: LayerStep): number => weight.value.shape[3] ?? 1;

/** The channel of a kernel's weight, and its position there. */
export function kernelPlace(layer: LayerStep, k: number): { channel: number; y: number; x: number } {
  const side = kernelOf(layer);
  return { channel: Math.floor(k / side ** 2), y: Math.floor(k / side) % side, x: k % side };
}

/** The index in a layer's input that weight `k` meets for one position of the result; undefined in the padding. */
export function metBy(trace: StepTrace, layer: number, spot: number, k: number): number | undefined {
  const step = trace.layers[layer];
  if (step === undefined) return undefined;
  if (step.kind === "dense") return k;
  const [, height = 1, width = 1] = givenTo(trace, layer).shape;
  const { channel, y, x } = kernelPlace(step, k);
  const pad = (kernelOf(step) - 1) / 2;
  const [row, column] = [Math.floor(spot / width) + y - pad, (spot % width) + x - pad];
  if (row < 0 || row >= height || column < 0 || column >= width) return undefined;
  return (channel * height + row) * width + column;
}

/** A path back: through this weight, from this position of the next layer's sums. */
export interface WayBack {
  /** The unit of the next layer, and its weight. */
  readonly unit: number;
  readonly weight: number;
  readonly index: number;
}

/** The sources of the slope of one output value: every weight of the next layer that it meets. */
export function waysBack(trace: StepTrace, layer: number, unit: number, spot: number): WayBack[] {
  const next = trace.layers[layer + 1];
  const own = trace.layers[layer];
  if (next === undefined || own === undefined) return [];
  const { shape } = givenBy(own);
  const index = unit * spotsOf(shape) + spot;
  if (next.kind === "dense")
    return Array.from({ length: next.units }, (_, k) => ({ unit: k, weight: index, index: k }));
  const [, height = 1, width = 1] = shape;
  const side = kernelOf(next);
  const pad = (side - 1) / 2;
  const ways: WayBack[] = [];
  for (let map = 0; map < next.units; map++)
    for (let k = 0; k < side ** 2; k++) {
      const row = Math.floor(spot / width) - Math.floor(k / side) + pad;
      const column = (spot % width) - (k % side) + pad;
      if (row >= 0 && row < height && column >= 0 && column < width)
        ways.push({ unit: map, weight: unit * side ** 2 + k, index: (map * height + row) * width + column });
    }
  return ways;
}

/** The positions of `a` in the window of one pooled position. */
export function windowOf(layer: LayerStep, spot: number): number[] {
  const { pool, shape } = layer;
  if (pool === undefined) return [];
  const [, , width = 1] = shape;
  const [, , pooledWidth = 1] = pool.shape;
  const [row, column] = [pool.side * Math.floor(spot / pooledWidth), pool.side * (spot % pooledWidth)];
  return Array.from(
    { length: pool.side ** 2 },
    (_, k) => (row + Math.floor(k / pool.side)) * width + column + (k % pool.side),
  );
}

/** The pooled position whose window contains a position of `a`; undefined at an edge that no window covers. */
export function pooledSpot({ pool, shape }: LayerStep, spot: number): number | undefined {
  if (pool === undefined) return undefined;
  const [, , width = 1] = shape;
  const [, height = 1, pooledWidth = 1] = pool.shape;
  const [row, column] = [Math.floor(spot / width / pool.side), Math.floor((spot % width) / pool.side)];
  return row < height && column < pooledWidth ? row * pooledWidth + column : undefined;
}
