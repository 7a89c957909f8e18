// Cases of indexing, sorting and random bits.

import { apply } from "../../../src/graph/apply.ts";
import type { DType } from "../../../src/graph/dtype.ts";
import type { Node } from "../../../src/graph/node.ts";
import { checkIndex } from "../../../src/graph/ops/check.ts";
import * as ops from "../../../src/graph/ops/indexing.ts";
import { slice } from "../../../src/graph/ops/movement.ts";
import { exponentialOp, normal, normalOp, randomBits, randomBitsOp, uniform } from "../../../src/graph/ops/random.ts";
import { kthvalue } from "../../../src/graph/ops/ranks.ts";
import { overwritten, placed } from "../../../src/graph/ops/scatter.ts";
import { argsort, distributeOp, sort } from "../../../src/graph/ops/sort.ts";
import { orderKeyOp } from "../../../src/graph/ops/sortKeys.ts";
import { topk } from "../../../src/graph/ops/topk.ts";
import { all, at, type Case, floats, input, ints, numbers, spread, tabulate } from "../case.ts";
import { inputNode, type Value } from "../run.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf, NaN: nan } = Number;
const node = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });

/** x with source added at index along dim 0, in order. */
function added(x: Value, index: Value, source: Value): number[] {
  const columns = x.shape[1] ?? 1;
  const result = [...x.data];
  tabulate(source.shape, ([i = 0, j = 0]) => {
    const place = at(index, [i, j]) * columns + j;
    result[place] = (result[place] ?? 0) + at(source, [i, j]);
    return 0;
  });
  return result;
}

/** Threefry-2x32 with 20 rounds, from its paper (Salmon et al. 2011). */
function threefry(key: readonly [number, number], counter: readonly [number, number]): [number, number] {
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
  const keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda];
  let [x, y] = [(counter[0] + key[0]) | 0, (counter[1] + key[1]) | 0];
  for (let round = 0; round < 20; round++) {
    const by = rotations[round % 8] ?? 0;
    x = (x + y) | 0;
    y = ((y << by) | (y >>> (32 - by))) ^ x;
    if (round % 4 === 3) {
      const turn = (round + 1) / 4;
      x = (x + (keys[turn % 3] ?? 0)) | 0;
      y = (y + (keys[(turn + 1) % 3] ?? 0) + turn) | 0;
    }
  }
  return [x, y];
}

const byValue = (a: number, b: number): number =>
  (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0) || (a === b ? 0 : a - b);
const order = (row: readonly number[]): number[] =>
  [...row.keys()].sort((i, j) => byValue(row[i] ?? 0, row[j] ?? 0) || i - j);
const rowsOf = (x: Value): number[][] =>
  Array.from({ length: x.shape[0] ?? 0 }, (_, i) => [
    ...x.data.slice(i * (x.shape[1] ?? 1), (i + 1) * (x.shape[1] ?? 1)),
  ]);

/** For each chunk, the position at which each digit starts, as [digit, place]. */
const counters = (...chunks: readonly (readonly (readonly [number, number])[])[]): number[] =>
  chunks.flatMap((chunk) => Array.from({ length: 256 }, (_, digit) => chunk.find(([own]) => own === digit)?.[1] ?? 0));

const site = { by: "here", item: "index", count: "the number of places" };

