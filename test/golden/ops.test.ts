// Operations and their gradients against figures computed with PyTorch in float64 (ops.py made ops.json).
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { gradients } from "../../src/graph/autodiff.ts";
import type { DType } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { repeat } from "../../src/graph/ops/broadcast.ts";
import { conv1d, conv2d, convTranspose2d, padWith } from "../../src/graph/ops/conv.ts";
import { full } from "../../src/graph/ops/creation.ts";
import { einsum } from "../../src/graph/ops/einsum.ts";
import * as elementwise from "../../src/graph/ops/elementwise.ts";
import * as indexing from "../../src/graph/ops/indexing.ts";
import { interpolate } from "../../src/graph/ops/interpolate.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { flip } from "../../src/graph/ops/movement.ts";
import { adaptiveAvgPool2d, avgPool1d, avgPool2d, maxPool2d } from "../../src/graph/ops/pool.ts";
import * as reduce from "../../src/graph/ops/reduce.ts";
import { sort } from "../../src/graph/ops/sort.ts";
import * as statistics from "../../src/graph/ops/statistics.ts";
import { topk } from "../../src/graph/ops/topk.ts";
import { evaluate, type Value, valueOf } from "../conformance/run.ts";

interface GoldenCase {
  readonly name: string;
  readonly inputs: readonly { readonly shape: number[]; readonly dtype: DType; readonly data: number[] }[];
  readonly output: { readonly shape: number[]; readonly data: number[] };
  readonly gradients: readonly (readonly number[] | null)[];
}

const golden = JSON.parse(readFileSync(new URL("ops.json", import.meta.url), "utf8")) as {
  torch: string;
  cases: GoldenCase[];
};

type Build = (a: Node, b: Node, c: Node) => Node;
const { add, cos, div, mul, sin, square } = elementwise;

