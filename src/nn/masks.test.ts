// Padding that holds NaN: results and gradients are the same as with zeros, in every layer that takes lengths or masks.
import { describe, expect, it } from "vitest";
import { seed, type Tensor, tensor } from "../tensor/index.ts";
import * as nn from "./index.ts";
import { functional as F } from "./index.ts";

const shape = [3, 2, 4];
/** [T, N, E]; the last step of the second sequence is padding. */
const sequence = (padding: number): Tensor =>
  tensor(
    Float32Array.from({ length: 24 }, (_, place) => (place >= 20 ? padding : Math.sin(place + 1))),
    { shape },
  );
const padded = tensor([
  [false, false, false],
  [false, false, true],
]);
const asFloats = padded.to("float32").mul(-1e30).mul(1e30);
const attends = (layer: nn.MultiheadAttention, options: nn.MultiheadInputs) => (x: Tensor) =>
  layer.forward(x, x, x, options)[0];
const clean = sequence(0);

interface Subject {
  readonly make: () => nn.AnyModule;
  readonly run: (layer: never, x: Tensor) => Tensor;
}
const subject = <M extends nn.AnyModule>(make: () => M, run: (layer: M, x: Tensor) => Tensor): Subject => ({
  make,
  run,
});

const encoder = () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8, dropout: 0 });
const decoder = () => new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 8, dropout: 0 });
const heads = () => new nn.MultiheadAttention(4, 2);
const lengths = [3, 2];

const subjects: Readonly<Record<string, Subject>> = {
  RNN: subject(
    () => new nn.RNN(4, 3),
    (rnn, x) => rnn.forward(x, undefined, { lengths })[0],
  ),
  "GRU, two layers, both directions": subject(
    () => new nn.GRU(4, 3, { numLayers: 2, bidirectional: true }),
    (gru, x) => gru.forward(x, undefined, { lengths })[0],
  ),
  LSTM: subject(
    () => new nn.LSTM(4, 3, { projSize: 2 }),
    (lstm, x) => lstm.forward(x, undefined, { lengths })[0],
  ),
  "LSTM, final state": subject(
    () => new nn.LSTM(4, 3),
    (lstm, x) => lstm.forward(x, undefined, { lengths })[1][1],
  ),
  "attention to itself, keyPaddingMask": subject(heads, (layer, x) => attends(layer, { keyPaddingMask: padded })(x)),
  "attention to itself, keyPaddingMask of floats": subject(heads, (layer, x) =>
    attends(layer, { keyPaddingMask: asFloats })(x),
  ),
  "attention across": subject(
    () => new nn.MultiheadAttention(4, 2, { kdim: 4, vdim: 4 }),
    (layer, x) => layer.forward(clean, x, x.mul(2), { keyPaddingMask: padded })[0],
  ),
  "attention, attnMask for each head": subject(heads, (layer, x) =>
    attends(layer, { attnMask: padded.reshape([2, 1, 1, 3]).expand([2, 2, 3, 3]).reshape([4, 3, 3]) })(x),
  ),
  "attention, batchFirst": subject(
    () => new nn.MultiheadAttention(4, 2, { batchFirst: true }),
    (layer, x) => attends(layer, { keyPaddingMask: padded })(x.transpose(0, 1)).transpose(0, 1),
  ),
  TransformerEncoderLayer: subject(encoder, (layer, x) => layer.forward(x, { srcKeyPaddingMask: padded })),
  "TransformerEncoder, normFirst": subject(
    () =>
      new nn.TransformerEncoder(
        () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8, normFirst: true, dropout: 0 }),
        2,
      ),
    (layer, x) => layer.forward(x, { srcKeyPaddingMask: padded }),
  ),
  "TransformerDecoderLayer, target": subject(decoder, (layer, x) =>
    layer.forward(x, clean, { tgtKeyPaddingMask: padded }),
  ),
  "TransformerDecoderLayer, memory": subject(decoder, (layer, x) =>
    layer.forward(clean, x, { memoryKeyPaddingMask: padded }),
  ),
};

/** The output and all gradients, without padding: those of the input and of the parameters. */
function resultOf({ make, run }: Subject, padding: number): number[][] {
  seed(4);
  const layer = make();
  const x = sequence(padding);
  x.requiresGrad = true;
  const output = run(layer as never, x);
  const whole = output.rank === 3 && output.shape[0] === 3 ? output.slice(1, 0, 1) : output;
  const rest = output.rank === 3 && output.shape[0] === 3 ? output.slice(1, 1, 2).slice(0, 0, 2) : output;
  whole.square().sum().add(rest.square().sum()).backward();
  const { grad } = x;
  if (grad === undefined) throw new Error("no gradient");
  return [whole, rest, grad, ...layer.parameters().map((parameter) => parameter.grad ?? tensor([0]))].map((value) => [
    ...value.dataSync(),
  ]);
}

describe("NaN in padding is ignored", () => {
  it.each(Object.entries(subjects))("%s", (_, each) => {
    const [expected, found] = [resultOf(each, 0), resultOf(each, Number.NaN)];
    expect(found.flat().every(Number.isFinite)).toBe(true);
    // The input's own padding may have a gradient if it holds numbers, because as a query it has results.
    for (const [place, values] of expected.entries())
      expect(place === 2 ? found[2]?.slice(0, 20) : found[place]).toEqual(place === 2 ? values.slice(0, 20) : values);
  });
});

it("scaledDotProductAttention removes keys that a mask hides from all queries", () => {
  const query = tensor([[[1, 2]]]);
  const keys = (hidden: number): Tensor => {
    const made = tensor([
      [
        [0.5, 1],
        [hidden, hidden],
      ],
    ]);
    made.requiresGrad = true;
    return made;
  };
  for (const attnMask of [tensor([[true, false]]), tensor([[0, Number.NEGATIVE_INFINITY]]), tensor([true, false])]) {
    const key = keys(Number.NaN);
    const output = F.scaledDotProductAttention(query, key, key, { attnMask });
    expect(output.toArraySync()).toEqual([[[0.5, 1]]]);
    output.sum().backward();
    expect(key.grad?.toArraySync()).toEqual([
      [
        [1, 1],
        [0, 0],
      ],
    ]);
  }
});

it("a NaN that a query attends to is not hidden by a mask", () => {
  const x = tensor([
    [
      [Number.NaN, 1],
      [1, 2],
    ],
  ]);
  const output = F.scaledDotProductAttention(x, x, x, {
    attnMask: tensor([
      [true, true],
      [true, true],
    ]),
  });
  expect([...output.dataSync()].every(Number.isNaN)).toBe(true);
});

it("EmbeddingBag removes rows before it weights them", () => {
  const table = new nn.Parameter(tensor([[Number.NaN], [2], [3]]));
  const weights = tensor([[Number.NaN, 0.5, 1]]);
  weights.requiresGrad = true;
  const index = tensor(Int32Array.of(0, 1, 2), { shape: [1, 3] });
  const sum = F.embeddingBag(index, table, { mode: "sum", paddingIdx: 0, perSampleWeights: weights });
  expect(sum.itemSync()).toBe(4);
  sum.backward();
  expect(weights.grad?.toArraySync()).toEqual([[0, 2, 3]]);
  expect(table.grad?.toArraySync()).toEqual([[0], [0.5], [1]]);
});
