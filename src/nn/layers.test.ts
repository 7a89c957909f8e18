// Properties of layers and losses that golden values cannot test: randomness, errors, extreme inputs, the perceptron.
import { describe, expect, it } from "vitest";
import { full, gradCheck, ones, Parameter, rand, randn, seed, tensor, zeros } from "../tensor/index.ts";
import {
  BatchNorm1d,
  BatchNorm2d,
  Bilinear,
  Conv2d,
  ConvTranspose2d,
  Dropout2d,
  Embedding,
  functional as F,
  InstanceNorm2d,
  LayerNorm,
  Linear,
  MultiheadAttention,
  Perceptron,
  ReLU,
} from "./index.ts";

describe("dropout", () => {
  it("drops the given share and keeps the mean", () => {
    seed(5);
    const data = F.dropout(ones([100, 100]), 0.3).dataSync();
    const kept = data.filter((x) => x !== 0);
    // Five standard deviations of a binomial distribution with 10,000 draws.
    expect(Math.abs(kept.length - 7000)).toBeLessThan(5 * Math.sqrt(10_000 * 0.21));
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.7)]));
  });
  it("removes a NaN that it drops", () => {
    expect([...F.dropout(tensor([Number.POSITIVE_INFINITY]), 1 - 1e-9).dataSync()]).toEqual([0]);
  });
  it("drops whole channels in two dims", () => {
    seed(6);
    const data = new Dropout2d(0.5)
      .forward(ones([4, 8, 2, 2]))
      .sum([2, 3])
      .dataSync();
    expect([...new Set(data)].sort()).toEqual([0, 8]);
  });
  it("refuses a number that is not a probability", () => {
    expect(() => F.dropout(ones([1]), 1.5)).toThrow("got 1.5");
  });
});

describe("sizes", () => {
  // As untyped JavaScript may call it.
  it.each([
    [Linear, ["3", 2], 'Linear: takes whole numbers of inputs and outputs, got "3" and 2'],
    [Bilinear, [1, "3", 2], 'Bilinear: in2Features must be a whole number of at least 1, got "3"'],
    [Conv2d, ["3", 4, 3], 'Conv2d: inChannels must be a whole number of at least 1, got "3"'],
    [ConvTranspose2d, [3], "ConvTranspose2d: outChannels must be a whole number of at least 1, got undefined"],
    [Embedding, [10, "3"], 'Embedding: embeddingDim must be a whole number of at least 1, got "3"'],
    [BatchNorm1d, ["3"], 'BatchNorm1d: numFeatures must be a whole number of at least 1, got "3"'],
    [BatchNorm2d, [], "BatchNorm2d: numFeatures must be a whole number of at least 1, got undefined"],
    [InstanceNorm2d, ["3"], 'InstanceNorm2d: numFeatures must be a whole number of at least 1, got "3"'],
    [MultiheadAttention, [8, "2"], 'MultiheadAttention: numHeads must be a whole number of at least 1, got "2"'],
  ])("%o are whole numbers", (layer, given, says) => {
    expect(() => Reflect.construct(layer, given)).toThrow(says);
  });
});

describe("errors name sizes and a remedy", () => {
  const mistakes: [() => unknown, string][] = [
    [() => new BatchNorm2d(3).forward(zeros([2, 4, 5, 5])), "3 channels"],
    [() => new BatchNorm1d(3).forward(zeros([1, 3])), "more than one value"],
    [() => new LayerNorm(4).forward(zeros([2, 5])), "[2, 5]"],
    // As untyped JavaScript may call it.
    [
      () => Reflect.apply(new Linear(2, 3).forward, undefined, [[[1, 2]]]),
      "Linear: the input must be a tensor, got an array",
    ],
    [() => Reflect.apply(new ReLU().forward, undefined, []), "ReLU: the input must be a tensor, got undefined"],
    [
      () => new Linear(2, 3).forward(zeros([1, 2], { dtype: "int32" })),
      'Linear: the input is int32 and the weight float32; convert the input with .to("float32")',
    ],
    [
      () => new Linear(2, 3).forward(zeros([1, 2], { dtype: "float64" })),
      'Linear: the input is float64 and the weight float32; convert the input with .to("float32")',
    ],
    [
      () => new Conv2d(3, 4, 3).forward(zeros([1, 3, 8, 8], { dtype: "uint8" })),
      'input uint8 and weight float32; convert the input with .to("float32")',
    ],
    [
      () => zeros([2, 2]).matmul(zeros([2, 2], { dtype: "int32" })),
      'matmul: dtypes differ, float32[2, 2] @ int32[2, 2]; convert the right side with .to("float32")',
    ],
    [() => new Conv2d(3, 4, 3, { groups: 2 }), "2 groups must divide 3"],
    [() => new Conv2d(3, 4, 3).forward(zeros([1, 1, 8, 8])), "Conv2d: input [1, 1, 8, 8] has 1 channels"],
    [() => new Embedding(4, 2, { paddingIdx: 4 }), "paddingIdx 4"],
    [() => new Embedding(4, 2).forward(tensor([0.5])), "whole numbers"],
    [() => new Embedding(4, 2).forward(tensor(Int32Array.of(4))).dataSync(), "4 is out of range"],
    [
      () => F.crossEntropy(zeros([32, 10]), tensor(new Int32Array(32), { shape: [32, 1] })),
      "crossEntropy: logits [32, 10] need integer targets [32] or probabilities [32, 10], got int32 [32, 1]; use target.reshape([32])",
    ],
    [
      () => F.crossEntropy(zeros([2, 3]), zeros([2])),
      'labels must be whole numbers (int32), got float32 [2]; convert them: labels.to("int32")',
    ],
    [() => F.crossEntropy(rand([2, 3]), tensor(Int32Array.of(0, 3))).dataSync(), "3 is out of range"],
    [() => F.crossEntropy(zeros([2, 3]), tensor(Int32Array.of(0, 1)), { weight: ones([2]) }), "weight [2]"],
    [
      () => F.mse(zeros([4, 1]), zeros([4])),
      "input [4, 1] and target [4] must have the same shape; use target.reshape([4, 1])",
    ],
    [() => F.huber(zeros([1]), zeros([1]), { delta: 0 }), "delta must be above 0"],
    [() => F.prelu(zeros([2, 3]), ones([2])), "3 channels"],
  ];
  it.each(mistakes.map(([run, message]) => [message, run] as const))("%s", (message, run) =>
    expect(run).toThrow(message),
  );
});