export const indexingCases: readonly Case[] = [
  {
    op: "check",
    kind: "forward",
    name: "an index is what it was",
    dtypes: ["int32"],
    inputs: [ints([2, 2], 0, 4, 3, 1)],
    build: (i) => checkIndex(i, 5, site),
    truth: (i) => i.data,
  },
  {
    op: "check",
    kind: "edge",
    name: "the only place, of a scalar",
    dtypes: ["int32"],
    inputs: [ints([], 0)],
    build: (i) => checkIndex(i, 1, site),
    truth: (i) => i.data,
  },
  {
    op: "check",
    kind: "error",
    name: "no places",
    build: () => checkIndex(node([2], "int32"), 0, site),
    message: /here: the number of places is 0, so there is no index/,
  },
  {
    op: "gather",
    kind: "forward",
    name: "along the first dim",
    dtypes: all,
    gradient: true,
    inputs: [spread([3, 3], 71, 0, 9), ints([2, 3], 0, 2, 1, 1, 1, 0)],
    build: (x, i) => ops.gather(x, 0, i),
    truth: (x, index) => tabulate([2, 3], ([i = 0, j = 0]) => at(x, [at(index, [i, j]), j])),
  },
  {
    op: "gather",
    kind: "edge",
    name: "no positions, negative dim",
    dtypes: all,
    gradient: false,
    inputs: [spread([2, 3], 72), ints([2, 0])],
    build: (x, i) => ops.gather(x, -1, i),
    truth: () => [],
  },
  {
    op: "gather",
    kind: "error",
    name: "dims",
    build: () => ops.gather(node([2, 3]), 0, node([2], "int32")),
    message: /index \[2\] must have as many dims as \[2, 3\]/,
  },
  {
    op: "gather",
    kind: "error",
    name: "positions that are floats",
    build: () => ops.gather(node([2]), 0, node([2])),
    message: /indices must be whole numbers/,
  },
  {
    op: "scatterAdd",
    kind: "forward",
    name: "places that collide",
    dtypes: numbers,
    gradient: true,
    inputs: [spread([3, 3], 73, -9, 9), ints([2, 3], 0, 2, 1, 0, 1, 0), spread([2, 3], 74, -9, 9)],
    build: (x, i, s) => ops.scatterAdd(x, 0, i, s),
    truth: added,
    magnitude: () => tabulate([3, 3], () => 27),
    bound: { ulps: 1, terms: 3 },
  },
  {
    op: "scatterAdd",
    kind: "edge",
    name: "nothing to add",
    dtypes: numbers,
    gradient: false,
    inputs: [spread([2, 2], 75), ints([0, 2]), input([0, 2])],
    build: (x, i, s) => ops.scatterAdd(x, 0, i, s),
    truth: (x) => x.data,
  },
  {
    op: "scatterAdd",
    kind: "error",
    name: "source",
    build: () => ops.scatterAdd(node([3]), 0, node([2], "int32"), node([3])),
    message: /must have the same shape/,
  },
  {
    op: "indexSelect",
    kind: "forward",
    name: "columns, one twice",
    dtypes: all,
    gradient: true,
    inputs: [spread([2, 4], 76, 0, 9), ints([3], 3, 0, 3)],
    build: (x, i) => ops.indexSelect(x, 1, i),
    truth: (x) => tabulate([2, 3], ([i = 0, j = 0]) => at(x, [i, j === 1 ? 0 : 3])),
  },
  {
    op: "indexSelect",
    kind: "edge",
    name: "no positions",
    dtypes: all,
    gradient: false,
    inputs: [spread([2, 3], 77), ints([0])],
    build: (x, i) => ops.indexSelect(x, 0, i),
    truth: () => [],
  },
  {
    op: "indexSelect",
    kind: "error",
    name: "positions of two dims",
    build: () => ops.indexSelect(node([3]), 0, node([1, 2], "int32")),
    message: /the index must have one dim, got \[1, 2\]/,
  },
  {
    op: "indexAdd",
    kind: "forward",
    name: "rows that collide",
    dtypes: numbers,
    gradient: true,
    inputs: [spread([3, 2], 78, -9, 9), ints([4], 2, 0, 2, 2), spread([4, 2], 79, -9, 9)],
    build: (x, i, s) => ops.indexAdd(x, 0, i, s),
    truth: (x, index, s) =>
      added(x, { ...index, shape: [4, 2], data: index.data.flatMap((place) => [place, place]) }, s),
    magnitude: () => tabulate([3, 2], () => 36),
    bound: { ulps: 1, terms: 4 },
  },
  {
    op: "indexAdd",
    kind: "edge",
    name: "nothing to add",
    dtypes: numbers,
    gradient: false,
    inputs: [spread([2, 2], 80), ints([0]), input([0, 2])],
    build: (x, i, s) => ops.indexAdd(x, 0, i, s),
    truth: (x) => x.data,
  },
  {
    op: "indexAdd",
    kind: "error",
    name: "source",
    build: () => ops.indexAdd(node([3, 2]), 0, node([2], "int32"), node([3, 2])),
    message: /source must be float32\[2, 2\], got float32\[3, 2\]/,
  },
  {
    op: "tril",
    kind: "forward",
    name: "below the diagonal",
    dtypes: all,
    gradient: true,
    inputs: [spread([3, 4], 81, 1, 9)],
    build: (x) => ops.tril(x, -1),
    truth: (x) => tabulate([3, 4], ([i = 0, j = 0]) => (j <= i - 1 ? at(x, [i, j]) : 0)),
  },
  {
    op: "triu",
    kind: "forward",
    name: "a batch",
    dtypes: all,
    gradient: true,
    inputs: [spread([2, 2, 3], 82, 1, 9)],
    build: (x) => ops.triu(x, 1),
    truth: (x) => tabulate([2, 2, 3], ([b = 0, i = 0, j = 0]) => (j >= i + 1 ? at(x, [b, i, j]) : 0)),
  },
  { op: "tril", kind: "error", name: "a vector", build: () => ops.tril(node([3])), message: /takes a matrix/ },
  {
    op: "oneHot",
    kind: "forward",
    name: "classes",
    dtypes: ["int32"],
    inputs: [ints([3], 2, 0, 1)],
    build: (x) => ops.oneHot(x, 3),
    truth: () => [0, 0, 1, 1, 0, 0, 0, 1, 0],
  },
  {
    op: "maskedFill",
    kind: "forward",
    name: "with a mask",
    dtypes: numbers,
    inputs: [spread([2, 2], 83), { shape: [2, 2], data: [1, 0, 0, 1], dtype: "bool" }],
    build: (x, m) => ops.maskedFill(x, m, -7),
    truth: (x) => [-7, x.data[1] ?? nan, x.data[2] ?? nan, -7],
  },

  {
    op: "sort",
    kind: "forward",
    name: "positions of a sorted row",
    gradient: "none",
    dtypes: numbers,
    inputs: [spread([3, 6], 84, -9, 9)],
    build: (x) => argsort(x),
    truth: (x) => rowsOf(x).flatMap(order),
  },
  {
    op: "sort",
    kind: "edge",
    name: "equal values keep their order",
    dtypes: numbers,
    inputs: [input([1, 7], 2, 1, 2, 1, 3, 1, 2)],
    build: (x) => argsort(x),
    truth: () => [1, 3, 5, 0, 2, 6, 4],
  },
  {
    op: "sort",
    kind: "edge",
    name: "NaN is the largest",
    dtypes: floats,
    inputs: [input([1, 5], nan, inf, minusInf, nan, 0)],
    build: (x) => argsort(x),
    truth: () => [2, 4, 1, 0, 3],
  },
  {
    op: "sort",
    kind: "error",
    name: "a dim that does not exist",
    build: () => argsort(node([3]), 1),
    message: /sort: dim 1 does not exist/,
  },
  {
    op: "lastAt",
    kind: "forward",
    name: "the last row of the index with each position",
    dtypes: ["int32"],
    inputs: [ints([4, 2], ...new Array<number>(8).fill(-1)), ints([3, 2], 2, 0, 2, 3, 1, 3)],
    build: (none, index) => apply(ops.lastAtOp, [none, index], { dim: 0 }),
    truth: () => [-1, 0, 2, -1, 1, -1, -1, 2],
  },
  {
    op: "lastAt",
    kind: "edge",
    name: "an index that is shorter than what it puts at positions, of several values the last stays",
    dtypes: numbers,
    inputs: [input([2, 3], 1, 2, 3, 4, 5, 6), ints([1, 4], 0, 2, 2, 0), input([1, 4], 7, 8, 9, 10)],
    build: (x, index, source) => overwritten(placed("scatter", x, 1, index, source)),
    truth: () => [10, 2, 9, 4, 5, 6],
  },
  {
    op: "lastAt",
    kind: "error",
    name: "an index of more rows than there are",
    build: () => placed("scatter", node([2, 3]), 1, node([3, 1], "int32"), node([3, 1])),
    message: /scatter: index \[3, 1\] must fit inside/,
  },
  {
    op: "distribute",
    kind: "forward",
    name: "positions of rows that are sorted by their digits",
    dtypes: numbers,
    inputs: [spread([2, 131], 84, -9, 9)],
    build: (x) => argsort(x),
    truth: (x) => rowsOf(x).flatMap(order),
  },
  {
    op: "distribute",
    kind: "edge",
    name: "two chunks of one row, by a digit in the middle of the key",
    dtypes: ["int32"],
    gradient: false,
    inputs: [
      // Each chunk holds the digits 2, 0, 2.
      ints(
        [512],
        ...counters(
          [
            [0, 0],
            [2, 2],
          ],
          [
            [0, 1],
            [2, 4],
          ],
        ),
      ),
      ints([2, 3], 0x2ff, 0x01, 0x200, 0x30222, 0x100ff, 0x203),
      ints([2, 3], 10, 11, 12, 13, 14, 15),
    ],
    build: (starts, keys, places) => slice(apply(distributeOp, [starts, keys, places], { shift: 8 }), 0, 512, -6),
    truth: () => [11, 14, 10, 12, 13, 15],
  },
  {
    op: "distribute",
    kind: "error",
    name: "a dim that does not exist",
    build: () => argsort(node([200]), 1),
    message: /sort: dim 1 does not exist/,
  },
  {
    op: "orderKey",
    kind: "forward",
    name: "numbers in order",
    dtypes: ["float32"],
    inputs: [input([6], 1, -2, 0.5, 3, -0.25, 2)],
    build: (x) => argsort(apply(orderKeyOp, [x], {})),
    truth: () => [1, 4, 2, 0, 5, 3],
  },
  {
    op: "orderKey",
    kind: "edge",
    name: "both zeros are one, NaN is the largest, infinities are the ends of the numbers",
    dtypes: ["float32"],
    inputs: [input([7], 0, -0, nan, inf, minusInf, 2 ** -126, -(2 ** -126))],
    build: (x) => apply(orderKeyOp, [x], {}),
    truth: () => [0, 0, 2 ** 31 - 1, 0x7f800000, ~0x7f800000, 0x800000, ~0x800000],
  },
  {
    op: "orderKey",
    kind: "error",
    name: "a rank that no row has",
    build: () => kthvalue(node([3]), 4, 0, false),
    message: /k is 4, but dim 0 of \[3\] holds 3/,
  },
  {
    op: "sort",
    kind: "forward",
    name: "values, descending, along the first dim",
    dtypes: floats,
    inputs: [spread([5, 2], 85, -9, 9)],
    build: (x) => sort(x, 0, true).values,
    truth: (x) =>
      tabulate([5, 2], ([i = 0, j = 0]) => [0, 1, 2, 3, 4].map((k) => at(x, [k, j])).sort((a, b) => b - a)[i] ?? nan),
  },
  {
    op: "sort",
    kind: "edge",
    name: "one element, a scalar, nothing",
    dtypes: floats,
    inputs: [input([1, 1], 3)],
    build: (x) => sort(x).values,
    truth: () => [3],
  },
  {
    op: "topk",
    kind: "forward",
    name: "the three largest",
    dtypes: floats,
    inputs: [spread([2, 6], 86, -9, 9)],
    build: (x) => topk(x, 3).values,
    truth: (x) => rowsOf(x).flatMap((row) => row.sort((a, b) => b - a).slice(0, 3)),
  },
  {
    op: "topk",
    kind: "error",
    name: "k",
    build: () => topk(node([3]), 4),
    message: /k is 4, but dim -1 of \[3\] holds 3/,
  },

  {
    op: "randomBits",
    kind: "forward",
    name: "the published vectors",
    dtypes: ["int32"],
    inputs: [ints([2], 0, 0), ints([], 0)],
    build: (key, draw) => randomBits(key, draw, [1]),
    truth: () => [0x6b200159],
  },
  {
    op: "randomBits",
    kind: "forward",
    name: "every place has its own",
    dtypes: ["int32"],
    inputs: [ints([2], 0x13198a2e, 0x03707344), ints([], 5)],
    build: (key, draw) => randomBits(key, draw, [2, 3], 1),
    truth: () => Array.from({ length: 6 }, (_, i) => threefry([0x13198a2e, 0x03707344], [i, 5])[1]),
  },
  {
    op: "randomBits",
    kind: "edge",
    name: "no places",
    dtypes: ["int32"],
    inputs: [ints([2], 1, 2), ints([], 0)],
    build: (key, draw) => randomBits(key, draw, [0]),
    truth: () => [],
  },
  {
    op: "randomBits",
    kind: "error",
    name: "key",
    build: () => apply(randomBitsOp, [node([3], "int32"), node([], "int32")], { shape: [2], word: 0 }),
    message: /takes an int32\[2\] key/,
  },
  {
    op: "uniform",
    kind: "forward",
    name: "24 bits",
    dtypes: ["int32"],
    inputs: [ints([2], 7, 9), ints([], 1)],
    build: (key, draw) => uniform(key, draw, [4]),
    truth: () => Array.from({ length: 4 }, (_, i) => (threefry([7, 9], [i, 1])[0] >>> 8) / 2 ** 24),
  },
  {
    op: "randomNormal",
    kind: "forward",
    name: "Box and Muller",
    dtypes: floats,
    gradient: false,
    inputs: [input([4], 0.125, 0.5, 0.75, 0.9375), input([4], 0.0625, 0.25, 0.625, 0.875)],
    build: (u, v) => apply(normalOp, [u, v], {}),
    truth: (u, v) => u.data.map((x, i) => Math.sqrt(-2 * Math.log(1 - x)) * Math.cos(2 * Math.PI * (v.data[i] ?? 0))),
    magnitude: () => [4, 4, 4, 4],
    bound: { ulps: 8, terms: 4 },
  },
  {
    op: "randomNormal",
    kind: "edge",
    name: "the ends of the range",
    dtypes: floats,
    gradient: false,
    inputs: [input([2], 0, 1 - 2 ** -24), input([2], 0, 0)],
    build: (u, v) => apply(normalOp, [u, v], {}),
    truth: () => [0, Math.sqrt(48 * Math.LN2)],
    magnitude: () => [1, 6],
    bound: { ulps: 8, terms: 4 },
  },
  {
    op: "randomNormal",
    kind: "error",
    name: "key",
    build: () => normal(node([3], "int32"), node([], "int32"), [2]),
    message: /takes an int32\[2\] key/,
  },
  {
    op: "randomExponential",
    kind: "forward",
    name: "waiting times",
    dtypes: floats,
    inputs: [input([5], 0.0625, 0.25, 0.5, 0.75, 0.9375)],
    build: (u) => apply(exponentialOp, [u], {}),
    truth: (u) => u.data.map((x) => -Math.log1p(-x)),
    bound: { ulps: 8, terms: 1 },
  },
  {
    op: "randomExponential",
    kind: "edge",
    name: "the ends of the range",
    dtypes: floats,
    inputs: [input([2], 0, 1 - 2 ** -24)],
    build: (u) => apply(exponentialOp, [u], {}),
    truth: () => [0, 24 * Math.LN2],
    bound: { ulps: 4, terms: 1 },
  },
  {
    op: "randomExponential",
    kind: "total",
    name: "the values are drawn, never given",
    build: (dtype) => apply(exponentialOp, [node([2, 0], dtype)], {}),
  },
];
