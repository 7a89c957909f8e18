// Recurrent and attention layers beyond golden values: program size and time, carried state, masks, shapes in errors.
import { describe, expect, it } from "vitest";
import { Adam } from "../optim/index.ts";
import { compile, gradCheck, rand, randn, seed, type Tensor, tensor, zeros } from "../tensor/index.ts";
import {
  causalMask,
  functional as F,
  GRU,
  Linear,
  LSTM,
  LSTMCell,
  MultiheadAttention,
  RNN,
  Sequential,
  TransformerEncoder,
  TransformerEncoderLayer,
} from "./index.ts";

const numbers = (x: Tensor): number[] => [...x.dataSync()];

describe("recurrent layers", () => {
  it("train as a program of few kernels for any number of steps", () => {
    seed(1);
    const [lstm, head] = [new LSTM(8, 16), new Linear(16, 4)];
    const optimizer = new Adam([...lstm.parameters(), ...head.parameters()], { lr: 0.01 });
    const classes = tensor(Int32Array.from({ length: 200 }, (_, place) => place % 4));
    const step = compile((x: Tensor) => {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(head.forward(lstm.forward(x)[0]).reshape([200, 4]), classes);
      loss.backward();
      optimizer.step();
      return loss;
    });
    const x = rand([50, 4, 8]);
    const first = step(x).itemSync();
    for (let count = 0; count < 5; count++) step(x);
    expect(step(x).itemSync()).toBeLessThan(first);
    const kernels = Number(/(\d+) kernels/.exec(step.explain())?.[1]);
    expect(kernels).toBeLessThan(50);
  });

  it("continue from a returned state", () => {
    const lstm = new LSTM(3, 4, { numLayers: 2, dtype: "float64" });
    const x = randn([6, 2, 3], { dtype: "float64" });
    const [whole, [hidden]] = lstm.forward(x);
    const [begun, state] = lstm.forward(x.slice(0, 0, 4));
    const [ended, [after]] = lstm.forward(x.slice(0, 4), state);
    const [parts, expected] = [[...numbers(begun), ...numbers(ended)], numbers(whole)];
    for (const [place, value] of expected.entries()) expect(parts[place]).toBeCloseTo(value, 12);
    for (const [place, value] of numbers(hidden).entries()) expect(numbers(after)[place]).toBeCloseTo(value, 12);
  });

  it("equal their cells, step by step", () => {
    const [lstm, cell] = [new LSTM(3, 4), new LSTMCell(3, 4)];
    const values = Object.values(lstm.stateDict());
    for (const [place, parameter] of cell.parameters().entries()) parameter.assign(values[place] ?? parameter);
    const x = randn([3, 2, 3]);
    let state: [Tensor, Tensor] | undefined;
    for (let step = 0; step < 3; step++) state = cell.forward(x.select(0, step), state);
    const [, [hidden]] = lstm.forward(x);
    for (const [place, value] of numbers(hidden).entries())
      expect(numbers(state?.[0] ?? x)[place]).toBeCloseTo(value, 6);
  });

  it("have second derivatives", () => {
    const gru = new GRU(2, 2, { dtype: "float64" });
    const x = randn([3, 1, 2], { dtype: "float64" });
    expect(gradCheck((v) => gru.forward(v)[0].square().sum(), [x])).toBeLessThan(1e-6);
  });

  it("keep the state of a sequence of length 0", () => {
    const rnn = new RNN(2, 3);
    const start = rand([1, 2, 3]);
    const [output, hidden] = rnn.forward(rand([4, 2, 2]), start, { lengths: [0, 4] });
    expect(numbers(hidden.select(1, 0))).toEqual(numbers(start.select(1, 0)));
    expect(numbers(output.select(1, 0)).every((value) => value === 0)).toBe(true);
  });

  it.each<[string, () => unknown]>([
    ["RNN: takes [T, N, 2] or [T, 2], got [4, 1, 3]", () => new RNN(2, 3).forward(zeros([4, 1, 3]))],
    [
      "the initial hidden state must be [1, 5, 3], got [1, 4, 3]",
      () => new GRU(2, 3).forward(zeros([4, 5, 2]), zeros([1, 4, 3])),
    ],
    [
      "a length must be a whole number from 0 to 4, got 5",
      () => new RNN(2, 3).forward(zeros([4, 1, 2]), undefined, { lengths: [5] }),
    ],
    ["below the hidden size 3, got 3", () => new LSTM(2, 3, { projSize: 3 })],
    ["hiddenSize must be a whole number of at least 1, got 0", () => new LSTM(2, 0)],
  ])("%s", (message, run) => expect(run).toThrow(message));

  it("are refused by a Sequential, by the type checker and at run time", () => {
    // @ts-expect-error: an LSTM also returns its state.
    const model = new Sequential(new LSTM(2, 3));
    expect(() => model.forward(zeros([4, 1, 2]))).toThrow("module 0 (LSTM) returns several values");
  });
});