/** The same computations as in ops.py, by name. */
const builds: Readonly<Record<string, Build>> = {
  "matmul 2d": matmul,
  "matmul batch": matmul,
  "matmul vector matrix": matmul,
  "matmul matrix vector": matmul,
  "matmul vectors": matmul,
  "matmul matrix batch": matmul,
  "einsum attention": (q, k) => einsum("bhid,bhjd->bhij", q, k),
  "einsum bilinear": (a, w, b) => einsum("bi,oij,bj->bo", a, w, b),
  "einsum trace": (a) => einsum("ii->", a),
  "einsum diagonal": (a) => einsum("bii->bi", a),
  "einsum outer": (a, b) => einsum("i,j->ji", a, b),
  "einsum ellipsis": (a, b) => einsum("...ij,jk->...ik", a, b),
  conv1d: (x, w, b) => conv1d(x, w, b, { stride: 2, padding: 1 }),
  "conv2d plain": (x, w) => conv2d(x, w),
  "conv2d strided padded dilated": (x, w, b) => conv2d(x, w, b, { stride: [2, 1], padding: [1, 2], dilation: [1, 2] }),
  "conv2d groups": (x, w, b) => conv2d(x, w, b, { padding: 1, groups: 2 }),
  "conv2d depthwise": (x, w) => conv2d(x, w, undefined, { groups: 3, stride: 2 }),
  "conv2d same": (x, w) => conv2d(x, w, undefined, { padding: "same", dilation: 2 }),
  "conv2d unbatched": (x, w) => conv2d(x, w),
  "convTranspose2d plain": (x, w) => convTranspose2d(x, w),
  "convTranspose2d full": (x, w, b) =>
    convTranspose2d(x, w, b, { stride: 2, padding: 1, outputPadding: 1, dilation: 2, groups: 2 }),
  "pad reflect": (x) =>
    padWith(
      x,
      [
        [0, 0],
        [0, 0],
        [1, 2],
        [2, 1],
      ],
      "reflect",
    ),
  "pad replicate": (x) =>
    padWith(
      x,
      [
        [0, 0],
        [0, 0],
        [1, 2],
        [2, 1],
      ],
      "replicate",
    ),
  "pad circular": (x) =>
    padWith(
      x,
      [
        [0, 0],
        [0, 0],
        [1, 2],
        [2, 1],
      ],
      "circular",
    ),
  maxPool2d: (x) => maxPool2d(x, 2),
  "maxPool2d overlapping padded": (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
  "maxPool2d ceil dilated": (x) => maxPool2d(x, [2, 3], { stride: 2, dilation: [2, 1], ceilMode: true }),
  "maxPool2d ties": (x) => maxPool2d(x, 2, { stride: 1 }),
  avgPool2d: (x) => avgPool2d(x, 2),
  "avgPool2d padded": (x) => avgPool2d(x, 3, { stride: 2, padding: 1 }),
  "avgPool2d valid counts": (x) => avgPool2d(x, 3, { stride: 2, padding: 1, countIncludePad: false }),
  "avgPool2d ceil": (x) => avgPool2d(x, [3, 2], { stride: 2, padding: 1, ceilMode: true }),
  "avgPool2d ceil valid counts": (x) =>
    avgPool2d(x, [3, 2], { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
  avgPool1d: (x) => avgPool1d(x, 3, { stride: 1 }),
  adaptiveAvgPool2d: (x) => adaptiveAvgPool2d(x, [3, 2]),
  "adaptiveAvgPool2d grow": (x) => adaptiveAvgPool2d(x, 5),
  "interpolate nearest up": (x) => interpolate(x, { scaleFactor: 2 }),
  "interpolate nearest sizes": (x) => interpolate(x, { size: [5, 2] }),
  "interpolate bilinear": (x) => interpolate(x, { size: [5, 7], mode: "bilinear" }),
  "interpolate bilinear down": (x) => interpolate(x, { size: [2, 3], mode: "bilinear" }),
  "interpolate bilinear corners": (x) => interpolate(x, { size: [5, 2], mode: "bilinear", alignCorners: true }),
  "interpolate linear": (x) => interpolate(x, { size: 5, mode: "linear" }),
  softmax: (x) => reduce.softmax(x, -1),
  logSoftmax: (x) => reduce.logSoftmax(x, 0),
  logsumexp: (x) => reduce.logsumexp(x, 1),
  sum: (x) => reduce.sum(x, [0, 2]),
  mean: (x) => reduce.mean(x, 1, true),
  variance: (x) => statistics.variance(x, -1),
  "variance biased": (x) => statistics.variance(x, [0, 1], 0),
  std: (x) => elementwise.sqrt(statistics.variance(x, 0)),
  norm: (x) => elementwise.sqrt(reduce.sum(square(x), 1)),
  prod: (x) => reduce.prod(x, 1),
  "prod with a zero": (x) => reduce.prod(x, 0),
  amax: (x) => reduce.amax(x, 1),
  amin: (x) => reduce.amin(x, 0),
  max: (x) => reduce.amax(x, 1),
  cumsum: (x) => indexing.cumsum(x, 1),
  argmax: (x) => reduce.argmax(x, 1),
  argmin: (x) => reduce.argmin(x, 0),
  sort: (x) => sort(x).values,
  "sort descending": (x) => sort(x, 0, true).values,
  "sort indices": (x) => sort(x).indices,
  topk: (x) => topk(x, 3).values,
  "topk indices": (x) => topk(x, 2, 0).indices,
  gather: (x, i) => indexing.gather(x, 0, i),
  indexSelect: (x, i) => indexing.indexSelect(x, 1, i),
  scatterAdd: (x, i, s) => indexing.scatterAdd(x, 0, i, s),
  tril: (x) => indexing.tril(x, -1),
  triu: (x) => indexing.triu(x, 1),
  flip: (x) => flip(x, [0, -1]),
  repeat: (x) => repeat(x, [2, 1, 3]),
  remainder: elementwise.remainder,
  pow: elementwise.pow,
  erf: elementwise.erf,
  sigmoid: elementwise.sigmoid,
  tanh: elementwise.tanh,
  expm1: elementwise.expm1,
  log1p: elementwise.log1p,
  chain: (a, b) => div(mul(sin(a), cos(b)), add(full([], 1, "float64"), square(a))),
};

const device = createReferenceDevice();
afterAll(() => device.close());

/** float64 on both sides. The orders of summation differ, and so may a few last bits of the largest number. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1e-3, ...expected.map(Math.abs));
  const wrong = actual.flatMap((x, i) =>
    Math.abs(x - (expected[i] ?? Number.NaN)) <= 1e-12 * scale ? [] : [`[${i}] is ${x}, not ${expected[i]}`],
  );
  expect(wrong).toEqual([]);
}

describe(`figures of PyTorch ${golden.torch}`, () => {
  it.each(golden.cases.map((entry) => [entry.name, entry] as const))("%s", (name, entry) => {
    const build = builds[name];
    if (build === undefined) throw new Error(`no computation is written for the golden case "${name}"`);
    const values = entry.inputs.map(({ dtype, shape, data }) => valueOf(dtype, shape, data));
    const size = entry.output.data.length;
    const weights: Value = valueOf(
      "float64",
      entry.output.shape,
      Array.from({ length: size }, (_, i) => Math.cos(i + 1)),
    );
    const places = entry.gradients.flatMap((figures, place) => (figures === null ? [] : [place]));
    const [output, ...grads] = evaluate(device, [...values, weights], (nodes) => {
      const [a, b, c] = nodes;
      const weightNode = nodes.at(-1);
      if (a === undefined || weightNode === undefined) throw new Error("no inputs");
      const result = build(a, b ?? a, c ?? a);
      if (places.length === 0) return [result];
      const leaves = places.map((place) => nodes[place] ?? a);
      return [
        result,
        ...gradients(reduce.sum(mul(result, weightNode)), leaves).map(
          (grad) => grad ?? full([], Number.NaN, "float64"),
        ),
      ];
    });
    expect(output?.shape).toEqual(entry.output.shape);
    expectClose(output?.data ?? [], entry.output.data);
    for (const [k, place] of places.entries()) expectClose(grads[k]?.data ?? [], entry.gradients[place] ?? []);
  });
});
