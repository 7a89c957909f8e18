// Cases of elementwise functions, selections and constants.

import { bfloat16, decodeFloat, encodeFloat, float16 } from "../../../src/formats/stored/smallFloats.ts";
import { apply } from "../../../src/graph/apply.ts";
import type { DType } from "../../../src/graph/dtype.ts";
import type { Node, Op } from "../../../src/graph/node.ts";
import { alias } from "../../../src/graph/ops/alias.ts";
import { full, iota } from "../../../src/graph/ops/creation.ts";
import * as ops from "../../../src/graph/ops/elementwise.ts";
import { recompute } from "../../../src/graph/ops/recompute.ts";
import { all, bools, type Case, floats, input, ints, numbers, spread, tabulate, type ValueCase } from "../case.ts";
import { inputNode, type Value } from "../run.ts";
import type { Bound } from "../tolerance.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf, NaN: nan } = Number;
const node = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });

/** Inputs that every function of floats must handle. */
const extremes = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  1e-4,
  -1e-4,
  1e4,
  -1e4,
  1e-30,
  -1e-30,
  3e38,
  -3e38,
  inf,
  minusInf,
  nan,
];

/** erf by Gauss's rule of order 6 on its integral, in 500 pieces, the roundoff carried along: nothing shared with any backend. */
function erf(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  const piece = Math.min(Math.abs(x), 6) / 500;
  const near = (piece / 2) * Math.sqrt(0.6);
  let [sum, lost] = [0, 0];
  for (let i = 0; i < 500; i++) {
    const middle = (i + 0.5) * piece;
    const term =
      (5 * (Math.exp(-((middle - near) ** 2)) + Math.exp(-((middle + near) ** 2))) + 8 * Math.exp(-(middle ** 2))) / 18;
    const next = sum + (term + lost);
    lost = term + lost - (next - sum);
    sum = next;
  }
  return Math.sign(x) * Math.min(1, (2 / Math.sqrt(Math.PI)) * (sum * piece));
}

const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const halfEven = (x: number): number => {
  const near = Math.round(x);
  const even = Math.abs(x % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near;
  return even === 0 ? x * 0 : even;
};
const torchSign = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0);

export interface Unary {
  readonly op: string;
  readonly build: (x: Node) => Node;
  readonly truth: (x: number) => number;
  readonly dtypes?: readonly DType[];
  readonly ulps?: number;
  /** Where the forward numbers come from: inside the domain, away from kinks. */
  readonly range?: readonly [number, number];
  /** The range of the long sweep. */
  readonly sweep?: readonly [number, number];
  readonly signedZero?: boolean;
  readonly gradient?: boolean;
}

/** DESIGN allows the vectorised functions a few ulp; 0.5 means correctly rounded. */
const few = 4;

