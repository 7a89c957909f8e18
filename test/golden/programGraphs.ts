// Graphs of realistic sizes, because tiny ones leave choices to chance: fusion, splitting, vectorised loops.
import { gradients } from "../../src/graph/autodiff.ts";
import type { DType } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { tiledAttention } from "../../src/graph/ops/attention.ts";
import { cast } from "../../src/graph/ops/cast.ts";
import { conv2d } from "../../src/graph/ops/conv.ts";
import {
  add,
  div,
  exp,
  maximum,
  mul,
  relu,
  scalarLike,
  sigmoid,
  sqrt,
  sub,
  tanh,
} from "../../src/graph/ops/elementwise.ts";
import { cumsum, gather, scatterAdd } from "../../src/graph/ops/indexing.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { cat, flip, pad, permute, reshape, slice } from "../../src/graph/ops/movement.ts";
import { avgPool2d, maxPool2d } from "../../src/graph/ops/pool.ts";
import { argmax, logSoftmax, max, mean, softmax, sum } from "../../src/graph/ops/reduce.ts";
import { finalOf, loop, stackOf } from "../../src/graph/ops/scan.ts";
import { stepLeaf } from "../../src/graph/ops/scanBody.ts";
import { sort } from "../../src/graph/ops/sort.ts";
import { topk } from "../../src/graph/ops/topk.ts";
import { inputNode } from "../conformance/run.ts";

const leaf = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });
const squares = (node: Node): Node => sum(mul(node, node));

/** The graph, and the gradients of the sum of its squares. */
function learned(build: (...inputs: Node[]) => Node, ...inputs: Node[]): readonly Node[] {
  const output = build(...inputs);
  return [output, ...gradients(squares(output), inputs).filter((node) => node !== undefined)];
}

/** A step of Adam for a weight with its gradient. */
function adam(weight: Node, gradient: Node): readonly Node[] {
  const [first, second] = [leaf(weight.shape), leaf(weight.shape)];
  const m = add(mul(first, scalarLike(0.9, first)), mul(gradient, scalarLike(0.1, gradient)));
  const v = add(mul(second, scalarLike(0.999, second)), mul(mul(gradient, gradient), scalarLike(0.001, gradient)));
  return [sub(weight, div(m, add(sqrt(v), scalarLike(1e-8, v)))), m, v];
}

function perceptron(batch: number, sizes: readonly number[]): readonly Node[] {
  const x = leaf([batch, sizes[0] ?? 1]);
  const layers = sizes.slice(1).map((size, k) => ({ w: leaf([sizes[k] ?? 1, size]), b: leaf([size]) }));
  const output = layers.reduce(
    (at, { w, b }, k) => (k + 1 < layers.length ? relu(add(matmul(at, w), b)) : add(matmul(at, w), b)),
    x,
  );
  const loss = sum(logSoftmax(output));
  const leaves = layers.flatMap(({ w, b }) => [w, b]);
  return [loss, ...gradients(loss, leaves).flatMap((grad, k) => (grad && leaves[k] ? adam(leaves[k], grad) : []))];
}

const heads = (shape: readonly number[], width: number): Node => {
  const [batch = 1, time = 1, all = 1] = shape;
  const count = all / 3 / width;
  const parts = permute(reshape(leaf(shape), [batch, time, 3, count, width]), [2, 0, 3, 1, 4]);
  const [q, k, v] = [0, 1, 2].map((at) => reshape(slice(parts, 0, at, at + 1), [batch * count, time, width]));
  if (q === undefined || k === undefined || v === undefined) throw new Error("three parts");
  return matmul(softmax(mul(matmul(q, permute(k, [0, 2, 1])), scalarLike(0.125, q))), v);
};

function recurrent(steps: number, batch: number, width: number): readonly Node[] {
  const [rows, initial, weight] = [leaf([steps, batch, width]), leaf([batch, width]), leaf([width, width])];
  const [state, row] = [stepLeaf(initial), stepLeaf({ shape: [batch, width], dtype: "float32" })];
  const next = tanh(add(matmul(state, weight), row));
  const whole = loop(
    { carried: [state], rows: [row], next: [next], outputs: [next], keeps: "costly" },
    { initial: [initial], stacked: [rows], steps, reverse: false },
  );
  const output = stackOf(whole, next);
  const grads = gradients(squares(output), [rows, initial, weight]).filter((node) => node !== undefined);
  return [output, finalOf(whole, 0), ...grads];
}

