// Cases of special functions. Those that JavaScript lacks have figures to 40 digits (test/golden/special.py).
import { readFileSync } from "node:fs";
import { apply } from "../../../src/graph/apply.ts";
import type { Op } from "../../../src/graph/node.ts";
import { hypot } from "../../../src/graph/ops/pointwise.ts";
import * as rk from "../../../src/graph/ops/ranks.ts";
import * as ops from "../../../src/graph/ops/special.ts";
import { type Case, floats, input, type ValueCase } from "../case.ts";
import { inputNode } from "../run.ts";
import { binaryCases, type Unary, unaryCases } from "./elementwise.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf, NaN: nan } = Number;
/** DESIGN allows the vectorised functions a few ulp. */
const few = 4;

const withTruth: readonly Unary[] = [
  { op: "asin", build: ops.asin, truth: Math.asin, ulps: few, range: [-0.9, 0.9], sweep: [-1, 1], signedZero: true },
  { op: "acos", build: ops.acos, truth: Math.acos, ulps: few, range: [-0.9, 0.9], sweep: [-1, 1] },
  { op: "sinh", build: ops.sinh, truth: Math.sinh, ulps: few, sweep: [-89, 89], signedZero: true },
  { op: "cosh", build: ops.cosh, truth: Math.cosh, ulps: few, sweep: [-89, 89] },
  { op: "asinh", build: ops.asinh, truth: Math.asinh, ulps: few, sweep: [-50, 50], signedZero: true },
  { op: "acosh", build: ops.acosh, truth: Math.acosh, ulps: few, range: [1.2, 4], sweep: [1, 50] },
  { op: "atanh", build: ops.atanh, truth: Math.atanh, ulps: few, range: [-0.9, 0.9], sweep: [-1, 1], signedZero: true },
  { op: "log2", build: ops.log2, truth: Math.log2, ulps: few, range: [0.1, 4], sweep: [1e-6, 100] },
  { op: "log10", build: ops.log10, truth: Math.log10, ulps: few, range: [0.1, 4], sweep: [1e-6, 100] },
  { op: "exp2", build: ops.exp2, truth: (x) => 2 ** x, ulps: few, sweep: [-126, 128] },
];

const figures: Readonly<Record<string, { readonly x: readonly number[]; readonly y: readonly number[] }>> = JSON.parse(
  readFileSync(new URL("../../golden/special.json", import.meta.url), "utf8"),
);

interface Tabled {
  readonly op: string;
  readonly figures?: string;
  readonly build: ValueCase["build"];
  /** Values at the ends of the domain. */
  readonly edges: readonly (readonly [x: number, y: number])[];
  /** Inside the domain, away from poles. */
  readonly near: readonly [low: number, high: number];
  /** In float64 the parts of some functions cancel; in float32 they are computed in float64 and rounded once. Default 4. */
  readonly ulps?: number;
}

const order =
  (n: number): ValueCase["build"] =>
  (x) =>
    ops.polygamma(n, x);