describe("losses at the ends of the range, float32", () => {
  const far = [-1e4, -100, 0, 100, 1e4];
  it("bceWithLogits", () => {
    const x = tensor(far, { requiresGrad: true });
    const loss = F.bceWithLogits(x, tensor([1, 0, 0, 1, 0]), { reduction: "none" });
    expect([...loss.dataSync()]).toEqual(
      [1e4, 0, Math.fround(Math.LN2), 0, 1e4].map((value, place) =>
        place === 1 || place === 3 ? expect.closeTo(0, 30) : value,
      ),
    );
    loss.sum().backward();
    expect([...(x.grad?.dataSync() ?? [])]).toEqual([-1, expect.closeTo(0, 30), 0.5, expect.closeTo(0, 30), 1]);
  });
  it("crossEntropy", () => {
    const x = tensor([far], { requiresGrad: true });
    const loss = F.crossEntropy(x, tensor(Int32Array.of(0)));
    loss.backward();
    expect(loss.itemSync()).toBe(2e4);
    expect([...(x.grad?.dataSync() ?? [])]).toEqual([-1, 0, 0, 0, 1]);
  });
  it("crossEntropy without targets is NaN for the mean and 0 for the sum", () => {
    const target = tensor(Int32Array.of(-100, -100));
    expect(F.crossEntropy(rand([2, 3]), target).itemSync()).toBeNaN();
    expect(F.crossEntropy(rand([2, 3]), target, { reduction: "sum" }).itemSync()).toBe(0);
  });
  it("every activation stays finite, and so does its gradient", () => {
    const names = [
      "sigmoid",
      "tanh",
      "relu",
      "leakyRelu",
      "elu",
      "selu",
      "gelu",
      "silu",
      "mish",
      "softplus",
      "softsign",
      "hardsigmoid",
      "hardtanh",
      "hardswish",
      "relu6",
      "softmax",
      "logSoftmax",
      "logSigmoid",
    ] as const;
    for (const name of names) {
      const x = tensor(far, { requiresGrad: true });
      const y = F[name](x);
      y.sum().backward();
      expect([...y.dataSync(), ...(x.grad?.dataSync() ?? [Number.NaN])].every(Number.isFinite), name).toBe(true);
    }
  });
});

describe("second derivatives of functions with custom gradients", () => {
  const x = randn([3, 4], { dtype: "float64" });
  it.each([
    ["crossEntropy", (v: typeof x) => F.crossEntropy(v, tensor(Int32Array.of(0, 3, 1)))],
    ["bceWithLogits", (v: typeof x) => F.bceWithLogits(v, x.sigmoid())],
    ["logSigmoid", (v: typeof x) => F.logSigmoid(v).sum()],
    ["bce", (v: typeof x) => F.bce(v.sigmoid(), x.sigmoid())],
    ["nll", (v: typeof x) => F.nll(v.logSoftmax(1), tensor(Int32Array.of(0, 3, 1))).square()],
  ] as const)("%s", async (_, loss) => {
    const { grad } = await import("../tensor/index.ts");
    const slope = grad((v) => loss(v));
    expect(gradCheck((v) => slope(v).square().sum(), [x])).toBeLessThan(1e-6);
  });
});