/** Names, with the outputs. */
export const graphs: Readonly<Record<string, () => readonly Node[]>> = {
  "a perceptron's step with Adam": () => perceptron(64, [784, 128, 10]),
  "a narrow and deep one": () => perceptron(32, [16, 16, 16, 16, 16, 16, 2]),
  "a convolution, its pool and their gradients": () =>
    learned(
      (x, w, b) => maxPool2d(relu(conv2d(x, w, b, { padding: 1 })), 2),
      leaf([8, 16, 28, 28]),
      leaf([32, 16, 3, 3]),
      leaf([32]),
    ),
  "a strided convolution and its gradients": () =>
    learned((x, w) => conv2d(x, w, undefined, { stride: 2, padding: 1 }), leaf([4, 8, 32, 32]), leaf([16, 8, 3, 3])),
  "a depthwise convolution and its gradients": () =>
    learned((x, w) => conv2d(x, w, undefined, { groups: 32, padding: 1 }), leaf([4, 32, 28, 28]), leaf([32, 1, 3, 3])),
  "a dilated convolution of groups": () => [
    conv2d(leaf([2, 32, 20, 20]), leaf([64, 16, 3, 3]), leaf([64]), { groups: 2, dilation: 2, padding: 2 }),
  ],
  "a mean over windows": () => learned((x) => avgPool2d(x, 3, { stride: 2, padding: 1 }), leaf([4, 16, 30, 30])),
  "attention of heads": () => [heads([2, 64, 192], 16)],
  "attention in tiles": () => [
    tiledAttention(leaf([2, 512, 32]), leaf([2, 512, 32]), leaf([2, 512, 32]), { scale: 0.2, isCausal: true }),
  ],
  "a recurrence and its gradients": () => recurrent(20, 16, 32),
  "softmax of long rows": () => learned((x) => softmax(x), leaf([64, 1000])),
  "rows to mean 0 and deviation 1": () =>
    learned(
      (x) => {
        const off = sub(x, mean(x, [-1], true));
        return div(off, sqrt(add(mean(mul(off, off), [-1], true), scalarLike(1e-5, x))));
      },
      leaf([128, 256]),
    ),
  "columns to mean 0": () => learned((x) => sub(x, mean(x, [0], true)), leaf([4096, 48])),
  "a sum of a million": () => [sum(leaf([1_000_000]))],
  "a sum of a million in float64": () => [sum(leaf([1_000_000], "float64"))],
  "the largest of each row and of each column": () => {
    const x = leaf([600, 700]);
    return [max(x, [1]), max(x, [0]), argmax(x, 1)];
  },
  "elements of a large matrix": () => [sigmoid(add(exp(leaf([512, 2048])), leaf([2048])))],
  "elements across a matrix": () => [add(permute(leaf([700, 300]), [1, 0]), leaf([300, 700]))],
  "elements turned round and padded": () => [
    maximum(
      flip(leaf([64, 300]), [1]),
      pad(
        leaf([62, 290]),
        [
          [1, 1],
          [3, 7],
        ],
        0,
      ),
    ),
  ],
  "three parts of a cat, and their product": () => {
    const [x, w] = [leaf([40, 64]), leaf([64, 64])];
    return [matmul(cat([relu(x), mul(x, x), matmul(x, w)], 0), w)];
  },
  "parts of a cat side by side": () => {
    const x = leaf([40, 64]);
    return [sum(cat([relu(x), mul(x, x), exp(x)], 1), [0])];
  },
  "running sums": () => learned((x) => cumsum(x, 1), leaf([32, 500])),
  "rows that are looked up": () => {
    const [table, index] = [leaf([1000, 64]), leaf([256, 64], "int32")];
    return learned((x) => gather(x, 0, index), table);
  },
  "rows that are added up": () => [scatterAdd(leaf([100, 32]), 0, leaf([500, 32], "int32"), leaf([500, 32]))],
  "a sort": () => Object.values(sort(leaf([20, 300]))),
  "the first ten": () => Object.values(topk(leaf([20, 300]), 10)),
  "few rows and long sums": () => [matmul(leaf([4, 20_000]), leaf([20_000, 6]))],
  "one row": () => [matmul(leaf([1, 1024]), permute(leaf([512, 1024]), [1, 0]))],
  "a batch of small products": () => [matmul(leaf([200, 12, 9]), leaf([200, 9, 11]))],
  "a product in float64": () => [matmul(leaf([70, 90], "float64"), leaf([90, 50], "float64"))],
  "a product of bytes": () => [
    matmul(cast(leaf([30, 64], "uint8"), "int32"), cast(permute(leaf([20, 64], "int8"), [1, 0]), "int32")),
  ],
  "a product of 16 bits": () => [
    matmul(cast(leaf([30, 64], "int16"), "int32"), cast(leaf([64, 20], "int16"), "int32")),
  ],
  "a product in bfloat16": () => [matmul(leaf([64, 96], "bfloat16"), leaf([96, 80], "bfloat16"))],
};

const normalised = (x: Node): Node => {
  const off = sub(x, mean(x, [-1], true));
  return div(off, sqrt(add(mean(mul(off, off), [-1], true), scalarLike(1e-5, x))));
};

