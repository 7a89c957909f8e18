// Composites: operations with a well-known name are noted on their nodes, with inputs and attributes. The results are the same with and without the
// note.
import { describe, expect, it } from "vitest";
import { compileGraph } from "../src/compiler/compile.ts";
import { printProgram } from "../src/compiler/print.ts";
import { CompositeMover } from "../src/graph/compose.ts";
import type { CompositeName, CompositeTable } from "../src/graph/composites.ts";
import { type Composite, type Node, sourceNode, withInputs } from "../src/graph/node.ts";
import { rewriteGraph, topologicalOrder } from "../src/graph/walk.ts";
import * as nn from "../src/nn/index.ts";
import { cat, compile, einsum, noGrad, oneHot, type Parameter, State, Tensor, tensor } from "../src/tensor/index.ts";

const F = nn.functional;

/** Numbers in [-2, 2] without a pattern, the same at every call. */
function numbers(shape: readonly number[], seed = 1): Tensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: count }, (_, k) => 2 * Math.sin(12.9898 * (k + 1) * seed));
  return tensor(
    tensor(values)
      .reshape([...shape])
      .toArraySync(),
  );
}
const ints = (...values: number[]): Tensor => tensor(Int32Array.from(values));

interface Case<K extends CompositeName> {
  readonly given: readonly Tensor[];
  readonly call: (...given: Tensor[]) => Tensor | readonly Tensor[];
  /** The given tensors; "some" where any other input will do. */
  readonly inputs: (...given: Tensor[]) => CompositeTable<Tensor | "some">[K]["inputs"];
  readonly attributes: CompositeTable<unknown>[K]["attributes"];
}
type Cases = { readonly [K in CompositeName]: Case<K> };

const x34 = numbers([3, 4]);
const images = numbers([2, 4, 6, 6]);
const rows = numbers([2, 4, 6]);

/** A function of one tensor, which stays its only input. */
const unary = <A>(call: (x: Tensor) => Tensor | readonly Tensor[], attributes: A, x = x34) => ({
  given: [x],
  call: (given: Tensor) => call(given),
  inputs: (given: Tensor) => [given] as const,
  attributes,
});

const pairAttributes = { reduction: "mean" } as const;
const pair = <A>(call: (x: Tensor, t: Tensor) => Tensor, attributes: A) => ({
  given: [x34, numbers([3, 4], 2)],
  call,
  inputs: (x: Tensor, t: Tensor) => [x, t] as const,
  attributes,
});

const window = { kernelSize: [2, 3], stride: [2, 1], padding: [1, 0], ceilMode: false } as const;
const row = { kernelSize: [2], stride: [2], padding: [0], ceilMode: false } as const;
const folds = { kernelSize: [2, 2], dilation: [1, 1], padding: [1, 1], stride: [2, 2] } as const;
const affine = [numbers([4], 3), numbers([4], 4)] as const;
const runningMean = new State(numbers([4], 5));
const runningVar = new State(numbers([4], 6).abs());

const recurrent = (count: number) => [
  numbers([count * 3, 4], 5),
  numbers([count * 3, 3], 6),
  numbers([count * 3], 7),
  numbers([count * 3], 8),
];
interface HasParameters {
  parameters(): Iterable<Parameter>;
}
/** The layer with the given tensors as its parameters. */
function layer<M extends HasParameters>(made: M, weights: readonly Tensor[]): M {
  [...made.parameters()].forEach((parameter, place) => {
    parameter.assign(weights[place] as Tensor);
  });
  return made;
}
const sequence = numbers([5, 2, 4], 9);
const gru = layer(new nn.GRU(4, 3), recurrent(3));
const lstm = layer(new nn.LSTM(4, 3, { projSize: 2 }), [
  numbers([12, 4], 5),
  numbers([12, 2], 6),
  numbers([12], 7),
  numbers([12], 8),
  numbers([2, 3], 9),
]);
const rnn = layer(new nn.RNN(4, 3, { nonlinearity: "relu", bias: false }), recurrent(1).slice(0, 2));
const parametersOf = (made: HasParameters): Tensor[] => [...made.parameters()];