const tabled: readonly Tabled[] = [
  {
    op: "erfc",
    build: ops.erfc,
    edges: [
      [inf, 0],
      [minusInf, 2],
      [nan, nan],
      [0, 1],
      [-0, 1],
      [1e4, 0],
      [-1e4, 2],
    ],
    near: [-2, 2],
  },
  {
    op: "erfcx",
    build: ops.erfcx,
    edges: [
      [inf, 0],
      [minusInf, inf],
      [nan, nan],
      [0, 1],
    ],
    near: [-2, 4],
    ulps: 8,
  },
  {
    op: "erfinv",
    build: ops.erfinv,
    edges: [
      [1, inf],
      [-1, minusInf],
      [2, nan],
      [nan, nan],
      [0, 0],
      [inf, nan],
    ],
    near: [-0.9, 0.9],
  },
  {
    op: "lgamma",
    build: ops.lgamma,
    edges: [
      [inf, inf],
      [minusInf, inf],
      [nan, nan],
      [0, inf],
      [-1, inf],
      [1, 0],
      [2, 0],
    ],
    near: [0.3, 5],
  },
  {
    op: "digamma",
    build: ops.digamma,
    edges: [
      [inf, inf],
      [minusInf, nan],
      [nan, nan],
      [0, minusInf],
      [-0, inf],
      [-1, nan],
    ],
    near: [0.3, 5],
  },
  {
    op: "polygamma",
    figures: "trigamma",
    build: order(1),
    edges: [
      [inf, 0],
      [nan, nan],
      [0, inf],
      [-1, inf],
    ],
    near: [0.5, 4],
  },
  {
    op: "polygamma",
    figures: "polygamma2",
    build: order(2),
    edges: [
      [inf, 0],
      [nan, nan],
      [0, minusInf],
      [-1.5, nan],
    ],
    near: [0.5, 4],
  },
  { op: "polygamma", figures: "polygamma3", build: order(3), edges: [[0, inf]], near: [0.5, 4] },
  {
    op: "i0",
    build: ops.i0,
    edges: [
      [0, 1],
      [inf, inf],
      [minusInf, inf],
      [nan, nan],
    ],
    near: [-3, 3],
    ulps: 10,
  },
  {
    op: "i1",
    build: ops.i1,
    edges: [
      [0, 0],
      [inf, inf],
      [minusInf, minusInf],
      [nan, nan],
    ],
    near: [0.5, 3],
    ulps: 10,
  },
  {
    op: "i0e",
    build: ops.i0e,
    edges: [
      [0, 1],
      [inf, 0],
      [minusInf, 0],
      [nan, nan],
    ],
    near: [0.5, 3],
    ulps: 6,
  },
  {
    op: "i1e",
    build: ops.i1e,
    edges: [
      [0, 0],
      [inf, 0],
      [minusInf, 0],
      [nan, nan],
    ],
    near: [0.5, 3],
    ulps: 6,
  },
];

function tabledCases({ op, figures: name = op, build, edges, near, ulps = few }: Tabled): Case[] {
  const { x = [], y = [] } = figures[name] ?? {};
  const inside = x.flatMap((value, k) => (value > near[0] && value < near[1] ? [k] : [])).slice(0, 12);
  // Near a zero of the function its parts, of size 1, cancel and keep their error.
  const bound = { ulps, terms: 2 };
  const of = (list: readonly number[]): readonly number[] => list.map((k) => y[k] ?? nan);
  const magnitude = (values: readonly number[]): readonly number[] => values.map((value) => Math.abs(value) + 1);
  const all = [...x.keys()];
  return [
    {
      op,
      kind: "forward",
      name: `${name} inside its domain`,
      dtypes: floats,
      inputs: [input([inside.length], ...inside.map((k) => x[k] ?? nan))],
      build,
      truth: () => of(inside),
      magnitude: () => magnitude(of(inside)),
      bound,
    },
    {
      op,
      kind: "edge",
      name: `${name} over its range`,
      dtypes: floats,
      inputs: [input([x.length], ...x)],
      build,
      truth: () => of(all),
      magnitude: () => magnitude(of(all)),
      bound,
      gradient: false,
    },
    {
      op,
      kind: "edge",
      name: `${name} at the ends`,
      dtypes: floats,
      inputs: [input([edges.length], ...edges.map(([at]) => at))],
      build,
      truth: () => edges.map(([, value]) => value),
      magnitude: () => edges.map(() => 1),
      bound,
      gradient: false,
    },
  ];
}

const { asinOp, acosOp, sinhOp, coshOp, asinhOp, acoshOp, atanhOp, log2Op, log10Op, exp2Op } = ops;
const { erfcOp, erfcxOp, erfinvOp, lgammaOp, digammaOp, i0Op, i0eOp, i1Op, i1eOp } = ops;
const floatOnly: readonly Op<Record<string, never>>[] = [
  ...[asinOp, acosOp, sinhOp, coshOp, asinhOp, acoshOp, atanhOp, log2Op, log10Op, exp2Op],
  ...[erfcOp, erfcxOp, erfinvOp, lgammaOp, digammaOp, i0Op, i0eOp, i1Op, i1eOp],
];