/** Each power of two with its neighbours, where choices by size change. */
export const sizes: readonly number[] = [
  ...[1, 2, 3, 4, 5, 8, 9, 16, 17, 24, 32, 33, 48, 64, 65, 128, 129, 256, 257, 512, 513, 1024, 1025, 2048],
  ...[4096, 8192, 16_384, 16_385, 32_768, 65_536, 65_537, 131_072, 262_144, 1_048_576],
];

/** Name, the largest size, and the outputs for a size. */
export const families: readonly (readonly [string, number, (size: number) => readonly Node[]])[] = [
  ["elements", 2 ** 20, (n) => [exp(add(leaf([n]), leaf([n])))]],
  ["elements in three dims, permuted", 2 ** 12, (n) => [relu(permute(leaf([3, n, 5]), [2, 1, 0]))]],
  ["a sum", 2 ** 20, (n) => [sum(leaf([n]))]],
  [
    "a sum of what is computed, used again",
    2 ** 17,
    (n) => {
      const x = tanh(leaf([n]));
      return [mul(x, sum(x)), x];
    },
  ],
  ["rows", 2 ** 17, (n) => [sum(leaf([n, 24]), [1])]],
  ["columns", 2 ** 17, (n) => [sum(leaf([n, 24]), [0])]],
  ["columns of wide rows", 2 ** 17, (n) => [max(leaf([24, n]), [0])]],
  ["softmax of so many rows", 2 ** 14, (n) => [softmax(leaf([n, 40]))]],
  ["softmax of rows so long", 2 ** 17, (n) => learned((x) => softmax(x), leaf([8, n]))],
  ["rows to mean 0 and deviation 1", 2 ** 14, (n) => learned(normalised, leaf([n, 48]))],
  ["rows so long to mean 0 and deviation 1", 2 ** 14, (n) => learned(normalised, leaf([32, n]))],
  ["square products", 2 ** 11, (n) => [relu(add(matmul(leaf([n, n]), leaf([n, n])), leaf([n])))]],
  ["products with so many rows", 2 ** 14, (n) => learned((x, w) => matmul(x, w), leaf([n, 32]), leaf([32, 20]))],
  ["products with sums so long", 2 ** 17, (n) => [matmul(leaf([12, n]), leaf([n, 18]))]],
  ["products in float64", 2 ** 9, (n) => [matmul(leaf([n, 30], "float64"), leaf([30, n], "float64"))]],
  ["batches of products", 2 ** 12, (n) => [matmul(leaf([n, 7, 6]), leaf([n, 6, 5]))]],
  [
    "a convolution of images so wide",
    2 ** 7,
    (n) => learned((x, w) => conv2d(x, w, undefined, { padding: 1 }), leaf([2, 6, n, n]), leaf([9, 6, 3, 3])),
  ],
  [
    "a convolution of so many channels",
    2 ** 9,
    (n) => [relu(conv2d(leaf([2, n, 14, 14]), leaf([16, n, 3, 3]), leaf([16])))],
  ],
  ["a pool of images so wide", 2 ** 8, (n) => learned((x) => maxPool2d(x, 2, { ceilMode: true }), leaf([3, 4, n, n]))],
  ["parts of a cat", 2 ** 12, (n) => [matmul(cat([relu(leaf([n, 16])), exp(leaf([n, 16]))], 0), leaf([16, 3]))]],
  ["parts of a cat side by side", 2 ** 12, (n) => [tanh(cat([relu(leaf([9, n])), exp(leaf([9, n]))], 1))]],
  ["running sums", 2 ** 12, (n) => [cumsum(leaf([6, n]), 1)]],
  ["a table of so many rows", 2 ** 14, (n) => learned((x) => gather(x, 0, leaf([20, 8], "int32")), leaf([n, 8]))],
  ["a step of Adam", 2 ** 17, (n) => adam(leaf([n]), leaf([n]))],
  ["so many steps of a recurrence", 2 ** 9, (n) => recurrent(n, 4, 8)],
  [
    "so many elements in a chain",
    65,
    (n) => [Array.from({ length: n }).reduce<Node>((x, _, k) => (k % 3 === 0 ? tanh(x) : add(x, x)), leaf([500]))],
  ],
  [
    "so many readers of one value",
    33,
    (n) => {
      const x = exp(leaf([40, 50]));
      return Array.from({ length: n }, (_, k) => mul(x, scalarLike(k + 2, x)));
    },
  ],
  [
    "so many sums of one value",
    33,
    (n) => {
      const x = sigmoid(leaf([40, 50]));
      return Array.from({ length: n }, (_, k) => sum(mul(x, scalarLike(k + 2, x)), [k % 2]));
    },
  ],
];
