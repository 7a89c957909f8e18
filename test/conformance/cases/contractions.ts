// Cases of matrix products, einsum and convolutions.
import type { Node, TensorType } from "../../../src/graph/node.ts";
import { butterfly } from "../../../src/graph/ops/butterfly.ts";
import { type ConvOptions, conv1d, conv2d, convTranspose1d, convTranspose2d } from "../../../src/graph/ops/conv.ts";
import { full } from "../../../src/graph/ops/creation.ts";
import { einsum } from "../../../src/graph/ops/einsum.ts";
import { matmul } from "../../../src/graph/ops/matmul.ts";
import { absolute, at, type Case, floats, input, numbers, spread, tabulate, total, type ValueCase } from "../case.ts";
import { inputNode, type Value } from "../run.ts";

const node = (shape: readonly number[], dtype: TensorType["dtype"] = "float32"): Node => inputNode({ shape, dtype });

/** The product by its definition, with broadcasting of leading dims; 1-d operands are handled by the caller. */
function product(a: Value, b: Value): number[] {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1) ?? 1;
  const rank = Math.max(a.shape.length, b.shape.length) - 2;
  const batch = Array.from({ length: rank }, (_, dim) =>
    Math.max(a.shape[dim - rank + a.shape.length - 2] ?? 1, b.shape[dim - rank + b.shape.length - 2] ?? 1),
  );
  const lead = (value: Value, index: readonly number[]): number[] =>
    value.shape
      .slice(0, -2)
      .map((extent, dim) => (extent === 1 ? 0 : (index[dim + rank - value.shape.length + 2] ?? 0)));
  return tabulate([...batch, m, n], (index) => {
    const [row = 0, column = 0] = index.slice(-2);
    return total([k], ([i = 0]) => at(a, [...lead(a, index), row, i]) * at(b, [...lead(b, index), i, column]));
  });
}

const asMatrix = (value: Value, side: "left" | "right"): Value =>
  value.shape.length > 1 ? value : { ...value, shape: side === "left" ? [1, ...value.shape] : [...value.shape, 1] };

function matmulCase(
  name: string,
  a: readonly number[],
  b: readonly number[],
  kind: "forward" | "edge" = "forward",
): ValueCase {
  const truth = (x: Value, y: Value): number[] => product(asMatrix(x, "left"), asMatrix(y, "right"));
  return {
    op: "matmul",
    kind,
    name,
    dtypes: numbers,
    inputs: [spread(a, 1, -9, 9), spread(b, 2, -9, 9)],
    build: matmul,
    truth,
    magnitude: (x, y) => truth(absolute(x), absolute(y)),
    bound: { ulps: 1, terms: a.at(-1) ?? 1 },
    gradient: true,
  };
}

/** A product with a constant, which may be empty: it is written to memory or inlined as the schedule decides. */
function constantMatmulCase(name: string, a: readonly number[], b: readonly number[]): ValueCase {
  const constant = (like: Value): Value => ({ ...like, shape: b, data: tabulate(b, () => 2) });
  return {
    ...matmulCase(name, a, b, "edge"),
    inputs: [spread(a, 1, -9, 9)],
    build: (x) => matmul(x as Node, full(b, 2, (x as Node).dtype)),
    truth: (x) => product(x, constant(x)),
    magnitude: (x) => product(absolute(x), constant(x)),
  };
}

function einsumCase(
  equation: string,
  shapes: readonly (readonly number[])[],
  out: readonly number[],
  summed: readonly number[],
  term: (free: readonly number[], bound: readonly number[], operands: readonly Value[]) => number,
): ValueCase {
  const truth = (...operands: Value[]): number[] =>
    tabulate(out, (free) => total(summed, (bound) => term([...free], bound, operands)));
  return {
    op: "einsum",
    kind: "forward",
    name: equation,
    dtypes: floats,
    inputs: shapes.map((shape, place) => spread(shape, place + 3)),
    build: (...operands) => einsum(equation, ...operands),
    truth,
    magnitude: (...operands) => truth(...operands.map(absolute)),
    bound: { ulps: shapes.length, terms: summed.reduce((a, b) => a * b, 1) },
  };
}

interface ConvTruth {
  stride?: number[];
  padding?: number[];
  dilation?: number[];
  groups?: number;
}