const cases: Cases = {
  celu: unary((x) => F.celu(x, 0.5), { alpha: 0.5 }),
  elu: unary((x) => F.elu(x, 2), { alpha: 2 }),
  gelu: unary((x) => F.gelu(x, "tanh"), { approximate: "tanh" }),
  glu: unary((x) => F.glu(x), { dim: 1 }),
  hardshrink: unary((x) => F.hardshrink(x), { lambda: 0.5 }),
  hardsigmoid: unary((x) => F.hardsigmoid(x), {}),
  hardswish: unary((x) => F.hardswish(x), {}),
  hardtanh: unary((x) => F.hardtanh(x, -0.5, 1.5), { minVal: -0.5, maxVal: 1.5 }),
  leakyRelu: unary((x) => F.leakyRelu(x, 0.2), { negativeSlope: 0.2 }),
  logSigmoid: unary((x) => F.logSigmoid(x), {}),
  logSoftmax: unary((x) => F.logSoftmax(x), { dim: 1 }),
  mish: unary((x) => F.mish(x), {}),
  prelu: {
    given: [x34, numbers([4], 2)],
    call: (x, w) => F.prelu(x, w),
    inputs: (x, w) => [x, w],
    attributes: {},
  },
  relu6: unary((x) => F.relu6(x), {}),
  selu: unary((x) => F.selu(x), {}),
  silu: unary((x) => F.silu(x), {}),
  softmax: unary((x) => F.softmax(x, -2), { dim: 0 }),
  softmin: unary((x) => F.softmin(x), { dim: 1 }),
  softplus: unary((x) => F.softplus(x, 2), { beta: 2, threshold: 20 }),
  softshrink: unary((x) => F.softshrink(x, 0.25), { lambda: 0.25 }),
  softsign: unary((x) => F.softsign(x), {}),
  tanhshrink: unary((x) => F.tanhshrink(x), {}),
  threshold: unary((x) => F.threshold(x, 0.5, 0), { threshold: 0.5, value: 0 }),

  batchNorm: {
    given: [images, ...affine],
    call: (x, weight, bias) => F.batchNorm(x, runningMean, runningVar, { weight, bias }),
    inputs: (x, weight, bias) => [x, weight, bias, runningMean, runningVar],
    attributes: { training: false, eps: 1e-5, momentum: 0.1 },
  },
  groupNorm: {
    given: [images, ...affine],
    call: (x, weight, bias) => F.groupNorm(x, 2, weight, bias),
    inputs: (x, weight, bias) => [x, weight, bias],
    attributes: { numGroups: 2, eps: 1e-5 },
  },
  instanceNorm: {
    given: [images, ...affine],
    call: (x, weight, bias) => F.instanceNorm(x, { weight, bias }),
    inputs: (x, weight, bias) => [x, weight, bias, undefined, undefined],
    attributes: { useInputStats: true, eps: 1e-5 },
  },
  layerNorm: {
    given: [x34, affine[1]],
    call: (x, bias) => F.layerNorm(x, [4], undefined, bias, 1e-3),
    inputs: (x, bias) => [x, undefined, bias],
    attributes: { normalizedShape: [4], eps: 1e-3 },
  },
  localResponseNorm: unary((x) => F.localResponseNorm(x, 3), { size: 3, alpha: 1e-4, beta: 0.75, k: 1 }, images),
  normalize: unary((x) => F.normalize(x, { dim: -1 }), { p: 2, dim: 1, eps: 1e-12 }),
  rmsNorm: {
    given: [x34, affine[0]],
    call: (x, weight) => F.rmsNorm(x, [4], weight),
    inputs: (x, weight) => [x, weight],
    attributes: { normalizedShape: [4], eps: 2 ** -23 },
  },

  conv1d: {
    given: [rows, numbers([6, 2, 3], 2), numbers([6], 3)],
    call: (x, w, b) => F.conv1d(x, w, b, { padding: "same", groups: 2 }),
    inputs: (x, w, b) => [x, w, b],
    attributes: { stride: [1], padding: [[1, 1]], paddingMode: "zeros", dilation: [1], groups: 2 },
  },
  conv2d: {
    given: [images, numbers([3, 4, 3, 2], 2)],
    call: (x, w) => F.conv2d(x, w, undefined, { stride: 2, padding: [1, 0], paddingMode: "reflect" }),
    inputs: (x, w) => [x, w, undefined],
    attributes: {
      stride: [2, 2],
      padding: [
        [1, 1],
        [0, 0],
      ],
      paddingMode: "reflect",
      dilation: [1, 1],
      groups: 1,
    },
  },
  convTranspose1d: {
    given: [rows, numbers([4, 3, 3], 2), numbers([3], 3)],
    call: (x, w, b) => F.convTranspose1d(x, w, b, { stride: 2, outputPadding: 1 }),
    inputs: (x, w, b) => [x, w, b],
    attributes: { stride: [2], padding: [0], outputPadding: [1], dilation: [1], groups: 1 },
  },
  convTranspose2d: {
    given: [images, numbers([4, 3, 2, 2], 2)],
    call: (x, w) => F.convTranspose2d(x, w, undefined, { stride: 2, padding: 1 }),
    inputs: (x, w) => [x, w, undefined],
    attributes: { stride: [2, 2], padding: [1, 1], outputPadding: [0, 0], dilation: [1, 1], groups: 1 },
  },
  dropout: unary((x) => F.dropout(x, 0.25), { p: 0.25 }),
  embedding: {
    given: [ints(2, 0, 1), numbers([3, 2], 2)],
    call: (index, table) => F.embedding(index, table, -1),
    inputs: (index, table) => [index, table],
    attributes: { paddingIdx: 2 },
  },
  gru: {
    given: [sequence, numbers([1, 2, 3], 2), ints(5, 3)],
    call: (x, hidden, lengths) => gru.forward(x, hidden, { lengths })[0],
    inputs: (x, _hidden, lengths) => {
      const [ih = x, hh = x, biasIh, biasHh] = parametersOf(gru);
      return ["some", ih, hh, biasIh, biasHh, "some", lengths];
    },
    attributes: { hiddenSize: 3, reverse: false },
  },
  linear: {
    given: [x34, numbers([2, 4], 2), numbers([2], 3)],
    call: (x, w, b) => F.linear(x, w, b),
    inputs: (x, w, b) => [x, w, b],
    attributes: {},
  },
  lstm: {
    given: [sequence],
    call: (x) => lstm.forward(x)[0],
    inputs: (x) => {
      const [ih = x, hh = x, biasIh, biasHh, hr] = parametersOf(lstm);
      return [x, ih, hh, biasIh, biasHh, "some", "some", undefined, hr];
    },
    attributes: { hiddenSize: 3, reverse: false, projSize: 2 },
  },
  rnn: {
    given: [sequence],
    call: (x) => rnn.forward(x)[0],
    inputs: (x) => {
      const [ih = x, hh = x] = parametersOf(rnn);
      return [x, ih, hh, undefined, undefined, "some", undefined];
    },
    attributes: { hiddenSize: 3, reverse: false, nonlinearity: "relu" },
  },
  scaledDotProductAttention: {
    given: [numbers([2, 3, 4]), numbers([2, 5, 4], 2), numbers([2, 5, 6], 3), numbers([3, 5], 4)],
    call: (q, k, v, attnMask) => F.scaledDotProductAttention(q, k, v, { attnMask }),
    inputs: (q, k, v, mask) => [q, k, v, mask],
    attributes: { dropoutP: 0, isCausal: false, scale: 0.5, enableGqa: false },
  },

  adaptiveAvgPool1d: unary((x) => F.adaptiveAvgPool1d(x, 4), { outputSize: [4] }, rows),
  adaptiveAvgPool2d: unary((x) => F.adaptiveAvgPool2d(x, [3, null]), { outputSize: [3, 6] }, images),
  adaptiveMaxPool1d: unary((x) => F.adaptiveMaxPool1d(x, 4), { outputSize: [4] }, rows),
  adaptiveMaxPool2d: unary((x) => F.adaptiveMaxPool2d(x, 2), { outputSize: [2, 2] }, images),
  avgPool1d: unary((x) => F.avgPool1d(x, 2), { ...row, countIncludePad: true, divisorOverride: null }, rows),
  avgPool2d: unary(
    (x) => F.avgPool2d(x, [2, 3], { stride: [2, 1], padding: [1, 0], countIncludePad: false }),
    { ...window, countIncludePad: false, divisorOverride: null },
    images,
  ),
  fold: unary(
    (x) => F.fold(x, 6, 2, { padding: 1, stride: 2 }),
    { ...folds, outputSize: [6, 6] },
    numbers([2, 12, 16]),
  ),
  interpolate: unary(
    (x) => F.interpolate(x, { scaleFactor: 2.5, mode: "bilinear" }),
    { mode: "bilinear", size: [15, 15], scales: [2.5, 2.5], alignCorners: false },
    images,
  ),
  lpPool1d: unary((x) => F.lpPool1d(x, 2, 2), { ...row, normType: 2 }, rows),
  lpPool2d: unary(
    (x) => F.lpPool2d(x, 2, [2, 3], { stride: [2, 1] }),
    { ...window, padding: [0, 0], normType: 2 },
    images,
  ),
  maxPool1d: unary((x) => F.maxPool1d(x, 2), { ...row, dilation: [1] }, rows),
  maxPool2d: unary(
    (x) => {
      const { values, indices } = F.maxPool2dWithIndices(x, [2, 3], { stride: [2, 1], padding: [1, 0] });
      return [values, indices];
    },
    { ...window, dilation: [1, 1] },
    images,
  ),
  pad: unary((x) => F.pad(x, [1, 2], { mode: "replicate" }), {
    padding: [
      [0, 0],
      [1, 2],
    ],
    mode: "replicate",
    value: 0,
  }),
  pixelShuffle: unary((x) => F.pixelShuffle(x, 2), { upscaleFactor: 2 }, images),
  pixelUnshuffle: unary((x) => F.pixelUnshuffle(x, 3), { downscaleFactor: 3 }, images),
  unfold: unary((x) => F.unfold(x, 2, { padding: 1, stride: 2 }), folds, images),

  bce: {
    given: [x34.sigmoid(), numbers([3, 4], 2).sigmoid()],
    call: (x, t) => F.bce(x, t),
    inputs: (x, t) => [x, t, undefined],
    attributes: pairAttributes,
  },
  bceWithLogits: {
    given: [x34, numbers([3, 4], 2).sigmoid(), numbers([4], 3).abs()],
    call: (x, t, posWeight) => F.bceWithLogits(x, t, { posWeight, reduction: "sum" }),
    inputs: (x, t, posWeight) => [x, t, undefined, posWeight],
    attributes: { reduction: "sum" },
  },
  crossEntropy: {
    given: [x34, ints(1, 3, 0), numbers([4], 3).abs()],
    call: (x, t, weight) => F.crossEntropy(x, t, { weight, labelSmoothing: 0.1 }),
    inputs: (x, t, weight) => [x, t, weight],
    attributes: { reduction: "mean", ignoreIndex: -100, labelSmoothing: 0.1 },
  },
  huber: pair((x, t) => F.huber(x, t, { delta: 0.5 }), { reduction: "mean", delta: 0.5 }),
  klDiv: pair((x, t) => F.klDiv(x, t, { reduction: "batchmean" }), { reduction: "batchmean", logTarget: false }),
  l1: pair((x, t) => F.l1(x, t), pairAttributes),
  mse: pair((x, t) => F.mse(x, t, { reduction: "none" }), { reduction: "none" }),
  nll: {
    given: [x34, ints(1, 3, 0)],
    call: (x, t) => F.nll(x, t),
    inputs: (x, t) => [x, t, undefined],
    attributes: { reduction: "mean", ignoreIndex: -100 },
  },
  smoothL1: pair((x, t) => F.smoothL1(x, t), { reduction: "mean", beta: 1 }),

  argmax: unary((x) => x.argmax(), { dim: null, keepdim: false }),
  argmin: unary((x) => x.argmin(-1, true), { dim: 1, keepdim: true }),
  clamp: unary((x) => x.clamp(-1), { min: -1, max: null }),
  cosineSimilarity: pair((a, b) => F.cosineSimilarity(a, b, -1), { dim: 1, eps: 1e-8 }),
  argsort: unary((x) => x.argsort(0, { descending: true }), { dim: 0, descending: true }),
  einsum: pair((a, b) => einsum("ij,kj->ik", a, b), { equation: "ij,kj->ik" }),
  logsumexp: unary((x) => x.logsumexp(-1), { dims: [1], keepdim: false }),
  matmul: {
    given: [numbers([2, 3]), numbers([5, 3, 4], 2)],
    call: (a, b) => a.matmul(b),
    inputs: (a, b) => [a, b],
    attributes: {},
  },
  mean: unary((x) => x.mean(), { dims: [0, 1], keepdim: false }),
  norm: unary((x) => x.norm(2, 0, true), { dims: [0], keepdim: true }),
  oneHot: {
    given: [ints(1, 0, 2)],
    call: (index) => oneHot(index, 3, { dtype: "float32" }),
    inputs: (index) => [index],
    attributes: { classes: 3, dtype: "float32" },
  },
  repeat: unary((x) => x.repeat(2, 1), { sizes: [2, 1] }),
  placeOfRank: {
    given: [numbers([2, 5], 40)],
    call: (x) => x.kthvalue(2, 1, true).indices,
    inputs: (x) => [x, "some"],
    attributes: { dim: 1 },
  },
  sort: unary(
    (x) => {
      const { values, indices } = x.sort(-1, { descending: true });
      return [values, indices];
    },
    { dim: 1, descending: true },
  ),
  std: unary((x) => x.std(1), { dims: [1], correction: 1, keepdim: false }),
  topk: unary(
    (x) => {
      const { values, indices } = x.topk(2, 0);
      return [values, indices];
    },
    { dim: 0, k: 2, largest: true },
  ),
  tril: unary((x) => x.tril(1), { diagonal: 1 }),
  triu: unary((x) => x.triu(), { diagonal: 0 }),
  variance: unary((x) => x.variance(0, { correction: 0 }), { dims: [0], correction: 0, keepdim: false }),
};

