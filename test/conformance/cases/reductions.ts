// Cases of sums, products, extremes, running sums, and their composites.

import { apply } from "../../../src/graph/apply.ts";
import type { DType } from "../../../src/graph/dtype.ts";
import type { Node } from "../../../src/graph/node.ts";
import { cumsum } from "../../../src/graph/ops/indexing.ts";
import * as ops from "../../../src/graph/ops/reduce.ts";
import * as statistics from "../../../src/graph/ops/statistics.ts";
import {
  absolute,
  all,
  at,
  bools,
  type Case,
  floats,
  input,
  ints,
  numbers,
  spread,
  tabulate,
  type ValueCase,
} from "../case.ts";
import { inputNode, type Value } from "../run.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf, NaN: nan } = Number;
const node = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });

/** The numbers of each row that a reduction over `dims` sees, in the order of the result. */
function groups(x: Value, dims: readonly number[]): number[][] {
  const kept = x.shape.map((extent, dim) => (dims.includes(dim) ? 1 : extent));
  const inner = x.shape.map((extent, dim) => (dims.includes(dim) ? extent : 1));
  const result: number[][] = [];
  tabulate(kept, (outer) => {
    const group: number[] = [];
    tabulate(inner, (place) =>
      group.push(
        at(
          x,
          outer.map((start, dim) => start + (place[dim] ?? 0)),
        ),
      ),
    );
    return result.push(group);
  });
  return result;
}

const total = (group: readonly number[]): number => group.reduce((a, b) => a + b, 0);

interface Reduction {
  readonly op: string;
  readonly build: (x: Node, dims: readonly number[]) => Node;
  readonly truth: (group: readonly number[]) => number;
  readonly dtypes?: readonly DType[];
  /** Sums of roundoffs: the number of terms matters. */
  readonly sums?: boolean;
  readonly ulps?: number;
  readonly gradient?: boolean;
  readonly range?: readonly [number, number];
}

const reductions: readonly Reduction[] = [
  { op: "sum", build: (x, d) => ops.sum(x, d), truth: total, dtypes: numbers, sums: true },
  {
    op: "prod",
    build: (x, d) => ops.prod(x, d),
    truth: (g) => g.reduce((a, b) => a * b, 1),
    ulps: 12,
    range: [0.5, 1.5],
  },
  { op: "max", build: (x, d) => ops.max(x, d), truth: (g) => Math.max(...g), dtypes: numbers },
  { op: "min", build: (x, d) => ops.min(x, d), truth: (g) => Math.min(...g), dtypes: numbers },
  { op: "mean", build: (x, d) => ops.mean(x, d), truth: (g) => total(g) / g.length, sums: true },
  {
    op: "variance",
    build: (x, d) => statistics.variance(x, d),
    sums: true,
    ulps: 4,
    truth: (g) => total(g.map((v) => (v - total(g) / g.length) ** 2)) / (g.length - 1),
  },
  {
    op: "logsumexp",
    build: (x, d) => ops.logsumexp(x, d),
    sums: true,
    ulps: 4,
    truth: (g) => Math.max(...g) + Math.log(total(g.map((v) => Math.exp(v - Math.max(...g))))),
  },
];

function casesOf({
  op,
  build,
  truth,
  dtypes = floats,
  sums = false,
  ulps = 0.5,
  gradient,
  range = [-3, 3],
}: Reduction): Case[] {
  const one = (
    name: string,
    shape: readonly number[],
    dims: readonly number[],
    kind: "forward" | "edge" = "forward",
  ): ValueCase => {
    const count = dims.reduce((size, dim) => size * (shape[dim] ?? 1), 1);
    return {
      op,
      kind,
      name,
      dtypes,
      inputs: [spread(shape, 61, ...range)],
      build: (x) => build(x, dims),
      truth: (x) => groups(x, dims).map(truth),
      ...(sums
        ? { magnitude: (x: Value) => groups(absolute(x), dims).map((g) => Math.max(total(g), ...g.map((v) => v * v))) }
        : {}),
      bound: { ulps: Math.max(ulps, sums ? 1 : 0), terms: sums ? count : 1 },
      gradient: gradient ?? kind === "forward",
    };
  };
  return [
    one("the last dim", [3, 5], [1]),
    one("the first dim", [5, 3], [0]),
    one("dims on both sides", [2, 3, 4], [0, 2]),
    one("everything", [3, 4], [0, 1]),
    one("a dim in the middle, longer than any vector", [2, 37, 3], [1], "edge"),
    one("many rows of many", [70, 129], [1], "edge"),
    one("long columns", [300, 5], [0], "edge"),
  ];
}

