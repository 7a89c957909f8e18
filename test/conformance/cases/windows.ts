// Cases of windows, pools and interpolation.
import { apply } from "../../../src/graph/apply.ts";
import type { Node, TensorType } from "../../../src/graph/node.ts";
import { interpolate } from "../../../src/graph/ops/interpolate.ts";
import {
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  maxPool1d,
  maxPool2d,
  windowMaxOp,
} from "../../../src/graph/ops/pool.ts";
import { fold, spreadOp, window, windowOp } from "../../../src/graph/ops/window.ts";
import { absolute, at, type Case, floats, input, numbers, spread, tabulate, total } from "../case.ts";
import { inputNode, type Value } from "../run.ts";

const node = (shape: readonly number[], dtype: TensorType["dtype"] = "float32"): Node => inputNode({ shape, dtype });
const overlapping = { kernel: [3, 2], stride: [2, 1], dilation: [1, 2] };

/** Distinct numbers in a scattered order, so that every window has one maximum well above the rest. */
const distinct = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    shape,
    data: Array.from({ length: size }, (_, i) => ((i * 7) % (size % 7 === 0 ? size + 1 : size)) - size / 2),
  };
};

/** The maximum by its definition; positions outside do not count. */
function largest(
  x: Value,
  out: readonly number[],
  kernel: readonly number[],
  stride: number,
  padding: number,
  dilation = 1,
): number[] {
  return tabulate(out, ([n = 0, c = 0, y = 0, z = 0]) =>
    tabulate(kernel, ([i = 0, j = 0]) => {
      const [h, w] = [y * stride - padding + i * dilation, z * stride - padding + j * dilation];
      const inside = h >= 0 && w >= 0 && h < (x.shape[2] ?? 0) && w < (x.shape[3] ?? 0);
      return inside ? at(x, [n, c, h, w]) : Number.NEGATIVE_INFINITY;
    }).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  );
}

/** Linear interpolation by its definition, in one dim at a time. */
function bilinear(x: Value, height: number, width: number): number[] {
  const [, , h = 1, w = 1] = x.shape;
  const parts = (i: number, extent: number, size: number): [number, number, number] => {
    const position = Math.max(0, ((i + 0.5) * extent) / size - 0.5);
    const low = Math.floor(position);
    return [low, Math.min(low + 1, extent - 1), position - low];
  };
  return tabulate([...x.shape.slice(0, 2), height, width], ([n = 0, c = 0, y = 0, z = 0]) => {
    const [top, bottom, down] = parts(y, h, height);
    const [left, right, across] = parts(z, w, width);
    const row = (i: number): number => at(x, [n, c, i, left]) * (1 - across) + at(x, [n, c, i, right]) * across;
    return row(top) * (1 - down) + row(bottom) * down;
  });
}