describe("the perceptron", () => {
  const inputs = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  it("is step(Σ w·x + b)", () => {
    const neuron = new Perceptron(2);
    neuron.weight.assign(Float32Array.of(1, -2));
    neuron.bias.assign(0.5);
    expect(neuron.score(tensor([[3, 1]])).itemSync()).toBe(1.5);
    expect(
      neuron
        .forward(
          tensor([
            [3, 1],
            [0, 1],
          ]),
        )
        .toArraySync(),
    ).toEqual([[1], [0]]);
  });
  it.each([
    ["and", [0, 0, 0, 1]],
    ["or", [0, 1, 1, 1]],
    ["nand", [1, 1, 1, 0]],
  ])("learns %s", (_, targets) => {
    const neuron = new Perceptron(2);
    const history = neuron.learn(inputs, tensor(targets));
    expect(history.converged).toBe(true);
    expect(history.mistakes.at(-1)).toBe(0);
    expect([...neuron.forward(inputs).dataSync()]).toEqual(targets);
  });
  it("never learns xor", () => {
    const history = new Perceptron(2).learn(inputs, tensor([0, 1, 1, 0]), { epochs: 30 });
    expect(history.converged).toBe(false);
    expect(history.mistakes).toHaveLength(30);
  });
});

it("a parameter of a layer may be float64", () => {
  expect(new Conv2d(1, 1, 1, { dtype: "float64" }).weight).toBeInstanceOf(Parameter);
  expect(new Conv2d(1, 1, 1, { dtype: "float64" }).forward(zeros([1, 1, 2, 2], { dtype: "float64" })).dtype).toBe(
    "float64",
  );
});

describe("alphaDropout", () => {
  it("keeps the mean and variance of standardised values", () => {
    seed(8);
    const data = [...F.alphaDropout(randn([100, 100]), 0.3).dataSync()];
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const spread = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(spread - 1)).toBeLessThan(0.1);
  });
});

describe("pools with indices", () => {
  const x = randn([2, 3, 6, 7]);
  it("give the position of each maximum, and unpooling puts it back", () => {
    const { values, indices } = F.maxPool2dWithIndices(x, [2, 3], { stride: 2, padding: [1, 0], dilation: [2, 1] });
    const [rows, columns] = [values.shape[2] ?? 0, values.shape[3] ?? 0];
    const found = x.reshape([6, 42]).gather(1, indices.reshape([6, rows * columns]));
    expect([...found.dataSync()]).toEqual([...values.dataSync()]);
    const pooled = F.maxPool2dWithIndices(x, 2);
    const back = F.maxUnpool2d(pooled.values, pooled.indices, 2, { outputSize: [6, 7] });
    expect(back.shape).toEqual(x.shape);
    expect([...F.maxPool2d(back.relu(), 2).dataSync()]).toEqual([...pooled.values.relu().dataSync()]);
  });
  it("work in one dim", () => {
    const line = tensor([[3, 1, 2, 5, 5, 0]]);
    const { values, indices } = F.maxPool1dWithIndices(line, 2);
    expect([...indices.dataSync()]).toEqual([0, 3, 4]);
    expect([...F.maxUnpool1d(values, indices, 2).dataSync()]).toEqual([3, 0, 0, 5, 5, 0]);
  });
});

describe("functions without a module", () => {
  it("cdist gives the distances of all pairs, normalize vectors of norm 1", () => {
    const [a, b] = [
      tensor([
        [0, 0],
        [3, 4],
      ]),
      tensor([[0, 0]]),
    ];
    expect(F.cdist(a, b).toArraySync()).toEqual([[0], [5]]);
    expect(F.cdist(a, b, 1).toArraySync()).toEqual([[0], [7]]);
    const [length] = F.normalize(tensor([[3, 4]]))
      .norm(2, 1)
      .dataSync();
    expect(length).toBeCloseTo(1, 6);
  });
  it("pdist is the part of cdist above the diagonal", () => {
    const x = tensor([
      [0, 0],
      [3, 4],
      [0, 8],
    ]);
    expect(F.pdist(x).toArraySync()).toEqual([5, 8, 5]);
    expect(F.pdist(x, 1).toArraySync()).toEqual([7, 8, 7]);
    expect(F.pdist(x.slice(0, 0, 1)).shape).toEqual([0]);
  });
  it("gumbelSoftmax samples with the given probabilities, one-hot when hard", () => {
    seed(4);
    const logits = tensor([0.2, 0.8]).log().reshape([1, 2]).expand([4000, 2]);
    const draws = F.gumbelSoftmax(logits, { hard: true });
    const [first = 0, second = 0] = draws.sum(0).dataSync();
    expect(first + second).toBe(4000);
    expect(Math.abs(first / 4000 - 0.2)).toBeLessThan(5 * Math.sqrt((0.2 * 0.8) / 4000));
    const soft = F.gumbelSoftmax(logits, { tau: 0.5 });
    for (const sum of soft.sum(1).slice(0, 0, 5).dataSync()) expect(sum).toBeCloseTo(1, 5);
  });
  it("rrelu draws slopes in training", () => {
    const slopes = F.rrelu(full([1000], -1), { training: true })
      .neg()
      .dataSync();
    expect(Math.min(...slopes)).toBeGreaterThanOrEqual(1 / 8);
    expect(Math.max(...slopes)).toBeLessThanOrEqual(1 / 3);
  });
});