const resultsOf = (made: Tensor | readonly Tensor[]): readonly Tensor[] => (made instanceof Tensor ? [made] : made);

/** The composite on a node, or on the node of which it is a view. */
function noted(node: Node, name: string): Node {
  for (let found: Node | undefined = node; found !== undefined; found = found.inputs[0])
    if (found.composite?.name === name) return found;
  throw new Error(`no note of ${name}`);
}

/** The note on the results, against the case's expectation. */
function check<K extends CompositeName>(name: K, given: readonly Tensor[], made: readonly Tensor[]): void {
  const found = made.map(({ node }) => noted(node, name));
  const composite = found[0]?.composite as Composite;
  expect(composite.attributes).toEqual(cases[name].attributes);
  const wanted = cases[name].inputs(...given);
  expect(composite.inputs.length).toBe(wanted.length);
  for (const [place, input] of wanted.entries()) {
    if (input === "some") expect(composite.inputs[place]).toBeDefined();
    else expect(composite.inputs[place], `input ${place}`).toBe(input?.node);
  }
  found.forEach((node, place) => {
    expect(node.composite).toBe(composite);
    expect(node.compositeResult).toBe(place);
    // A note keeps nothing alive that the graph does not.
    const ancestors = new Set(topologicalOrder([node]));
    ancestors.delete(node);
    for (const input of composite.inputs) if (input !== undefined) expect(ancestors.has(input)).toBe(true);
  });
}