const rows = (x: Value): number[][] => groups(x, [x.shape.length - 1]);
const softmaxRow = (g: readonly number[]): number[] => {
  const largest = Math.max(...g);
  const weights = g.map((v) => Math.exp(v - largest));
  return weights.map((w) => w / total(weights));
};
const logSoftmaxRow = (g: readonly number[]): number[] => {
  const largest = Math.max(...g);
  return g.map((v) => v - largest - Math.log(total(g.map((w) => Math.exp(w - largest)))));
};
const running =
  (combine: (a: number, b: number) => number) =>
  (g: readonly number[]): number[] =>
    g.map((_, i) => g.slice(1, i + 1).reduce(combine, g[0] ?? nan));

export const reductionCases: readonly Case[] = [
  ...reductions.flatMap(casesOf),
  {
    op: "sum",
    kind: "edge",
    name: "negative dims, kept",
    dtypes: numbers,
    inputs: [spread([2, 3], 62)],
    build: (x) => ops.sum(x, -1, true),
    truth: (x) => groups(x, [1]).map(total),
    magnitude: (x) => groups(absolute(x), [1]).map(total),
    bound: { ulps: 1, terms: 3 },
  },
  {
    op: "sum",
    kind: "edge",
    name: "nothing gives 0",
    dtypes: all,
    inputs: [input([2, 0])],
    build: (x) => ops.sum(x, 1),
    truth: () => [0, 0],
  },
  {
    op: "sum",
    kind: "edge",
    name: "infinities and NaN",
    dtypes: floats,
    inputs: [input([4, 2], inf, 1, inf, minusInf, nan, 1, minusInf, 1)],
    build: (x) => ops.sum(x, 1),
    truth: () => [inf, nan, nan, minusInf],
  },
  {
    op: "sum",
    kind: "edge",
    name: "large numbers that cancel",
    dtypes: ["float32"],
    inputs: [input([4], 16777216, 1, 1, -16777216)],
    build: (x) => ops.sum(x),
    truth: () => [2],
    magnitude: () => [33554434],
    bound: { ulps: 1, terms: 4 },
  },
  {
    op: "sum",
    kind: "edge",
    name: "int32 wraps, bool and uint8 are counted",
    dtypes: ["uint8", "bool"],
    inputs: [input([3], 200, 100, 1)],
    build: (x) => ops.sum(x),
    truth: (x) => [total(x.data)],
  },
  {
    op: "sum",
    kind: "edge",
    name: "narrow whole numbers are counted in int32",
    dtypes: ["int8", "int16"],
    inputs: [input([4], 100, 100, -128, 127)],
    build: (x) => ops.sum(x),
    truth: (x) => [total(x.data)],
  },
  {
    op: "sum",
    kind: "edge",
    name: "int32 wraps",
    dtypes: ["int32"],
    inputs: [ints([2], 2147483647, 1)],
    build: (x) => ops.sum(x),
    truth: () => [-2147483648],
  },
  {
    op: "sum",
    kind: "edge",
    name: "a long sum",
    dtypes: ["float32"],
    gradient: false,
    inputs: [{ shape: [1 << 17], data: Array.from({ length: 1 << 17 }, (_, i) => ((i % 7) + 1) / 10) }],
    build: (x) => ops.sum(x),
    truth: (x) => [total(x.data)],
    magnitude: (x) => [total(x.data)],
    // The bound of long sums is 1e-6: 8 ulp.
    bound: { ulps: 8, terms: 1 },
  },
  {
    op: "sum",
    kind: "error",
    name: "a dim that does not exist",
    build: () => ops.sum(node([2, 3]), 2),
    message: /sum: dim 2 does not exist in a tensor of 2 dims; use -2 to 1/,
  },
  {
    op: "sum",
    kind: "error",
    name: "a dim twice",
    build: () => ops.sum(node([2, 3]), [1, -1]),
    message: /names the same dim twice/,
  },
  {
    op: "prod",
    kind: "edge",
    name: "zeros",
    dtypes: floats,
    gradient: true,
    inputs: [input([3, 3], 2, 0, 3, 0, 0, 1, 1, 2, 3)],
    build: (x) => ops.prod(x, 1),
    truth: () => [0, 0, 6],
  },
  {
    op: "prod",
    kind: "edge",
    name: "nothing gives 1",
    dtypes: numbers,
    inputs: [input([2, 0])],
    build: (x) => ops.prod(x, 1),
    truth: () => [1, 1],
    gradient: false,
  },
  {
    op: "prod",
    kind: "error",
    name: "a dim that does not exist",
    build: () => ops.prod(node([2]), 1),
    message: /dim 1 does not exist/,
  },
  ...(
    [
      ["max", ops.max],
      ["min", ops.min],
    ] as const
  ).flatMap(([op, extreme]): Case[] => [
    {
      op,
      kind: "edge",
      name: "NaN wins, infinities count",
      dtypes: floats,
      inputs: [input([3, 2], nan, 1, inf, minusInf, minusInf, minusInf)],
      build: (x) => extreme(x, 1),
      truth: () => (op === "max" ? [nan, inf, minusInf] : [nan, minusInf, minusInf]),
    },
    {
      op,
      kind: "error",
      name: "nothing has no extreme",
      build: () => extreme(node([2, 0]), 1),
      message: new RegExp(`the ${op} over dim 1 of size 0`),
    },
  ]),
  {
    op: "mean",
    kind: "edge",
    name: "of nothing",
    dtypes: floats,
    inputs: [input([0])],
    build: (x) => ops.mean(x),
    truth: () => [nan],
    gradient: false,
  },
  {
    op: "logsumexp",
    kind: "edge",
    name: "±1e4 and infinities",
    dtypes: floats,
    inputs: [input([4, 2], 1e4, 1e4, -1e4, -1e4, minusInf, minusInf, inf, 1)],
    build: (x) => ops.logsumexp(x, 1),
    truth: () => [1e4 + Math.LN2, -1e4 + Math.LN2, minusInf, inf],
    bound: { ulps: 4, terms: 1 },
  },

  {
    op: "softmax",
    kind: "forward",
    name: "rows",
    dtypes: floats,
    inputs: [spread([3, 5], 63, -4, 4)],
    build: (x) => ops.softmax(x, -1),
    truth: (x) => rows(x).flatMap(softmaxRow),
    bound: { ulps: 12, terms: 1 },
  },
  {
    op: "softmax",
    kind: "edge",
    name: "±1e4",
    dtypes: floats,
    inputs: [input([2, 2], 1e4, -1e4, 1e4, 1e4)],
    build: (x) => ops.softmax(x, 1),
    truth: () => [1, 0, 0.5, 0.5],
    bound: { ulps: 4, terms: 1 },
  },
  {
    op: "logSoftmax",
    kind: "forward",
    name: "rows",
    dtypes: floats,
    inputs: [spread([3, 5], 64, -4, 4)],
    build: (x) => ops.logSoftmax(x, -1),
    truth: (x) => rows(x).flatMap(logSoftmaxRow),
    magnitude: (x) => x.data.map(() => 16),
    bound: { ulps: 4, terms: 5 },
  },
  {
    op: "logSoftmax",
    kind: "edge",
    name: "±1e4",
    dtypes: floats,
    inputs: [input([2, 2], 1e4, -1e4, 1e4, 1e4)],
    build: (x) => ops.logSoftmax(x, 1),
    truth: () => [0, -2e4, -Math.LN2, -Math.LN2],
    bound: { ulps: 4, terms: 1 },
  },

  {
    op: "cumsum",
    kind: "forward",
    name: "rows",
    dtypes: numbers,
    inputs: [spread([2, 5], 65, -9, 9)],
    build: (x) => cumsum(x, 1),
    truth: (x) => rows(x).flatMap(running((a, b) => a + b)),
    magnitude: (x) => rows(absolute(x)).flatMap(running((a, b) => a + b)),
    bound: { ulps: 1, terms: 5 },
  },
  {
    op: "cumsum",
    kind: "forward",
    name: "columns",
    dtypes: floats,
    inputs: [spread([4, 2], 66)],
    build: (x) => cumsum(x, 0),
    truth: (x) => tabulate([4, 2], ([i = 0, j = 0]) => total(Array.from({ length: i + 1 }, (_, k) => at(x, [k, j])))),
    magnitude: () => tabulate([4, 2], () => 8),
    bound: { ulps: 1, terms: 4 },
  },
  {
    op: "cumsum",
    kind: "edge",
    name: "an empty dim",
    dtypes: floats,
    inputs: [input([2, 0])],
    build: (x) => cumsum(x, -1),
    truth: () => [],
  },
  {
    op: "cumsum",
    kind: "edge",
    name: "NaN stays from where it came",
    dtypes: floats,
    inputs: [input([3], 1, nan, 1)],
    build: (x) => cumsum(x, 0),
    truth: () => [1, nan, nan],
  },
  {
    op: "cumsum",
    kind: "error",
    name: "a dim that does not exist",
    build: () => cumsum(node([2]), 3),
    message: /cumsum: dim 3 does not exist/,
  },
  {
    op: "cumprod",
    kind: "forward",
    name: "rows",
    dtypes: numbers,
    inputs: [spread([2, 4], 67, 0.5, 2)],
    build: (x) => ops.cumprod(x, 1),
    truth: (x) => rows(x).flatMap(running((a, b) => a * b)),
    bound: { ulps: 4, terms: 1 },
  },
  {
    op: "cumprod",
    kind: "edge",
    name: "a zero in the middle",
    dtypes: floats,
    gradient: true,
    inputs: [input([4], 2, 3, 0, 5)],
    build: (x) => ops.cumprod(x, 0),
    truth: () => [2, 6, 0, 0],
  },
  {
    op: "cumprod",
    kind: "error",
    name: "a dim that does not exist",
    build: () => ops.cumprod(node([2]), -2),
    message: /cumprod: dim -2 does not exist/,
  },

  {
    op: "position",
    kind: "forward",
    name: "argmax takes the first of equals",
    dtypes: numbers,
    inputs: [input([2, 4], 1, 3, 3, 0, -1, -1, -2, -1)],
    build: (x) => ops.argmax(x, 1),
    truth: () => [1, 0],
  },
  {
    op: "position",
    kind: "forward",
    name: "argmin of everything",
    dtypes: numbers,
    inputs: [input([2, 2], 3, 1, 0, 2)],
    build: (x) => ops.argmin(x),
    truth: () => [2],
  },
  {
    op: "position",
    kind: "edge",
    name: "NaN counts as extreme",
    dtypes: floats,
    inputs: [input([2, 3], 1, nan, 3, minusInf, minusInf, minusInf)],
    build: (x) => ops.argmax(x, 1),
    truth: () => [1, 0],
  },
  {
    op: "position",
    kind: "error",
    name: "nothing has no extreme",
    build: () => ops.argmax(node([2, 0]), 1),
    message: /there is no element along dim 1/,
  },
  {
    op: "any",
    kind: "forward",
    name: "rows",
    dtypes: ["bool"],
    inputs: [bools([3, 2], 0, 0, 0, 1, 1, 1)],
    build: (x) => ops.any(x, 1),
    truth: () => [0, 1, 1],
  },
  {
    op: "any",
    kind: "edge",
    name: "nothing",
    dtypes: all,
    inputs: [input([0])],
    build: (x) => ops.any(x),
    truth: () => [0],
    gradient: false,
  },
  {
    op: "all",
    kind: "forward",
    name: "rows",
    dtypes: ["bool"],
    inputs: [bools([3, 2], 0, 0, 0, 1, 1, 1)],
    build: (x) => ops.all(x, 1),
    truth: () => [0, 0, 1],
  },
  {
    op: "all",
    kind: "edge",
    name: "nothing",
    dtypes: all,
    inputs: [input([0])],
    build: (x) => ops.all(x),
    truth: () => [1],
    gradient: false,
  },
  {
    op: "max",
    kind: "edge",
    name: "raw, over the whole of a matrix",
    dtypes: ["int32"],
    inputs: [ints([2, 2], -5, -2147483648, -7, -6)],
    build: (x) => apply(ops.maxOp, [x], { axes: [0, 1] }),
    truth: () => [-5],
  },
];