const bits = new DataView(new ArrayBuffer(8));
/** The neighbour by the bits of a float64. */
function neighbour64(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return nan;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 2 ** -1074 : -(2 ** -1074);
  bits.setFloat64(0, x);
  bits.setBigInt64(0, bits.getBigInt64(0) + (y > x === x > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}
function neighbour32(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return nan;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 2 ** -149 : -(2 ** -149);
  bits.setFloat32(0, x);
  bits.setInt32(0, bits.getInt32(0) + (y > x === x > 0 ? 1 : -1));
  return bits.getFloat32(0);
}

const ends = [0, -0, 1, -1, 1.5, -3, 1e-30, -1e-30, 3e38, -3e38, 2 ** -126, inf, minusInf, nan];
const endPairs = ends.flatMap((a) => ends.map((b) => [a, b] as const));
const neighbours = (dtype: "float32" | "float64"): Case => ({
  op: "nextafter",
  kind: dtype === "float32" ? "forward" : "edge",
  name: `all pairs of ends in ${dtype}`,
  dtypes: [dtype],
  inputs: [
    input([endPairs.length], ...endPairs.map(([a]) => a)),
    input([endPairs.length], ...endPairs.map(([, b]) => b)),
  ],
  build: ops.nextafter,
  // Neighbours must be exact. The tolerance, one smallest normal number, is below the spacing of all but the smallest numbers.
  truth: (a, b) => a.data.map((x, k) => (dtype === "float32" ? neighbour32 : neighbour64)(x, b.data[k] ?? nan)),
  bound: { ulps: 0, terms: 1 },
});

const isNegative = (x: number): number => Number(x < 0 || Object.is(x, -0));

export const specialCases: readonly Case[] = [
  ...withTruth.flatMap(unaryCases),
  ...tabled.flatMap(tabledCases),
  ...floatOnly.map(
    (op): Case => ({
      op: op.name,
      kind: "error",
      name: "whole numbers",
      build: () => apply(op, [inputNode({ shape: [2], dtype: "int32" })], {}),
      message: /takes float tensors, got int32\[2\]; convert with \.to\("float32"\)/,
    }),
  ),
  {
    op: "polygamma",
    kind: "error",
    name: "an order that is not a whole number",
    build: () => ops.polygamma(1.5, inputNode({ shape: [2], dtype: "float32" })),
    message: /polygamma: the order must be a whole number from 0 to 20, got 1\.5/,
  },
  neighbours("float32"),
  neighbours("float64"),
  {
    op: "nextafter",
    kind: "error",
    name: "shapes",
    build: () =>
      ops.nextafter(inputNode({ shape: [2], dtype: "float32" }), inputNode({ shape: [3], dtype: "float32" })),
    message: /nextafter: shapes \[2\] and \[3\] do not broadcast/,
  },
  {
    op: "signbit",
    kind: "forward",
    name: "signs",
    dtypes: floats,
    inputs: [input([5], 1, -1, 0.5, -0.25, 3)],
    build: ops.signbit,
    truth: (x) => x.data.map(isNegative),
    gradient: false,
  },
  {
    op: "signbit",
    kind: "edge",
    name: "zeros and infinities",
    dtypes: floats,
    inputs: [input([5], 0, -0, inf, minusInf, nan)],
    build: ops.signbit,
    truth: () => [0, 1, 0, 1, 0],
    gradient: false,
  },
  {
    op: "signbit",
    kind: "total",
    name: "takes every tensor",
    build: (dtype) => ops.signbit(inputNode({ shape: [2], dtype })),
  },
  ...binaryCases({ op: "hypot", build: hypot, truth: Math.hypot, ulps: few }),
  {
    op: "cummax",
    kind: "forward",
    name: "rows",
    dtypes: ["float32", "float64", "int32"],
    inputs: [input([2, 4], 1, 3, 2, 5, -1, -4, 0, -2)],
    build: (x) => rk.cummax(x, 1).values,
    truth: () => [1, 3, 3, 5, -1, -1, 0, 0],
  },
  {
    op: "cummax",
    kind: "edge",
    name: "NaN stays from where it came",
    dtypes: floats,
    inputs: [input([4], 1, nan, 2, inf)],
    build: (x) => rk.cummax(x, 0).values,
    truth: () => [1, nan, nan, nan],
    gradient: false,
  },
  {
    op: "cummax",
    kind: "edge",
    name: "of equals the last place",
    dtypes: ["float32", "float64", "int32"],
    inputs: [input([6], 1, 3, 3, 2, 3, 4)],
    build: (x) => rk.cummax(x, 0).indices,
    truth: () => [0, 1, 2, 2, 4, 5],
    gradient: false,
  },
  {
    op: "cummax",
    kind: "error",
    name: "a dim that does not exist",
    build: () => rk.cummax(inputNode({ shape: [2], dtype: "float32" }), 3),
    message: /cummax: dim 3 does not exist/,
  },
];