const unaries: readonly Unary[] = [
  { op: "neg", build: ops.neg, truth: (x) => -x, dtypes: numbers, signedZero: true },
  { op: "abs", build: ops.abs, truth: Math.abs, dtypes: numbers, range: [0.1, 2], signedZero: true },
  { op: "sign", build: ops.sign, truth: torchSign, dtypes: numbers, range: [0.1, 2] },
  { op: "floor", build: ops.floor, truth: Math.floor, range: [0.1, 0.9] },
  { op: "ceil", build: ops.ceil, truth: Math.ceil, range: [0.1, 0.9] },
  { op: "round", build: ops.round, truth: halfEven, range: [0.1, 0.4] },
  { op: "trunc", build: ops.trunc, truth: Math.trunc, range: [0.1, 0.9] },
  { op: "exp", build: ops.exp, truth: Math.exp, ulps: few, sweep: [-104, 89] },
  { op: "expm1", build: ops.expm1, truth: Math.expm1, ulps: few, sweep: [-20, 88], signedZero: true },
  { op: "log", build: ops.log, truth: Math.log, ulps: few, range: [0.1, 4], sweep: [1e-6, 100] },
  { op: "log1p", build: ops.log1p, truth: Math.log1p, ulps: few, range: [-0.9, 3], sweep: [-0.9999, 50] },
  { op: "sqrt", build: ops.sqrt, truth: Math.sqrt, range: [0.1, 4], sweep: [0, 1e4], signedZero: true },
  { op: "sin", build: ops.sin, truth: Math.sin, ulps: few, sweep: [-30, 30], signedZero: true },
  { op: "cos", build: ops.cos, truth: Math.cos, ulps: few, sweep: [-30, 30] },
  { op: "tan", build: ops.tan, truth: Math.tan, ulps: few, range: [-1.2, 1.2], sweep: [-1.5, 1.5], signedZero: true },
  { op: "atan", build: ops.atan, truth: Math.atan, ulps: few, sweep: [-50, 50], signedZero: true },
  { op: "tanh", build: ops.tanh, truth: Math.tanh, ulps: few, sweep: [-12, 12], signedZero: true },
  { op: "sigmoid", build: ops.sigmoid, truth: sigmoid, ulps: few, sweep: [-90, 40] },
  { op: "erf", build: ops.erf, truth: erf, ulps: few, sweep: [-6, 6], signedZero: true },
  {
    op: "relu",
    build: ops.relu,
    truth: (x) => (Number.isNaN(x) ? x : Math.max(0, x)),
    dtypes: numbers,
    range: [0.1, 2],
  },
  { op: "isnan", build: ops.isnan, truth: (x) => Number(Number.isNaN(x)), gradient: false },
  { op: "alias", build: alias, truth: (x) => x, dtypes: all, signedZero: true },
  { op: "square", build: ops.square, truth: (x) => x * x, dtypes: numbers },
  { op: "reciprocal", build: ops.reciprocal, truth: (x) => 1 / x, range: [0.2, 2] },
  { op: "rsqrt", build: ops.rsqrt, truth: (x) => 1 / Math.sqrt(x), ulps: 1.5, range: [0.2, 4] },
  { op: "isinf", build: ops.isinf, truth: (x) => Number(Math.abs(x) === inf), gradient: false },
  { op: "isfinite", build: ops.isfinite, truth: (x) => Number(Number.isFinite(x)), gradient: false },
];

const evenly = ([low, high]: readonly [number, number], count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * (i + 0.5)) / count);

export function unaryCases({
  op,
  build,
  truth,
  dtypes = floats,
  ulps = 0.5,
  range = [-2, 2],
  sweep,
  signedZero = false,
  gradient,
}: Unary): Case[] {
  const bound: Bound = { ulps, terms: 1 };
  const map = (x: Value): number[] => x.data.map(truth);
  // Half of the forward numbers are mirrored where the function takes both signs, so that both sides of 0 are tested.
  const common = { op, build, truth: map, bound, ...(gradient === undefined ? {} : { gradient }) };
  const list: Case[] = [
    { ...common, kind: "forward", name: "a matrix", dtypes, inputs: [spread([3, 5], 21, range[0], range[1])] },
    {
      ...common,
      kind: "edge",
      name: "infinities, NaN, zeros, ±1e4",
      dtypes: floats,
      inputs: [input([extremes.length], ...extremes)],
      signedZero,
      gradient: false,
    },
    { ...common, kind: "edge", name: "an empty tensor", dtypes, inputs: [input([2, 0])], gradient: false },
    {
      ...common,
      kind: "edge",
      name: "a scalar",
      dtypes,
      inputs: [spread([], 22, range[0], range[1])],
      gradient: false,
    },
  ];
  if (sweep)
    list.push({
      ...common,
      kind: "edge",
      name: "the whole range",
      dtypes: floats,
      inputs: [input([2001], ...evenly(sweep, 2001))],
      gradient: false,
    });
  return list;
}