/** The same graph without a note. */
const plain = (nodes: readonly Node[]): Node[] =>
  rewriteGraph(topologicalOrder(nodes), nodes, (node, inputs) =>
    node.source === undefined ? withInputs(node, inputs) : node,
  );

const listing = (nodes: readonly Node[]): string =>
  printProgram(
    compileGraph(
      "f",
      nodes.map((node) => ({ node })),
    ).program,
  );

describe("composites", () => {
  for (const name of Object.keys(cases) as CompositeName[]) {
    const { given, call } = cases[name];

    it(`${name} is noted, and gives the same result without the note`, () => {
      const made = resultsOf(call(...given));
      check(name, given, made);
      const nodes = made.map(({ node }) => node);
      const bare = plain(nodes);
      for (const node of topologicalOrder(bare)) if (node.source === undefined) expect(node.composite).toBeUndefined();
      expect(listing(bare)).toBe(listing(nodes));
      for (const [place, node] of bare.entries())
        expect(Tensor.of(node).dataSync()).toEqual((made[place] as Tensor).dataSync());
    });

    it(`${name} is noted in a compiled function`, () => {
      let checks = 0;
      compile((...args: Tensor[]) => {
        const made = resultsOf(call(...args));
        check(name, args, made);
        checks++;
        return [...made];
      })(...given);
      expect(checks).toBe(1);
    });
  }

  it("shares one composite among the results of an LSTM, one for each layer and direction", () => {
    const twoWays = new nn.LSTM(4, 3, { numLayers: 2, bidirectional: true });
    const [output, [hidden, cell]] = twoWays.forward(sequence);
    const all = topologicalOrder([output.node, hidden.node, cell.node]).filter(
      (node) => node.composite?.name === "lstm",
    );
    const found = new Set(all.map((node) => node.composite));
    expect(found.size).toBe(4);
    for (const composite of found)
      expect(all.filter((node) => node.composite === composite).map((node) => node.compositeResult)).toEqual(
        expect.arrayContaining([0, 1, 2]),
      );
    const reverse = [...found].map((composite) => composite?.name === "lstm" && composite.attributes.reverse);
    expect(reverse.filter(Boolean).length).toBe(2);
  });

  it("notes the parts of composed layers", () => {
    const encoder = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 });
    const names = topologicalOrder([encoder.eval().forward(numbers([5, 2, 8])).node]).map(
      (node) => node.composite?.name,
    );
    expect(names.filter((name) => name === "linear").length).toBe(4);
    expect(names.filter((name) => name === "layerNorm").length).toBe(2);
    expect(names).toContain("scaledDotProductAttention");
  });

  it("notes that batchNorm ran in training mode, without keeping the statistics", () => {
    const norm = new nn.BatchNorm2d(4);
    const { composite } = norm.forward(images).node;
    expect(composite?.attributes).toEqual({ training: true, eps: 1e-5, momentum: 0.1 });
    expect(composite?.inputs).toEqual([images.node, norm.weight?.node, norm.bias?.node, undefined, undefined]);
  });

  it("notes composites without gradients too", () => {
    const { node } = noGrad(() => F.gelu(x34));
    expect(node.composite?.name).toBe("gelu");
    expect(noGrad(() => x34.softmax()).node.inputs[0]?.composite?.name).toBe("softmax");
  });

  it("leaves an input alone that is returned unchanged", () => {
    const x = F.gelu(x34);
    expect(F.interpolate(images, { size: 6, mode: "bilinear" }).node.composite).toBeUndefined();
    expect(F.dropout(x, 0).node.composite?.name).toBe("gelu");
    expect(F.dropout(x, 0.5, false).node.composite?.name).toBe("gelu");
  });

  it("gives the same gradients as before", () => {
    const leaf = numbers([3, 4]);
    leaf.requiresGrad = true;
    F.softmax(F.gelu(leaf)).square().sum().backward();
    expect(leaf.grad?.shape).toEqual([3, 4]);
  });

  it("moves with a rewrite of its leaves, one composite for all results, and is dropped by any other rewrite", () => {
    const x = numbers([4, 3]);
    const { values, indices } = x.add(1).sort();
    const roots = [values.node, indices.node];
    const mover = new CompositeMover();
    const replaced = sourceNode(x.node, { sourceKind: "argument" });
    const moved = rewriteGraph(topologicalOrder(roots), roots, (node, inputs, standIn) =>
      node === x.node
        ? replaced
        : mover.move(node, node.source === undefined ? withInputs(node, inputs) : node, standIn),
    );
    const [first, second] = moved;
    expect(first?.composite?.name).toBe("sort");
    expect(second?.composite).toBe(first?.composite);
    expect([first?.compositeResult, second?.compositeResult]).toEqual([0, 1]);
    expect(first?.composite?.inputs[0]?.inputs[0]).toBe(replaced);
    expect(plain(roots).map((node) => node.composite)).toEqual([undefined, undefined]);
  });

  it("keeps nothing of a long chain that is evaluated on the way", () => {
    let x = numbers([3]);
    for (let k = 0; k < 3000; k++) x = F.gelu(x);
    const inputsOf = ({ inputs, composite }: Node): Node[] => [
      ...inputs,
      ...(composite?.inputs ?? []).flatMap((input) => input ?? []),
    ];
    const plainly = new Set(topologicalOrder([x.node]));
    expect(topologicalOrder([x.node], { inputsOf }).filter((node) => !plainly.has(node))).toEqual([]);
  });

  it("joins the results of several functions", () => {
    const joined = cat([F.silu(x34), F.mish(x34)]);
    expect(joined.node.inputs.map((node) => node.composite?.name)).toEqual(["silu", "mish"]);
  });
});
