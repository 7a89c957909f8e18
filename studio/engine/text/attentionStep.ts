// One attention head on one text, in detail: queries, keys, scores, weights and values, and the gradient of the loss for each, from `inspect`.

import { HebbError, type Inspected, inspect, nn, tensor } from "../../../src/index.ts";
import type { AttentionAsk, AttentionStep, HeadArrays } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/engine.ts";
import type { TextModel } from "./models.ts";

/** The nodes of a layer's attention that a visitor sees; keys transposed for the product, [1, heads, size, n]. */
interface Found {
  readonly q: Inspected;
  readonly turnedKeys: Inspected;
  readonly scores: Inspected;
  readonly weights: Inspected;
  readonly v: Inspected;
  readonly out: Inspected;
}

function findIn(nodes: readonly Inspected[], layer: number): Found {
  const path = `blocks.${layer}.attention`;
  const named = new Map(nodes.map((node) => [node.name, node]));
  const [product, out] = nodes.filter((node) => node.path === path && node.op === "matmul");
  const input = (node: Inspected | undefined, place: number): Inspected | undefined =>
    named.get(node?.inputs[place] ?? "");
  const [q, turnedKeys, weights, v] = [input(product, 0), input(product, 1), input(out, 0), input(out, 1)];
  const scores = nodes.find((node) => node.path === path && node.op === "mul" && node.inputs[0] === product?.name);
  if (!q || !turnedKeys || !scores || !weights || !v || !out) throw new HebbError(say.layerOfThisModelHasNo(layer + 1));
  return { q, turnedKeys, scores, weights, v, out };
}

/** The rows of one head from [1, heads, rows, columns]; a number that the loss does not depend on has the slope 0. */
function headOf({ shape, value }: Inspected, numbers: Inspected["value"] | undefined, head: number): Float32Array {
  const size = (shape[2] ?? 1) * (shape[3] ?? 1);
  return numbers === undefined
    ? new Float32Array(size)
    : Float32Array.from({ length: size }, (_, k) => Number(numbers[head * size + k] ?? value[0]));
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: values.length }, (_, k) => {
    const [row, column] = [Math.floor(k / rows), k % rows];
    return values[column * columns + row] ?? Number.NaN;
  });
}

/** Undefined if the model has no attention. Does not change the model. */
export function attentionStep(
  model: TextModel,
  tokens: Int32Array,
  { layer, head, row }: AttentionAsk,
): AttentionStep | undefined {
  const { module, size: sizes } = model;
  const n = tokens.length;
  if (model.name !== "gpt" || layer >= sizes.layers || head >= sizes.heads || row >= n) return undefined;
  const size = sizes.width / sizes.heads;
  module.eval();
  try {
    const input = tensor(tokens, { shape: [1, n] });
    const following = tokens[row + 1];
    const next = following ?? Number(module.forward(input).select(1, row).argmax(-1).dataSync()[0]);
    const nodes = inspect(() =>
      nn.functional.crossEntropy(module.forward(input).select(1, row), tensor(Int32Array.of(next))),
    );
    const found = findIn(nodes, layer);
    const arrays = (numbers: (node: Inspected) => Inspected["value"] | undefined): HeadArrays => {
      const of = (node: Inspected): Float32Array => headOf(node, numbers(node), head);
      return {
        q: of(found.q),
        k: transposed(of(found.turnedKeys), size, n),
        scores: of(found.scores),
        weights: of(found.weights),
        v: of(found.v),
        out: of(found.out),
      };
    };
    return {
      layer,
      head,
      row,
      tokens,
      size,
      next,
      loss: Number(nodes.at(-1)?.value[0]),
      values: arrays(({ value }) => value),
      slopes: arrays(({ gradient }) => gradient),
    };
  } finally {
    module.train();
  }
}