const floatOnly: readonly (readonly [string, Op<Record<string, never>>])[] = [
  ["exp", ops.expOp],
  ["expm1", ops.expm1Op],
  ["log", ops.logOp],
  ["log1p", ops.log1pOp],
  ["sqrt", ops.sqrtOp],
  ["sin", ops.sinOp],
  ["cos", ops.cosOp],
  ["tan", ops.tanOp],
  ["atan", ops.atanOp],
  ["tanh", ops.tanhOp],
  ["sigmoid", ops.sigmoidOp],
  ["erf", ops.erfOp],
];
const anything: readonly (readonly [string, (x: Node) => Node])[] = [
  ["neg", ops.neg],
  ["abs", ops.abs],
  ["sign", ops.sign],
  ["floor", ops.floor],
  ["ceil", ops.ceil],
  ["round", ops.round],
  ["trunc", ops.trunc],
  ["relu", ops.relu],
  ["isnan", ops.isnan],
  ["logicalNot", ops.logicalNot],
  ["stopGradient", ops.stopGradient],
  ["alias", alias],
];

interface Binary {
  readonly op: string;
  readonly build: (a: Node, b: Node) => Node;
  readonly truth: (a: number, b: number) => number;
  readonly dtypes?: readonly DType[];
  readonly ulps?: number;
  readonly left?: readonly [number, number];
  readonly right?: readonly [number, number];
  readonly gradient?: boolean;
}

const modulo = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};
/** pow as in IEEE 754: 1 to any power is 1, -1 to ±∞ is 1. */
const power = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === inf) ? 1 : a ** b);

const binaries: readonly Binary[] = [
  { op: "add", build: ops.add, truth: (a, b) => a + b, dtypes: numbers },
  { op: "sub", build: ops.sub, truth: (a, b) => a - b, dtypes: numbers },
  { op: "mul", build: ops.mul, truth: (a, b) => a * b, dtypes: numbers },
  { op: "div", build: ops.div, truth: (a, b) => a / b, right: [0.5, 3] },
  { op: "remainder", build: ops.remainder, truth: modulo, left: [0.2, 0.8], right: [1, 3] },
  { op: "pow", build: ops.pow, truth: power, ulps: few, left: [0.2, 3] },
  { op: "maximum", build: ops.maximum, truth: Math.max, dtypes: numbers, left: [0, 2], right: [3, 4] },
  { op: "minimum", build: ops.minimum, truth: Math.min, dtypes: numbers, left: [0, 2], right: [3, 4] },
  { op: "atan2", build: ops.atan2, truth: Math.atan2, ulps: few, left: [0.5, 2], right: [0.5, 2] },
  { op: "eq", build: ops.eq, truth: (a, b) => Number(a === b), dtypes: all, gradient: false },
  { op: "ne", build: ops.ne, truth: (a, b) => Number(a !== b), dtypes: all, gradient: false },
  { op: "lt", build: ops.lt, truth: (a, b) => Number(a < b), dtypes: all, gradient: false },
  { op: "le", build: ops.le, truth: (a, b) => Number(a <= b), dtypes: all, gradient: false },
  { op: "gt", build: ops.gt, truth: (a, b) => Number(a > b), dtypes: all, gradient: false },
  { op: "ge", build: ops.ge, truth: (a, b) => Number(a >= b), dtypes: all, gradient: false },
];

const pairs = extremes.flatMap((a) => extremes.map((b) => [a, b] as const));

export function binaryCases({
  op,
  build,
  truth,
  dtypes = floats,
  ulps = 0.5,
  left = [-2, 2],
  right = [-2, 2],
  gradient,
}: Binary): Case[] {
  const bound: Bound = { ulps, terms: 1 };
  const both = (a: Value, b: Value): number[] => a.data.map((x, i) => truth(x, b.data[i] ?? nan));
  const common = { op, build, bound, ...(gradient === undefined ? {} : { gradient }) };
  return [
    {
      ...common,
      kind: "forward",
      name: "two matrices",
      dtypes,
      inputs: [spread([3, 4], 31, ...left), spread([3, 4], 32, ...right)],
      truth: both,
    },
    {
      ...common,
      kind: "forward",
      name: "a column by a row",
      dtypes,
      inputs: [spread([3, 1], 33, ...left), spread([4], 34, ...right)],
      truth: (a, b) => tabulate([3, 4], ([i = 0, j = 0]) => truth(a.data[i] ?? nan, b.data[j] ?? nan)),
    },
    {
      ...common,
      kind: "edge",
      name: "all pairs of infinities, NaN, zeros, ±1e4",
      dtypes: floats,
      truth: both,
      gradient: false,
      inputs: [input([pairs.length], ...pairs.map(([a]) => a)), input([pairs.length], ...pairs.map(([, b]) => b))],
    },
    {
      ...common,
      kind: "edge",
      name: "nothing by a row",
      dtypes,
      inputs: [input([0, 1]), spread([4], 35)],
      truth: () => [],
      gradient: false,
    },
    {
      op,
      kind: "error",
      name: "shapes",
      build: () => build(node([2, 3]), node([4])),
      message: /shapes \[2, 3\] and \[4\] do not broadcast: 3 and 4 differ/,
    },
  ];
}

