// Loss modules compute the same as their functions, with their options.
import { expect, it } from "vitest";
import { grad, rand, seed, type Tensor, tensor } from "../tensor/index.ts";
import * as nn from "./index.ts";
import * as loss from "./losses.ts";

seed(8);
const [x, y, z] = [rand([4, 3]), rand([4, 3]), rand([4, 3])];
const classes = tensor(Int32Array.of(0, 2, 1, 1));
const signs = tensor([1, -1, 1, -1]);
const sum = { reduction: "sum" } as const;

const cases: [nn.Module, Tensor[], () => Tensor][] = [
  [new nn.MSELoss(), [x, y], () => loss.mse(x, y)],
  [new nn.L1Loss(sum), [x, y], () => loss.l1(x, y, sum)],
  [new nn.HuberLoss({ delta: 0.1 }), [x, y], () => loss.huber(x, y, { delta: 0.1 })],
  [new nn.SmoothL1Loss({ beta: 0.1 }), [x, y], () => loss.smoothL1(x, y, { beta: 0.1 })],
  [new nn.BCELoss(sum), [x, y], () => loss.bce(x, y, sum)],
  [new nn.BCEWithLogitsLoss({ posWeight: z }), [x, y], () => loss.bceWithLogits(x, y, { posWeight: z })],
  [
    new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }),
    [x, classes],
    () => loss.crossEntropy(x, classes, { labelSmoothing: 0.1 }),
  ],
  [new nn.NLLLoss({ ignoreIndex: 1 }), [x, classes], () => loss.nll(x, classes, { ignoreIndex: 1 })],
  [new nn.KLDivLoss({ reduction: "batchmean" }), [x, y], () => loss.klDiv(x, y, { reduction: "batchmean" })],
  [new nn.HingeLoss({ margin: 2 }), [x, y], () => loss.hinge(x, y, { margin: 2 })],
  [new nn.HingeEmbeddingLoss({ margin: 2 }), [x, y], () => loss.hingeEmbedding(x, y, { margin: 2 })],
  [new nn.SoftMarginLoss(sum), [x, y], () => loss.softMargin(x, y, sum)],
  [new nn.PoissonNLLLoss({ full: true }), [x, y], () => loss.poissonNll(x, y, { full: true })],
  [new nn.FocalLoss({ gamma: 1 }), [x, y], () => loss.focal(x, y, { gamma: 1 })],
  [
    new nn.CosineEmbeddingLoss({ margin: 0.2 }),
    [x, y, signs],
    () => loss.cosineEmbedding(x, y, signs, { margin: 0.2 }),
  ],
  [new nn.GaussianNLLLoss({ full: true }), [x, y, z], () => loss.gaussianNll(x, y, z, { full: true })],
  [new nn.TripletMarginLoss({ swap: true }), [x, y, z], () => loss.triplet(x, y, z, { swap: true })],
];

it.each(cases.map((entry) => [entry[0].constructor.name, ...entry] as const))("%s", (_, module, inputs, expected) => {
  expect(module.forward(...inputs).itemSync()).toBe(expected().itemSync());
});

it("huber and smoothL1 have curvature where input and target are equal, as in PyTorch", () => {
  const zero = tensor(0);
  expect(grad(grad((a: Tensor) => loss.huber(a, zero)))(tensor(0)).itemSync()).toBe(1);
  expect(grad(grad((a: Tensor) => loss.smoothL1(a, zero, { beta: 0.5 })))(tensor(0)).itemSync()).toBe(2);
});