export const windowCases: readonly Case[] = [
  {
    op: "window",
    kind: "forward",
    name: "overlapping, strided, dilated",
    dtypes: numbers,
    inputs: [spread([2, 7, 5], 1, -9, 9)],
    build: (x) => window(x, overlapping),
    truth: (x) => tabulate([2, 3, 3, 3, 2], ([n = 0, y = 0, z = 0, i = 0, j = 0]) => at(x, [n, y * 2 + i, z + j * 2])),
  },
  {
    op: "window",
    kind: "edge",
    name: "one window of one element",
    dtypes: numbers,
    inputs: [spread([1, 1], 2, -9, 9)],
    build: (x) => apply(windowOp, [x], { stride: [1], dilation: [1], count: [1] }),
    truth: (x) => x.data,
  },
  {
    op: "window",
    kind: "edge",
    name: "fewer elements than a window",
    dtypes: floats,
    inputs: [spread([2, 2], 3)],
    build: (x) => window(x, { kernel: [3], stride: [1], dilation: [1] }),
    truth: () => [],
  },
  {
    op: "window",
    kind: "error",
    name: "too many windows",
    build: () => apply(windowOp, [node([4, 3])], { stride: [2], dilation: [1], count: [3] }),
    message: /reach element 6 of a dim of 4/,
  },
  {
    op: "spread",
    kind: "forward",
    name: "fold adds overlapping windows",
    dtypes: numbers,
    inputs: [spread([2, 3, 3, 3, 2], 4, -9, 9)],
    build: (x) => fold(x, overlapping, [7, 5]),
    truth: (x) =>
      tabulate([2, 7, 5], ([n = 0, h = 0, w = 0]) =>
        total([3, 3, 3, 2], ([y = 0, z = 0, i = 0, j = 0]) =>
          y * 2 + i === h && z + j * 2 === w ? at(x, [n, y, z, i, j]) : 0,
        ),
      ),
    magnitude: () => tabulate([2, 7, 5], () => 6 * 9),
    bound: { ulps: 1, terms: 6 },
  },
  {
    op: "spread",
    kind: "edge",
    name: "infinities stay in their place",
    dtypes: floats,
    inputs: [input([1, 2], Number.POSITIVE_INFINITY, Number.NaN)],
    build: (x) => apply(spreadOp, [x], { stride: [1], dilation: [2], extent: [4] }),
    truth: () => [Number.POSITIVE_INFINITY, 0, 0, 0, 0, Number.NaN, 0, 0],
  },
  {
    op: "spread",
    kind: "error",
    name: "missing dims",
    build: () => apply(spreadOp, [node([4])], { stride: [1], dilation: [1], extent: [4] }),
    message: /needs 1 spatial and 1 window dims/,
  },

  {
    op: "windowMax",
    kind: "forward",
    name: "side by side",
    dtypes: numbers,
    inputs: [distinct(1, 2, 4, 5)],
    build: (x) => maxPool2d(x, 2),
    truth: (x) => largest(x, [1, 2, 2, 2], [2, 2], 2, 0),
  },
  {
    op: "windowMax",
    kind: "forward",
    name: "overlapping and padded",
    dtypes: floats,
    inputs: [distinct(2, 1, 5, 6)],
    build: (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
    truth: (x) => largest(x, [2, 1, 3, 3], [3, 3], 2, 1),
  },
  {
    op: "windowMax",
    kind: "forward",
    name: "dilated, the last window cut",
    dtypes: floats,
    inputs: [distinct(1, 1, 6, 6)],
    build: (x) => maxPool2d(x, [2, 3], { stride: 2, dilation: 2, ceilMode: true }),
    truth: (x) => largest(x, [1, 1, 3, 2], [2, 3], 2, 0, 2),
  },
  {
    op: "windowMax",
    kind: "edge",
    name: "NaN and infinities",
    dtypes: floats,
    inputs: [
      input(
        [1, 1, 2, 4],
        1,
        Number.NaN,
        Number.NEGATIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        2,
        3,
        Number.NEGATIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ),
    ],
    build: (x) => maxPool2d(x, 2),
    truth: () => [Number.NaN, Number.NEGATIVE_INFINITY],
  },
  {
    op: "windowMax",
    kind: "edge",
    name: "no images",
    dtypes: floats,
    inputs: [spread([0, 1, 4, 4], 1)],
    build: (x) => maxPool2d(x, 2),
    truth: () => [],
  },
  {
    op: "windowMax",
    kind: "error",
    name: "padding",
    build: () => maxPool2d(node([1, 1, 4, 4]), 2, { padding: 2 }),
    message: /padding 2 is more than half the kernel size 2; use at most 1/,
  },
  {
    op: "windowMax",
    kind: "error",
    name: "window too large",
    build: () => maxPool1d(node([1, 1, 4]), 5),
    message: /spans 5, more than the padded input of 4/,
  },
  {
    op: "windowMax",
    kind: "error",
    name: "empty window",
    build: () => apply(windowMaxOp, [node([2, 0])], { axes: [1] }),
    message: /has no maximum/,
  },

  {
    op: "avgPool2d",
    kind: "forward",
    name: "padded",
    dtypes: floats,
    inputs: [spread([1, 2, 5, 4], 9)],
    build: (x) => avgPool2d(x, 3, { stride: 2, padding: 1 }),
    truth: (x) =>
      tabulate(
        [1, 2, 3, 2],
        ([n = 0, c = 0, y = 0, z = 0]) =>
          total([3, 3], ([i = 0, j = 0]) => at(x, [n, c, y * 2 - 1 + i, z * 2 - 1 + j])) / 9,
      ),
    magnitude: () => tabulate([1, 2, 3, 2], () => 2),
    bound: { ulps: 2, terms: 9 },
  },
  {
    op: "avgPool2d",
    kind: "edge",
    name: "padding that does not count",
    dtypes: floats,
    gradient: true,
    inputs: [spread([1, 1, 2, 2], 9)],
    build: (x) => avgPool2d(x, 2, { padding: 1, stride: 2, countIncludePad: false }),
    truth: (x) => x.data,
    bound: { ulps: 2, terms: 1 },
  },
  {
    op: "avgPool2d",
    kind: "error",
    name: "dtype",
    build: () => avgPool2d(node([1, 1, 4, 4], "int32"), 2),
    message: /a mean needs float values, got int32/,
  },
  { op: "avgPool2d", kind: "error", name: "rank", build: () => avgPool1d(node([4]), 2), message: /takes \[N, C, L\]/ },
  {
    op: "adaptiveAvgPool2d",
    kind: "forward",
    name: "regions of different sizes",
    dtypes: floats,
    inputs: [spread([1, 2, 5, 7], 10)],
    build: (x) => adaptiveAvgPool2d(x, [3, 2]),
    truth: (x) =>
      tabulate([1, 2, 3, 2], ([n = 0, c = 0, y = 0, z = 0]) => {
        const [top, bottom] = [Math.floor((y * 5) / 3), Math.ceil(((y + 1) * 5) / 3)];
        const [left, right] = [Math.floor((z * 7) / 2), Math.ceil(((z + 1) * 7) / 2)];
        return (
          total([bottom - top, right - left], ([i = 0, j = 0]) => at(x, [n, c, top + i, left + j])) /
          ((bottom - top) * (right - left))
        );
      }),
    magnitude: () => tabulate([1, 2, 3, 2], () => 2),
    bound: { ulps: 4, terms: 8 },
  },
  {
    op: "adaptiveAvgPool2d",
    kind: "edge",
    name: "all to one",
    dtypes: floats,
    inputs: [spread([1, 1, 2, 2], 10)],
    build: (x) => adaptiveAvgPool2d(x, 1),
    truth: (x) => [x.data.reduce((a, b) => a + b, 0) / 4],
    magnitude: (x) => [absolute(x).data.reduce((a, b) => a + b, 0) / 4],
    bound: { ulps: 2, terms: 4 },
  },
  {
    op: "adaptiveAvgPool2d",
    kind: "error",
    name: "size",
    build: () => adaptiveAvgPool2d(node([1, 1, 4, 4]), 0),
    message: /outputSize is 0; use a whole number of at least 1/,
  },

  {
    op: "interpolate",
    kind: "forward",
    name: "nearest, whole factor",
    dtypes: numbers,
    inputs: [spread([1, 2, 2, 3], 11, -9, 9)],
    build: (x) => interpolate(x, { scaleFactor: 2 }),
    truth: (x) => tabulate([1, 2, 4, 6], ([n = 0, c = 0, y = 0, z = 0]) => at(x, [n, c, y >> 1, z >> 1])),
  },
  {
    op: "interpolate",
    kind: "forward",
    name: "nearest, any size",
    dtypes: floats,
    inputs: [spread([1, 1, 3, 4], 12)],
    build: (x) => interpolate(x, { size: [5, 3] }),
    truth: (x) =>
      tabulate([1, 1, 5, 3], ([, , y = 0, z = 0]) => at(x, [0, 0, Math.floor((y * 3) / 5), Math.floor((z * 4) / 3)])),
  },
  {
    // As in PyTorch: a factor of 1.3 keeps the 2 rows and turns 5 columns into 11.
    op: "interpolate",
    kind: "forward",
    name: "nearest, a factor that gives the size or its double",
    dtypes: numbers,
    inputs: [spread([1, 1, 2, 5], 14, -9, 9)],
    build: (x) => interpolate(x, { scaleFactor: [1.3, 2.3] }),
    truth: (x) => tabulate([1, 1, 2, 11], ([, , y = 0, z = 0]) => at(x, [0, 0, y, Math.floor(z / 2.3)])),
  },
  {
    op: "interpolate",
    kind: "forward",
    name: "nearest, a factor that gives the double",
    dtypes: numbers,
    inputs: [spread([1, 1, 3, 2], 15, -9, 9)],
    build: (x) => interpolate(x, { scaleFactor: 2.3 }),
    truth: (x) => tabulate([1, 1, 6, 4], ([, , y = 0, z = 0]) => at(x, [0, 0, y >> 1, z >> 1])),
  },
  {
    op: "interpolate",
    kind: "forward",
    name: "bilinear",
    dtypes: floats,
    inputs: [spread([1, 2, 3, 4], 13)],
    build: (x) => interpolate(x, { size: [5, 7], mode: "bilinear" }),
    truth: (x) => bilinear(x, 5, 7),
    // The position is computed in the dtype: an error of one ulp of 4 changes the result by as much of the difference between neighbours.
    magnitude: () => tabulate([1, 2, 5, 7], () => 4 * 4),
    bound: { ulps: 4, terms: 4 },
  },
  {
    op: "interpolate",
    kind: "edge",
    name: "one element",
    dtypes: floats,
    inputs: [input([1, 1, 1], 3)],
    build: (x) => interpolate(x, { size: 3, mode: "linear" }),
    truth: () => [3, 3, 3],
    bound: { ulps: 2, terms: 1 },
  },
  {
    op: "interpolate",
    kind: "error",
    name: "neither size nor factor",
    build: () => interpolate(node([1, 1, 4]), {}),
    message: /either size or scaleFactor/,
  },
  {
    op: "interpolate",
    kind: "error",
    name: "mode",
    build: () => interpolate(node([1, 1, 4]), { size: 2, mode: "bilinear" }),
    message: /mode "bilinear" does not fit \[1, 1, 4\]/,
  },
];