const wholes = [0, 1, -1, 2, -2, 7, -7, 100, 2147483647, -2147483648];
const wholePairs = wholes.flatMap((a) => wholes.map((b) => [a, b] as const));

/** int32 in all combinations, exactly. */
function wholeCase(
  op: string,
  build: (a: Node, b: Node) => Node,
  truth: (a: number, b: number) => number,
  kind: "forward" | "edge" = "edge",
): ValueCase {
  return {
    op,
    kind,
    name: "int32, all pairs of extremes",
    dtypes: ["int32"],
    build,
    inputs: [
      ints([wholePairs.length], ...wholePairs.map(([a]) => a)),
      ints([wholePairs.length], ...wholePairs.map(([, b]) => b)),
    ],
    truth: (a, b) => a.data.map((x, i) => truth(x, b.data[i] ?? 0)),
  };
}

const raw =
  (op: Op<Record<string, never>>) =>
  (a: Node, b: Node): Node =>
    apply(op, [a, b], {});
const bitwise: readonly (readonly [string, (a: Node, b: Node) => Node, (a: number, b: number) => number])[] = [
  ["and", ops.bitwiseAnd, (a, b) => a & b],
  ["or", ops.bitwiseOr, (a, b) => a | b],
  ["xor", ops.bitwiseXor, (a, b) => a ^ b],
  ["shl", ops.shiftLeft, (a, b) => a << b],
  ["shr", ops.shiftRight, (a, b) => (a >>> b) | 0],
];

const truthTable = [bools([4], 0, 0, 1, 1), bools([4], 0, 1, 0, 1)] as const;
const castEdges = [0, -0, 1.9, -1.9, 255, 256, -1, 1e10, -1e10, inf, minusInf, nan];
const saturated = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -2147483648), 2147483647));
const converted: Record<DType, (x: number) => number> = {
  float64: (x) => x,
  float32: Math.fround,
  float16: (x) => decodeFloat(float16, encodeFloat(float16, x)),
  bfloat16: (x) => decodeFloat(bfloat16, encodeFloat(bfloat16, x)),
  int32: saturated,
  int16: (x) => (saturated(x) << 16) >> 16,
  int8: (x) => (saturated(x) << 24) >> 24,
  uint8: (x) => saturated(x) & 255,
  bool: (x) => (x !== 0 ? 1 : 0),
};