/** The convolution by its definition, for one or two spatial dims (one is two with a height of 1). */
function convolution(
  x: Value,
  w: Value,
  out: readonly number[],
  { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 }: ConvTruth,
): number[] {
  const [, c = 0, kh = 1, kw = 1] = w.shape;
  const perGroup = (w.shape[0] ?? 1) / groups;
  return tabulate(out, ([image = 0, o = 0, y = 0, z = 0]) =>
    total(
      [c, kh, kw],
      ([channel = 0, i = 0, j = 0]) =>
        at(x, [
          image,
          Math.floor(o / perGroup) * c + channel,
          y * (stride[0] ?? 1) - (padding[0] ?? 0) + i * (dilation[0] ?? 1),
          z * (stride[1] ?? 1) - (padding[1] ?? 0) + j * (dilation[1] ?? 1),
        ]) * at(w, [o, channel, i, j]),
    ),
  );
}

function convCase(
  name: string,
  x: readonly number[],
  w: readonly number[],
  out: readonly number[],
  options: ConvTruth,
  kind: "forward" | "edge" = "forward",
): ValueCase {
  const truth = (a: Value, b: Value): number[] => convolution(a, b, out, options);
  return {
    op: "convolution",
    kind,
    name,
    dtypes: numbers,
    inputs: [spread(x, 5, -5, 5), spread(w, 6, -5, 5)],
    build: (a, b) => conv2d(a, b, undefined, options satisfies ConvOptions),
    truth,
    magnitude: (a, b) => truth(absolute(a), absolute(b)),
    bound: { ulps: 1, terms: w.slice(1).reduce((p, q) => p * q, 1) },
    gradient: true,
  };
}

/** Every input element times the kernel, added where it lands. */
function transposed(x: Value, w: Value, out: readonly number[], stride: number, padding: number): number[] {
  const [, , h = 1, l = 1] = x.shape;
  const [channels = 1, , kh = 1, kw = 1] = w.shape;
  return tabulate(out, ([image = 0, o = 0, y = 0, z = 0]) =>
    total([channels, h, l, kh, kw], ([c = 0, a = 0, b = 0, i = 0, j = 0]) =>
      a * stride + i - padding === y && b * stride + j - padding === z
        ? at(x, [image, c, a, b]) * at(w, [c, o, i, j])
        : 0,
    ),
  );
}

