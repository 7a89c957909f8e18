// A random graph as plain data: it can be built, printed as code, and reduced.

import { apply } from "../../src/graph/apply.ts";
import { type DType, isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { expand } from "../../src/graph/ops/broadcast.ts";
import { conv2d } from "../../src/graph/ops/conv.ts";
import { full } from "../../src/graph/ops/creation.ts";
import * as elementwise from "../../src/graph/ops/elementwise.ts";
import { cumsum, gather, indexSelect, tril } from "../../src/graph/ops/indexing.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { cat, flip, pad, permute, reshape, slice } from "../../src/graph/ops/movement.ts";
import { avgPool2d, maxPool2d } from "../../src/graph/ops/pool.ts";
import * as reduce from "../../src/graph/ops/reduce.ts";
import { sort } from "../../src/graph/ops/sort.ts";
import * as statistics from "../../src/graph/ops/statistics.ts";
import { inputNode, type Value, valueOf } from "../conformance/run.ts";

export type Entry =
  | {
      readonly kind: "input";
      readonly dtype: DType;
      readonly shape: readonly number[];
      readonly data: readonly number[];
    }
  /** `args` are positions of earlier entries, `numbers` the op's other parameters. */
  | { readonly kind: "op"; readonly op: OpName; readonly args: readonly number[]; readonly numbers: readonly number[] };

export interface Recipe {
  readonly entries: readonly Entry[];
  /** Positions of the entries that the program returns. */
  readonly outputs: readonly number[];
}

type Build = (args: readonly [Node, ...Node[]], numbers: readonly number[]) => Node;

const { neg, abs, add, sub, mul, div, maximum, minimum, relu, square, where, cast } = elementwise;
const one = (x: Node): Node => full([], 1, x.dtype);
/** Computed in a narrow dtype. */
const wrapped = (x: Node, dtype: DType): Node => {
  const narrow = cast(x, dtype);
  return cast(abs(neg(add(narrow, mul(narrow, narrow)))), x.dtype);
};
const second = (args: readonly Node[]): Node => args[1] ?? (args[0] as Node);

const builders = {
  neg: ([x]) => neg(x),
  abs: ([x]) => abs(x),
  relu: ([x]) => relu(x),
  square: ([x]) => square(x),
  add: (args) => add(args[0], second(args)),
  sub: (args) => sub(args[0], second(args)),
  mul: (args) => mul(args[0], second(args)),
  maximum: (args) => maximum(args[0], second(args)),
  minimum: (args) => minimum(args[0], second(args)),
  addConstant: ([x], [value = 0]) => add(x, full([], value, x.dtype)),
  mulConstant: ([x], [value = 0]) => mul(x, full(x.shape, value, x.dtype)),
  whereGreater: (args) => where(elementwise.gt(args[0], second(args)), second(args), neg(args[0])),
  countEqual: (args) => cast(elementwise.eq(args[0], second(args)), args[0].dtype),
  castInt: ([x]) => cast(cast(x, "int32"), x.dtype),
  castByte: ([x]) => cast(cast(x, "uint8"), x.dtype),
  wrapInt8: ([x]) => wrapped(x, "int8"),
  wrapInt16: ([x]) => wrapped(x, "int16"),
  quotient: ([x], [value = 1]) =>
    isFloat(x.dtype)
      ? elementwise.floor(div(x, full([], value, x.dtype)))
      : apply(elementwise.divOp, [x, full(x.shape, value, x.dtype)], {}),
  remainder: ([x], [value = 1]) => elementwise.remainder(x, full([], value, x.dtype)),
  anyTrue: ([x], [dim = 0]) => cast(reduce.any(elementwise.gt(x, full([], 1, x.dtype)), dim, true), x.dtype),
  cumprod: ([x], [dim = 0]) => reduce.cumprod(maximum(minimum(x, one(x)), neg(one(x))), dim),
  triangle: ([x], [diagonal = 0]) => tril(x, diagonal),
  tanh: ([x]) => elementwise.tanh(x),
  sigmoid: ([x]) => elementwise.sigmoid(x),
  exp: ([x]) => elementwise.exp(elementwise.tanh(x)),
  sin: ([x]) => elementwise.sin(x),
  root: ([x]) => elementwise.sqrt(add(square(x), one(x))),
  log: ([x]) => elementwise.log(add(square(x), one(x))),
  erf: ([x]) => elementwise.erf(x),
  ratio: (args) => div(args[0], add(square(second(args)), one(args[0]))),
  softmax: ([x], [dim = 0]) => reduce.softmax(x, dim),
  logsumexp: ([x], [dim = 0]) => reduce.logsumexp(x, dim, true),
  mean: ([x], [dim = 0, keep = 0]) => reduce.mean(x, dim, keep === 1),
  variance: ([x], [dim = 0]) => statistics.variance(x, dim, 0, true),
  sum: ([x], [dim = 0, keep = 0]) => reduce.sum(x, dim, keep === 1),
  sumAll: ([x]) => reduce.sum(x),
  max: ([x], [dim = 0, keep = 0]) => reduce.max(x, dim, keep === 1),
  min: ([x], [dim = 0, keep = 0]) => reduce.min(x, dim, keep === 1),
  argmax: ([x], [dim = 0]) => cast(reduce.argmax(x, dim, true), x.dtype),
  cumsum: ([x], [dim = 0]) => cumsum(x, dim),
  sort: ([x], [dim = 0]) => sort(x, dim).values,
  reshape: ([x], numbers) => reshape(x, numbers),
  permute: ([x], numbers) => permute(x, numbers),
  expand: ([x], numbers) => expand(x, numbers),
  slice: ([x], [dim = 0, start = 0, end = 1, step = 1]) => slice(x, dim, start, end, step),
  flip: ([x], [dim = 0]) => flip(x, [dim]),
  pad: ([x], [before = 0, after = 0, value = 0]) =>
    pad(
      x,
      x.shape.map((_, dim) => (dim === x.shape.length - 1 ? [before, after] : [0, 0])),
      value,
    ),
  cat: (args, [dim = 0]) => cat([args[0], second(args)], dim),
  select: ([x], [dim = 0, ...places]) =>
    indexSelect(
      x,
      dim,
      cat(
        places.map((place) => full([1], place, "int32")),
        0,
      ),
    ),
  pick: ([x], [dim = 0]) => gather(x, dim, reduce.argmax(x, dim, true)),
  matmul: (args) => matmul(args[0], second(args)),
  gram: ([x]) =>
    matmul(
      x,
      permute(
        x,
        [...x.shape.keys()].map((dim) =>
          dim === x.shape.length - 1 ? dim - 1 : dim === x.shape.length - 2 ? dim + 1 : dim,
        ),
      ),
    ),
  conv: (args, [stride = 1, padding = 0]) => conv2d(args[0], second(args), undefined, { stride, padding }),
  maxPool: ([x], [kernel = 1, stride = 1]) => maxPool2d(x, kernel, { stride }),
  avgPool: ([x], [kernel = 1]) => avgPool2d(x, kernel),
} satisfies Record<string, Build>;

export type OpName = keyof typeof builders;

/** The nodes of all entries, and the leaves among them with their values. */
export function build(recipe: Recipe): { nodes: Node[]; inputs: Node[]; values: Value[] } {
  const nodes: Node[] = [];
  const inputs: Node[] = [];
  const values: Value[] = [];
  for (const entry of recipe.entries) {
    if (entry.kind === "input") {
      const value = valueOf(entry.dtype, entry.shape, entry.data);
      const node = inputNode(value);
      nodes.push(node);
      inputs.push(node);
      values.push(value);
      continue;
    }
    const args = entry.args.map((place) => nodes[place] as Node);
    nodes.push(applyStep(entry.op, args, entry.numbers));
  }
  return { nodes, inputs, values };
}

export function applyStep(op: OpName, args: readonly Node[], numbers: readonly number[]): Node {
  const [first, ...rest] = args;
  if (first === undefined) throw new Error(`${op} has no arguments`);
  const builder: Build = builders[op];
  return builder([first, ...rest], numbers);
}

/** Only the entries that the outputs need, renumbered. */
export function withoutDead({ entries, outputs }: Recipe): Recipe {
  const live = new Set(outputs);
  for (let place = entries.length - 1; place >= 0; place--) {
    const entry = entries[place];
    if (live.has(place) && entry?.kind === "op") for (const arg of entry.args) live.add(arg);
  }
  const kept = [...live].sort((a, b) => a - b);
  const renumber = (place: number): number => kept.indexOf(place);
  return {
    entries: kept.map((place) => {
      const entry = entries[place] as Entry;
      return entry.kind === "op" ? { ...entry, args: entry.args.map(renumber) } : entry;
    }),
    outputs: outputs.map(renumber),
  };
}

/** A test that can be pasted into fuzz.test.ts. */
export function asCode(recipe: Recipe, gradients: boolean, mode: string): string {
  const entries = recipe.entries.map((entry) => `      ${JSON.stringify(entry)},`).join("\n");
  return `it("a case found by the fuzzer", () => check({\n    entries: [\n${entries}\n    ],\n    outputs: ${JSON.stringify(recipe.outputs)},\n  }, ${gradients}, "${mode}"));`;
}