export const elementwiseCases: readonly Case[] = [
  ...unaries.flatMap(unaryCases),
  ...floatOnly.map(
    ([op, declared]): Case => ({
      op,
      kind: "error",
      name: "int32",
      build: () => apply(declared, [node([2], "int32")], {}),
      message: /takes float tensors, got int32\[2\]/,
    }),
  ),
  ...anything.map(
    ([op, build]): Case => ({
      op,
      kind: "total",
      name: "takes every tensor",
      build: (dtype) => build(node([2, 0], dtype)),
    }),
  ),
  {
    op: "round",
    kind: "edge",
    name: "halves go to even",
    dtypes: floats,
    inputs: [input([8], 0.5, 1.5, 2.5, -0.5, -1.5, 8388609, 4503599627370497, 1e300)],
    build: ops.round,
    truth: (x) => x.data.map(halfEven),
    signedZero: true,
  },
  {
    op: "logicalNot",
    kind: "forward",
    name: "both",
    dtypes: ["bool"],
    inputs: [bools([2], 0, 1)],
    build: ops.logicalNot,
    truth: () => [1, 0],
  },
  {
    op: "logicalNot",
    kind: "edge",
    name: "NaN is true",
    dtypes: floats,
    inputs: [input([3], nan, 0, -0)],
    build: ops.logicalNot,
    truth: () => [0, 1, 1],
  },
  {
    op: "stopGradient",
    kind: "forward",
    name: "beside the value itself",
    dtypes: floats,
    gradient: false,
    inputs: [spread([3], 41)],
    build: (x) => ops.mul(x, ops.stopGradient(x)),
    truth: (x) => x.data.map((v) => v * v),
  },
  {
    op: "stopGradient",
    kind: "forward",
    name: "alone",
    dtypes: floats,
    gradient: "none",
    inputs: [spread([3], 41)],
    build: (x) => ops.stopGradient(ops.neg(x)),
    truth: (x) => x.data.map((v) => -v),
  },
  {
    op: "stopGradient",
    kind: "edge",
    name: "an empty tensor",
    dtypes: all,
    gradient: false,
    inputs: [input([0])],
    build: (x) => ops.stopGradient(x),
    truth: () => [],
  },

  ...binaries.flatMap(binaryCases),
  wholeCase("add", ops.add, (a, b) => (a + b) | 0),
  wholeCase("sub", ops.sub, (a, b) => (a - b) | 0),
  wholeCase("mul", ops.mul, Math.imul),
  wholeCase("div", raw(ops.divOp), (a, b) => (b === 0 ? 0 : Math.trunc(a / b) | 0)),
  wholeCase("remainder", ops.remainder, (a, b) => (b === 0 ? 0 : modulo(a, b))),
  wholeCase("maximum", ops.maximum, Math.max),
  wholeCase("minimum", ops.minimum, Math.min),
  wholeCase("lt", ops.lt, (a, b) => Number(a < b)),
  ...bitwise.map(([op, build, truth]) => wholeCase(op, build, truth, "forward")),
  ...bitwise.map(
    ([op, build]): Case => ({
      op,
      kind: "edge",
      name: "an empty tensor",
      dtypes: ["int32"],
      inputs: [ints([0]), ints([1], 3)],
      build,
      truth: () => [],
    }),
  ),
  ...bitwise.map(
    ([op, build]): Case => ({
      op,
      kind: "error",
      name: "floats",
      build: () => build(node([2]), node([2])),
      message: /takes int32 tensors, got float32 and float32/,
    }),
  ),
  {
    op: "and",
    kind: "forward",
    name: "logical",
    dtypes: ["bool"],
    inputs: truthTable,
    build: ops.logicalAnd,
    truth: () => [0, 0, 0, 1],
  },
  {
    op: "or",
    kind: "forward",
    name: "logical",
    dtypes: ["bool"],
    inputs: truthTable,
    build: ops.logicalOr,
    truth: () => [0, 1, 1, 1],
  },
  {
    op: "pow",
    kind: "edge",
    name: "the slope at a power of 0 and at 0 squared",
    dtypes: floats,
    gradient: false,
    inputs: [input([3], 0, 2, 0), input([3], 0, 0, 2)],
    build: ops.pow,
    truth: () => [1, 1, 0],
  },

  {
    op: "recompute",
    kind: "forward",
    name: "the first input, whatever the second",
    dtypes: floats,
    inputs: [spread([2, 3], 44), spread([4], 45)],
    build: recompute,
    truth: (x) => x.data,
  },
  {
    op: "recompute",
    kind: "edge",
    name: "NaN and infinities of both",
    dtypes: floats,
    inputs: [input([3], nan, inf, -0), input([2], nan, inf)],
    build: recompute,
    truth: (x) => x.data,
    signedZero: true,
    gradient: false,
  },
  {
    op: "recompute",
    kind: "error",
    name: "no element to wait for",
    build: () => recompute(node([2]), node([0])),
    message: /nothing to wait for/,
  },
  {
    op: "where",
    kind: "forward",
    name: "all three broadcast",
    dtypes: all,
    inputs: [bools([2, 1], 1, 0), spread([3], 42, 0, 5), spread([2, 3], 43, 0, 5)],
    build: ops.where,
    truth: (_, a, b) => [...a.data, ...b.data.slice(3)],
  },
  {
    op: "where",
    kind: "edge",
    name: "the branch not taken leaks nothing",
    dtypes: floats,
    gradient: false,
    inputs: [input([3], -1, -2, 4)],
    build: (x) => ops.where(ops.gt(x, full([], 0, x.dtype)), ops.sqrt(x), full([], 0, x.dtype)),
    truth: () => [0, 0, 2],
  },
  {
    op: "where",
    kind: "edge",
    name: "a constant NaN that is not taken leaks nothing",
    dtypes: floats,
    gradient: true,
    inputs: [input([3], -1, -2, 4)],
    build: (x) => ops.where(ops.isfinite(x), ops.square(x), full([], nan, x.dtype)),
    truth: () => [1, 4, 16],
  },
  {
    op: "where",
    kind: "error",
    name: "shapes",
    build: () => ops.where(node([2], "bool"), node([3]), node([3])),
    message: /do not broadcast/,
  },
  {
    op: "clamp",
    kind: "forward",
    name: "both bounds",
    dtypes: numbers,
    inputs: [input([5], -3, -0.5, 0.25, 0.75, 3)],
    build: (x) => ops.clamp(x, -1, 1),
    truth: (x) => x.data.map((v) => Math.min(1, Math.max(-1, v))),
  },
  {
    op: "clamp",
    kind: "edge",
    name: "NaN stays, infinities end at the bounds",
    dtypes: floats,
    inputs: [input([3], nan, inf, minusInf)],
    build: (x) => ops.clamp(x, -1, 1),
    truth: () => [nan, 1, -1],
  },

  {
    op: "cast",
    kind: "forward",
    name: "to float64",
    dtypes: all,
    inputs: [spread([4], 44, 0, 5)],
    build: (x) => ops.cast(x, x.dtype === "float64" ? "float32" : "float64"),
    truth: (x) => x.data,
    gradient: false,
  },
  {
    op: "cast",
    kind: "forward",
    name: "there and back",
    dtypes: ["float64"],
    inputs: [input([3], 0.5, -1.25, 2)],
    build: (x) => ops.cast(ops.cast(x, "float32"), "float64"),
    truth: (x) => x.data,
    gradient: true,
  },
  ...(["int32", "int16", "int8", "uint8", "bool", "float32", "float64"] as const).map(
    (dtype): Case => ({
      op: "cast",
      kind: "edge",
      name: `out of range to ${dtype}`,
      dtypes: dtype === "float32" ? ["float64"] : dtype === "float64" ? ["float32"] : floats,
      inputs: [input([castEdges.length], ...castEdges)],
      build: (x) => ops.cast(x, dtype),
      truth: (x) => x.data.map(converted[dtype]),
    }),
  ),
  { op: "cast", kind: "total", name: "takes every tensor", build: (dtype) => ops.cast(node([2, 0], dtype), "float64") },

  {
    op: "full",
    kind: "forward",
    name: "a matrix of one value",
    dtypes: ["float32"],
    inputs: [],
    build: () => full([2, 3], 1.5, "float32"),
    truth: () => tabulate([2, 3], () => 1.5),
  },
  {
    op: "full",
    kind: "edge",
    name: "NaN, empty, -0",
    dtypes: ["float64"],
    inputs: [],
    build: () => full([1], -0, "float64"),
    truth: () => [-0],
    signedZero: true,
  },
  { op: "full", kind: "total", name: "takes every dtype", build: (dtype) => full([0], 1, dtype) },
  {
    op: "iota",
    kind: "forward",
    name: "along the first dim",
    dtypes: ["int32"],
    inputs: [],
    build: () => iota([3, 2], 0),
    truth: () => [0, 0, 1, 1, 2, 2],
  },
  {
    op: "iota",
    kind: "edge",
    name: "an empty tensor",
    dtypes: ["int32"],
    inputs: [],
    build: () => iota([0], 0),
    truth: () => [],
  },
  { op: "iota", kind: "total", name: "takes every dtype", build: (dtype) => iota([3], 0, dtype) },
];