export const contractionCases: readonly Case[] = [
  matmulCase("two matrices", [3, 4], [4, 5]),
  matmulCase("batches that broadcast", [2, 1, 3, 4], [3, 4, 2]),
  matmulCase("many rows by one matrix", [2, 3, 4], [4, 5]),
  matmulCase("one matrix by a batch", [3, 4], [2, 4, 2]),
  { ...matmulCase("longer than any tile", [17, 70], [70, 33]), gradient: false },
  matmulCase("vector by matrix", [4], [4, 3], "edge"),
  matmulCase("vector by batch", [4], [2, 4, 3], "edge"),
  matmulCase("batch by vector", [2, 3, 4], [4], "edge"),
  matmulCase("dot product", [5], [5], "edge"),
  matmulCase("an inner size of 0 gives zeros", [2, 0], [0, 3], "edge"),
  matmulCase("no rows", [0, 2], [2, 3], "edge"),
  matmulCase("sizes of 1", [1, 1], [1, 1], "edge"),
  constantMatmulCase("a constant without elements", [2, 0], [0, 3]),
  constantMatmulCase("a constant of one number", [3, 1], [1, 1]),
  constantMatmulCase("a constant of one row", [3, 1], [1, 4]),
  {
    op: "matmul",
    kind: "edge",
    name: "infinities and NaN",
    dtypes: floats,
    build: matmul,
    inputs: [input([2, 2], Number.POSITIVE_INFINITY, 1, 0, 1), input([2, 2], 0, 1, 1, Number.NaN)],
    truth: () => [Number.NaN, Number.NaN, 1, Number.NaN],
  },
  {
    op: "matmul",
    kind: "error",
    name: "inner sizes",
    build: () => matmul(node([32, 784]), node([512, 10])),
    message:
      /matmul: inner sizes differ, \[32, 784\] @ \[512, 10\] — 784 \(last of the left\) must equal 512 \(first of the right\)/,
  },
  {
    op: "matmul",
    kind: "error",
    name: "batches",
    build: () => matmul(node([2, 3, 4]), node([3, 4, 5])),
    message: /do not broadcast/,
  },
  {
    op: "matmul",
    kind: "error",
    name: "scalars",
    build: () => matmul(node([]), node([3])),
    message: /use mul for scalars/,
  },
  {
    op: "matmul",
    kind: "error",
    name: "dtypes",
    build: () => matmul(node([2, 2]), node([2, 2], "int32")),
    message: /dtypes differ, float32\[2, 2\] @ int32\[2, 2\]/,
  },
  {
    op: "matmul",
    kind: "error",
    name: "bool",
    build: () => matmul(node([2, 2], "bool"), node([2, 2], "bool")),
    message: /convert both/,
  },

  einsumCase(
    "ij,jk->ik",
    [
      [2, 3],
      [3, 4],
    ],
    [2, 4],
    [3],
    ([i = 0, k = 0], [j = 0], [a, b]) => at(a as Value, [i, j]) * at(b as Value, [j, k]),
  ),
  einsumCase(
    "bhid,bhjd->bhij",
    [
      [2, 2, 3, 4],
      [2, 2, 2, 4],
    ],
    [2, 2, 3, 2],
    [4],
    ([b = 0, h = 0, i = 0, j = 0], [d = 0], [q, k]) => at(q as Value, [b, h, i, d]) * at(k as Value, [b, h, j, d]),
  ),
  einsumCase(
    "bi,oij,bj->bo",
    [
      [2, 3],
      [2, 3, 4],
      [2, 4],
    ],
    [2, 2],
    [3, 4],
    ([b = 0, o = 0], [i = 0, j = 0], [x, w, y]) =>
      at(x as Value, [b, i]) * at(w as Value, [o, i, j]) * at(y as Value, [b, j]),
  ),
  // Without an arrow: the letters that occur once, in alphabetical order.
  einsumCase(
    "ij,jk",
    [
      [2, 3],
      [3, 4],
    ],
    [2, 4],
    [3],
    ([i = 0, k = 0], [j = 0], [a, b]) => at(a as Value, [i, j]) * at(b as Value, [j, k]),
  ),
  einsumCase("ba", [[2, 3]], [3, 2], [], ([a = 0, b = 0], _, [x]) => at(x as Value, [b, a])),
  einsumCase("ii", [[3, 3]], [], [3], (_, [i = 0], [a]) => at(a as Value, [i, i])),
  einsumCase("bii->ib", [[2, 3, 3]], [3, 2], [], ([i = 0, b = 0], _, [a]) => at(a as Value, [b, i, i])),
  einsumCase(
    "i,j->ji",
    [[3], [2]],
    [2, 3],
    [],
    ([j = 0, i = 0], _, [a, b]) => at(a as Value, [i]) * at(b as Value, [j]),
  ),
  einsumCase(
    "...ij,jk->...ki",
    [
      [2, 2, 3],
      [3, 2],
    ],
    [2, 2, 2],
    [3],
    ([b = 0, k = 0, i = 0], [j = 0], [a, w]) => at(a as Value, [b, i, j]) * at(w as Value, [j, k]),
  ),
  {
    ...einsumCase(
      "bc,bd->",
      [
        [2, 3],
        [2, 2],
      ],
      [],
      [2, 3, 2],
      (_, [b = 0, c = 0, d = 0], [x, y]) => at(x as Value, [b, c]) * at(y as Value, [b, d]),
    ),
    kind: "edge",
  },
  { ...einsumCase("ij->", [[0, 3]], [], [0, 3], (_, index, [a]) => at(a as Value, index)), kind: "edge" },
  {
    op: "einsum",
    kind: "error",
    name: "sizes",
    build: () => einsum("ij,jk->ik", node([2, 3]), node([4, 5])),
    message: /dim "j".*3.*\[4, 5\]/,
  },
  {
    op: "einsum",
    kind: "error",
    name: "unknown letter",
    build: () => einsum("ij->k", node([2, 3])),
    message: /"k" on the right, which no operand has/,
  },
  {
    op: "einsum",
    kind: "error",
    name: "number of tensors",
    build: () => einsum("ij,jk", node([2, 3])),
    message: /2 terms but got 1/,
  },
  {
    op: "einsum",
    kind: "error",
    name: "too few letters",
    build: () => einsum("i->i", node([2, 3])),
    message: /does not fit a tensor of 2 dims/,
  },

  convCase("plain", [2, 2, 4, 3], [3, 2, 3, 2], [2, 3, 2, 2], {}),
  convCase("strided, padded, dilated", [1, 2, 6, 5], [2, 2, 3, 2], [1, 2, 3, 7], {
    stride: [2, 1],
    padding: [1, 2],
    dilation: [1, 2],
  }),
  convCase("groups", [2, 4, 3, 3], [4, 2, 2, 2], [2, 4, 4, 4], { groups: 2, padding: [1, 1] }),
  {
    ...convCase("larger than any tile", [2, 5, 12, 13], [17, 5, 3, 3], [2, 17, 12, 13], { padding: [1, 1] }),
    gradient: false,
  },
  convCase("depthwise with stride", [1, 3, 5, 5], [6, 1, 2, 2], [1, 6, 2, 2], { groups: 3, stride: [2, 2] }),
  convCase("rows that no window reaches", [1, 1, 6, 6], [1, 1, 2, 2], [1, 1, 2, 2], { stride: [3, 3] }),
  convCase("stride and dilation together", [1, 1, 8, 9], [2, 1, 2, 3], [1, 2, 2, 2], {
    stride: [3, 3],
    dilation: [3, 2],
  }),
  convCase("1 × 1", [1, 2, 1, 1], [1, 2, 1, 1], [1, 1, 1, 1], {}, "edge"),
  convCase("no images", [0, 2, 3, 3], [1, 2, 2, 2], [0, 1, 2, 2], {}, "edge"),
  convCase("no channels", [1, 0, 3, 3], [2, 0, 2, 2], [1, 2, 2, 2], {}, "edge"),
  convCase("padding wider than the input", [1, 1, 1, 2], [1, 1, 3, 3], [1, 1, 3, 4], { padding: [2, 2] }, "edge"),
  {
    op: "convolution",
    kind: "error",
    name: "channels",
    build: () => conv2d(node([1, 3, 8, 8]), node([4, 2, 3, 3])),
    message: /conv2d: input \[1, 3, 8, 8\] has 3 channels, weight \[4, 2, 3, 3\] with groups 1 takes 2/,
  },
  {
    op: "convolution",
    kind: "error",
    name: "kernel too large",
    build: () => conv2d(node([1, 1, 2, 2]), node([1, 1, 3, 3])),
    message: /spans 3.*padded input of 2/,
  },
  {
    op: "convolution",
    kind: "error",
    name: "groups",
    build: () => conv2d(node([1, 4, 4, 4]), node([3, 2, 2, 2]), undefined, { groups: 2 }),
    message: /3 output channels do not divide into 2 groups/,
  },
  {
    op: "convolution",
    kind: "error",
    name: "dtypes",
    build: () => conv2d(node([1, 1, 4, 4]), node([1, 1, 2, 2], "float64")),
    message: /dtypes differ/,
  },
  {
    op: "convolution",
    kind: "error",
    name: "bias",
    build: () => conv2d(node([1, 1, 4, 4]), node([2, 1, 2, 2]), node([3])),
    message: /bias \[3\] must hold one number for each of the 2/,
  },
  {
    op: "convolution",
    kind: "error",
    name: "same with stride",
    build: () => conv2d(node([1, 1, 4, 4]), node([1, 1, 2, 2]), undefined, { padding: "same", stride: 2 }),
    message: /needs stride 1/,
  },
  {
    op: "convolution",
    kind: "error",
    name: "rank",
    build: () => conv1d(node([4]), node([1, 1, 2])),
    message: /takes an input \[N, C, L\]/,
  },

  {
    op: "convTranspose2d",
    kind: "forward",
    name: "strided and padded",
    dtypes: floats,
    inputs: [spread([1, 2, 3, 2], 7), spread([2, 3, 3, 2], 8)],
    build: (x, w) => convTranspose2d(x, w, undefined, { stride: 2, padding: 1 }),
    truth: (x, w) => transposed(x, w, [1, 3, 5, 2], 2, 1),
    magnitude: (x, w) => transposed(absolute(x), absolute(w), [1, 3, 5, 2], 2, 1),
    bound: { ulps: 1, terms: 12 },
  },
  {
    op: "convTranspose2d",
    kind: "edge",
    name: "one element paints the kernel",
    dtypes: floats,
    gradient: true,
    inputs: [input([1, 1, 1, 1], 2), spread([1, 1, 2, 2], 8)],
    build: (x, w) => convTranspose2d(x, w),
    truth: (x, w) => transposed(x, w, [1, 1, 2, 2], 1, 0),
    bound: { ulps: 1, terms: 1 },
  },
  {
    op: "convTranspose2d",
    kind: "error",
    name: "outputPadding",
    build: () => convTranspose2d(node([1, 1, 2, 2]), node([1, 1, 2, 2]), undefined, { outputPadding: 1 }),
    message: /outputPadding 1 must be smaller than stride 1/,
  },
  {
    op: "convTranspose2d",
    kind: "error",
    name: "channels",
    build: () => convTranspose1d(node([1, 2, 3]), node([3, 1, 2])),
    message: /has 2 channels.*takes 3/,
  },

  ...[
    { n: 16, others: 2, left: 3, sign: -1, pairs: false, turns: true },
    { n: 12, others: 3, left: 1, sign: 1, pairs: true, turns: false },
    { n: 5, others: 1, left: 4, sign: 1, pairs: true, turns: true },
  ].map(
    ({ n, others, left, sign, pairs, turns }): ValueCase => ({
      op: "butterfly",
      kind: "forward",
      name: `${others} × ${n} × ${left}${pairs ? " to pairs" : ""}${turns ? ", turned" : ""}`,
      dtypes: floats,
      inputs: [spread([2, others, n, left], n), ...(turns ? [spread([2, n, left], n + 1)] : [])],
      build: (...given) => butterfly(given, { sign: sign === 1 ? 1 : -1, pairs }),
      truth: (x, w) => shortTransforms(x, w, sign, pairs),
      magnitude: (x, w) => shortTransforms(x, w, sign, pairs, Math.abs),
      bound: { ulps: 3, terms: 4 * n },
    }),
  ),
  {
    op: "butterfly",
    kind: "edge",
    name: "one number each",
    dtypes: floats,
    inputs: [spread([2, 3, 1, 2], 4)],
    build: (x) => butterfly([x], { sign: -1, pairs: false }),
    truth: (x) => x.data,
  },
  {
    op: "butterfly",
    kind: "edge",
    name: "none at all",
    dtypes: floats,
    inputs: [spread([2, 0, 4, 2], 4)],
    build: (x) => butterfly([x], { sign: -1, pairs: true }),
    truth: () => [],
  },
  {
    op: "butterfly",
    kind: "error",
    name: "turns of another length",
    build: () => butterfly([node([2, 1, 4, 3]), node([2, 4, 2])], { sign: -1, pairs: false }),
    message: /takes planes .* and turns .*, got \[2, 1, 4, 3\] and \[2, 4, 2\]/,
  },
];