describe("attention", () => {
  const [q, k, v] = [randn([2, 3, 4]), randn([2, 5, 4]), randn([2, 5, 6])];

  it("takes booleans, floats and causality for the same masks", () => {
    const square = randn([2, 5, 4]);
    const causal = F.scaledDotProductAttention(square, k, v, { isCausal: true });
    const added = F.scaledDotProductAttention(square, k, v, { attnMask: causalMask(5) });
    const allowed = zeros([5, 5]).eq(causalMask(5));
    const chosen = F.scaledDotProductAttention(square, k, v, { attnMask: allowed });
    expect(numbers(added)).toEqual(numbers(causal));
    expect(numbers(chosen)).toEqual(numbers(causal));
  });

  it("gives 0 and finite gradients to a fully masked query", () => {
    const nothing = tensor([[[false]], [[true]]]);
    q.requiresGrad = true;
    const output = F.scaledDotProductAttention(q, k, v, { attnMask: nothing });
    output.sum().backward();
    expect(numbers(output.select(0, 0)).every((value) => value === 0)).toBe(true);
    expect(numbers(q.grad ?? q).every(Number.isFinite)).toBe(true);
    q.requiresGrad = false;
  });

  it("shares heads of keys among queries", () => {
    const [query, key] = [randn([1, 4, 3, 2]), randn([1, 2, 3, 2])];
    const shared = F.scaledDotProductAttention(query, key, key, { enableGqa: true });
    const repeated = key.unsqueeze(2).expand([1, 2, 2, 3, 2]).reshape([1, 4, 3, 2]);
    expect(numbers(shared)).toEqual(numbers(F.scaledDotProductAttention(query, repeated, repeated)));
  });

  it("drops weights in training only", () => {
    seed(2);
    const layer = new MultiheadAttention(4, 2, { dropout: 0.5 });
    const x = randn([3, 2, 4]);
    const run = (): number[] => numbers(layer.forward(x, x, x)[0]);
    expect(run()).not.toEqual(run());
    layer.eval();
    expect(run()).toEqual(run());
  });

  it.each<[string, () => unknown]>([
    ["3 heads must divide the 4 features", () => new MultiheadAttention(4, 3)],
    [
      "attnMask must be [3, 3] or [4, 3, 3], got [3, 4]",
      () => {
        const x = zeros([3, 2, 4]);
        return new MultiheadAttention(4, 2).forward(x, x, x, { attnMask: zeros([3, 4]) });
      },
    ],
    [
      "keyPaddingMask must be [2, 3], got [3]",
      () => {
        const x = zeros([3, 2, 4]);
        return new MultiheadAttention(4, 2).forward(x, x, x, { keyPaddingMask: zeros([3]) });
      },
    ],
    ["key [2, 5, 3]", () => F.scaledDotProductAttention(q, zeros([2, 5, 3]), v)],
  ])("%s", (message, run) => expect(run).toThrow(message));

  it("fits into a Sequential as an encoder, named as in PyTorch", () => {
    const encoder = new TransformerEncoder(() => new TransformerEncoderLayer(4, 2, { dimFeedforward: 8 }), 2);
    const model = new Sequential(encoder, new Linear(4, 1));
    expect(model.forward(zeros([3, 2, 4])).shape).toEqual([3, 2, 1]);
    expect(Object.keys(model.stateDict()).slice(0, 4)).toEqual([
      "0.layers.0.self_attn.in_proj_weight",
      "0.layers.0.self_attn.in_proj_bias",
      "0.layers.0.self_attn.out_proj.weight",
      "0.layers.0.self_attn.out_proj.bias",
    ]);
  });
});