/** Σ over p of x · e^(± 2πi kp / n), times the turns, by its definition; `size`: applied to each product. */
function shortTransforms(
  x: Value,
  turns: Value | undefined,
  sign: number,
  pairs: boolean,
  size = (term: number): number => term,
): number[] {
  const [, others = 1, n = 1, left = 1] = x.shape;
  const times = ([a, b]: readonly number[], [c, d]: readonly number[]): number[] => {
    const [p = 0, q = 0, r = 0, s = 0] = [a, b, a, b].map((part, k) => size((part ?? 0) * ([c, d, d, c][k] ?? 0)));
    return [size === Math.abs ? p + q : p - q, r + s];
  };
  const both = (value: Value, ...index: readonly number[]): number[] =>
    [0, 1].map((plane) => at(value, [plane, ...index]));
  const sumsAt = (k: number, o: number, l: number): number[] => {
    const terms = Array.from({ length: n }, (_, p) => {
      const angle = (2 * Math.PI * ((k * p) % n)) / n;
      return times(both(x, o, p, l), [Math.cos(angle), sign * Math.sin(angle)]);
    });
    const summed = [0, 1].map((part) => terms.reduce((sum, term) => sum + (term[part] ?? 0), 0));
    return turns === undefined ? summed : times(summed, both(turns, k, l));
  };
  const shape = pairs ? [n, others, left, 2] : [2, n, others, left];
  return tabulate(shape, (index) => {
    const [part = 0, k = 0, o = 0, l = 0] = pairs ? [index[3] ?? 0, ...index.slice(0, 3)] : index;
    return sumsAt(k, o, l)[part] ?? 0;
  });
}
